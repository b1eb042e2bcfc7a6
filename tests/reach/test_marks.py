from __future__ import annotations

from datetime import timedelta

import pytest
from tests.reach.shops import AT, DAY, Bench

from renwei.core.chance import from_id
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING
from renwei.reach.answers import (
    DoneRequest,
    Person,
    SkipRequest,
    SnoozeRequest,
    TodayRequest,
    WhyRequest,
)
from renwei.reach.operations import done, skip, snooze, today, why


def first_line(bench: Bench) -> Person:
    return today(bench.shop, TodayRequest(limit=8)).people[0]


def contacts(bench: Bench) -> list[str]:
    return [str(e.body["done"]) for e in bench.store.log.read(kinds=("contact",))]


def test_a_mark_is_an_event_of_the_person(busy: Bench) -> None:
    line = first_line(busy)
    said = done(busy.shop, DoneRequest(decision=line.decision_id))
    assert (said.marked, said.already, said.person) == ("done", False, line.person)
    event = next(iter(busy.store.log.read(kinds=("contact",))))
    assert busy.store.people.persons_of([event.actor]) == [from_id(line.person)]
    assert event.body == {"decision": line.decision_id, "done": "done", "until": None}


def test_the_same_mark_twice_changes_nothing(busy: Bench) -> None:
    line = first_line(busy)
    done(busy.shop, DoneRequest(decision=line.decision_id))
    again = done(busy.shop, DoneRequest(decision=line.decision_id))
    assert again.already
    assert contacts(busy) == ["done"]


def test_a_mark_can_be_taken_back_and_put_again(busy: Bench) -> None:
    line = first_line(busy)
    done(busy.shop, DoneRequest(decision=line.decision_id))
    assert line.person not in people(busy)
    back = done(busy.shop, DoneRequest(decision=line.decision_id, undo=True))
    assert back.marked == "undone"
    assert line.person in people(busy)
    done(busy.shop, DoneRequest(decision=line.decision_id))
    assert contacts(busy) == ["done", "undone", "done"]
    assert line.person not in people(busy)


def people(bench: Bench) -> list[str]:
    return [x.person for x in today(bench.shop, TodayRequest(limit=8)).people]


def test_taking_back_what_was_never_marked_changes_nothing(busy: Bench) -> None:
    line = first_line(busy)
    assert skip(busy.shop, SkipRequest(decision=line.decision_id, undo=True)).already
    assert contacts(busy) == []


def test_the_last_mark_counts(busy: Bench) -> None:
    line = first_line(busy)
    skip(busy.shop, SkipRequest(decision=line.decision_id))
    said = snooze(busy.shop, SnoozeRequest(decision=line.decision_id, days=3))
    assert said.until == AT + 3 * DAY
    assert why(busy.shop, WhyRequest(decision=line.decision_id)).mark == "snooze"


def test_snoozing_again_for_longer_moves_the_day(busy: Bench) -> None:
    line = first_line(busy)
    snooze(busy.shop, SnoozeRequest(decision=line.decision_id, days=3))
    longer = snooze(busy.shop, SnoozeRequest(decision=line.decision_id, days=20))
    assert (longer.already, longer.until) == (False, AT + 20 * DAY)


def test_an_unknown_line_is_an_error_that_names_the_nearest(busy: Bench) -> None:
    line = first_line(busy)
    wrong = line.decision_id[:-1] + ("0" if line.decision_id[-1] != "0" else "1")
    with pytest.raises(UnknownName) as caught:
        done(busy.shop, DoneRequest(decision=wrong))
    assert caught.value.values["suggestion"] == line.decision_id
    with pytest.raises(UnknownName) as caught:
        skip(busy.shop, SkipRequest(decision="no such thing"))
    assert caught.value.code == "unknown_decision"
    assert caught.value.values["suggestion"] == ""


def test_the_beginning_of_an_id_will_do_where_it_is_plain(busy: Bench) -> None:
    line = first_line(busy)
    said = done(busy.shop, DoneRequest(decision=line.decision_id[:23]))
    assert said.decision_id == line.decision_id


def test_a_decision_of_nothing_is_no_line(busy: Bench) -> None:
    first_line(busy)
    made = busy.store.ledger.between(AT - DAY, AT + DAY, "today")
    silent = next(d for d in made if d.chosen == (NOTHING,))
    with pytest.raises(UnknownName, match="not_a_line"):
        done(busy.shop, DoneRequest(decision=silent.id))


def test_what_was_really_sent_is_kept_sealed_with_the_person(busy: Bench) -> None:
    line = first_line(busy)
    done(busy.shop, DoneRequest(decision=line.decision_id, text="Hi Ann, still enough soap?"))
    vault = busy.store.people.open(from_id(line.person) or 0)
    assert "Hi Ann, still enough soap?" in [text for texts in vault.values() for text in texts]


def test_a_line_of_a_past_list_is_marked_in_its_own_time(busy: Bench) -> None:
    past = today(busy.shop, TodayRequest(at=AT - 60 * DAY, limit=8)).people[0]
    said = done(busy.shop, DoneRequest(decision=past.decision_id))
    assert AT - 60 * DAY < said.at < AT - 60 * DAY + timedelta(days=1)
    after = today(busy.shop, TodayRequest(at=AT - 55 * DAY, limit=60, why_not=past.person))
    assert after.why_not is not None
    assert "removed_contacted_lately" in [reason.code for reason in after.why_not.reasons]
