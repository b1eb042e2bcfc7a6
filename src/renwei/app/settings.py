"""What the shop says of itself: one document with history, read when a workspace opens."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from renwei.core.errors import BadInput, UnknownName
from renwei.core.shop import Settings
from renwei.core.store import Store
from renwei.core.words import LANGUAGES
from renwei.people.zones import zone_name

KIND, NAME = "setting", "shop"
SETTINGS: Mapping[str, str] = {field.name: f"settings.{field.name}" for field in fields(Settings)}
"""Every setting, and the key of the sentence that says what it is."""

# ISO 4217, currencies in use (list one, 2024).
CURRENCIES = frozenset(
    re.findall(
        "[A-Z]{3}",
        """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN
    BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD
    FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
    KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
    MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
    RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
    TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR
    ZMW ZWG
    """,
    )
)
_MOST_HOLDOUT = 0.5


def load_settings(store: Store) -> Settings:
    """The settings in force; what was never set has its default.

    A shop whose language was found or set to be Chinese keeps the clock of China until a zone
    is known, as the importer read its files.
    """
    paper = store.papers.get(KIND, NAME)
    if paper is None:
        return Settings()
    said = {key: value for key, value in paper.body.items() if key in SETTINGS}
    if said.get("language") == "zh" and said.get("region", "CN") == "CN":
        said = {"zone": "Asia/Shanghai"} | said
    return Settings(**said)


def checked(key: str, text: str) -> Any:
    """The value that a text stands for.

    Raises:
        UnknownName: No such setting (code unknown_setting, with a suggestion).
        BadInput: The value cannot be (codes bad_zone, bad_currency, bad_language, bad_region,
            bad_number), with what was found.

    Example:
        >>> checked("currency", "eur"), checked("minutes", "40"), checked("holdout", "5%")
        ('EUR', 40, 0.05)
    """
    if key not in SETTINGS:
        raise UnknownName.among("setting", key, SETTINGS)
    return _CHECKS[key](text.strip())


def _zone(text: str) -> str:
    try:
        return zone_name(text)
    except ValueError as error:
        raise BadInput("bad_zone", found=text) from error


def _currency(text: str) -> str:
    if text.upper() not in CURRENCIES:
        raise BadInput("bad_currency", found=text)
    return text.upper()


def _language(text: str) -> str:
    if text.lower() not in LANGUAGES:
        raise BadInput("bad_language", found=text)
    return text.lower()


def _region(text: str) -> str:
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise BadInput("bad_region", found=text)
    return text.upper()


def _share(text: str) -> float:
    number = text.rstrip("%％ ")
    try:
        share = float(number) / (100 if number != text else 1)
    except ValueError as error:
        raise BadInput("bad_number", found=text, low=0, high=_MOST_HOLDOUT) from error
    if not 0 <= share <= _MOST_HOLDOUT:
        raise BadInput("bad_number", found=text, low=0, high=_MOST_HOLDOUT)
    return share


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 1440):
        raise BadInput("bad_number", found=text, low=0, high=1440)
    return int(text)


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "name": str,
    "zone": _zone,
    "currency": _currency,
    "language": _language,
    "region": _region,
    "holdout": _share,
    "minutes": _minutes,
}
