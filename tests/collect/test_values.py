from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.collect.dates import ABSOLUTE, NO_OFFSET, moments
from renwei.collect.statuses import State, reason_state, refund_state, state_of
from renwei.collect.values import (
    amount,
    currency_in,
    decimal_mark,
    is_absent,
    is_formula,
    is_masked,
    is_scientific,
    minor,
    phone,
    tidy,
    whole_ids,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.56", "1234.56"),
        ("¥59.9", "59.9"),
        ("￥59.9", "59.9"),
        ("59.9元", "59.9"),
        ("$1,234.50", "1234.5"),
        ("€ 12.00", "12"),
        ("£3", "3"),
        ("1e3", "1000"),
        ("1.2E+3", "1200"),
        ("１２３．４５", "123.45"),
        ("(12.00)", "-12"),
        ("12.00-", "-12"),
        ("-12.00", "-12"),
        ("¥-12.00", "-12"),
        ("\u221212", "-12"),
        ("1 234.56", "1234.56"),
        ("1\u00a0234.56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("1,234,567", "1234567"),
        ("12,50", "12.50"),
        ("USD 59.90", "59.90"),
        ("59.90 EUR", "59.90"),
        ("RMB100", "100"),
        ("NT$100", "100"),
        ("1.5万", "15000"),
        ('="59.90"', "59.90"),
        ("'59.90", "59.90"),
        ("59.90\t", "59.90"),
        ("+5", "5"),
        (".5", "0.5"),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, value: str) -> None:
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "",
        "12.3.4",
        "1,23,4.5.6",
        "(12",
        "12元abc",
        "五十",
        "#REF!",
        "1-2",
        "2025-01-01",
        "=1+1",
    ],
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert amount(text) is None


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1.234,56", "12,50"], ","),
        (["1,234.56", "12.50"], "."),
        (["1.234", "12,50"], ","),
        (["1,234", "12.50"], "."),
        (["1.234.567"], ","),
        (["1,234,567"], "."),
        (["100", "200"], "."),
        (["1.234"], "."),
    ],
)
def test_the_decimal_mark_is_found_by_the_evidence_of_all_amounts(
    texts: list[str], mark: str
) -> None:
    assert decimal_mark(texts) == mark


def test_a_lone_mark_before_three_digits_follows_the_file() -> None:
    assert amount("1.234", ",") == 1234
    assert amount("1.234", ".") == Decimal("1.234")
    assert amount("1,234", ".") == 1234


@given(st.integers(-(10**11), 10**11))
def test_every_amount_survives_both_ways_of_writing_it(cents: int) -> None:
    english = f"{cents / 100:,.2f}"
    european = english.translate(str.maketrans(",.", ".,"))
    assert minor(amount(english) or Decimal(), 2) == cents
    assert minor(amount(european, ",") or Decimal(), 2) == cents


def test_halves_are_rounded_away_from_zero() -> None:
    assert [minor(Decimal(x), 2) for x in ("0.005", "0.015", "-0.005", "0.0049")] == [1, 2, -1, 0]


@pytest.mark.parametrize(
    ("text", "shop", "code"),
    [
        ("¥5", "CNY", "CNY"),
        ("¥5", "JPY", "JPY"),
        ("$5", "CNY", "USD"),
        ("$5", "HKD", "HKD"),
        ("5元", "CNY", "CNY"),
        ("€1.234,00", "CNY", "EUR"),
        ("£5", "CNY", "GBP"),
        ("USD 5", "CNY", "USD"),
        ("5 RMB", "GBP", "CNY"),
        ("5", "GBP", ""),
        ("1e3", "GBP", ""),
    ],
)
def test_a_currency_is_seen_where_the_cell_shows_one(text: str, shop: str, code: str) -> None:
    assert currency_in(text, shop) == code


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("13800000001", "CN", "+8613800000001"),
        ("'13800000001", "CN", "+8613800000001"),
        ("+86 138 0000 0001", "CN", "+8613800000001"),
        ("86-13800000001", "CN", "+8613800000001"),
        ("１３８００００００01", "CN", "+8613800000001"),
        ("13800000001.0", "CN", "+8613800000001"),
        ("0571-87654321", "CN", "+8657187654321"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 20 7946 0958", "CN", "+442079460958"),
        ("12345", "CN", ""),
        ("138****0000", "CN", ""),
        ("", "CN", ""),
        ("abc", "CN", ""),
        ("00000000000", "CN", ""),
    ],
)
def test_a_phone_becomes_e164_or_nothing(text: str, region: str, number: str) -> None:
    assert phone(text, region) == number


def test_what_spreadsheets_put_round_a_value_comes_off() -> None:
    assert [tidy(t) for t in ('="2000"', "'138", "42\t", "\ufeffa ", "l'été", '="a""b"')] == [
        *("2000", "138", "42", "a", "l'été", 'a"b'),
    ]


def test_marks_of_absence_masks_and_formulas_are_known() -> None:
    assert all(map(is_absent, ("", " ", "-", "null", "N/A", "无", '=""')))
    assert not any(map(is_absent, ("0", "no", "x")))
    assert all(map(is_masked, ("张**", "138****0000")))
    assert all(map(is_scientific, ("1.38E+10", "1E10", "1,38E+10")))
    assert not any(map(is_scientific, ("13800000000", "E10")))
    assert all(
        map(is_formula, ("=cmd|' /C calc'!A0", "=1+1", "@SUM(A1)", "+cmd|'x'!A1", "=HYPERLINK(1)"))
    )
    assert not any(map(is_formula, ('="123"', "+86 138", "-5", "@小勇", "a=b", "- note")))


