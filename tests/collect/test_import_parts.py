from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.rooms import AT, Room, Sale, person

from renwei.collect.consent import statements
from renwei.collect.imports import claims_of, scrub
from renwei.collect.records import ReadingWarning, RefusedRow
from renwei.collect.refused import Kept, holds, marks, scrubbed
from renwei.core.nouns import NOBODY, Consent, ConsentState, Item, consent_by


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "room")
    yield made
    made.close()


def day(k: int) -> datetime:
    return datetime(2026, 5, 1 + k, tzinfo=UTC)


# The catalogue.


def only_item(room: Room) -> Item:
    (item,) = room.store.items.all_items()
    return item


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_latest_order_says_the_price_whatever_order_files_come_in(
    room: Room, newest_first: bool
) -> None:
    old, new = Sale(1, day=1, price="50.00", paid="50.00"), Sale(2, day=9)
    for sale in (new, old) if newest_first else (old, new):
        room.sell([sale])
    assert only_item(room).price_minor == 5990


def test_a_file_without_categories_takes_none_away(room: Room) -> None:
    room.sell([Sale(1, category="面膜")])
    room.sell([Sale(2, day=3, category="")])
    assert only_item(room).category == "面膜"


def test_the_same_catalogue_again_keeps_its_numbers(room: Room) -> None:
    sales = [Sale(k, item=f"货{k}") for k in range(5)]
    room.sell(sales)
    before = room.store.items.all_items()
    room.sell(sales)
    assert room.store.items.all_items() == before


# Texts of the forgotten.


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("+8613912345678", "'139 1234 5678"),
        ("+8613912345678", "13912345678"),
        ("+442071838750", "020 7183 8750"),
        ("taobao:小鹿_7", "小鹿_7"),
        ("张小美", "收货人 张小美"),
        ("mei@shop.cn", "MEI@shop.cn "),
        ("某路1号院", "浙江省杭州市某路1号院"),
    ],
)
def test_a_text_is_found_as_files_write_it(text: str, cell: str) -> None:
    assert holds(["x", cell], marks([text]))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Al", "Algeria"),
        ("+8613912345678", "13912345679"),
        ("张小美", "张小"),
        ("王勇", "王勇娜"),
        ("#10019", "20000000010019001"),
    ],
)
def test_short_or_other_texts_are_left_alone(text: str, cell: str) -> None:
    assert not holds([cell], marks([text]))


def test_scrubbing_drops_rows_and_blanks_examples_and_keeps_the_rest(room: Room) -> None:
    rows = [
        RefusedRow("o.csv", n, "数量", "bad_quantity", "一箱", [name, phone], ["收货人", "手机"])
        for n, name, phone in ((2, "张小美", "13912345678"), (3, "李四", "13800001111"))
    ]
    warnings = [
        ReadingWarning("masked_name", value="李**"),
        ReadingWarning("shared_contact", value="+8613912345678", count=3),
    ]
    texts = ["+8613912345678", "张小美"]
    left, gone = scrubbed(room.shop, Kept(rows, warnings), [], texts=texts)
    assert gone == 2
    assert [row.row for row in left.refused] == [3]
    assert [(w.value, w.count) for w in left.warnings] == [("李**", 1), ("", 3)]


def test_scrubbing_reaches_every_import(room: Room) -> None:
    for n in (1, 2):
        good, other = Sale(10 * n), Sale(10 * n + 1, **person(5))
        room.sell(
            [
                *(replace(good, number=1000 * n + k) for k in range(6)),
                replace(good, number=10 * n + 2, quantity="一箱"),
                replace(other, quantity="两箱"),
            ]
        )
    assert scrub(room.shop, ["+8613912345670"]) == 2
    for n in (1, 2):
        assert [line.value for line in room.show(f"i-20261120-{n}").refused] == ["两箱"]
    assert scrub(room.shop, ["+8613912345670"]) == 0


