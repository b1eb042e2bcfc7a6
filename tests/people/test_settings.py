from __future__ import annotations

import string
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from renwei.app import diary, operations
from renwei.app.operations import (
    AutonomyRequest,
    DiaryRequest,
    SettingsRequest,
    autonomy,
    settings,
)
from renwei.app.settings import SETTINGS, checked, load_settings
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Decision, Removal
from renwei.core.operations import operations_of
from renwei.core.shop import Settings
from renwei.core.words import Words
from renwei.people import consent, learning, readiness, rights
from renwei.people import operations as people_operations

WORDS = Words.load(["renwei.people", "renwei.app"])


def test_without_a_word_from_the_shop_the_defaults_hold(town: Any) -> None:
    assert load_settings(town.shop.store) == Settings()


def test_a_setting_changes_and_keeps_its_history(town: Any) -> None:
    settings(town.shop, SettingsRequest(key="zone", value="Europe/Berlin"))
    told = settings(town.shop, SettingsRequest(key="currency", value="eur"))
    in_force = load_settings(town.shop.store)
    assert (in_force.zone, in_force.currency) == ("Europe/Berlin", "EUR")
    assert [v["version"] for v in told.history] == [2, 1]
    assert told.settings[0].since == town.shop.clock.now()
    assert len(settings(town.shop, SettingsRequest()).settings) == len(SETTINGS)


def test_saying_the_same_twice_makes_no_new_version(town: Any) -> None:
    for _ in range(2):
        told = settings(town.shop, SettingsRequest(key="minutes", value="40"))
    assert len(told.history) == 1


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("zone", "Mars/Phobos", "bad_zone"),
        ("zone", "../etc/passwd", "bad_zone"),
        ("zone", "+03:17", "bad_zone"),
        ("zone", "+25:00", "bad_zone"),
        ("currency", "YUAN", "bad_currency"),
        ("language", "fr", "bad_language"),
        ("region", "China", "bad_region"),
        ("holdout", "2", "bad_number"),
        ("holdout", "nan", "bad_number"),
        ("minutes", "-5", "bad_number"),
        ("minutes", "四十", "bad_number"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_was_found(
    town: Any, key: str, text: str, code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        settings(town.shop, SettingsRequest(key=key, value=text))
    assert caught.value.code == code
    assert caught.value.values["found"] == text
    assert load_settings(town.shop.store) == Settings()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("zone", "+08:00", "Asia/Shanghai"),
        ("zone", "UTC-3", "Etc/GMT+3"),
        ("zone", "GMT+05:45", "Asia/Kathmandu"),
        ("zone", "+00:00", "UTC"),
        ("zone", "Europe/Berlin", "Europe/Berlin"),
        ("holdout", "5%", 0.05),
        ("holdout", "0.1", 0.1),
        ("language", "ZH", "zh"),
        ("region", "de", "DE"),
        ("name", " 小铺 ", "小铺"),
    ],
)
def test_a_value_is_read_as_people_write_it(key: str, text: str, value: Any) -> None:
    assert checked(key, text) == value


@pytest.mark.parametrize("minutes", [*range(-12 * 60, 14 * 60 + 1, 60), 330, 345, 570])
def test_a_zone_written_as_an_offset_is_kept_as_a_name_that_every_clock_can_read(
    minutes: int,
) -> None:
    sign, ahead = "-" if minutes < 0 else "+", abs(minutes)
    kept = checked("zone", f"{sign}{ahead // 60:02d}:{ahead % 60:02d}")
    for month in (1, 7):
        at = datetime(2026, month, 1, tzinfo=ZoneInfo(kept))
        assert at.utcoffset() == timedelta(minutes=minutes)


def test_an_unknown_setting_is_answered_with_the_nearest(town: Any) -> None:
    with pytest.raises(UnknownName) as caught:
        settings(town.shop, SettingsRequest(key="curency"))
    assert caught.value.values["suggestion"] == "currency"


def test_the_dial_is_prepare_until_it_is_turned(town: Any) -> None:
    assert autonomy(town.shop, AutonomyRequest()).dials[0].level == "prepare"
    autonomy(town.shop, AutonomyRequest(surface="today", level="off"))
    dial = autonomy(town.shop, AutonomyRequest(surface="today")).dials[0]
    assert (dial.level, dial.since) == ("off", town.shop.clock.now())
    with pytest.raises(UnknownName):
        autonomy(town.shop, AutonomyRequest(surface="today", level="atc"))
    with pytest.raises(UnknownName):
        autonomy(town.shop, AutonomyRequest(surface="tody", level="act"))


def test_the_diary_tells_what_was_done_and_what_was_not_dared(town: Any) -> None:
    town.buys("+8613700000001", 3)
    person, now = town.person("+8613700000001"), town.shop.clock.now()
    for k, chosen in enumerate([(1,), (0,)]):
        town.shop.store.ledger.record(
            Decision(
                id=f"01a1f78a-5300-76d9-b2b6-1d5b683246a{k}", surface="today", person=person,
                at=now, unit=person, salt="today", items=(0, 1), scores=(0, 1),
                sources=("", "needs"), codes=("", "due"),
                removed=(Removal(2, "consent_unknown"),), chosen=chosen, odds=(1.0,),
                policy="best@1",
            )
        )  # fmt: skip
    autonomy(town.shop, AutonomyRequest(surface="today", level="suggest"))
    told = operations.diary(town.shop, DiaryRequest())
    did = {entry.what: entry.count for entry in told.did}
    assert did == {"proposed": 1, "left_in_peace": 1, "autonomy": 1}
    assert [(e.what, e.count) for e in told.did_not_dare] == [("consent_unknown", 2)]
    assert told.did_not_dare[0].text == "2 offers: no permission is known."
    assert told.day == "2026-06-01"
    assert diary.day_of(town.shop, now.replace(year=2025)).did == []


def fields_of(language: str) -> dict[str, set[str]]:
    found = {}
    for key in WORDS.keys(language):
        text = WORDS.say(key, {}, language)
        raw = WORDS._tables[language][key]
        assert isinstance(text, str)
        found[key] = {name for _, name, _, _ in string.Formatter().parse(raw) if name}
    return found


def test_both_languages_have_the_same_sentences_with_the_same_values() -> None:
    assert fields_of("en") == fields_of("zh")


def test_every_operation_and_every_field_has_help_in_both_languages() -> None:
    modules = [people_operations, consent, rights, readiness, learning, operations]
    for name, operation in operations_of(modules).items():
        keys = [f"operations.{name.replace(' ', '.')}.{part}" for part in ("help",)]
        keys += [
            f"operations.{name.replace(' ', '.')}.{field}"
            for field in operation.request.__struct_fields__  # type: ignore[attr-defined]
        ]
        for language in ("en", "zh"):
            assert set(keys) <= WORDS.keys(language), keys
        assert "renwei " + name in WORDS.say(keys[0], {}, "en")


def test_every_setting_has_a_sentence() -> None:
    assert set(SETTINGS.values()) <= WORDS.keys("en")
