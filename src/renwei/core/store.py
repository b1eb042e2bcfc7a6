"""The Store: ten small contracts on one data directory, each with its check_store part.

Log (events), Ledger (decisions), People (actors, persons, profiles, vault), Items, Tallies,
Counters, Timers, Outbox, Papers, Blobs. Timers and Outbox are run by the spine, so that any rib can
cause an effect without importing another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from renwei.core.knowing import Knowing
from renwei.core.nouns import Consent, Decision, Event, Item, Profile
from renwei.core.sealing import Sealing
from renwei.core.tallies import Tallies


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel answered: `sent`, `failed` (final), `retry` (later) or `unknown`."""

    state: str
    detail: str = ""
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to be done in the world because of a decision. `send_id` dedupes."""

    send_id: str
    channel: str
    decision: str
    payload: bytes
    due: datetime


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch of events: `fresh[k]` tells whether the k-th was new."""

    added: int
    duplicates: int
    position: int
    fresh: tuple[bool, ...] = ()


class Log(Protocol):
    """Events, append-only. What `append` returned is on disk."""

    def append(self, events: Sequence[Event], seen: datetime) -> Appended:
        """Store what is new by message_id, all or nothing, durable on return."""
        ...

    def has(self, message_ids: Sequence[bytes]) -> list[bool]:
        """Which of these are stored already."""
        ...

    def read(
        self, *, after: int = 0, kinds: Sequence[str] = (), seen_by: datetime | None = None
    ) -> Iterator[Event]:
        """Events in log order from a position on, in bounded memory."""
        ...

    def of(
        self,
        actors: Sequence[int],
        *,
        until: datetime | None = None,
        kinds: Sequence[str] = (),
        limit: int = 1_000,
    ) -> list[Event]:
        """The newest events (by `at`) of these actors, newest first."""
        ...

    def position(self) -> int:
        """The last sequence number; grows with every append, never shrinks."""
        ...

    def withdraw(self, source: str) -> int:
        """Take back everything one source brought (undo of an import); returns the count."""
        ...

    def forget(self, actors: Sequence[int]) -> int:
        """Give these actors' events to nobody: hot rows, lake files and traces on disk."""
        ...

    def seal(self, before: datetime) -> int:
        """Move events that arrived before a time into lake files; returns the count."""
        ...


class Ledger(Protocol):
    """Decisions, append-only. Durable before any effect or answer."""

    def record(self, decision: Decision, effects: Sequence[Effect] = ()) -> Decision:
        """Store one decision and its effects in one transaction."""
        ...

    def record_all(self, decisions: Iterable[Decision]) -> int:
        """Store many as one sealed segment, visible all at once or not at all."""
        ...

    def get(self, decision: str) -> Decision | None:
        """One decision by id."""
        ...

    def of(self, persons: Sequence[int], *, limit: int = 100) -> list[Decision]:
        """The newest decisions about these persons, newest first."""
        ...

    def between(self, since: datetime, until: datetime, surface: str = "") -> Iterator[Decision]:
        """Decisions made in [since, until), oldest first."""
        ...

    def forget(self, persons: Sequence[int]) -> int:
        """Give these persons' decisions to nobody and drop their reasons' values."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """An identifier as observed: kind and normalised value."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Two persons found to be one: why, when, and whether it was undone."""

    id: str
    kept: int
    gone: int
    reason: str
    at: datetime
    undone: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


