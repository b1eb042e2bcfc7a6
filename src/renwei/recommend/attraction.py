"""What items attract, learnt from what was shown and what came of it; it serves where it won.

Every recommendation stands in the ledger, and looks and carts that follow say which decision
they answer. From both comes how places of a list are looked at, and which items are clicked more
or less than their scores foresaw where people did look (learn.impressions). An item's factor
multiplies its whole score, what evidence adds to it included, so that a reason stays as true.

Learning starts from scores without any factor: those in force when a list was made are divided
out again. Otherwise a factor would foresee its own success, and cease with it.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.chance import u_many
from renwei.core.clock import to_us
from renwei.core.nouns import NOBODY, Decision
from renwei.core.shop import Columns, Shop
from renwei.core.store import Store
from renwei.recommend.goods import Goods
from renwei.recommend.moment import SHOWN
from renwei.recommend.seen import PAGE, decided
from renwei.recommend.surfaces import HOLDOUT_SALT, names, place_of

if TYPE_CHECKING:
    from renwei.learn.impressions.learning import Learnt
    from renwei.learn.impressions.rows import Impressions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TABLE = "taste-attraction"
ANSWERS = ("view", "cart")
"""Events that say which decision put the item there; either counts as a click."""
LOOKED_BACK, LATELY = timedelta(days=60), timedelta(days=15)
MOST, ENOUGH = 1_000_000, 200_000
"""Impressions: with enough of the last two weeks older ones, slower to read, are left alone."""
HOUR = timedelta(hours=1)
PLACES_TOLD = 20
REPORTED = 0.5
"""Where an app reports impressions for so many of the lists it gets clicks from, these count."""
_KEPT: WeakKeyDictionary[Store, tuple[Goods, Columns, Floats]] = WeakKeyDictionary()


def attracting(shop: Shop, goods: Goods) -> Floats | None:
    """What the score of each row of the catalogue is multiplied by; None where it does not serve.

    Returns:
        Shape (items,), between 0.5 and 2; 1 of what was hardly shown yet.
    """
    held = shop.shelf.get(TABLE)
    if held is None or not held.meta.get("serves"):
        return None
    kept = _KEPT.get(shop.store)
    if kept is not None and kept[0] is goods and kept[1] is held:
        return kept[2]
    rows = goods.rows(held.columns["item"])
    known = rows >= 0
    factor = np.ones(len(goods))
    factor[rows[known]] = held.columns["factor"][known]
    _KEPT[shop.store] = goods, held, factor
    return factor


def learn_attraction(shop: Shop, at: datetime, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Learn from the last weeks up to a time and put it on the shelf; what the card says of it."""
    from renwei.learn.impressions.learning import learn_impressions
    from renwei.learn.impressions.trial import clipped

    rows, surfaces = shown_lately(shop, at)
    learnt = learn_impressions(rows)
    said = _said(learnt, surfaces)
    shop.shelf.put(
        TABLE,
        {"item": learnt.attracts.items, "factor": clipped(learnt.attracts.factor)},
        {
            **{name: meta[name] for name in ("as_of", "position", "model", "program")},
            **said,
            "from_us": to_us(shop.clock.now()),
            "before": _before(shop, to_us(at - LOOKED_BACK)),
        },
    )
    return said


def shown_lately(shop: Shop, at: datetime) -> tuple[Impressions, Sequence[str]]:
    """What people were shown in the last weeks up to a time, at most the newest MOST rows.

    Returns:
        Rows with scores as they were before any factor, and the surfaces' names by number.
    """
    lists = _lists(shop, at)
    return _rows(shop, at, lists), list(lists.surfaces)


def _said(learnt: Learnt, surfaces: Sequence[str]) -> dict[str, Any]:
    tried, looked = learnt.trial, learnt.looked
    curves = [
        {
            "surface": surfaces[surface],
            "clicks": int(clicks.sum()),
            "curve": [round(one, 3) for one in curve[: _depth(clicks)].tolist()],
        }
        for surface, curve, clicks in zip(
            looked.surfaces.tolist(), looked.curve, looked.clicks, strict=True
        )
        if clicks.any()
    ]
    ends = (tried.gain, tried.low, tried.high)
    gain, low, high = (None if end is None else round(end, 5) for end in ends)
    return {
        "impressions": learnt.impressions,
        "clicks": learnt.clicks,
        "serves": tried.verdict == "serves",
        "verdict": tried.verdict,
        "gain": gain,
        "low": low,
        "high": high,
        "tried": tried.tried,
        "people": tried.people,
        "examination": sorted(curves, key=lambda one: -one["clicks"]),
    }


