"""What the operations of reach are asked and what they answer; doors derive from these."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from renwei.core.operations import PRIVATE


class TodayRequest(msgspec.Struct, kw_only=True):
    """Whom to contact today.

    `at`: the list as it would have been then. `minutes`: the human's time. `limit`: lines at
    most. `why_not`: a person one misses. `out`: an Excel file to write.
    """

    at: datetime | None = None
    minutes: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=0)] | None = None
    why_not: str | None = None
    out: Path | None = None


class Said(msgspec.Struct, kw_only=True):
    """A code, its values, and the sentence in the user's language."""

    code: str
    values: dict[str, Any]
    text: str


class ItemShown(msgspec.Struct, kw_only=True):
    """A product: our number, the shop's code, the title as written."""

    number: int
    code: str
    title: str


class Interval(msgspec.Struct, kw_only=True):
    """A number with its 80 % interval, minor units."""

    value: int
    low: int
    high: int


class Person(msgspec.Struct, kw_only=True):
    """One line of the list. `when` is local ISO 8601; `draft` is in the shop's language."""

    decision_id: str
    person: str
    name: Annotated[str, PRIVATE]
    what: str
    when: str
    channel: Annotated[str, PRIVATE]
    consent: str
    draft: Annotated[str, PRIVATE]
    reasons: list[Said]
    expected_value_minor: Interval
    kind: str
    item: ItemShown | None
    consent_state: str
    minutes: int
    worth_minor: int


class HoldOutShown(msgspec.Struct, kw_only=True):
    """The share of people never contacted, so that the effect can be measured, and how many."""

    share: float
    people: int


class Learned(msgspec.Struct, kw_only=True):
    """What one kind of contact was found to do: change of log odds with its 80 % interval."""

    kind: str
    contacted: int
    held_out: int
    effect: float
    low: float
    high: float
    sure: bool
    text: str


class WhyNot(msgspec.Struct, kw_only=True):
    """Why a person is not on the list (or that she is)."""

    person: str
    listed: bool
    reasons: list[Said]


class TodayAnswer(msgspec.Struct, kw_only=True):
    """Today's list. `left_out` counts people by why they are not on it."""

    at: datetime
    zone: str
    currency: str
    holdout: HoldOutShown
    people: list[Person]
    window_days: int
    minutes: int
    left_out: dict[str, int]
    learned: list[Learned]
    note: str = ""
    why_not: WhyNot | None = None
    out: str | None = None


class DoneRequest(msgspec.Struct, kw_only=True):
    """A line was done; `text` is what was really sent; `undo` takes the mark back."""

    decision: Annotated[str, msgspec.Meta(extra={"argument": True})]
    text: str = ""
    undo: bool = False


class SkipRequest(msgspec.Struct, kw_only=True):
    """A line is not wanted; `undo` takes the mark back."""

    decision: Annotated[str, msgspec.Meta(extra={"argument": True})]
    undo: bool = False


class SnoozeRequest(msgspec.Struct, kw_only=True):
    """A line is put off by some days; `undo` takes the mark back."""

    decision: Annotated[str, msgspec.Meta(extra={"argument": True})]
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 7
    undo: bool = False


class MarkAnswer(msgspec.Struct, kw_only=True):
    """What is marked now; `already` says that nothing had to be changed."""

    decision_id: str
    person: str
    marked: str
    at: datetime
    until: datetime | None
    already: bool
    text: str


class WhyRequest(msgspec.Struct, kw_only=True):
    """How a decision came about."""

    decision: Annotated[str, msgspec.Meta(extra={"argument": True})]


class Candidate(msgspec.Struct, kw_only=True):
    """Something that could be chosen; the score is in minor units, prices paid."""

    item: int
    title: str
    source: str
    score_minor: float
    chosen: bool


class Removed(msgspec.Struct, kw_only=True):
    """Something a guard removed, and the guard in words."""

    item: int
    title: str
    guard: str
    text: str


class WhyAnswer(msgspec.Struct, kw_only=True):
    """The record of a decision, and whether its draw replays now.

    `replay` is "same", "different" or "gone"; `gone` names inputs no longer kept.
    """

    decision_id: str
    at: datetime
    surface: str
    surface_version: int
    person: str
    chosen: list[ItemShown]
    odds: list[float]
    candidates: list[Candidate]
    removed: list[Removed]
    reasons: list[Said]
    consent: str
    policy: str
    model: str
    unit: str
    salt: str
    prices_minor: dict[str, float]
    position: int
    map_version: int
    inputs: dict[str, Any]
    replays: bool
    replay: str
    gone: list[str]
    mark: str
