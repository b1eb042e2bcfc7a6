"""Which row is the header and what each column means: by name, then by what it holds."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from renwei.collect.dates import looks_like_dates
from renwei.collect.values import amount, is_absent, tidy

_BRACKETS = re.compile(r"[(\[{（【<][^)\]}）】>]*[)\]}）】>]")
_NOISE = re.compile(r"[\s_\-./\\:：*#'\"“”‘’、，,;；|!?？~`^&+°·®%]+")
# Tried in order on headers that are in no list.
_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"^子订单(编?号|id)$", "suborder"),
    (
        r"(快递|物流|运单|包裹|发票|支付单|退款单|售后单|交易流水|支付流水|结算|账单).*(号|id|公司|名称|方式|状态)",
        "",
    ),
    (
        r"(发货|完成|确认|收货|成团|预售|承诺|签收|揽收|修改|更新|结束|到期|打印|评价|最晚).*(时间|日期)",
        "",
    ),
    (r"(主|父|母)?订单(编?号|id)$", "order"),
    (r"(退款|售后|维权)状态", "refund_status"),
    (r"退款.*金额|已退.*金额", "refund"),
    (r"(支付|付款).*(时间|日期)", "paid_at"),
    (r"(下单|创建|订单|提交|拍下|交易|成交|购买).*(时间|日期)", "created"),
    (r"(支付|付款)状态", "pay_status"),
    (r"订单状态|交易状态", "status"),
    (r"(关闭|取消)原因", "close_reason"),
    (r"(商品|宝贝|货品).*(实付|应付|成交|小计|总价)", "line_amount"),
    (
        r"平台|达人|主播|支付优惠|佣金|服务费|补贴|成本|税|积分|红包|手续费|定金|尾款|改价|保费|余额|礼品卡",
        "",
    ),
    (r"实付|实收|实际支付|实际付款", "paid"),
    (r"(应付|应收|订单)(总)?(金额|总额|总价|款)|^总(金额|额|价)|合计", "total"),
    (r"运费|邮费|快递费|配送费", "shipping"),
    (r"优惠|折扣|减免|满减", "discount"),
    (r"总(数量|件数)|商品总数", "order_quantity"),
    (r"(购买|商品|宝贝|下单|销售)?(数量|件数)$", "quantity"),
    (r"(单价|价格|售价)$", "price"),
    (r"规格|属性|款式|颜色", "variant"),
    (r"(商品|宝贝|产品|货品).*(名称|标题|名)$", "title"),
    (r"(商家|商品|规格|sku|货品).*(编码|货号|编号|id)$", "code"),
    (r"(手机|联系方式|电话)(号码?)?$", "phone"),
    (r"(买家|客户|会员|用户|粉丝).*(昵称|会员名|账号|旺旺)", "nick"),
    (r"(买家|客户|会员|用户|顾客).*(id|编号|号|编码)$", "customer"),
    (r"(收货|收件)人?.*(姓名|名)$", "name"),
    (r"(收货|收件|详细).*地址", "address"),
    (r"邮箱|email", "email"),
    (r"留言|买家备注", "note"),
    (r"^(order|invoice|receipt|transaction|basket)(id|no|num|number|nr|code|ref|reference)$", "order"),
    (r"(order|purchase|created|invoice|transaction|sale).*(date|time|at|timestamp)$", "created"),
    (r"(pay|paid).*(date|time|at)$", "paid_at"),
    (r"(ship|deliver|fulfil|updat|modif|complet|due).*(date|time|at|on)$", ""),
    (
        r"(customer|client|user|member|buyer|account|household).*(id|no|num|number|code)$",
        "customer",
    ),
    (r"(quantity|qty)$", "quantity"),
    (r"(tax|fee|cost|tip|compare|gift|vat|commission|payout)", ""),
    (r"refund.*(amount|total|value)$", "refund"),
    (r"(unit|item|each|product).*price$", "price"),
    (r"line.*(total|amount|price|value)$", "line_amount"),
    (r"(amount|total).*paid|paid.*(amount|total)", "paid"),
    (r"(order|grand|sale|purchase|net)s?.*(total|amount|value|revenue)$|^total", "total"),
    (r"(shipping|delivery|freight).*(cost|price|amount|total|fee)?$", "shipping"),
    (r"discount.*(amount|total|value)?$", "discount"),
    (r"(product|item|goods|article).*(name|title|desc|description)$", "title"),
    (r"(sku|product|item|stock|article).*(code|id|no|number|sku)$|sku$", "code"),
    (r"(phone|mobile)(number|no)?$", "phone"),
    (r"(order|payment)?status$", "status"),
)


def plain(header: str) -> str:
    """A header as it is compared: without case, blanks, punctuation, brackets."""
    text = unicodedata.normalize("NFKC", tidy(header)).lower()
    bare = _NOISE.sub("", _BRACKETS.sub("", text))
    bare = bare or _NOISE.sub("", re.sub(r"[()\[\]{}<>]", "", text))
    return "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))


def unit_of(header: str) -> str:
    """What stands in a header's brackets: "元", "USD", "分" ..., or ""."""
    text = unicodedata.normalize("NFKC", header)
    match = re.search(r"[(\[（]([^)\]）]{1,6})[)\]）]", text)
    return match[1].strip() if match else ""


