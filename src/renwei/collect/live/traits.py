"""What apps say of a person: facts that may be known, texts for the vault, marks of consent.

A value that cannot be true (age 199, gender "?") is kept as told under `invalid:<name>` and is
no fact; a value that is missing is unknown, never guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from renwei.collect.live.naming import text_of

IDENTIFIERS: Final = ("email", "phone", "openid", "unionid", "external_userid")
INVALID: Final = "invalid:"
_OLDEST: Final = 120
_FACTS: Final = 60
"""Facts of one call; an app that sends more sends a dump."""
_TEXT: Final = 64
_LARGE: Final = 1_000_000
_MANY_DIGITS: Final = re.compile(r"(?:\d[ \-().+/_]{0,2}){7}")
_DAY: Final = re.compile(
    r"^(?:19|20)\d\d-[01]\d-[0-3]\d"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?$"
)
"""A day or a time: its digits are no number of somebody."""
_AS_YEAR: Final = re.compile(r"^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?)?")


def bare(name: str) -> str:
    """A name for comparing: letters and digits alone, one case."""
    return "".join([letter for letter in name.casefold() if letter.isalnum()])


def _table(part: str) -> dict[str, str]:
    return {bare(name): ours for ours, names in _DATA[part].items() for name in names}


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("renwei.collect.live").joinpath(name).read_text("utf-8"))


_DATA: Final = _toml("traits.toml")
_FACT_OF: Final = _table("facts")
_PERSONAL_OF: Final = _table("personal")
_OPTIN_OF: Final = _table("optins")
_CATEGORY_OF: Final = _table("categories")
_GENDER_OF: Final = {
    name.casefold(): ours for ours, names in _DATA["genders"].items() for name in names
}
_PRIVATE: Final = tuple(_DATA["private"]["words"])


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _toml("cities.toml")["cities"].values():
        words = line.split()
        for latin, chinese in zip(words[::2], words[1::2], strict=True):
            found[latin] = found[chinese] = chinese
    return found


class Told(msgspec.Struct):
    """What traits say. `facts` hold no personal data; `texts` are (vault name, text)."""

    facts: dict[str, Any] = {}
    texts: list[tuple[str, str]] = []
    consents: list[tuple[str, str, bool]] = []
    """Purpose, channel, whether it was given."""


def traits_of(traits: Mapping[str, Any]) -> Told:
    """Sort traits into facts, personal texts and consents.

    Example:
        >>> told = traits_of({"age": 199, "gender": "女", "city": "Hangzhou", "phone": "1", "vip": 1})
        >>> told.facts, told.texts
        ({'invalid:age': 199, 'gender': 'f', 'city': '杭州', 'vip': 1}, [('phone', '1')])
    """
    told = Told({}, [], [])
    for name, value in traits.items():
        key = bare(name)
        if key in _OPTIN_OF and type(value) in (bool, int, str):
            _consent(told, _OPTIN_OF[key], value)
        elif key == "address" and type(value) is dict:
            _address(told, value)
        elif key in _PERSONAL_OF:
            text = text_of(value, 500)
            if text:
                told.texts.append((_PERSONAL_OF[key], text))
        elif len(told.facts) < _FACTS:
            _fact(told, name, key, value)
    return told


def is_close(name: str) -> bool:
    """Whether a fact tells so much of one person that it may not stand open in the log."""
    return name.removeprefix(INVALID) == "birthday"


def clean(text: str, limit: int = _TEXT) -> str:
    """The text where it may stand open: short, no address and no run of digits in it, else "".

    Example:
        >>> clean("面膜 30ml"), clean("a@b.com"), clean("call 139 1234 5678"), clean("x" * 99)
        ('面膜 30ml', '', '', '')
    """
    if len(text) > limit or "@" in text or "＠" in text or "%40" in text:
        return ""
    if text.isalpha():
        return text
    return "" if _MANY_DIGITS.search(text) else text


def _fact(told: Told, name: str, key: str, value: Any) -> None:
    ours = _FACT_OF.get(key)
    if ours is not None:
        known = _KNOWN[ours](value)
        if known is not None:
            told.facts[ours] = known
        elif value not in (None, ""):
            told.facts[INVALID + ours] = _raw(value)
        else:
            told.facts[ours] = None
        return
    plain = _open_name(name)
    if not plain:
        return
    if (
        value is None
        or type(value) is bool
        or (type(value) in (int, float) and abs(value) < _LARGE)
    ):
        told.facts[plain] = value
    elif type(value) is str and value and (text := _open_text(value)):
        told.facts[plain] = text


@lru_cache(maxsize=20_000)
def _open_name(name: str) -> str:
    """The name of a fact as it is kept, "" where the name itself says that it is personal."""
    plain = re.sub(r"[\s\-.]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())).lower()
    words = set(plain.split("_")) | {plain}
    squeezed = bare(name)
    for word in _PRIVATE:
        if word in words or ((len(word) > 3 or not word.isascii()) and word in squeezed):
            return ""
    return clean(plain, 40) if not plain.startswith("$") else ""


def _raw(value: Any) -> Any:
    """What was told, where it may stand open."""
    if type(value) in (int, float) and abs(value) < _LARGE:
        return value
    return (_open_text(value) or "…") if type(value) is str else "…"


def _open_text(value: str) -> str:
    text = value.strip()
    return text if _DAY.match(text) else clean(text)


def _age(value: Any) -> int | None:
    if type(value) is str:
        value = value.strip().removesuffix("岁")
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 4 else None
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _OLDEST else None


def _birthday(value: Any) -> str | None:
    if type(value) is not str:
        return None
    match = _AS_YEAR.match(value.strip())
    if match is None or match[2] is None or not 1900 <= int(match[1]) <= 2100:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return None


def _gender(value: Any) -> str | None:
    text = text_of(value, 40).casefold()
    return _GENDER_OF.get(text)


@lru_cache(maxsize=20_000)
def city_of(text: str) -> str:
    """A city under one name, "" where the text is none that may stand open.

    Example:
        >>> city_of("杭州市"), city_of("HANGZHOU"), city_of("Hang Zhou City"), city_of("new york")
        ('杭州', '杭州', '杭州', 'New York')
    """
    plain = " ".join(text.split())
    lower = plain.casefold().removesuffix(" city").removesuffix(" shi").removesuffix("市")
    # 浙江省杭州市 and 中国 浙江 杭州: the last part is the city.
    lower = re.split(r"[省,，/]|自治区", lower)[-1].strip()
    tail = lower.split(" ")[-1]
    for form in (lower, lower.replace(" ", "").replace("-", ""), tail):
        if form in _cities():
            return _cities()[form]
    shown = clean(plain)
    if not shown or any(letter.isdigit() for letter in shown):
        return ""
    return shown.title() if shown.isascii() else lower


def _city(value: Any) -> str | None:
    return (city_of(value[:100]) or None) if type(value) is str else None


def _word(value: Any) -> str | None:
    text = clean(text_of(value))
    return text or None


_KNOWN: Final = {
    "age": _age,
    "birthday": _birthday,
    "gender": _gender,
    "city": _city,
    "province": _word,
    "country": _word,
    "skin_type": _word,
}


def _address(told: Told, address: Mapping[str, Any]) -> None:
    """Segment's address: the places are facts, the rest goes into the vault."""
    rest = []
    for name, value in address.items():
        if bare(name) in _FACT_OF:
            _fact(told, name, bare(name), value)
        text = text_of(value)
        if text:
            rest.append(text)
    if rest:
        told.texts.append(("address", " ".join(rest)[:500]))


