"""Voices: each says of every item how much speaks for it, and exactly what of it comes from where.

All but three are sums over what a person touched: the part of one item of the past is known to
the last bit, so that a reason can name it and be tested by leaving it out. A voice answers on
a scale from 0 to 1; how much each counts is learnt from the shop's past (see learning).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from renwei.core.clock import to_us
from renwei.core.nouns import Reason
from renwei.recommend.goods import Goods
from renwei.recommend.model import Model, Open
from renwei.recommend.moment import Moment
from renwei.recommend.tables import Links, Tables

if TYPE_CHECKING:
    from renwei.recommend.forecast import Forecast
    from renwei.recommend.visits import Visit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY_US = 86_400_000_000
TOUCH_HALF_LIFE_DAYS, BUY_HALF_LIFE_DAYS = 7.0, 90.0


@dataclass(frozen=True, eq=False)
class Past:
    """What sums run over: items touched and bought, each with its weight now.

    Shape (n,); an item that was both touched and bought stands once in each list.
    """

    item: Ints
    weight: Floats


@dataclass(frozen=True, eq=False)
class Scene:
    """One request as voices see it: who, in front of what, with which models."""

    moment: Moment
    model: Model
    open: Open
    item: int = 0
    cart: tuple[int, ...] = ()
    forecast: Forecast | None = None
    visit: Visit | None = None
    around: tuple[int, ...] = ()
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def goods(self) -> Goods:
        """The catalogue."""
        return self.model.goods

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """What may be shown here at all: shape (items,)."""
        return self.open.mask

    @property
    def tables(self) -> Tables:
        """What was learnt."""
        return self.model.tables

    @property
    def touched(self) -> Past:
        """What the person touched, faded to now."""
        found: Past = self.once("touched", self._touched)
        return found

    @property
    def bought(self) -> Past:
        """What the person bought, faded to now."""
        found: Past = self.once(
            "bought", lambda: _past(bought_now(self.moment, to_us(self.moment.at)))
        )
        return found

    def _touched(self) -> Past:
        moment = self.moment
        ages = (to_us(moment.at) - np.array(moment.at_us, dtype=np.float64)) / DAY_US
        faded = np.array(moment.weights) * 0.5 ** (ages / TOUCH_HALF_LIFE_DAYS)
        return Past(np.array(moment.items, dtype=np.int64), faded)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is made once a request."""
        if name not in self.memo:
            self.memo[name] = make()
        return self.memo[name]


def _past(weights: Mapping[int, float]) -> Past:
    return Past(np.array(list(weights), dtype=np.int64), np.array(list(weights.values())))


def bought_now(moment: Moment, now_us: int) -> dict[int, float]:
    """What was bought, faded: each purchase counts once, half as much after three months."""
    found: dict[int, float] = {}
    for purchase in moment.bought:
        age = (now_us - to_us(purchase.at)) / DAY_US
        worth = 0.5 ** (age / BUY_HALF_LIFE_DAYS)
        for line in purchase.lines:
            if line[0]:
                found[line[0]] = found.get(line[0], 0.0) + worth
    return found


Said = tuple[Ints, Floats]
"""Rows of the catalogue, each once, and what is said of them: shapes (rows,)."""


class Voice(Protocol):
    """Something that speaks for items.

    `whole` says that its word rests on the whole past at once, and not on a sum of parts.
    """

    whole: ClassVar[bool]

    @property
    def name(self) -> str:
        """The word it is logged under; also the code of its reason."""
        ...

    def speaks(self, scene: Scene) -> Said:
        """Rows of the catalogue that it speaks for, each once, and how much, in (0, 1]."""
        ...

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """Items of the past behind one row and what each adds, before the scale; may be empty."""
        ...

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """What it would say of one row had these items not been in the past."""
        ...


