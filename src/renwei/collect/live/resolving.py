"""Identifiers of live events to actors, many at once, from a bounded memory.

A user id is one person whatever device it comes from; an anonymous id is a browser or an
installation. User ids that are e-mail addresses or phone numbers are kept as such, so that
the app and the shop's order files mean the same person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from renwei.collect.live.incoming import Incoming
from renwei.collect.live.reading import id_of
from renwei.collect.names import is_placeholder
from renwei.collect.records import Identifier
from renwei.collect.regions import region_of
from renwei.collect.values import is_email, phone
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.core.store import Named, People, Store

KEPT: Final = 200_000
_LIKE_PHONE: Final = re.compile(r"^(?:\+\d[\d \-()]{6,20}|1[3-9]\d{9})$")
OWN_FILES: Final = ("generic", "uci")
"""Layouts of files that come from no marketplace: their customer numbers are the shop's own."""
LOOK_AGAIN: Final = timedelta(minutes=10)
"""An order file may have come in since a user was first seen."""
ONE_SPACE: Final = ("posthog", "sensors")
"""Wires whose visitors and users share one space of ids."""


def named_user(user_id: str, region: str) -> Named:
    """The identifier that a user id is.

    Example:
        >>> named_user("Mei@Example.com", "CN"), named_user("13912345670", "CN").value
        (Named(kind='email', value='mei@example.com'), '+8613912345670')
        >>> named_user("u-7", "CN")
        Named(kind='user', value='u-7')
    """
    if "@" in user_id and is_email(user_id):
        return Named("email", user_id.lower())
    if _LIKE_PHONE.match(user_id) and (number := phone(user_id, region)):
        return Named("phone", number)
    return Named("user", user_id)


def contact(kind: str, text: str, region: str) -> Named | None:
    """The identifier that a personal text is; None for none and for what many type."""
    if kind == "email":
        value = text.lower() if is_email(text) else ""
    elif kind == "phone":
        value = phone(text, region)
    else:
        value = id_of(text)
    if not value or (kind in ("email", "phone") and _is_nobodys(kind, value)):
        return None
    return Named(kind, value)


def _is_nobodys(kind: str, value: str) -> bool:
    return is_placeholder(Identifier("email" if kind == "email" else "phone", value))


class Whose(msgspec.Struct, gc=False):
    """Whose an event is: its actor, and other actors that it shows to be the same person.

    `numbered` is the customer of the shop's own files who has the user's id as a number.
    """

    actor: int
    others: tuple[int, ...] = ()
    numbered: int = NOBODY


class Resolver:
    """Remembers actors of identifiers; one a store. Whoever forgets or undoes empties it."""

    def __init__(self) -> None:
        self._actors: dict[Named, int] = {}
        self._users: dict[str, int] = {}
        self._visitors: dict[str, int] = {}
        self._numbered: dict[str, int] = {}
        self._looked: datetime | None = None
        self._version = -1
        self._own = self._seen_own = 0
        self.lock = Lock()
        """Whoever prepares holds it; folds never do, they may hold the store."""

    def note_merges(self, n: int) -> None:
        """Say that the map of persons turned by merges of our own, which change no actor."""
        self._own += n

    def clear(self) -> None:
        """Remember nothing."""
        for known in (self._actors, self._users, self._visitors, self._numbered):
            known.clear()

    def _refresh(self, people: People) -> None:
        # The fold's merges may be noted before they are committed, so fewer turns than noted
        # are all our own; whoever was forgotten in between is nobody for the log in any case.
        version = people.map_version()
        turns = version - self._version
        if turns > self._own - self._seen_own or turns < 0:
            self.clear()
            self._seen_own = self._own
        else:
            self._seen_own += turns
        self._version = version

    def resolve(
        self, shop: Shop, arrived: Sequence[tuple[str, Incoming]], at: datetime
    ) -> list[Whose]:
        """Whose each event is, aligned; NOBODY where the person was forgotten."""
        people = shop.store.people
        self._refresh(people)
        if self._looked is None or not timedelta(0) <= at - self._looked < LOOK_AGAIN:
            self._looked = at
            self._users.clear()
        self._learn(shop, arrived, at)
        users, visitors = self._users.get, self._visitors.get
        found: list[Whose] = []
        pairs: list[tuple[int, int, int]] = []
        for index, (_, one) in enumerate(arrived):
            user = users(one.user_id) if one.user_id else None
            visitor = visitors(one.anonymous_id) if one.anonymous_id else None
            if user is None:
                found.append(Whose(visitor if visitor is not None else self._by_device(one)))
            else:
                numbered = (
                    self._still_apart(people, one.user_id, user) if self._numbered else NOBODY
                )
                found.append(Whose(user, numbered=numbered))
                if visitor and user:
                    pairs.append((index, user, visitor))
        self._join(people, found, pairs)
        self._join_named(shop, arrived, found, at)
        return found

    def actors(
        self, people: People, names: Sequence[Named], at: datetime, source: str
    ) -> list[int]:
        """The actors of identifiers, made where they are new."""
        known = self._actors
        missing = list(dict.fromkeys(name for name in names if name not in known))
        if missing:
            _bound(known)
            known |= zip(missing, people.actors(missing, at, source), strict=True)
        return [known[name] for name in names]

    def _learn(self, shop: Shop, arrived: Sequence[tuple[str, Incoming]], at: datetime) -> None:
        users, visitors = self._users, self._visitors
        new: dict[tuple[bool, str], str] = {}
        for source, one in arrived:
            if one.user_id and one.user_id not in users:
                new.setdefault((True, one.user_id), source)
            if one.anonymous_id and one.anonymous_id not in visitors:
                new.setdefault((False, one.anonymous_id), source)
        if not new:
            return
        _bound(users)
        _bound(visitors)
        region = region_of(shop.settings.currency, shop.settings.zone)
        by_source: dict[str, list[tuple[bool, str]]] = {}
        for key, source in new.items():
            by_source.setdefault(source, []).append(key)
        for source, keys in by_source.items():
            names = [
                named_user(text, region) if is_user else Named("anonymous", text)
                for is_user, text in keys
            ]
            for (is_user, text), actor in zip(
                keys, shop.store.people.actors(names, at, source), strict=True
            ):
                (users if is_user else visitors)[text] = actor
                if is_user:
                    self._look_up(shop.store.people, text, at)

    def _look_up(self, people: People, text: str, at: datetime) -> None:
        """Whether the shop's own files know a customer by this number."""
        names = [Named("customer", f"{layout}:{text}") for layout in OWN_FILES]
        known = [name for name in names if people.find(name)]
        if len(known) == 1:
            _bound(self._numbered)
            (self._numbered[text],) = people.actors(known, at)

    def _still_apart(self, people: People, text: str, user: int) -> int:
        """The customer of this number, as long as the user is another person."""
        customer = self._numbered.get(text, NOBODY)
        if customer != NOBODY:
            one, two = people.persons_of([user, customer])
            if one == two or NOBODY in (one, two):
                del self._numbered[text]
                return NOBODY
        return customer

    def _by_device(self, one: Incoming) -> int:
        # An event without any id but its device's was let in by `read`; see `_join_named`.
        return -1 if device_of(one) else NOBODY

    @staticmethod
    def _join(people: People, found: list[Whose], pairs: list[tuple[int, int, int]]) -> None:
        if not pairs:
            return
        users = people.persons_of([user for _, user, _ in pairs])
        visitors = people.persons_of([visitor for _, _, visitor in pairs])
        for (index, _, visitor), a, b in zip(pairs, users, visitors, strict=True):
            if a != b and NOBODY not in (a, b):
                found[index].others = (visitor,)

    def _join_named(
        self,
        shop: Shop,
        arrived: Sequence[tuple[str, Incoming]],
        found: list[Whose],
        at: datetime,
    ) -> None:
        """Devices and previous ids: what only some calls name."""
        people = shop.store.people
        region = ""
        for index, (source, one) in enumerate(arrived):
            whose = found[index]
            if one.kind == "track" and whose.actor != -1:
                continue
            region = region or region_of(shop.settings.currency, shop.settings.zone)
            names = _named_beside(people, one, region, alone=whose.actor == -1)
            actors = self.actors(people, names, at, source) if names else []
            if whose.actor == -1:
                whose.actor = actors[0] if actors else NOBODY
            others = dict.fromkeys((*whose.others, *actors))
            whose.others = tuple(a for a in others if a not in (NOBODY, whose.actor))


