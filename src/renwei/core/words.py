"""Sentences in two languages: keys and values become Chinese or English at the door.

Each folder keeps its own words.en.toml and words.zh.toml with tables such as [errors],
[reasons], [warnings], [cli]; keys are joined with dots: `errors.unknown_surface`. Inside a
sentence `{name}` takes a value and a format may follow a colon:

    {amount:money}   [12345, "CNY"] -> ¥123.45
    {at:day}         "2026-11-20T..." or a datetime -> 20 Nov 2026 / 2026年11月20日
    {share:percent}  .0523 -> 5.2 %
    {n:count}        18422 -> 18,422
    {days:days}      41.0 -> 41 days / 41 天
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "zh")
SYMBOLS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "JPY": "JP¥", "HKD": "HK$", "TWD": "NT$"}
# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "TND": 3}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Words:
    """All sentences the program can say.

    Example:
        >>> words = Words({"en": {"cli.hello": "{n:count} people"}, "zh": {}})
        >>> words.say("cli.hello", {"n": 3107}, "en")
        '3,107 people'
    """

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables

    @classmethod
    def load(cls, packages: Iterable[str]) -> Words:
        """Read words.en.toml and words.zh.toml of each package, where it has them."""
        tables: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for package in packages:
            for language, table in tables.items():
                path = files(package) / f"words.{language}.toml"
                if path.is_file():
                    _flatten(tomllib.loads(path.read_text("utf-8")), "", table)
        return cls(tables)

    def keys(self, language: str) -> set[str]:
        """The keys that have a sentence in this language."""
        return set(self._tables[language])

    def has(self, key: str) -> bool:
        """Whether there is an English sentence for the key."""
        return key in self._tables["en"]

    def template(self, key: str, language: str) -> str:
        """The sentence with its places for values; English where there is no other."""
        return self._tables[language].get(key) or self._tables["en"].get(key, key)

    def say(self, key: str, values: Mapping[str, Any], language: str) -> str:
        """The sentence, with its values. A key without a sentence comes back as it is."""
        template = self._tables[language].get(key) or self._tables["en"].get(key)
        if template is None:
            return key
        return _Speaker(language).vformat(template, (), _Lenient(values))


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


class _Speaker(string.Formatter):
    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> Any:
        if value == "":
            return ""
        known = _FORMATS.get(format_spec)
        return known(value, self.language) if known else super().format_field(value, format_spec)


def money(value: Any, language: str = "en") -> str:
    """An amount in minor units with its currency, as people write it.

    Example:
        >>> money([123456, "CNY"]), money([500, "JPY"])
        ('¥1,234.56', 'JP¥500')
    """
    minor, currency = value
    places = EXPONENTS.get(currency, 2)
    sign = "-" if minor < 0 else ""
    symbol = SYMBOLS.get(currency, currency + " ")
    return f"{sign}{symbol}{abs(minor) / 10**places:,.{places}f}"


def _day(value: Any, language: str) -> str:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if language == "zh":
        return f"{at.year}年{at.month}月{at.day}日"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _days(value: Any, language: str) -> str:
    n = round(float(value))
    if language == "zh":
        return f"{n} 天"
    return f"{n} day" if n == 1 else f"{n} days"


def _percent(value: Any, language: str) -> str:
    percent = 100 * float(value)
    return f"{percent:.0f} %" if abs(percent) >= 10 else f"{percent:.1f} %"


def _count(value: Any, language: str) -> str:
    return f"{value:,}"


_FORMATS = {"money": money, "day": _day, "days": _days, "percent": _percent, "count": _count}


def _flatten(table: Mapping[str, Any], prefix: str, into: dict[str, str]) -> None:
    for key, value in table.items():
        if isinstance(value, str):
            into[prefix + key] = value
        else:
            _flatten(value, f"{prefix}{key}.", into)