@dataclass(frozen=True, eq=False)
class Sums:
    """Links by the row that they lead to.

    Attributes:
        rows: Each row once, ascending: shape (rows,). raw: Its sum.
        begins: Where its links begin, shape (rows + 1,). item, adds: Of each link.
    """

    rows: Ints
    raw: Floats
    begins: Ints
    item: Ints
    adds: Floats
    known: dict[int, dict[int, float]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, goods: Goods, links: Links) -> Sums:
        """Sort links by where they lead; those to unknown items fall away."""
        rows = goods.rows(links.other)
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        unknown = int(np.searchsorted(rows, 0))
        order, rows = order[unknown:], rows[unknown:]
        first = np.ones(len(rows), dtype=bool)
        np.not_equal(rows[1:], rows[:-1], out=first[1:])
        begins, adds = np.flatnonzero(first), links.adds[order]
        raw = np.add.reduceat(adds, begins) if len(begins) else adds
        whole = np.append(begins, len(rows))
        return cls(rows[begins], raw.astype(np.float64), whole, links.item[order], adds)

    def behind(self, row: int) -> dict[int, float]:
        """Items behind one row with what each adds; a reason asks for it several times."""
        found = self.known.get(row)
        if found is None:
            found = self.known[row] = self._behind(row)
        return found

    def _behind(self, row: int) -> dict[int, float]:
        at = int(self.rows.searchsorted(row))
        if at == len(self.rows) or self.rows[at] != row:
            return {}
        here = slice(self.begins[at], self.begins[at + 1])
        found: dict[int, float] = {}
        for item, adds in zip(self.item[here].tolist(), self.adds[here].tolist(), strict=True):
            found[item] = found.get(item, 0.0) + adds
        return found


_NOTHING: Said = (np.zeros(0, dtype=np.int64), np.zeros(0))


def _rows(goods: Goods, numbers: Sequence[int] | Ints, values: Floats) -> Said:
    rows = goods.rows(numbers)
    known = rows >= 0
    return rows[known], values[known]


def squashed(raw: Floats, half: float) -> Floats:
    """From [0, inf) to [0, 1): `half` is worth a half, and more is always more."""
    return raw / (raw + half)


@dataclass(frozen=True)
class Neighbours:
    """Items near those of a past: a sum over them, weighted.

    Args:
        name: Of the voice.
        of: Which table of neighbours.
        half: Raw score that is worth a half.
        where: "past" (touched and bought), "touched", "session", "item" (the one on the page)
            or "cart".
    """

    name: str
    of: str
    half: float = 0.5
    where: str = "past"
    whole: ClassVar[bool] = False

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        sums = self._sums(scene)
        return sums.rows, squashed(sums.raw, self.half)

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        return self._sums(scene).behind(row)

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        raw = sum(adds for item, adds in self.parts(scene, row).items() if item not in without)
        return raw / (raw + self.half)

    def _sums(self, scene: Scene) -> Sums:
        found: Sums = scene.once(f"sums|{self.name}", lambda: self._summed(scene))
        return found

    def _summed(self, scene: Scene) -> Sums:
        return Sums.of(scene.goods, scene.tables.near(self.of).links(*self._past(scene)))

    def _past(self, scene: Scene) -> tuple[Ints, Floats]:
        if self.where == "past":
            touched, bought = scene.touched, scene.bought
            items = np.concatenate([touched.item, bought.item])
            return items, np.concatenate([touched.weight, bought.weight])
        if self.where == "touched":
            return scene.touched.item, scene.touched.weight
        if self.where == "session":
            own = list(dict.fromkeys(reversed(scene.moment.session)))
            # The last look counts most: 1, 1/2, 1/3 ...
            fading: Floats = 1.0 / (1.0 + np.arange(len(own), dtype=np.float64))
            return np.array(own, dtype=np.int64), fading
        given = [scene.item] if scene.item else []
        if self.where == "cart":
            given = list(dict.fromkeys([*scene.cart, *given]))
        return np.array(given, dtype=np.int64), np.ones(len(given))


