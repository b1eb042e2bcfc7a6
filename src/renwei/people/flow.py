"""How people move between stages and between tiers, month by month, and what each tier is worth.

Every month end is judged from what was known then alone. A shop of many people is judged by an
even sample of them, and says so. The picture is made by the learning job, or once a day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from renwei.core.clock import to_us
from renwei.core.errors import UnknownName
from renwei.core.operations import operation
from renwei.core.shop import Columns, Shop
from renwei.people.bands import month_ends
from renwei.people.now import STAGES, TIERS, settle

TABLE = "flow"
SAMPLE = 4_000
"""So many people are judged at every month end; counts are scaled up to everybody."""
SHOWS = 0.01
"""A picture of a day holds until so many orders came in since, as a share of all."""
IMPORT = "i-"
"""How the sources of events begin that a file brought in."""
NAMES_AT_ONCE = 50_000
EFFECT = 0.3
"""What a word changes in the log odds of an order: the start value of the list, a guess."""
MINUTES = 40
"""Minutes of the human a day where the settings name none: a guess."""
MOST_AT_LEARNING = 50_000
"""Of a larger shop the picture is made by itself (`learn-flow`), so that no list waits for it."""


class FlowRequest(msgspec.Struct, kw_only=True):
    """The last twelve months and the one under way."""


class Moves(msgspec.Struct, kw_only=True):
    """Where people stood, and from where they came.

    `counts[b]` people stand in b; `moves[a][b]` came from a since the month before; `joined[b]`
    were not known before.
    """

    counts: list[int]
    moves: list[list[int]]
    joined: list[int]


class FlowMonth(msgspec.Struct, kw_only=True):
    """One month end; `partial` says that the month is not over."""

    month: str
    partial: bool
    stages: Moves
    tiers: Moves


class TierPlan(msgspec.Struct, kw_only=True):
    """What to do for a tier, and what share of money and minutes it deserves.

    `incremental_minor` is what words to these people may change within the window;
    `budget_share` and `staff_minutes` (a working day) are in proportion to it.
    """

    tier: str
    text: str
    people: int
    expected_minor: int
    incremental_minor: int
    budget_share: float
    staff_minutes: int
    strategy: str


class FlowAnswer(msgspec.Struct, kw_only=True):
    """Months oldest first; stages and tiers in the order of `stages` and `tiers`.

    `people` were judged at the last month end, out of `everybody`; `held_out` is how far the
    total expected lay from what came on a stretch held out. `guesses` says which numbers are
    none of the shop's own.
    """

    at: datetime
    as_of: str
    currency: str
    stages: list[str]
    tiers: list[str]
    people: int
    everybody: int
    months: list[FlowMonth]
    plans: list[TierPlan]
    held_out: dict[str, float]
    error_text: str
    guesses: list[str]


class LearnFlow(msgspec.Struct, kw_only=True):
    """Make the picture anew, as of now."""


class FlowLearnt(msgspec.Struct, kw_only=True):
    """What was judged."""

    at: datetime
    months: int
    people: int


@operation("flow", FlowRequest, http="GET /v1/flow")
def flow(shop: Shop, request: FlowRequest) -> FlowAnswer:
    """Show how people move between stages and tiers, and what to do for each tier."""
    at = settle(shop, None)
    people = shop.shelf.get("people")
    if people is None:
        raise UnknownName("no_estimates")
    held = shop.shelf.get(TABLE)
    meta = held.meta if held is not None and not _overtaken(shop, held) else keep_flow(shop, at)
    quality = people.meta.get("quality", {}).get("year", {})
    error = shop.say("tiers_error.none")
    if "ratio" in quality:
        off, days = abs(quality["ratio"] - 1), quality["days"]
        error = shop.say("tiers_error.said", off=off, days=days)
    return FlowAnswer(
        at=at,
        as_of=str(meta["as_of"]),
        currency=str(people.meta.get("currency") or shop.settings.currency),
        stages=list(STAGES),
        tiers=list(TIERS),
        people=int(meta["people"]),
        everybody=int(meta["everybody"]),
        months=[msgspec.convert(month, FlowMonth) for month in meta["months"]],
        plans=_plans(shop, people),
        held_out=quality,
        error_text=error,
        guesses=[
            shop.say("flow.guess_effect", effect=EFFECT),
            shop.say(
                "flow.guess_minutes" if not shop.settings.minutes else "flow.set_minutes",
                n=shop.settings.minutes or MINUTES,
            ),
            shop.say("flow.guess_strategy"),
        ],
    )


@operation("learn-flow", LearnFlow, writes=True, child=True)
def learn_flow(shop: Shop, request: LearnFlow) -> FlowLearnt:
    """Take in the names that cannot be searched yet, and judge every month end anew."""
    from renwei.people.names import index_names

    at = shop.clock.now().astimezone(UTC)
    # First, for the picture is what tells that this was done: cut short, it is done again.
    while index_names(shop, NAMES_AT_ONCE):
        pass
    meta = keep_flow(shop, at)
    return FlowLearnt(at=at, months=len(meta["months"]), people=meta["people"])


def keep_flow(shop: Shop, at: datetime, frame: Any = None) -> dict[str, Any]:
    """Draw the picture and put it on the shelf, unless that of the day lies there and holds."""
    import numpy as np

    from renwei.people.frame import Frame

    held = shop.shelf.get(TABLE)
    if held is not None and _same_day(held, at) and not _overtaken(shop, held):
        return dict(held.meta)
    frame = frame or Frame.read(shop.store, shop.settings.currency)
    stamp = {"position": frame.position, "orders": len(frame.as_of(at))}
    meta = drawn(shop, at, frame) | stamp
    shop.shelf.put(TABLE, {"month": np.arange(len(meta["months"]))}, meta)
    return meta


def drawn(shop: Shop, at: datetime, frame: Any = None) -> dict[str, Any]:
    """The picture as data: every month end from what was known then."""
    from renwei.people.frame import Frame

    frame = frame or Frame.read(shop.store, shop.settings.currency)
    chosen, everybody = _sample(frame.as_of(at))
    months: list[dict[str, Any]] = []
    before: _Ends | None = None
    ends = month_ends(at, shop.settings.zone)
    for k, (name, end) in enumerate(ends):
        now = _Ends.of(frame, end, chosen, before)
        if now is not None and before is not None:
            scale = everybody / max(len(chosen), 1)
            month = {"month": name, "partial": k == len(ends) - 1}
            months.append(month | now.since(before, scale))
        before = now
    return {
        "as_of": at.isoformat(),
        "people": len(chosen),
        "everybody": everybody,
        "months": months,
    }


def _same_day(held: Columns, at: datetime) -> bool:
    age = at - datetime.fromisoformat(str(held.meta["as_of"]))
    return timedelta(0) <= age < timedelta(days=1)


def _overtaken(shop: Shop, held: Columns) -> bool:
    """Whether a file came in or was taken back since, or so many orders that it shows."""
    orders, position = int(held.meta.get("orders", 0)), int(held.meta.get("position", 0))
    if not held.meta["everybody"] or _taken_back(shop, held, orders):
        return True
    newer = shop.store.log.read(after=position, kinds=("order", "order-change"))
    for new, event in enumerate(newer, start=1):
        if event.source.startswith(IMPORT) or new > SHOWS * orders:
            return True
    return False


def _taken_back(shop: Shop, held: Columns, orders: int) -> bool:
    """Whether what was learnt since the picture counts fewer orders than it did."""
    people = shop.shelf.get("people")
    if people is None or str(people.meta["as_of"]) < str(held.meta["as_of"]):
        return False
    return int(people.meta.get("orders", 0)) < orders


def _sample(orders: Any) -> tuple[Any, int]:
    """The people to judge, taken at even steps of their numbers: the same ones each time."""
    import numpy as np

    everybody = np.unique(orders.person[orders.person != 0])
    if len(everybody) <= SAMPLE:
        return everybody, len(everybody)
    rows = np.linspace(0, len(everybody) - 1, SAMPLE).astype(np.int64)
    return everybody[rows], len(everybody)


class _Ends:
    """Stages and tiers of the chosen people at one month end."""

    def __init__(self, person: Any, stage: Any, tier: Any, borders: Any) -> None:
        self.person, self.stage, self.tier, self.borders = person, stage, tier, borders

    @classmethod
    def of(cls, frame: Any, end: datetime, chosen: Any, before: _Ends | None) -> _Ends | None:
        import numpy as np

        from renwei.learn.rhythm import fit_rhythm, units_of
        from renwei.learn.stage import stages
        from renwei.learn.tiers import assign_tiers, find_borders
        from renwei.people.estimates import forecast_year
        from renwei.people.features import as_past

        orders = frame.as_of(end)
        orders = orders.pick(np.isin(orders.person, chosen))
        if not len(orders):
            return None
        past, as_of = as_past(orders), to_us(end) / 1e6
        units = units_of(past.person, past.time, as_of=as_of)
        stage = stages(units, fit_rhythm(past.person, past.time, as_of=as_of))
        year = forecast_year(orders, to_us(end)).spend.value
        borders = find_borders(year, before=before.borders if before else None)
        known = None
        if before is not None:
            known = np.full(len(units.unit), -1, dtype=np.int8)
            there = np.isin(units.unit, before.person)
            row = np.searchsorted(before.person, units.unit[there])
            known[there] = before.tier[row]
        return cls(units.unit, stage, assign_tiers(year, borders, before=known), borders)

    def since(self, before: _Ends, scale: float) -> dict[str, Any]:
        """Counts and moves since the month before, scaled up to everybody."""
        from renwei.learn.tiers import HIGH

        tiers = (HIGH - before.tier, HIGH - self.tier)
        return {
            "stages": self._moves(before, (before.stage, self.stage), (len(STAGES), scale)),
            "tiers": self._moves(before, tiers, (len(TIERS), scale)),
        }

    def _moves(
        self, before: _Ends, codes: tuple[Any, Any], size: tuple[int, float]
    ) -> dict[str, Any]:
        import numpy as np

        n, scale = size
        old, new = codes[0].astype(np.int64), codes[1].astype(np.int64)
        known = np.isin(self.person, before.person)
        still = np.isin(before.person, self.person)
        moves = np.zeros((n, n), dtype=np.int64)
        np.add.at(moves, (old[still], new[known]), 1)

        def up(counts: Any) -> Any:
            return np.rint(counts * scale).astype(np.int64).tolist()

        return {
            "counts": up(np.bincount(new, minlength=n)),
            "moves": up(moves),
            "joined": up(np.bincount(new[~known], minlength=n)),
        }


def _plans(shop: Shop, people: Columns) -> list[TierPlan]:
    import numpy as np

    column = people.columns
    code = np.asarray(column["tier"])
    # A small change of log odds moves a chance by p (1 - p): what is spent anyway is not won.
    chance = np.asarray(column["p_window"], dtype=np.float64)
    won = np.asarray(column["spend_window_value"]) * (1 - chance) * EFFECT
    minutes = shop.settings.minutes or MINUTES
    total = max(float(won.sum()), 1e-9)
    plans = []
    for k, name in enumerate(TIERS):
        mine = code == k
        share = float(won[mine].sum()) / total
        plans.append(
            TierPlan(
                tier=name,
                text=shop.say(f"tiers.{name}"),
                people=int(mine.sum()),
                expected_minor=round(float(np.asarray(column["year_value"])[mine].sum())),
                incremental_minor=round(float(won[mine].sum())),
                budget_share=round(share, 4),
                staff_minutes=round(share * minutes),
                strategy=shop.say(f"tier_strategy.{name}"),
            )
        )
    return plans
