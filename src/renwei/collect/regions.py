"""Where phone numbers without a country code belong, by what the files show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renwei.collect.facts import Facts

_OF_CURRENCY = {
    "CNY": "CN", "GBP": "GB", "USD": "US", "JPY": "JP", "HKD": "HK", "TWD": "TW",
    "KRW": "KR", "AUD": "AU", "CAD": "CA", "SGD": "SG", "MYR": "MY", "INR": "IN",
}  # fmt: skip
_OF_ZONE = {
    "Asia/Taipei": "TW", "Asia/Hong_Kong": "HK", "Europe/Berlin": "DE", "Europe/Vienna": "AT",
    "Europe/Zurich": "CH", "Europe/Paris": "FR", "Europe/Madrid": "ES", "Europe/Rome": "IT",
    "Europe/Amsterdam": "NL", "Europe/Brussels": "BE", "Europe/Dublin": "IE",
}  # fmt: skip
_OF_NAME = {
    "CHINA": "CN", "中国": "CN", "中國": "CN", "TAIWAN": "TW", "台灣": "TW", "台湾": "TW",
    "UNITED KINGDOM": "GB", "UK": "GB", "UNITED STATES": "US", "USA": "US", "CANADA": "CA",
    "GERMANY": "DE", "DEUTSCHLAND": "DE", "AUSTRIA": "AT", "SWITZERLAND": "CH", "FRANCE": "FR",
    "SPAIN": "ES", "ITALY": "IT", "NETHERLANDS": "NL", "JAPAN": "JP", "AUSTRALIA": "AU",
}  # fmt: skip
HOME = "CN"
"""Where a shop is of which nothing is known."""


def region_shown(facts: Sequence[Facts]) -> str:
    """The region that tables show by their countries, currencies or encoding; "" if none."""
    country = _usual(_countries(facts))
    coins = {v for f in facts if f.currency is not None for v in f.currency.values if v}
    coins |= {f.mapped.layout.currency for f in facts} - {""}
    by_coin = _OF_CURRENCY.get(coins.pop(), "") if len(coins) == 1 else ""
    big5 = any(f.mapped.table.encoding.startswith("big5") for f in facts)
    return country or by_coin or ("TW" if big5 else "")


def region_of(currency: str, zone: str | None) -> str:
    """The region of a shop with this zone and currency.

    Example:
        >>> region_of("EUR", "Europe/Berlin"), region_of("TWD", None), region_of("CNY", None)
        ('DE', 'TW', 'CN')
    """
    return _OF_ZONE.get(zone or "") or _OF_CURRENCY.get(currency, HOME)


def _countries(facts: Sequence[Facts]) -> Iterable[tuple[str, int]]:
    from renwei.collect.facts import texts

    for f in facts:
        column = f.mapped.fields.get("country")
        if column is None:
            continue
        counts = Counter(column.codes[f.live].tolist())
        for code, word in enumerate(texts(column)):
            if word and counts[code]:
                yield word.upper(), counts[code]


def _usual(told: Iterable[tuple[str, int]]) -> str:
    """The country of most rows, "" where none has more than half or we do not know it."""
    counts: Counter[str] = Counter()
    for word, n in told:
        short = word if len(word) == 2 and word.isascii() and word.isalpha() else ""
        counts[_OF_NAME.get(word, short)] += n
    if not counts:
        return ""
    name, most = counts.most_common(1)[0]
    return name if 2 * most > counts.total() else ""
