"""What the command line prints of a list and of a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.recommend.shops import Bench

from renwei.app.build import words
from renwei.doors.cli.views import show
from renwei.recommend.audience import audience_for
from renwei.recommend.audience_answers import AudienceForRequest
from renwei.recommend.gauge import GaugeRequest, gauge
from renwei.recommend.lift import LiftRequest, lift
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


def test_an_audience_says_how_many_will_buy_and_why_each_person_stands_there(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = audience_for(shop.shop, AudienceForRequest(id="cream-3", n=5))
    capsys.readouterr()
    for language, word in (("en", "will buy within 30 days"), ("zh", "30 天内大约有")):
        show("audience-for", answer, words(), language)
        said = capsys.readouterr().out
        assert said.count(word) == len(answer.expected) > 0
        for person in answer.people:
            assert person.reason.text in said
            assert person.consent_text in said
            assert person.command in said


def test_gauge_and_lift_say_why_there_is_nothing_yet(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    show("recommend lift", lift(shop.shop, LiftRequest()), words(), "en")
    assert "Nothing to compare" in capsys.readouterr().out
    show("recommend gauge", gauge(shop.shop, GaugeRequest()), words(), "en")
    assert "nothing was shown" in capsys.readouterr().out


def test_a_gauge_draws_a_bar_a_week_and_says_what_variety_costs(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    for k in range(60):
        shop.ask(f"u-{k}", n=8, diversity=1.0)
    shop.later(timedelta(hours=1))
    answer = gauge(shop.shop, GaugeRequest())
    assert answer.measurable
    capsys.readouterr()
    show("recommend gauge", answer, words(), "en")
    said = capsys.readouterr().out
    assert said.count("█") > 0
    assert "of relevance lost" in said
