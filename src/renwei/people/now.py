"""One person's row of estimates at this moment, orders of a minute ago included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from renwei.core.clock import to_us
from renwei.core.nouns import Event
from renwei.core.shop import Columns, Shop

if TYPE_CHECKING:
    from renwei.people.frame import Frame

KINDS = ("order", "order-change", "return")
STAGES = ("new", "active", "at_risk", "lost", "returning")
TIERS = ("high", "potential", "low")
NO_TIER = -1
SERVES = timedelta(days=2)


def settle(shop: Shop, asked: datetime | None) -> datetime:
    """The moment to answer for, with estimates that serve it.

    Of a past moment they are learnt as of it. For now, those of the last two days serve:
    whoever ordered since is judged anew (`fresh`), and nobody waits for the whole shop.
    """
    at = (asked or shop.clock.now()).astimezone(UTC)
    held = shop.shelf.get("people")
    if asked is None and held is not None:
        age = at - datetime.fromisoformat(str(held.meta["as_of"]))
        if timedelta(0) <= age <= SERVES:
            return at
    shop.ready_estimates(at)
    return at


def fresh(
    shop: Shop, person: int, at: datetime, peers: Mapping[str, Any] | None = None
) -> dict[str, float] | None:
    """Her row made anew with the stored fit; None where the stored row still tells everything.

    Orders, rhythm and stage are what the next learning will say; chances and value are those
    of people like her (learn/standing.py).

    Args:
        shop: The workspace.
        person: Whose.
        at: Nothing later is read.
        peers: Of the estimates (`peers_now`), where they are at hand already.
    """
    events = order_events(shop, person, at)
    held = shop.shelf.get("people")
    if held is not None and not later(events, held) and _stored(held, person):
        return None
    if not events:
        return None
    return made_anew(shop, person, at, peers_now(held) if peers is None else peers)


def frame_of(shop: Shop, person: int, at: datetime) -> Frame:
    """Her orders, in the currency of the estimates; without any, in what most of hers are in."""
    from renwei.people.frame import Frame

    held = shop.shelf.get("people")
    currency = str(held.meta.get("currency") or "") if held else ""
    return Frame.of(shop.store, person, at, currency)


def made_anew(
    shop: Shop, person: int, at: datetime, peers: Mapping[str, Any], frame: Frame | None = None
) -> dict[str, float]:
    """Her row from her own orders, whatever is stored."""
    from renwei.learn.standing import rhythm_of, standing

    held = shop.shelf.get("people")
    meta: Mapping[str, Any] = held.meta if held else {}
    orders = (frame or frame_of(shop, person, at)).as_of(at)
    row = standing(
        orders.time_s,
        orders.value,
        as_of=to_us(at) / 1e6,
        rhythm=rhythm_of(meta.get("rhythm")),
        peers=peers,
    )
    edges = [float(edge) for edge in meta.get("tier_edges_minor", ())]
    year = row.get("year_value", 0.0)
    # Tiers stand from high to low: each edge not reached is a step down.
    row["tier"] = sum(year < edge for edge in edges) if edges and row["orders"] else NO_TIER
    return row


def peers_now(held: Columns | None) -> dict[str, Any]:
    """What is usual among people with so many orders, from the stored estimates."""
    from renwei.learn.standing import peers_of

    if held is None or not len(held.columns["person"]):
        return {}
    return dict(peers_of(held.columns, to_us(datetime.fromisoformat(str(held.meta["as_of"])))))


def order_events(shop: Shop, person: int, at: datetime) -> list[Event]:
    """Every order, change and return of a person by then."""
    actors = shop.store.people.actors_of(person)
    return shop.store.log.of(actors, until=at, kinds=KINDS, limit=2_000)


def later(events: Sequence[Event], held: Columns) -> bool:
    """Whether some of these events came in after the estimates were made."""
    position = int(held.meta.get("position", 0))
    return any(event.seq > position for event in events)


def _stored(held: Columns, person: int) -> bool:
    column = held.columns["person"]
    row = int(column.searchsorted(person))
    return row < len(column) and int(column[row]) == person