def test_ids_that_a_spreadsheet_made_into_numbers_lose_the_point() -> None:
    assert whole_ids(["17850.0", "", "13047.0"]) == ["17850", "", "13047"]
    assert whole_ids(["1.0", "2.5"]) == ["1.0", "2.5"]


@pytest.mark.parametrize(
    ("text", "wall", "offset"),
    [
        ("2024-01-03 08:05:06", "2024-01-03T08:05:06", NO_OFFSET),
        ("2024/1/3 8:05", "2024-01-03T08:05:00", NO_OFFSET),
        ("2024.1.3", "2024-01-03T00:00:00", NO_OFFSET),
        ("03.01.2024 08:05", "2024-01-03T08:05:00", NO_OFFSET),
        ("2024年1月3日", "2024-01-03T00:00:00", NO_OFFSET),
        ("2024年1月3日 下午3:05", "2024-01-03T15:05:00", NO_OFFSET),
        ("2024-01-03T08:05:06Z", "2024-01-03T08:05:06", 0),
        ("2024-01-03T08:05:06.123+08:00", "2024-01-03T08:05:06", 480),
        ("2024-01-03 08:05:06 +0800", "2024-01-03T08:05:06", 480),
        ("2024-01-03 08:05:06 -0330", "2024-01-03T08:05:06", -210),
        ("2024-01-03 08:05:06 UTC", "2024-01-03T08:05:06", 0),
        ("20240103", "2024-01-03T00:00:00", NO_OFFSET),
        ("20240103080506", "2024-01-03T08:05:06", NO_OFFSET),
        ("Jan 3, 2024 8:05 PM", "2024-01-03T20:05:00", NO_OFFSET),
        ("3 January 2024", "2024-01-03T00:00:00", NO_OFFSET),
        ("Wed, 3 Jan 2024 08:05:06 GMT", "2024-01-03T08:05:06", 0),
        ("12/31/2024 12:05 AM", "2024-12-31T00:05:00", NO_OFFSET),
        ("31/12/2024", "2024-12-31T00:00:00", NO_OFFSET),
        ("45294.5", "2024-01-03T12:00:00", NO_OFFSET),
        ("1704240306", "2024-01-03T00:05:06", ABSOLUTE),
        ("1704240306000", "2024-01-03T00:05:06", ABSOLUTE),
        ("２０２４－０１－０３", "2024-01-03T00:00:00", NO_OFFSET),
        ("2024-01-03 24:00:00", "2024-01-04T00:00:00", NO_OFFSET),
    ],
)
def test_a_date_is_read_as_it_is_written(text: str, wall: str, offset: int) -> None:
    from datetime import UTC, datetime

    read = moments([text])
    assert read.fault == [""]
    wanted = datetime.fromisoformat(wall).replace(tzinfo=UTC)
    assert (read.seconds[0], read.offset[0]) == (int(wanted.timestamp()), offset)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("abc", "bad_date"),
        ("2024-02-30", "bad_date"),
        ("2024-13-01", "bad_date"),
        ("2024-01-01 25:00", "bad_date"),
        ("2099-01-01", "date_out_of_range"),
        ("1989-12-31", "date_out_of_range"),
        ("0000-00-00 00:00:00", "bad_date"),
        ("", ""),
        ("-", ""),
    ],
)
def test_what_is_no_date_has_a_code(text: str, fault: str) -> None:
    read = moments([text])
    assert read.fault == [fault]
    assert read.seconds == [None]


def test_day_or_month_first_is_settled_by_the_whole_column() -> None:
    assert moments(["03/04/2024", "13/04/2024"]).order == "dmy"
    assert moments(["03/04/2024", "04/13/2024"]).order == "mdy"
    assert moments(["25/1/8", "25/11/18 8:05"]).fault == ["", ""]
    assert moments(["25/1/8", "25/11/18 8:05"]).order == "ymd"
    sorted_american = [f"{m:02d}/{d:02d}/2024" for m in (1, 2, 3) for d in (2, 5, 9, 12)]
    assert moments(sorted_american).order == "mdy"
    sorted_british = [f"{d:02d}/{m:02d}/2024" for m in (1, 2, 3) for d in (2, 5, 9, 12)]
    assert moments(sorted_british).order == "dmy"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("交易成功", State.PAID),
        ("卖家已发货，等待买家确认", State.PAID),
        ("买家已付款，等待卖家发货", State.PAID),
        ("等待买家付款", State.UNPAID),
        ("交易关闭", State.CLOSED),
        ("已取消", State.CLOSED),
        ("退款成功", State.REFUNDED),
        ("已退款", State.REFUNDED),
        ("部分退款", State.PAID),
        ("paid", State.PAID),
        ("pending", State.UNPAID),
        ("partially_refunded", State.PAID),
        ("refunded", State.REFUNDED),
        ("voided", State.CLOSED),
        ("authorized", State.UNPAID),
        ("wc-completed", State.PAID),
        ("wc-processing", State.PAID),
        ("wc-on-hold", State.UNPAID),
        ("wc-cancelled", State.CLOSED),
        ("wc-refunded", State.REFUNDED),
        ("failed", State.UNPAID),
        ("", State.SILENT),
        ("zzz", State.UNKNOWN),
    ],
)
def test_a_status_word_says_whether_the_order_counts(word: str, state: State) -> None:
    assert state_of(word) is state


def test_after_sale_words_and_reasons_say_what_became_of_the_money() -> None:
    assert refund_state("退款成功") is State.REFUNDED
    assert refund_state("退款关闭") is State.SILENT
    assert refund_state("部分退款成功") is State.SILENT
    assert refund_state("无售后") is State.SILENT
    assert reason_state("买家未付款") is State.CLOSED
    assert reason_state("退款") is State.REFUNDED
