from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.collect.rooms import AT, WORDS, Room, Sale, person

from renwei.collect.answers import HealthAnswer, Problem
from renwei.collect.health import hidden
from renwei.collect.health_checks import CHECKS
from renwei.core.nouns import Consent, ConsentState


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "room")
    made.store.papers.put(
        "setting", "shop", {"currency": "CNY", "zone": "Asia/Shanghai"}, by="human", at=AT
    )
    yield made
    made.close()


def book(n: int = 60) -> list[Sale]:
    """Nothing wrong with it: everybody known, every column filled."""
    return [
        Sale(k, day=k, item=f"货品{k % 7}", **person(k % 20, email=f"b{k % 20}@shop.cn"))
        for k in range(n)
    ]


def agreed(room: Room) -> None:
    """Everybody said yes, so that consent is nothing to fix."""
    people = room.store.people
    for one in people.all_persons():
        said = Consent("marketing", "*", ConsentState.GIVEN, AT, "form", "v1")
        people.state_consent(one, [said])


def found(room: Room, code: str) -> Problem:
    problems = [one for one in room.health().problems if one.code == code]
    assert len(problems) == 1
    return problems[0]


def codes(answer: HealthAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


def test_perfect_data_says_nothing_to_fix(room: Room) -> None:
    room.sell([replace(sale, refund="0.00") for sale in book()])
    agreed(room)
    answer = room.health()
    assert codes(answer) == []
    assert answer.text.startswith("Nothing to fix")
    assert answer.checked == [check.__name__ for check in CHECKS]
    assert len(answer.checked) == len(set(answer.checked))


def test_one_row_says_so(room: Room) -> None:
    room.sell(book(1))
    answer = room.health()
    assert answer.orders == 1
    assert answer.text == WORDS.say("health.single", {}, "en")


def test_an_empty_workspace_says_so(room: Room) -> None:
    answer = room.health()
    assert (answer.orders, answer.problems) == (0, [])
    assert answer.text == WORDS.say("health.empty", {}, "en")


def test_the_worst_comes_first(room: Room) -> None:
    sales = book()
    for k in range(30):
        sales[k] = replace(sales[k], nick="", phone="", email="", name="", address="")
    room.sell([*sales, Sale(99, quantity="一箱")])
    answer = room.health()
    assert codes(answer)[0] == "no_customer_key"
    hurts = [problem.hurts for problem in answer.problems]
    assert hurts == sorted(hurts, reverse=True)
    assert all(0 <= problem.hurts <= 1 and 0 <= problem.share <= 1 for problem in answer.problems)


def test_orders_of_nobody_are_counted_with_rows_that_can_be_found(room: Room) -> None:
    sales = book()
    for k in (3, 7, 9, 11):
        sales[k] = replace(sales[k], nick="", phone="", email="")
    answer = room.sell(sales)
    problem = found(room, "no_customer_key")
    assert problem.count == 4
    assert problem.share == pytest.approx(4 / 60, abs=1e-4)
    assert len(problem.examples) == 3
    assert f"{answer.import_id} row 5" in problem.examples[0]
    room.undo(answer.import_id)
    room.sell(book())
    assert "no_customer_key" not in codes(room.health())


def test_merging_duplicate_people_lowers_the_count(room: Room) -> None:
    sales = book(20)
    twins = [
        replace(sales[k], number=100 + k, nick=f"second_{k}", phone=f"137{k:08d}", email="")
        for k in range(3)
    ]
    room.sell([*sales, *twins])
    problem = found(room, "duplicate_people")
    assert problem.count == 3
    one, other = problem.fix.command.split()[2:]
    people = room.store.people
    kept, gone = people.search(one)[0], people.search(other)[0]
    merge = people.merge(kept, gone, reason="by_hand", at=AT)
    assert found(room, "duplicate_people").count == 2
    # Undone by a human: two people, and no longer asked about.
    people.unmerge(merge.id, AT)
    assert found(room, "duplicate_people").count == 2


def test_a_family_phone_is_shown_and_is_no_duplicate(room: Room) -> None:
    sales = book(20)
    sales[1] = replace(sales[1], phone=sales[0].phone)
    sales[1] = replace(sales[1], name="完全不同")
    room.sell(sales)
    answer = room.health()
    assert "duplicate_people" not in codes(answer)
    assert found(room, "shared_contacts").count == 1


def test_giving_items_a_category_lowers_the_count(room: Room) -> None:
    sales = [replace(sale, category="") for sale in book()]
    room.sell(sales)
    before = found(room, "items_without_category")
    assert before.count == 7
    assert before.examples == ["货品0", "货品1", "货品2"]
    room.sell([replace(sale, category="护肤") if sale.number % 7 < 5 else sale for sale in sales])
    assert found(room, "items_without_category").count == 2


def test_a_gap_in_the_dates_is_named_with_its_days(room: Room) -> None:
    busy = [
        Sale(10 * k + j, day=k, minute=60 * j, **person((3 * k + j) % 30))
        for k in range(60)
        for j in range(3)
        if not 30 <= k < 38
    ]
    room.sell(busy)
    problem = found(room, "date_gaps")
    assert problem.count == 1
    assert "31 Mar 2026 to 7 Apr 2026: 8 days" in problem.examples
    room.sell([Sale(900 + k, day=k, **person(k)) for k in range(30, 38)])
    assert "date_gaps" not in codes(room.health())


def test_a_slow_shop_has_no_gaps(room: Room) -> None:
    room.sell([Sale(k, day=9 * k, **person(k)) for k in range(30)])
    assert "date_gaps" not in codes(room.health())


def test_strangers_with_one_basket_in_one_evening_look_made_up(room: Room) -> None:
    fakes = [
        Sale(500 + k, day=30, minute=600 + 4 * k, item="精华", **person(300 + k)) for k in range(12)
    ]
    room.sell([*book(), *fakes])
    assert found(room, "fake_orders").count == 12


def test_regulars_who_buy_the_same_on_one_day_do_not(room: Room) -> None:
    rush = [
        Sale(500 + k, day=30, minute=600 + 4 * k, item="精华", **person(k % 20)) for k in range(12)
    ]
    room.sell([*book(), *rush])
    assert "fake_orders" not in codes(room.health())


def test_one_buyer_with_many_orders_in_minutes_is_shown(room: Room) -> None:
    burst = [Sale(500 + k, day=5, minute=k, **person(3)) for k in range(6)]
    room.sell([*book(), *burst])
    assert found(room, "order_bursts").count == 6


def test_a_quantity_far_beyond_the_usual_is_shown(room: Room) -> None:
    sales = book()
    sales[9] = replace(sales[9], quantity=200, paid="11980.00")
    room.sell(sales)
    problem = found(room, "bulk_orders")
    assert problem.count == 1
    assert "¥11,980.00" in problem.examples[0]
    assert "000009" in problem.examples[0]


def test_placeholder_and_lost_phones_are_counted(room: Room) -> None:
    sales = book()
    for k in range(8):
        sales[k] = replace(sales[k], phone="13800138000")
    for k in range(10, 14):
        sales[k] = replace(sales[k], phone="1.39E+10")
    answer = room.sell(sales)
    assert found(room, "placeholder_contacts").count == 8
    problem = found(room, "lost_phones")
    assert problem.count == 4
    assert problem.fix.command == f"renwei imports show {answer.import_id}"
    room.sell(book())
    assert "lost_phones" not in codes(room.health())


def test_refused_rows_wait_until_they_are_replayed(room: Room) -> None:
    answer = room.sell([*book(), Sale(90, quantity="一箱"), Sale(91, paid="待定")])
    problem = found(room, "refused_rows")
    assert problem.count == 2
    assert answer.import_id in problem.examples[0]
    from tests.collect.rooms import write

    room.replay(answer.import_id, write(room.folder / "fixed.csv", [Sale(90), Sale(91)]))
    assert "refused_rows" not in codes(room.health())


def test_columns_nobody_fills_are_named(room: Room) -> None:
    room.sell([replace(sale, email="", address="") for sale in book()])
    problem = found(room, "empty_fields")
    assert set(problem.examples) == {"邮箱", "收货地址"}


def test_assumed_currency_and_zone_are_asked_for_until_they_are_set(tmp_path: Path) -> None:
    room = Room(tmp_path / "room")
    room.sell(book())
    assert {"currency_assumed", "zone_assumed"} <= set(codes(room.health()))
    said = {"currency": "CNY", "zone": "Asia/Shanghai"}
    room.store.papers.put("setting", "shop", said, by="human", at=AT)
    assert not {"currency_assumed", "zone_assumed"} & set(codes(room.health()))
    room.close()


def test_unknown_consent_counts_down_as_people_answer(room: Room) -> None:
    room.sell(book(20))
    assert found(room, "consent_unknown").count == 20
    agreed(room)
    assert "consent_unknown" not in codes(room.health())


def test_examples_are_masked(room: Room) -> None:
    sales = book(20)
    twin = replace(sales[0], number=100, nick="second", phone="13711112222", email="")
    room.sell([*sales, twin])
    whole = str(room.health())
    for secret in (sales[0].name, sales[0].phone, "13711112222", "某路", "buyer_0"):
        assert secret not in whole


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_problem_has_words_and_a_fix_in_both_languages(language: str) -> None:
    for check in CHECKS:
        for part in ("problems", "fixes"):
            assert f"health.{part}.{check.__name__}" in WORDS.keys(language)


def test_hidden_texts_are_recognised_by_their_owner_alone() -> None:
    assert hidden("13912345678") == "139****5678"
    assert hidden("张小美") == "张*"
    assert hidden("") == "*"
