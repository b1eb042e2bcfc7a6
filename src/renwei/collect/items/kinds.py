"""What kinds of items there are, and by what an item is known."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from renwei.core.errors import BadInput
from renwei.core.nouns import OUR_OWN

PRODUCT: Final = "product"
KINDS: Final = (
    PRODUCT, "video", "song", "challenge", "article", "coupon", "creator", "playlist", "post",
    "course", "event", "service", "module",
)  # fmt: skip
"""Those that every shop has words for; a shop may have others."""
LONGEST_ID: Final = 200
_SAID: Final = {
    "商品": PRODUCT, "产品": PRODUCT, "商品sku": PRODUCT, "sku": PRODUCT, "products": PRODUCT,
    "视频": "video", "短视频": "video", "videos": "video", "歌曲": "song", "音乐": "song",
    "music": "song", "track": "song", "songs": "song", "挑战": "challenge", "挑战赛": "challenge",
    "文章": "article", "资讯": "article", "articles": "article", "优惠券": "coupon",
    "券": "coupon", "coupons": "coupon", "达人": "creator", "主播": "creator",
    "creators": "creator", "歌单": "playlist", "帖子": "post", "笔记": "post", "课程": "course",
    "活动": "event", "服务": "service", "模块": "module",
}  # fmt: skip
_KIND: Final = re.compile(r"[^\W_][\w-]{0,39}")


def kind_of(value: Any) -> str:
    """A kind as told, in our word for it; "" stays "".

    Raises:
        BadInput: item_bad_kind.

    Example:
        >>> kind_of("视频"), kind_of("Product"), kind_of("recipe"), kind_of("")
        ('video', 'product', 'recipe', '')
    """
    if value is None or value == "":
        return ""
    text = unicodedata.normalize("NFKC", value).strip().casefold() if type(value) is str else "?"
    text = _SAID.get(text, text)
    if not _KIND.fullmatch(text) or text in OUR_OWN:
        raise BadInput("item_bad_kind", field="kind", found=str(value)[:60], known=", ".join(KINDS))
    return text


def id_of(value: Any) -> str:
    """An id as told: a text, or a whole number as JSON writes it.

    Raises:
        BadInput: item_no_id, item_bad_id.

    Example:
        >>> id_of(" A-1 "), id_of(42)
        ('A-1', '42')
    """
    if value is None or value == "":
        raise BadInput("item_no_id", field="id")
    if type(value) is int and abs(value) < 1 << 63:
        value = str(value)
    text = value.strip() if type(value) is str else ""
    if not 0 < len(text) <= LONGEST_ID or not text.isprintable():
        raise BadInput("item_bad_id", field="id", found=str(value)[:60], most=LONGEST_ID)
    return text
