"""The serving chain of one request: voices, weights, what may be shown, the order, the slate.

What is cut off here is cut before the draw and told to the kernel as removals, so that the odds
are over what could really have been shown. An order that variety changed is written into the
scores as a price of each item; reasons are tested with the same price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from renwei.core.nouns import Ask, Reason
from renwei.core.slate import Slate
from renwei.recommend.forecast import LEAST_SHARE
from renwei.recommend.lazily import lazily
from renwei.recommend.voices import POPULAR, Following, Foreseen, Said, Scene, Shared, Voice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
SCALE = 1_000.0
"""Scores are shown and recorded in thousandths."""
MOST_EVIDENCE = 3
MOST_REMOVED = 50
SPARE, VARIED = 3, 8
"""So many times the items asked for stay in the record as candidates; more for variety."""
FEWEST = 40


@dataclass(frozen=True, eq=False)
class Judged:
    """Candidates, the best first: rows of the catalogue, shape (n,).

    Attributes:
        numbers: Of the items. total: Weighted sum of what was said, in thousandths.
        price: Taken off for variety. winner: Index of the voice that says most.
        said: Shape (voices, n).
    """

    rows: Ints
    numbers: Ints
    total: Floats
    price: Floats
    winner: Ints
    said: Floats

    @lazily
    def places(self) -> dict[int, int]:
        """Where each item stands among the candidates, by its number."""
        return {number: place for place, number in enumerate(self.numbers.tolist())}


@dataclass(frozen=True, eq=False)
class Chain:
    """What one request is answered from.

    Args:
        scene: Who, in front of what, with which models.
        voices: In order of the record. weights: By name of the voice.
        barred: Rows that may not be shown to this person, by the guard's name.
        spread: Takes rows and totals, the best first; gives the order and a price each.
        wanted: How many items.
        spare: So many times as many stay as candidates.
        kinds: Kinds with slots of their own: as many of each stay as it has slots, and more.
        attracts: What each row's score is multiplied by, with and without any evidence alike.
    """

    scene: Scene
    voices: Sequence[Voice]
    weights: Mapping[str, float]
    barred: Mapping[str, frozenset[int]]
    spread: Callable[[Ints, Floats], tuple[Ints, Floats]]
    wanted: int
    spare: int = SPARE
    kinds: Mapping[int, int] = field(default_factory=dict)
    attracts: Floats | None = None
    less: dict[tuple[int, frozenset[int]], float] = field(default_factory=dict, repr=False)

    @lazily
    def judged(self) -> Judged:
        """Every candidate that stays in the record."""
        return self._judge()

    def _judge(self) -> Judged:
        heard = [self._heard(voice) for voice in self.voices]
        n = len(self.scene.goods)
        total, spoken_for = np.zeros(n), np.zeros(n, dtype=bool)
        for rows, values in heard:
            total[rows] += values
            spoken_for[rows] = True
        gone = self.scene.goods.rows(list(frozenset().union(*self.barred.values())))
        gone = gone[gone >= 0]
        shut = np.zeros(n, dtype=bool)
        shut[gone] = True
        rows = self._kept(np.flatnonzero(spoken_for & self.scene.allowed), total, shut, len(gone))
        rows, price = self._placed(rows, total[rows] * SCALE, shut[rows])
        worth = total[rows] * SCALE
        said, alone = np.empty((len(heard), len(rows))), total
        for place, (own, values) in enumerate(heard):
            # Only what stands at these rows is read.
            alone[rows] = 0.0
            alone[own] = values
            said[place] = alone[rows]
        winner = said.argmax(axis=0) if said.size else np.zeros(len(rows), dtype=np.int64)
        numbers = self.scene.goods.number[rows]
        return Judged(rows, numbers, worth, price, winner.astype(np.int64), said)

    def _heard(self, voice: Voice) -> Said:
        rows, values = voice.speaks(self.scene)
        said = self.weights.get(voice.name, 0.0) * values
        return rows, said if self.attracts is None else said * self.attracts[rows]

    def _kept(self, rows: Ints, total: Floats, shut: Bools, n_shut: int) -> Ints:
        """The candidates that go to the kernel, the best first, with what guards will remove.

        Rows ascend with item numbers, so that a stable order breaks ties by number.
        """
        kept = self._best(rows, total, shut, n_shut)
        for kind, slots in self.kinds.items():
            own = rows[self.scene.goods.kind[rows] == kind]
            kept = np.union1d(kept, self._best(own, total, shut, n_shut, most=2 * slots))
        if self.kinds:
            kept = kept[np.argsort(-total[kept], kind="stable")]
        return kept

    def _best(self, rows: Ints, total: Floats, shut: Bools, n_shut: int, *, most: int = 0) -> Ints:
        most = most or max(self.spare * self.wanted, FEWEST)
        worth = total[rows]
        enough = most + n_shut
        if len(rows) > 2 * enough:
            rows = rows[worth >= np.partition(worth, -enough)[-enough]]
            worth = total[rows]
        rows = rows[np.argsort(-worth, kind="stable")]
        closed = shut[rows]
        before = np.cumsum(~closed)
        # What stood far down would not have been shown anyway.
        removed = closed & (before < self.wanted) & (np.cumsum(closed) <= MOST_REMOVED)
        return rows[removed | (~closed & (before <= most))]

    def _placed(self, rows: Ints, worth: Floats, closed: Bools) -> tuple[Ints, Floats]:
        """Candidates in the order that variety gives; what will be removed takes no place."""
        order, price = self.spread(rows[~closed], worth[~closed])
        ordered = np.concatenate([rows[~closed][order], rows[closed]])
        return ordered, np.concatenate([price, np.zeros(int(closed.sum()))])

    def worth(self, place: int, without: frozenset[int]) -> float:
        """A candidate's total had these items not been in the past, in thousandths."""
        found = self.less.get((place, without))
        if found is None:
            row, said = int(self.judged.rows[place]), self.judged.said[:, place].tolist()
            found = self.less[place, without] = SCALE * sum(
                self._worth(voice, heard, row, without)
                for voice, heard in zip(self.voices, said, strict=True)
                if heard
            )
        return found

    def _worth(self, voice: Voice, heard: float, row: int, without: frozenset[int]) -> float:
        # What rests on none of them says what it said; so does what rests on nobody's past.
        if not voice.whole and without.isdisjoint(voice.parts(self.scene, row)):
            return heard
        said = self.weights.get(voice.name, 0.0) * voice.worth(self.scene, row, without)
        return said if self.attracts is None else said * float(self.attracts[row])