@dataclass(frozen=True)
class OfItself:
    """A voice of which each item's evidence is that item alone."""

    name: str
    raw: Callable[[Scene], Mapping[int, float]]
    half: float = 0.0
    whole: ClassVar[bool] = False

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        raw = self._raw(scene)
        values = np.array(list(raw.values()), dtype=np.float64)
        return _rows(scene.goods, list(raw), squashed(values, self.half) if self.half else values)

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        number = int(scene.goods.number[row])
        worth = self._raw(scene).get(number, 0.0)
        return {number: worth} if worth else {}

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        number = int(scene.goods.number[row])
        raw = 0.0 if number in without else self._raw(scene).get(number, 0.0)
        return raw / (raw + self.half) if self.half and raw else raw

    def _raw(self, scene: Scene) -> Mapping[int, float]:
        found: Mapping[int, float] = scene.once(f"raw|{self.name}", lambda: self.raw(scene))
        return found


def due(scene: Scene) -> Mapping[int, float]:
    """What she buys again: how often, how long ago, against her usual time for it."""
    return scene.tables.due(scene.moment)


def looked_at(scene: Scene) -> Mapping[int, float]:
    """What she looked at and did not buy since."""
    last = {
        line[0]: to_us(purchase.at)
        for purchase in reversed(scene.moment.bought)
        for line in purchase.lines
    }
    moment, faded = scene.moment, scene.touched.weight.tolist()
    rows = zip(moment.items, faded, moment.at_us, strict=True)
    return {item: weight for item, weight, at_us in rows if last.get(item, 0) < at_us}


@dataclass(frozen=True)
class Followed:
    """Things of creators and brands she follows; the evidence is the creator's number."""

    name: str = "followed"
    whole: ClassVar[bool] = False

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        if not scene.moment.follows:
            return _NOTHING
        rows = np.flatnonzero(np.isin(scene.goods.maker, list(scene.moment.follows)))
        return rows, np.ones(len(rows))

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        maker = int(scene.goods.maker[row])
        return {maker: 1.0} if maker in scene.moment.follows else {}

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        return sum(self.parts(scene, row).values()) * (int(scene.goods.maker[row]) not in without)


@dataclass(frozen=True)
class Shared:
    """A voice that says the same to everybody; nothing of a person is behind it."""

    name: str
    said: Callable[[Scene], Said]
    why: Callable[[Scene, int], Reason] | None = None
    whole: ClassVar[bool] = False

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        found: Said = scene.once(f"said|{self.name}", lambda: self.said(scene))
        return found

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        return {}

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        rows, values = self.speaks(scene)
        here = np.flatnonzero(rows == row)
        return float(values[here[0]]) if len(here) else 0.0

    def reason(self, scene: Scene, row: int) -> Reason:
        """Why it speaks for a row."""
        return self.why(scene, row) if self.why else Reason(self.name)


@dataclass(frozen=True)
class Foreseen:
    """The chance that the ranker gives; evidence is what it would be lower without."""

    name: str = "foreseen"
    whole: ClassVar[bool] = True

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        if scene.forecast is None:
            return _NOTHING
        forecast = scene.forecast
        return _rows(scene.goods, forecast.ranker.items[forecast.items], forecast.chance)

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        forecast, item = self._asked(scene, row)
        return forecast.parts(item) if forecast is not None else {}

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        forecast, item = self._asked(scene, row)
        if forecast is None:
            return 0.0
        if not forecast.leaves(without):
            # Whoever bought nothing is not foreseen: what sells is what they would be shown.
            return COLD["popular"] * POPULAR.worth(scene, row, without)
        return forecast.without(item, without)

    def ahead(self, scene: Scene, rows: Sequence[int]) -> None:
        """Work out at once what each of these rows would be worth without its own parts."""
        asked = [self._asked(scene, row)[1] for row in rows]
        if scene.forecast is not None:
            scene.forecast.settle(asked)

    def _asked(self, scene: Scene, row: int) -> tuple[Forecast | None, int]:
        if scene.forecast is None:
            return None, -1
        return scene.forecast, scene.forecast.ranker.place(int(scene.goods.number[row]))


