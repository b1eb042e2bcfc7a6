from __future__ import annotations

import gzip
import math
import re
from collections.abc import Iterator
from csv import DictReader
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from renwei.app.demo import generate
from renwei.core.clock import EPOCH
from renwei.core.nouns import NOBODY, Consent, ConsentState, Event
from renwei.core.shop import Settings
from renwei.core.words import Words
from renwei.people.frame import Frame
from renwei.people.readiness import (
    FEATURES,
    LevelsRequest,
    ReadinessRequest,
    _light,
    levels,
    lights,
    readiness,
)
from renwei.people.trials import Trial, next_purchase

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
WORDS = Words.load(["renwei.people"])


def quiet(zone: str = "UTC", language: str = "en") -> Any:
    """As much of a shop as the lights ask for: words and a zone."""
    return SimpleNamespace(
        settings=Settings(zone=zone),
        say=lambda key, **values: WORDS.say(key, values, language),
        progress=lambda *_: None,
    )


def frame_of(events: list[Event]) -> Frame:
    persons = {event.actor: event.actor for event in events}
    nowhere: Any = None
    return Frame(events, persons, nowhere, "")


def lit(frame: Frame, at: datetime, *, shuffle: int = 0, zone: str = "UTC") -> dict[str, str]:
    customers = len(set(frame.as_of(at).person.tolist()) - {NOBODY})
    found = lights(quiet(zone), frame, at, customers=customers, shuffle=shuffle)
    return {one.feature: one.light for one in found}


@pytest.fixture(scope="module")
def demo() -> list[Event]:
    shop = generate(until=NOW)
    number = {product.code: k + 1 for k, product in enumerate(shop.products)}
    china = timezone(timedelta(hours=8))
    return [
        Event(
            NOBODY if order.hidden else order.person.number + 1,
            "order",
            order.at.replace(tzinfo=china),
            b"",
            value_minor=order.total_minor,
            currency="CNY",
            body={
                "order": f"{k:016x}",
                "status": "paid" if order.counted else "closed",
                "lines": [[number[p.code], q, 0, 0] for p, q in order.lines],
            },
            seq=k + 1,
        )
        for k, order in enumerate(shop.orders)
        if order.person.number < 1_200
    ]


@pytest.mark.slow
def test_planted_rhythms_turn_next_purchase_on(demo: list[Event]) -> None:
    found = lit(frame_of(demo), NOW, zone="Asia/Shanghai")
    assert found["next_purchase"] == "ready"
    assert found["send_time"] == "ready"


@pytest.mark.slow
def test_shuffled_labels_turn_every_light_off(demo: list[Event]) -> None:
    found = lit(frame_of(demo), NOW, shuffle=1)
    assert found == dict.fromkeys(FEATURES, "not_yet")


@pytest.mark.slow
def test_orders_dealt_out_to_anybody_light_nothing(demo: list[Event]) -> None:
    dice = np.random.default_rng(5)
    people = sorted({event.actor for event in demo} - {NOBODY})
    dealt = dice.choice(people, len(demo)).tolist()
    events = [
        replace(e, actor=who if e.actor else NOBODY) for e, who in zip(demo, dealt, strict=True)
    ]
    found = lit(frame_of(events), NOW)
    assert "ready" not in found.values()


def online_retail(lines: int) -> Iterator[Event]:
    path = DATA / "online_retail/online_retail.csv.gz"
    orders: dict[str, tuple[datetime, str, list[list[int]]]] = {}
    codes: dict[str, int] = {}
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        for row in islice(DictReader(file), lines):
            quantity, price = int(row["Quantity"]), round(float(row["UnitPrice"]) * 100)
            if quantity <= 0 or price <= 0 or row["InvoiceNo"].startswith("C"):
                continue
            when = row["InvoiceDate"]
            form = "%m/%d/%Y %H:%M" if "/" in when else "%Y-%m-%d %H:%M:%S"
            at = datetime.strptime(when, form).replace(tzinfo=UTC)
            order = orders.setdefault(row["InvoiceNo"], (at, row["CustomerID"], []))
            item = codes.setdefault(row["StockCode"], len(codes) + 1)
            order[2].append([item, quantity, price, quantity * price])
    for k, (at, customer, rows) in enumerate(orders.values()):
        actor = int(float(customer)) if customer else NOBODY
        body = {"order": f"{k:016x}", "status": "paid", "lines": rows}
        yield Event(
            actor, "order", at, b"", value_minor=sum(r[3] for r in rows), currency="GBP",
            body=body, seq=k + 1,
        )  # fmt: skip


@pytest.mark.slow
def test_online_retail_turns_next_purchase_on() -> None:
    if not (DATA / "online_retail/online_retail.csv.gz").exists():
        pytest.skip("online_retail.csv.gz is not here")
    events = list(online_retail(541_909))
    found = lit(frame_of(events), max(event.at for event in events))
    assert found["next_purchase"] == "ready"


def test_twelve_customers_light_nothing_and_are_told_how_many_are_missing(town: Any) -> None:
    town.crowd(12)
    told = readiness(town.shop, ReadinessRequest())
    assert [one.light for one in told.lights] == ["not_yet"] * len(FEATURES)
    assert all(one.needed and one.needed > 0 for one in told.lights)
    first = told.lights[0]
    assert "12 customers are too few" in first.sentence
    # 88 customers are missing, who order as often as those who are there.
    assert first.needed_orders == math.ceil(88 * told.orders / 12)
    assert f"About {first.needed_orders} more orders" in first.sentence


