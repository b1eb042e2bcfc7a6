"""What the command line prints of a list and of a page."""

from __future__ import annotations

from typing import Any

import pytest
from tests.recommend.shops import Bench

from renwei.app.build import words
from renwei.doors.cli.views import show
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set


def printed(answer: Any, capsys: pytest.CaptureFixture[str], lang: str = "en") -> str:
    capsys.readouterr()
    show("recommend", answer, words(), lang)
    return capsys.readouterr().out


def test_a_list_says_of_each_item_its_place_title_price_and_reason(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = shop.ask("u-0", n=4)
    lines = printed(answer, capsys).splitlines()
    assert "Items on home: 4" in lines[0]
    for item in answer.items:
        head = next(k for k, line in enumerate(lines) if line.startswith(f"{item.rank:>3}  "))
        assert item.title in lines[head]
        assert f"¥{item.price_minor / 100:,.2f}" in lines[head]
        assert lines[head + 1].strip() == item.reason.text
    assert lines[-1] == answer.decision_id


def test_a_list_explained_names_voices_and_what_was_taken_out(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    first = shop.ask("u-0", n=3).items[0].id
    said = printed(shop.ask("u-0", n=3, exclude_ids=[first], explain=True), capsys)
    assert "popular" in said
    assert f"− {first}  The page asked not to have it." in said


def test_a_short_or_held_out_list_says_why_in_the_reader_s_language(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = shop.ask("u-0", filter="price > 1000000")
    assert nothing.reason is not None
    assert nothing.reason.text in printed(nothing, capsys)
    surfaces_set(shop.shop, SurfaceRequest(name="home", place={"holdout": 1.0}))
    assert "属于对照组" in printed(shop.ask("u-0", n=3), capsys, "zh")