def _consent(told: Told, ours: str, value: Any) -> None:
    said = yes_or_no(value)
    if said is not None:
        purpose, _, channel = ours.partition("-")
        told.consents.append((purpose, channel or "*", said))


def yes_or_no(value: Any) -> bool | None:
    """What a mark says; None where it says neither.

    Example:
        >>> yes_or_no(True), yes_or_no("否"), yes_or_no(2)
        (True, False, None)
    """
    if type(value) is bool:
        return value
    text = text_of(value, 20).casefold()
    if text in ("true", "yes", "y", "1", "on", "granted", "given", "是", "同意", "opted_in"):
        return True
    if text in ("false", "no", "n", "0", "off", "denied", "withdrawn", "否", "拒绝", "opted_out"):
        return False
    return None


def consents_in(context: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """What context.consent says: purpose, channel, whether it was given; "no" beats "yes".

    Example:
        >>> consents_in({"consent": {"categoryPreferences": {"Advertising": True, "C0002": False}}})
        [('marketing', '*', True), ('profiling', '*', False)]
    """
    consent = context.get("consent")
    given = consent.get("categoryPreferences") if type(consent) is dict else None
    if type(given) is not dict:
        return []
    found: dict[str, bool] = {}
    for category, value in given.items():
        purpose, said = _CATEGORY_OF.get(bare(category)), yes_or_no(value)
        if purpose is not None and said is not None:
            found[purpose] = said and found.get(purpose, True)
    return [(purpose, "*", said) for purpose, said in found.items()]
