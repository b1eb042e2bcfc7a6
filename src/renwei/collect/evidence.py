"""What a first import shows of the shop itself: its currency, zone and language.

Only what nobody has said is filled in; what a human set stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from renwei.collect.records import Reading
from renwei.core.shop import Shop

SETTING = ("setting", "shop")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_PLACES = {
    ("+08:00", "CN"): "Asia/Shanghai",
    ("+08:00", "HK"): "Asia/Hong_Kong",
    ("+08:00", "TW"): "Asia/Taipei",
    ("+08:00", "SG"): "Asia/Singapore",
    ("+08:00", "MY"): "Asia/Kuala_Lumpur",
    ("+09:00", "JP"): "Asia/Tokyo",
    ("+09:00", "KR"): "Asia/Seoul",
}
_HALVES = {"+05:30": "Asia/Kolkata", "+05:45": "Asia/Kathmandu", "+09:30": "Australia/Darwin"}


def set_up(shop: Shop, reading: Reading, source: str, at: datetime) -> None:
    """Fill in the shop's settings from the evidence of an import, where they are missing."""
    papers = shop.store.papers
    paper = papers.get(*SETTING)
    body: Mapping[str, Any] = paper.body if paper else {}
    found = {name: value for name, value in shown(reading).items() if name not in body}
    if found:
        papers.put(*SETTING, {**body, **found}, by=f"import:{source}", at=at)


def shown(reading: Reading) -> dict[str, str]:
    """Settings that a reading shows; nothing is guessed."""
    found: dict[str, str] = {}
    if reading.currency_known:
        found["currency"] = reading.currency
    if reading.region:
        found["region"] = reading.region
    if reading.zone_known:
        found["zone"] = _place(reading.zone, found.get("region", ""))
    titles = [item.title for item in reading.items if item.title]
    if titles:
        chinese = sum(_CHINESE.search(title) is not None for title in titles)
        found["language"] = "zh" if 2 * chinese > len(titles) else "en"
    return found


def _place(zone: str, region: str) -> str:
    """A zone by its IANA name; a bare offset becomes the region's place, else Etc/GMT."""
    match = re.fullmatch(r"([+-])(\d{2}):(\d{2})", zone)
    if match is None:
        return zone
    if (zone, region) in _PLACES:
        return _PLACES[zone, region]
    # The names of Etc count the other way: Etc/GMT-8 is eight hours ahead of Greenwich.
    hours = int(match[2])
    side = "-" if match[1] == "+" else "+"
    if match[3] != "00":
        return _HALVES.get(zone, "UTC")
    return f"Etc/GMT{side}{hours}" if hours else "UTC"


def take_back(shop: Shop, *, others: bool) -> None:
    """Settings that only undone imports showed go with the last; a human's word stays."""
    papers = shop.store.papers
    history = papers.history(*SETTING)
    if not others and history and all(paper.by.startswith("import:") for paper in history):
        papers.drop(*SETTING)