def _depth(clicks: Floats) -> int:
    """So many places are told: as far down as anything was clicked."""
    return min(int(np.flatnonzero(clicks)[-1]) + 1, PLACES_TOLD)


# What was shown.


@dataclass
class _Lists:
    """Lists on their way into columns: `rows` one shown item each, the others one list each."""

    number: dict[str, int] = field(default_factory=dict)
    surfaces: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    whole: array[int] = field(default_factory=lambda: array("q"))
    rows: array[int] = field(default_factory=lambda: array("q"))
    odds: array[float] = field(default_factory=lambda: array("d"))
    since: int = 0
    """The position of the log before which none of them can have been answered."""

    def read(self, shop: Shop, since: datetime, until: datetime) -> None:
        for decision in decided(shop, since, until):
            if not decision.surface.startswith(PAGE) and decision.id not in self.number:
                self._add(decision)

    def _add(self, decision: Decision) -> None:
        n = len(self.number)
        self.number[decision.id] = n
        surface = self.surfaces.setdefault(decision.surface, len(self.surfaces))
        self.whole.extend((decision.person, surface, to_us(decision.at)))
        self.since = min(self.since, decision.position) if n else decision.position
        places = dict(zip(decision.items, range(len(decision.items)), strict=True))
        for slot, item in enumerate(decision.chosen):
            if item:
                place = places[item]
                source = self.sources.setdefault(decision.sources[place], len(self.sources))
                self.rows.extend((n, item, slot, source, decision.scores[place]))
                self.odds.append(decision.odds[slot])


def _lists(shop: Shop, at: datetime) -> _Lists:
    """The newest lists up to a time, until there are enough: read backwards, ever more at once."""
    found = _Lists()
    begin, until, step = at - LATELY, at + timedelta(microseconds=1), HOUR
    while until > begin and len(found.odds) < MOST:
        since = max(until - step, begin)
        found.read(shop, since, until)
        until = since
        # Not much more than what is still needed, at the rate of what was read.
        still = (MOST - len(found.odds)) / max(len(found.odds), 1)
        step = min(2 * step, max(1.1 * still * (at - until), HOUR))
    if len(found.odds) < ENOUGH:
        found.read(shop, at - LOOKED_BACK, begin)
    return found


def _rows(shop: Shop, at: datetime, lists: _Lists) -> Impressions:
    from renwei.learn.impressions.rows import Impressions

    whole = np.array(lists.whole, dtype=np.int64).reshape(-1, 3)
    rows = np.array(lists.rows, dtype=np.int64).reshape(-1, 5)
    shown_in, item = rows[:, 0], rows[:, 1]
    person = _now(shop, whole[:, 0])
    clicked, reported = _answered(shop, at, (lists, person), (shown_in, item))
    found = Impressions(
        shown_in,
        person[shown_in],
        item,
        rows[:, 2],
        whole[shown_in, 1],
        rows[:, 3],
        np.array(lists.odds, dtype=np.float64),
        rows[:, 4] / _factors(shop, (whole[shown_in], item), lists, to_us(at - LOOKED_BACK)),
        clicked,
        whole[shown_in, 2],
    )
    counts = _counting(found, reported) & (found.person != NOBODY)
    newest = np.flatnonzero(counts)
    if len(newest) > MOST:
        newest = newest[np.argsort(found.at_us[newest], kind="stable")[-MOST:]]
    return found.pick(newest)


def _now(shop: Shop, actors: Ints) -> Ints:
    """Who these are by now; of somebody forgotten nobody."""
    known, place = np.unique(actors, return_inverse=True)
    persons = np.array(shop.store.people.persons_of(known.tolist()), dtype=np.int64)
    return persons[place] if len(known) else actors


