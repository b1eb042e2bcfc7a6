"""The one loop: gather, guard, price, choose, say why, record. Every capability ends here.

The order is fixed on purpose. Guards run before the draw so that the logged propensity is
over what could really have been chosen; filtering after the draw would make every later
estimate wrong. Permission comes before every other guard, and the record before the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from renwei.core.chance import new_id_and_unit
from renwei.core.errors import RenweiError, UnknownName
from renwei.core.nouns import NOBODY, NOTHING, Ask, Decision, Reason, Removal, Surface
from renwei.core.permission import Permits, Standing, basis, permission
from renwei.core.policies import POLICIES, Maker, policy_named
from renwei.core.ports import Guard, Policy, Source
from renwei.core.slate import Picked, Slate, join, to_grid
from renwei.core.store import Effect, Ledger

SILENCE = "silence"
"""The source and the code of `nothing` where no source scored it."""

EXPLORING = "exploring"
"""The reason of what chance put into a slot, not its score."""


class BrokenPart(RenweiError):
    """A source, guard or policy broke its contract; nothing was decided."""


def decide(
    ask: Ask,
    *,
    sources: Sequence[Source],
    guards: Sequence[Guard],
    policy: Policy,
    permits: Permits,
    ledger: Ledger,
    effects: Callable[[Decision], Sequence[Effect]] | None = None,
) -> Decision:
    """Choose for one person on one surface, and record the choice.

    An empty answer is a recorded decision of `nothing` with what was removed and by whom.

    Args:
        ask: Who, on which surface, when, in which context.
        sources: Asked in order; the first to name an item keeps it.
        guards: Each answers once for the whole slate, shape (candidates,), True keeps. They
            come after permission, which the kernel brings itself.
        policy: Draws from `u(unit, salt, slot)` only, so that the draw replays.
        permits: What the person allows, what limits leave, how far the program may go.
        ledger: Written before the decision is returned.
        effects: What is to be done because of the decision, recorded with it.

    Raises:
        BrokenPart: A guard's mask does not fit the slate it was shown.
    """
    identity, unit = new_id_and_unit(ask.at)
    ask = settled(ask, unit)
    gathered = join([source.propose(ask) for source in sources])
    kept, removed, standing = _guarded(ask, gathered, guards, permits)
    seen = offered(priced(kept, ask.prices), ask.surface)
    picked = policy.choose(ask, seen)
    shown = [row for row in picked.positions if seen.items[row] != NOTHING]
    decision = Decision(
        identity,
        ask.surface.name,
        ask.person,
        ask.at,
        ask.unit,
        picked.salt,
        tuple(seen.items),
        tuple(seen.scores),
        _named(kept.sources, kept.source_names, len(seen)),
        _named(kept.codes, kept.code_names, len(seen)),
        removed,
        tuple([seen.items[row] for row in picked.positions]) or (NOTHING,),
        tuple(picked.odds) or (1.0,),
        policy.name,
        seen.model,
        ask.surface.version,
        ask.prices,
        _basis(ask.surface, standing, seen, shown),
        ask.position,
        ask.map_version,
        _reasons(ask, sources, kept, picked, shown) if shown else (),
        tuple(seen.groups),
        ask.parent,
        extra={"sticky": ask.sticky} if ask.sticky else {},
    )
    return ledger.record(decision, effects(decision) if effects else ())


def replay(decision: Decision, known: Mapping[str, Maker] = POLICIES) -> Picked:
    """Draw again from the record alone: the same positions (in its items) and the same odds.

    Raises:
        UnknownName: The policy version is gone from this program; the error names it.

    Example:
        >>> # picked = replay(ledger.get(decision_id))
        >>> # [decision.items[row] for row in picked.positions] == list(decision.chosen)
    """
    policy = policy_named(decision.policy, known)
    n = len(decision.items)
    slate = Slate(list(decision.items), list(decision.scores), groups=list(decision.groups))
    slate.sources = slate.codes = [0] * n
    surface = Surface(
        decision.surface,
        (),
        "",
        "",
        timedelta(0),
        slots=len(decision.chosen),
        version=decision.surface_version,
    )
    sticky = int(decision.extra.get("sticky", 0))
    # As many slots as were filled: each slot's draw depends on those before it alone.
    ask = Ask(
        decision.person,
        surface,
        decision.at,
        decision.unit,
        len(decision.chosen),
        prices=decision.prices,
        sticky=sticky,
    )
    return policy.choose(ask, slate)


def replays(decision: Decision, known: Mapping[str, Maker] = POLICIES) -> str:
    """What a replay finds: "same", "different", or what is gone: "policy" or "person".

    A forgotten person's lasting assignments cannot be drawn again.

    Example:
        >>> # renwei why: replays(decision) == "same"
    """
    try:
        picked = replay(decision, known)
    except UnknownName:
        return "policy"
    chosen = tuple([decision.items[row] for row in picked.positions]) or (NOTHING,)
    if chosen == decision.chosen and (tuple(picked.odds) or (1.0,)) == decision.odds:
        return "same"
    return "person" if decision.person == NOBODY else "different"


def settled(ask: Ask, unit: int) -> Ask:
    """The ask with its unit and with no more slots than the surface has."""
    limit = min(ask.limit, ask.surface.slots)
    if ask.unit and limit == ask.limit:
        return ask
    return Ask(
        ask.person,
        ask.surface,
        ask.at,
        ask.unit or unit,
        limit,
        ask.context,
        ask.prices,
        ask.parent,
        ask.position,
        ask.map_version,
        ask.sticky,
    )


def priced(slate: Slate, prices: Mapping[str, int]) -> Slate:
    """Subtract what candidates would take of shared limits, at their prices (law 9)."""
    for counter, price in prices.items():
        costs = slate.costs.get(counter)
        if costs and price:
            slate = slate.take(range(len(slate)))
            paid = zip(slate.scores, costs, strict=True)
            slate.scores = [score - price * cost for score, cost in paid]
    return slate


def offered(slate: Slate, surface: Surface) -> Slate:
    """Put `nothing` on offer where silence is possible or nothing else is left."""
    if slate.items and (not surface.silence or NOTHING in (slate.numbers or slate.items)):
        return slate
    return Slate(
        [*slate.items, NOTHING],
        [*slate.scores, 0],
        [*slate.sources, len(slate.source_names)],
        [*slate.codes, len(slate.code_names)],
        [*slate.traits, 0] if slate.traits else [],
        [*slate.groups, 0] if slate.groups else [],
        (*slate.source_names, SILENCE),
        (*slate.code_names, SILENCE),
        {},
        slate.model,
    )


def _guarded(
    ask: Ask, slate: Slate, guards: Sequence[Guard], permits: Permits
) -> tuple[Slate, tuple[Removal, ...], Standing | None]:
    removed: list[Removal] = []
    verdicts, standing = permission(ask, slate, permits)
    if verdicts:
        slate = _kept(slate, [not verdict for verdict in verdicts], verdicts, removed)
    for guard in guards:
        if not slate.items:
            break
        mask = guard.keeps(ask, slate)
        if len(mask) != len(slate.items):
            raise BrokenPart("guard_mask", guard=guard.name, rows=len(slate), got=len(mask))
        if not all(mask):
            slate = _kept(slate, mask, [guard.name] * len(mask), removed)
    return slate, tuple(removed), standing


def _kept(
    slate: Slate, mask: Sequence[bool], names: Sequence[str], removed: list[Removal]
) -> Slate:
    items = slate.items
    gone = [row for row, keep in enumerate(mask) if not keep and items[row] != NOTHING]
    if not gone:
        return slate
    removed += [Removal(items[row], names[row]) for row in gone]
    rest = bytearray(b"\x01") * len(items)
    for row in gone:
        rest[row] = 0
    return slate.keep(rest)


def _named(column: list[int], names: tuple[str, ...], n: int) -> tuple[str, ...]:
    # One source by far the most often; what the kernel added is its silence.
    own = names * len(column) if len(names) == 1 else tuple([names[k] for k in column])
    return own if n == len(own) else (*own, SILENCE)


def _basis(surface: Surface, standing: Standing | None, seen: Slate, shown: list[int]) -> str:
    trait = seen.traits[shown[0]] if shown and seen.traits else 0
    return basis(surface, standing, trait) if standing else ""


def _reasons(
    ask: Ask, sources: Sequence[Source], kept: Slate, picked: Picked, shown: list[int]
) -> tuple[Reason, ...]:
    out = []
    for slot, row in enumerate(shown):
        if slot in picked.explored:
            out.append(Reason(EXPLORING))
            continue
        source = _called(kept.source_names[kept.sources[row]], sources)
        code = kept.code_names[kept.codes[row]]
        out.append(faithful(ask, source, kept.items[row], kept.scores[row], code))
    return tuple(out)


def _called(name: str, sources: Sequence[Source]) -> Source | None:
    for source in sources:
        if source.name == name:
            return source
    return None


def faithful(ask: Ask, source: Source | None, item: int, score: int, code: str) -> Reason:
    """The cause a source names, if the score is lower without it; else its own word (law 5).

    Args:
        ask: The question.
        source: Who put the item forward, or None where it cannot be asked any more.
        item: What is shown.
        score: In grid steps, before prices.
        code: The source's own word for the item.
    """
    if source is None:
        return Reason(code)
    reason = source.reason(ask, item)
    if reason.code == code and not reason.evidence:
        return reason
    without = to_grid([source.rescore(ask, item, reason)])[0]
    return reason if without < score else Reason(code)
