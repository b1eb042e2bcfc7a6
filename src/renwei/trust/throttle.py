"""Repeated failed sign-ins slow down, for the account and for the address they come from.

Each failure beyond the free ones doubles the wait, up to a limit: guessing becomes hopeless
and nobody is locked out for good. The count is on disk, so a restart does not reset it, and
it is kept for unknown e-mails too, so the answer does not tell who has an account. A place
from which an account was entered before has a count of its own: strangers who guess from
elsewhere cannot keep its owner waiting.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from renwei.core.clock import from_us, to_us
from renwei.core.errors import Refused
from renwei.core.shop import Shop
from renwei.trust import drawer
from renwei.trust.members import plain_email

KIND, KNOWN = "tries", "known"
FREE_ACCOUNT, FREE_ADDRESS = 5, 20
LONGEST_S = 300
KEPT = timedelta(hours=24)
KNOWN_FOR = timedelta(days=30)
_MANY = 200


def begin(shop: Shop, email: str, address: str, at: datetime) -> None:
    """Count a try before it is looked at, so that many at once do not slip through.

    Raises:
        Refused: too_many_tries, with `retry_after_s`.
    """
    counted = _counted(shop, email, address, at)
    with shop.store.together():
        bodies = [_body(shop, name, at) for name, _ in counted]
        waits = [_wait_s(b, free, at) for b, (_, free) in zip(bodies, counted, strict=True)]
        if max(waits) > 0:
            raise Refused("too_many_tries", retry_after_s=max(waits))
        _sweep(shop, at)
        for body, (name, _) in zip(bodies, counted, strict=True):
            now = {"n": body["n"] + 1, "last": to_us(at), "of": _account(shop, email)}
            drawer.put(shop, KIND, name, now, at)


def succeeded(shop: Shop, email: str, address: str, at: datetime) -> None:
    """The try was right: nothing is counted against the account here any more."""
    account = _account(shop, email)
    (counter, _), *rest = _counted(shop, email, address, at)
    with shop.store.together():
        shop.store.papers.drop(KIND, counter)
        for name, _ in rest:
            # Only this try: whoever has an account could wipe the count for guessing others.
            body = _body(shop, name, at)
            drawer.put(shop, KIND, name, {**body, "n": max(body["n"] - 1, 0)}, at)
        known = {"of": account, "until": to_us(at + KNOWN_FOR)}
        drawer.put(shop, KNOWN, _place(shop, account, address), known, at)


def clear(shop: Shop, email: str) -> None:
    """Nothing is counted against the account, and no place is known (password set, gone)."""
    account = _account(shop, email)
    with shop.store.together():
        for kind in (KIND, KNOWN):
            for paper in drawer.each(shop, kind):
                if paper.body.get("of") == account:
                    shop.store.papers.drop(kind, paper.name)


def _counted(shop: Shop, email: str, address: str, at: datetime) -> list[tuple[str, int]]:
    account = _account(shop, email)
    place = _place(shop, account, address)
    known = shop.store.papers.get(KNOWN, place)
    here = known is not None and at < from_us(int(known.body["until"]))
    counted = [(place if here else account, FREE_ACCOUNT)]
    network = _network(address)
    if network:
        counted.append((drawer.hashed(shop, "tries|address", network), FREE_ADDRESS))
    return counted


def _account(shop: Shop, email: str) -> str:
    return drawer.hashed(shop, "tries|account", plain_email(email))


def _place(shop: Shop, account: str, address: str) -> str:
    return drawer.hashed(shop, "tries|place", f"{account}|{_network(address) or 'here'}")


def _network(address: str) -> str:
    """The address, or for IPv6 its /64, which one customer holds whole; "" for this machine."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return ""
    if found.version == 6:
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found)


def _body(shop: Shop, name: str, at: datetime) -> Mapping[str, Any]:
    paper = shop.store.papers.get(KIND, name)
    if paper is None or at - from_us(int(paper.body["last"])) >= KEPT:
        return {"n": 0, "last": to_us(at)}
    return paper.body


def _wait_s(body: Mapping[str, Any], free: int, at: datetime) -> int:
    over = int(body["n"]) - free
    if over < 0:
        return 0
    wait = timedelta(seconds=min(2 ** min(over, 20), LONGEST_S))
    left = from_us(int(body["last"])) + wait - at
    # A clock set back must not lock anybody out for longer than the longest wait.
    return min(max(-(-left // timedelta(seconds=1)), 0), LONGEST_S)


def _sweep(shop: Shop, at: datetime) -> None:
    if len(shop.store.papers.names(KIND)) < _MANY:
        return
    for paper in drawer.each(shop, KIND):
        if at - from_us(int(paper.body["last"])) >= KEPT:
            shop.store.papers.drop(KIND, paper.name)
    for paper in drawer.each(shop, KNOWN):
        if at >= from_us(int(paper.body["until"])):
            shop.store.papers.drop(KNOWN, paper.name)
