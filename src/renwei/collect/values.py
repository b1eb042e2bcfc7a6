"""Single values as people write them: amounts, quantities, phones, ids, marks of absence.

Everything works on distinct texts; nothing here knows a row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

Mark = Literal[".", ","]

_ABSENT = frozenset(
    (
        *("", "-", "--", "---", "—", "——", "/", "\\", "\\n", "#n/a", "无", "空", "暂无", "(空)"),
        *("null", "(null)", "none", "nan", "n/a", "na", "nil", "nat", "undefined"),
    )
)
_FORMULA = re.compile(r"^\s*(=(?!\"[^\"]*\"$)|@[A-Za-z]+\(|[+-](?=[A-Za-z@=]+[\w.]*[(|!]))")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\x00"))
_SYMBOLS = {
    "¥": "CNY",
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "元": "CNY",
    "块": "CNY",
    "₩": "KRW",
    "₹": "INR",
    "₽": "RUB",
    "円": "JPY",
    "NT$": "TWD",
    "HK$": "HKD",
    "US$": "USD",
    "A$": "AUD",
    "C$": "CAD",
    "S$": "SGD",
    "R$": "BRL",
    "人民币": "CNY",
    "RMB": "CNY",
    "CN¥": "CNY",
    "JP¥": "JPY",
    "kr": "SEK",
    "zł": "PLN",
}
# A sign shared by several currencies says nothing against the shop's own.
_SHARED = {
    "$": {"USD", "HKD", "TWD", "AUD", "CAD", "SGD", "NZD", "MXN"},
    "¥": {"CNY", "JPY"},
    "元": {"CNY", "TWD", "HKD"},
    "kr": {"SEK", "NOK", "DKK", "ISK"},
}
_CODES = frozenset(
    [
        "CNY",
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "HKD",
        "TWD",
        "KRW",
        "AUD",
        "CAD",
        "SGD",
        "NZD",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "INR",
        "RUB",
        "BRL",
        "MXN",
        "THB",
        "MYR",
        "IDR",
        "VND",
        "PHP",
        "TRY",
        "ZAR",
        "AED",
        "SAR",
        "ILS",
        "RON",
        "BGN",
        "UAH",
        "MOP",
        "KWD",
    ]
)
_AMOUNT = re.compile(
    r"^(?P<open>\()?(?P<sign>[-+])?(?P<before>[^\d\s.,+()\-]{0,4}?)\s*(?P<sign2>[-+])?"
    r"(?P<digits>\d[\d.,'’ ]*|[.,]\d+)(?P<exp>[eE][-+]?\d{1,2})?"
    r"\s*(?P<wan>万)?(?P<after>[^\d\s.,+()\-]{0,4}?)(?P<close>\))?(?P<minus>-)?$"
)
_THOUSANDS = re.compile(r"\d{1,3}([.,'’ ])\d{3}(?:\1\d{3})*")
_SCIENTIFIC = re.compile(r"^\+?\d(?:[.,]\d+)?[eE]\+?\d{1,2}$")
_CN_MOBILE = re.compile(r"^(?:\+?86|0086)?(1[3-9]\d{9})$")
_EMAIL = re.compile(r"^[^@\s,;<>\"*]+@[^@\s,;<>\"*]+\.[A-Za-z\u4e00-\u9fff]{2,}$")


def tidy(text: str) -> str:
    r"""Take off what spreadsheets put round a value: `="..."`, a leading apostrophe, tabs.

    Example:
        >>> tidy('="123"'), tidy("'13800000000"), tidy("456\t")
        ('123', '13800000000', '456')
    """
    if text.isalnum():
        return text
    text = text.translate(_INVISIBLE).strip()
    if text.startswith('="') and text.endswith('"') and len(text) >= 3:
        text = text[2:-1].replace('""', '"').strip()
    if text[:1] in ("'", "‘", "’", "`") and not text.endswith(("'", "’")):
        text = text[1:].strip()
    return text


def is_absent(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return len(text) <= 9 and tidy(text).lower() in _ABSENT


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run the cell."""
    return text[:1] in "=+-@ " and _FORMULA.match(text) is not None


def is_masked(text: str) -> bool:
    """Whether a platform has starred the value out."""
    return "*" in text or "＊" in text or "●" in text or "xxxx" in text.lower()


def is_scientific(text: str) -> bool:
    """Whether a spreadsheet has turned a long number into 1.38E+10."""
    return _SCIENTIFIC.match(tidy(text)) is not None


def decimal_mark(texts: Iterable[str]) -> Mark:
    """Which mark stands before the cents, by the evidence of all amounts of a file.

    `12,50` and `1.234,56` speak for the comma, `12.50` and `1,234.56` for the point; `1.234`
    alone says nothing.
    """
    comma = point = 0
    for text in texts:
        digits = re.sub(r"[^\d.,]", "", unicodedata.normalize("NFKC", text))
        last = max(digits.rfind("."), digits.rfind(","))
        if last < 0:
            continue
        after = len(digits) - last - 1
        both = "." in digits and "," in digits
        lone = digits.count(digits[last]) == 1
        if both or (lone and after != 3):
            comma += digits[last] == ","
            point += digits[last] == "."
        elif not lone and after == 3:  # 1.234.567: that mark is the thousands'
            comma += digits[last] == "."
            point += digits[last] == ","
    return "," if comma > point else "."


