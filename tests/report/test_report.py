"""The report: what it says, when it may say it, and what it leaves open."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.report.desks import AT, DAY, WORDS, Desk, figure

from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Event
from renwei.report.book import read_book
from renwei.report.downloads import report_book


def local(day: int, hour: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


def test_a_workspace_without_orders_names_the_first_step(desk: Desk) -> None:
    answer = desk.report()
    assert answer.state == "no_data"
    assert answer.action.operation == "import"
    assert answer.sentences == ["There are no orders yet.", answer.action.text]
    assert all(one.verdict in ("not_enough", "untested") for one in answer.figures)


def test_a_day_counts_orders_revenue_buyers_by_the_shops_own_midnight(desk: Desk) -> None:
    desk.put(
        desk.order(local(1, 12), "ann"),
        desk.order(local(5, 0), "ann", lines=((1, 2, 3_000),), value=3_500),
        desk.order(local(5, 23), "bea", lines=((0, 1, 2_000), (4, 3, 900))),
        desk.order(local(5, 22), ""),
        desk.order(local(6, 0), "cid"),
        desk.order(local(5, 9), "dan", status="closed"),
        desk.order(local(5, 9), "eve", status="refunded"),
    )
    answer = desk.report(day="2026-06-05")
    value = {one.metric: one.value for one in answer.figures}
    assert value["orders"] == 3
    assert value["revenue"] == 3_500 + 2_900 + 2_000
    assert value["aov"] == pytest.approx(8_400 / 3)
    assert value["items_per_order"] == pytest.approx(7 / 3)
    assert (value["new"], value["returning"], value["unnamed"]) == (1, 1, 1)
    assert (value["refunded_orders"], value["not_counted"]) == (1, 1)
    assert answer.title == "Friday, 5 Jun 2026"
    assert "3 orders, ¥84.00" in answer.headline


def test_a_quiet_day_has_nothing_to_explain(desk: Desk) -> None:
    desk.steady(300)
    answer = desk.report(day="2026-06-03")
    assert answer.state == "complete"
    assert {one.verdict for one in answer.figures[:6]} <= {"usual", "edge"}
    orders = figure(answer, "orders")
    assert orders.spans == 8
    assert orders.low <= 20 <= orders.high


def lean(desk: Desk, keep: str, *, factor: int = 1) -> list[Event]:
    """A steady year whose last whole day keeps one platform only."""
    import numpy as np

    rng = np.random.default_rng(3)
    desk.people(300)
    events = []
    for day in range(301):
        begin = local(7) - (301 - day) * DAY
        for platform, mean in (("taobao", 14.0), ("shopify", 6.0)):
            if day == 300 and platform != keep:
                continue
            times = factor if day == 300 else 1
            for _ in range(rng.poisson(mean) * times):
                at = begin + timedelta(hours=9, seconds=float(rng.uniform(0, 12 * 3600)))
                who = f"p{rng.integers(300)}"
                events.append(desk.order(at, who, platform=platform))
    events.sort(key=lambda event: event.at)
    desk.put(*events)
    return events


def test_a_channel_that_fell_silent_is_named_as_where_the_change_comes_from(desk: Desk) -> None:
    lean(desk, "shopify")
    answer = desk.report(day="2026-06-06")
    assert figure(answer, "orders").verdict == "unusual"
    assert figure(answer, "revenue").verdict == "unusual"
    assert "comes mostly from the channel “Taobao and Tmall”" in answer.why
    (part,) = [one for one in answer.causes if one.group == "taobao"]
    assert part.clear
    assert part.value == 0
    assert answer.action.code == "fewer"
    assert answer.action.operation == "today"
    assert "because" not in " ".join(answer.sentences)


def test_a_change_in_everything_is_pinned_on_nothing(desk: Desk) -> None:
    import numpy as np

    rng = np.random.default_rng(9)
    desk.people(400)
    events = []
    for day in range(301):
        begin = local(7) - (301 - day) * DAY
        mean = 60.0 if day == 300 else 24.0
        events += [
            desk.order(
                begin + timedelta(hours=9, seconds=float(s)),
                f"p{rng.integers(400)}",
                lines=((int(rng.integers(6)), 1, 2_000),),
                platform=str(rng.choice(["taobao", "shopify", "youzan", "douyin"])),
            )
            for s in sorted(rng.uniform(0, 12 * 3600, rng.poisson(mean)))
        ]
    desk.put(*events)
    answer = desk.report(day="2026-06-06")
    assert figure(answer, "orders").verdict == "unusual"
    main = [one for one in answer.causes if one.dimension == "place"]
    assert all(one.share < 0.5 for one in main)
    assert "“Youzan”" not in answer.why


@pytest.mark.parametrize("metric", ["place", "buyer", "category", "item"])
def test_the_parts_of_a_change_add_up_to_it(desk: Desk, metric: str) -> None:
    from renwei.core.clock import to_us
    from renwei.report.answers import ReportRequest
    from renwei.report.causes import parts, scope
    from renwei.report.figures import read
    from renwei.report.spans import zone_named
    from renwei.report.window import window

    desk.steady(120)
    book = read_book(desk.store)
    placed = book.as_of(to_us(AT), "CNY").at
    asked = ReportRequest(day="2026-06-03")
    found = window(asked, AT, zone_named("Asia/Shanghai"), placed)
    about = read(desk.shop, book, found)
    categories = {number: item.category for number, item in about.items.items()}
    held = scope(book, about.ledger, about.spans, about.valid, categories)
    mine = [one for one in parts(held, "revenue") if one.dimension == metric]
    now = sum(one.now for one in mine)
    assert now == pytest.approx(about.series["revenue"][-1], abs=0.01)
    before = [about.series["revenue"][-1 - 7 * k] for k in range(1, 9)]
    change = about.series["revenue"][-1] - sum(before) / 8
    assert sum(one.change for one in mine) == pytest.approx(change, abs=0.01)


def test_a_day_that_is_not_over_is_compared_with_the_same_hours(desk: Desk) -> None:
    events = desk.steady(300)
    noon = desk.report(at=local(7, 12))
    assert noon.state == "partial"
    assert noon.until == local(7, 12)
    assert "until 12:00" in noon.headline
    assert next(note.code for note in noon.notes) == "partial"
    hours = [(local(7) - 7 * k * DAY, local(7, 12) - 7 * k * DAY) for k in range(1, 9)]
    counts = [sum(a <= event.at < b for event in events) for a, b in hours]
    assert max(counts) < 14
    # On the scale of square roots, whose mean lies a little lower.
    assert figure(noon, "orders").usual == pytest.approx(sum(counts) / 8, abs=0.6)
    assert not noon.series[-1].complete
    assert noon.series[-2].complete


def test_data_that_stops_is_said_and_the_last_day_of_the_file_is_reported(desk: Desk) -> None:
    desk.steady(200)
    began = local(7, 11)
    paper = {"began": began.isoformat(), "state": "done", "totals": {"orders": 9}, "refused": 0}
    desk.store.papers.put("import", "i-1", paper, by="import", at=began)
    desk.clock.at = AT + 3 * DAY
    answer = desk.report()
    assert answer.day == "2026-06-07"
    assert answer.state == "data_ends"
    assert answer.action.operation == "import"
    (note,) = [one for one in answer.notes if one.code == "data_ends"]
    assert "2026-06-07 11:00" in note.text
    later = desk.report(day="2026-06-09")
    assert later.state == "data_ends"
    assert later.since == later.until
    assert "nothing is known" in later.headline


def test_a_last_whole_day_says_that_nothing_is_known_of_the_time_after(desk: Desk) -> None:
    desk.steady(200, until=local(6, 21))
    paper = {"began": local(7, 9).isoformat(), "state": "done", "totals": {"orders": 9}}
    desk.store.papers.put("import", "i-1", paper, by="import", at=local(7, 9))
    desk.clock.at = local(7, 9) + timedelta(minutes=5)
    fresh = desk.report(day="2026-06-06")
    assert [one.code for one in fresh.notes if one.code == "last_whole"] == []
    desk.clock.at = local(11, 9)
    answer = desk.report()
    assert (answer.day, answer.state) == ("2026-06-06", "complete")
    (note,) = [one for one in answer.notes if one.code == "last_whole"]
    assert "2026-06-07 09:00" in note.text
    assert answer.action.operation == "import"
    assert desk.report(day="2026-06-05").action.operation != "import"


def test_silence_of_a_live_shop_overnight_is_no_end_of_data(desk: Desk) -> None:
    desk.steady(100, until=local(7, 21))
    desk.put(desk.order(local(7, 20), "live one", platform="live"))
    began = {"began": local(6, 9).isoformat(), "state": "done"}
    desk.store.papers.put("import", "i-1", began, by="import", at=local(6, 9))
    desk.clock.at = local(8, 7)
    answer = desk.report()
    assert (answer.state, answer.day) == ("partial", "2026-06-08")


def brought(desk: Desk, at: datetime) -> None:
    body = {"began": at.isoformat(), "state": "done", "totals": {"orders": 9}, "refused": 0}
    desk.store.papers.put("import", f"i-{at:%d%H%M}", body, by="import", at=at)


@pytest.mark.parametrize("minutes", [5, 59, 240])
def test_a_file_of_yesterday_says_nothing_of_a_morning_that_has_only_begun(
    desk: Desk, minutes: int
) -> None:
    # Half a dozen orders should have come by then: too few to call the silence an end of data.
    desk.steady(200, mean=12, until=local(6, 23))
    brought(desk, local(7, 11))
    desk.clock.at = local(7, 11) + timedelta(minutes=minutes)
    answer = desk.report()
    assert (answer.day, answer.state) == ("2026-06-06", "complete")
    today = desk.report(day="2026-06-07")
    assert today.since == today.until
    assert "nothing is known" in today.headline
    assert {one.verdict for one in today.figures} <= {"untested", "not_enough"}
    week = desk.report(period="week", day="2026-06-07")
    # The week goes to the end of the day before, and is compared with weeks as far.
    assert (week.state, week.until) == ("data_ends", local(7))
    assert figure(week, "orders").verdict == "usual"


def test_a_file_that_has_orders_of_today_is_judged_by_the_same_hours(desk: Desk) -> None:
    desk.steady(200, mean=12, until=local(7, 11))
    desk.put(desk.order(local(7, 10), "early"))
    brought(desk, local(7, 11))
    desk.clock.at = local(7, 11) + timedelta(minutes=5)
    answer = desk.report()
    assert (answer.day, answer.state) == ("2026-06-07", "partial")
    assert figure(answer, "orders").verdict != "untested"


def test_an_empty_morning_of_a_live_shop_is_judged_by_the_same_hours_only(desk: Desk) -> None:
    desk.steady(200, mean=12, until=local(6, 23))
    desk.put(desk.order(local(6, 20), "live one", platform="live"))
    for hour, verdicts in ((1, {"usual"}), (12, {"edge", "unusual"})):
        desk.clock.at = local(7, hour)
        answer = desk.report(day="2026-06-07")
        assert figure(answer, "orders").value == 0
        assert figure(answer, "orders").verdict in verdicts


def test_a_small_shop_that_sold_nothing_today_is_not_told_to_import(desk: Desk) -> None:
    desk.steady(200, mean=0.5)
    desk.clock.at = AT + DAY
    assert desk.report().action.code != "import"


def test_a_young_shop_is_told_how_much_is_lacking(desk: Desk) -> None:
    desk.steady(20)
    answer = desk.report(day="2026-06-06")
    assert figure(answer, "orders").verdict == "not_enough"
    assert "cannot be said yet" in answer.headline
    assert answer.why.startswith("Where a change comes from cannot be said")


def test_days_that_were_never_imported_are_left_out_and_asked_for(desk: Desk) -> None:
    desk.steady(200, only=[d for d in range(201) if d not in (192, 185)])
    answer = desk.report(day=(local(7, 12) - DAY).date().isoformat())
    days = [point for point in answer.series if point.missing]
    assert len(days) == 2
    wanted = days[-1].day
    answer = desk.report(day=(datetime.fromisoformat(wanted) + 7 * DAY).date().isoformat())
    (note,) = [one for one in answer.notes if one.code == "missing_days"]
    assert wanted in note.text
    assert figure(answer, "orders").spans == 6
    assert answer.action.code == "missing_days"
    assert answer.action.operation == "import"


def test_a_refund_that_came_late_is_labelled_and_its_rows_shown(desk: Desk) -> None:
    first = desk.order(local(1, 12), "ann", value=5_000)
    second = desk.order(local(2, 12), "bea", value=7_000)
    desk.put(first, second, desk.order(local(5, 12), "cid"))
    desk.put(
        desk.changed(first, local(5, 15), refunded=1_200),
        desk.changed(second, local(6, 9), status="refunded"),
    )
    that_day = desk.report(day="2026-06-05")
    (note,) = [one for one in that_day.notes if one.code == "late_refunds"]
    rows = desk.behind(note.rows)
    assert [row.number for row in rows.rows] == ["N1"]
    assert rows.amount == 1_200
    assert rows.rows[0].known.startswith("2026-06-05T15:00")
    before = desk.report(day="2026-06-02")
    (note,) = [one for one in before.notes if one.code == "refunds_since"]
    assert desk.behind(note.rows).amount == 7_000
    assert figure(before, "orders").value == 0
    then = desk.report(day="2026-06-02", at=local(3))
    assert figure(then, "orders").value == 1
    assert [one.code for one in then.notes if one.code == "refunds_since"] == []


def test_nothing_later_than_the_time_asked_for_is_seen(desk: Desk) -> None:
    desk.steady(120)
    asked: dict[str, Any] = {"at": local(3, 15)}
    before = desk.report(**asked)
    desk.put(*(desk.order(local(5, 9 + k % 8), f"n{k}") for k in range(60)))
    after = desk.report(**asked)
    assert after == before


def test_a_week_begins_on_monday_and_is_compared_with_weeks(desk: Desk) -> None:
    desk.steady(300)
    answer = desk.report(period="week", day="2026-06-03")
    assert (answer.day, answer.state) == ("2026-06-01", "partial")
    assert answer.since == local(1)
    done = desk.report(period="week", day="2026-05-28")
    assert (done.day, done.state) == ("2026-05-25", "complete")
    assert done.previous == "2026-05-18"
    assert done.next == "2026-06-01"
    orders = figure(done, "orders")
    assert orders.spans == 8
    assert orders.value == sum(
        figure(desk.report(day=f"2026-05-{day}"), "orders").value for day in range(25, 32)
    )


def test_contacts_are_compared_with_the_people_left_alone(desk: Desk) -> None:
    desk.steady(30)
    ann = desk.actor("ann")
    contact = Event(
        ann, "contact", local(6, 10), b"c" * 16,
        body={"decision": "d1", "done": "done", "until": None}, source="hand",
    )  # fmt: skip
    desk.put(contact, desk.order(local(6, 20), "ann"))
    answer = desk.report(day="2026-06-06")
    assert answer.contacts is not None
    assert (answer.contacts.people, answer.contacts.ordered) == (1, 1)
    rows = desk.behind(answer.contacts.rows)
    assert rows.value == 1
    assert rows.rows[0].order == "d1"
    undone = Event(
        ann, "contact", local(6, 21), b"u" * 16,
        body={"decision": "d1", "done": "undone", "until": None}, source="hand",
    )  # fmt: skip
    desk.put(undone)
    again = desk.report(day="2026-06-06")
    assert again.contacts is not None
    assert again.contacts.people == 0


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"day": "yesterday"}, "bad_day"),
        ({"day": "2027-01-01"}, "day_ahead"),
        ({"day": "0001-01-01"}, "bad_day"),
        ({"at": datetime(1, 1, 1, tzinfo=UTC)}, "bad_day"),
        ({"at": datetime(9999, 12, 31)}, "bad_day"),  # noqa: DTZ001 - as it may come in
        ({"out": Path("report.png")}, "report_ending"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_words(
    desk: Desk, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        desk.report(**fields)
    assert refused.value.code == code
    for language in ("en", "zh"):
        said = WORDS.say(f"errors.{code}", refused.value.values, language)
        assert not said.startswith("errors.")


def test_an_unknown_period_is_refused_with_those_there_are(desk: Desk) -> None:
    with pytest.raises(UnknownName) as refused:
        desk.report(period="month")
    assert refused.value.values["known"] == "day, week"


@pytest.mark.parametrize("period", ["day", "week"])
def test_every_sentence_is_said_in_chinese_without_a_word_of_english(
    desk: Desk, period: str
) -> None:
    desk.steady(200)
    desk.say("zh")
    answer = desk.report(period=period)
    texts = [*answer.sentences, *(one.text for one in answer.figures)]
    texts += [note.text for note in answer.notes]
    assert len(texts) > 12
    letters = [t for t in texts if any(c.isascii() and c.isalpha() for c in t)]
    assert letters == []


def test_spring_forward_does_not_move_a_days_edge(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "dst", zone="Europe/Berlin")
    desk.clock.at = datetime(2026, 3, 31, tzinfo=UTC)
    # 29 March has 23 hours: 00:00 +01:00 to 24:00 +02:00.
    for at in ("2026-03-28T22:59", "2026-03-28T23:00", "2026-03-29T21:59", "2026-03-29T22:00"):
        desk.put(desk.order(datetime.fromisoformat(at + "+00:00"), "ann"))
    assert figure(desk.report(day="2026-03-29"), "orders").value == 2
    desk.store.close()


def test_the_book_says_the_cent_that_its_sentences_say(desk: Desk) -> None:
    from openpyxl import load_workbook

    desk.steady(120)
    answer = desk.report(day="2026-06-06")
    book = load_workbook(io.BytesIO(report_book(desk.shop, answer)))
    _, numbers, parts, _ = book.worksheets
    head = [cell.value for cell in numbers[1]]
    assert head == ["Number", "Value", "Usual", "From", "To", "In words"]
    assert parts.max_row > 2
    money = re.compile(r"([+-]?)\u00a5([\d,]+\.\d\d)")
    for row in parts.iter_rows(min_row=2, values_only=True):
        said = [float(sign + text.replace(",", "")) for sign, text in money.findall(str(row[5]))]
        assert said[:2] == [row[2], row[4]]
    assert "编号" not in [desk.shop.words.say("report.column.measure", {}, "zh")]
