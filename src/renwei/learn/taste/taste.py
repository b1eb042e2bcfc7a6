"""The whole: sources, and for each question the way of ranking that won on the past.

Two questions, because their answers differ: "any", where a repeat is welcome, and "discover",
where only what is new to the person counts. For each, three ways from the simplest to the
strongest: what sells now, a blend of sources, trees. A stronger one serves only if it beat the
simpler one on the last month for the same people, with the whole interval above 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from renwei.learn.taste.features import Pairs, features
from renwei.learn.taste.lessons import (
    ENOUGH_LABELLED,
    QUESTIONS,
    K,
    Lessons,
    Plan,
    Question,
    Tried,
    Way,
    lessons,
    targets_of,
)
from renwei.learn.taste.measures import Gain, gain, hits
from renwei.learn.taste.ranker import (
    Blend,
    Labelled,
    Objective,
    Trees,
    first_of_each,
    odds_behind,
)
from renwei.learn.taste.said import in_parts
from renwei.learn.taste.sources import Sources
from renwei.learn.taste.table import Asked, Bools, Floats, Ints, Past
from renwei.learn.taste.titles import Alikeness
from renwei.learn.taste.variety import SLIDER, Candidates, price_curve, share_of

__all__ = ["QUESTIONS", "Choice", "Plan", "Question", "Ranked", "Taste", "Way", "targets_of"]
SURE, SURER, MARGIN = 0.95, 0.99, 0.1
CURVED, RANKED = 400, 200
"""People and candidates of each that the price of variety is measured on."""


@dataclass(frozen=True)
class Choice:
    """Which way serves one question, and what the past said of each.

    Attributes:
        way: Serves.
        ndcg: Mean NDCG@20 of each way on the last horizon, by way.
        gains: By way: over the simpler one that would serve otherwise.
        labelled: People with a label that the compared models learnt from.
        curve: What variety cost and brought with this way, a row each place of the slider.
        objective: Of the trees: "lambdarank" where looking at the order of candidates clearly
            beat looking at each alone.
    """

    way: Way
    ndcg: dict[Way, float]
    gains: dict[Way, Gain]
    labelled: int
    curve: list[dict[str, float]] = field(default_factory=list)
    objective: Objective = "binary"


@dataclass
class Taste:
    """Fitted at a moment; scores histories at that moment or later."""

    as_of_us: int
    sources: Sources
    choices: dict[Question, Choice]
    shift: float = 0.0
    blends: dict[Question, Blend] = field(default_factory=dict)
    trees: dict[Question, Trees] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        past: Past,
        as_of_us: int,
        *,
        titles: Alikeness | None = None,
        segment: Ints | None = None,
        plan: Plan | None = None,
        questions: Sequence[Question] = QUESTIONS,
        counts: bool = False,
    ) -> Taste:
        """Learn from what happened before `as_of_us`, choose the way of each question.

        Args:
            past: Interactions; later rows are dropped.
            as_of_us: The moment.
            titles: Items alike by what they are.
            segment: Shape (users,). The segment of each user, -1 unknown.
            plan: Windows and sizes.
            questions: Which are wanted.
            counts: Whether "goes with" is counted as well.
        """
        plan = plan or Plan()
        past = past.before(as_of_us)
        learnt = lessons(past, as_of_us, plan, titles=titles, segment=segment)
        models = {question: _learn(question, learnt, plan) for question in questions}
        begin = learnt.last
        del learnt
        now = Sources.fit(
            past,
            as_of_us,
            titles=titles,
            segment=segment,
            begin=begin,
            counts=counts,
            most=plan.most_solved,
        )
        # Candidates that did not come were thinned out: the odds learnt are too high by that.
        taste = cls(as_of_us, now, {}, float(np.log(plan.keep_share)))
        for question, (choice, blend, trees) in models.items():
            taste.choices[question] = choice
            taste.blends |= {question: blend} if blend else {}
            taste.trees |= {question: trees} if trees else {}
        return taste

    def rank(
        self,
        asked: Asked,
        question: Question = "any",
        *,
        k: int = K,
        keep: Bools | None = None,
        way: Way | None = None,
        forward: Mapping[str, int] | None = None,
    ) -> Ranked:
        """The k best items of each person.

        Args:
            asked: Histories, at a moment not before the fit.
            question: Whether repeats count.
            k: Places.
            keep: Shape (items,) or (people, items). What may be chosen.
            way: Instead of the one that serves.
            forward: How many items each source puts forward; fewer are faster.
        """
        way = way or self.choices[question].way
        found = []
        for people, part in in_parts(asked):
            own = keep if keep is None or keep.ndim == 1 else keep[people]
            found.append(self._ranked(part, question, k, way, keep=own, forward=forward))
        pairs = Pairs.joined([one.pairs for one in found])
        items, scores = (np.concatenate(all_) for all_ in zip(*map(_lists, found), strict=True))
        return Ranked(items, scores, pairs)

    def _ranked(
        self,
        asked: Asked,
        question: Question,
        k: int,
        way: Way,
        *,
        keep: Bools | None,
        forward: Mapping[str, int] | None,
    ) -> Ranked:
        scores = self.sources.said(asked)
        pairs = self.sources.candidates(asked, scores, forward=forward, keep=keep)
        only_new = question == "discover"
        if way == "crowd":
            crowd = self.sources.crowd.lists(asked, k, only_new=only_new, keep=keep)
            return Ranked(*crowd, pairs)
        table = features(asked, pairs, scores=scores, facts=self.sources.facts)
        model = self.blends[question] if way == "blend" else self.trees[question]
        score = model.score(table)
        score[~_kept(pairs, keep)] = -np.inf
        items, found = first_of_each(pairs, score, k, only_new=only_new)
        crowd = self.sources.crowd.lists(asked, 2 * k, only_new=only_new, keep=keep)
        items, found = _filled(items, found + np.float32(self.shift), crowd)
        return Ranked(items, found, pairs)

    def odds_of(
        self,
        asked: Asked,
        items: Ints,
        question: Question = "any",
        *,
        keep: Bools | None = None,
        forward: Mapping[str, int] | None = None,
    ) -> Floats:
        """What `rank` gives one item for each person, shape (people,); -inf where it gives none.

        Asked of the same person without a part of the history, it says what that part adds.

        Args:
            asked: Histories, at a moment not before the fit.
            items: Shape (people,). Of each person.
            question: As for `rank`.
            keep: As for `rank`.
            forward: As for `rank`.
        """
        scores = self.sources.said(asked)
        pairs = self.sources.candidates(asked, scores, forward=forward, keep=keep)
        rows = (pairs.item == items[pairs.person]) & _kept(pairs, keep)
        if question == "discover":
            rows &= ~pairs.owned
        table = features(asked, pairs, scores=scores, facts=self.sources.facts, rows=rows)
        model = self.trees[question] if self.way(question) == "trees" else self.blends[question]
        out = np.full(len(asked), -np.inf, np.float32)
        out[pairs.person[rows]] = model.score(table) + np.float32(self.shift)
        return out

    def way(self, question: Question) -> Way:
        """Which way serves a question."""
        return self.choices[question].way

    def save(self, folder: Path) -> None:
        """Keep everything in one folder."""
        self.sources.save(folder / "sources")
        for question, blend in self.blends.items():
            blend.save(folder / f"blend-{question}")
        for question, trees in self.trees.items():
            trees.save(folder / f"trees-{question}")
        said = {question: asdict(choice) for question, choice in self.choices.items()}
        card = {"as_of_us": self.as_of_us, "shift": self.shift, "choices": said}
        (folder / "taste.json").write_text(json.dumps(card, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Taste:
        """Read back, arrays memory-mapped.

        Raises:
            FileNotFoundError: The folder holds no taste.
        """
        card = json.loads((folder / "taste.json").read_text(encoding="utf-8"))
        taste = cls(card["as_of_us"], Sources.load(folder / "sources"), {}, card["shift"])
        for question, said in card["choices"].items():
            gains = {way: Gain(**one) for way, one in said.pop("gains").items()}
            taste.choices[question] = Choice(**said, gains=gains)
            if (folder / f"blend-{question}").is_dir():
                taste.blends[question] = Blend.load(folder / f"blend-{question}")
            if (folder / f"trees-{question}").is_dir():
                taste.trees[question] = Trees.load(folder / f"trees-{question}")
        return taste


@dataclass(frozen=True)
class Ranked:
    """Lists of shape (people, k), -1 in empty places, with the scores that ordered them.

    `pairs` are the candidates that were looked at.
    """

    items: Ints
    scores: Floats
    pairs: Pairs


def _learn(
    question: Question, learnt: Lessons, plan: Plan
) -> tuple[Choice, Blend | None, Trees | None]:
    """Compare the ways on the last horizon, then learn the winner from everything."""
    tried = learnt.tried
    choice = _compared(question, tried, plan)
    if choice.way == "crowd" or tried is None:
        return choice, None, None
    data = Labelled.together([part for part in learnt.final[question] if part.people])
    blend = Blend.fit(data)
    if choice.way == "blend":
        return choice, blend, None
    if choice.objective == "binary":
        return choice, blend, Trees.fit(data, rounds=plan.rounds, seed=plan.seed)
    trees = Trees.fit(data, rounds=plan.ordered_rounds, objective=choice.objective, seed=plan.seed)
    rows = tried.taught & (~tried.pairs.owned | (question == "any"))
    return choice, blend, trees.told(tried.scores[question]["ordered"][rows], tried.came[rows])


def _compared(question: Question, tried: Tried | None, plan: Plan) -> Choice:
    if tried is None or not tried.scores.get(question):
        return Choice("crowd", {}, {}, 0)
    rows = np.flatnonzero([len(came) > 0 for came in tried.targets[question]])
    targets = [tried.targets[question][row] for row in rows]

    def ndcg(items: Ints) -> Any:
        return hits(items[rows], targets).ndcg

    # Of many small shops some win by chance: they must win surely, and by a tenth.
    few = len(rows) < ENOUGH_LABELLED

    def apart(one: Any, other: Any) -> Gain:
        return gain(one, other, level=SURER if few else SURE, seed=plan.seed)

    crowd = tried.crowd[question]
    of_models = {}
    for name, score in tried.scores[question].items():
        lists = first_of_each(tried.pairs, score, K, only_new=question == "discover")
        of_models[name] = ndcg(_filled(*lists, crowd)[0])
    objective: Objective = "binary"
    if "trees" in of_models and apart(of_models["ordered"], of_models["trees"]).low > 0:
        objective, of_models["trees"] = "lambdarank", of_models["ordered"]
    found: dict[Way, Any] = {"crowd": ndcg(crowd[0][:, :K])}
    serving: Way = "crowd"
    gains: dict[Way, Gain] = {}
    ways: tuple[Way, ...] = ("blend", "trees")
    for way in ways:
        if way not in of_models:
            continue
        found[way] = of_models[way]
        gains[way] = apart(found[way], found[serving])
        least = MARGIN * float(found[serving].mean()) if few and len(rows) else 0.0
        serving = way if gains[way].low > least else serving
    means = {way: float(one.mean()) if len(one) else 0.0 for way, one in found.items()}
    choice = Choice(serving, means, gains, tried.labelled[question], [], objective)
    return replace(choice, curve=_curve(question, tried, choice)) if serving != "crowd" else choice


def _curve(question: Question, tried: Tried, choice: Choice) -> list[dict[str, float]]:
    """The price of variety on the last horizon, for some of its people."""
    score = _odds(question, tried, choice)
    having = np.flatnonzero([len(came) > 0 for came in tried.targets[question]])
    some = having[:: max(len(having) // CURVED, 1)]
    people = []
    for row in some:
        part = slice(tried.pairs.ptr[row], tried.pairs.ptr[row + 1])
        first = np.argsort(-score[part], kind="stable")[:RANKED]
        first = first[np.isfinite(score[part][first])]
        people.append(Candidates(tried.pairs.item[part][first], score[part][first]))
    prices = price_curve(
        people,
        [tried.targets[question][row] for row in some],
        items=tried.asked.past.items,
        strengths=[share_of(place) for place in SLIDER],
    )
    return [
        {"diversity": place, "ndcg": one.ndcg, "coverage": one.coverage}
        for place, one in zip(SLIDER, prices, strict=True)
    ]


def _odds(question: Question, tried: Tried, choice: Choice) -> Floats:
    """What the way that serves said of each candidate; -inf for what is no answer."""
    ordered = choice.way == "trees" and choice.objective == "lambdarank"
    score = tried.scores[question]["ordered" if ordered else choice.way].copy()
    new = ~tried.pairs.owned | (question == "any")
    if ordered:
        rows = tried.taught & new
        slope, begin = odds_behind(score[rows], tried.came[rows])
        score = (slope * score + begin).astype(np.float32)
    score[~new] = -np.inf
    return score


def _lists(ranked: Ranked) -> tuple[Ints, Floats]:
    return ranked.items, ranked.scores


def _kept(pairs: Pairs, keep: Bools | None) -> Bools:
    if keep is None:
        return np.ones(len(pairs), bool)
    return keep[pairs.item] if keep.ndim == 1 else keep[pairs.person, pairs.item]


def _filled(items: Ints, scores: Floats, crowd: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
    """Empty places get what sells, below everything that was ranked."""
    for row in np.flatnonzero((items < 0).any(1)):
        gaps = np.flatnonzero(items[row] < 0)
        spare = crowd[0][row][(crowd[0][row] >= 0) & ~np.isin(crowd[0][row], items[row])]
        spare = spare[: len(gaps)]
        floor = scores[row][np.isfinite(scores[row])].min(initial=0.0)
        items[row, gaps[: len(spare)]] = spare
        scores[row, gaps[: len(spare)]] = floor - 1.0 - np.arange(len(spare))
    return items, scores
