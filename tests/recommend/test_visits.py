from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.recommend.shops import Bench, codes, copied

from renwei.recommend.learning import LearnTaste, learn_taste
from renwei.recommend.model import model
from renwei.recommend.visits import clicks_of_log

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Visits that go round in each sort: after the fourth cream comes the fifth."""
    made = Bench(tmp_path_factory.mktemp("visited"))
    made.catalogue()
    number = 0
    for day in range(1, 30):
        for sort in ("cream", "mask", "soap"):
            for start in range(0, 12, 2):
                number += 1
                ago = timedelta(days=day, minutes=number)
                items = [f"{sort}-{(start + step) % 12}" for step in range(4)]
                looks = [
                    made.event(f"v-{number}", "view", item, ago=ago - step * MINUTE)
                    for step, item in enumerate(items)
                ]
                made.store.log.append(looks, made.clock.now())
    learn_taste(made.shop, LearnTaste(at=made.clock.now()))
    made.calm()
    made.store.close()
    return made.store.directory.parent, made.number


@pytest.fixture
def visited(once: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    """A copy of that shop."""
    made = copied(once, tmp_path)
    yield made
    made.store.close()


def test_a_stranger_s_next_look_is_foreseen_from_other_visits(visited: Bench) -> None:
    visited.saw("stranger", "mask-3", ago=2 * MINUTE)
    visited.saw("stranger", "mask-4", ago=MINUTE)
    answer = visited.ask("stranger", n=4)
    assert answer.personal
    assert "mask-5" in codes(answer)[:2]
    assert {item.source for item in answer.items} == {"this_visit"}


def test_evidence_is_of_this_visit_and_without_it_the_score_is_lower(visited: Bench) -> None:
    looks = ["soap-1", "soap-2", "cream-8"]
    for place, code in enumerate(looks):
        visited.saw("whole", code, ago=(5 - place) * MINUTE)
    shown = [one for one in visited.ask("whole", n=8).items if one.reason.evidence]
    assert len(shown) >= 4
    for number, item in enumerate(shown):
        assert len(item.reason.evidence) <= 3
        for place, code in enumerate(looks):
            if code not in item.reason.evidence:
                visited.saw(f"less-{number}", code, ago=(5 - place) * MINUTE)
        again = {one.id: one.score for one in visited.ask(f"less-{number}", n=36).items}
        assert again.get(item.id, 0.0) < item.score, item.id


def test_after_half_an_hour_a_visit_is_over(visited: Bench) -> None:
    visited.saw("gone", "mask-3", "mask-4", ago=MINUTE)
    assert {one.source for one in visited.ask("gone", n=3).items} == {"this_visit"}
    visited.later(timedelta(minutes=40))
    assert "this_visit" not in {one.source for one in visited.ask("gone", n=3).items}


def test_what_may_not_be_shown_leaves_the_list_full(visited: Bench) -> None:
    visited.saw("picky", "mask-3", ago=MINUTE)
    answer = visited.ask("picky", n=5, filter="brand = 'River'")
    assert [one.brand for one in answer.items] == ["River"] * 5
    assert answer.items[0].source == "this_visit"


def test_a_click_is_known_to_the_next_answer(visited: Bench) -> None:
    visited.saw("quick", "mask-3", ago=2 * MINUTE)
    before = codes(visited.ask("quick", n=5))
    visited.saw("quick", "soap-7", ago=MINUTE)
    after = visited.ask("quick", n=5)
    assert codes(after) != before
    assert sum(one.category == "soap" for one in after.items) >= 2


def test_visits_are_read_in_the_order_in_which_they_ended(bench: Bench) -> None:
    bench.catalogue()
    bench.saw("b", "soap-1", ago=100 * MINUTE)
    bench.saw("a", "mask-1", ago=110 * MINUTE)
    bench.saw("a", "mask-2", ago=95 * MINUTE)
    bench.saw("a", "mask-3", ago=10 * MINUTE)
    bench.saw("b", "soap-2", dwell_ms=500, ago=90 * MINUTE)
    visit, item = clicks_of_log(bench.store, bench.clock.now())
    wanted = [bench.number[code] for code in ("soap-1", "mask-1", "mask-2", "mask-3")]
    assert item.tolist() == wanted, "a bounce is no look"
    assert visit.tolist() == [0, 1, 1, 2]
    assert len(clicks_of_log(bench.store, bench.clock.now() - 99 * MINUTE)[0]) == 2


def test_the_card_says_how_visits_are_foreseen(visited: Bench, tmp_path: Path) -> None:
    held = visited.shop.shelf.get("taste-items")
    assert held is not None
    said = held.meta["card"]["visits"]
    assert said["way"] in ("learnt", "neighbours", "kin")
    assert said["cases"] > 0
    assert model(visited.shop).tables.guide is not None
    files = visited.shop.shelf.get("visits")
    assert files is not None
    np.testing.assert_array_equal(files.columns["item"], sorted(visited.number.values()))
