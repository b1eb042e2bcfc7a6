"""People: actors of identifiers, the map of persons, facts, consents and the vault."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any

from renwei.core.chance import from_id, new_id, new_number, to_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOBODY, Consent, ConsentState, Fact, Profile, Told
from renwei.core.store import Merge, Named
from renwei.stores.codec import from_json, to_json
from renwei.stores.database import Database
from renwei.stores.keys import Keyring
from renwei.stores.persons import PersonMap
from renwei.stores.queries import queries
from renwei.stores.tombstones import Stone, Tombstones
from renwei.stores.upgrades import drop_copies
from renwei.stores.vault import Text, Vault
from renwei.stores.written import handles, readings

OWN = b"renwei text"
_SQL = queries("people")
_TALLIES = queries("tallies")
CHUNK, TOGETHER = 256, 64
_KNOWN = {
    n: _SQL["actors_or_stones"].replace("(?)", f"({', '.join('?' * n)})") for n in (1, TOGETHER)
}
_STRENGTH = {told: strength for strength, told in enumerate(reversed(Told))}


class EmbeddedPeople:
    """People on disk. Only the vault holds personal data, and that sealed."""

    def __init__(self, database: Database, ring: Keyring, stones: Tombstones) -> None:
        self._db = database
        self._ring = ring
        self._stones = stones
        self._vault = Vault(database, ring)
        self._map: _Map | None = None
        self._map_lock = threading.Lock()
        self._everybody: tuple[tuple[int, int], Sequence[int]] | None = None
        database.on_rollback.append(self._reload)

    # Actors and persons.

    def actors(self, names: Sequence[Named], at: datetime, source: str = "") -> list[int]:
        """Find or make the actor of each identifier; NOBODY where it was forgotten."""
        hashes = [self._hash(name) for name in names]
        by_hash = dict(zip(hashes, names, strict=True))
        found = self._known(list(by_hash))
        missing = [digest for digest in by_hash if digest not in found]
        first = (to_us(at), source)
        for start in range(0, len(missing), CHUNK):
            # A few at a time, so that nobody waits long to write.
            some = {digest: by_hash[digest] for digest in missing[start : start + CHUNK]}
            found |= self._made(some, first)
        return [found[digest] for digest in hashes]

    def _made(self, names: Mapping[bytes, Named], first: tuple[int, str]) -> dict[bytes, int]:
        # Keys are made and texts sealed before anybody has to wait for us.
        made = [self._make(name, digest, first) for digest, name in names.items()]
        with self._db.transaction() as connection:
            # Another process may have made some of them meanwhile.
            others = self._known(list(names))
            made = [actor for actor in made if actor.row[2] not in others]
            _store(connection, made)
        return others | {actor.row[2]: actor.row[0] for actor in made}

    def _known(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for start in range(0, len(digests), TOGETHER):
            some = [*digests[start : start + TOGETHER]]
            some += [b""] * (TOGETHER - len(some) if len(digests) > 1 else 0)
            found.update(self._db.rows(_KNOWN[len(some)], (*some, *some)))
        return found

    def _make(self, name: Named, digest: bytes, first: tuple[int, str]) -> _Made:
        actor = new_number()
        key, box = self._ring.new_data_key(actor)
        return _Made(
            row=(actor, name.kind, digest, *first, key),
            own=self._vault.sealed(box, actor, name.kind, name.value, own=True, source=first[1]),
            handles=[(self._ring.hash("handle", handle), actor) for handle in handles(name)],
        )

    def find(self, name: Named) -> int | None:
        """The person of an identifier, or None."""
        row = self._db.one(_SQL["actor_of"], (self._hash(name),))
        return self._persons().person_of(row[0]) if row else None

    def persons_of(self, actors: Sequence[int]) -> list[int]:
        """The person of each actor as the map stands now; NOBODY for the forgotten."""
        return self._persons().persons_of(actors)

    def actors_of(self, person: int) -> list[int]:
        """Every actor of a person; empty where nobody goes by that number."""
        mapped = self._persons().actors_of(person)
        rows = self._db.once(
            ("known", *mapped), partial(self._db.rows, _SQL["known"], (to_json(mapped),))
        )
        known = {row[0] for row in rows}
        return [actor for actor in mapped if actor in known]

    def all_persons(self) -> Sequence[int]:
        """Every person not forgotten, ascending; read again when somebody came or went."""
        # Nobody goes, and nobody becomes one with another, without a turn of the map. Read
        # first, the mark is at worst older than what is kept under it.
        mark = (self._db.one(_SQL["count_actors"])[0], self.map_version())
        held = self._everybody
        if held is not None and held[0] == mark:
            return held[1]
        folded = self._persons().folded_away()
        actors = from_json(self._db.one(_SQL["all_actors"])[0])
        everybody = tuple(sorted(actor for actor in actors if actor not in folded))
        if not self._db.inside():
            self._everybody = (mark, everybody)
        return everybody

    def merge(
        self,
        kept: int,
        gone: int,
        *,
        reason: str,
        at: datetime,
        source: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> Merge:
        """Make two persons one, reversibly; the same merge for the same reason is kept once."""
        with self._db.transaction() as connection:
            for person in (kept, gone):
                if not self.actors_of(person):
                    raise UnknownName("unknown_person", name=to_id(person))
            standing = self._db.one(_SQL["same_merge"], (kept, gone, reason))
            if standing:
                return _to_merge(standing)
            merge = Merge(new_id(at), kept, gone, reason, at, values=dict(values or {}))
            row = (merge.id, kept, gone, reason, to_json(merge.values), source, to_us(at))
            connection.execute(_SQL["add_merge"], row)
            connection.execute(_SQL["turn_map"])
        return merge

    def unmerge(self, merge: str, at: datetime) -> Merge:
        """Undo a merge by id; one undone before stays so."""
        with self._db.transaction() as connection:
            if connection.execute(_SQL["undo_merge"], (to_us(at), merge)).rowcount:
                connection.execute(_SQL["turn_map"])
                connection.execute(_SQL["turn_map_back"])
            row = self._db.one(_SQL["merge"], (merge,))
            if row is None:
                raise UnknownName("unknown_merge", name=merge)
        return _to_merge(row)

    def merges(self, person: int | None = None) -> list[Merge]:
        """Merges, newest first, undone ones too."""
        if person is None:
            return [_to_merge(row) for row in self._db.rows(_SQL["merges"])]
        numbers = to_json(self._persons().actors_of(person))
        return [_to_merge(row) for row in self._db.rows(_SQL["merges_of"], (numbers,))]

    def map_version(self) -> int:
        """Grows with each merge, undo and forgetting."""
        return self._stand()[0]

    def _stand(self) -> tuple[int, int]:
        """The version of the map, and how often something was taken back from it."""
        version, back = self._db.once("map", lambda: self._db.one(_SQL["map_stand"]))
        return int(version), int(back)

    def _persons(self) -> PersonMap:
        version, back = self._stand()
        held, inside = self._map, self._db.inside()
        if held is not None and held.back == back and held.version < version:
            # Merges alone came since, as an import makes thousands: no need to begin anew.
            with self._map_lock:
                for number, kept, gone in self._db.rows(_SQL["merged_since"], (held.last,)):
                    held.persons.merge(kept, gone)
                    held.last = max(held.last, number)
                held.version, held.sure = max(held.version, version), not inside
        elif held is None or held.version < version or (held.version > version and not held.sure):
            fresh = self._folded(version, back, sure=not inside)
            if held is None or held.version <= version:
                self._map = fresh
            held = fresh
        elif not inside:
            held.sure = held.sure or held.version == version
        # What others merged after this thread's moment may be known: it is committed.
        return held.persons

    def _folded(self, version: int, back: int, *, sure: bool) -> _Map:
        rows = self._db.rows(_SQL["merged_since"], (0,))
        persons = PersonMap((kept, gone) for _, kept, gone in rows)
        persons.bury([row[0] for row in self._db.rows(_SQL["tombstones"])])
        return _Map(version, back, rows[-1][0] if rows else 0, persons, sure=sure)

    def _reload(self) -> None:
        self._map = self._everybody = None

    # Facts and consents.

    def learn_facts(self, actor: int, facts: Sequence[Fact]) -> None:
        """Add facts without personal data (stage, city, skin type); history is kept."""
        self.learn_many((actor, fact) for fact in facts)

    def learn_many(self, rows: Iterable[tuple[int, Fact]]) -> None:
        """`learn_facts` for many actors in one transaction."""
        with self._db.transaction() as connection:
            kept = [
                (actor, f.name, to_json(f.value), f.told.value, to_us(f.at), f.source)
                for actor, f in rows
            ]
            connection.executemany(_SQL["add_fact"], self._of_known(kept))

    def state_consent(self, actor: int, consents: Sequence[Consent]) -> None:
        """Add statements of consent or withdrawal."""
        self.state_many((actor, consent) for consent in consents)

    def state_many(self, rows: Iterable[tuple[int, Consent]]) -> None:
        """`state_consent` for many actors in one transaction."""
        with self._db.transaction() as connection:
            kept = [
                (actor, c.purpose, c.channel, c.state.value, to_us(c.at), c.source, c.text_version)
                for actor, c in rows
            ]
            connection.executemany(_SQL["add_consent"], self._of_known(kept))

    def _of_known(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        wanted = {row[0] for row in rows}
        known = {row[0] for row in self._db.rows(_SQL["known"], (to_json(sorted(wanted)),))}
        for actor in wanted - known - {NOBODY}:
            if self._db.one(_SQL["is_tombstone"], (actor,)) is None:
                raise ValueError(f"no such actor: {actor}")
        return [row for row in rows if row[0] in known]

    def profile(self, person: int) -> Profile:
        """Everything known of a person, all their actors together."""
        version, actors = self.map_version(), self.actors_of(person)
        numbers = to_json(actors)
        facts: dict[str, Fact] = {}
        for name, value, told, source, at_us in self._db.rows(_SQL["facts"], (numbers,)):
            fact = Fact(name, from_json(value), Told(told), source, from_us(at_us))
            known = facts.get(name)
            # Rows come oldest first, so an equal strength means a later word.
            if known is None or _STRENGTH[fact.told] >= _STRENGTH[known.told]:
                facts[name] = fact
        consents = tuple(_to_consent(row) for row in self._db.rows(_SQL["consents"], (numbers,)))
        number = self._persons().person_of(person)
        return Profile(number, tuple(actors), facts, consents, version)

    def all_facts(self) -> Iterator[tuple[int, Fact]]:
        """Every fact of everybody as (actor, fact), the oldest first."""
        for actor, name, value, told, source, at_us in self._db.rows(_SQL["all_facts"]):
            yield actor, Fact(name, from_json(value), Told(told), source, from_us(at_us))

    def consents_of(self, persons: Sequence[int]) -> list[tuple[Consent, ...]]:
        """The statements of many persons at once, aligned."""
        persons_map = self._persons()
        stated: dict[int, list[Consent]] = defaultdict(list)
        if len(persons) > 1_000:
            rows = self._db.rows(_SQL["all_consents"])
        else:
            actors = [actor for person in persons for actor in persons_map.actors_of(person)]
            read = partial(self._db.rows, _SQL["consents"], (to_json(actors),))
            rows = self._db.once(("consents", *actors), read)
        for row in rows:
            stated[persons_map.person_of(row[0])].append(_to_consent(row))
        return [tuple(stated.get(p, ())) for p in persons_map.persons_of(persons)]

    # The vault.

    def keep_many(self, rows: Iterable[Text], source: str = "") -> None:
        """Seal personal texts, deduped, for many (actor, name, text) at once."""
        self._vault.keep(rows, source)

    def open(self, person: int) -> dict[str, list[str]]:
        """What the vault holds of a person: identifiers by kind, names, addresses, orders."""
        return self._vault.grouped([self._persons().actors_of(person)])[0]

    def open_many(self, persons: Sequence[int], names: Sequence[str]) -> list[dict[str, list[str]]]:
        """Some vault entries of many persons, aligned."""
        persons_map = self._persons()
        roots = persons_map.persons_of(persons)
        unique = list(dict.fromkeys(roots))
        opened = self._vault.grouped([persons_map.actors_of(root) for root in unique], names)
        by_person = dict(zip(unique, opened, strict=True))
        return [by_person[root] for root in roots]

    def tell_apart(self, person: int) -> list[str]:
        """The identifiers of a person and those other texts that nobody else has.

        A name or an address that others have too would point at them as well.
        """
        return self._vault.telling(self.actors_of(person))

    def returned(self, stones: Sequence[Stone]) -> list[str]:
        """`tell_apart` of all whom an older file brought back, to be read before `bury`."""
        return self._vault.telling(sorted(self._actors_under(stones)))

    def search(self, text: str) -> list[int]:
        """Persons whose identifier or name equals the text, as written or normalised."""
        wanted = text.strip()
        number = from_id(wanted)
        if number is not None and self.actors_of(number):
            return [self._persons().person_of(number)]
        actors: dict[int, None] = {}
        for reading in readings(wanted):
            digest = self._ring.hash("handle", reading)
            actors |= dict.fromkeys(row[0] for row in self._db.rows(_SQL["by_handle"], (digest,)))
        digest = self._vault.text_hash("name", wanted)
        for row in self._db.rows(_SQL["by_text"], (digest, "name")):
            actors[row[0]] = None
        return list(dict.fromkeys(self._persons().persons_of(list(actors))))

    # Taking back and forgetting.

    def withdraw(self, source: str, still: Sequence[int]) -> Mapping[str, int]:
        """Take back facts, consents, texts, merges and actors that this source brought first.

        Actors in `still` (others' events refer to them) stay; returns counts by what.
        """
        counts: dict[str, int] = {}
        with self._db.transaction() as connection:
            for what in ("facts", "consents", "texts", "merges"):
                counts[what] = connection.execute(_SQL[f"withdraw_{what}"], (source,)).rowcount
            rows = self._db.rows(_SQL["withdraw_actors"], (source, to_json(list(still))))
            numbers = to_json([row[0] for row in rows])
            counts["actors"] = connection.execute(_SQL["drop_actors"], (numbers,)).rowcount
            connection.execute(_SQL["turn_keys"])
            connection.execute(_SQL["turn_map"])
            connection.execute(_SQL["turn_map_back"])
        return counts

    def forget(self, person: int, at: datetime) -> Mapping[str, int]:
        """Destroy key, vault and map rows, remember only tombstones; counts by what.

        The tombstones are on disk first: a crash half-way is finished on the next open.
        `Store.forget` does this, the log and the ledger together.
        """
        actors = self.actors_of(person)
        stones = [(actor, bytes(digest)) for digest, actor in self._hashes(actors)]
        # Inside a transaction, so that processes take turns in that file too.
        with self._db.transaction():
            self._stones.add(stones)
        return self.bury(stones)

    def bury(self, stones: Sequence[Stone]) -> dict[str, int]:
        """Remove what tombstones name; replayed on open, so that restores forget again."""
        with self._db.transaction() as connection:
            numbers = to_json(sorted(self._actors_under(stones)))
            counts = {
                what: int(self._db.one(_SQL[query], (numbers,))[0])
                for what, query in (
                    ("identifiers", "count_own"),
                    ("texts", "count_texts"),
                    ("facts", "count_facts"),
                    ("consents", "count_consents"),
                )
            }
            # A number that others had on an order of theirs is no less the forgotten one's.
            counts["texts"] += connection.execute(_SQL["drop_lent"], (numbers,)).rowcount
            counts["tallies"] = connection.execute(_TALLIES["forget"], (numbers,)).rowcount
            counts["merges"] = connection.execute(_SQL["drop_merges"], (numbers,)).rowcount
            counts["actors"] = connection.execute(_SQL["drop_actors"], (numbers,)).rowcount
            connection.execute(_SQL["turn_keys"])
            connection.executemany(_SQL["add_tombstone"], stones)
            connection.execute(_SQL["turn_map"])
            connection.execute(_SQL["turn_map_back"])
        self._vault.cabinet.clear()
        # Whatever older copies of the keys lie in the directory go with them.
        drop_copies(self._db.path.parent)
        self._db.truncate()
        return counts

    def _actors_under(self, stones: Sequence[Stone]) -> set[int]:
        # An identifier that came in anew after an older file was put back has a new number.
        rows = (self._db.one(_SQL["actor_of"], (digest,)) for _, digest in stones)
        return {actor for actor, _ in stones} | {row[0] for row in rows if row}

    def forgotten(self) -> list[int]:
        """Actors that were forgotten (their tombstones), for readers and restores."""
        return [row[0] for row in self._db.rows(_SQL["tombstones"])]

    def is_forgotten(self, names: Sequence[Named]) -> list[bool]:
        """Which of these identifiers belonged to somebody who was forgotten; makes nothing."""
        return [self._db.one(_SQL["is_stone"], (self._hash(name),)) is not None for name in names]

    def unsettled(self) -> list[int]:
        """Forgotten actors whose decisions were not yet given to nobody."""
        return [row[0] for row in self._db.rows(_SQL["unsettled"])]

    def _hashes(self, actors: Sequence[int]) -> list[tuple[bytes, int]]:
        return self._db.rows(_SQL["hashes"], (to_json(list(actors)),))

    # Bytes under an actor's key, and under the workspace's own.

    def seal_for_many(self, rows: Sequence[tuple[int, bytes]]) -> list[bytes]:
        """Seal bytes of actors under their own keys; b"" for nobody and the forgotten."""
        return self._vault.cabinet.seal_many(rows)

    def open_for(self, actor: int, sealed: bytes) -> bytes | None:
        """The inverse of `seal_for_many` for one actor; None once the key is gone."""
        return self._vault.cabinet.open(actor, sealed)

    def seal_text(self, data: bytes) -> bytes:
        """Seal bytes under the workspace's own key (refused rows, payloads)."""
        return self._ring.own.seal(data, OWN)

    def open_text(self, data: bytes) -> bytes:
        """The inverse of `seal_text`."""
        return self._ring.own.open(data, OWN)

    def keyed(self, text: str) -> bytes:
        """A keyed hash of a text, 16 bytes, for look-ups that must not show the text."""
        return self._ring.hash("keyed", text)

    def _hash(self, name: Named) -> bytes:
        return self._ring.hash("actor", f"{name.kind}|{name.value}")


@dataclass(slots=True)
class _Map:
    """The map as of a version and the last merge in it; `sure`: all of that is committed."""

    version: int
    back: int
    last: int
    persons: PersonMap
    sure: bool


@dataclass(slots=True)
class _Made:
    """The rows of a new actor."""

    row: tuple[Any, ...]
    own: tuple[Any, ...]
    handles: list[tuple[bytes, int]]


def _store(connection: Connection, made: Collection[_Made]) -> None:
    connection.executemany(_SQL["add_actor"], (actor.row for actor in made))
    connection.executemany(_SQL["add_text"], (actor.own for actor in made))
    connection.executemany(
        _SQL["add_handle"], (handle for actor in made for handle in actor.handles)
    )


def _to_merge(row: Sequence[Any]) -> Merge:
    return Merge(
        id=row[0],
        kept=row[1],
        gone=row[2],
        reason=row[3],
        at=from_us(row[4]),
        undone=row[5] is not None,
        values=from_json(row[6]),
    )


def _to_consent(row: Sequence[Any]) -> Consent:
    return Consent(row[1], row[2], ConsentState(row[3]), from_us(row[4]), row[5], row[6])
