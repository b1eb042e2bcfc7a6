from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.recommend.shops import SORTS, Bench, codes, copied, to_us

from renwei.core.chance import u
from renwei.core.nouns import Event
from renwei.people.rights import ForgetRequest, forget
from renwei.recommend import attraction
from renwei.recommend.answers import Context, RecommendAnswer
from renwei.recommend.attraction import TABLE, attracting, learn_attraction, shown_lately
from renwei.recommend.goods import goods
from renwei.recommend.learning import LearnTaste, learn_taste
from renwei.recommend.seen import VISIT
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set

META = {"as_of": "", "position": 0, "model": "", "program": ""}
PEOPLE, LISTS, LENGTH = 90, 900, 8
DULL = frozenset(f"{sort}-{k}" for sort in SORTS for k in (0, 1, 4, 7, 10))
"""What nobody clicks, though it is bought and so stands high."""
MINUTE = timedelta(minutes=1)


def wants(code: str) -> float:
    return 0.05 if code in DULL else 0.9


def answered(
    made: Bench, who: str, answer: RecommendAnswer, item: str, kind: str = "view"
) -> Event:
    """Somebody answers a list."""
    return made.event(who, kind, item, decision=answer.decision_id)


def strolls(made: Bench, lists: int, *, begin: int = 0) -> None:
    """People look at lists from the top, the lower the less, and click what they want."""
    events: list[Event] = []
    for k in range(begin, begin + lists):
        who = f"u-{k % PEOPLE}"
        answer = made.ask(who, n=LENGTH)
        for place, code in enumerate(codes(answer)):
            if u(k, "click", place) < wants(code) / (1 + place):
                events.append(answered(made, who, answer, code))
        made.later(MINUTE)
    made.store.log.append(events, made.clock.now())


