"""What checks of a store are made with: a moment, an event, a decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from renwei.core.chance import new_id
from renwei.core.nouns import Decision, Event, Reason, Removal
from renwei.core.store import Store

Make = Callable[[], Store]
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(k: int, *, actor: int = 1, at: datetime = AT, source: str = "") -> Event:
    """An order event with a message id of its own."""
    key = k.to_bytes(16, "big")
    return Event(actor, "order", at, key, 3, 100 + k, "CNY", {"k": k}, source)


def decision(*, person: int, at: datetime = AT, surface: str = "today") -> Decision:
    """A decision that uses every field."""
    return Decision(
        id=new_id(at),
        surface=surface,
        person=person,
        at=at,
        unit=(1 << 64) - 5,
        salt="today/best",
        items=(5, 1 << 40, 0),
        scores=(2048, -(1 << 40), 0),
        sources=("need", "care", "silence"),
        codes=("due", "after", "silence"),
        removed=(Removal(9, "consent_unknown"), Removal(11, "stock")),
        chosen=(5,),
        odds=(0.975,),
        policy="best@1",
        model="value@1",
        surface_version=3,
        prices={"sms": 7},
        consent="care:unknown",
        position=12,
        map_version=2,
        reasons=(Reason("due", {"days": 31}, (4,)),),
        groups=(1, 2, 0),
        parent=new_id(at),
        extra={"sticky": 5},
    )
