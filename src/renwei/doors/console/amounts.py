"""Amounts for reading at a glance: whole units of money, and times of a day as people say them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from renwei.core.words import EXPONENTS, money
from renwei.doors.console.frame import Visit


def whole(visit: Visit) -> Callable[..., str]:
    """A function from minor units to money without the small change.

    Example:
        >>> rounded(123456, "CNY", "en"), rounded(815, "JPY", "en")
        ('¥1,235', 'JP¥815')
    """
    settings = visit.house.shop().settings

    def said(minor: float | None, currency: str = "") -> str:
        if minor is None:
            return "–"
        return rounded(minor, currency or settings.currency, visit.language)

    return said


def rounded(minor: float, currency: str, language: str) -> str:
    """Minor units as whole money."""
    unit = 10 ** EXPONENTS.get(currency, 2)
    return money([round(minor / unit) * unit, currency], language).partition(".")[0]


def hour(visit: Visit, today: date) -> Callable[[str], str]:
    """A function from a local time (ISO 8601) to "today 20:30" or a day with its hour."""

    def said(local: str) -> str:
        day, at = date.fromisoformat(local[:10]), local[11:16]
        ahead = (day - today).days
        if ahead in (0, 1):
            return visit.say(f"console.today.in_{ahead}", at=at)
        return visit.say("console.today.on_day", day=local, at=at)

    return said
