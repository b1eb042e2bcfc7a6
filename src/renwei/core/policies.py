"""Policies: how one is chosen from what is left, and with what probability.

Each draws from `u` only and states the odds of every slot given the slots before it, so that
a record replays and off-policy questions have an answer. `choose_many` says the same about
columns, to the last bit. A policy's name holds its settings: it can be built again from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from renwei.core.chance import u, u_many
from renwei.core.columns import Asks, PickedMany, Slates
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOTHING, Ask, Event
from renwei.core.ports import Policy
from renwei.core.slate import Picked, Slate

_LAST = 2**63 - 1


class Wrappable(Policy, Protocol):
    """A policy whose first odds another can ask for, so that both together stay exact."""

    def first_odds(self, slate: Slate, position: int) -> float:
        """The probability of this position in the first slot; -1 asks for an empty answer."""
        ...

    def choose_many(self, asks: Asks, slates: Slates) -> PickedMany:
        """`choose` for columns."""
        ...

    def first_odds_many(self, slates: Slates, positions: Any) -> Any:
        """`first_odds` for columns: shape (people,) -> shape (people,)."""
        ...


@dataclass(frozen=True)
class Best:
    """The highest score, and with probability `explore` any candidate, all alike.

    Ties break by item number, the lowest first, so `nothing` wins a tie.

    Args:
        explore: Share of draws by chance, in [0, 1].
        at_most: Items of one group (0 is none) within one answer; 0 sets no limit.

    Example:
        >>> from renwei.core.slate import Slate
        >>> Best(explore=0.1).first_odds(Slate.of("s", "popular", [1, 2], [5, 9]), 1)
        0.9500000000000001
    """

    explore: float = 0.05
    at_most: int = 0
    name: str = field(init=False)

    def __post_init__(self) -> None:
        _check_share("explore", self.explore)
        limit = f" at_most={self.at_most}" if self.at_most else ""
        object.__setattr__(self, "name", f"best@1 explore={self.explore!r}{limit}")

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        """Slot by slot, the best of what the constraints leave."""
        salt = f"{ask.surface.name}/best"
        picked = Picked([], [], salt)
        rows: list[int] | range = range(len(slate.items))
        while len(picked.positions) < ask.limit and rows:
            slot = len(picked.positions)
            best = _top(slate, rows)
            row, chance = best, self.explore / len(rows)
            v = u(ask.unit, salt, slot)
            if v < self.explore:
                place = min(int(v / self.explore * len(rows)), len(rows) - 1)
                row = sorted(rows, key=slate.items.__getitem__)[place]
            picked.positions.append(row)
            picked.odds.append(chance + (1 - self.explore) if row == best else chance)
            if row != best:
                picked.explored += (slot,)
            if slate.items[row] == NOTHING or slot + 1 == ask.limit:
                break
            rows = self._left(slate, rows, picked.positions)
        return picked

    def _left(self, slate: Slate, rows: list[int] | range, taken: list[int]) -> list[int]:
        row = taken[-1]
        left = [k for k in rows if k != row]
        group = slate.groups[row] if slate.groups and self.at_most else 0
        if group and sum(slate.groups[k] == group for k in taken) >= self.at_most:
            left = [k for k in left if slate.groups[k] != group]
        return left

    def first_odds(self, slate: Slate, position: int) -> float:
        """As in Wrappable."""
        if position < 0 or not slate.items:
            return float(position < 0 and not slate.items)
        chance = self.explore / len(slate.items)
        best = _top(slate, range(len(slate.items)))
        return chance + (1 - self.explore) if position == best else chance

    def choose_many(self, asks: Asks, slates: Slates) -> PickedMany:
        """As in Wrappable."""
        import numpy as np

        salt = f"{asks.surface.name}/best"
        out = _empty(asks, salt)
        live, everyone = slates.live.copy(), np.arange(len(asks))
        for slot in range(asks.limit):
            best, size = _top_many(slates, live)
            row, some = best.copy(), size > 0
            v = u_many(asks.units, salt, slot)
            chance = self.explore / np.maximum(size, 1)
            by_chance = np.flatnonzero(some & (v < self.explore))
            if len(by_chance):
                n = size[by_chance]
                place = np.minimum((v[by_chance] / self.explore * n).astype(np.int64), n - 1)
                order = _by_item(slates.items[by_chance], live[by_chance])
                row[by_chance] = order[np.arange(len(by_chance)), place]
            out.positions[:, slot] = np.where(some, row, -1)
            odds = np.where(row == best, chance + (1 - self.explore), chance)
            out.odds[:, slot] = np.where(some, odds, 0.0)
            out.explored[:, slot] = some & (row != best)
            if slot + 1 < asks.limit:
                live[everyone, row] = False
                live[some & (slates.items[everyone, row] == NOTHING)] = False
                self._close_groups(slates, live, out.positions[:, : slot + 1])
        return out

    def _close_groups(self, slates: Slates, live: Any, taken: Any) -> None:
        import numpy as np

        if not self.at_most or slates.groups is None:
            return
        of = np.take_along_axis(slates.groups, np.maximum(taken, 0), axis=1)
        group = of[:, -1]
        full = (group > 0) & (((of == group[:, None]) & (taken >= 0)).sum(axis=1) >= self.at_most)
        live[full] &= slates.groups[full] != group[full, None]

    def first_odds_many(self, slates: Slates, positions: Any) -> Any:
        """As in Wrappable."""
        import numpy as np

        best, size = _top_many(slates, slates.live)
        chance = self.explore / np.maximum(size, 1)
        odds = np.where(positions == best, chance + (1 - self.explore), chance)
        return np.where((positions < 0) | (size == 0), (positions < 0) & (size == 0), odds)


@dataclass(frozen=True)
class FixedOdds:
    """Odds in proportion to fixed weights by item number, among what is left; scores are unread.

    An item without a weight is never chosen; where no weight is left, `nothing` is, and without
    it the answer ends there.

    Example:
        >>> from renwei.core.slate import Slate
        >>> FixedOdds({1: 1, 2: 3}).first_odds(Slate.of("arms", "arm", [1, 2], [0, 0]), 1)
        0.75
    """

    weights: Mapping[int, float]
    name: str = field(init=False)

    def __post_init__(self) -> None:
        if any(not 0 <= weight < float("inf") for weight in self.weights.values()):
            raise ValueError("a weight is negative or not a number")
        settings = " ".join(f"{item}={float(w)!r}" for item, w in sorted(self.weights.items()))
        object.__setattr__(self, "name", f"fixed-odds@1 {settings}")

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        """Slot by slot, each among what the slots before have left."""
        salt = f"{ask.surface.name}/fixed-odds"
        picked = Picked([], [], salt)
        rows = sorted(range(len(slate.items)), key=slate.items.__getitem__)
        while len(picked.positions) < ask.limit:
            weights, sums = self._sums(slate, rows)
            if not sums or not sums[-1]:
                break
            aim = u(ask.unit, salt, len(picked.positions)) * sums[-1]
            # Rounding may bring the aim up to the whole sum: then the last with a weight.
            place = next((k for k, s in enumerate(sums) if s > aim), sums.index(sums[-1]))
            picked.odds.append(weights[place] / sums[-1])
            if picked.odds[-1] < 1:
                picked.explored += (len(picked.positions),)
            picked.positions.append(rows.pop(place))
            if slate.items[picked.positions[-1]] == NOTHING:
                break
        return picked

    def _sums(self, slate: Slate, rows: list[int]) -> tuple[list[float], list[float]]:
        weights = [float(self.weights.get(slate.items[row], 0)) for row in rows]
        if not any(weights):
            weights = [float(slate.items[row] == NOTHING) for row in rows]
        sums, total = [], 0.0
        for weight in weights:
            total += weight  # term by term, as numpy's cumsum does; sum() compensates
            sums.append(total)
        return weights, sums

    def first_odds(self, slate: Slate, position: int) -> float:
        """As in Wrappable."""
        rows = sorted(range(len(slate.items)), key=slate.items.__getitem__)
        weights, sums = self._sums(slate, rows)
        if position < 0 or not sums or not sums[-1]:
            return float(position < 0 and (not sums or not sums[-1]))
        return weights[rows.index(position)] / sums[-1]

    def choose_many(self, asks: Asks, slates: Slates) -> PickedMany:
        """As in Wrappable."""
        import numpy as np

        salt = f"{asks.surface.name}/fixed-odds"
        out, everyone = _empty(asks, salt), np.arange(len(asks))
        order = _by_item(slates.items, slates.live)
        weights = np.take_along_axis(self._weights(slates), order, axis=1)
        nothing = np.take_along_axis(slates.live & (slates.items == NOTHING), order, axis=1)
        for slot in range(asks.limit):
            bare = ~weights.any(axis=1)
            weights[bare] = nothing[bare]
            sums = np.cumsum(weights, axis=1)
            total = sums[:, -1]
            aim = u_many(asks.units, salt, slot) * total
            last = (sums == total[:, None]).argmax(axis=1)
            place = np.minimum((sums <= aim[:, None]).sum(axis=1), last)
            some = total > 0
            row = order[everyone, place]
            out.positions[:, slot] = np.where(some, row, -1)
            odds = weights[everyone, place] / np.where(some, total, 1.0)
            out.odds[:, slot] = np.where(some, odds, 0.0)
            out.explored[:, slot] = some & (odds < 1)
            weights[everyone, place] = 0.0
            ended = some & (slates.items[everyone, row] == NOTHING)
            weights[ended], nothing[ended] = 0.0, False
        return out

    def _weights(self, slates: Slates) -> Any:
        import numpy as np

        known = np.array(sorted(self.weights), dtype=np.int64)
        value = np.array([self.weights[int(item)] for item in known], dtype=np.float64)
        place = np.minimum(np.searchsorted(known, slates.items), max(len(known) - 1, 0))
        if not len(known):
            return np.zeros(slates.items.shape)
        return np.where(slates.live & (known[place] == slates.items), value[place], 0.0)

    def first_odds_many(self, slates: Slates, positions: Any) -> Any:
        """As in Wrappable."""
        import numpy as np

        order = _by_item(slates.items, slates.live)
        weights = self._weights(slates)
        bare = ~weights.any(axis=1)
        weights[bare] = (slates.live & (slates.items == NOTHING))[bare]
        total = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)[:, -1]
        own = np.take_along_axis(weights, np.maximum(positions, 0)[:, None], axis=1)[:, 0]
        odds = own / np.where(total > 0, total, 1.0)
        return np.where(positions < 0, (total == 0).astype(np.float64), odds)


@dataclass(frozen=True)
class HoldOut:
    """A share of people gets the control, always the same people; the others what `inner` says.

    The odds are marginal: share + (1 - share) p for the control, (1 - share) p for the rest.
    The draw sticks to ask.sticky, else the person (else, with nobody known, the unit). Where
    the control is not on offer, `inner` decides alone; NOTHING always is.

    Example:
        >>> HoldOut(Best(0.0), share=0.05, salt="today/holdout").name
        'hold-out@1 share=0.05 salt=today/holdout control=0 | best@1 explore=0.0'
    """

    inner: Wrappable
    share: float
    salt: str
    control: int = NOTHING
    name: str = field(init=False)

    def __post_init__(self) -> None:
        _check_share("share", self.share)
        if not self.salt or any(c.isspace() or c in "|=" for c in self.salt):
            raise ValueError("a salt is one word without | and =")
        own = f"hold-out@1 share={self.share!r} salt={self.salt} control={self.control}"
        object.__setattr__(self, "name", f"{own} | {self.inner.name}")

    def holds(self, ask: Ask) -> bool:
        """Whether the asked-about person is held out."""
        return u(ask.sticky or ask.person or ask.unit, self.salt) < self.share

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        """The control for those held out, else the inner choice, with the odds of both."""
        picked = self.inner.choose(ask, slate)
        at = _place(slate, self.control)
        if at < 0 and self.control != NOTHING:
            return picked
        if self.holds(ask):
            odds = self.share + (1 - self.share) * self.inner.first_odds(slate, at)
            by_chance = (0,) if self.control != NOTHING else ()
            return Picked([at] if at >= 0 else [], [odds], picked.salt, by_chance)
        if (picked.positions[0] if picked.positions else -1) != at:
            picked.odds[0] *= 1 - self.share
            return picked
        odds = self.share + (1 - self.share) * (picked.odds[0] if picked.odds else 1.0)
        if len(picked.odds) > 1:
            # The control first and then more: so it was not the hold-out that put it there.
            picked.odds[1] *= 1 - self.share / odds
        picked.odds[:1] = [odds]
        return picked

    def first_odds(self, slate: Slate, position: int) -> float:
        """As in Wrappable."""
        inner = self.inner.first_odds(slate, position)
        at = _place(slate, self.control)
        if at < 0 and self.control != NOTHING:
            return inner
        return self.share * (position == at) + (1 - self.share) * inner

    def choose_many(self, asks: Asks, slates: Slates) -> PickedMany:
        """As in Wrappable."""
        import numpy as np

        out = self.inner.choose_many(asks, slates)
        at, applies = self._control(slates)
        odds = self.share + (1 - self.share) * self.inner.first_odds_many(slates, at)
        sticky = np.asarray(asks.persons).astype(np.uint64)
        if asks.sticky is not None:
            sticky = np.where(asks.sticky != 0, asks.sticky.astype(np.uint64), sticky)
        sticky = np.where(sticky != 0, sticky, asks.units)
        held = applies & (u_many(sticky, self.salt) < self.share)
        same = applies & (out.positions[:, 0] == at) & ~held
        other = applies & ~same & ~held
        out.odds[other, 0] *= 1 - self.share
        if asks.limit > 1:
            out.odds[same, 1] *= (1 - self.share / np.where(odds > 0, odds, 1.0))[same]
        out.odds[same, 0] = odds[same]
        out.positions[held], out.odds[held], out.explored[held] = -1, 0.0, False
        out.positions[held, 0], out.odds[held, 0] = at[held], odds[held]
        out.explored[held, 0] = self.control != NOTHING
        return out

    def _control(self, slates: Slates) -> tuple[Any, Any]:
        import numpy as np

        there = slates.live & (slates.items == self.control)
        found = there.any(axis=1)
        return np.where(found, there.argmax(axis=1), -1), found | (self.control == NOTHING)

    def first_odds_many(self, slates: Slates, positions: Any) -> Any:
        """As in Wrappable."""
        import numpy as np

        inner = self.inner.first_odds_many(slates, positions)
        at, applies = self._control(slates)
        return np.where(applies, self.share * (positions == at) + (1 - self.share) * inner, inner)


ASSIGNED = "assigned"
"""The event kind of a person's first draw from a lasting assignment."""


