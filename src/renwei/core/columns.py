"""Many questions and many slates as columns: what the batch and its guards and policies read.

Arrays are numpy's; they are made and used in core.batch and core.policies alone, so that
importing the core stays free of numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from renwei.core.nouns import Ask, Surface
from renwei.core.slate import Slate


@dataclass(slots=True)
class Asks:
    """One question about many people, at one moment on one surface.

    `persons` has shape (people,), int64. `units` (uint64) and `sticky` (int64) may be None or
    hold zeros: then the decision's own id and the person count, as in Ask.
    """

    persons: Any
    surface: Surface
    at: datetime
    units: Any = None
    sticky: Any = None
    limit: int = 1
    context: Mapping[str, Any] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)
    parent: str = ""
    position: int = 0
    map_version: int = 0

    def __len__(self) -> int:
        return len(self.persons)

    def part(self, rows: slice) -> Asks:
        """Some of the people, as views."""
        return replace(
            self,
            persons=self.persons[rows],
            units=None if self.units is None else self.units[rows],
            sticky=None if self.sticky is None else self.sticky[rows],
        )

    def ask(self, row: int) -> Ask:
        """The question about one of them."""
        return Ask(
            int(self.persons[row]),
            self.surface,
            self.at,
            0 if self.units is None else int(self.units[row]),
            self.limit,
            self.context,
            self.prices,
            self.parent,
            self.position,
            self.map_version,
            0 if self.sticky is None else int(self.sticky[row]),
        )


@dataclass(slots=True)
class Slates:
    """Slates of many people: columns of shape (people, candidates), one row a person.

    `items` are int64; `live` tells candidates from padding (None: whatever is not 0). Other
    columns may be None where all are 0. `scores` are grid steps, int64 (see `grid`).
    """

    items: Any
    scores: Any
    sources: Any = None
    codes: Any = None
    traits: Any = None
    groups: Any = None
    live: Any = None
    source_names: tuple[str, ...] = ("",)
    code_names: tuple[str, ...] = ("",)
    costs: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""

    def __len__(self) -> int:
        return len(self.items)

    def part(self, rows: slice) -> Slates:
        """The slates of some of the people, as views."""
        names = ("items", "scores", "sources", "codes", "traits", "groups", "live")
        columns = {name: getattr(self, name) for name in names}
        cut: Any = {name: None if c is None else c[rows] for name, c in columns.items()}
        costs = {counter: column[rows] for counter, column in self.costs.items()}
        return replace(self, **cut, costs=costs)

    def slate(self, row: int) -> tuple[Slate, list[int]]:
        """One person's candidates, and the column each came from."""
        live = self.items[row] != 0 if self.live is None else self.live[row]
        columns = live.nonzero()[0]

        def of(column: Any) -> list[int]:
            return [] if column is None else [int(x) for x in column[row][columns]]

        zeros = [0] * len(columns)
        slate = Slate(
            of(self.items),
            of(self.scores),
            of(self.sources) or zeros,
            of(self.codes) or list(zeros),
            of(self.traits),
            of(self.groups),
            self.source_names,
            self.code_names,
            {counter: of(column) for counter, column in self.costs.items()},
            self.model,
        )
        return slate, [int(column) for column in columns]


@dataclass(slots=True)
class PickedMany:
    """What a policy chose for many: shape (people, slots).

    `positions` are columns of the slates, -1 where the answer had ended; `odds` as in Picked
    (in the first slot also where the answer is empty); `explored` marks slots that chance filled.
    """

    positions: Any
    odds: Any
    salt: str = ""
    explored: Any = None


def grid(scores: Any) -> Any:
    """`to_grid` for arrays of any shape: float64 -> int64, ties half to even.

    Example:
        >>> grid([1.0, 0.0, -2.5]).tolist()
        [1024, 0, -2560]
    """
    import numpy as np

    return np.rint(np.asarray(scores, dtype=np.float64) * 1024).astype(np.int64)
