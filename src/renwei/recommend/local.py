"""What sells here and now: where somebody is, the part of the day, what kind of customer they are.

For whoever is unknown this is all there is to go by. It speaks only where it clearly beat what
sells in the whole shop on the shop's own past (see trying); a reason names a place or an hour
only where enough people of it took the item, and more so than elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from renwei.core.nouns import Reason
from renwei.core.shop import Columns, Shop
from renwei.recommend.answers import Context
from renwei.recommend.moment import Moment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Said = tuple[Ints, Floats]

TABLE = "taste-local"
PLACES = ("city", "province", "country")
"""Facts that say where somebody lives, the closest first."""
PARTS = ("night", "morning", "afternoon", "evening")
KINDS = ("new", "back", "best")
"""Of customers: before their first order, with some, with many."""
HOURS_A_PART = 6
MANY_ORDERS = 4
LEAST_TAKERS, LEAST_LIFT = 3, 1.1
"""A reason names a slice where so many of it took the item, and so many times as often."""
MOST_KEPT = 128
CODES: Mapping[str, str] = {
    **dict.fromkeys(PLACES, "popular_here"), "hour": "popular_now", "new": "popular_first",
    "back": "popular_back", "best": "popular_back",
}  # fmt: skip
"""Code of the reason by sort of slice; of a kind of customer by the kind."""
_LATIN = """
beijing 北京 tianjin 天津 shanghai 上海 chongqing 重庆 hebei 河北 shanxi 山西 liaoning 辽宁 jilin 吉林
heilongjiang 黑龙江 jiangsu 江苏 zhejiang 浙江 anhui 安徽 fujian 福建 jiangxi 江西 shandong 山东 henan 河南
hubei 湖北 hunan 湖南 guangdong 广东 hainan 海南 sichuan 四川 guizhou 贵州 yunnan 云南 shaanxi 陕西
gansu 甘肃 qinghai 青海 guangxi 广西 neimenggu 内蒙古 innermongolia 内蒙古 tibet 西藏 xizang 西藏
ningxia 宁夏 xinjiang 新疆 hongkong 香港 xianggang 香港 macau 澳门 macao 澳门 aomen 澳门 taiwan 台湾
"""
_CHINESE = dict(zip(_LATIN.split()[::2], _LATIN.split()[1::2], strict=True))
_FOLK = re.compile(r"(?:壮族|回族|维吾尔族?)?自治区$|特别行政区$")
_SPLIT = re.compile(r"(?<=自治区)|(?<=特别行政区)|(?<=省)|(?<=市)|[,、/|·>]+")
_TAILS = (" autonomous region", " province", " municipality", " city", " sheng", " shi")


@lru_cache(maxsize=20_000)
def named(text: str) -> tuple[str, ...]:
    """Names under which a place may be known, the likeliest first; () of nothing.

    Example:
        >>> named("浙江省"), named("Zhejiang"), named("广西壮族自治区"), named("New  York City")
        (('浙江',), ('浙江',), ('广西',), ('new york',))
        >>> named("浙江省杭州市"), named("Lyon, France")
        (('浙江省杭州', '杭州', '浙江'), ('lyon, france', 'lyon', 'france'))
    """
    plain = " ".join(unicodedata.normalize("NFKC", text[:200]).casefold().split())
    parts = [part for part in _SPLIT.split(plain) if part]
    if not plain.isascii():
        # The closest comes last, and a blank divides as well: 浙江 杭州.
        parts = [word for part in reversed(parts) for word in reversed(part.split())]
    return tuple(dict.fromkeys(one for part in (plain, *parts) if (one := _bare(part))))


def _bare(text: str) -> str:
    for tail in _TAILS:
        text = text.removesuffix(tail)
    text = _FOLK.sub("", text.strip())
    if len(text) > 2:
        text = text.removesuffix("省").removesuffix("市")
    return _CHINESE.get(text.replace(" ", "").replace("-", "").replace("'", ""), text)


def kind_of(orders: Any) -> Any:
    """The kind of customer after so many orders, as a place in KINDS; shape as given."""
    return np.minimum(orders, 1) + (np.asarray(orders) >= MANY_ORDERS)


@dataclass(frozen=True, eq=False)
class Slice:
    """One place, part of the day or kind of customer.

    Attributes:
        sort, name: What it is of, and which. shown: As people write it.
        rest: Lift of what nobody of it took. people: How many took anything.
        item: Item numbers, ascending. lift: How many times their share of the shop they have
            here. takers: How many people took each: shape (items,).
    """

    sort: str
    name: str
    shown: str
    rest: float
    people: int
    item: Ints
    lift: Any
    takers: Any

    def of(self, number: int) -> tuple[float, int]:
        """Lift and takers of one item."""
        at = int(np.searchsorted(self.item, number))
        if at < len(self.item) and self.item[at] == number:
            return float(self.lift[at]), int(self.takers[at])
        return self.rest, 0


@dataclass(frozen=True, eq=False)
class Local:
    """The slices that serve, and where each is found by name."""

    slices: Sequence[Slice] = ()
    serves: frozenset[str] = frozenset()
    by_name: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Columns | None) -> Local:
        """Read from the shelf; nothing where nothing was learnt."""
        serves = frozenset((held.meta.get("serves") or ()) if held else ())
        if held is None or not serves:
            return NOTHING
        column, found = held.columns, []
        ends = np.searchsorted(column["slice"], np.arange(len(held.meta["slices"]) + 1))
        for k, one in enumerate(held.meta["slices"]):
            own = slice(int(ends[k]), int(ends[k + 1]))
            parts = (column[name][own] for name in ("item", "lift", "takers"))
            told = (str(one["sort"]), str(one["name"]), str(one["shown"]))
            found.append(Slice(*told, float(one["rest"]), int(one["people"]), *parts))
        return cls(found, serves, {(one.sort, one.name): k for k, one in enumerate(found)})

    def place(self, text: str) -> int:
        """The slice of a place as a page writes it, -1 where there is none."""
        own = [self.by_name.get((sort, name), -1) for name in named(text) for sort in PLACES]
        return self._telling(own)

    def _telling(self, own: Sequence[int]) -> int:
        known = [k for k in own if k >= 0]
        return known[telling([self.slices[k].rest for k in known])] if known else -1

    def around(self, shop: Shop, told: Context, now: Moment) -> tuple[int, ...]:
        """The slices somebody is in: what the page says of the place comes before what is known."""
        found = []
        if "region" in self.serves:
            found.append(self._place(shop, told, now))
        if "hour" in self.serves:
            part = PARTS[part_now(told.hour, now.at, shop.settings.zone)]
            found.append(self.by_name.get(("hour", part), -1))
        kind = KINDS[int(kind_of(len(now.bought)))]
        if kind in self.serves:
            found.append(self.by_name.get(("kind", kind), -1))
        return tuple([k for k in found if k >= 0])

    def _place(self, shop: Shop, told: Context, now: Moment) -> int:
        if told.region.strip():
            return self.place(told.region)
        if not now.person:
            return -1
        facts = shop.store.people.profile(now.person).facts
        told_us = [(sort, named(str(facts[sort].value or ""))) for sort in PLACES if sort in facts]
        return self._telling(
            [self.by_name.get((sort, n), -1) for sort, names in told_us for n in names]
        )

    def why(self, around: Sequence[int], number: int) -> Reason:
        """Why an item sells here: the slice that lifts it most, if any does by itself."""
        best, lifted = None, LEAST_LIFT
        for k in around:
            lift, takers = self.slices[k].of(number)
            if takers >= LEAST_TAKERS and lift >= lifted:
                best, lifted = self.slices[k], lift
        if best is None:
            return Reason("popular")
        code = CODES[best.name if best.sort == "kind" else best.sort]
        values: dict[str, Any] = {"times": round(lifted, 3)}
        return Reason(code, values | ({"place": best.shown} if best.sort in PLACES else {}))


NOTHING = Local()


def telling(rests: Sequence[float]) -> int:
    """Which place speaks, of those somebody is in, the closest first.

    The closest of which half is its own; where none is that large, the one that says most.

    Example:
        >>> telling([0.9, 0.3, 0.1]), telling([0.9, 0.8])
        (1, 1)
    """
    own = [k for k, rest in enumerate(rests) if rest <= 0.5]
    return own[0] if own else int(np.argmin(rests))


def part_now(hour: int | None, at: datetime, zone: str) -> int:
    """The part of the day: of the hour that the page told, else by the shop's clock.

    Example:
        >>> from datetime import UTC
        >>> part_now(None, datetime(2026, 6, 1, 23, tzinfo=UTC), "Asia/Shanghai")
        1
    """
    if hour is None or not 0 <= hour < 24:
        hour = at.astimezone(ZoneInfo(zone)).hour
    return hour // HOURS_A_PART
