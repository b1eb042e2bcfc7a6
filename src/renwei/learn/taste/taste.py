"""The whole: sources, and for each question the way of ranking that won on the past.

Two questions, because their answers differ: "any", where a repeat is welcome, and "discover",
where only what is new to the person counts. For each, three ways from the simplest to the
strongest: what sells now, a blend of sources, trees. A stronger one serves only if it beat the
simpler one on the last month for the same people, with the whole interval above 0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from renwei.learn.taste.facts import days_us
from renwei.learn.taste.features import Pairs, features
from renwei.learn.taste.measures import Gain, gain, hits
from renwei.learn.taste.ranker import Blend, Labelled, Trees, first_of_each
from renwei.learn.taste.source import best
from renwei.learn.taste.sources import Sources
from renwei.learn.taste.table import Asked, Bools, Floats, Ints, Past
from renwei.learn.taste.titles import Alikeness
from renwei.learn.taste.variety import SLIDER, Candidates, price_curve, share_of

Question = Literal["any", "discover"]
Way = Literal["crowd", "blend", "trees"]
QUESTIONS: tuple[Question, ...] = ("any", "discover")
K = 20
ENOUGH_LABELLED = 500
SURE, SURER, MARGIN = 0.95, 0.99, 0.1
CURVED, RANKED = 400, 200
"""People and candidates of each that the price of variety is measured on."""


@dataclass(frozen=True)
class Plan:
    """What is learnt from.

    Attributes:
        horizon_days: A label is a goal within this time.
        windows: (days before now at which features are taken, length of the labels in days).
        checked: The same for the model that is compared with simpler ones on the last horizon.
        keep_share: Share of the candidates that did not come that is learnt from.
        most_people: Labelled people of a window at most.
        rounds: Trees.
        checked_rounds: Trees of the model that is compared; fewer, because it has less to learn.
        seed: Of samples and trees.
    """

    horizon_days: float = 30.0
    windows: tuple[tuple[float, float], ...] = ((15, 15), (30, 30), (45, 30), (60, 30), (75, 30))
    checked: tuple[tuple[float, float], ...] = ((45, 15), (60, 30), (75, 30))
    keep_share: float = 0.3
    most_people: int = 4_000
    rounds: int = 130
    checked_rounds: int = 90
    seed: int = 1


@dataclass(frozen=True)
class Choice:
    """Which way serves one question, and what the past said of each.

    Attributes:
        way: Serves.
        ndcg: Mean NDCG@20 of each way on the last horizon, by way.
        gains: By way: over the simpler one that would serve otherwise.
        labelled: People with a label that the compared models learnt from.
        curve: What variety cost and brought with this way, a row each place of the slider.
    """

    way: Way
    ndcg: dict[Way, float]
    gains: dict[Way, Gain]
    labelled: int
    curve: list[dict[str, float]] = field(default_factory=list)


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
        lessons = _lessons(past, as_of_us, plan, titles=titles, segment=segment)
        now = Sources.fit(
            past, as_of_us, titles=titles, segment=segment, begin=lessons.last, counts=counts
        )
        # Candidates that did not come were thinned out: the odds learnt are too high by that.
        taste = cls(as_of_us, now, {}, float(np.log(plan.keep_share)))
        for question in questions:
            _learn(taste, question, lessons, plan)
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
        scores = self.sources.scores(asked)
        pairs = self.sources.candidates(asked, scores, forward=forward, keep=keep)
        way = way or self.choices[question].way
        if way == "crowd":
            items, found = _crowd_lists(self.sources, asked, question, k, keep)
            return Ranked(items, found, scores, pairs)
        table = features(asked, pairs, scores=scores, facts=self.sources.facts)
        model = self.blends[question] if way == "blend" else self.trees[question]
        score = model.score(table)
        score[~_kept(pairs, keep)] = -np.inf
        items, found = first_of_each(pairs, score, k, only_new=question == "discover")
        items, found = _filled(
            items,
            found + np.float32(self.shift),
            _crowd_lists(self.sources, asked, question, 2 * k, keep),
        )
        return Ranked(items, found, scores, pairs)

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
        scores = self.sources.scores(asked)
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

    `sources` are the scores of all sources, `pairs` the candidates that were looked at.
    """

    items: Ints
    scores: Floats
    sources: dict[str, Floats]
    pairs: Pairs


