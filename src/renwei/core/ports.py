"""The seams: what the kernel and the ribs ask of others. Nothing else is pluggable.

Source, Guard, Policy, Model, Channel, Writer here, the Store in renwei.core.store. Each has
a public check in renwei.testing, and the built-ins pass it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from renwei.core.nouns import Ask, Estimate, Reason
from renwei.core.slate import Picked, Slate
from renwei.core.store import Delivery, Effect


class Source(Protocol):
    """Puts candidates forward, with scores on one scale (minor units of value where known)."""

    @property
    def name(self) -> str:
        """A word, unique on a surface."""
        ...

    def propose(self, ask: Ask) -> Slate:
        """Candidates for this person now; may be empty. Must not look past ask.at.

        The reason code of a row is the source's own word for it (popular, new): what is said
        where no cause can be shown to have raised the score.
        """
        ...

    def reason(self, ask: Ask, item: int) -> Reason:
        """The cause of a shown item's score, with evidence; or the source's own word."""
        ...

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """The item's score had the evidence of `without` not been there."""
        ...


class Guard(Protocol):
    """Removes what must not be chosen, before the draw. `nothing` is never removed.

    A guard may also have `keeps_many(asks, slates) -> mask` of shape (people, candidates) on
    columns (renwei.core.batch); without it the batch asks `keeps` once a person.
    """

    @property
    def name(self) -> str:
        """What the removal is booked under."""
        ...

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """One answer for the whole slate, shape (candidates,); True keeps."""
        ...


class Policy(Protocol):
    """Chooses from what is left and states its odds.

    A policy may also have `choose_many(asks, slates) -> PickedMany` on columns; without it the
    batch asks `choose` once a person.
    """

    @property
    def name(self) -> str:
        """Name, version and settings: "best@1 explore=0.05". All that a replay is told."""
        ...

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        """Choose up to `ask.limit` slots; NOTHING ends the answer.

        Draws with `u(ask.unit or ask.sticky, salt, slot)` only and reads of the ask no more
        than unit, sticky, person, limit and the surface's name, so that the draw replays.
        """
        ...


class Model(Protocol):
    """Learns estimates from the past, as of a time."""

    @property
    def name(self) -> str:
        """Name and version, such as "value@1"."""
        ...

    def learn(self, frame: Any, as_of: datetime) -> None:
        """Fit on what had been seen by `as_of`."""
        ...

    def estimate(self, subjects: Sequence[int], as_of: datetime) -> list[Estimate]:
        """One estimate a subject, with an interval."""
        ...


class Channel(Protocol):
    """Delivers effects to people."""

    @property
    def name(self) -> str:
        """The word in settings and consent."""
        ...

    def deliver(self, effect: Effect) -> Delivery:
        """Hand over once; the same send_id twice must not reach a person twice."""
        ...


class Writer(Protocol):
    """Sense: puts facts into words; drafts only, a person sends."""

    @property
    def name(self) -> str:
        """Name and version."""
        ...

    def write(self, brief: Mapping[str, Any], language: str) -> str:
        """A draft that claims nothing the brief does not say."""
        ...
