from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.recommend.shops import DAY, Bench

from renwei.learn.interest import creator_number
from renwei.recommend.moment import Moment, moment, person_of


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.catalogue()
    yield made
    made.store.close()


def read(shop: Bench, user: str) -> Moment:
    return moment(shop.shop, person_of(shop.shop, user, ""), shop.clock.now())


def shown(shop: Bench, user: str, n: int, ago: timedelta) -> None:
    """So many impressions as an app reports them, one a second."""
    events = [
        shop.event(user, "shown", f"soap-{k % 12}", ago=ago - timedelta(seconds=k))
        for k in range(n)
    ]
    shop.store.log.append(events, shop.clock.now())


def test_what_an_app_reports_as_shown_does_not_push_out_what_the_person_did(shop: Bench) -> None:
    shop.saw("ann", "mask-1", "mask-2", ago=2 * DAY)
    shop.did("ann", "unlike", "cream-1", ago=2 * DAY)
    shop.did("ann", "follow", creator="River", ago=2 * DAY)
    before = read(shop, "ann")
    shown(shop, "ann", 500, DAY)
    after = read(shop, "ann")
    assert before.dismissed == after.dismissed == {shop.number["cream-1"]}
    assert set(before.items) == set(after.items) == {shop.number["mask-1"], shop.number["mask-2"]}
    assert before.follows == after.follows == {creator_number("River")}
    assert after.shown.keys() == {shop.number[f"soap-{k}"] for k in range(12)}


def test_what_somebody_said_holds_until_they_say_otherwise(shop: Bench) -> None:
    shop.did("ann", "like", "soap-1", ago=90 * DAY)
    shop.did("ann", "unlike", "cream-1", ago=80 * DAY)
    shop.did("ann", "follow", creator="River", ago=80 * DAY)
    shop.did("ann", "follow", creator="Pebble", ago=80 * DAY)
    views = [shop.event("ann", "view", "mask-3", ago=DAY) for _ in range(450)]
    shop.store.log.append(views, shop.clock.now())
    held = read(shop, "ann")
    assert held.dismissed == {shop.number["cream-1"]}
    assert held.follows == {creator_number("River"), creator_number("Pebble")}
    # Looks fade and go; who took a like back never was not interested.
    assert held.items == (shop.number["mask-3"],)
    shop.did("ann", "unlike", "soap-1", ago=DAY / 24)
    shop.did("ann", "like", "cream-1", ago=DAY / 24)
    shop.did("ann", "unfollow", creator="River", ago=DAY / 24)
    held = read(shop, "ann")
    assert not held.dismissed
    assert held.follows == {creator_number("Pebble")}


def test_shown_counts_only_since_the_person_last_touched_it(shop: Bench) -> None:
    shown(shop, "ann", 24, 3 * DAY)
    shop.saw("ann", "soap-0", ago=2 * DAY)
    shown(shop, "ann", 12, DAY)
    shown(shop, "ann", 12, 8 * DAY)
    held = read(shop, "ann").shown
    wanted = {shop.number[f"soap-{k}"]: 3 for k in range(12)} | {shop.number["soap-0"]: 1}
    assert held == wanted