@dataclass(frozen=True)
class _Test:
    asked: Asked
    sources: Sources
    pairs: Pairs
    table: Floats
    targets: dict[Question, list[Ints]]


@dataclass
class _Lessons:
    final: dict[Question, list[Labelled]]
    checked: dict[Question, list[Labelled]]
    test: _Test | None = None
    last: Sources | None = None


def _lessons(
    past: Past, as_of_us: int, plan: Plan, *, titles: Alikeness | None, segment: Ints | None
) -> _Lessons:
    """Features and labels of every window, oldest first, each from its own sources."""
    out = _Lessons({q: [] for q in QUESTIONS}, {q: [] for q in QUESTIONS})
    begins = int(past.at_us.min()) if len(past) else as_of_us
    for back in sorted({days for days, _ in (*plan.windows, *plan.checked)}, reverse=True):
        moment = as_of_us - days_us(back)
        if moment <= begins:
            continue
        lengths = {length: ("final",) for days, length in plan.windows if days == back}
        for days, length in plan.checked:
            if days == back:
                lengths[length] = (*lengths.get(length, ()), "checked")
        users = _labelled_users(past, moment, max(lengths), plan)
        if not len(users):
            continue
        sources = Sources.fit(past, moment, titles=titles, segment=segment, begin=out.last)
        asked = Asked.of(past.before(moment), users, moment, segment=segment)
        scores = sources.scores(asked)
        pairs = sources.candidates(asked, scores)
        is_test = back == plan.horizon_days
        rows = None if is_test else _sampled(past, asked, pairs, max(lengths), plan)
        table = features(asked, pairs, scores=scores, facts=sources.facts, rows=rows)
        wanted = pairs if rows is None else pairs.pick(rows)
        if is_test:
            targets = {q: targets_of(past, asked, plan.horizon_days, q) for q in QUESTIONS}
            out.test = _Test(asked, sources, pairs, table, targets)
            rows = _sampled(past, asked, pairs, max(lengths), plan)
            table, wanted = table[rows], pairs.pick(rows)
        for length, sets in lengths.items():
            came = _came(past, asked, wanted, length)
            for question in QUESTIONS:
                new = ~wanted.owned | (question == "any")
                lesson = Labelled.of(table[new], came[new], wanted.person[new])
                for name in sets:
                    getattr(out, name)[question].append(lesson)
        out.last = sources
    return out


def _learn(taste: Taste, question: Question, lessons: _Lessons, plan: Plan) -> None:
    """Compare the ways on the last horizon, then learn the winner from everything."""
    checked = [part for part in lessons.checked[question] if part.people]
    taste.choices[question] = choice = _compared(question, lessons.test, checked, plan)
    if choice.way == "crowd":
        return
    data = Labelled.together([part for part in lessons.final[question] if part.people])
    taste.blends[question] = Blend.fit(data)
    if choice.way == "trees":
        taste.trees[question] = Trees.fit(data, rounds=plan.rounds, seed=plan.seed)


