"""Papers of this rib: one version each, and what is personal in them sealed.

A paper keeps its history; here that would keep old password hashes and every time somebody
was seen, so a change replaces the paper whole.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from renwei.core.chance import new_number
from renwei.core.shop import Shop
from renwei.core.store import Paper

_SIGNS = string.ascii_letters + string.digits


def put(shop: Shop, kind: str, name: str, body: Mapping[str, Any], at: datetime) -> None:
    """Store a paper without its history."""
    with shop.store.together():
        shop.store.papers.drop(kind, name)
        shop.store.papers.put(kind, name, body, by="trust", at=at)


def each(shop: Shop, kind: str) -> Iterator[Paper]:
    """Every paper of a kind, by name."""
    for name in shop.store.papers.names(kind):
        paper = shop.store.papers.get(kind, name)
        if paper is not None:
            yield paper


def seal(shop: Shop, value: Mapping[str, Any]) -> str:
    """Personal values under the workspace's own key, as text."""
    sealed = shop.store.people.seal_text(msgspec.json.encode(value))
    return base64.b64encode(sealed).decode("ascii")


def unseal(shop: Shop, text: str) -> dict[str, Any]:
    """The inverse of `seal`."""
    opened = shop.store.people.open_text(base64.b64decode(text))
    return msgspec.json.decode(opened, type=dict[str, Any])


def hashed(shop: Shop, purpose: str, text: str) -> str:
    """A keyed hash as a paper's name: found by whoever has the text, read by nobody."""
    return shop.store.people.keyed(f"{purpose}|{text}").hex()


def random_signs(count: int) -> str:
    """So many random letters and digits, all equally likely: 5.95 bits each.

    Example:
        >>> len(random_signs(32)), random_signs(32) == random_signs(32)
        (32, False)
    """
    number, signs = 0, []
    # 64 bits more than needed: what division favours is then beyond measure.
    for _ in range(-(-(6 * count + 64) // 63)):
        number = number << 63 | new_number()
    for _ in range(count):
        number, place = divmod(number, len(_SIGNS))
        signs.append(_SIGNS[place])
    return "".join(signs)


def new_token() -> str:
    """256 random bits, as they stand in a cookie or a link: 43 letters and digits."""
    return random_signs(43)


def is_token(text: str) -> bool:
    """Whether a text could be a token of ours at all; strangers send anything."""
    return 40 <= len(text) <= 50 and text.isascii()


def mark(token: str) -> str:
    """What proves a token beside its name: SHA-256, safe as the token is random."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(mark_kept: str, token: str) -> bool:
    """Whether a token is the one marked, in constant time."""
    return hmac.compare_digest(mark_kept, mark(token))