@pytest.fixture(scope="module")
def walked(
    grown: tuple[Path, dict[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, int]]:
    """A shop where people were shown lists for a while; nothing was learnt from that yet."""
    folder = tmp_path_factory.mktemp("walked")
    made = copied(grown, folder)
    surfaces_set(made.shop, SurfaceRequest(name="home", place={"explore": 0.1, "seen": 0}))
    with made.store.gathering():
        strolls(made, LISTS)
    surfaces_set(made.shop, SurfaceRequest(name="home", place={"explore": 0.0}))
    made.store.close()
    return folder / "copy", grown[1]


@pytest.fixture
def busy(walked: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    """A copy of it, with its time."""
    made = copied((walked[0], walked[1]), tmp_path)
    made.later(LISTS * MINUTE)
    made.count = 2_000_000
    yield made
    made.store.close()


def learnt(made: Bench) -> dict[str, Any]:
    return learn_attraction(made.shop, made.clock.now(), META)


def without(made: Bench, user: str, **fields: Any) -> RecommendAnswer:
    """What would be shown had nothing been learnt of attraction."""
    held = made.shop.shelf.get(TABLE)
    assert held is not None
    made.shop.shelf.put(TABLE, dict(held.columns), {**held.meta, "serves": False})
    found = made.ask(user, **fields)
    made.shop.shelf.put(TABLE, dict(held.columns), dict(held.meta))
    return found


@pytest.mark.slow
def test_what_stands_high_and_is_not_clicked_sinks_in_everybodys_list(busy: Bench) -> None:
    learn_taste(busy.shop, LearnTaste(at=busy.clock.now()))
    held = busy.shop.shelf.get(TABLE)
    assert held is not None
    assert held.meta["serves"]
    assert held.meta["low"] > 0
    card = busy.shop.shelf.get("taste-items")
    assert card is not None
    assert card.meta["card"]["attraction"]["gain"] == held.meta["gain"]
    dull = {True: 0, False: 0}
    for k in range(30):
        for serves, answer in (
            (True, busy.ask(f"u-{k}", n=LENGTH)),
            (False, without(busy, f"u-{k}", n=LENGTH)),
        ):
            dull[serves] += sum(1 for code in codes(answer)[:4] if code in DULL)
    assert dull[True] < 0.7 * dull[False]


def test_the_factors_are_bounded_and_tell_dull_from_wanted(busy: Bench) -> None:
    said = learnt(busy)
    held = busy.shop.shelf.get(TABLE)
    assert held is not None
    factor = dict(zip(held.columns["item"].tolist(), held.columns["factor"].tolist(), strict=True))
    assert all(0.5 <= one <= 2 for one in factor.values())
    sides = {
        dull: np.mean([factor[busy.number[c]] for c in busy.number
                       if (c in DULL) is dull and busy.number[c] in factor])
        for dull in (True, False)
    }  # fmt: skip
    assert sides[True] < 0.8
    assert sides[False] > 1
    (home,) = said["examination"]
    assert home["surface"] == "home"
    assert home["curve"][0] == 1
    assert home["curve"] == sorted(home["curve"], reverse=True)
    assert home["curve"][-1] < 0.4, "the last place is looked at an eighth as often as the first"


def test_a_score_is_its_score_times_the_factor_and_adds_up_by_source(busy: Bench) -> None:
    learnt(busy)
    factor = attracting(busy.shop, goods(busy.store))
    assert factor is not None
    one, other = (
        {item.id: item.score for item in answer.items}
        for answer in (busy.ask("u-3", n=36), without(busy, "u-3", n=36))
    )
    rows = {code: row for row, code in enumerate(goods(busy.store).code)}
    shared = one.keys() & other.keys()
    assert len(shared) > 20
    for code in shared:
        assert one[code] == pytest.approx(other[code] * factor[rows[code]], abs=2 / 1024)
    answer = busy.ask("u-3", n=12, explain=True)
    spoken = {each.id: sum(each.by_source.values()) for each in answer.spoken}
    for item in answer.items:
        assert spoken[item.id] == pytest.approx(item.score, abs=0.02)


def test_reasons_stay_true_where_factors_serve(busy: Bench) -> None:
    """Had the cited looks never been, the whole chain would score the item lower."""
    learnt(busy)
    assert attracting(busy.shop, goods(busy.store)) is not None
    looks = ["soap-1", "soap-4", "mask-2", "cream-7"]
    busy.saw("whole", *looks, ago=timedelta(minutes=5))
    shown = [item for item in busy.ask("whole", n=12).items if item.reason.evidence]
    assert len(shown) >= 6
    for k, item in enumerate(shown):
        assert 0 < item.reason.share <= 1
        rest = [code for code in looks if code not in item.reason.evidence]
        busy.saw(f"less-{k}", *rest, ago=timedelta(minutes=5))
        again = {one.id: one.score for one in busy.ask(f"less-{k}", n=36).items}
        assert again.get(item.id, 0.0) < item.score, item.id


def test_reasons_name_the_same_evidence_and_share_with_and_without_a_factor(busy: Bench) -> None:
    learnt(busy)
    compared = 0
    for user in ("u-1", "u-5", "u-8"):
        one, other = (
            {item.id: item.reason for item in answer.items}
            for answer in (busy.ask(user, n=20), without(busy, user, n=20))
        )
        for code in one.keys() & other.keys():
            compared += 1
            assert one[code].evidence == other[code].evidence
            assert one[code].share == pytest.approx(other[code].share, abs=2e-4)
    assert compared > 20


def test_whoever_is_held_out_gets_what_they_got_before(busy: Bench) -> None:
    learnt(busy)
    surfaces_set(busy.shop, SurfaceRequest(name="home", place={"holdout": 1.0}))
    for user in ("u-1", "u-2", "u-40"):
        one, other = busy.ask(user, n=12), without(busy, user, n=12)
        assert one.holdout
        assert [(i.id, i.score) for i in one.items] == [(i.id, i.score) for i in other.items]


def test_a_factor_in_force_is_divided_out_before_anything_is_learnt_anew(busy: Bench) -> None:
    """Otherwise it would foresee its own success: scores are those of a shop without it."""
    learnt(busy)
    busy.later(MINUTE)
    at_us = to_us(busy.clock.now())
    served = {item.id: item.score for item in busy.ask("u-3", n=LENGTH).items}
    busy.later(MINUTE)
    plain = {item.id: item.score for item in without(busy, "u-3", n=36).items}
    learnt(busy)
    rows, _ = shown_lately(busy.shop, busy.clock.now())
    own = rows.pick((rows.at_us == at_us) & (rows.person == busy.who("u-3")))
    scores = dict(zip(own.item.tolist(), (own.score / 1024).tolist(), strict=True))
    assert any(abs(served[code] / plain[code] - 1) > 0.05 for code in served)
    for code in served:
        assert scores[busy.number[code]] == pytest.approx(plain[code], rel=1e-3, abs=0.01)


def test_learning_twice_from_the_same_lists_says_the_same(busy: Bench) -> None:
    assert learnt(busy) == learnt(busy)


@pytest.mark.slow
def test_it_goes_on_serving_where_it_served_what_people_were_shown(busy: Bench) -> None:
    learnt(busy)
    busy.later(MINUTE)
    with busy.store.gathering():
        strolls(busy, 300, begin=LISTS)
    again = learnt(busy)
    assert again["serves"]
    assert again["impressions"] == (LISTS + 300) * LENGTH


def test_of_a_forgotten_person_nothing_is_learnt(busy: Bench) -> None:
    before, _ = shown_lately(busy.shop, busy.clock.now())
    gone = busy.who("u-4")
    assert gone in before.person
    forget(busy.shop, ForgetRequest(person="u-4"))
    after, _ = shown_lately(busy.shop, busy.clock.now())
    assert gone not in after.person
    assert len(after) == len(before) - int((before.person == gone).sum())
    assert 0 not in after.person


def test_two_names_of_one_person_are_one(busy: Bench) -> None:
    rows, _ = shown_lately(busy.shop, busy.clock.now())
    one, other = busy.who("u-5"), busy.who("u-6")
    busy.store.people.merge(one, other, reason="test", at=busy.clock.now())
    merged, _ = shown_lately(busy.shop, busy.clock.now())
    assert len(np.unique(merged.person)) == len(np.unique(rows.person)) - 1
    assert (len(merged), merged.clicks) == (len(rows), rows.clicks)


def one_list(made: Bench, who: str = "u-1") -> RecommendAnswer:
    return made.ask(who, n=4)


def test_only_what_the_same_person_did_with_an_item_of_the_list_counts(shop: Bench) -> None:
    answer = one_list(shop)
    shown = codes(answer)
    stranger = next(code for code in shop.number if code not in shown)
    other = f"{answer.decision_id[:-4]}0000"
    shop.store.log.append(
        [
            answered(shop, "u-2", answer, shown[0]),
            answered(shop, "u-1", answer, stranger),
            answered(shop, "u-1", answer, shown[1], "like"),
            shop.event("u-1", "view", shown[2], decision=other),
            shop.event("u-1", "view", shown[2], decision=answer.decision_id, flood=True),
            shop.event("u-1", "view", shown[2]),
        ],
        shop.clock.now(),
    )
    rows, _ = shown_lately(shop.shop, shop.clock.now())
    assert (len(rows), rows.clicks) == (4, 0)
    shop.store.log.append([answered(shop, "u-1", answer, shown[2], "cart")], shop.clock.now())
    rows, _ = shown_lately(shop.shop, shop.clock.now())
    assert rows.item[rows.clicked].tolist() == [shop.number[shown[2]]]
    assert rows.position[rows.clicked].tolist() == [2]


def test_looks_of_the_team_and_of_nobody_are_no_impressions(shop: Bench) -> None:
    shop.ask("u-1", n=4, context=Context(session_id=VISIT))
    shop.ask("", n=4)
    rows, _ = shown_lately(shop.shop, shop.clock.now())
    assert len(rows) == 0


def test_where_an_app_reports_what_came_into_sight_only_that_was_shown(shop: Bench) -> None:
    first, second = one_list(shop), one_list(shop, "u-2")
    shown = codes(first)
    shop.store.log.append(
        [
            *(answered(shop, "u-1", first, code, "shown") for code in shown[:2]),
            answered(shop, "u-1", first, shown[0]),
        ],
        shop.clock.now(),
    )
    rows, _ = shown_lately(shop.shop, shop.clock.now())
    assert rows.item.tolist() == [shop.number[code] for code in shown[:2]]
    # One that reports nothing of most of what is clicked does not report.
    answers = [one_list(shop, f"u-{k}") for k in (3, 4, 5)]
    shop.store.log.append(
        [
            answered(shop, f"u-{k}", one, codes(one)[0])
            for k, one in zip((3, 4, 5), answers, strict=True)
        ],
        shop.clock.now(),
    )
    rows, _ = shown_lately(shop.shop, shop.clock.now())
    assert len(rows) == 5 * 4
    assert second.decision_id != first.decision_id


def test_lists_older_than_sixty_days_are_not_read_and_the_newest_are_kept(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_list(shop)
    shop.later(timedelta(days=61))
    answers = []
    for _ in range(6):
        shop.later(timedelta(hours=7))
        answers.append(one_list(shop))
    rows, surfaces = shown_lately(shop.shop, shop.clock.now())
    assert len(rows) == 24
    assert surfaces == ["home"]
    monkeypatch.setattr(attraction, "MOST", 10)
    newest, _ = shown_lately(shop.shop, shop.clock.now())
    assert len(newest) == 10
    assert newest.at_us.min() >= np.sort(rows.at_us)[-12]


def test_a_shop_that_showed_nothing_serves_as_before_and_says_why(shop: Bench) -> None:
    said = learnt(shop)
    assert said["verdict"] == "few_clicks"
    assert (said["impressions"], said["clicks"], said["serves"]) == (0, 0, False)
    assert attracting(shop.shop, goods(shop.store)) is None
    assert shop.ask("u-1", n=4).items


def test_an_item_that_came_since_has_no_factor_and_a_lost_shelf_has_none(busy: Bench) -> None:
    from renwei.core.nouns import Item

    learnt(busy)
    busy.items(Item(0, "product", "late", "Late", "soap", 900, "CNY", {"stock": 5}))
    stock = goods(busy.store)
    factor = attracting(busy.shop, stock)
    assert factor is not None
    assert factor[stock.row_of("late")] == 1
    assert attracting(busy.shop, stock) is factor, "worked out once"
    busy.shop.shelf.drop()
    assert attracting(busy.shop, stock) is None
