"""check_policy: the odds a policy states are the frequencies at which it plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from renwei.core.chance import MASK, mix
from renwei.core.nouns import NOTHING, Ask, Surface
from renwei.core.policies import POLICIES, Maker, policy_named
from renwei.core.ports import Policy
from renwei.core.slate import Picked, Slate

AT = datetime(2026, 1, 1, tzinfo=UTC)
SURFACE = Surface("check", (), "marketing", "order", timedelta(days=30), slots=4)


def slates() -> list[Slate]:
    """Slates that try a policy: one candidate, ties, groups, with and without `nothing`."""
    return [
        Slate.of("s", "new", [5], [1.0]),
        Slate.of("s", "new", [8, 3, NOTHING], [2.0, 2.0, 0.0]),
        Slate.of("s", "new", [9, 2, 7, 4], [1.0, 3.0, 3.0, -1.0], groups=[1, 2, 2, 1]),
        Slate.of("s", "new", [1, 2, 3, 4, NOTHING], [5, 4, 4, 3, 3.5], groups=[1, 1, 1, 2, 0]),
        Slate.of("s", "new", [NOTHING], [0.0]),
    ]


def check_policy(
    policy: Policy,
    *,
    rounds: int = 4_000,
    slates: Sequence[Slate] = tuple(slates()),
    at_most: int = 0,
    known: Mapping[str, Maker] | None = POLICIES,
) -> None:
    """Fail unless the policy keeps the contract of `Policy` (renwei.core.ports).

    Checked on each slate: the odds of every slot, given the slots before it, equal the
    frequencies within 4 standard errors; the same unit draws the same; nothing but what is on
    offer is chosen, nothing twice, and nothing after NOTHING; the order of the rows changes
    nothing; the slate is left as it was; no more than `at_most` of one group.

    Args:
        policy: What is checked.
        rounds: Draws a slate; every one has a unit and a person of its own.
        slates: What is put on offer.
        at_most: The constraint the policy claims within one answer; 0 claims none.
        known: How policies are built from their names; None skips that part of the check.

    Raises:
        AssertionError: What was promised and what was found.

    Example:
        >>> from renwei.core.policies import Best
        >>> check_policy(Best(explore=0.2), rounds=500)
    """
    for slate in slates:
        for limit in (1, 3):
            draws = [_draw(policy, slate, limit, k) for k in range(rounds)]
            _check_shape(policy, slate, limit, at_most, draws)
            _check_odds(policy, slate, draws)
            _check_replay(policy, slate, limit, draws[: rounds // 20], known)
            _check_order(policy, slate, limit, draws[: rounds // 20])


Draw = tuple[Ask, Picked]


def _draw(policy: Policy, slate: Slate, limit: int, k: int) -> Draw:
    ask = Ask(mix(2 * k + 1) >> 1 or 1, SURFACE, AT, mix(2 * k + 2) & MASK or 1, limit)
    before = replace(slate, items=list(slate.items), scores=list(slate.scores))
    picked = policy.choose(ask, slate)
    if (slate.items, slate.scores) != (before.items, before.scores):
        raise AssertionError(f"{policy.name} changed the slate it was shown")
    return ask, picked


def _check_shape(
    policy: Policy, slate: Slate, limit: int, at_most: int, draws: Iterable[Draw]
) -> None:
    for _, picked in draws:
        rows, n = picked.positions, len(picked.positions)
        if n > limit or len(set(rows)) < n or any(not 0 <= row < len(slate) for row in rows):
            raise AssertionError(f"{policy.name} chose positions {rows} of {len(slate)}")
        if n and len(picked.odds) != n:
            raise AssertionError(f"{policy.name} gave {len(picked.odds)} odds for {n} slots")
        if any(slate.items[row] == NOTHING for row in rows[:-1]):
            raise AssertionError(f"{policy.name} went on after choosing nothing")
        groups = Counter(slate.groups[row] for row in rows if slate.groups and slate.groups[row])
        if at_most and any(count > at_most for count in groups.values()):
            raise AssertionError(f"{policy.name} chose more than {at_most} of one group: {rows}")


def _check_odds(policy: Policy, slate: Slate, draws: Sequence[Draw]) -> None:
    played: Counter[tuple[int, ...]] = Counter()
    logged: dict[tuple[int, ...], float] = {}
    for _, picked in draws:
        path = tuple([slate.items[row] for row in picked.positions]) or (NOTHING,)
        odds = picked.odds or [1.0]
        for slot in range(len(path)):
            played[path[: slot + 1]] += 1
            said = logged.setdefault(path[: slot + 1], odds[slot])
            if said != odds[slot]:
                raise AssertionError(
                    f"{policy.name} logged {said:.3f} and {odds[slot]:.3f} for the same {path}"
                )
    for path, said in logged.items():
        # Everybody whose slots so far were these, gone on or not.
        n = played[path[:-1]] if len(path) > 1 else len(draws)
        frequency = played[path] / n
        # Where few are expected the normal bound is too tight: three cases more or less.
        if abs(frequency - said) > 4 * (said * (1 - said) / n) ** 0.5 + 3 / n:
            raise AssertionError(
                f"{policy.name} logged {said:.3f} for item {path[-1]} in slot {len(path) - 1}"
                f" after {path[:-1]} but played it {frequency:.3f} of {n} times"
            )


def _check_replay(
    policy: Policy,
    slate: Slate,
    limit: int,
    draws: Sequence[Draw],
    known: Mapping[str, Maker] | None,
) -> None:
    again = policy if known is None else policy_named(policy.name, known)
    for ask, picked in draws:
        for other in (policy, again):
            if other.choose(ask, slate) != picked:
                raise AssertionError(f"{policy.name} drew the same unit anew and chose otherwise")
    # Afterwards, so that a policy with dice of its own is called by that name.
    for ask, picked in draws:
        slots = max(len(picked.positions), 1)
        short = again.choose(replace(ask, limit=slots), slate)
        if (short.positions, short.odds) != (picked.positions, picked.odds):
            raise AssertionError(f"{policy.name} chooses otherwise where fewer slots are asked for")


def _check_order(policy: Policy, slate: Slate, limit: int, draws: Iterable[Draw]) -> None:
    turned = slate.take(range(len(slate) - 1, -1, -1))
    for ask, picked in draws:
        other = policy.choose(ask, turned)
        first = [slate.items[row] for row in picked.positions]
        second = [turned.items[row] for row in other.positions]
        if (first, picked.odds) != (second, other.odds):
            raise AssertionError(
                f"{policy.name} breaks ties by row, not by item number: {first} and {second}"
            )
