from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest
from tests.reach.shops import Bench

from renwei.core.nouns import Item, Reason
from renwei.core.words import LANGUAGES, Words
from renwei.reach.answers import TodayRequest
from renwei.reach.drafts import draft, speak
from renwei.reach.lines import Titles, call_name, sentence
from renwei.reach.operations import today

WORDS = Words.load(["renwei.core", "renwei.reach"])
CODES = [
    "need_due", "need_due_shop", "need_late", "need_late_shop", "at_risk", "first_order",
    "checkup", "refund", "goes_with", "permission", "steady",
]  # fmt: skip
FACTS: dict[str, Any] = {
    "item": "Soap", "last_item": "Brush", "thing": "Soap", "ago": "6 weeks ago", "quantity": 2,
    "cycle_days": 41.0, "orders": 7, "days": 42, "gap_days": 40.0, "share": 0.2, "shop": "Pebble",
}  # fmt: skip
ABSOLUTE = re.compile("最|第一|顶级|绝对|唯一|best|number one|No\\. ?1|guarantee", re.IGNORECASE)
INVENTED = re.compile("我自己(也)?用|亲测|我用过|I use it myself|my own skin", re.IGNORECASE)


def every_draft(language: str, code: str, *, name: str, known: bool) -> set[str]:
    facts = FACTS | {"name": name}
    return {
        draft(WORDS, language, code, person=k * 7919, values=facts, known=known) for k in range(400)
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_every_wording_is_whole_modest_and_varied(language: str, code: str) -> None:
    for known in (True, False):
        texts = every_draft(language, code, name="Ann", known=known)
        assert len(texts) >= 12
        for text in texts:
            assert "{" not in text
            assert "drafts." not in text
            assert not ABSOLUTE.search(text), text
            assert not INVENTED.search(text), text
            assert "http" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_called_by_an_empty_name(language: str) -> None:
    for text in every_draft(language, "need_due", name="", known=True):
        assert not re.match(r"[，,。.\s-]", text)
        assert not re.search(r"(Hi|Hello|Dear) *[,-]{1,2} *,|亲爱的|NULL|None", text)
        assert "Ann" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [c for c in CODES if c != "goes_with"])
def test_where_permission_is_unknown_every_draft_asks(language: str, code: str) -> None:
    asks = {
        "en": r"may i|is it all right|rather not|tell me|just say|like me to",
        "zh": r"可以吗|要不要|不想|会不会|没必要|告诉我|不要",
    }
    for text in every_draft(language, code, name="Ann", known=False):
        assert re.search(asks[language], text, re.IGNORECASE), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_permission_is_unknown_nothing_is_put_aside_for_sale(language: str) -> None:
    for code in ("need_due", "need_late", "at_risk"):
        for text in every_draft(language, code, name="Ann", known=False):
            assert not re.search("aside|keep (one|2)|留 2 件|备好|discount|优惠|折", text), text


def test_a_draft_reads_the_same_on_a_second_look() -> None:
    one = draft(WORDS, "zh", "at_risk", person=77, values=FACTS | {"name": "小鹿"}, known=False)
    two = draft(WORDS, "zh", "at_risk", person=77, values=FACTS | {"name": "小鹿"}, known=False)
    assert one == two


def test_drafts_are_in_the_shops_language_and_the_rest_in_the_users(tmp_path: Path) -> None:
    from dataclasses import replace

    bench = Bench(tmp_path, language="zh")
    bench.crowd(120)
    shop = replace(bench.shop, language="en")
    line = today(shop, TodayRequest(limit=5)).people[0]
    assert re.search(r"[\u4e00-\u9fff]", line.draft)
    assert not re.search(r"[\u4e00-\u9fff]", line.reasons[0].text + line.what + line.consent)
    bench.store.close()


def test_drafts_on_one_list_differ(busy: Bench) -> None:
    texts = [line.draft for line in today(busy.shop, TodayRequest(limit=20)).people]
    assert len(set(texts)) == len(texts)
    openings = {text.split(" ")[0] for text in texts}
    assert len(openings) >= 3


@pytest.mark.parametrize(
    ("vault", "called"),
    [
        ({"name": ["王*"], "nick": ["taobao:小鹿"]}, "小鹿"),
        ({"name": ["王静"]}, "王静"),
        ({"name": ["ann smith"]}, "Ann"),
        ({"nick": ["taobao:tb882316"]}, ""),
        ({"customer": ["uci:17850"]}, ""),
        ({}, ""),
    ],
)
def test_a_draft_uses_only_a_name_fit_to_be_used(vault: dict[str, list[str]], called: str) -> None:
    assert call_name(vault) == called


def test_chinese_sets_a_number_apart_from_the_words_before_it() -> None:
    values = {"days": 30, "gap_days": 30.0, "orders": 3}
    far = speak(WORDS, "reasons.at_risk", {**values, "ago": "4 天前"}, "zh")
    near = speak(WORDS, "reasons.at_risk", {**values, "ago": "昨天"}, "zh")
    assert far == "平时大约 30 天来一单，上一单是 4 天前（一共 3 单）。"
    assert near == "平时大约 30 天来一单，上一单是昨天（一共 3 单）。"
    for code in CODES:
        for name in ("", "小鹿"):
            facts = FACTS | {"name": name, "ago": "4 天前", "item": "香皂", "last_item": "刷子"}
            for person in range(50):
                text = draft(WORDS, "zh", code, person=person, values=facts, known=True)
                assert not re.search(r"[\u4e00-\u9fff]4 天前", text), text


@pytest.mark.parametrize("code", ["not_worth", "less_worth"])
def test_what_a_word_would_lose_is_said_as_a_loss(bench: Bench, code: str) -> None:
    titles = Titles({7: Item(7, "product", "S7", "Soap 7")})
    for minor, losing in ((-5, True), (5, False)):
        values = {"item": 7, "worth": [minor, "CNY"], "price": [10, "CNY"]}
        en, zh = (sentence(bench.shop, Reason(code, values), titles, one) for one in LANGUAGES)
        assert "-" not in en + zh
        assert ("less than" in en, "少带来 ¥0.05" in zh) == (losing, losing)
        assert "¥0.05" in en


@pytest.mark.parametrize("kind", ["product", "song", "article", "recipe"])
def test_what_a_shop_sells_is_called_by_its_title_whatever_its_kind(kind: str) -> None:
    titles = Titles({7: Item(7, kind, "S7", "Blue Hour"), 8: Item(8, "care", "7", "")})
    asking = Titles({9: Item(9, "permission", "permission", "")})
    assert (titles.title(7), titles.title(8)) == ("Blue Hour", "Blue Hour")
    assert titles.shown(7) is not None
    assert asking.product(9) is None
    assert asking.asks(9)


def test_both_languages_know_the_same_sentences_and_values() -> None:
    assert WORDS.keys("en") == WORDS.keys("zh")
    for key in WORDS.keys("en"):
        en, zh = (fields(key, language) for language in LANGUAGES)
        assert en == zh, key


def fields(key: str, language: str) -> set[str | None]:
    text = WORDS._tables[language][key]
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
