"""A workspace that live events come into, as the door and the follower bring them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from renwei.collect.live.folding import FOLD, fold
from renwei.collect.live.incoming import Refusal
from renwei.collect.live.preparing import prepare
from renwei.collect.live.rejected import keep
from renwei.core.clock import Frozen, to_us
from renwei.core.nouns import Event, Profile
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Appended, Named
from renwei.core.words import Words
from renwei.doors.foreign import posthog, segment, sensors
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
SOURCE = "key:k1"
WIRES = {"segment": segment, "posthog": posthog, "sensors": sensors}


@dataclass
class Live:
    """One workspace; `post` is a request, `follow` what runs behind the log."""

    shop: Shop
    clock: Frozen
    numbers: list[int] = field(default_factory=lambda: [0])

    def post(self, *events: dict[str, Any], source: str = SOURCE, later: float = 0) -> Appended:
        """Take a batch of Segment events in and let the fold read them."""
        self.clock.advance(timedelta(seconds=later))
        for event in events:
            self.numbers[0] += 1
            event.setdefault("messageId", f"m{self.numbers[0]}")
            event.setdefault("type", "track")
        return self.send("segment", {"batch": list(events)}, source=source)

    def send(self, wire: str, body: Any, *, source: str = SOURCE) -> Appended:
        """Take a body of any wire in."""
        at = self.clock.now()
        parsed = WIRES[wire].parse(json.dumps(body).encode(), "batch", received_us=to_us(at))
        keep(self.shop, source, parsed.refused, at)
        prepared = prepare(self.shop, [(source, one) for one in parsed.incoming], at)
        appended = self.shop.store.log.append(prepared.events, at)
        self.follow()
        return appended

    def refuse(self, *events: Any) -> list[Refusal]:
        """Post faulty events; returns what was refused."""
        at = self.clock.now()
        body = json.dumps({"batch": list(events)}).encode()
        parsed = segment.parse(body, "batch", received_us=to_us(at))
        keep(self.shop, SOURCE, parsed.refused, at)
        return parsed.refused

    def follow(self) -> None:
        """Fold what the log has beyond the fold's position."""
        store = self.shop.store
        events = list(store.log.read(after=store.tallies.position(FOLD)))
        if events:
            with store.together():
                fold(self.shop, events)
                store.tallies.add(FOLD, (), events[-1].seq)

    def person(self, kind: str, value: str) -> int | None:
        return self.shop.store.people.find(Named(kind, value))

    def profile(self, user: str) -> Profile:
        person = self.person("user", user)
        assert person is not None
        return self.shop.store.people.profile(person)

    def facts(self, user: str) -> dict[str, Any]:
        """What is known of a user; facts that were taken back are left out."""
        return {n: f.value for n, f in self.profile(user).facts.items() if f.value is not None}

    def opened(self, user: str) -> dict[str, list[str]]:
        person = self.person("user", user)
        assert person is not None
        return self.shop.store.people.open(person)

    def opened_of(self, actor: int) -> dict[str, list[str]]:
        return self.shop.store.people.open(actor)

    def timeline(self, person: int | None) -> list[Event]:
        """Events of a person, oldest first."""
        assert person is not None
        people = self.shop.store.people
        return self.shop.store.log.of(people.actors_of(person))[::-1]

    def events(self, *kinds: str) -> list[Event]:
        return list(self.shop.store.log.read(kinds=kinds))

    def forget(self, person: int, scrubbers: Sequence[Any]) -> None:
        """Forget as the operation does."""
        texts = self.shop.store.people.tell_apart(person)
        for scrub in scrubbers:
            scrub(self.shop, texts)
        self.shop.store.forget(person, self.clock.now())
        for scrub in scrubbers:
            scrub(self.shop, ())


@contextmanager
def live_room(folder: Path, *, currency: str = "CNY") -> Iterator[Live]:
    """An empty workspace under a clock of its own."""
    clock = Frozen(AT)
    store = open_store(folder / "data", keys=folder / "keys", clock=clock)
    try:
        shop = Shop(
            store=store,
            clock=clock,
            settings=Settings(currency=currency, zone="Asia/Shanghai"),
            words=Words.load(["renwei.collect"]),
            shelf=ShelfFiles(folder / "data" / "estimates"),
            permits=HouseRules(people=store.people, counters=store.counters),
        )
        yield Live(shop, clock)
    finally:
        store.close()
