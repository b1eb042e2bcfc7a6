"""Sessions: an opaque random token outside, its hash and two deadlines inside.

The cookie holds nothing but the token, so there is nothing in it to sign or to read. A form
carries an HMAC of the token, which nobody can make who cannot read the cookie.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import datetime, timedelta

from renwei.core.clock import from_us, to_us
from renwei.core.errors import Unavailable
from renwei.core.shop import Shop
from renwei.core.store import Paper
from renwei.trust import drawer, members
from renwei.trust.members import Account, Member

KIND = "session"
LASTS = timedelta(days=30)
IDLE = timedelta(hours=12)
FRESH = timedelta(minutes=5)
"""A session used again within this time is only read, not written."""


def begin(shop: Shop, member: Member, at: datetime) -> str:
    """Let an account in; returns the token for the cookie."""
    token = drawer.new_token()
    body = {
        "account": member.account.id,
        "epoch": member.epoch,
        "mark": drawer.mark(token),
        "until": to_us(at + LASTS),
        "seen": to_us(at),
    }
    with shop.store.together():
        _sweep(shop, at)
        drawer.put(shop, KIND, _name(shop, token), body, at)
    return token


def account_of(shop: Shop, token: str, at: datetime) -> Account | None:
    """Whose session this is, while it lives; using it keeps it from going idle."""
    if not drawer.is_token(token):
        return None
    paper = shop.store.papers.get(KIND, _name(shop, token))
    if paper is None or not drawer.same(str(paper.body["mark"]), token) or not _lives(paper, at):
        return None
    member = members.get(shop, str(paper.body["account"]))
    if member is None or member.epoch != paper.body["epoch"]:
        return None
    if at - from_us(int(paper.body["seen"])) >= FRESH:
        # Reading goes on where nothing can be written (disk full).
        with suppress(Unavailable):
            _touch(shop, paper, at)
    return member.account


def sign_out(shop: Shop, token: str) -> bool:
    """End a session; tells whether there was one."""
    return drawer.is_token(token) and shop.store.papers.drop(KIND, _name(shop, token))


def end_all(shop: Shop, account: str = "") -> int:
    """End the sessions of an account, or everybody's (after a restore); returns how many."""
    ended = 0
    with shop.store.together():
        for paper in drawer.each(shop, KIND):
            if not account or paper.body["account"] == account:
                ended += shop.store.papers.drop(KIND, paper.name)
    return ended


def csrf_of(token: str) -> str:
    """What a form must carry to be taken as sent from our own page.

    Example:
        >>> check_csrf("a", csrf_of("a")), check_csrf("b", csrf_of("a")), check_csrf("", "")
        (True, False, False)
    """
    return hmac.digest(token.encode(), b"renwei csrf", "sha256").hex()


def check_csrf(token: str, sent: str) -> bool:
    """Whether a form's token belongs to this session; constant time."""
    return bool(token) and sent.isascii() and hmac.compare_digest(csrf_of(token), sent)


def _lives(paper: Paper, at: datetime) -> bool:
    body = paper.body
    return at < from_us(int(body["until"])) and at - from_us(int(body["seen"])) < IDLE


def _touch(shop: Shop, paper: Paper, at: datetime) -> None:
    with shop.store.together():
        # Ended meanwhile stays ended.
        if shop.store.papers.get(KIND, paper.name) is not None:
            drawer.put(shop, KIND, paper.name, {**paper.body, "seen": to_us(at)}, at)


def _sweep(shop: Shop, at: datetime) -> None:
    for paper in drawer.each(shop, KIND):
        if not _lives(paper, at):
            shop.store.papers.drop(KIND, paper.name)


def _name(shop: Shop, token: str) -> str:
    return drawer.hashed(shop, KIND, token)