def test_an_empty_shop_has_no_light_and_no_fault(town: Any) -> None:
    told = readiness(town.shop, ReadinessRequest())
    assert told.customers == 0
    assert {one.light for one in told.lights} == {"not_yet"}
    assert told.question is None


def test_a_light_says_its_gain_with_an_interval_in_both_languages(crowded: Any) -> None:
    now = crowded.shop.clock.now()
    frame = Frame.read(crowded.shop.store)
    for language, word in (("en", "Tried on"), ("zh", "过去试过")):
        found = lights(quiet(language=language), frame, now, customers=200)
        tried = [one for one in found if one.gain is not None]
        assert tried
        for one in tried:
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.gain <= one.high  # type: ignore[operator]
            assert word in one.sentence
            assert one.light != "ready" or one.low > 0


def test_a_light_counts_in_orders_and_people_and_says_no_word_of_statistics(crowded: Any) -> None:
    now = crowded.shop.clock.now()
    frame = Frame.read(crowded.shop.store)
    for language in ("en", "zh"):
        for one in lights(quiet(language=language), frame, now, customers=200):
            assert not re.search("log-loss|对数|squared|平方|interval|区间|RFM", one.sentence)
            if one.ours is None:
                continue
            assert one.plain is not None
            assert one.feature == "value" or 0 <= min(one.ours, one.plain) <= 100
            few = 0 if abs(one.ours - one.plain) >= 1 else 1
            told = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", one.sentence)]
            # The answer holds hundredths: rounded twice, a half may fall to either side.
            near = 0.5 * 10**-few + 0.005
            for said in (one.ours, one.plain):
                assert any(abs(number - said) <= near + 1e-9 for number in told)
    assert any(one.ours is not None for one in lights(quiet(), frame, now, customers=200))


TRIAL = Trial(np.arange(200), np.full(200, 0.4), np.full(200, 0.5), 100)
"""Clearly better, whatever the draw: every row is."""


@pytest.mark.parametrize(
    ("counts", "model", "word"),
    [
        ((61.0, 49.0), 0.4, "more than chance"),
        ((49.0, 49.0), 0.4, "Both name as many right"),
        ((40.0, 49.0), 0.6, "no better"),
    ],
)
def test_what_a_light_counts_never_contradicts_its_colour(
    counts: tuple[float, float], model: float, word: str
) -> None:
    shop, trial = quiet(), replace(TRIAL, model=np.full(200, model), counts=counts)
    told = _light(shop, "next_purchase", trial, 200, 3.0)
    assert told.light == ("ready" if model < 0.5 else "not_yet")
    assert word in told.sentence
    assert (told.ours, told.plain) == counts


def test_counts_are_what_somebody_with_the_file_would_count() -> None:
    """Two kinds of people: one orders every ten days, one ordered once long ago."""
    day, end = 86_400_000_000, 1_760_000_000_000_000
    often = [(k, end - n * 10 * day - k) for k in range(60) for n in range(1, 30)]
    once = [(k, end - 400 * day - k) for k in range(60, 400)]
    events = [
        Event(who + 1, "order", EPOCH + timedelta(microseconds=at), b"", value_minor=1_000,
              currency="CNY", body={"order": f"{n:016x}", "status": "paid", "lines": []}, seq=n + 1)
        for n, (who, at) in enumerate(often + once)
    ]  # fmt: skip
    bought, listed = next_purchase(frame_of(events).as_of(EPOCH + timedelta(microseconds=end)), end)
    # Whoever looks at the file names the sixty, and so do both.
    assert bought.counts == (100.0, 100.0)
    assert listed.counts == (100.0, 100.0)


def test_the_past_can_be_asked_and_later_orders_change_nothing(town: Any) -> None:
    town.crowd(120)
    at = town.shop.clock.now() - timedelta(days=60)
    before = lit(Frame.read(town.shop.store), at)
    town.add(*(town.event(f"+86139{k:08d}", at + timedelta(days=1)) for k in range(120)))
    assert lit(Frame.read(town.shop.store), at) == before


def test_the_question_to_ask_next_is_the_one_that_opens_most(town: Any) -> None:
    town.crowd(30)
    town.learn()
    asked = readiness(town.shop, ReadinessRequest()).question
    assert asked is not None
    assert (asked.question, asked.people) == ("permission", 30)
    people, now = town.shop.store.people, town.shop.clock.now()
    for person in people.all_persons():
        people.state_consent(person, [Consent("marketing", "*", ConsentState.GIVEN, now, "x")])
    then = readiness(town.shop, ReadinessRequest()).question
    assert then is None or then.question != "permission"


def test_levels_say_cost_time_and_what_they_unlock_and_zero_is_fine(town: Any) -> None:
    told = levels(town.shop, LevelsRequest())
    assert [one.level for one in told.levels] == [0, 1, 2, 3, 4]
    assert [one.here for one in told.levels] == [True, False, False, False, False]
    assert all(one.cost and one.time and one.unlocks for one in told.levels)
    assert "for ever is fine" in told.levels[0].unlocks
