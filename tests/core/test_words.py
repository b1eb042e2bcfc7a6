"""Sentences in two languages, and reasons among them."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest

from renwei.core.decide import EXPLORING, SILENCE
from renwei.core.nouns import Reason
from renwei.core.permission import GUARDS
from renwei.core.reasons import public, sentence
from renwei.core.words import LANGUAGES, Words, money

CORE = Words.load(["renwei.core"])


def words(**sentences: str) -> Words:
    return Words({"en": sentences, "zh": {"zh": "你好 {name}"}})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([123456, "CNY"], "¥1,234.56"),
        ([-5, "USD"], "-$0.05"),
        ([500, "JPY"], "JP¥500"),
        ([1234, "KWD"], "KWD 1.234"),
        ([100, "SEK"], "SEK 1.00"),
    ],
)
def test_money_is_written_in_its_own_minor_units(value: list[object], text: str) -> None:
    assert money(value) == text


@pytest.mark.parametrize(
    ("template", "value", "english", "chinese"),
    [
        ("{x:day}", datetime(2026, 11, 20, tzinfo=UTC), "20 Nov 2026", "2026年11月20日"),
        ("{x:day}", "2026-01-02T03:04:05+00:00", "2 Jan 2026", "2026年1月2日"),
        ("{x:days}", 41.2, "41 days", "41 天"),
        ("{x:days}", 1, "1 day", "1 天"),
        ("{x:percent}", 0.0523, "5.2 %", "5.2 %"),
        ("{x:percent}", 0.5, "50 %", "50 %"),
        ("{x:count}", 18422, "18,422", "18,422"),
        ("{x:money}", [100, "CNY"], "¥1.00", "¥1.00"),
        ("{x:.2f}", 1.5, "1.50", "1.50"),
    ],
)
def test_values_are_formatted_for_the_reader(
    template: str, value: object, english: str, chinese: str
) -> None:
    both = Words({"en": {"k": template}, "zh": {"k": template}})
    assert both.say("k", {"x": value}, "en") == english
    assert both.say("k", {"x": value}, "zh") == chinese


def test_a_missing_value_is_blank_and_a_missing_sentence_is_its_key() -> None:
    table = words(hello="{name}{at:day}!")
    assert table.say("hello", {}, "en") == "!"
    assert table.say("bye", {}, "en") == "bye"


def test_what_has_no_chinese_yet_is_said_in_english() -> None:
    table = words(hello="Hello {name}")
    assert table.say("hello", {"name": "Li"}, "zh") == "Hello Li"
    assert (table.has("hello"), table.has("zh"), table.keys("zh")) == (True, False, {"zh"})


def test_a_package_without_sentences_is_no_fault() -> None:
    assert Words.load(["renwei.learn"]).keys("en") == set()


def test_the_core_says_everything_in_both_languages_with_the_same_values() -> None:
    assert CORE.keys("en") == CORE.keys("zh")
    for key in CORE.keys("en"):
        fields = {
            language: {
                name for _, name, _, _ in string.Formatter().parse(CORE._tables[language][key])
            }
            for language in LANGUAGES
        }
        assert fields["en"] - {None} == fields["zh"] - {None} or key == "errors.unknown_policy"


def test_every_guard_of_the_kernel_and_every_own_word_has_a_sentence() -> None:
    assert {f"guards.{guard}" for guard in GUARDS} <= CORE.keys("en")
    assert {f"reasons.{code}" for code in ("popular", "new", EXPLORING, SILENCE)} <= CORE.keys("zh")


def test_a_reason_is_a_sentence_with_its_values() -> None:
    table = Words(
        {
            "en": {"reasons.due": "Due in {days:days}", "public.due": "It may be running out"},
            "zh": {"reasons.due": "{days:days}后用完", "public.due": "可能快用完了"},
        }
    )
    due = Reason("due", {"days": 3}, (41,))
    assert sentence(due, table, "en") == "Due in 3 days"
    assert sentence(due, table, "zh") == "3 天后用完"
    assert public(due, table, "zh") == "可能快用完了"


def test_the_customer_is_not_told_what_has_no_sentence_for_customers() -> None:
    told = {public(Reason("churn", {"p": 0.91}), CORE, language) for language in LANGUAGES}
    assert all("0.91" not in text and len(text) > 5 for text in told)
    assert public(Reason("popular"), CORE, "en") == "Many customers like it"