@lru_cache(maxsize=1)
def synonyms() -> Mapping[str, str]:
    """Plain header -> field, of every list."""
    text = files("renwei.collect").joinpath("synonyms.toml").read_text("utf-8")
    return {plain(n): field for field, names in tomllib.loads(text).items() for n in names}


@lru_cache(maxsize=4096)
def field_of(header: str) -> str:
    """The field a header names by the lists or the patterns, "" where it names none.

    Example:
        >>> field_of("实付金额（元）"), field_of("Order ID"), field_of("快递单号")
        ('paid', 'order', '')
    """
    name = plain(header)
    if not name:
        return ""
    known = synonyms()
    if name in known:
        return known[name]
    if "." in header and plain(header.rsplit(".", 1)[1]) in known:
        parent, leaf = header.rsplit(".", 1)
        both = plain(parent) + plain(leaf)
        return known.get(both) or _of_parent(plain(parent), plain(leaf), known)
    for pattern, field in _PATTERNS:
        if re.search(pattern, name):
            return field
    return ""


def _of_parent(parent: str, leaf: str, known: Mapping[str, str]) -> str:
    if parent in ("customer", "buyer", "user", "member") and leaf in ("id", "name"):
        return "customer" if leaf == "id" else "buyer_name"
    return known[leaf]


def header_row(head: Sequence[Sequence[str]]) -> int:
    """Index of the header among the first records, -1 where there is none.

    The row with most known names wins. Where no name is known, it is the first row of texts
    above rows of data.
    """
    hits = [len({f for c in row if (f := field_of(c)) and len(c) < 40}) for row in head]
    best = max(range(len(head)), key=lambda n: (hits[n], -n), default=-1)
    if best >= 0 and hits[best] >= 2 and not is_data(head[best]):
        return best
    widest = max((sum(bool(c.strip()) for c in row) for row in head), default=0)
    for n, row in enumerate(head[:-1]):
        full = sum(bool(c.strip()) for c in row)
        if full >= max(2, 0.6 * widest):
            return n if not is_data(row) and is_data(head[n + 1]) else -1
    return -1


def is_data(row: Sequence[str]) -> bool:
    """Whether cells hold numbers or dates, as data rows do and headers do not."""
    present = [c for c in row if not is_absent(c)]
    if not present:
        return False
    numbers = sum(amount(c) is not None for c in present)
    dates = sum(looks_like_dates([c]) > 0 for c in present)
    return numbers + dates >= max(1, 0.25 * len(present))


def letters(width: int) -> list[str]:
    """Column names as a spreadsheet letters them: A, B ... Z, AA."""
    names = []
    for n in range(1, width + 1):
        name, left = "", n
        while left:
            left, rest = divmod(left - 1, 26)
            name = chr(65 + rest) + name
        names.append(name)
    return names


def unique_names(header: Sequence[str]) -> list[str]:
    """Headers as written; blank ones get their letter."""
    lettered = letters(len(header))
    return [tidy(h) or lettered[n] for n, h in enumerate(header)]
