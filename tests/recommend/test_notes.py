from __future__ import annotations

import pytest
from tests.recommend.shops import Bench, codes

from renwei.core.nouns import Item
from renwei.recommend.answers import RecommendAnswer
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set


def noted(answer: RecommendAnswer) -> list[str]:
    assert all(one.text for one in answer.notes)
    return [one.code for one in answer.notes]


def test_a_shop_with_one_item_is_told_that_there_is_nothing_to_choose(bench: Bench) -> None:
    bench.items(Item(0, "product", "only", "Only one", "", 100, "CNY", {}))
    answer = bench.ask("anybody")
    assert codes(answer) == ["only"]
    assert noted(answer) == ["one_item"]
    bench.items(Item(0, "product", "second", "A second", "", 100, "CNY", {}))
    assert noted(bench.ask("anybody")) == []


def test_a_kind_without_any_item_leaves_its_places_to_others_and_is_noted(shop: Bench) -> None:
    place = {"kinds": ["product", "video"], "slots": {"video": 2}, "explore": 0.0, "holdout": 0}
    surfaces_set(shop.shop, SurfaceRequest(name="mixed", place=place))
    answer = shop.ask("u-0", surface="mixed", n=6)
    assert len(answer.items) == 6
    assert noted(answer) == ["kind_empty"]
    assert "video" in answer.notes[0].text
    shop.items(Item(0, "video", "film", "Film", "", 0, "", {}))
    assert noted(shop.ask("u-0", surface="mixed", n=6)) == []


def test_an_item_that_nobody_knows_is_named(shop: Bench) -> None:
    answer = shop.ask("", surface="product", item_id="no-such", n=4)
    assert len(answer.items) == 4
    assert noted(answer) == ["unknown_item"]
    assert "no-such" in answer.notes[0].text


@pytest.mark.parametrize("surface", ["product", "goes_with"])
def test_an_item_that_hardly_anybody_bought_is_called_still_new(shop: Bench, surface: str) -> None:
    assert noted(shop.ask("", surface=surface, item_id="mask-3", n=4)) == []
    shop.items(Item(0, "product", "mask-new", "Mask Z clay", "mask", 900, "CNY", {"stock": 5}))
    shop.learnt()
    answer = shop.ask("", surface=surface, item_id="mask-new", n=4)
    assert noted(answer) == ["still_new"]
    assert "Mask Z clay" in answer.notes[0].text
