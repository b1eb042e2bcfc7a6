"""The same loop on columns: `decide_many` chooses for a million people as `decide` for one.

Every step is the one of core.decide, in the same order and on the same integers, so that
choice, odds and record agree. The work goes in chunks: memory stays that of the slates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from renwei.core.chance import id_text, id_units, new_ids
from renwei.core.columns import Asks, PickedMany, Slates
from renwei.core.decide import EXPLORING, SILENCE, BrokenPart, faithful
from renwei.core.nouns import NOTHING, Autonomy, Decision, Reason, Removal
from renwei.core.permission import (
    GUARDS,
    Permits,
    Standing,
    basis,
    concerns,
    pack,
    unpack,
    verdict,
)
from renwei.core.ports import Guard, Policy, Source
from renwei.core.store import Ledger

CHUNK = 16_384
KEPT, PADDING = 0, 255


class ColumnLedger(Protocol):
    """What a ledger may offer beside its contract: to store columns without a row an object."""

    def record_columns(self, decisions: Decisions) -> int:
        """Store all as one sealed segment, visible all at once or not at all."""
        ...


@dataclass(slots=True)
class Decisions:
    """Decisions as columns; `row(k)` is the k-th as `decide` would have recorded it.

    `ids` (people, 2) are the halves of the ids; `verdicts` (people, candidates) hold KEPT,
    PADDING or 1 + the index into `guards` of what removed a candidate; `scores` are prices
    subtracted. `chosen` (people, slots) are item numbers, -1 past the end of an answer, and
    `odds` theirs; `picked` columns of the slates (`nothing` offered by the kernel is the
    column after the last). `basis` indexes into `bases`. `reasons` holds rows with causes of
    their own; every other shown item has its source's word.
    """

    asks: Asks
    slates: Slates
    policy: str
    ids: Any
    verdicts: Any
    scores: Any
    chosen: Any
    odds: Any
    picked: Any
    explored: Any
    basis: Any
    guards: tuple[str, ...]
    bases: list[str] = field(default_factory=list)
    salt: str = ""
    reasons: dict[int, tuple[Reason, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.asks)

    def __iter__(self) -> Iterator[Decision]:
        for start in range(0, len(self), CHUNK):
            yield from self.rows(start, min(start + CHUNK, len(self)))

    def row(self, k: int) -> Decision:
        """One decision as a noun."""
        return next(self.rows(k, k + 1))

    def rows(self, start: int, stop: int) -> Iterator[Decision]:
        """Some decisions as nouns, in order."""
        part, asks = self.slates.part(slice(start, stop)), self.asks.part(slice(start, stop))
        columns = [part.items, self.scores[start:stop], part.sources, part.codes, part.groups]
        lists = [None if column is None else column.tolist() for column in columns]
        zeros = [0] * part.items.shape[1]
        verdicts = self.verdicts[start:stop].tolist()
        chosen, odds = self.chosen[start:stop].tolist(), self.odds[start:stop].tolist()
        for k, says in enumerate(verdicts):
            items, scores, sources, codes, groups = [zeros if c is None else c[k] for c in lists]
            kept = [column for column, says_one in enumerate(says) if says_one == KEPT]
            silent = self._silent(items, kept)
            ask, n = asks.ask(k), sum(item >= 0 for item in chosen[k])
            end, word = ((0,), (SILENCE,)) if silent else ((), ())
            yield Decision(
                id_text(*self.ids[start + k].tolist()),
                ask.surface.name,
                ask.person,
                ask.at,
                ask.unit,
                self.salt,
                (*[items[c] for c in kept], *end),
                (*[scores[c] for c in kept], *end),
                (*[part.source_names[sources[c]] for c in kept], *word),
                (*[part.code_names[codes[c]] for c in kept], *word),
                self._removed(items, says),
                tuple(chosen[k][:n]),
                tuple(odds[k][:n]),
                self.policy,
                part.model if min(says, default=PADDING) < PADDING else "",
                ask.surface.version,
                ask.prices,
                self.bases[self.basis[start + k]],
                ask.position,
                ask.map_version,
                self._reasons_of(start + k),
                () if part.groups is None or not kept else (*[groups[c] for c in kept], *end),
                ask.parent,
                extra={"sticky": ask.sticky} if ask.sticky else {},
            )

    def _silent(self, items: list[int], kept: list[int]) -> bool:
        if not kept:
            return True
        return self.asks.surface.silence and all(items[column] != NOTHING for column in kept)

    def _removed(self, items: list[int], says: list[int]) -> tuple[Removal, ...]:
        out = [(guard, column) for column, guard in enumerate(says) if guard not in (KEPT, PADDING)]
        first = len(GUARDS)
        # Permission removed at one go, the guards after it one by one: in that order.
        out.sort(key=lambda pair: (max(pair[0], first), pair[1]))
        return tuple([Removal(items[column], self.guards[guard - 1]) for guard, column in out])

    def _reasons_of(self, k: int) -> tuple[Reason, ...]:
        known = self.reasons.get(k)
        if known is not None:
            return known
        out = []
        for slot, item in enumerate(self.chosen[k].tolist()):
            if item > NOTHING:
                code = self.slates.codes[k, self.picked[k, slot]] if self._coded() else 0
                chance = self.explored is not None and self.explored[k, slot]
                out.append(Reason(EXPLORING if chance else self.slates.code_names[code]))
        return tuple(out)

    def _coded(self) -> bool:
        return self.slates.codes is not None


def decide_many(
    asks: Asks,
    slates: Slates,
    *,
    guards: Sequence[Guard],
    policy: Policy,
    permits: Permits,
    ledger: Ledger,
    sources: Sequence[Source] = (),
) -> Decisions:
    """Choose for many people on one surface, and record the choices as one segment.

    Args:
        asks: Who; one surface and one moment for all.
        slates: What the sources put forward, joined: an item stands once a row (a second time
            it is taken for padding).
        guards: As in `decide`; those with `keeps_many` are asked once a chunk.
        policy: As in `decide`; with `choose_many` it is asked once a chunk.
        permits: As in `decide`.
        ledger: Written before the decisions are returned, all or nothing.
        sources: Asked for the causes of shown items, a person at a time; a source that is not
            given has its own word as the reason.

    Raises:
        BrokenPart: Shapes do not fit.
    """
    out = _prepared(asks, slates, guards, policy)
    for start in range(0, len(out), CHUNK):
        _decide_chunk(out, slice(start, start + CHUNK), guards, policy, permits)
    if sources:
        _give_reasons(out, sources)
    record_columns = getattr(ledger, "record_columns", None)
    if record_columns is None:
        ledger.record_all(out)
    else:
        record_columns(out)
    return out


def _prepared(asks: Asks, slates: Slates, guards: Sequence[Guard], policy: Policy) -> Decisions:
    import numpy as np

    n, k = slates.items.shape
    if len(asks) != n:
        raise BrokenPart("slate_rows", rows=n, got=len(asks))
    ids = new_ids(asks.at, n)
    units = id_units(ids)
    if asks.units is not None:
        own = np.asarray(asks.units).astype(np.uint64)
        units = np.where(own == 0, units, own)
    limit = min(asks.limit, asks.surface.slots)
    if slates.live is None:
        slates = replace(slates, live=slates.items != 0)
    return Decisions(
        asks=replace(asks, units=units, limit=limit),
        slates=slates,
        policy=policy.name,
        ids=ids,
        verdicts=np.zeros((n, k), dtype=np.uint8),
        scores=_priced(slates, asks.prices),
        chosen=np.full((n, limit), -1, dtype=np.int64),
        odds=np.zeros((n, limit)),
        picked=np.full((n, limit), -1, dtype=np.int32),
        explored=np.zeros((n, limit), dtype=bool),
        basis=np.zeros(n, dtype=np.uint8),
        guards=(*GUARDS, *[guard.name for guard in guards]),
        bases=[""],
    )


def _priced(slates: Slates, prices: Mapping[str, int]) -> Any:
    scores = slates.scores
    for counter, price in prices.items():
        if counter in slates.costs and price:
            scores = scores - price * slates.costs[counter]
    return scores


def _decide_chunk(
    out: Decisions, rows: slice, guards: Sequence[Guard], policy: Policy, permits: Permits
) -> None:
    asks, slates = out.asks.part(rows), out.slates.part(rows)
    slates.scores = out.scores[rows]
    slates.live = slates.live & ~_repeated(slates)
    verdicts = out.verdicts[rows]
    verdicts[~slates.live] = PADDING
    standings = _permission(asks, slates, verdicts, permits)
    raw = replace(slates, scores=out.slates.scores[rows])
    for number, guard in enumerate(guards, len(GUARDS) + 1):
        raw.live = verdicts == KEPT
        mask = _mask(guard, asks, raw)
        verdicts[raw.live & ~mask & (slates.items != NOTHING)] = number
    slates.live = verdicts == KEPT
    seen = _offered(slates, asks)
    picked = _choose(policy, asks, seen)
    _store(out, rows, seen, picked)
    if standings is not None:
        _note_basis(out, rows, seen, standings)


def _repeated(slates: Slates) -> Any:
    import numpy as np

    keys = np.where(slates.live, slates.items, -1)
    # Sorted by item and then column, an equal neighbour to the left is a repetition.
    in_order = np.sort(keys, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    out = np.zeros(keys.shape, dtype=bool)
    for row in np.flatnonzero(twice.any(axis=1)):
        _, first = np.unique(keys[row], return_index=True)
        again = np.ones(keys.shape[1], dtype=bool)
        again[first] = False
        out[row] = again & slates.live[row]
    return out


def _permission(asks: Asks, slates: Slates, verdicts: Any, permits: Permits) -> Any:
    import numpy as np

    surface, autonomy = asks.surface, permits.autonomy(asks.surface)
    flags = np.unique(slates.traits[slates.live]) if slates.traits is not None else np.zeros(1, int)
    read = concerns(surface, flags.tolist())
    if not read and autonomy is not Autonomy.OFF and not slates.costs:
        return None
    codes = np.full(len(asks), pack(Standing()))
    if read:
        people = [int(person) for person in asks.persons]
        codes = np.asarray(permits.standings(surface, people, asks.at))
    kinds, code_of = np.unique(codes, return_inverse=True)
    says = np.zeros((len(kinds), len(flags) + 1), dtype=np.uint8)
    for i, code in enumerate(kinds.tolist()):
        for j, trait in enumerate(flags.tolist()):
            word = verdict(surface, autonomy, unpack(code), trait)
            says[i, j] = GUARDS.index(word) + 1 if word else KEPT
    flag_of = np.zeros(slates.items.shape, dtype=np.intp)
    if slates.traits is not None:
        flag_of = np.searchsorted(flags, slates.traits)
    open_ = slates.live & (slates.items != NOTHING)
    verdicts[open_] = says[code_of[:, None], flag_of][open_]
    room = permits.room(surface, asks.at) if slates.costs else {}
    for counter, costs in slates.costs.items():
        if counter in room:
            over = open_ & (verdicts == KEPT) & (costs > room[counter])
            verdicts[over] = GUARDS.index("budget") + 1
    return codes if read else None


def _mask(guard: Guard, asks: Asks, slates: Slates) -> Any:
    import numpy as np

    keeps_many = getattr(guard, "keeps_many", None)
    if keeps_many is not None:
        mask = np.asarray(keeps_many(asks, slates), dtype=bool)
        if mask.shape != slates.items.shape:
            raise BrokenPart(
                "guard_mask", guard=guard.name, rows=slates.items.shape, got=mask.shape
            )
        return mask
    mask = np.ones(slates.items.shape, dtype=bool)
    for row in range(len(asks)):
        slate, columns = slates.slate(row)
        keeps = guard.keeps(asks.ask(row), slate) if columns else ()
        if len(keeps) != len(columns):
            raise BrokenPart("guard_mask", guard=guard.name, rows=len(columns), got=len(keeps))
        mask[row, columns] = keeps
    return mask


def _offered(slates: Slates, asks: Asks) -> Slates:
    import numpy as np

    live = slates.live
    has = (live & (slates.items == NOTHING)).any(axis=1)
    bare = ~live.any(axis=1)
    more = (~has if asks.surface.silence else bare) | bare
    zeros = np.zeros((len(live), 1), dtype=np.int64)

    def with_nothing(column: Any) -> Any:
        return None if column is None else np.concatenate([column, zeros], axis=1)

    return replace(
        slates,
        items=with_nothing(slates.items),
        scores=with_nothing(slates.scores),
        sources=with_nothing(slates.sources),
        codes=with_nothing(slates.codes),
        traits=with_nothing(slates.traits),
        groups=with_nothing(slates.groups),
        live=np.concatenate([live, more[:, None]], axis=1),
        costs={},
    )


def _choose(policy: Policy, asks: Asks, slates: Slates) -> PickedMany:
    import numpy as np

    choose_many = getattr(policy, "choose_many", None)
    if choose_many is not None:
        many: PickedMany = choose_many(asks, slates)
        return many
    shape = (len(asks), asks.limit)
    out = PickedMany(np.full(shape, -1), np.zeros(shape), "", np.zeros(shape, dtype=bool))
    for row in range(len(asks)):
        slate, columns = slates.slate(row)
        picked = policy.choose(asks.ask(row), slate)
        n = len(picked.positions)
        out.positions[row, :n] = [columns[position] for position in picked.positions]
        out.odds[row, : len(picked.odds)] = picked.odds
        out.explored[row, list(picked.explored)] = True
        out.salt = picked.salt
    return out


def _store(out: Decisions, rows: slice, slates: Slates, picked: PickedMany) -> None:
    import numpy as np

    there = picked.positions >= 0
    items = np.take_along_axis(slates.items, np.maximum(picked.positions, 0), axis=1)
    out.chosen[rows] = np.where(there, items, -1)
    odds = picked.odds.copy()
    empty = ~there[:, 0]
    out.chosen[rows][empty, 0] = NOTHING
    # An empty answer is a decision of nothing; a policy that gave no odds for it was sure.
    odds[empty & (odds[:, 0] == 0), 0] = 1.0
    out.odds[rows] = odds
    out.picked[rows] = picked.positions
    if picked.explored is not None:
        out.explored[rows] = picked.explored
    out.salt = picked.salt


def _note_basis(out: Decisions, rows: slice, slates: Slates, standings: Any) -> None:
    import numpy as np

    surface, first = out.asks.surface, out.picked[rows][:, 0]
    traits = np.zeros(len(first), dtype=np.int64)
    if slates.traits is not None:
        own = np.take_along_axis(slates.traits, np.maximum(first, 0)[:, None].astype(int), axis=1)
        shown = out.chosen[rows][:, 0] != NOTHING
        traits = np.where(shown, own[:, 0], 0)
    pairs, of = np.unique(np.stack([standings, traits]), axis=1, return_inverse=True)
    numbers = []
    for code, trait in pairs.T.tolist():
        text = basis(surface, unpack(code), trait)
        if text not in out.bases:
            out.bases.append(text)
        numbers.append(out.bases.index(text))
    out.basis[rows] = np.array(numbers, dtype=np.uint8)[of.reshape(-1)]


def _give_reasons(out: Decisions, sources: Sequence[Source]) -> None:
    named, slates = {source.name: source for source in sources}, out.slates
    for k in (out.chosen > NOTHING).any(axis=1).nonzero()[0].tolist():
        ask, reasons = out.asks.ask(k), []
        for slot, item in enumerate(out.chosen[k].tolist()):
            if item <= NOTHING:
                continue
            column = out.picked[k, slot]
            code = slates.code_names[0 if slates.codes is None else slates.codes[k, column]]
            source = slates.source_names[0 if slates.sources is None else slates.sources[k, column]]
            score = int(slates.scores[k, column])
            reasons.append(
                Reason(EXPLORING)
                if out.explored[k, slot]
                else faithful(ask, named.get(source), item, score, code)
            )
        out.reasons[k] = tuple(reasons)