class People(Knowing, Sealing, Protocol):
    """Actors, persons, profiles and the vault. Only the vault holds personal data."""

    def actors(self, names: Sequence[Named], at: datetime, source: str = "") -> list[int]:
        """Find or make the actor of each identifier; NOBODY where it was forgotten."""
        ...

    def find(self, name: Named) -> int | None:
        """The person of an identifier, or None."""
        ...

    def persons_of(self, actors: Sequence[int]) -> list[int]:
        """The person of each actor as the map stands now (an actor alone is a person)."""
        ...

    def actors_of(self, person: int) -> list[int]:
        """Every actor of a person."""
        ...

    def all_persons(self) -> Sequence[int]:
        """Every person not forgotten, ascending."""
        ...

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
        """Make two persons one, reversibly."""
        ...

    def unmerge(self, merge: str, at: datetime) -> Merge:
        """Undo a merge by id."""
        ...

    def merges(self, person: int | None = None) -> list[Merge]:
        """Merges, newest first."""
        ...

    def map_version(self) -> int:
        """Grows with each merge and undo."""
        ...

    def state_consent(self, actor: int, consents: Sequence[Consent]) -> None:
        """Add statements of consent or withdrawal."""
        ...

    def state_many(self, rows: Iterable[tuple[int, Consent]]) -> None:
        """`state_consent` for many (actor, consent) in one transaction."""
        ...

    def profile(self, person: int) -> Profile:
        """Everything known of a person, all their actors together."""
        ...

    def consents_of(self, persons: Sequence[int]) -> list[tuple[Consent, ...]]:
        """The statements of many persons at once, aligned."""
        ...

    def keep_many(self, rows: Iterable[tuple[int, str, str]], source: str = "") -> None:
        """Seal personal texts (name, address, note) for many (actor, name, text), deduped."""
        ...

    def withdraw(self, source: str, still: Sequence[int]) -> Mapping[str, int]:
        """Take back facts, consents, texts, merges and actors that this source brought first.

        Actors in `still` (others' events refer to them) stay; returns counts by what.
        """
        ...

    def open(self, person: int) -> dict[str, list[str]]:
        """What the vault holds of a person: identifiers by kind, names, addresses, orders."""
        ...

    def open_many(self, persons: Sequence[int], names: Sequence[str]) -> list[dict[str, list[str]]]:
        """Some vault entries of many persons, aligned."""
        ...

    def tell_apart(self, person: int) -> list[str]:
        """The identifiers of a person and those other texts that nobody else has."""
        ...

    def search(self, text: str) -> list[int]:
        """Persons whose identifier equals the text, as written or normalised."""
        ...

    def forget(self, person: int, at: datetime) -> Mapping[str, int]:
        """Destroy key, vault and map rows, remember only tombstones; counts by what."""
        ...

    def forgotten(self) -> list[int]:
        """Actors that were forgotten (their tombstones), for readers and restores."""
        ...

    def is_forgotten(self, names: Sequence[Named]) -> list[bool]:
        """Which of these identifiers belonged to somebody who was forgotten; makes nothing."""
        ...

    def seal_text(self, data: bytes) -> bytes:
        """Seal bytes under the workspace's own key (refused rows, payloads)."""
        ...

    def open_text(self, data: bytes) -> bytes:
        """The inverse of `seal_text`."""
        ...

    def keyed(self, text: str) -> bytes:
        """A keyed hash of a text, 16 bytes, for look-ups that must not show the text."""
        ...


class Items(Protocol):
    """The catalogue."""

    def upsert(self, items: Sequence[Item]) -> list[int]:
        """Store by (kind, code); number 0 asks for one. Returns numbers, aligned."""
        ...

    def get(self, numbers: Sequence[int]) -> list[Item | None]:
        """Items by number, aligned."""
        ...

    def by_code(self, kind: str, codes: Sequence[str]) -> list[int]:
        """Numbers by code, aligned; 0 where unknown."""
        ...

    def all_items(self, kind: str = "") -> list[Item]:
        """The whole catalogue, by number."""
        ...

    def changed(self, after: int = 0) -> tuple[int, list[Item]]:
        """Items written after a mark (0: all of them), and the mark to ask with next time."""
        ...


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount set aside until settled, released or expired."""

    id: str
    key: str
    amount: int
    until: datetime


class Counters(Protocol):
    """The only way to cap, quota, budget, stock or coupon."""

    def reserve(
        self, key: str, amount: int, limit: int, *, at: datetime, until: datetime
    ) -> Hold | None:
        """Set aside if used + held + amount <= limit, else None. An expired hold is spent."""
        ...

    def settle(self, hold: str, amount: int | None = None) -> None:
        """Turn a hold into use (of this amount, at most the held one)."""
        ...

    def release(self, hold: str) -> None:
        """Give a hold back."""
        ...

    def used(self, key: str) -> int:
        """Used plus held."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that came due and is leased to the caller."""

    id: str
    key: str
    due: datetime
    payload: bytes