def _compared(
    question: Question, test: _Test | None, checked: list[Labelled], plan: Plan
) -> Choice:
    if test is None or not checked:
        return Choice("crowd", {}, {}, 0)
    data = Labelled.together(checked)
    rows = np.flatnonzero([len(came) > 0 for came in test.targets[question]])
    targets = [test.targets[question][row] for row in rows]

    def ndcg(items: Ints) -> Any:
        return hits(items[rows], targets).ndcg

    found: dict[Way, Any] = {}
    found["crowd"] = ndcg(_crowd_lists(test.sources, test.asked, question, K, None)[0])
    models: dict[Way, Blend | Trees] = {"blend": Blend.fit(data)}
    if data.people >= ENOUGH_LABELLED and not data.came.all():
        models["trees"] = Trees.fit(data, rounds=plan.checked_rounds, seed=plan.seed)
    for way, model in models.items():
        score = model.score(test.table)
        items = first_of_each(test.pairs, score, K, only_new=question == "discover")
        crowd = _crowd_lists(test.sources, test.asked, question, 2 * K, None)
        found[way] = ndcg(_filled(*items, crowd)[0])
    serving: Way = "crowd"
    gains: dict[Way, Gain] = {}
    for way in models:
        # Of many small shops some win by chance: they must win surely, and by a tenth.
        few = len(rows) < ENOUGH_LABELLED
        gains[way] = gain(found[way], found[serving], level=SURER if few else SURE, seed=plan.seed)
        least = MARGIN * float(found[serving].mean()) if few and len(rows) else 0.0
        serving = way if gains[way].low > least else serving
    means = {way: float(one.mean()) if len(one) else 0.0 for way, one in found.items()}
    curve = _curve(question, test, models[serving]) if serving in models else []
    return Choice(serving, means, gains, data.people, curve)


def _curve(question: Question, test: _Test, model: Blend | Trees) -> list[dict[str, float]]:
    """The price of variety on the last horizon, for some of its people."""
    score = model.score(test.table)
    if question == "discover":
        score[test.pairs.owned] = -np.inf
    having = np.flatnonzero([len(came) > 0 for came in test.targets[question]])
    some = having[:: max(len(having) // CURVED, 1)]
    people = []
    for row in some:
        part = slice(test.pairs.ptr[row], test.pairs.ptr[row + 1])
        first = np.argsort(-score[part], kind="stable")[:RANKED]
        first = first[np.isfinite(score[part][first])]
        people.append(Candidates(test.pairs.item[part][first], score[part][first]))
    prices = price_curve(
        people,
        [test.targets[question][row] for row in some],
        items=test.asked.past.items,
        strengths=[share_of(place) for place in SLIDER],
    )
    return [
        {"diversity": place, "ndcg": one.ndcg, "coverage": one.coverage}
        for place, one in zip(SLIDER, prices, strict=True)
    ]


def targets_of(past: Past, asked: Asked, days: float, question: Question) -> list[Ints]:
    """What each person reached the goal for within the days after; new items for "discover"."""
    later = past.between(asked.as_of_us, asked.as_of_us + days_us(days)).goals()
    owned = asked.owned() if question == "discover" else None
    out = []
    for row, user in enumerate(asked.known):
        part = slice(*np.searchsorted(later.user, [user, user + 1]))
        items = np.unique(later.item[part])
        out.append(items if owned is None else items[~owned[row, items]])
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


def _sampled(past: Past, asked: Asked, pairs: Pairs, length: float, plan: Plan) -> Bools:
    chance = np.random.default_rng([plan.seed, asked.as_of_us // 1_000_000])
    came = _came(past, asked, pairs, length)
    return came | (chance.random(len(pairs)) < plan.keep_share)


def _kept(pairs: Pairs, keep: Bools | None) -> Bools:
    if keep is None:
        return np.ones(len(pairs), bool)
    return keep[pairs.item] if keep.ndim == 1 else keep[pairs.person, pairs.item]


def _crowd_lists(
    sources: Sources, asked: Asked, question: Question, k: int, keep: Bools | None
) -> tuple[Ints, Floats]:
    scores = sources.crowd.score(asked)
    if question == "discover":
        scores = np.where(asked.owned(), -np.inf, scores)
    scores = np.where(scores > 0, scores, -np.inf)
    if keep is not None:
        scores = np.where(keep, scores, -np.inf)
    items = best(scores, k)
    return items, np.take_along_axis(scores, np.maximum(items, 0), 1)


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