def test_tombstones_alone_clear_refused_rows_by_identifier_and_by_order(room: Room) -> None:
    mine, other = Sale(1, **person(1)), Sale(2, **person(2))
    detail = replace(mine, nick="", name="", phone="", address="", quantity="三箱")
    refused = [replace(mine, number=3, quantity="一箱"), replace(other, number=4, quantity="两箱")]
    room.sell([mine, other, *(Sale(10 + k, **person(3)) for k in range(6)), *refused, detail])
    blobs = room.store.blobs
    before = {name: blobs.get(name) or b"" for name in blobs.names("imports/")}
    room.forget(mine.phone)
    for name, data in before.items():
        blobs.put(name, data)  # an older copy is put back
    assert scrub(room.shop, ()) == 2
    assert [line.value for line in room.show("i-20261120-1").refused] == ["两箱"]
    assert scrub(room.shop, ()) == 0


def test_claims_say_nothing_of_the_forgotten(room: Room) -> None:
    sales = [Sale(k, day=k, **person(k % 3)) for k in range(6)]
    room.sell(sales)
    again = room.sell([*sales, Sale(9, **person(5))])
    whole = claims_of(room.shop, again.import_id)
    gone = room.forget(sales[0].phone)
    left = claims_of(room.shop, again.import_id)
    assert gone & set(whole.actors)
    assert set(left.actors) == set(whole.actors) - gone
    assert not gone & set(left.texts.values())
    assert not gone & {actor for link in left.links for actor in link[:2]}
    assert [seen.actor for seen in left.known].count(NOBODY) == len(left.known) // 3


def test_undo_after_forgetting_brings_nobody_back(room: Room) -> None:
    sales = [Sale(k, day=k, **person(k % 3)) for k in range(6)]
    first = room.sell(sales)
    room.sell(sales[:4])
    room.forget(sales[0].phone)
    room.undo(first.import_id)
    assert room.store.people.search(sales[0].phone) == []
    assert len(room.orders()) == 4
    holders = [event.actor for event in room.store.log.read()]
    assert holders.count(NOBODY) == 2


# Consent.


def state_at_end(said: list[tuple[int, bool]], parts: int) -> ConsentState:
    held: list[Consent] = []
    for part in range(parts):
        seen = [(1, day(at), yes) for at, yes in said[part::parts]]
        held += [c for _, c in statements(seen, {1: 1}, {1: held}, "import:i-1")]
    return consent_by(tuple(held), "marketing", "email", AT)


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.booleans()),
        min_size=1,
        max_size=8,
        unique_by=lambda s: s[0],
    ),
    st.integers(1, 3),
)
def test_the_last_word_counts_and_silence_is_never_yes(
    said: list[tuple[int, bool]], parts: int
) -> None:
    latest = max(said)
    end = state_at_end(said, parts)
    assert (end is ConsentState.GIVEN) == latest[1]
    if parts == 1 and not latest[1]:
        assert end is (
            ConsentState.WITHDRAWN if any(yes for _, yes in said) else ConsentState.UNKNOWN
        )


def test_statements_are_made_once() -> None:
    seen = [(1, day(k), k % 2 == 0) for k in range(5)]
    made = [c for _, c in statements(seen, {1: 1}, {}, "import:i-1")]
    assert statements(seen, {1: 1}, {1: made}, "import:i-2") == []


def test_what_was_told_by_hand_outlives_an_older_yes() -> None:
    told = Consent("marketing", "*", ConsentState.WITHDRAWN, day(9), "by phone")
    made = [c for _, c in statements([(1, day(2), True)], {1: 1}, {1: [told]}, "import:i-1")]
    assert consent_by((told, *made), "marketing", "email", AT) is ConsentState.WITHDRAWN


def test_orders_of_nobody_state_nothing() -> None:
    assert statements([(NOBODY, day(1), True)], {}, {}, "import:i-1") == []


# Orders.


def test_a_detail_file_that_comes_later_adds_the_lines(room: Room) -> None:
    sales = [Sale(1, quantity=2, paid="119.80")]
    room.sell([replace(sales[0], status="等待买家付款")])
    room.sell(sales)
    (order,) = room.orders().values()
    assert (order[1], order[2]) == (11980, "paid")
