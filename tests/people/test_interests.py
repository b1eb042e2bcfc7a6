from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.people.conftest import NOW, Town

from renwei.core.nouns import Event, Item
from renwei.core.store import Named
from renwei.core.tallies import Tally
from renwei.learn.behaviour import LONGEST_MS, asks_for_help
from renwei.learn.interest import creator_number
from renwei.people.interests import (
    A_DAY,
    FOLD,
    fold,
    sought,
)


class Watched:
    """A town with somebody who looks round in it."""

    def __init__(self, town: Town) -> None:
        self.town, self.shop = town, town.shop
        self.items = self.shop.store.items.upsert(
            [
                Item(0, "product", "M", "补水面膜", "面膜", 9_900),
                Item(0, "product", "S", "sun cream", "sun", 5_000, facts={"brand": "Pebble"}),
                *(Item(0, "product", f"X{k}", f"thing {k}", "other", 100) for k in range(60)),
            ]
        )
        self.actor = self.shop.store.people.actors([Named("customer", "u1")], NOW)[0]
        self.count = 0

    def event(self, kind: str, *, item: int = 0, minutes_ago: float = 0, **body: Any) -> Event:
        self.count += 1
        key = self.shop.store.people.keyed(f"live|{self.count}")
        return Event(self.actor, kind, NOW - timedelta(minutes=minutes_ago), key, item, body=body)

    def fold(self, *events: Event) -> dict[tuple[str, int], Tally]:
        store = self.shop.store
        rows = fold(self.shop, events)
        store.tallies.add(FOLD, rows, store.tallies.position(FOLD) + len(events))
        return {(row.name, row.item): row for row in store.tallies.of([self.actor])}


def test_looks_add_up_with_the_time_they_lasted(town: Town) -> None:
    one = Watched(town)
    mask = one.items[0]
    sums = one.fold(
        one.event("view", item=mask, minutes_ago=9, dwell_ms=30_000),
        one.event("view", item=mask, minutes_ago=2, dwell_ms=64_000),
        one.event("like", item=mask),
    )
    assert (sums["view", mask].n, sums["view", mask].amount) == (2, 94_000)
    assert sums["like", mask].n == 1


def test_a_page_left_open_counts_as_half_an_hour_and_nonsense_as_nothing(town: Town) -> None:
    one = Watched(town)
    a, b = one.items[:2]
    sums = one.fold(
        one.event("view", item=a, dwell_ms=99_000_000),
        one.event("view", item=b, dwell_ms="long"),
        one.event("view", item=b, dwell_ms=float("nan")),
        one.event("view", item=b, dwell_ms=-5),
    )
    assert sums["view", a].amount == LONGEST_MS
    assert (sums["view", b].n, sums["view", b].amount) == (3, 0)


def test_a_search_lifts_the_items_it_would_have_found(town: Town) -> None:
    one = Watched(town)
    sums = one.fold(
        one.event("search", keyword="补水"), one.event("search", keyword="pebble CREAM")
    )
    assert sums["search", 0].n == 2
    assert {item for name, item in sums if name == "sought"} == set(one.items[:2])


def test_a_search_that_finds_much_of_the_shop_lifts_nothing(town: Town) -> None:
    one = Watched(town)
    assert sought(town.shop, ["thing", "thing 59", "nowhere"]) == {
        "thing": [],
        "thing 59": [one.items[61]],
        "nowhere": [],
    }


def test_a_flood_counts_twenty_a_day_however_it_is_cut_up(town: Town) -> None:
    one = Watched(town)
    item = one.items[0]
    for _ in range(3):
        sums = one.fold(*(one.event("view", item=item, flood=True) for _ in range(15)))
    assert sums["view", item].n == A_DAY
    sums = one.fold(one.event("view", item=item))
    assert sums["view", item].n == A_DAY + 1


def test_follows_are_kept_by_creator_and_taken_back_by_unfollow(town: Town) -> None:
    one = Watched(town)
    sums = one.fold(one.event("follow", creator="Pebble"), one.event("unfollow", creator="pebble "))
    assert {name for name, item in sums if item == creator_number("PEBBLE")} == {
        "follow",
        "unfollow",
    }


def test_orders_and_other_kinds_add_nothing(town: Town) -> None:
    one = Watched(town)
    assert fold(town.shop, [one.event("order"), one.event("identify"), one.event("viewed")]) == []


def test_a_call_for_help_is_heard_in_both_languages(town: Town) -> None:
    one = Watched(town)
    assert asks_for_help("search", {"keyword": "怎么退款"})
    assert asks_for_help("page", {"path": "/pages/returns-and-refunds"})
    assert asks_for_help("track", {"name": "Contact Us Clicked"})
    assert not asks_for_help("page", {"path": "/masks"})
    assert not asks_for_help("view", {"name": "help desk lamp viewed"})
    assert one.fold(one.event("page", path="/help"))["help", 0].n == 1