@dataclass(frozen=True)
class Following:
    """The chance of being looked at next in this visit."""

    name: str = "this_visit"
    whole: ClassVar[bool] = True

    def speaks(self, scene: Scene) -> Said:
        """As in Voice."""
        if scene.visit is None:
            return _NOTHING
        return _rows(scene.goods, scene.visit.items, scene.visit.chance)

    def parts(self, scene: Scene, row: int) -> Mapping[int, float]:
        """As in Voice."""
        return scene.visit.parts(int(scene.goods.number[row])) if scene.visit is not None else {}

    def worth(self, scene: Scene, row: int, without: frozenset[int]) -> float:
        """As in Voice."""
        if scene.visit is None:
            return 0.0
        return scene.visit.without(int(scene.goods.number[row]), without)

    def ahead(self, scene: Scene, rows: Sequence[int]) -> None:
        """Work out the parts of these rows at once."""
        if scene.visit is not None:
            scene.visit.ahead(scene.goods.number[np.array(rows, dtype=np.int64)].tolist())


FOLLOWED = Followed()
LOOKS: Sequence[Voice] = (
    OfItself("looked_at", looked_at, half=2.0),
    Neighbours("this_visit", "near", half=0.8, where="session"),
    Neighbours("alike", "alike", half=2.0, where="touched"),
    FOLLOWED,
)
"""What somebody looked at and follows: said beside what is foreseen from purchases."""
PERSONAL: Sequence[Voice] = (
    OfItself("bought_again", due),
    OfItself("looked_at", looked_at, half=2.0),
    Neighbours("also_like", "near", half=1.0),
    Neighbours("this_visit", "near", half=0.8, where="session"),
    Neighbours("alike", "alike", half=2.0),
    FOLLOWED,
)
"""Of a feed where nothing was compared with the past: what each person's own says."""
UNBOUGHT: Sequence[Voice] = (*LOOKS, Neighbours("also_like", "near", half=1.0, where="touched"))
"""Of a feed where what people bought foresees no better than what sells."""
FORESEEN, FOLLOWING = Foreseen(), Following()
OF_PAGE: Mapping[str, Sequence[Voice]] = {
    "similar": (
        Neighbours("similar", "alike", half=0.5, where="item"),
        Neighbours("also_taken", "near", half=0.3, where="item"),
    ),
    "goes_with": (Neighbours("taken_with", "goes", half=20.0, where="cart"),),
}
"""Of a page with an item on it, by mode."""
POPULAR: Voice = Shared(
    "popular",
    lambda scene: scene.model.popular(scene.open, scene.around),
    lambda scene, row: scene.tables.local.why(scene.around, int(scene.goods.number[row])),
)
NEW: Voice = Shared("new", lambda scene: scene.open.fresh(to_us(scene.moment.at)))
WEIGHTS: Mapping[str, float] = {
    "bought_again": 0.9, "looked_at": 0.5, "also_like": 0.7, "this_visit": 0.8, "alike": 0.15,
    "followed": 0.4, "similar": 1.0, "also_taken": 0.7, "taken_with": 1.0, "popular": 0.2,
    "new": 0.1,
}  # fmt: skip
"""How much each counts before the shop's past has said better."""
FILLING: Mapping[str, float] = {
    name: worth
    if name in {voice.name for own in OF_PAGE.values() for voice in own}
    else worth * 0.02
    for name, worth in WEIGHTS.items()
}
"""The same on a page with an item on it: what is of the item comes first."""
BESIDE: Mapping[str, float] = {
    **WEIGHTS, "foreseen": 1.0, "looked_at": 0.15, "this_visit": 0.2, "alike": 0.03, "followed": 0.05, "popular": 1e-4,
    "new": 0.01,
}  # fmt: skip
"""The same beside chances: what somebody does now comes before, what sells fills up."""
COLD: Mapping[str, float] = {name: worth * 5e-3 for name, worth in WEIGHTS.items()}
"""Of people who bought nothing, where others are foreseen: what sells stands below any chance."""
IN_VISIT: Mapping[str, float] = {**BESIDE, "this_visit": 1.0}
"""The same where both are chances: of buying, and of looking next."""
