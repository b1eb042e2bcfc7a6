"""done, skip, snooze: what the human did with a line, kept as events so that it can be undone."""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta

from renwei.core.chance import to_id
from renwei.core.clock import to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING, Decision, Event
from renwei.core.shop import Shop
from renwei.reach.answers import MarkAnswer
from renwei.reach.history import DONE, SNOOZE, UNDONE, History, Mark, read_history
from renwei.reach.listing import SURFACE

LATE = timedelta(days=7)
"""Marked later than this, a line counts as done on the day of its list."""


def decision_of(shop: Shop, text: str) -> Decision:
    """The decision somebody means: its whole id, or the beginning of one on a list.

    Raises:
        UnknownName: None or several (code unknown_decision); the nearest is in the values.
    """
    wanted = text.strip().lower()
    found = shop.store.ledger.get(wanted)
    if found is not None:
        return found
    known = [one for listed in _all_lists(shop).lists for one in listed.lines]
    near = [one for one in known if len(wanted) >= 8 and one.startswith(wanted)]
    if len(near) == 1:
        found = shop.store.ledger.get(near[0])
    if found is None:
        raise _unknown(text, known[-400:])
    return found


def _unknown(text: str, known: list[str]) -> UnknownName:
    near = difflib.get_close_matches(text, known, n=1)
    return UnknownName("unknown_decision", name=text, suggestion=near[0] if near else "")


def _all_lists(shop: Shop) -> History:
    return read_history(shop, datetime.max.replace(tzinfo=shop.clock.now().tzinfo) - timedelta(2))


def mark_of(shop: Shop, decision: str) -> Mark | None:
    """The mark that stands on a decision now."""
    return _all_lists(shop).marks.get(decision)


def mark(
    shop: Shop, text: str, done: str, *, days: int = 0, undo: bool = False, wrote: str = ""
) -> MarkAnswer:
    """Put a mark on a line, or take it back; a second time changes nothing.

    Args:
        shop: The workspace.
        text: A decision id.
        done: done, skip or snooze.
        days: For how long, with snooze.
        undo: Take back whatever mark stands.
        wrote: What was really sent; kept sealed with the person.

    Raises:
        UnknownName: Not a line of any list (code unknown_decision or not_a_line).
    """
    decision = decision_of(shop, text)
    if decision.surface != SURFACE or not decision.person or decision.chosen[0] == NOTHING:
        raise UnknownName("not_a_line", name=text)
    at = _moment(shop, decision)
    until = at + timedelta(days=days) if done == SNOOZE and not undo else None
    stands, wanted = mark_of(shop, decision.id), UNDONE if undo else done
    already = _already(stands, wanted, until)
    if not already:
        _append(shop, decision, wanted, at, until)
    elif stands is not None:
        at, until = stands.at, stands.until
    if wrote and wanted == DONE:
        actor = shop.store.people.actors_of(decision.person)[0]
        shop.store.people.keep_many([(actor, "sent", wrote)], source=f"decision:{decision.id}")
    return MarkAnswer(
        decision_id=decision.id,
        person=to_id(decision.person),
        marked=wanted,
        at=at,
        until=until,
        already=already,
        text=shop.say(f"today.marked_{wanted}", day=until or at),
    )


def _already(stands: Mark | None, wanted: str, until: datetime | None) -> bool:
    if stands is None:
        return wanted == UNDONE
    if stands.done != wanted:
        return False
    return until is None or stands.until is None or abs(stands.until - until) < timedelta(days=1)


def _moment(shop: Shop, decision: Decision) -> datetime:
    now = shop.clock.now()
    # A list of the past (--at) is marked in its own time, else it could never be seen there.
    return now if decision.at <= now <= decision.at + LATE else decision.at + timedelta(hours=1)


def _append(
    shop: Shop, decision: Decision, done: str, at: datetime, until: datetime | None
) -> None:
    actor = shop.store.people.actors_of(decision.person)[0]
    before = sum(
        event.body["decision"] == decision.id for event in shop.store.log.read(kinds=("contact",))
    )
    body = {"decision": decision.id, "done": done, "until": to_us(until) if until else None}
    message = shop.store.people.keyed(f"contact|{decision.id}|{done}|{before}")
    event = Event(actor, "contact", at, message, item=decision.chosen[0], body=body, source="hand")
    shop.store.log.append([event], shop.clock.now())
