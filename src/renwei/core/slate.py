"""The slate: candidates as columns, one row each, so that nothing is done once per object.

Scores are whole steps of one fixed grid. Rounding them before anybody compares makes the
single call and the batch agree, and makes a recorded draw replay on another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import compress

GRID = 1.0 / 1024
"""One step of a score. Scores are minor units of money or probabilities times a thousand."""


def to_grid(scores: Sequence[float]) -> list[int]:
    """Scores as whole steps of the grid, ties half to even as Python and numpy both do.

    Example:
        >>> to_grid([1.0, 0.0, -2.5])
        [1024, 0, -2560]
    """
    return [round(score * 1024) for score in scores]


@dataclass(slots=True)
class Slate:
    """Columns of equal length (candidates,): item number, score, source, reason code, trait.

    `items` are numbers, `scores` grid steps; `sources` and `codes` index into `source_names`
    and `code_names`. `traits` (what permission must know, see Trait) and `groups` (what
    constraints within one answer count by; 0 is no group) may be empty: then nothing is
    flagged or grouped. `costs` says how many units of a shared limit (a counter: SMS quota,
    coupon budget) each candidate would take; a counter that is not named costs nothing.
    `model` names the versions of what scored. `numbers` may hold the items as a set, for a
    slate that is built once and shown often; its `best` row is then looked for once. Whoever
    is handed a slate leaves it as it is.
    """

    items: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    traits: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    source_names: tuple[str, ...] = ()
    code_names: tuple[str, ...] = ()
    costs: dict[str, list[int]] = field(default_factory=dict)
    model: str = ""
    numbers: frozenset[int] | None = field(default=None, compare=False, repr=False)
    best: int = field(default=-1, init=False, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of(
        cls,
        source: str,
        code: str,
        items: Sequence[int],
        scores: Sequence[float],
        *,
        traits: Sequence[int] = (),
        groups: Sequence[int] = (),
    ) -> Slate:
        """A slate of one source and one reason code, from plain scores."""
        n = len(items)
        return cls(
            list(items),
            to_grid(scores),
            [0] * n,
            [0] * n,
            list(traits),
            list(groups),
            (source,),
            (code,),
        )

    def take(self, rows: Sequence[int]) -> Slate:
        """The candidates at these positions, in this order, as a new slate."""
        return self._each(lambda column: [column[row] for row in rows] if column else [])

    def keep(self, mask: Sequence[object]) -> Slate:
        """The candidates where the mask holds, as a new slate."""
        return self._each(lambda column: list(compress(column, mask)))

    def _each(self, of: Callable[[list[int]], list[int]]) -> Slate:
        return Slate(
            of(self.items),
            of(self.scores),
            of(self.sources),
            of(self.codes),
            of(self.traits),
            of(self.groups),
            self.source_names,
            self.code_names,
            {counter: of(column) for counter, column in self.costs.items()},
            self.model,
        )


def join(slates: Sequence[Slate]) -> Slate:
    """One slate of several; the first to name an item keeps it.

    Example:
        >>> a, b = Slate.of("a", "new", [1, 2], [1, 2]), Slate.of("b", "popular", [2, 3], [9, 9])
        >>> both = join([a, b])
        >>> both.items, both.scores, [both.source_names[k] for k in both.sources]
        ([1, 2, 3], [1024, 2048, 9216], ['a', 'a', 'b'])
    """
    if len(slates) == 1:
        (only,) = slates
        if only.numbers is not None or 0 < len(only.items) == len(set(only.items)):
            return only
    seen: set[int] = set()
    parts: list[Slate] = []
    for slate in slates:
        fresh = set(slate.items)
        part = slate
        if len(fresh) < len(slate.items) or not seen.isdisjoint(fresh):
            part = slate.take(_first_rows(slate.items, seen))
        if part.items:
            parts.append(part)
        seen |= fresh
    if len(parts) == 1:
        return parts[0]
    return _stack(parts)


def _first_rows(items: list[int], seen: set[int]) -> list[int]:
    met = set(seen)
    rows = []
    for row, item in enumerate(items):
        if item not in met:
            met.add(item)
            rows.append(row)
    return rows


def _stack(parts: list[Slate]) -> Slate:
    out = Slate()
    sources: dict[str, int] = {}
    codes: dict[str, int] = {}
    flagged = any(part.traits for part in parts)
    grouped = any(part.groups for part in parts)
    counters = sorted({counter for part in parts for counter in part.costs})
    out.costs = {counter: [] for counter in counters}
    for part in parts:
        zeros = [0] * len(part.items)
        out.items += part.items
        out.scores += part.scores
        out.sources += _renamed(part.sources, part.source_names, sources)
        out.codes += _renamed(part.codes, part.code_names, codes)
        out.traits += (part.traits or zeros) if flagged else []
        out.groups += (part.groups or zeros) if grouped else []
        for counter, column in out.costs.items():
            column.extend(part.costs.get(counter) or zeros)
    out.source_names, out.code_names = tuple(sources), tuple(codes)
    out.model = " ".join(dict.fromkeys(part.model for part in parts if part.model))
    return out


def _renamed(column: list[int], names: tuple[str, ...], numbers: dict[str, int]) -> list[int]:
    to = [numbers.setdefault(name, len(numbers)) for name in names]
    if len(to) == 1:
        return to * len(column)
    return [to[k] for k in column]


@dataclass(slots=True)
class Picked:
    """What a policy chose: positions in the slate, in slot order, and their odds.

    No position at all is silence; `odds` may then hold the one probability of it. `explored`
    are the slots that chance filled, not the score.
    """

    positions: list[int]
    odds: list[float]
    salt: str = ""
    explored: tuple[int, ...] = ()
