"""Prices as told: whole minor units, or a decimal in whole units; which, the field's name says.

`price_minor: 5990` counts the smallest unit. `price: "59.90"`, `"¥59.90"` or the number 59.9 is
in whole units of the currency. A price finer than the currency (59.999 yuan, 500.5 yen) is
refused, because rounding it would be a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from renwei.collect.values import amount, currency_in
from renwei.core.errors import BadInput
from renwei.core.words import EXPONENTS

MOST: Final = 10**12
"""Minor units; what is larger is no price."""
_PRICE: Final = ("price", "price_minor")
Money = tuple[int, str]


def price_of(given: Mapping[str, Any], currency: str) -> Money | None:
    """The price and currency that somebody told, None where they told that there is none.

    Args:
        given: Fields as told; looked at are price, price_minor and currency.
        currency: The shop's own, where none is told.

    Raises:
        BadInput: item_bad_price, item_price_too_fine, item_two_prices, item_bad_currency,
            item_two_currencies.

    Example:
        >>> price_of({"price": "¥1,059.90"}, "CNY"), price_of({"price_minor": 500}, "JPY")
        ((105990, 'CNY'), (500, 'JPY'))
    """
    told = currency_of(given.get("currency"))
    found = [
        money
        for money in (
            _decimal(given.get("price"), told, currency),
            _whole(given.get("price_minor"), told or currency),
        )
        if money is not None
    ]
    if len(set(found)) > 1:
        raise BadInput("item_two_prices", field="price", found=str(given["price"])[:40])
    return found[0] if found else None


def currency_of(value: Any) -> str:
    """A currency as ISO 4217 writes it, "" for none.

    Raises:
        BadInput: item_bad_currency.
    """
    if value is None or value == "":
        return ""
    text = value.strip().upper() if type(value) is str else ""
    text = {"RMB": "CNY", "人民币": "CNY"}.get(text, text)
    if len(text) != 3 or not (text.isascii() and text.isalpha()):
        raise BadInput("item_bad_currency", field="currency", found=str(value)[:40])
    return text


def shown(minor: int, currency: str) -> str:
    """A price as decimal text, as `price` takes it.

    Example:
        >>> shown(5990, "CNY"), shown(500, "JPY")
        ('59.90', '500')
    """
    places = EXPONENTS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


def _whole(value: Any, currency: str) -> Money | None:
    if value is None or value == "":
        return None
    if type(value) is not int or not 0 <= value <= MOST:
        raise BadInput("item_bad_price", field="price_minor", found=str(value)[:40])
    return value, currency


def _decimal(value: Any, told: str, currency: str) -> Money | None:
    if value is None or value == "":
        return None
    if type(value) not in (int, float, str) or len(str(value)) > 60:
        raise BadInput("item_bad_price", field="price", found=str(value)[:40])
    # A double holds 15 digits; beyond them stands what adding 0.1 and 0.2 leaves behind.
    number = amount(f"{value:.15g}" if type(value) is float else str(value))
    seen = currency_in(value, told or currency) if type(value) is str else ""
    if seen and told and seen != told:
        raise BadInput("item_two_currencies", field="price", found=value[:40], currency=told)
    paid_in = told or seen or currency
    return _in_minor(number, str(value), paid_in), paid_in


def _in_minor(number: Decimal | None, text: str, currency: str) -> int:
    places = EXPONENTS.get(currency, 2)
    if number is None or not 0 <= number <= MOST:
        raise BadInput("item_bad_price", field="price", found=text[:40])
    minor = number.scaleb(places)
    if minor != minor.to_integral_value():
        raise BadInput(
            "item_price_too_fine", field="price", found=text[:40], currency=currency, places=places
        )
    if minor > MOST:
        raise BadInput("item_bad_price", field="price", found=text[:40])
    return int(minor)
