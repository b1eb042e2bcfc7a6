from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.learn.sessions.neighbours import Fall, Vsknn
from renwei.learn.sessions.past import Past
from renwei.learn.sessions.plain import ItemKnn, OwnItems, Rules, popular

SESSIONS = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7), min_size=1, max_size=30)
PREFIX = st.lists(st.integers(0, 9), min_size=1, max_size=14)
FALLS: list[Fall] = ["same", "linear", "div", "quadratic"]


def past_of(sessions: list[list[int]]) -> Past:
    past = Past()
    for clicks in sessions:
        past.add(clicks)
    return past


def by_place(fall: Fall, place: int, length: int) -> float:
    return {
        "same": 1.0,
        "linear": max(1 - 0.1 * (length - place), 0),
        "div": place / length,
        "quadratic": (place / length) ** 2,
    }[fall]


def by_step(fall: Fall, step: int) -> float:
    return {
        "same": 1.0,
        "linear": max(1 - 0.1 * step, 0),
        "div": 1 / step,
        "quadratic": 1 / step**2,
    }[fall]


def literal_vsknn(sessions: list[list[int]], prefix: list[int], way: Vsknn) -> dict[int, float]:
    """Loop by loop as the paper's authors wrote it, ties by the later session."""
    place = {item: by_place(way.weighting, k, len(prefix)) for k, item in enumerate(prefix, 1)}
    sharing = [n for n, clicks in enumerate(sessions) if set(clicks) & set(prefix)]
    likeness = []
    for n in sharing[-way.sample :]:
        shared = sum(place[item] for item in set(sessions[n]) & set(prefix))
        likeness.append((round(shared / len(place), 12), n))
    score: dict[int, float] = {}
    for alike, n in sorted(likeness, key=lambda one: (-one[0], -one[1]))[: way.k]:
        step = next(k for k, item in enumerate(reversed(prefix), 1) if item in sessions[n])
        for item in set(sessions[n]):
            score[item] = score.get(item, 0.0) + alike * by_step(way.decay, step)
    return {item: points for item, points in score.items() if points > 0}


@settings(deadline=None)
@given(
    SESSIONS,
    PREFIX,
    st.builds(
        Vsknn,
        st.integers(1, 12),
        st.integers(1, 20),
        st.sampled_from(FALLS),
        st.sampled_from(FALLS),
    ),
)
def test_vsknn_is_the_paper_s(sessions: list[list[int]], prefix: list[int], way: Vsknn) -> None:
    item, score = way.score(past_of(sessions), np.array(prefix))
    expected = literal_vsknn(sessions, prefix, way)
    assert item.tolist() == sorted(expected)
    assert score == pytest.approx([expected[i] for i in sorted(expected)], abs=1e-9)


@settings(deadline=None)
@given(SESSIONS, PREFIX, st.booleans())
def test_item_knn_is_the_cosine_of_the_sessions_that_hold_both(
    sessions: list[list[int]], prefix: list[int], again: bool
) -> None:
    held = [set(clicks) for clicks in sessions]
    count = {i: sum(i in one for one in held) for i in range(10)}
    expected = np.zeros(10)
    for step, own in enumerate(dict.fromkeys(reversed(prefix)), 1):
        for other in range(10):
            both = sum(own in one and other in one for one in held)
            if both and (again or own != other):
                expected[other] += both / (count[own] * count[other]) ** 0.5 / step
    item, score = ItemKnn(again=again).score(past_of(sessions), np.array(prefix))
    assert item.tolist() == np.flatnonzero(expected).tolist()
    assert score == pytest.approx(expected[item])


@settings(deadline=None)
@given(SESSIONS, st.integers(0, 9))
def test_rules_of_one_step_are_the_shares_of_what_came_next(
    sessions: list[list[int]], last: int
) -> None:
    after = [b for clicks in sessions for a, b in pairwise(clicks) if a == last]
    clicks_of = sum(clicks.count(last) for clicks in sessions)
    item, score = Rules(window=1).score(past_of(sessions), np.array([last]))
    assert item.tolist() == sorted(set(after))
    assert score == pytest.approx([after.count(i) / clicks_of for i in sorted(set(after))])


def test_a_wider_window_counts_what_is_further_off_for_less() -> None:
    item, score = Rules(window=3).score(past_of([[1, 2, 3, 4, 5]]), np.array([1]))
    assert item.tolist() == [2, 3, 4]
    assert score == pytest.approx([1, 1 / 2, 1 / 3])


def test_the_last_item_alone_counts_where_asked() -> None:
    past = past_of([[1, 2], [3, 4]])
    assert ItemKnn(fade="last", again=False).score(past, np.array([1, 3]))[0].tolist() == [4]
    assert Rules(fade="last").score(past, np.array([1, 3]))[0].tolist() == [4]


def test_the_kindest_neighbours_are_kept() -> None:
    past = past_of([[1, 2], [1, 2], [1, 3]])
    assert ItemKnn(neighbours=1, again=False).score(past, np.array([1]))[0].tolist() == [2]


@settings(deadline=None)
@given(SESSIONS, PREFIX)
def test_a_session_is_never_its_own_neighbour(sessions: list[list[int]], prefix: list[int]) -> None:
    alone, both = past_of(sessions), past_of([*sessions, prefix])
    for way in (Vsknn(), Rules(), ItemKnn(again=False)):
        expected, _ = way.score(alone, np.array(prefix))
        got, _ = way.score(both, np.array(prefix), own=len(sessions))
        assert got.tolist() == expected.tolist()


def test_own_items_come_back_latest_first() -> None:
    item, score = OwnItems().score(Past(), np.array([4, 7, 4, 9]))
    assert item[np.argsort(-score)].tolist() == [9, 4, 7]


def test_nothing_clicked_names_nothing() -> None:
    none = np.zeros(0, np.int64)
    for way in (Vsknn(), Rules(), ItemKnn(), OwnItems()):
        assert len(way.score(past_of([[1, 2]]), none)[0]) == 0
        assert len(way.score(Past(), none)[0]) == 0
    assert len(Vsknn().score(past_of([[1, 2]]), np.array([7]))[0]) == 0


def test_popularity_with_a_half_life_prefers_what_is_recent() -> None:
    session, item = np.array([0, 0, 1, 9]), np.array([5, 5, 5, 2])
    assert popular(session, item)[0].tolist() == [5, 2]
    hot, score = popular(session, item, half_life=3.0)
    assert hot.tolist() == [2, 5]
    assert score[0] == pytest.approx(1.0)
    assert score[1] == pytest.approx(2 * 2**-3 + 2 ** (-8 / 3))
