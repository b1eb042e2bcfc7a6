"""The second stage: trees over the features of each candidate, and the blend for little data.

Labels lie strictly after the moment of the features. Several windows are learnt from, short ones
close to now and long ones further back, because what sells changes within weeks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from renwei.learn.taste.features import FEATURES, Pairs
from renwei.learn.taste.source import State
from renwei.learn.taste.table import Bools, Floats, Ints

Objective = Literal["binary", "lambdarank"]
K = 20
LEAST_SLOPE = 1e-3
# Transformed by log(1 + x) and scaled, these are what the blend adds up.
BLENDED = (
    "own_180", "own_90_share", "own_share_6", "ease_top", "lately_top", "factors_top", "alike_top",
    "together_top", "neighbours_risen_top", "sequel_top", "titles_top", "item_heat_7",
)  # fmt: skip


@dataclass(frozen=True)
class Labelled:
    """Candidates with features and whether the goal followed.

    Several questions are learnt from the same tables, so rows are named and never copied.

    Attributes:
        tables: One a window, shape (rows, features).
        picked: Of each table the rows that teach something, in the order of people.
        came: Shape (picked rows,).
        size: Shape (people,). Picked rows of each person, in order.
    """

    tables: tuple[Floats, ...]
    picked: tuple[Ints, ...]
    came: Bools
    size: Ints

    @classmethod
    def of(
        cls, table: Floats, came: Bools, person: Ints, *, among: Bools | None = None
    ) -> Labelled:
        """Only people to whom something came `among` the rows teach anything."""
        keep = np.ones(len(came), bool) if among is None else among.copy()
        n = int(person.max(initial=-1)) + 1
        has = np.bincount(person[keep], came[keep], n) > 0
        keep &= has[person]
        size = np.bincount(person[keep], minlength=n)
        size = size[size > 0].astype(np.int64)
        return cls((table,), (np.flatnonzero(keep),), came[keep], size)

    @classmethod
    def together(cls, parts: Sequence[Labelled]) -> Labelled:
        """Several windows as one."""
        return cls(
            tuple(table for part in parts for table in part.tables),
            tuple(rows for part in parts for rows in part.picked),
            np.concatenate([part.came for part in parts]),
            np.concatenate([part.size for part in parts]),
        )

    def columns(self, places: Sequence[int]) -> Floats:
        """Some columns of the picked rows, shape (rows, places)."""
        both = zip(self.tables, self.picked, strict=True)
        return np.concatenate([table[rows[:, None], np.asarray(places)] for table, rows in both])

    @property
    def people(self) -> int:
        """Labelled people, once a window."""
        return len(self.size)


@dataclass(frozen=True)
class Trees:
    """A LightGBM model as its text, and ready to score.

    Log-odds are slope * raw score + begin: what only orders says no chance by itself.
    """

    text: str
    booster: Any
    slope: float = 1.0
    begin: float = 0.0

    @classmethod
    def fit(
        cls,
        data: Labelled,
        *,
        rounds: int = 120,
        objective: Objective = "binary",
        seed: int = 1,
    ) -> Trees:
        """Learn which candidates come.

        Args:
            data: Candidates with labels.
            rounds: Trees, each of 31 leaves.
            objective: "binary" looks at each candidate alone; "lambdarank" at their order.
            seed: Of the columns and rows each tree sees.

        Raises:
            ValueError: There is no label of one of the two kinds.

        Source:
            Ke et al. (2017), LightGBM. NeurIPS. Burges (2010), From RankNet to LambdaRank to
            LambdaMART. MSR-TR-2010-82.
        """
        import lightgbm

        if data.came.all() or not data.came.any():
            raise ValueError("a ranker needs candidates that came and some that did not")
        ranking = objective == "lambdarank"
        settings: dict[str, Any] = {
            "objective": objective, "learning_rate": 0.05, "num_leaves": 31,
            "min_data_in_leaf": 100, "feature_fraction": 0.5, "bagging_fraction": 0.7,
            "bagging_freq": 1, "lambda_l2": 10.0, "max_bin": 63, "force_col_wise": True,
            "num_threads": 1, "seed": seed, "deterministic": True, "verbose": -1,
            "feature_pre_filter": False, "bin_construct_sample_cnt": 100_000,
        }  # fmt: skip
        if ranking:
            settings |= {"lambdarank_truncation_level": K}
        group = data.size if ranking else None
        rows = lightgbm.Dataset(
            _in_turn(data), data.came, group=group, feature_name=list(FEATURES), params=settings
        )
        booster = lightgbm.train(settings, rows, rounds)
        return cls(booster.model_to_string(), booster)

    def score(self, table: Floats) -> Floats:
        """Return log-odds, shape (rows,)."""
        if not len(table):
            return np.zeros(0, np.float32)
        out = self.booster.predict(table, num_threads=1, raw_score=True)
        return np.asarray(self.slope * out + self.begin, np.float32)

    def told(self, score: Floats, came: Bools) -> Trees:
        """The same trees with the odds that were found behind scores on candidates unseen.

        Args:
            score: Shape (rows,). Of trees learnt alike, on what came later.
            came: Shape (rows,).

        Source:
            Platt (1999), Probabilistic outputs for support vector machines.
        """
        slope, begin = odds_behind(score, came)
        return replace(self, slope=slope, begin=begin)

    def weights(self) -> dict[str, float]:
        """The share of each feature in what the trees gained, largest first."""
        gained = self.booster.feature_importance("gain")
        order = np.argsort(-gained, kind="stable")
        total = max(float(gained.sum()), 1e-12)
        names = list(FEATURES)
        return {names[k]: float(gained[k]) / total for k in order}

    def save(self, folder: Path) -> None:
        """Keep the model as text."""
        folder.mkdir(parents=True, exist_ok=True)
        odds = json.dumps({"slope": self.slope, "begin": self.begin})
        (folder / "odds.json").write_text(odds, encoding="utf-8")
        (folder / "trees.txt").write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Trees:
        """Read back."""
        import lightgbm

        text = (folder / "trees.txt").read_text(encoding="utf-8")
        kept = folder / "odds.json"
        odds = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        return cls(text, lightgbm.Booster(model_str=text), **odds)


@dataclass(frozen=True)
class Blend(State):
    """A sum of a few source scores, each on a scale of its own, no weight below 0.

    Attributes:
        weight: Shape (blended,).
        scale: Shape (blended,). What each is divided by.
        begin: Log-odds of nothing known.
    """

    weight: Floats
    scale: Floats
    begin: float

    @classmethod
    def fit(cls, data: Labelled, *, l2: float = 1.0) -> Blend:
        """Logistic regression with weights of at least 0.

        Args:
            data: Candidates with labels.
            l2: Ridge towards equal weights, which a shop with few labels should stay near.
        """
        from scipy.optimize import minimize

        raw = _scaled(data.columns(_PLACES))
        scale = np.maximum(raw.std(0), 1e-6).astype(np.float32)
        x, y = (raw / scale).astype(np.float64), data.came.astype(np.float64)
        equal = 1.0 / len(BLENDED)

        def lost(theta: Any) -> tuple[float, Any]:
            w, b = theta[:-1], theta[-1]
            z = x @ w + b
            p = 1.0 / (1.0 + np.exp(-np.clip(z, -30, 30)))
            value = np.logaddexp(0.0, z) @ np.ones(len(z)) - y @ z
            value += 0.5 * l2 * ((w - equal) ** 2).sum()
            slope = np.append(x.T @ (p - y) + l2 * (w - equal), (p - y).sum())
            return float(value), slope

        start = np.append(np.full(len(BLENDED), equal), np.log(max(y.mean(), 1e-6)))
        bounds = [(0.0, None)] * len(BLENDED) + [(None, None)]
        found = minimize(lost, start, jac=True, bounds=bounds, method="L-BFGS-B")
        return cls(found.x[:-1].astype(np.float32), scale, float(found.x[-1]))

    def score(self, table: Floats) -> Floats:
        """Return log-odds, shape (rows,)."""
        out: Floats = _blended(table) @ (self.weight / self.scale) + np.float32(self.begin)
        return out

    def weights(self) -> dict[str, float]:
        """The share of each term, largest first."""
        total = max(float(self.weight.sum()), 1e-12)
        order = np.argsort(-self.weight, kind="stable")
        return {BLENDED[k]: float(self.weight[k]) / total for k in order}


def first_of_each(
    pairs: Pairs, score: Floats, k: int, *, only_new: bool = False
) -> tuple[Ints, Floats]:
    """The k best candidates of each person and their scores; -1 and -inf in empty places."""
    score = np.where(pairs.owned, -np.inf, score) if only_new else score
    n = len(pairs.ptr) - 1
    order = np.lexsort((pairs.item, -score, pairs.person))
    place = np.arange(len(pairs)) - pairs.ptr[pairs.person[order]]
    keep = (place < k) & np.isfinite(score[order])
    items = np.full((n, k), -1)
    scores = np.full((n, k), -np.inf, np.float32)
    rows = order[keep]
    items[pairs.person[rows], place[keep]] = pairs.item[rows]
    scores[pairs.person[rows], place[keep]] = score[rows]
    return items, scores


def odds_behind(score: Floats, came: Bools, *, rounds: int = 50) -> tuple[float, float]:
    """Slope (above 0) and begin of the log-odds that scores stand for, by maximum likelihood.

    Example:
        >>> slope, begin = odds_behind(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 1, 1, 1]) > 0)
        >>> slope > 0
        True
    """
    x, many = score.astype(np.float64), int(came.sum())
    # Not quite 0 and 1, so that what parts cleanly has an end as well.
    y = np.where(came, (many + 1.0) / (many + 2.0), 1.0 / (len(came) - many + 2.0))
    theta = np.array([1.0, np.log(y.mean() / (1.0 - y.mean()))])
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-np.clip(theta[0] * x + theta[1], -30, 30)))
        w = p * (1.0 - p)
        slope = np.array([x @ (p - y), (p - y).sum()])
        bend = np.array([[x * x @ w, x @ w], [x @ w, w.sum()]]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        theta -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-6:
            break
    return max(float(theta[0]), LEAST_SLOPE), float(theta[1])


def _in_turn(data: Labelled) -> list[Any]:
    """The picked rows of each table, handed over in batches instead of copied as a whole."""
    import lightgbm

    class Rows(lightgbm.Sequence):
        batch_size = 8_192

        def __init__(self, table: Floats, rows: Ints) -> None:
            self.table, self.rows = table, rows

        def __getitem__(self, part: Any) -> Any:
            return self.table[self.rows[part]].astype(np.float64)

        def __len__(self) -> int:
            return len(self.rows)

    return [Rows(*one) for one in zip(data.tables, data.picked, strict=True) if len(one[1])]


def _blended(table: Floats) -> Floats:
    return _scaled(table[:, _PLACES])


def _scaled(columns: Floats) -> Floats:
    out: Floats = np.log1p(np.clip(columns, 0.0, 1e6))
    return np.nan_to_num(out).astype(np.float32)


_PLACES = [list(FEATURES).index(name) for name in BLENDED]