class Timers(Protocol):
    """Things to do later; survives kill -9; at least once, by lease."""

    def set(self, key: str, due: datetime, payload: bytes) -> str:
        """Set or move the timer of this key; returns its id."""
        ...

    def claim(self, at: datetime, *, limit: int, lease_s: float) -> list[Due]:
        """Take what is due; it comes back if not done within the lease."""
        ...

    def done(self, timer: str) -> None:
        """Finish a claimed timer."""
        ...

    def cancel(self, key: str) -> bool:
        """Drop the timer of a key."""
        ...


class Outbox(Protocol):
    """Effects to deliver; queued = sent + held + failed + unknown always adds up."""

    def claim(self, at: datetime, *, limit: int, lease_s: float) -> list[Effect]:
        """Take what is due for delivery."""
        ...

    def mark(self, send_id: str, delivery: Delivery, at: datetime) -> None:
        """Book what the channel answered."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Effects by state: queued, sent, held, failed, unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Paper:
    """One version of a document: surface, campaign, template, setting, import ..."""

    kind: str
    name: str
    version: int
    body: Mapping[str, Any]
    by: str
    at: datetime


class Papers(Protocol):
    """Versioned documents with history and undo."""

    def put(self, kind: str, name: str, body: Mapping[str, Any], *, by: str, at: datetime) -> Paper:
        """Store a new version."""
        ...

    def get(self, kind: str, name: str, version: int | None = None) -> Paper | None:
        """The newest (or one) version, or None."""
        ...

    def names(self, kind: str) -> list[str]:
        """Names of a kind that exist now."""
        ...

    def history(self, kind: str, name: str) -> list[Paper]:
        """Every version, newest first."""
        ...

    def undo(self, kind: str, name: str, *, by: str, at: datetime) -> Paper | None:
        """Put the version before the newest on top again."""
        ...

    def drop(self, kind: str, name: str) -> bool:
        """Remove a document and its history (privacy, undo of an import)."""
        ...


class Blobs(Protocol):
    """Sealed bytes by name: refused rows, pictures, model files."""

    def put(self, name: str, data: bytes) -> None:
        """Store or replace, durable on return."""
        ...

    def get(self, name: str) -> bytes | None:
        """The bytes, or None."""
        ...

    def drop(self, name: str) -> bool:
        """Remove; tells whether it was there."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """Names, sorted."""
        ...


class Store(Protocol):
    """The ten contracts on one data directory."""

    @property
    def directory(self) -> Path:
        """Where everything lies; one directory is one workspace."""
        ...

    @property
    def log(self) -> Log:
        """Events."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Decisions."""
        ...

    @property
    def people(self) -> People:
        """Actors, persons, profiles, vault."""
        ...

    @property
    def items(self) -> Items:
        """The catalogue."""
        ...

    @property
    def tallies(self) -> Tallies:
        """Sums kept by folds."""
        ...

    @property
    def counters(self) -> Counters:
        """Caps, quotas, budgets."""
        ...

    @property
    def timers(self) -> Timers:
        """Things to do later."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Effects to deliver."""
        ...

    @property
    def papers(self) -> Papers:
        """Versioned documents."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Sealed bytes."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What is written inside is one transaction, all or nothing; not log, not blobs."""
        ...

    def forget(self, person: int, at: datetime) -> Mapping[str, int]:
        """Forget a person in people, log, tallies and ledger; counts by what."""
        ...

    def integrity(self) -> list[str]:
        """What is wrong on disk, for a log; empty when sound."""
        ...

    def close(self) -> None:
        """Let go of files and locks."""
        ...
