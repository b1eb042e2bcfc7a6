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
from renwei.recommend.voices import Scene, Voice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SCALE = 1_000.0
"""Scores are shown and recorded in thousandths."""
MOST_EVIDENCE = 3
MOST_REMOVED = 50
SPARE = 3
"""So many times the items asked for stay in the record as candidates."""
FEWEST = 40


@dataclass(frozen=True, eq=False)
class Judged:
    """Candidates, the best first: rows of the catalogue, shape (n,).

    Attributes:
        total: Weighted sum of what was said, in thousandths. price: Taken off for variety.
        winner: Index of the voice that says most. said: Shape (voices, n).
    """

    rows: Ints
    total: Floats
    price: Floats
    winner: Ints
    said: Floats


@dataclass(frozen=True, eq=False)
class Chain:
    """What one request is answered from.

    Args:
        scene: Who, in front of what, with which models.
        voices: In order of the record. weights: By name of the voice.
        barred: Rows that may not be shown to this person, by the guard's name.
        spread: Takes rows and totals, the best first; gives the order and a price each.
        wanted: How many items.
    """

    scene: Scene
    voices: Sequence[Voice]
    weights: Mapping[str, float]
    barred: Mapping[str, frozenset[int]]
    spread: Callable[[Ints, Floats], tuple[Ints, Floats]]
    wanted: int
    memo: dict[str, Judged] = field(default_factory=dict, compare=False, repr=False)

    @property
    def judged(self) -> Judged:
        """Every candidate that stays in the record; made once."""
        if "judged" not in self.memo:
            self.memo["judged"] = self._judge()
        return self.memo["judged"]

    def _judge(self) -> Judged:
        heard = [voice.speaks(self.scene) for voice in self.voices]
        spoken = [rows for rows, _ in heard] or [np.zeros(0, dtype=np.int64)]
        rows = np.unique(np.concatenate(spoken)).astype(np.int64)
        said = np.zeros((len(self.voices), len(rows)))
        for place, (own, values) in enumerate(heard):
            weight = self.weights.get(self.voices[place].name, 0.0)
            said[place, np.searchsorted(rows, own)] = weight * values
        total = said.sum(axis=0) * SCALE
        numbers = self.scene.goods.number[rows]
        order = np.lexsort((numbers, -total))
        order = order[self._kept(rows[order])]
        rows, total, said = rows[order], total[order], said[:, order]
        order, price = self.spread(rows, total)
        rows, total, said = rows[order], total[order], said[:, order]
        winner = said.argmax(axis=0) if len(rows) else np.zeros(0, dtype=np.int64)
        return Judged(rows, total, price, winner.astype(np.int64), said)

    def _kept(self, rows: Ints) -> Ints:
        """Places of the candidates that go to the kernel: enough, and what guards will remove."""
        numbers = self.scene.goods.number[rows].tolist()
        gone = frozenset().union(*self.barred.values()) if self.barred else frozenset()
        open_ = self.scene.allowed[rows]
        kept: list[int] = []
        removed, most = 0, max(SPARE * self.wanted, FEWEST)
        for place, number in enumerate(numbers):
            if not open_[place]:
                continue
            if number in gone:
                # What stood far down would not have been shown anyway.
                if len(kept) - removed < self.wanted and removed < MOST_REMOVED:
                    kept.append(place)
                    removed += 1
                continue
            kept.append(place)
            if len(kept) - removed >= most:
                break
        return np.array(kept, dtype=np.int64)

    def worth(self, row: int, without: frozenset[int]) -> float:
        """An item's total had these items not been in the past, in thousandths."""
        said = (
            self.weights.get(voice.name, 0.0) * voice.worth(self.scene, row, without)
            for voice in self.voices
        )
        return SCALE * sum(said)


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
        rows, goods = judged.rows[own], self.chain.scene.goods
        scores = judged.total[own] - judged.price[own]
        return Slate.of(self.name, self.name, goods.number[rows].tolist(), scores.tolist())

    def reason(self, ask: Ask, item: int) -> Reason:
        """The items of the past that add most, with their share of the whole score."""
        row = int(self.chain.scene.goods.rows([item])[0])
        voice = self.chain.voices[self.place]
        parts = sorted(voice.parts(self.chain.scene, row).items(), key=lambda p: (-p[1], p[0]))
        evidence = tuple(number for number, _ in parts[:MOST_EVIDENCE])
        if not evidence:
            return Reason(self.name)
        whole = self.chain.worth(row, frozenset())
        share = 1.0 - self.chain.worth(row, frozenset(evidence)) / whole if whole else 0.0
        values = {"item": evidence[0], "share": round(share, 4), "n": round(parts[0][1])}
        return Reason(self.name, values, evidence)

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """The score had the evidence not been there, at the same price for variety."""
        judged, row = self.chain.judged, int(self.chain.scene.goods.rows([item])[0])
        place = int(np.flatnonzero(judged.rows == row)[0])
        return self.chain.worth(row, frozenset(without.evidence)) - float(judged.price[place])


@dataclass(frozen=True)
class Barred:
    """A guard: these items may not be shown to this person here and now."""

    name: str
    items: frozenset[int]

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """As in Guard."""
        return [item not in self.items for item in slate.items]