@dataclass(frozen=True)
class Speaker:
    """One voice as a source of the kernel: what it says most about is its own."""

    chain: Chain
    place: int

    @property
    def name(self) -> str:
        """The voice's."""
        return self.chain.voices[self.place].name

    def propose(self, ask: Ask) -> Slate:
        """The candidates for which this voice speaks loudest."""
        judged = self.chain.judged
        own = np.flatnonzero(judged.winner == self.place)
        scores = judged.total[own] - judged.price[own]
        code = self._alone
        return Slate.of(self.name, code, judged.numbers[own].tolist(), scores.tolist())

    def reason(self, ask: Ask, item: int) -> Reason:
        """The items of the past that add most, with their share of the whole score."""
        judged, voice = self.chain.judged, self.chain.voices[self.place]
        place = judged.places[item]
        if isinstance(voice, Shared):
            return voice.reason(self.chain.scene, int(judged.rows[place]))
        if isinstance(voice, Foreseen | Following):
            voice.ahead(self.chain.scene, self._first)
        behind = voice.parts(self.chain.scene, int(judged.rows[place]))
        parts = sorted(behind.items(), key=lambda part: (-part[1], part[0]))
        evidence = tuple(number for number, _ in parts[:MOST_EVIDENCE])
        if not evidence:
            return Reason(self._alone)
        whole = float(judged.total[place])
        share = 1.0 - self.chain.worth(place, frozenset(evidence)) / whole if whole else 0.0
        if voice.whole and share < LEAST_SHARE:
            return Reason(self._alone)
        values = {"item": evidence[0], "share": round(share, 4), "n": round(parts[0][1])}
        code = self.name
        if isinstance(voice, Foreseen):
            code = "bought_before" if item in evidence else "also_like"
        return Reason(code, values, evidence)

    @property
    def _alone(self) -> str:
        """The code of a reason that rests on nothing of one's own: then it is what many take."""
        return POPULAR.name if self.chain.voices[self.place].whole else self.name

    @lazily
    def _first(self) -> list[int]:
        """Rows of this voice that will be shown unless chance or a guard says otherwise."""
        judged, chain = self.chain.judged, self.chain
        shut = frozenset().union(*chain.barred.values())
        own = np.flatnonzero(judged.winner == self.place)
        open_ = [k for k in own.tolist() if int(judged.numbers[k]) not in shut]
        rows: list[int] = judged.rows[open_[: chain.wanted]].tolist()
        return rows

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """The score had the evidence not been there, at the same price for variety."""
        judged = self.chain.judged
        place = judged.places[item]
        if "times" in without.values:
            # Of what a place or an hour lifts, the score had that not been known.
            own = SCALE * float(judged.said[self.place, place])
            worth = float(judged.total[place]) - own * (1.0 - 1.0 / float(without.values["times"]))
        else:
            worth = self.chain.worth(place, frozenset(without.evidence))
        return worth - float(judged.price[place])


@dataclass(frozen=True)
class Barred:
    """A guard: these items may not be shown to this person here and now."""

    name: str
    items: frozenset[int]

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """As in Guard."""
        return [item not in self.items for item in slate.items]
