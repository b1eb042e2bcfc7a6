"""Numbers and groups as people say them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

from renwei.core.nouns import Item
from renwei.core.shop import Shop
from renwei.core.words import money
from renwei.report.causes import REST
from renwei.report.spans import WEEK


def amount_text(unit: str, value: float | None, currency: str, *, signed: bool = False) -> str:
    """A number with its unit; signed for a difference.

    Example:
        >>> amount_text("money", 123450, "CNY"), amount_text("count", -3, "", signed=True)
        ('¥1,234.50', '-3')
    """
    if value is None or math.isnan(value):
        return "–"
    sign = "+" if signed and value > 0 else ""
    if unit == "money":
        return sign + money([round(value), currency])
    if unit == "ratio":
        return f"{sign}{value:,.2f}"
    return f"{sign}{round(value):,}"


def range_text(unit: str, low: float, high: float, currency: str) -> tuple[str, str]:
    """Both ends of a range; of counts only whole numbers inside it."""
    if unit == "count" and math.ceil(low) <= math.floor(high):
        low, high = math.ceil(low), math.floor(high)
    return amount_text(unit, low, currency), amount_text(unit, high, currency)


def difference_text(unit: str, value: float, currency: str) -> str:
    """A difference from an average: counts with one place below ten."""
    if unit == "count" and abs(value) < 10 and value != round(value):
        return f"{value:+,.1f}"
    return amount_text(unit, value, currency, signed=True)


def joined(shop: Shop, first: str, then: str) -> str:
    """Two sentences, one after the other; Chinese puts no space between them."""
    return first + ("" if shop.language == "zh" else " ") + then


def day_title(shop: Shop, day: date, period: str) -> str:
    """A day with its weekday, or a week by its Monday."""
    if period == WEEK:
        return shop.say("report.week_of", day=day.isoformat())
    weekday = shop.say(f"report.weekday.{day.weekday()}")
    return shop.say("report.day_of", day=day.isoformat(), weekday=weekday)


def comparable(shop: Shop, day: date, period: str) -> str:
    """What a span is compared with: "a Saturday", "a week"."""
    if period == WEEK:
        return shop.say("report.a_week")
    return shop.say("report.a_day", weekday=shop.say(f"report.weekday.{day.weekday()}"))


def group_label(shop: Shop, dimension: str, group: str, items: Mapping[int, Item]) -> str:
    """A group by the name people know it by."""
    if group == REST:
        return shop.say("report.group.rest")
    if dimension == "buyer":
        return shop.say(f"report.group.{group}")
    if dimension == "item":
        item = items.get(int(group))
        return item.title if item else group
    if dimension == "place":
        platform, _, place = group.partition("/")
        known = f"layouts.{platform}"
        name = shop.say(known) if shop.words.has(known) else platform
        name = shop.say("report.group.live") if platform == "live" else name
        return f"{name} · {place}" if place else name
    return group or shop.say(f"report.group.no_{dimension}")
