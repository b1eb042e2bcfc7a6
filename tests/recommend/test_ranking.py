from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.recommend.shops import Bench

from renwei.learn.taste.table import Asked, Past
from renwei.recommend import ranking
from renwei.recommend.learning import LearnTaste, learn_taste
from renwei.recommend.pasts import Rows, edge_us, rows_of_log
from renwei.recommend.ranking import card_of, ranker_of


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("ranking"))
    made.catalogue()
    made.crowd(120)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def rows(bench: Bench) -> Rows:
    return rows_of_log(bench.store, bench.clock.now())


def test_of_more_items_than_are_learnt_the_most_active_are_put_forward(
    bench: Bench, rows: Rows
) -> None:
    most = 10
    now = edge_us(rows, bench.clock.now())
    taste = ranker_of(bench.shop, rows, now, most=most)
    assert taste is not None
    items, item = np.unique(rows.item, return_inverse=True)
    heat = np.bincount(item, rows.weight)
    left = np.sort(heat)[-most:].min()
    learnt = np.flatnonzero(taste.sources.crowd.everyone > 0)
    assert len(items) > most
    assert len(learnt) == most
    assert heat[learnt].min() >= left
    # Places are those of all items, so that whoever keeps the numbers needs to know nothing.
    assert taste.sources.crowd.everyone.shape == (len(items),)
    nobody = Asked.one(Past.of([0], [0], [0], items=len(items), users=1).pick(slice(0, 0)), now)
    assert set(taste.rank(nobody, k=20).items[0].tolist()) == {-1, *learnt.tolist()}


def test_people_keep_their_places_when_items_are_left_out(bench: Bench, rows: Rows) -> None:
    now = edge_us(rows, bench.clock.now())
    taste = ranker_of(bench.shop, rows, now, most=3)
    assert taste is not None
    people, items = np.unique(rows.who), np.unique(rows.item)
    kept = set(items[taste.sources.crowd.everyone > 0].tolist())
    assert len(kept) == 3
    known = taste.sources.alike.people
    expected = [k for k, who in enumerate(people) if kept & set(rows.item[rows.who == who])]
    assert sorted(known.tolist()) == expected


def test_the_card_says_when_items_were_left_out(
    bench: Bench, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = bench.clock.now()
    taste = ranker_of(bench.shop, rows, edge_us(rows, at))
    assert taste is not None
    assert "why" not in card_of(taste, rows, at)
    monkeypatch.setattr(ranking, "MOST_ITEMS", 10)
    said = card_of(taste, rows, at)
    assert said["why"] == "many_items"
    assert said["ways"] == {question: taste.way(question) for question in taste.choices}
    assert card_of(None, rows.pick(np.arange(3)), at)["why"] == "few_purchases"


def test_a_large_shop_is_ranked_only_if_it_asks_for_it_and_stays_so(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    made.catalogue()
    made.crowd(60)

    def lesson(**fields: Any) -> dict[str, Any]:
        learn_taste(made.shop, LearnTaste(at=made.clock.now(), **fields))
        held = made.shop.shelf.get("taste-items")
        assert held is not None
        return dict(held.meta["card"])

    try:
        assert lesson()["ways"]
        small = lesson(most_items=10)
        assert (small["why"], small["ways"]) == ("large_shop", {})
        assert made.shop.shelf.get("taste") is None
        assert lesson()["why"] == "large_shop"
        assert lesson(most_items=1_000)["ways"]
    finally:
        made.store.close()


def test_too_few_rows_teach_nothing(bench: Bench, rows: Rows) -> None:
    assert ranker_of(bench.shop, rows.pick(np.arange(20)), edge_us(rows, bench.clock.now())) is None