# What came of it.


def _answered(
    shop: Shop, at: datetime, told: tuple[_Lists, Ints], rows: tuple[Ints, Ints]
) -> tuple[Bools, Bools]:
    """Which rows were clicked, and which the app says were in sight: shape (rows,) each.

    Only what the same person did answers a list: ids of decisions are no secret.
    """
    from renwei.learn.impressions.rows import codes, paired

    lists, person = told
    answers = array("q")
    since = lists.since if lists.number else shop.store.log.position()
    for event in shop.store.log.read(after=since, kinds=(*ANSWERS, SHOWN)):
        n = lists.number.get(event.body.get("decision", ""))
        if n is not None and event.at <= at and not event.body.get("flood"):
            answers.extend((n, event.item, event.actor, event.kind == SHOWN))
    table = np.array(answers, dtype=np.int64).reshape(-1, 4)
    table = table[_now(shop, table[:, 2]) == person[table[:, 0]]]
    item = codes(np.concatenate([rows[1], table[:, 1]]))
    pair = paired(np.concatenate([rows[0], table[:, 0]]), item)
    here, there = pair[: len(rows[0])], pair[len(rows[0]) :]
    clicked = np.isin(here, there[table[:, 3] == 0])
    return clicked, np.isin(here, there[table[:, 3] == 1])


def _counting(rows: Impressions, reported: Bools) -> Bools:
    """Which rows count as shown: on a surface that reports what came into sight, only that."""
    n = int(rows.shown_in.max(initial=-1)) + 1
    answered = np.bincount(rows.shown_in, rows.clicked, minlength=n)[rows.shown_in] > 0
    told = np.bincount(rows.shown_in, reported, minlength=n)[rows.shown_in] > 0
    surfaces = int(rows.surface.max(initial=-1)) + 1
    clicked = np.bincount(rows.surface, answered, minlength=surfaces)
    both = np.bincount(rows.surface, answered & told, minlength=surfaces)
    reports = (both > REPORTED * clicked)[rows.surface]
    counts: Bools = ~reports | reported | rows.clicked
    return counts


# What was in force then.


def _before(shop: Shop, since_us: int) -> list[tuple[int, str]]:
    """Since when which version was in force, oldest first, as far as lists are read back.

    Where the shelf was emptied meanwhile nothing is known of it: then what served counts as
    foreseen, and factors come out nearer to 1.
    """
    held = shop.shelf.get(TABLE)
    if held is None:
        return []
    past = [(int(begun), str(version)) for begun, version in held.meta["before"]]
    past.append((int(held.meta["from_us"]), held.version if held.meta["serves"] else ""))
    ended = [begun for begun, _ in past[1:]]
    return [one for one, end in zip(past, [*ended, since_us + 1], strict=True) if end > since_us]


def _factors(shop: Shop, rows: tuple[Ints, Ints], lists: _Lists, since_us: int) -> Floats:
    """What each row's score was multiplied by when it was shown, shape (rows,).

    Held-out people get no factor; who they are is told by the shares as they are now.
    """
    (whole, item), before = rows, _before(shop, since_us)
    found = np.ones(len(item))
    if not before:
        return found
    in_force = np.searchsorted([begun for begun, _ in before], whole[:, 2], side="right") - 1
    share = np.array([_share(shop, name) for name in lists.surfaces])
    free = u_many(whole[:, 0].astype(np.uint64), HOLDOUT_SALT) >= share[whole[:, 1]]
    for k, (_, version) in enumerate(before):
        held = shop.shelf.get(TABLE, version) if version else None
        if held is None or not len(held.columns["item"]):
            continue
        own = np.flatnonzero((in_force == k) & free)
        known = np.asarray(held.columns["item"])
        at = np.minimum(np.searchsorted(known, item[own]), len(known) - 1)
        same = known[at] == item[own]
        found[own[same]] = held.columns["factor"][at[same]]
    return found


def _share(shop: Shop, surface: str) -> float:
    """Of people held out."""
    own = place_of(shop, surface)[0].holdout if surface in names(shop) else None
    return shop.settings.holdout if own is None else own
