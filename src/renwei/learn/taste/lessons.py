"""What the ranker learns from: windows of the past, with the candidates and what came of them.

The oldest window comes first. The last horizon is the one that ways are compared on: models
learnt from the windows before it score its candidates while these are made, a part of the people
at a time, so that its whole table never lies in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from renwei.learn.taste.ease import TOO_MANY_ITEMS
from renwei.learn.taste.factors import Factors
from renwei.learn.taste.facts import days_us
from renwei.learn.taste.features import Pairs, features
from renwei.learn.taste.ranker import Blend, Labelled, Trees
from renwei.learn.taste.said import Gone, in_parts
from renwei.learn.taste.sources import Sources
from renwei.learn.taste.table import Asked, Bools, Floats, Ints, Past
from renwei.learn.taste.titles import Alikeness

Question = Literal["any", "discover"]
Way = Literal["crowd", "blend", "trees"]
QUESTIONS: tuple[Question, ...] = ("any", "discover")
K = 20
ENOUGH_LABELLED = 500
Models = dict[str, Blend | Trees]
"""Compared models: "blend", "trees" that look at each candidate alone, "ordered" ones."""


@dataclass(frozen=True)
class Plan:
    """What is learnt from.

    Attributes:
        horizon_days: A label is a goal within this time.
        windows: (days before now at which features are taken, length of the labels in days).
        checked: The same for the model that is compared with simpler ones on the last horizon.
        keep_share: Share of the candidates that did not come that is learnt from.
        most_people: Labelled people of a window at most; each takes about 80 kB of memory
            and, of all windows together, about 30 ms of processor time.
        rounds: Trees.
        checked_rounds: Trees of the model that is compared; fewer, because it has less to learn.
        ordered_rounds: Trees that look at the order of candidates, compared or not.
        most_solved: Active items up to which item to item is solved for in closed form.
        seed: Of samples and trees.
    """

    horizon_days: float = 30.0
    windows: tuple[tuple[float, float], ...] = ((15, 15), (30, 30), (45, 30), (60, 30), (75, 30))
    checked: tuple[tuple[float, float], ...] = ((45, 15), (60, 30), (75, 30))
    keep_share: float = 0.3
    most_people: int = 1_200
    rounds: int = 130
    checked_rounds: int = 90
    ordered_rounds: int = 150
    most_solved: int = TOO_MANY_ITEMS
    seed: int = 1


@dataclass(frozen=True)
class Tried:
    """The last horizon, as the compared models see it.

    Attributes:
        asked: Its people.
        pairs: Their candidates.
        taught: Shape (rows,). Candidates that models are taught: what came, and a share of the rest.
        came: Shape (rows,). What came of them.
        scores: By question and model, shape (rows,).
        crowd: By question: lists of what sells, and their scores.
        targets: By question: what came for each person.
        labelled: By question: people with a label that the models learnt from.
    """

    asked: Asked
    pairs: Pairs
    taught: Bools
    came: Bools
    scores: dict[Question, dict[str, Floats]]
    crowd: dict[Question, tuple[Ints, Floats]]
    targets: dict[Question, list[Ints]]
    labelled: dict[Question, int]


def _nothing() -> dict[Question, list[Labelled]]:
    return {question: [] for question in QUESTIONS}


@dataclass
class Lessons:
    """Labelled candidates of every window, and the comparison.

    `last` is the factors of the newest window, to begin from.
    """

    final: dict[Question, list[Labelled]] = field(default_factory=_nothing)
    checked: dict[Question, list[Labelled]] = field(default_factory=_nothing)
    tried: Tried | None = None
    last: Factors | None = None


def lessons(
    past: Past, as_of_us: int, plan: Plan, *, titles: Alikeness | None, segment: Ints | None
) -> Lessons:
    """Features and labels of every window, oldest first, each from its own sources.

    Args:
        past: Interactions before `as_of_us`.
        as_of_us: Now.
        plan: Windows and sizes.
        titles: Items alike by what they are.
        segment: Shape (users,). The segment of each user, -1 unknown.
    """
    out = Lessons()
    begins = int(past.at_us.min()) if len(past) else as_of_us
    for back in sorted({days for days, _ in (*plan.windows, *plan.checked)}, reverse=True):
        moment, lengths = as_of_us - days_us(back), _lengths(plan, back)
        users = _labelled_users(past, moment, max(lengths), plan)
        if moment <= begins or not len(users):
            continue
        asked = Asked.of(past.before(moment), users, moment, segment=segment)
        window = _Window(past, asked, max(lengths), plan)
        if back == plan.horizon_days:
            window.models = {q: compared_models(out.checked[q], plan) for q in QUESTIONS}
        sources = Sources.fit(
            past, moment, titles=titles, segment=segment, begin=out.last, most=plan.most_solved
        )
        window.look(sources)
        window.teach(out, lengths)
        if back == plan.horizon_days:
            out.tried = window.tried(sources, out.checked)
        out.last = sources.factors
        # The next ones are fitted before these names are given away.
        del sources, window
    return out


def compared_models(checked: list[Labelled], plan: Plan) -> Models:
    """What is compared: none without labels, no trees with few."""
    parts = [part for part in checked if part.people]
    if not parts:
        return {}
    data = Labelled.together(parts)
    models: Models = {"blend": Blend.fit(data)}
    if data.people >= ENOUGH_LABELLED and not data.came.all():
        models["trees"] = Trees.fit(data, rounds=plan.checked_rounds, seed=plan.seed)
        models["ordered"] = Trees.fit(
            data, rounds=plan.ordered_rounds, objective="lambdarank", seed=plan.seed
        )
    return models


@dataclass
class _Window:
    """One moment: candidates of its people, the taught rows of their table, scores of models."""

    past: Past
    asked: Asked
    length: float
    plan: Plan
    models: Mapping[Question, Models] = field(default_factory=dict)
    pairs: list[Pairs] = field(default_factory=list)
    taught: list[Bools] = field(default_factory=list)
    tables: list[Floats] = field(default_factory=list)
    scores: dict[Question, dict[str, list[Floats]]] = field(default_factory=dict)

    def look(self, sources: Sources) -> None:
        """Go through the people, as many at once as there is room for."""
        chance = np.random.default_rng([self.plan.seed, self.asked.as_of_us // 1_000_000])
        for _, part in in_parts(self.asked):
            scores = sources.said(part)
            pairs = sources.candidates(part, scores)
            came = _came(self.past, part, pairs, self.length)
            taught = came | (chance.random(len(pairs)) < self.plan.keep_share)
            rows = None if any(self.models.values()) else taught
            table = features(part, pairs, scores=scores, facts=sources.facts, rows=rows)
            for question, models in self.models.items():
                for name, model in models.items():
                    said = self.scores.setdefault(question, {}).setdefault(name, [])
                    said.append(model.score(table))
            self.pairs.append(pairs)
            self.taught.append(taught)
            self.tables.append(table if rows is not None else table[taught])

    def teach(self, out: Lessons, lengths: Mapping[float, tuple[str, ...]]) -> None:
        """Label the rows for each length and question."""
        pairs, taught = Pairs.joined(self.pairs), np.concatenate(self.taught)
        wanted = pairs.pick(taught)
        table = self.tables[0] if len(self.tables) == 1 else np.concatenate(self.tables)
        self.tables.clear()
        for length, sets in lengths.items():
            came = _came(self.past, self.asked, wanted, length)
            for question in QUESTIONS:
                new = ~wanted.owned | (question == "any")
                lesson = Labelled.of(table, came, wanted.person, among=new)
                for name in sets:
                    getattr(out, name)[question].append(lesson)

    def tried(self, sources: Sources, checked: Mapping[Question, list[Labelled]]) -> Tried:
        """What the models said of all, and what came."""
        pairs, asked = Pairs.joined(self.pairs), self.asked
        days = self.plan.horizon_days
        return Tried(
            asked,
            pairs,
            np.concatenate(self.taught),
            _came(self.past, asked, pairs, days),
            {
                q: {name: np.concatenate(said) for name, said in by.items()}
                for q, by in self.scores.items()
            },
            {q: sources.crowd.lists(asked, 2 * K, only_new=q == "discover") for q in QUESTIONS},
            {q: targets_of(self.past, asked, days, q) for q in QUESTIONS},
            {q: sum(part.people for part in checked[q]) for q in QUESTIONS},
        )


def targets_of(past: Past, asked: Asked, days: float, question: Question) -> list[Ints]:
    """What each person reached the goal for within the days after; new items for "discover"."""
    later = past.between(asked.as_of_us, asked.as_of_us + days_us(days)).goals()
    gone = Gone.of(asked) if question == "discover" else None
    out = []
    for row, user in enumerate(asked.known):
        part = slice(*np.searchsorted(later.user, [user, user + 1]))
        items = np.unique(later.item[part])
        out.append(items if gone is None else items[~np.isin(items, gone.row(row))])
    return out


def _labelled_users(past: Past, moment: int, length: float, plan: Plan) -> Ints:
    before = np.unique(past.user[(past.at_us < moment) & past.goal])
    later = past.between(moment, moment + days_us(length)).goals()
    users = np.intersect1d(before, later.user)
    if len(users) > plan.most_people:
        chance = np.random.default_rng(plan.seed)
        users = np.sort(chance.choice(users, plan.most_people, replace=False))
    return users


def _came(past: Past, asked: Asked, pairs: Pairs, length: float) -> Bools:
    later = past.between(asked.as_of_us, asked.as_of_us + days_us(length)).goals()
    items = max(past.items, 1)
    return np.isin(asked.known[pairs.person] * items + pairs.item, later.user * items + later.item)


def _lengths(plan: Plan, back: float) -> dict[float, tuple[str, ...]]:
    """The lengths of labels wanted at one moment, and what each is for."""
    lengths: dict[float, tuple[str, ...]] = {}
    for name, windows in (("final", plan.windows), ("checked", plan.checked)):
        for days, length in windows:
            if days == back:
                lengths[length] = (*lengths.get(length, ()), name)
    return lengths
