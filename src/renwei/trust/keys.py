"""API keys: shown once, kept as a keyed hash, revoked at once.

A key is `rw_`, the letter of its scope and 32 random letters and digits (190 bits), so that
people and secret scanners recognise one. Look-ups are by keyed hash: their time tells nothing
to whoever has no key to the hash.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from renwei.core.chance import new_number, to_id
from renwei.core.clock import from_us, ticks, to_us
from renwei.core.errors import BadInput, Unavailable, UnknownName
from renwei.core.shop import Shop
from renwei.core.store import Paper, Store
from renwei.trust import audit, drawer
from renwei.trust.roles import SCOPES

KIND, USED = "key", "key-used"
FRESH_S = 0.01
"""So long a look-up is remembered: a key revoked by another process is dead before that ends."""

_LENGTH = 32
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its bearer: `source` is what events that it brings say of their origin."""

    id: str
    scope: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class KeyKept:
    """A key as the list shows it; `used` is the last day of use, in UTC, or ""."""

    id: str
    scope: str
    name: str
    created: datetime
    used: str
    revoked: datetime | None


_Found = tuple[float, Key | None]
_remembered: WeakKeyDictionary[Store, dict[bytes, _Found]] = WeakKeyDictionary()


def create(shop: Shop, scope: str, name: str, at: datetime) -> tuple[Key, str]:
    """Make a key; the second part of the answer is the key itself, for the only time.

    Raises:
        BadInput: unknown_scope, name_bad.
    """
    if scope not in SCOPES:
        raise BadInput("unknown_scope", name=scope[:100], known=", ".join(SCOPES))
    called = " ".join(name.split())
    if len(called) > 100 or not called.isprintable():
        raise BadInput("name_bad", most=100)
    shown = f"rw_{scope[0]}_" + drawer.random_signs(_LENGTH)
    number = to_id(new_number(), "k")
    body = {"id": number, "scope": scope, "name": called, "created": to_us(at), "revoked": None}
    drawer.put(shop, KIND, _name(shop, shown), body, at)
    audit.note(shop, audit.current(), "key_created", key=number, scope=scope)
    return Key(number, scope, called, f"key:{number}"), shown


def kept(shop: Shop) -> list[KeyKept]:
    """Every key, revoked ones too, the oldest first."""
    found = [_kept(shop, paper) for paper in drawer.each(shop, KIND)]
    return sorted(found, key=lambda one: (one.created, one.id))


def revoke(shop: Shop, key: str, at: datetime) -> KeyKept:
    """Let a key open nothing any more; one revoked before stays as it was.

    Raises:
        UnknownName: unknown_key.
    """
    with shop.store.together():
        papers = {str(paper.body["id"]): paper for paper in drawer.each(shop, KIND)}
        paper = papers.get(key)
        if paper is None:
            raise UnknownName.among("key", key, papers)
        if paper.body["revoked"] is None:
            body = {**paper.body, "revoked": to_us(at)}
            drawer.put(shop, KIND, paper.name, body, at)
            paper = shop.store.papers.get(KIND, paper.name) or paper
            audit.note(shop, audit.current(), "key_revoked", key=key)
    _remembered.pop(shop.store, None)
    return _kept(shop, paper)


def find_key(shop: Shop, presented: str) -> Key | None:
    """The key that was presented, or None where it opens nothing.

    Remembered for a moment, so that of thousands of requests a second few ask the database,
    and a key that `renwei keys revoke` ended beside the server opens nothing from then on.
    """
    if not presented.startswith("rw_") or len(presented) != _LENGTH + 5:
        return None
    held = _remembered.get(shop.store)
    if held is None:
        held = _remembered.setdefault(shop.store, {})
    # What is remembered is no key either: a core dump shows hashes alone.
    digest = hashlib.sha256(presented.encode()).digest()
    found = held.get(digest)
    if found is not None and ticks() - found[0] < FRESH_S:
        return found[1]
    if len(held) >= _REMEMBERED:
        held.clear()
    key = _look_up(shop, presented)
    held[digest] = (ticks(), key)
    return key


def is_remembered(store: Store, presented: str) -> bool:
    """Whether `find_key` knows of this key without asking the database."""
    held = _remembered.get(store)
    found = held.get(hashlib.sha256(presented.encode()).digest()) if held else None
    return found is not None and ticks() - found[0] < FRESH_S


def _look_up(shop: Shop, presented: str) -> Key | None:
    name = _name(shop, presented)
    paper = shop.store.papers.get(KIND, name)
    if paper is None or not hmac.compare_digest(paper.name, name):
        return None
    if paper.body["revoked"] is not None:
        return None
    number = str(paper.body["id"])
    _note_use(shop, number)
    return Key(number, str(paper.body["scope"]), str(paper.body["name"]), f"key:{number}")


def _note_use(shop: Shop, key: str) -> None:
    at = shop.clock.now()
    day = f"{at:%Y-%m-%d}"
    held = shop.store.papers.get(USED, key)
    if held is None or held.body["day"] != day:
        # A key opens the door also where nothing can be written.
        with suppress(Unavailable):
            drawer.put(shop, USED, key, {"day": day}, at)


def _kept(shop: Shop, paper: Paper) -> KeyKept:
    body, number = paper.body, str(paper.body["id"])
    used = shop.store.papers.get(USED, number)
    revoked = body["revoked"]
    return KeyKept(
        id=number,
        scope=str(body["scope"]),
        name=str(body["name"]),
        created=from_us(int(body["created"])),
        used=str(used.body["day"]) if used else "",
        revoked=None if revoked is None else from_us(int(revoked)),
    )


def _name(shop: Shop, presented: str) -> str:
    return drawer.hashed(shop, KIND, presented)
