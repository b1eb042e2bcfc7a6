"""check_guard: one answer for the whole slate, from its columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from renwei.core.nouns import Ask
from renwei.core.ports import Guard
from renwei.core.slate import Slate


def check_guard(guard: Guard, asks: Sequence[Ask], slates: Sequence[Slate]) -> None:
    """Fail unless the guard keeps the contract of `Guard` (renwei.core.ports).

    Checked for every ask with every slate: the mask is as long as the slate (an empty one
    too), the same question has the same answer, the slate is left as it was, and a candidate's
    fate depends on neither the order of the rows nor on who else is there.

    Args:
        guard: What is checked.
        asks: People and moments it must be able to answer about.
        slates: Candidates it may be shown.

    Raises:
        AssertionError: What was promised and what was found.

    Example:
        >>> from renwei.testing.policy import AT, SURFACE
        >>> class Open:
        ...     name = "open"
        ...     def keeps(self, ask, slate):
        ...         return [True] * len(slate)
        >>> check_guard(Open(), [Ask(1, SURFACE, AT)], [Slate.of("s", "new", [1, 2], [0, 0])])
    """
    if not guard.name or guard.name != guard.name.strip():
        raise AssertionError("a guard needs a name: removals are booked under it")
    for ask in asks:
        _mask(guard, ask, Slate())
        for slate in slates:
            mask = _mask(guard, ask, slate)
            if _mask(guard, ask, slate) != mask:
                raise AssertionError(f"{guard.name} answered the same question in two ways")
            back = range(len(slate) - 1, -1, -1)
            if _mask(guard, ask, slate.take(back)) != mask[::-1]:
                raise AssertionError(f"{guard.name} depends on the order of the rows")
            for row, keeps in enumerate(mask):
                if _mask(guard, ask, slate.take([row])) != [keeps]:
                    raise AssertionError(
                        f"{guard.name} judges item {slate.items[row]} by its neighbours;"
                        " constraints within one answer belong to the policy"
                    )


def _mask(guard: Guard, ask: Ask, slate: Slate) -> list[bool]:
    before = deepcopy(slate)
    mask = guard.keeps(ask, slate)
    if slate != before:
        raise AssertionError(f"{guard.name} changed the slate it was shown")
    if len(mask) != len(slate):
        raise AssertionError(
            f"{guard.name} gave {len(mask)} answers for {len(slate)} candidates: one for the"
            " whole slate is asked, a truth for each row"
        )
    return [bool(keep) for keep in mask]
