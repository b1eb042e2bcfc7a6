from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest

from renwei.learn.near import Pairs, by_takers, by_texts

SYLLABLES = [
    "ka",
    "ro",
    "mi",
    "ten",
    "lu",
    "sha",
    "vor",
    "bel",
    "ni",
    "cru",
    "po",
    "dai",
    "zen",
    "fur",
    "gla",
    "wis",
    "ter",
    "ing",
    "ou",
    "che",
]
MARKS = ("红茶", "绿茶", "陶杯", "面霜", "red", "blue", "xl")


def texts(n: int, seed: int = 1) -> list[str]:
    """Goods in several colours, of words that are drawn unevenly, some Chinese."""
    chance = np.random.default_rng(seed)
    words = ["".join(chance.choice(SYLLABLES, chance.integers(2, 4))) for _ in range(900)]
    odds = 1 / np.arange(1, 901) ** 0.8
    bases = [" ".join(chance.choice(words, 4, p=odds / odds.sum())) for _ in range(n // 7 + 1)]
    extra = chance.choice(words, n)
    return [f"{bases[k // 7]} {extra[k]} {MARKS[k % 7]} brand{k % 97}" for k in range(n)]


def found_again(exact: Pairs, other: Pairs) -> float:
    one = set(zip(exact.one.tolist(), exact.other.tolist(), strict=True))
    two = set(zip(other.one.tolist(), other.other.tolist(), strict=True))
    return len(one & two) / len(one)


def check(pairs: Pairs, n: int, k: int) -> None:
    assert (np.diff(pairs.one) >= 0).all()
    assert np.bincount(pairs.one, minlength=n).max() <= k
    assert (pairs.one != pairs.other).all()
    same = np.diff(pairs.one) == 0
    assert (np.diff(pairs.weight)[same] <= 0).all()
    assert pairs.weight.min() > 0
    assert pairs.weight.max() <= 1


@pytest.fixture(scope="module")
def exact() -> Pairs:
    return by_texts(texts(2_500), k=15)


def test_exact_neighbours_are_those_of_all_cosines(exact: Pairs) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)).fit_transform(texts(2_500))
    cosines = (rows[:40] @ rows.T).toarray()
    check(exact, 2_500, 15)
    for one in range(40):
        cosines[one, one] = 0.0
        expected = np.sort(cosines[one])[::-1][:15]
        np.testing.assert_allclose(exact.weight[exact.one == one], expected, atol=1e-5)


def _needs_usearch() -> None:
    """Skipped by name without the extra; CI has it and must try it."""
    if find_spec("usearch") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the extra 'vectors' is missing: CI must try it")
        pytest.skip("the extra 'vectors' is not installed")


@pytest.mark.parametrize("way", ["short", "usearch"])
def test_of_many_texts_nine_of_ten_neighbours_are_found(exact: Pairs, way: str) -> None:
    if way == "usearch":
        _needs_usearch()
    most = 0 if way == "usearch" else 10**9
    found = by_texts(texts(2_500), k=15, most_exact=0, most_short=most)
    check(found, 2_500, 15)
    assert found_again(exact, found) >= 0.9
    again = by_texts(texts(2_500), k=15, most_exact=0, most_short=most)
    np.testing.assert_array_equal(found.other, again.other)


def test_more_texts_than_are_compared_letter_by_letter_find_their_like() -> None:
    many = texts(6_000, seed=3)
    found = by_texts(many, k=6)
    check(found, 6_000, 6)
    # Seven goods in a row differ in a word and a colour: most neighbours are of the seven.
    assert (found.one // 7 == found.other // 7).mean() > 0.8


def test_without_the_library_the_nearest_cells_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("renwei.learn.near.CELL", 100)
    monkeypatch.setattr("renwei.learn.near.find_spec", lambda name: None)
    found = by_texts(texts(2_100, seed=3), k=6, most_exact=0, most_short=0)
    check(found, 2_100, 6)
    assert (found.one // 7 == found.other // 7).mean() > 0.8


@pytest.mark.parametrize("same", ["clay mask", "面霜"])
def test_equal_texts_and_empty_ones_do_no_harm(same: str) -> None:
    found = by_texts([same, "", same, "qq 88"], k=3, most_exact=0)
    assert found.other[found.one == 0].tolist() == [2]
    assert found.weight[found.one == 0][0] == pytest.approx(1.0, abs=1e-5)
    assert 1 not in found.one
    assert not len(by_texts(["", " "], most_exact=0).one)


def test_takers_in_common_are_counted_as_by_hand() -> None:
    chance = np.random.default_rng(2)
    pairs = np.unique(chance.integers(0, 60, 900) * 40 + chance.integers(0, 40, 900))
    who, thing = pairs // 40, pairs % 40
    found = by_takers(who, thing, np.ones(len(who)), 40, k=40)
    table = np.zeros((60, 40))
    table[who, thing] = 1.0
    table /= np.log2(2.0 + table.sum(1, keepdims=True))
    size = np.sqrt((table**2).sum(0))
    cosines = table.T @ table / np.maximum(np.outer(size, size), 1e-12)
    np.testing.assert_allclose(found.weight, cosines[found.one, found.other], atol=1e-5)
    np.fill_diagonal(cosines, 0.0)
    assert len(found.one) == (cosines > 1e-9).sum()