def assignment(ask: Ask, salt: str, actor: int) -> Event:
    """What to log when a person is first drawn for a hold-out or an arm; stored once."""
    unit = ask.sticky or ask.person
    name = f"{ASSIGNED}/{salt}/{unit}".encode()
    key = hashlib.blake2b(name, digest_size=16).digest()
    return Event(actor, ASSIGNED, ask.at, key, body={"salt": salt, "unit": unit})


def sticky(assignments: Iterable[Event], salt: str, person: int) -> int:
    """What the assignments of a person stick to (Ask.sticky): after a merge, the earliest.

    Args:
        assignments: The `assignment` events of all the person's actors, in any order.
        salt: Of the hold-out or arms.
        person: Who counts where nobody was assigned yet.
    """
    own = [e for e in assignments if e.kind == ASSIGNED and e.body.get("salt") == salt]
    first = min(own, key=lambda event: (event.at, event.seq), default=None)
    return person if first is None else int(first.body["unit"])


Maker = Callable[[Mapping[str, str], Policy | None], Policy]


def _best(settings: Mapping[str, str], inner: Policy | None) -> Policy:
    return Best(float(settings["explore"]), int(settings.get("at_most", 0)))


def _fixed_odds(settings: Mapping[str, str], inner: Policy | None) -> Policy:
    return FixedOdds({int(item): float(weight) for item, weight in settings.items()})


