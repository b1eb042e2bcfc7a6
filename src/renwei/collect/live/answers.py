"""What the operations on live events are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.core.operations import PRIVATE


class RejectedRequest(msgspec.Struct, kw_only=True):
    """Which refused events to list; `cursor` is the `next` of the page before."""

    since: datetime | None = None
    code: str = ""
    limit: int = 50
    cursor: str = ""


class RejectedEvent(msgspec.Struct, kw_only=True):
    """One refused event; `index` is its place in the body that it came in."""

    id: str
    at: datetime
    source: str
    wire: str
    index: int
    field: str
    code: str
    text: Annotated[str, PRIVATE]
    message_id: Annotated[str, PRIVATE] = ""
    replayable: bool = True


class RejectedMinute(msgspec.Struct, kw_only=True):
    """A minute in which a source had more refused than is stored: how many were counted only."""

    at: datetime
    source: str
    count: int
    codes: dict[str, int]


class RejectedAnswer(msgspec.Struct, kw_only=True):
    """Refused events, the newest first; `next` is empty on the last page."""

    rejected: list[RejectedEvent]
    counted: list[RejectedMinute]
    next: str = ""


class RejectedShowRequest(msgspec.Struct, kw_only=True):
    """Which refused event."""

    rejected_id: str


class RejectedShowAnswer(msgspec.Struct, kw_only=True):
    """A refused event with what was sent, and as it would be tried again."""

    event: RejectedEvent
    values: Annotated[dict[str, Any], PRIVATE]
    raw: Annotated[str, PRIVATE]
    retry: Annotated[str, PRIVATE]


class RejectedReplayRequest(msgspec.Struct, kw_only=True):
    """Which refused event to try again; `body` is a corrected one (JSON in Segment's words)."""

    rejected_id: str
    body: str = ""


class RejectedReplayAnswer(msgspec.Struct, kw_only=True):
    """What became of it: stored, or known already; the refused event is gone then."""

    rejected_id: str
    stored: bool
    kind: str = ""


class SuspiciousRequest(msgspec.Struct, kw_only=True):
    """How many days back, and how many people at most."""

    days: int = 30
    limit: int = 100


class SuspiciousPerson(msgspec.Struct, kw_only=True):
    """A person of whom more came within a minute than one can do by hand."""

    person: str
    kind: str
    events: int
    days: int
    last: datetime


class SuspiciousAnswer(msgspec.Struct, kw_only=True):
    """Who, the most first. `shared` counts identifiers that were left with whom they were."""

    suspicious: list[SuspiciousPerson]
    not_merged: dict[str, int]
