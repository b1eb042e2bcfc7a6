from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.chance import u
from renwei.recommend.local import KINDS, PARTS, kind_of, named, part_now
from renwei.recommend.slices import (
    DAY_US,
    TASTE_HALF_LIFE_DAYS,
    Takings,
    leaning,
    parts_of,
    rates,
)
from renwei.recommend.trying import tried

NOW_US = 10**6 * DAY_US // 50


def takings(rows: list[tuple[int, int, int]], place: list[int], n: int) -> Takings:
    """Rows of (who, item, days ago), and the place of everybody."""
    who, item, ago = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    none = np.zeros(len(who), dtype=np.int64)
    spots = np.array(place, dtype=np.int64)
    return Takings(
        who, item, NOW_US - 1 - ago * DAY_US, np.ones(len(who), dtype=bool), none, none,
        {"city": spots, "province": spots, "country": spots},
        {sort: [(f"p{k}", f"P{k}") for k in range(n)] for sort in ("city", "province", "country")},
        len(place), int(item.max()) + 1,
    )  # fmt: skip


ROWS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5), st.integers(0, 50)), min_size=1)


@given(ROWS)
def test_where_all_live_in_one_place_it_says_what_the_shop_says(
    rows: list[tuple[int, int, int]],
) -> None:
    told = takings(rows, [0] * 12, 1)
    own = leaning(told, "province", NOW_US)
    sold = rates(told, NOW_US) > 0
    assert own.dense(0, told.items)[sold] == pytest.approx(1.0)


@given(ROWS, st.lists(st.integers(-1, 3), min_size=12, max_size=12))
@settings(max_examples=60)
def test_shares_of_a_slice_add_up_and_lean_on_the_shop(
    rows: list[tuple[int, int, int]], place: list[int]
) -> None:
    told = takings(rows, place, 4)
    own = leaning(told, "province", NOW_US)
    whole = rates(told, NOW_US, TASTE_HALF_LIFE_DAYS)
    whole = whole / whole.sum()
    for k in range(4):
        lift = own.dense(k, told.items)
        assert (lift * whole).sum() == pytest.approx(1.0)
        assert (lift >= 0).all()
        if not np.isfinite(own.lean):
            assert lift == pytest.approx(1.0)


def planted(small: int) -> Takings:
    """Two large places with tastes of their own, and one of a few people of the second taste."""
    rows, place = [], []
    for k in range(120 + small):
        home = k % 2 if k < 120 else 2
        place.append(home)
        taste = min(home, 1)
        rows += [(k, 6 * taste + int(6 * u(k, "x", j)), j) for j in range(3)]
    return takings(rows, place, 3)


def second_taste(told: Takings) -> list[float]:
    """What share of each place's purchases is of the second taste, and of the whole shop's."""
    own, whole = leaning(told, "province", NOW_US), rates(told, NOW_US, TASTE_HALF_LIFE_DAYS)
    whole = whole / whole.sum()
    shares = [(own.dense(k, told.items) * whole)[6:].sum() for k in range(3)]
    return [float(share) for share in (*shares, whole[6:].sum())]


def test_a_slice_with_few_purchases_stays_near_the_shop_and_one_with_many_does_not() -> None:
    first, second, few, shop = second_taste(planted(1))
    assert first < 0.15
    assert second > 0.85
    assert shop < few < (shop + second) / 2
    assert second_taste(planted(60))[2] > 0.85


def test_one_person_who_takes_a_lot_makes_no_taste_of_a_place() -> None:
    # Everybody keeps to one item of their own, so others of a place foretell nobody.
    rows = [(k, k % 6, j) for k in range(48) for j in range(4)]
    told = takings(rows, [int(4 * u(k, "home")) for k in range(48)], 4)
    own = leaning(told, "province", NOW_US)
    for k in range(4):
        assert abs(own.dense(k, told.items) - 1).max() < 0.8


@pytest.mark.parametrize("seed", range(6))
def test_where_places_are_drawn_by_chance_none_of_them_wins(seed: int) -> None:
    # Everybody keeps to a taste of their own and repeats it; where they live says nothing.
    chance = np.random.default_rng(seed)
    rows = [
        (k, int(item), int(day))
        for k in range(300)
        for own in [chance.integers(0, 40, 4)]
        for item, day in zip(chance.choice(own, 8), chance.integers(0, 90, 8), strict=True)
    ]
    told = takings(rows, chance.integers(0, 12, 300).tolist(), 12)
    assert [one.step for one in tried(told, NOW_US) if one.why == "serves"] == []


def test_a_place_that_is_nearly_the_whole_shop_has_no_list_of_its_own() -> None:
    rows = [(k, 6 * (k >= 110) + int(6 * u(k, "x", j)), j) for k in range(120) for j in range(3)]
    own = leaning(takings(rows, [int(k >= 110) for k in range(120)], 2), "province", NOW_US)
    assert own.apart.tolist() == [False, True]


def test_days_are_divided_by_the_clock_of_the_zone() -> None:
    at = [datetime(2026, 1, 1, hour, 30, tzinfo=UTC) for hour in range(24)]
    us = np.array([int(one.timestamp() * 1e6) for one in at])
    found = parts_of(us, "Asia/Kathmandu").tolist()
    assert found == [part_now(None, one, "Asia/Kathmandu") for one in at]
    assert sorted(set(found)) == list(range(len(PARTS)))


@pytest.mark.parametrize(
    "texts",
    [
        ("浙江", "浙江省", "Zhejiang", "zhejiang province", " ＺＨＥＪＩＡＮＧ "),
        ("广西", "广西壮族自治区", "Guangxi"),
        ("新疆", "新疆维吾尔自治区", "Xinjiang"),
        ("宁夏", "宁夏回族自治区"),
        ("内蒙古", "内蒙古自治区", "Inner Mongolia"),
        ("北京", "北京市", "Beijing", "beijing shi"),
        ("香港", "香港特别行政区", "Hong Kong"),
        ("united kingdom", "United  Kingdom"),
    ],
)
def test_one_place_has_one_name_however_it_is_written(texts: tuple[str, ...]) -> None:
    assert {named(text)[0] for text in texts} == {texts[0]}


@given(st.text(max_size=300))
def test_any_text_names_places_or_nothing(text: str) -> None:
    assert all(named(text))


def test_orders_make_the_kind_of_customer() -> None:
    assert [KINDS[int(kind_of(n))] for n in (0, 1, 3, 4, 99)] == [
        "new", "back", "back", "best", "best",
    ]  # fmt: skip
