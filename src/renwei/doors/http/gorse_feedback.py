"""Gorse's feedback: track events of the log, written through intake and read back from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from renwei.collect.live.folding import rest_of
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.doors.foreign.gorse import (
    WIRE,
    GorseFeedback,
    feedback_back,
    feedback_event,
    feedback_shown,
)
from renwei.doors.http.gorse_users import person_of
from renwei.doors.http.pool import in_thread

if TYPE_CHECKING:
    from renwei.doors.http.gorse_paths import Asked

MOST = 10_000
_KINDS = ("view", "like", "unlike", "wish", "cart", "uncart", "share", "comment", "track")
Said = dict[str, Any]


async def inserted(asked: Asked) -> dict[str, int]:
    """POST /api/feedback: what is there already is left as it is."""
    return await _stored(asked, overwrite=False)


async def overwritten(asked: Asked) -> dict[str, int]:
    """PUT /api/feedback: another value of the same feedback counts from now on."""
    return await _stored(asked, overwrite=True)


async def taken_back(asked: Asked) -> dict[str, int]:
    """DELETE of feedback: likes and carts are taken back by an event of their own."""
    found = await in_thread(_between, asked)
    moment = Moment(asked.now_us)
    events = [feedback_back(_as_sent(said), moment) for said in found]
    good = [event for event in events if isinstance(event, Incoming)]
    if good:
        await asked.house.intake.take(asked.caller.id, good)
    return {"RowAffected": len(good)}


def listed(asked: Asked) -> dict[str, Any]:
    """GET /api/feedback and /api/feedback/{type}: as it came, a page at a time."""
    n, after = asked.page()
    shop, kind = asked.house.shop(), asked.named.get("type", "")
    found: list[Said] = []
    cursor = ""
    for event in shop.store.log.read(after=after, kinds=_KINDS):
        said = _said(shop, event)
        if said is None or (kind and said["FeedbackType"] != kind) or said.pop("back"):
            continue
        if len(found) == n:
            break
        found.append(said)
        cursor = str(event.seq)
    else:
        cursor = ""
    return {"Cursor": cursor, "Feedback": found}


def of_user(asked: Asked) -> list[Said]:
    """GET /api/user/{user}/feedback, of one type where it is named; the newest first."""
    return _of_user(asked.house.shop(), asked.named["user"], asked.named.get("type", ""))


def of_item(asked: Asked) -> list[Said]:
    """GET /api/item/{item}/feedback, of one type where it is named; the newest first."""
    from renwei.collect.items.finding import item_of

    shop = asked.house.shop()
    number = item_of(shop, asked.named["item"]).number
    events = [event for event in shop.store.log.read(kinds=_KINDS) if event.item == number]
    return _standing(shop, reversed(events[-MOST:]), asked.named.get("type", ""))


def between(asked: Asked) -> list[Said]:
    """GET /api/feedback/{user}/{item}."""
    return _between(asked)


def one(asked: Asked) -> Said:
    """GET /api/feedback/{type}/{user}/{item}.

    Raises:
        UnknownName: unknown_feedback.
    """
    return _between(asked)[0]


def _between(asked: Asked) -> list[Said]:
    named = asked.named
    every = _of_user(asked.house.shop(), named["user"], named.get("type", ""))
    found = [said for said in every if said["ItemId"] == named["item"]]
    if not found and "type" in named:
        raise UnknownName("unknown_feedback", name=named["item"])
    return found


def _of_user(shop: Shop, code: str, kind: str) -> list[Said]:
    actors = shop.store.people.actors_of(person_of(shop, code))
    return _standing(shop, shop.store.log.of(actors, kinds=_KINDS, limit=MOST), kind)


def _standing(shop: Shop, events: Iterable[Event], kind: str) -> list[Said]:
    """The feedback that stands: of each user, item and type the newest, if not taken back."""
    newest: dict[tuple[str, str, str], Said] = {}
    for event in events:
        said = _said(shop, event)
        if said is not None:
            key = (said["FeedbackType"], said["UserId"], said["ItemId"])
            newest.setdefault(key, said)
    standing = [said for said in newest.values() if not said.pop("back")]
    return [said for said in standing if not kind or said["FeedbackType"] == kind]


def _said(shop: Shop, event: Event) -> Said | None:
    if event.body.get("wire") != WIRE:
        return None
    properties = rest_of(shop, event).get("p") or {}
    if not properties.get("feedback_type"):
        return None
    at = event.at.isoformat().replace("+00:00", "Z")
    return feedback_shown(properties, at) | {"back": bool(properties.get("feedback_back"))}


def _as_sent(said: Said) -> GorseFeedback:
    return GorseFeedback(
        feedback_type=said["FeedbackType"], user_id=said["UserId"], item_id=said["ItemId"]
    )


async def _stored(asked: Asked, *, overwrite: bool) -> dict[str, int]:
    told: Sequence[GorseFeedback] = asked.told(list[GorseFeedback])
    moment = Moment(asked.now_us)
    taken: list[Incoming] = []
    for index, feedback in enumerate(told):
        event = _checked(feedback, index, moment, overwrite=overwrite)
        taken.append(event)
    if not taken:
        return {"RowAffected": 0}
    receipt = await asked.house.intake.take(asked.caller.id, taken)
    return {"RowAffected": sum(receipt.fresh)}


def _checked(feedback: GorseFeedback, index: int, moment: Moment, *, overwrite: bool) -> Incoming:
    for field, text in (("FeedbackType", feedback.feedback_type), ("ItemId", feedback.item_id)):
        if not 0 < len(text.strip()) <= 200 or not text.isprintable():
            raise BadInput("feedback_bad", index=index, field=field, found=repr(text[:60]))
    event = feedback_event(feedback, index, moment, overwrite=overwrite)
    if isinstance(event, Refusal):
        field = {"userId": "UserId", "timestamp": "Timestamp"}.get(event.field, event.field)
        found = str(event.values.get("value", "")) or event.code
        raise BadInput("feedback_bad", index=index, field=field or "UserId", found=found)
    return event