def _hold_out(settings: Mapping[str, str], inner: Any) -> Policy:
    return HoldOut(inner, float(settings["share"]), settings["salt"], int(settings["control"]))


POLICIES: Mapping[str, Maker] = {
    "best@1": _best,
    "fixed-odds@1": _fixed_odds,
    "hold-out@1": _hold_out,
}
"""How each policy version is built again from its name."""


def policy_named(name: str, known: Mapping[str, Maker] = POLICIES) -> Policy:
    """The policy of a recorded name, settings and wrappers included.

    Raises:
        UnknownName: This program knows no such policy version.

    Example:
        >>> policy_named("best@1 explore=0.25").explore
        0.25
    """
    own, _, rest = name.partition(" | ")
    kind, *words = own.split()
    if kind not in known:
        raise UnknownName.among("policy", kind, known)
    inner = policy_named(rest, known) if rest else None
    return known[kind](dict(word.split("=", 1) for word in words), inner)


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be between 0 and 1, not {share}")


def _place(slate: Slate, item: int) -> int:
    items = slate.items
    # The kernel puts `nothing` last.
    if items and items[-1] == item:
        return len(items) - 1
    return items.index(item) if item in items else -1


def _top(slate: Slate, rows: list[int] | range) -> int:
    items, scores = slate.items, slate.scores
    if len(rows) < len(items):
        top = max([scores[row] for row in rows])
        return min([row for row in rows if scores[row] == top], key=items.__getitem__)
    if slate.best >= 0:
        return slate.best
    top = max(scores)
    best = row = scores.index(top)
    for _ in range(scores[row + 1 :].count(top)):
        row = scores.index(top, row + 1)
        if items[row] < items[best]:
            best = row
    if slate.numbers is not None:
        slate.best = best
    return best


def _top_many(slates: Slates, live: Any) -> tuple[Any, Any]:
    import numpy as np

    scores = np.where(live, slates.scores, -_LAST)
    tied = live & (scores == scores.max(axis=1)[:, None])
    return np.where(tied, slates.items, _LAST).argmin(axis=1), live.sum(axis=1)


def _by_item(items: Any, live: Any) -> Any:
    import numpy as np

    return np.where(live, items, _LAST).argsort(axis=1, kind="stable")


def _empty(asks: Asks, salt: str) -> PickedMany:
    import numpy as np

    shape = (len(asks), asks.limit)
    positions = np.full(shape, -1, dtype=np.int64)
    return PickedMany(positions, np.zeros(shape), salt, np.zeros(shape, dtype=bool))