def _named_beside(people: People, one: Incoming, region: str, *, alone: bool) -> list[Named]:
    names: list[Named] = []
    device = device_of(one)
    if device and (alone or (one.kind == "identify" and one.user_id)):
        names.append(Named("device", device))
    if one.kind == "identify" and one.wire in ONE_SPACE and one.anonymous_id:
        # Where users and visitors look alike, a visitor may have come in as a user.
        before = Named("user", one.anonymous_id)
        names += [before] if people.find(before) else []
    if one.previous_id and one.kind in ("alias", "merge"):
        names.append(_previous(people, one, region))
    if one.kind == "merge":
        for kind, value in one.traits.items():
            named = _merge_property(kind, value, region)
            if named is not None:
                names.append(named)
    return names


def _merge_property(kind: str, value: Any, region: str) -> Named | None:
    """RudderStack's mergeProperties: what they call a kind, and its value."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    text, plain = str(value).strip(), kind.strip().lower().replace("_", "")
    if plain in ("userid", "user", "id"):
        return named_user(text, region) if id_of(text) else None
    if plain in ("anonymousid", "anonymous"):
        return Named("anonymous", text) if id_of(text) else None
    ours = {"email": "email", "phone": "phone", "mobile": "phone", "openid": "openid"}.get(
        plain, "unionid" if plain == "unionid" else ""
    )
    return contact(ours, text, region) if ours else None


def _previous(people: People, one: Incoming, region: str) -> Named:
    """The identifier that somebody had before: a visitor's, or a user's where that is known."""
    user, visitor = named_user(one.previous_id, region), Named("anonymous", one.previous_id)
    if one.kind == "merge":
        return user
    if one.wire in ONE_SPACE:
        return visitor if people.find(visitor) and not people.find(user) else user
    return user if people.find(user) and not people.find(visitor) else visitor


def device_of(one: Incoming) -> str:
    """The id of the device where it says more than the other ids do, else ""."""
    device: Any = one.context.get("device")
    value = device.get("id") if isinstance(device, Mapping) else None
    text = id_of(value) if isinstance(value, str) and len(value) <= 512 else ""
    return "" if text in (one.user_id, one.anonymous_id) else text


def _bound(known: dict[Any, int]) -> None:
    if len(known) >= KEPT:
        for key in list(islice(known, KEPT // 2)):
            known.pop(key, None)


_resolvers: WeakKeyDictionary[Store, Resolver] = WeakKeyDictionary()


def resolver(store: Store) -> Resolver:
    """The resolver of a store, the same each time."""
    return _resolvers.setdefault(store, Resolver())
