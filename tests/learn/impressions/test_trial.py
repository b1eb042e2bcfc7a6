from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.learn.impressions.worlds import Made, World, made

from renwei.learn.impressions.attraction import attraction
from renwei.learn.impressions.examination import examination
from renwei.learn.impressions.learning import learn_impressions
from renwei.learn.impressions.rows import Impressions
from renwei.learn.impressions.trial import FEWEST, HIGHEST, LOWEST, Trial, clipped, trial

NULLS = 40


def measured(found: Trial) -> tuple[float, float, float]:
    """The gain and its interval, where there was enough to measure it."""
    assert found.gain is not None
    assert found.low is not None
    assert found.high is not None
    return found.gain, found.low, found.high


def test_where_items_differ_the_order_is_better_for_it_and_serves() -> None:
    found = learn_impressions(made(World(seed=1)).rows)
    assert found.trial.verdict == "serves"
    gain, low, high = measured(found.trial)
    assert 0 < low < gain < high
    assert found.trial.tried >= 0.25 * found.clicks
    assert found.trial.people > 0


@pytest.mark.parametrize(
    "world",
    [
        World(lists=2_500, spread=0.0),
        World(lists=2_500, spread=0.0, steep=1.5),
        World(lists=2_500, spread=0.0, taste=0.0, base=0.06, explore=0.0, noise=0.05),
    ],
)
def test_nothing_serves_on_noise(world: World) -> None:
    """Of 40 at most 4: at one in forty by chance, more come about once in two hundred times."""
    verdicts = [trial(made(world.with_(seed=200 + k)).rows.sound()).verdict for k in range(NULLS)]
    assert "few_clicks" not in verdicts
    assert verdicts.count("serves") <= 4


def test_the_gain_is_the_one_that_people_would_have_had() -> None:
    """Against the truth of the part that was tried: known places, known wants."""
    off, errors = [], []
    for seed in range(6):
        world = World(lists=5_000, seed=20 + seed)
        true = made(world)
        rows = true.rows.sound()
        found = trial(rows)
        late = (
            rows.at_us
            >= rows.at_us[int(np.searchsorted(np.cumsum(rows.clicked), 0.7 * rows.clicks))]
        )
        early, tried = rows.pick(~late), rows.pick(late)
        factor = clipped(attraction(early, examination(early)).of(tried.item))
        gain, low, high = measured(found)
        off.append(gain - _true_gain(true, tried, factor))
        errors.append((high - low) / 3.92)
    assert abs(np.mean(off)) <= 4 * np.mean(errors) / len(off) ** 0.5


def _true_gain(true: Made, rows: Impressions, factor: np.ndarray) -> float:
    wanted = rows.score * true.attracts[rows.item - 1_000]
    before, after = 0.0, 0.0
    for one in np.unique(rows.shown_in):
        own = np.flatnonzero(rows.shown_in == one)
        for by, add in ((rows.score[own], 0), (rows.score[own] * factor[own], 1)):
            rank = np.argsort(np.argsort(-by, kind="stable"))
            worth = float((wanted[own] / np.log2(rank + 2)).sum())
            before, after = before + worth * (1 - add), after + worth * add
    return after / before - 1


def test_the_last_part_of_the_log_is_not_learnt_from() -> None:
    """Where what was liked is disliked of late, what was learnt before fails the trial."""
    first, then = made(World(seed=7)), made(World(lists=2_500, seed=8))
    turned = replace(
        then.rows,
        shown_in=then.rows.shown_in + 10**6,
        at_us=then.rows.at_us + 10**12,
    )
    whole = {
        name: np.concatenate([getattr(first.rows, name), getattr(turned, name)])
        for name in turned.__dataclass_fields__
    }
    found = learn_impressions(Impressions(**whole))
    assert found.trial.verdict == "no_gain"
    assert measured(found.trial)[0] < 0.02


def test_too_few_clicks_are_said_to_be_too_few() -> None:
    rows = made(World(lists=300)).rows
    assert 0 < rows.clicks < FEWEST
    assert trial(rows.sound()).verdict == "few_clicks"
    assert trial(rows.sound()).gain is None
    none = learn_impressions(rows.pick(np.zeros(len(rows), dtype=bool)))
    assert (none.trial.verdict, none.impressions, none.clicks) == ("few_clicks", 0, 0)


def test_clicks_of_a_single_moment_leave_nothing_to_try_on() -> None:
    rows = made(World(lists=3_000)).rows
    assert trial(replace(rows, at_us=np.zeros(len(rows), np.int64)).sound()).verdict == "few_clicks"


def test_one_person_alone_never_makes_it_serve() -> None:
    """The interval is over people: of one person it is as wide as can be."""
    rows = made(World(seed=1)).rows
    one = replace(rows, person=np.full(len(rows), 5))
    assert trial(one.sound()).verdict == "no_gain"


def test_the_same_log_gives_the_same_verdict_and_factors_stay_in_bounds() -> None:
    rows = made(World(lists=3_000)).rows.sound()
    assert trial(rows) == trial(rows)
    assert clipped(np.array([0.01, 1.0, 9.0])).tolist() == [LOWEST, 1.0, HIGHEST]
