"""The rows behind a number, and the files a report is handed out as."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.desks import AT, DAY, Desk, figure

from renwei.core.errors import BadInput, Unavailable, UnknownName
from renwei.report import book as books
from renwei.report.answers import ReportRequest, RowsRequest
from renwei.report.book import read_book
from renwei.report.downloads import report_book, rows_book, safe
from renwei.report.operations import report, report_rows
from renwei.report.picture import _wrapped, picture

SPAN: dict[str, Any] = {"since": AT - 30 * DAY, "until": AT}


def test_rows_come_newest_first_in_pages_and_the_sums_are_over_all(desk: Desk) -> None:
    events = desk.steady(20)
    first = desk.rows("revenue", **SPAN, limit=10)
    second = desk.rows("revenue", **SPAN, limit=10, offset=10)
    assert first.more
    assert first.amount == second.amount == sum(event.value_minor for event in events)
    assert first.orders == len(events)
    times = [row.at for row in [*first.rows, *second.rows]]
    assert times == sorted(times, reverse=True)
    assert len({row.order for row in [*first.rows, *second.rows]}) == 20


def test_a_forgotten_person_stays_in_the_sums_and_is_named_nowhere(desk: Desk) -> None:
    desk.put(desk.order(AT - DAY, "ann", value=4_200), desk.order(AT - DAY, "bea"))
    actor = desk.actor("ann")
    assert {row.number for row in desk.rows("revenue", **SPAN).rows} == {"N1", "N2"}
    desk.store.forget(actor, AT)
    after = desk.rows("revenue", **SPAN)
    assert after.amount == 6_200
    assert sorted((row.number, bool(row.person)) for row in after.rows) == [
        ("", False),
        ("N2", True),
    ]
    assert desk.rows("unnamed", **SPAN).orders == 1


def test_what_is_read_newly_equals_what_is_read_whole(desk: Desk) -> None:
    desk.steady(10)
    kept = read_book(desk.store)
    desk.put(desk.order(AT - DAY, "new one", platform="youzan", place="second"))
    grown = read_book(desk.store)
    assert len(grown) == len(kept) + 1
    books._held.clear()
    anew = read_book(desk.store)
    assert {k: v.tolist() for k, v in grown.columns.items()} == {
        k: v.tolist() for k, v in anew.columns.items()
    }
    assert (grown.places, grown.lines.tolist()) == (anew.places, anew.lines.tolist())


def test_an_import_taken_back_leaves_no_row_behind(desk: Desk) -> None:
    desk.steady(3)
    assert desk.rows("orders", **SPAN).orders > 0
    desk.store.log.withdraw("i-1")
    assert desk.rows("orders", **SPAN).orders == 0
    desk.put(desk.order(AT - DAY, "later"))
    assert desk.rows("orders", **SPAN).orders == 1


def test_many_events_of_an_app_do_not_hide_what_was_taken_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_NEWER", 0)
    paper: dict[str, Any] = {"state": "done", "began": AT.isoformat()}
    desk.store.papers.put("import", "i-1", paper, by="import", at=AT)
    desk.put(desk.order(AT - 2 * DAY, "ann"))
    assert desk.rows("orders", **SPAN).orders == 1
    desk.put(desk.order(AT - DAY, "bea"))
    assert desk.rows("orders", **SPAN).orders == 2
    desk.store.papers.put("import", "i-1", {**paper, "state": "undone"}, by="import", at=AT)
    desk.store.log.withdraw("i-1")
    assert desk.rows("orders", **SPAN).orders == 0
    desk.put(desk.order(AT - DAY, "cid"))
    before = desk.rows("revenue", **SPAN)
    assert before.people == 1
    desk.store.forget(desk.actor("cid"), AT)
    desk.put(desk.order(AT - DAY, "dan"))
    assert (desk.rows("orders", **SPAN).orders, desk.rows("unnamed", **SPAN).orders) == (2, 1)


def test_people_made_one_become_one_customer(desk: Desk) -> None:
    desk.put(desk.order(AT - 2 * DAY, "ann"), desk.order(AT - DAY, "ann2"))
    day = (AT - DAY).date().isoformat()
    assert figure(desk.report(day=day), "new").value == 1
    desk.store.people.merge(desk.actor("ann"), desk.actor("ann2"), reason="same", at=AT)
    assert figure(desk.report(day=day), "new").value == 0
    assert figure(desk.report(day=day), "returning").value == 1


def test_orders_in_another_currency_are_not_added_up(desk: Desk) -> None:
    from dataclasses import replace

    euro = replace(desk.order(AT - DAY, "eva"), currency="EUR")
    desk.put(desk.order(AT - DAY, "ann"), euro)
    assert desk.rows("revenue", **SPAN).amount == 2_000


def test_credit_notes_are_told_apart_from_revenue(desk: Desk) -> None:
    from dataclasses import replace

    note = replace(desk.order(AT - DAY, "ann", status="returned"), kind="return", value_minor=700)
    desk.put(desk.order(AT - 2 * DAY, "ann", value=2_000), note)
    assert desk.rows("revenue", **SPAN).amount == 2_000
    assert desk.rows("returns", **SPAN).amount == 700
    answer = desk.report(day=(AT - DAY).date().isoformat())
    assert [one.code for one in answer.notes if one.code == "returns"] == ["returns"]


@pytest.mark.parametrize(
    ("metric", "group", "code"),
    [
        ("orderz", "", "unknown_metric"),
        ("orders", "planet:mars", "unknown_group"),
        ("orders", "mars", "unknown_group"),
    ],
)
def test_an_unknown_number_or_group_is_refused(
    desk: Desk, metric: str, group: str, code: str
) -> None:
    with pytest.raises(UnknownName) as refused:
        desk.rows(metric, AT - DAY, AT, group=group)
    assert refused.value.code == code


def test_a_span_that_ends_before_it_begins_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput) as refused:
        desk.rows("orders", AT, AT - timedelta(seconds=1))
    assert refused.value.code == "report_span"


def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(desk: Desk) -> None:
    desk.put(desk.order(AT - DAY, "ann"))
    bare = (AT - DAY).replace(tzinfo=None)
    assert desk.rows("orders", bare, AT).orders == 1
    assert desk.rows("orders", bare + timedelta(microseconds=1), AT).orders == 0


@pytest.mark.parametrize(
    "group", ["item:1", "item:" + "9" * 60, "item:999999", "item:x", "country:XX", "buyer:x"]
)
def test_a_group_nobody_is_in_has_no_rows_or_only_its_own(desk: Desk, group: str) -> None:
    desk.put(desk.order(AT - DAY, "ann", lines=((0, 1, 900), (1, 2, 800)), value=2_000))
    found = desk.rows("revenue", **SPAN, group=group)
    wanted = 900 if group == f"item:{desk.items[0]}" else 0
    assert found.amount == wanted


def test_excel_books_open_with_text_as_text(desk: Desk) -> None:
    from openpyxl import load_workbook

    desk.steady(40)
    desk.put(desk.order(AT - DAY, "evil", platform="=cmd|'/c calc'!A1"))
    answer = desk.rows("revenue", **SPAN, limit=10_000)
    book = load_workbook(io.BytesIO(rows_book(desk.shop, answer)))
    sheet = book.active
    assert sheet is not None
    head = [cell.value for cell in sheet[1]]
    place = head.index("Platform") + 1
    risky = [
        row[place - 1] for row in sheet.iter_rows(min_row=2) if "cmd" in str(row[place - 1].value)
    ]
    assert [cell.data_type for cell in risky] == ["s"]
    assert str(risky[0].value).startswith("'=")
    adds = head.index("Adds")
    added = sum(round(100 * float(str(row[adds]))) for row in list(sheet.values)[1:])
    assert added == answer.amount


def test_the_report_as_a_book_has_sentences_numbers_parts_and_days(desk: Desk) -> None:
    from openpyxl import load_workbook

    desk.steady(100)
    answer = desk.report(day="2026-06-03")
    book = load_workbook(io.BytesIO(report_book(desk.shop, answer)))
    assert book.sheetnames == ["Report", "Numbers", "Parts", "Days"]
    assert [row[0] for row in book["Report"].values][1] == answer.headline
    revenue = next(row for row in book["Numbers"].values if row[0] == "Revenue")
    assert revenue[1] == figure(answer, "revenue").value / 100
    assert book["Days"].max_row == len(answer.series) + 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_is_one_self_contained_svg_that_holds_the_verdict(
    desk: Desk, language: str
) -> None:
    desk.steady(100)
    desk.say(language)
    answer = desk.report()
    drawn = picture(desk.shop, answer)
    root = ET.fromstring(drawn)  # noqa: S314 - our own text
    texts = "".join(root.itertext())
    assert answer.headline.replace(" ", "") in texts.replace(" ", "")
    assert "<script" not in drawn
    assert "href" not in drawn
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        left, top = float(box.get("x", 0)), float(box.get("y", 0))
        assert 0 <= left <= left + float(box.get("width", 0)) <= width + 0.1
        assert 0 <= top <= top + float(box.get("height", 0)) <= height + 0.1


def test_a_picture_names_nobody_and_escapes_what_it_shows(desk: Desk) -> None:
    from dataclasses import replace

    desk.steady(60)
    settings = replace(desk.shop.settings, name="A<b>&Co")
    desk.shop = replace(desk.shop, settings=settings)
    drawn = picture(desk.shop, desk.report())
    assert "A&lt;b&gt;&amp;Co" in drawn
    assert "p17" not in drawn


@pytest.mark.parametrize("ending", [".xlsx", ".svg"])
def test_a_report_is_written_where_asked_and_only_for_its_owner(
    desk: Desk, tmp_path: Path, ending: str
) -> None:
    desk.steady(30)
    path = tmp_path / f"week{ending}"
    answer = report(desk.shop, ReportRequest(out=path))
    assert answer.out == str(path)
    assert path.stat().st_size > 500
    assert path.stat().st_mode & 0o077 == 0


def test_rows_are_written_whole_whatever_the_limit(desk: Desk, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    desk.steady(20)
    path = tmp_path / "rows.xlsx"
    answer = report_rows(desk.shop, RowsRequest(metric="orders", **SPAN, limit=5, out=path))
    assert len(answer.rows) == 5
    sheet = load_workbook(path).active
    assert sheet is not None
    assert sheet.max_row == answer.orders + 1


def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    desk: Desk, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as refused:
        report(desk.shop, ReportRequest(out=tmp_path / "no such folder" / "r.xlsx"))
    assert refused.value.code == "report_unwritable"


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    made = safe(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert all(sign >= " " or sign in "\t\n" for sign in made)


@given(st.text(alphabet="店里今天卖了abc 12，。：（）¥", min_size=1, max_size=200))
def test_a_wrapped_line_loses_nothing_and_begins_with_no_comma(text: str) -> None:
    lines = list(_wrapped(text, 19))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    starts = [line[0] for line in lines[1:] if line]
    spaced = any(sign in " " for sign in text)
    assert spaced or not set(starts) & set("，。：）")
