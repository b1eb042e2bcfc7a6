"""Status words of shops in Chinese and English, and what several of them mean together."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache


class State(IntEnum):
    """What a row says about its payment. SILENT says nothing, UNKNOWN is no word we know."""

    SILENT = 0
    PAID = 1
    UNPAID = 2
    CLOSED = 3
    REFUNDED = 4
    UNKNOWN = 5


_WORDS: tuple[tuple[State, str], ...] = (
    (
        State.PAID,
        r"部分退款|部分付款|部分发货|partial|partly|退款中|申请退款|退款关闭|退款失败|拒绝退款|refund requested",
    ),
    (
        State.REFUNDED,
        r"退款成功|已退款|已退貨|退貨完成|全额退款|退款完成|已退货|退货完成|退货成功|^退款$|^refund(ed)?$|fully refunded|^returned$|charged ?back|erstattet|rembours|reembols|rimborsat|terugbetaald",
    ),
    (
        State.CLOSED,
        r"关闭|取消|作废|删除|锁定|无效|已撤销|關閉|不成立|cancel|void|closed|trash|deleted|declined|rejected|storn|widerruf|annul|abgebrochen|geannuleerd",
    ),
    (
        State.UNPAID,
        r"等待买家付款|待付款|未付款|待支付|未支付|等待付款|等待支付|付款中|未成功|拼团中|待成团|unpaid|not paid|^pending|on-?hold|awaiting payment|waiting.*pay|^authori[sz]ed|draft|failed|expired|abandoned|unbezahlt|^offen|en attente|pendiente|in attesa",
    ),
    (
        State.PAID,
        r"成功|完成|已付|已支付|发货|收货|签收|送达|待评价|已评价|待发|备货|出库|配送|自提|paid|complet|processing|shipped|deliver|fulfil|success|settled|captured|received|approved|active|open|done|出貨|寄出|寄送|運送|送達|處理中|發貨|收貨|簽收|bezahlt|versan|versen|verschickt|zugestellt|abgeschlossen|geliefert|pay[ée]|exp[ée]di|livr|pagad|enviad|entregad|pagat|spedit|consegnat",
    ),
)
_REFUND_WORDS: tuple[tuple[State, str], ...] = (
    (State.SILENT, r"部分|partial|关闭|失败|拒绝|取消|未|无|中|待|申请|none|no |reject|cancel"),
    (
        State.REFUNDED,
        r"退款成功|已退|退款完成|售后完成|全额退|退货成功|成功|^refunded|^returned|^full",
    ),
)
_REASON_WORDS: tuple[tuple[State, str], ...] = (
    (State.CLOSED, r"未付款|未支付|超时|没有付款|unpaid|not paid|expired"),
    (State.REFUNDED, r"退款|退货|refund|return"),
)


@lru_cache(maxsize=4096)
def state_of(word: str) -> State:
    """What an order's status says.

    Example:
        >>> state_of("交易成功").name, state_of("wc-on-hold").name, state_of("已关闭").name
        ('PAID', 'UNPAID', 'CLOSED')
    """
    return _match(_WORDS, word, State.UNKNOWN)


@lru_cache(maxsize=4096)
def refund_state(word: str) -> State:
    """REFUNDED where an after-sale status says that all was paid back."""
    return _match(_REFUND_WORDS, word, State.SILENT)


@lru_cache(maxsize=4096)
def reason_state(word: str) -> State:
    """REFUNDED or CLOSED where the reason for closing says which."""
    return _match(_REASON_WORDS, word, State.SILENT)


def _match(table: tuple[tuple[State, str], ...], word: str, otherwise: State) -> State:
    text = unicodedata.normalize("NFKC", word).strip().lower().removeprefix("wc-")
    text = text.replace("_", " ")
    if not text:
        return State.SILENT
    for state, pattern in table:
        if re.search(pattern, text):
            return state
    return otherwise