def amount(text: str, mark: Mark = ".") -> Decimal | None:
    """A number with money's ornaments, or None where it is none.

    Example:
        >>> amount("￥1,234.56"), amount("(12.00)"), amount("59.9元"), amount("1e3")
        (Decimal('1234.56'), Decimal('-12.00'), Decimal('59.9'), Decimal('1E+3'))
    """
    text = unicodedata.normalize("NFKC", tidy(text)).replace("\u2212", "-").strip()
    bare, _ = _without_code(text)
    match = _AMOUNT.match(bare)
    if not match or bool(match["open"]) != bool(match["close"]):
        return None
    if not (_is_symbol(match["before"]) and _is_symbol(match["after"])):
        return None
    digits = _plain(match["digits"].strip(), mark)
    if digits is None:
        return None
    try:
        value = Decimal(digits + (match["exp"] or ""))
    except InvalidOperation:
        return None
    if match["wan"]:
        value *= 10_000
    negative = match["open"] or match["minus"] or "-" in (match["sign"], match["sign2"])
    return -value if negative else value


def currency_in(text: str, shop: str) -> str:
    """The currency a cell shows, "" where it shows none.

    A sign that several currencies share is the shop's where the shop's is among them.
    """
    text = unicodedata.normalize("NFKC", tidy(text))
    _, code = _without_code(text)
    if code:
        return code
    sign = re.sub(r"[\d.,'’ \s+()\-万]|(?<=\d)[eE](?=[-+\d])", "", text)
    if not sign:
        return ""
    found = _SYMBOLS.get(sign, "")
    return shop if shop in _SHARED.get(sign, ()) else found


def minor(value: Decimal, places: int) -> int:
    """Whole minor units, halves away from zero."""
    return int((value * 10**places).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def is_email(text: str) -> bool:
    """Whether it has the shape of an e-mail address."""
    return _EMAIL.match(text) is not None


@lru_cache(maxsize=200_000)
def phone(text: str, region: str = "CN") -> str:
    """A phone number in E.164, or "" where it is no possible one.

    Example:
        >>> phone("'138 0000 0000"), phone("020 7946 0958", "GB"), phone("12")
        ('+8613800000000', '+442079460958', '')
    """
    text = unicodedata.normalize("NFKC", tidy(text))
    squeezed = re.sub(r"[\s\-().\u2010-\u2015]", "", text.removesuffix(".0"))
    mobile = _CN_MOBILE.match(squeezed)
    if mobile and region == "CN":
        return "+86" + mobile[1]
    if not 6 <= sum(c.isdigit() for c in squeezed) <= 20 or is_masked(text):
        return ""
    import phonenumbers

    try:
        number = phonenumbers.parse(re.split(r"[,;/转]", text)[0], region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def whole_ids(values: Sequence[str]) -> list[str]:
    """Ids as text; where all of them end in .0 (a spreadsheet's or pandas' doing) without it.

    Example:
        >>> whole_ids(["17850.0", "", "13047.0"])
        ['17850', '', '13047']
    """
    tidied = ["" if is_absent(v) else tidy(v) for v in values]
    present = [v for v in tidied if v]
    if present and all(v.endswith(".0") and v[:-2].isdigit() for v in present):
        return [v[:-2] for v in tidied]
    return tidied


def _plain(digits: str, mark: Mark) -> str | None:
    """Digits with a point, thousands marks taken out; None where the marks make no sense."""
    digits = re.sub(r"(?<=\d)['’ ](?=\d{3}(?!\d))", "", digits)
    if re.search(r"['’ ]", digits):
        return None
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return digits
    last, other = marks[-1], marks[0]
    if last != other:  # both: the last one stands before the cents
        head, tail = digits.rsplit(last, 1)
        if last in head or not _THOUSANDS.fullmatch(head):
            return None
        return head.replace(other, "") + "." + tail
    if len(marks) > 1 or (last != mark and _THOUSANDS.fullmatch(digits)):
        return digits.replace(last, "") if _THOUSANDS.fullmatch(digits) else None
    return digits.replace(",", ".")


def _without_code(text: str) -> tuple[str, str]:
    match = re.match(r"^([A-Za-z]{3})\s*(?=[-+(\d.])", text)
    if match and match[1].upper() in _CODES | {"RMB"}:
        return text[match.end() :], match[1].upper().replace("RMB", "CNY")
    match = re.search(r"(?<=[\d.)\s])([A-Za-z]{3})$", text)
    if match and match[1].upper() in _CODES | {"RMB"}:
        return text[: match.start()].strip(), match[1].upper().replace("RMB", "CNY")
    return text, ""


def _is_symbol(sign: str | None) -> bool:
    return not sign or sign.strip() in _SYMBOLS
