from __future__ import annotations

from datetime import timedelta

from tests.recommend.shops import DAY, Bench

from renwei.learn.interest import creator_number
from renwei.recommend.moment import Moment, moment, person_of


def read(stocked: Bench, user: str) -> Moment:
    return moment(stocked.shop, person_of(stocked.shop, user, ""), stocked.clock.now())


def shown(stocked: Bench, user: str, n: int, ago: timedelta) -> None:
    """So many impressions as an app reports them, one a second."""
    events = [
        stocked.event(user, "shown", f"soap-{k % 12}", ago=ago - timedelta(seconds=k))
        for k in range(n)
    ]
    stocked.store.log.append(events, stocked.clock.now())


def test_what_an_app_reports_as_shown_does_not_push_out_what_the_person_did(stocked: Bench) -> None:
    stocked.saw("ann", "mask-1", "mask-2", ago=2 * DAY)
    stocked.did("ann", "unlike", "cream-1", ago=2 * DAY)
    stocked.did("ann", "follow", creator="River", ago=2 * DAY)
    before = read(stocked, "ann")
    shown(stocked, "ann", 500, DAY)
    after = read(stocked, "ann")
    assert before.dismissed == after.dismissed == {stocked.number["cream-1"]}
    assert (
        set(before.items)
        == set(after.items)
        == {stocked.number["mask-1"], stocked.number["mask-2"]}
    )
    assert before.follows == after.follows == {creator_number("River")}
    assert after.shown.keys() == {stocked.number[f"soap-{k}"] for k in range(12)}


def test_what_somebody_said_holds_until_they_say_otherwise(stocked: Bench) -> None:
    stocked.did("ann", "like", "soap-1", ago=90 * DAY)
    stocked.did("ann", "unlike", "cream-1", ago=80 * DAY)
    stocked.did("ann", "follow", creator="River", ago=80 * DAY)
    stocked.did("ann", "follow", creator="Pebble", ago=80 * DAY)
    views = [stocked.event("ann", "view", "mask-3", ago=DAY) for _ in range(450)]
    stocked.store.log.append(views, stocked.clock.now())
    held = read(stocked, "ann")
    assert held.dismissed == {stocked.number["cream-1"]}
    assert held.follows == {creator_number("River"), creator_number("Pebble")}
    # Looks fade and go; who took a like back never was not interested.
    assert held.items == (stocked.number["mask-3"],)
    stocked.did("ann", "unlike", "soap-1", ago=DAY / 24)
    stocked.did("ann", "like", "cream-1", ago=DAY / 24)
    stocked.did("ann", "unfollow", creator="River", ago=DAY / 24)
    held = read(stocked, "ann")
    assert not held.dismissed
    assert held.follows == {creator_number("Pebble")}


def test_shown_counts_only_since_the_person_last_touched_it(stocked: Bench) -> None:
    shown(stocked, "ann", 24, 3 * DAY)
    stocked.saw("ann", "soap-0", ago=2 * DAY)
    shown(stocked, "ann", 12, DAY)
    shown(stocked, "ann", 12, 8 * DAY)
    held = read(stocked, "ann").shown
    wanted = {stocked.number[f"soap-{k}"]: 3 for k in range(12)} | {stocked.number["soap-0"]: 1}
    assert held == wanted
