"""Gorse's users: people, whose labels are facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment
from renwei.collect.live.resolving import named_user
from renwei.collect.live.traits import INVALID
from renwei.collect.regions import region_of
from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.shop import Shop
from renwei.doors.foreign.gorse import GorseUser, user_event, user_shown
from renwei.doors.http.pool import in_thread
from renwei.trust import audit

if TYPE_CHECKING:
    from renwei.doors.http.gorse_paths import Asked

_STEP = 500


async def stored(asked: Asked) -> dict[str, int]:
    """POST and PUT /api/users."""
    return await _stored(asked, asked.told(list[GorseUser]))


async def stored_one(asked: Asked) -> dict[str, int]:
    """POST and PUT /api/user."""
    return await _stored(asked, [asked.told(GorseUser)])


async def changed(asked: Asked) -> dict[str, int]:
    """PATCH /api/user/{user}: labels that are given; the others stay."""
    user = asked.told(GorseUser)
    await in_thread(person_of, asked.house.shop(), asked.named["user"])
    user.user_id = asked.named["user"]
    return await _stored(asked, [user])


def shown(asked: Asked) -> dict[str, Any]:
    """GET /api/user/{user}."""
    shop, code = asked.house.shop(), asked.named["user"]
    person = person_of(shop, code)
    audit.note(shop, asked.caller.id, "portrait", person)
    return user_shown(code, _labels(shop, person))


def forgotten(asked: Asked) -> dict[str, int]:
    """DELETE /api/user/{user}: everything held of them is destroyed."""
    person = person_of(asked.house.shop(), asked.named["user"])
    asked.house.call("forget", person=to_id(person))
    return {"RowAffected": 1}


def listed(asked: Asked) -> dict[str, Any]:
    """GET /api/users: those who have a user id, a page at a time."""
    n, skip = asked.page()
    shop = asked.house.shop()
    every = shop.store.people.all_persons()
    found: list[dict[str, Any]] = []
    looked: list[int] = []
    while skip < len(every) and len(found) < n:
        some = [int(person) for person in every[skip : skip + min(_STEP, n)]]
        for person, texts in zip(some, shop.store.people.open_many(some, ["user"]), strict=True):
            if len(found) == n:
                break
            skip += 1
            for code in texts.get("user", ())[:1]:
                found.append(user_shown(code, _labels(shop, person)))
                looked.append(person)
    if looked:
        audit.note(shop, asked.caller.id, "list", looked)
    return {"Cursor": str(skip) if skip < len(every) else "", "Users": found}


def person_of(shop: Shop, code: str) -> int:
    """The person of a user id.

    Raises:
        UnknownName: unknown_user.
    """
    named = named_user(code, region_of(shop.settings.currency, shop.settings.zone))
    person = shop.store.people.find(named)
    if person is None:
        raise UnknownName("unknown_user", name=code)
    return person


def _labels(shop: Shop, person: int) -> Mapping[str, Any]:
    facts = shop.store.people.profile(person).facts
    return {
        name: fact.value
        for name, fact in facts.items()
        if fact.value is not None and not name.startswith(INVALID)
    }


async def _stored(asked: Asked, users: Sequence[GorseUser]) -> dict[str, int]:
    moment = Moment(asked.now_us)
    taken: list[Incoming] = []
    for index, user in enumerate(users):
        event = user_event(user, index, moment)
        if isinstance(event, Refusal):
            values = {"index": index, "field": event.field or "UserId", "found": event.code}
            raise BadInput("feedback_bad", **values)
        taken.append(event)
    if taken:
        await asked.house.intake.take(asked.caller.id, taken)
    return {"RowAffected": len(taken)}
