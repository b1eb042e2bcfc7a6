"""The slate: candidates as columns, one row each, so that nothing is done once per object.

Scores are whole steps of one fixed grid. Rounding them before anybody compares makes the
single call and the batch agree, and makes a recorded draw replay on another machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    constraints within one answer count by) may be empty: then nothing is flagged or grouped.
    """

    items: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    traits: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    source_names: tuple[str, ...] = ()
    code_names: tuple[str, ...] = ()

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


@dataclass(slots=True)
class Picked:
    """What a policy chose: positions in the slate, in slot order, and their odds."""

    positions: list[int]
    odds: list[float]
    salt: str = ""
