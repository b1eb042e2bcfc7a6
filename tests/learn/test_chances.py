from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from tests.learn.worlds import rhythmic

from renwei.learn.chances import trees_run
from renwei.learn.purchase import fit_purchase
from renwei.learn.snapshots import take_snapshot


@pytest.fixture
def no_openmp(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine on which LightGBM does not load."""
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    trees_run.cache_clear()
    yield
    trees_run.cache_clear()


@pytest.mark.usefixtures("no_openmp")
def test_without_an_openmp_runtime_the_chances_come_without_trees() -> None:
    orders = rhythmic(people=2_100, days=200)
    as_of = float(orders.time.max())
    model = fit_purchase(orders, as_of=as_of, days=30.0, ways=("mean",))
    chance = model.forecast(take_snapshot(orders, as_of, 30.0)).chance
    assert not trees_run()
    assert np.all((chance > 0) & (chance < 1))
    assert chance.std() > 0.01


def test_the_trees_run_where_tests_run() -> None:
    assert trees_run()
