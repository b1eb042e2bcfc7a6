from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.impressions.worlds import Made, World, made

from renwei.learn.impressions.attraction import Attraction, attraction
from renwei.learn.impressions.examination import examination
from renwei.learn.impressions.rows import Impressions


def learnt(rows: Impressions) -> Attraction:
    rows = rows.sound()
    return attraction(rows, examination(rows))


def depth(rows: Impressions, items: np.ndarray) -> np.ndarray:
    """Where each item stood on average."""
    place = np.searchsorted(items, rows.item)
    return np.bincount(place, rows.position) / np.bincount(place)


def slope(y: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Of a weighted line, with its standard error."""
    share = weight / weight.sum()
    x, y = x - share @ x, y - share @ y
    found = float((share * x * y).sum() / (share * x * x).sum())
    spread = float((share * (y - found * x) ** 2).sum() / (share * x * x).sum() / (len(x) - 2))
    return found, spread**0.5


def test_clicks_over_shows_depend_on_where_an_item_stood_and_attraction_does_not() -> None:
    """Over many shops: the one is wrong by the place, the other is not."""
    ours: list[float] = []
    plain: list[float] = []
    for seed in range(12):
        true: Made = made(World(lists=5_000, seed=seed))
        rows = true.rows.sound()
        found = learnt(rows)
        truth = np.log(true.attracts[found.items - 1_000])
        shows = np.bincount(np.searchsorted(found.items, rows.item))
        deep = depth(rows, found.items)
        enough = found.clicks > 0
        rate = np.log(found.clicks[enough] / shows[enough])
        fair = np.log(found.clicks[enough] / found.expected[enough])
        for held, value in ((plain, rate), (ours, fair)):
            held.append(slope(value - truth[enough], deep[enough], found.expected[enough])[0])
    error = float(np.std(ours, ddof=1)) / len(ours) ** 0.5
    assert abs(np.mean(ours)) <= 4 * error + 0.01
    assert np.mean(plain) < -10 * error
    assert np.mean(plain) < -0.1


def test_what_stands_high_unclicked_sinks_and_what_is_clicked_far_down_rises() -> None:
    true = made(World(lists=8_000, spread=0.0, seed=3))
    rows = true.rows
    high, low = (
        int(np.bincount(rows.item[at]).argmax()) for at in (rows.position == 0, rows.position == 9)
    )
    chance = np.random.default_rng(1)
    clicked = np.where(
        rows.item == high, rows.clicked & (chance.random(len(rows)) < 0.3), rows.clicked
    )
    extra = (rows.item == low) & (chance.random(len(rows)) < 0.1)
    found = learnt(replace(rows, clicked=clicked | extra))
    assert found.of(np.array([high]))[0] < 0.7
    assert found.of(np.array([low]))[0] > 1.5
    others = found.factor[~np.isin(found.items, [high, low])]
    error = 1 / np.sqrt(found.expected[~np.isin(found.items, [high, low])] + found.prior)
    assert np.all(np.abs(np.log(others)) < 4 * error)


def test_an_item_shown_little_stays_near_one_and_an_unknown_one_is_one() -> None:
    true = made(World(lists=5_000, seed=4))
    rows = true.rows
    rare = int(rows.item[0])
    kept = (rows.item != rare) | (rows.shown_in < 10)
    found = learnt(rows.pick(kept))
    own = found.of(np.array([rare, -1]))
    expected = found.expected[found.items == rare][0]
    assert expected < 5 < found.prior + 5
    raw = found.clicks[found.items == rare][0] / expected
    assert abs(own[0] - 1) < abs(raw - 1)
    assert own[1] == 1


def test_how_much_items_differ_is_found_again() -> None:
    """The spread of the prior, over many shops, against that of what is true."""
    found, true = [], []
    for seed in range(20):
        world = made(World(lists=4_000, spread=0.4, seed=50 + seed))
        rows = world.rows.sound()
        one = learnt(rows)
        found.append(1 / one.prior)
        weight = one.expected / one.expected.sum()
        attracts = world.attracts[one.items - 1_000]
        mean = float(weight @ attracts)
        true.append(float(weight @ (attracts / mean - 1) ** 2))
    ratio = np.array(found) - np.array(true)
    assert abs(ratio.mean()) <= 4 * ratio.std(ddof=1) / len(ratio) ** 0.5 + 0.15 * np.mean(true)


def test_one_person_who_clicks_the_same_thing_again_and_again_does_not_make_items_differ() -> None:
    true = made(World(lists=4_000, spread=0.0, seed=5))
    rows = true.rows
    fond, thing = int(rows.person[0]), int(rows.item[0])
    lists = rows.shown_in < 400
    mad = replace(
        rows,
        person=np.where(lists, fond, rows.person),
        clicked=np.where(lists & (rows.item == thing), True, rows.clicked),
    )
    many = replace(mad, person=np.where(lists, rows.shown_in + 1, mad.person))
    of_many, of_one = (learnt(rows).of(np.array([thing]))[0] for rows in (many, mad))
    assert of_many > 1.5
    assert abs(of_one - 1) < 0.3 * (of_many - 1)


def test_the_chance_of_a_click_on_a_look_is_what_it_is() -> None:
    true = made(World(lists=20_000, seed=6, taste=0.0, base=0.05, noise=0.2))
    found = learnt(true.rows)
    chance = np.minimum(0.2 * true.attracts[found.items - 1_000], 1)
    much = found.expected > 200
    assert much.sum() >= 10
    error = 1 / np.sqrt(found.clicks[much]) + 1 / np.sqrt(found.clicks.sum() / 10)
    assert np.all(np.abs(np.log(found.chance[much] / chance[much])) < 4 * error)


def test_nothing_shown_is_nothing_learnt() -> None:
    rows = made(World(lists=10)).rows
    found = learnt(rows.pick(np.zeros(len(rows), dtype=bool)))
    assert len(found.items) == 0
    assert found.of(np.array([1, 2])).tolist() == [1, 1]
    unclicked = learnt(replace(rows, clicked=np.zeros(len(rows), dtype=bool)))
    assert np.all(unclicked.factor == 1)
    assert unclicked.prior == pytest.approx(np.inf)
