from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.rooms import AT, Room, Sale, person, write

from renwei.collect.imports import replaying_name
from renwei.collect.refused import Kept, keep_refused, refused_of
from renwei.collect.replaying import Pending
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Consent, ConsentState


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "room")
    yield made
    made.close()


def book(n: int = 8) -> list[Sale]:
    return [Sale(k, day=k, **person(k % 4)) for k in range(n)]


def known(room: Room) -> list[tuple[Any, ...]]:
    """People by what the vault holds of them, and what they agreed to."""
    people = room.store.people
    found = []
    for one in people.all_persons():
        opened = {name: sorted(texts) for name, texts in people.open(one).items()}
        stated = [(c.purpose, c.state.value, c.at) for c in people.consents_of([one])[0]]
        found.append((sorted(opened.items()), sorted(stated)))
    return sorted(found)


def whole(room: Room) -> tuple[Any, ...]:
    return sorted(room.orders(with_people=True).items()), known(room)


def test_undo_takes_back_orders_people_texts_and_merges(room: Room) -> None:
    answer = room.sell(book())
    done = room.undo(answer.import_id)
    assert (done.orders, done.kept) == (8, 0)
    assert whole(room) == ([], [])
    assert room.store.papers.get("setting", "shop") is None
    assert room.store.blobs.names("imports/") == []


def test_after_an_undo_everything_is_as_it_was_before(room: Room) -> None:
    room.sell(book(5))
    before = whole(room)
    more = [*book(), replace(book()[0], refund="5.00"), Sale(50, **person(9))]
    answer = room.sell(more[1:])
    assert answer.updated == 1
    assert whole(room) != before
    room.undo(answer.import_id)
    assert whole(room) == before


def test_after_an_undo_the_same_file_comes_in_again(room: Room) -> None:
    file = write(room.folder / "orders.csv", book())
    first = room.bring(file)
    before = whole(room)
    room.undo(first.import_id)
    again = room.bring(file)
    assert (again.added, again.duplicates) == (8, 0)
    assert again.import_id != first.import_id
    assert whole(room) == before


def test_what_a_later_import_says_too_stays_when_the_first_goes(room: Room) -> None:
    first = room.sell(book(5))
    later = room.sell([replace(sale, refund="5.00") for sale in book(3)])
    done = room.undo(first.import_id)
    assert done.kept == 3
    alone = Room(room.folder / "alone")
    alone.sell([replace(sale, refund="5.00") for sale in book(3)])
    assert sorted(o[:5] for o in room.orders().values()) == sorted(
        o[:5] for o in alone.orders().values()
    )
    assert known(room) == known(alone)
    alone.close()
    room.undo(later.import_id)
    assert whole(room) == ([], [])


def test_a_refund_from_a_later_import_stays_and_keeps_the_order_at_its_time(room: Room) -> None:
    room.sell(book(2))
    second = room.sell([replace(book(2)[0], refund="5.00")])
    third = room.sell([replace(book(2)[0], refund="9.00")])
    times = [order[0] for order in room.orders().values()]
    room.undo(second.import_id)
    orders = list(room.orders().values())
    assert [order[0] for order in orders] == times
    assert sorted(order[4] for order in orders) == [0, 900]
    room.undo(third.import_id)
    assert sorted(order[4] for order in room.orders().values()) == [0, 0]


def test_a_merge_that_a_human_undid_outlives_its_import(room: Room) -> None:
    sales = [Sale(1, nick="a"), Sale(2, nick="b")]
    first = room.sell(sales)
    (merge,) = [m for m in room.store.people.merges() if m.reason == "same_phone"]
    room.store.people.unmerge(merge.id, AT)
    room.sell(sales)
    room.undo(first.import_id)
    assert room.person("nick", "generic:a") != room.person("nick", "generic:b")


def test_what_a_human_said_of_a_person_stays_when_their_orders_do(room: Room) -> None:
    first = room.sell(book(4))
    room.sell(book(4))
    who = room.store.people.search("buyer_1")[0]
    said = Consent("marketing", "phone", ConsentState.WITHDRAWN, AT, "told by phone")
    room.store.people.state_consent(who, [said])
    room.undo(first.import_id)
    (found,) = room.store.people.search("buyer_1")
    assert said in room.store.people.consents_of([found])[0]


def test_estimates_go_with_the_orders_they_were_learnt_from(room: Room) -> None:
    import numpy as np

    answer = room.sell(book(3))
    room.shop.shelf.put("people", {"person": np.arange(3)}, {"position": 3})
    room.undo(answer.import_id)
    assert room.shop.shelf.get("people") is None


def test_settings_that_a_human_touched_outlive_every_import(room: Room) -> None:
    first = room.sell(book(2))
    paper = room.store.papers.get("setting", "shop")
    assert paper is not None
    said = {**paper.body, "name": "人味小铺"}
    room.store.papers.put("setting", "shop", said, by="settings", at=AT)
    room.undo(first.import_id)
    kept = room.store.papers.get("setting", "shop")
    assert kept is not None
    assert kept.body == said


def test_an_unknown_import_is_named_with_the_nearest(room: Room) -> None:
    room.sell(book(1))
    with pytest.raises(UnknownName) as caught:
        room.undo("i-20261120-7")
    assert caught.value.code == "unknown_import"
    assert caught.value.values["suggestion"] == "i-20261120-1"


def test_an_import_is_undone_once(room: Room) -> None:
    answer = room.sell(book(1))
    room.undo(answer.import_id)
    with pytest.raises(BadInput) as caught:
        room.undo(answer.import_id)
    assert caught.value.code == "already_undone"


