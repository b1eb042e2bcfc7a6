from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from tests.reach.shops import AT, DAY, Bench

from renwei.core.errors import Unavailable
from renwei.reach.answers import TodayRequest
from renwei.reach.operations import today
from renwei.reach.sheet import safe, write_sheet


@given(st.text())
def test_no_text_begins_like_a_formula(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert safe(text).endswith(text)


def test_a_nick_that_is_a_formula_stays_text(tmp_path: Path, sure: Bench) -> None:
    sure.crowd(60)
    evil = sure.person('=HYPERLINK("http://x","y")')
    for k in range(5):
        sure.order(evil, 40 + 40 * k, [(70, 5)])
    out = tmp_path / "list.xlsx"
    answer = today(sure.shop, TodayRequest(limit=30, out=out))
    assert any(line.name.startswith("=") for line in answer.people)
    for row in load_workbook(out).active.iter_rows():  # type: ignore[union-attr]
        for cell in row:
            assert cell.data_type != "f"
            assert not str(cell.value).startswith(("=", "+", "-", "@"))


def test_the_sheet_holds_the_list_under_a_frozen_header(tmp_path: Path, busy: Bench) -> None:
    out = tmp_path / "今天.xlsx"
    answer = today(busy.shop, TodayRequest(limit=8, out=out))
    assert answer.out == str(out)
    sheet = load_workbook(out).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:3] == ("Name", "What", "When")
    assert len(rows) == 1 + len(answer.people)
    assert [row[0] for row in rows[1:]] == [line.name for line in answer.people]
    assert rows[1][7] == answer.people[0].expected_value_minor.value / 100
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["G"].width == 60


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="sheet_unwritable"):
        write_sheet(tmp_path / "no" / "such" / "x.xlsx", "t", [("name", "Name")], [["Ann"]])


def test_a_list_is_not_drawn_up_for_a_file_that_cannot_be_written(
    tmp_path: Path, busy: Bench
) -> None:
    for out in (tmp_path / "no" / "x.xlsx", tmp_path):
        with pytest.raises(Unavailable, match="sheet_unwritable"):
            today(busy.shop, TodayRequest(out=out))
    assert list(busy.store.ledger.between(AT - DAY, AT + DAY, "today")) == []


def test_control_characters_do_not_break_the_file(tmp_path: Path) -> None:
    out = tmp_path / "x.xlsx"
    write_sheet(out, "t", [("name", "Name")], [["A\x00\x07nn"], [3]])
    sheet = load_workbook(out).active
    assert sheet is not None
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["Name", "Ann", 3]