def test_an_undo_that_was_broken_off_is_completed_by_the_next_import(room: Room) -> None:
    first = room.sell(book(5))
    room.sell(book(2))
    # What a crash between the two leaves: marked, withdrawn, not yet laid anew.
    paper = room.store.papers.get("import", first.import_id)
    assert paper is not None
    room.store.papers.put(
        "import", first.import_id, {**paper.body, "state": "undoing"}, by="undo", at=AT
    )
    room.store.log.withdraw(first.import_id)
    assert room.orders() == {}
    room.sell([Sale(70, **person(7))])
    assert len(room.orders()) == 3
    assert room.show(first.import_id).state == "undone"


@st.composite
def files(draw: st.DrawFn) -> list[list[Sale]]:
    """Two to four files over the same few orders, each in some state."""
    forms: list[dict[str, Any]] = [
        {},
        {"refund": "5.00"},
        {"status": "等待买家付款"},
        {"status": "交易关闭"},
    ]
    made = []
    for _ in range(draw(st.integers(2, 4))):
        numbers = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True))
        made.append(
            [
                replace(Sale(n, day=n, **person(n % 3)), **draw(st.sampled_from(forms)))
                for n in numbers
            ]
        )
    return made


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(files(), st.data())
def test_undoing_any_import_leaves_what_the_others_make_alone(
    tmp_path_factory: pytest.TempPathFactory, made: list[list[Sale]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("undo")
    room, alone = Room(folder / "room"), Room(folder / "alone")
    try:
        names = [room.sell(sales).import_id for sales in made]
        gone = data.draw(st.sets(st.sampled_from(range(len(made))), min_size=1))
        for place in sorted(gone, reverse=data.draw(st.booleans())):
            room.undo(names[place])
        for place, sales in enumerate(made):
            if place not in gone:
                alone.sell(sales)
        assert sorted(o[:5] for o in room.orders().values()) == sorted(
            o[:5] for o in alone.orders().values()
        )
        assert known(room) == known(alone)
    finally:
        room.close()
        alone.close()


def test_a_corrected_copy_brings_in_what_was_refused(room: Room) -> None:
    sales = book(4)
    broken = [replace(sales[1], quantity="一箱"), replace(sales[2], paid="待定")]
    answer = room.sell([sales[0], *broken, sales[3]])
    assert len(answer.rejected) == 2
    fixed = write(room.folder / "fixed.csv", [sales[1], broken[1]])
    done = room.replay(answer.import_id, fixed)
    assert (done.rows, done.added, done.left) == (2, 1, 1)
    done = room.replay(answer.import_id, write(room.folder / "fixed.csv", sales[2:3]))
    assert (done.added, done.left) == (1, 0)
    assert len(room.orders()) == 4
    room.undo(answer.import_id)
    assert whole(room) == ([], [])


def test_a_corrected_copy_of_the_whole_file_does_as_well(room: Room) -> None:
    sales = book(4)
    answer = room.sell([sales[0], replace(sales[1], quantity="一箱"), *sales[2:]])
    done = room.replay(answer.import_id, write(room.folder / "fixed.csv", sales))
    assert (done.added, done.duplicates, done.left) == (1, 3, 0)
    assert room.show(answer.import_id).refused == []


def test_a_replay_without_a_better_file_leaves_everything_as_it_was(room: Room) -> None:
    sales = [*book(3), replace(book(4)[3], quantity="一箱")]
    answer = room.sell(sales)
    before = whole(room)
    done = room.replay(answer.import_id)
    assert (done.rows, done.added, done.updated, done.left) == (1, 0, 0, 1)
    assert whole(room) == before
    assert room.show(answer.import_id).refused[0].cells == sales[3].row()


def test_a_line_refused_out_of_an_order_joins_it_once(room: Room) -> None:
    one = Sale(1, item="面膜A", price="10.00", paid="10.00")
    two = replace(one, item="面膜B", price="20.00", paid="20.00", quantity="两")
    other = Sale(2, day=1, nick="other", phone="13911112222", name="李四")
    file = write(room.folder / "o.csv", [one, two, other])
    answer = room.bring(file)
    assert sorted(len(order[5]) for order in room.orders().values()) == [1, 1]
    fixed = write(room.folder / "fixed.csv", [replace(two, quantity=1)])
    for _ in range(2):
        room.replay(answer.import_id, fixed)
    assert sorted(len(order[5]) for order in room.orders().values()) == [1, 2]


def test_a_replay_that_was_broken_off_is_finished_and_adds_nothing_twice(room: Room) -> None:
    sales = book(6)
    answer = room.sell([replace(sales[0], quantity="一箱"), *sales[1:]])
    fixed = write(room.folder / "fixed.csv", sales[:1])
    waiting = refused_of(room.store.blobs, answer.import_id)
    room.replay(answer.import_id, fixed)
    after = whole(room)
    # What a crash before the last step leaves: written, and still listed as refused.
    keep_refused(room.store.blobs, answer.import_id, waiting)
    room.replay(answer.import_id, fixed)
    assert whole(room) == after
    # And a crash before the first: decided, not yet written.
    pending = Pending([], Kept())
    keep_refused(room.store.blobs, answer.import_id, waiting)
    room.store.blobs.put(replaying_name(answer.import_id), msgspec.msgpack.encode(pending))
    assert room.replay(answer.import_id).rows == 0
    assert whole(room) == after
    assert room.show(answer.import_id).refused == []


def test_refused_rows_can_be_replayed_only_where_their_import_stands(room: Room) -> None:
    answer = room.sell([Sale(1), Sale(2, quantity="一箱")])
    room.undo(answer.import_id)
    with pytest.raises(BadInput) as caught:
        room.replay(answer.import_id)
    assert caught.value.code == "import_not_standing"
