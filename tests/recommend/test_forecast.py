from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from benchmarks.worth.reasons import less
from tests.recommend.shops import DAY, Bench, codes, copied

from renwei.core.chance import u
from renwei.core.clock import to_us
from renwei.core.nouns import Event
from renwei.learn.taste.table import Asked
from renwei.recommend.answers import Context, RecommendAnswer, RecommendRequest
from renwei.recommend.forecast import Forecast, Ranker
from renwei.recommend.learning import LearnTaste, learn_taste
from renwei.recommend.model import model
from renwei.recommend.moment import moment, person_of
from renwei.recommend.pasts import rows_of, rows_of_log
from renwei.recommend.serving import chain_of
from renwei.recommend.surfaces import place_of


def ranker_of(shop: Bench) -> Ranker:
    found = model(shop.shop).tables.ranker
    assert found is not None
    return found


def forecast_of(shop: Bench, user: str) -> Forecast:
    ranker = ranker_of(shop)
    now = moment(shop.shop, person_of(shop.shop, user, ""), shop.clock.now())
    return ranker.forecast(now, "any", np.ones(len(ranker.items), bool))


def card_of(shop: Bench) -> dict[str, object]:
    held = shop.shop.shelf.get("taste-items")
    assert held is not None
    card: dict[str, object] = held.meta["card"]
    return card


def test_one_person_is_read_as_everybody_is(shop: Bench) -> None:
    shop.saw("u-4", "soap-5", "soap-5", "mask-2", dwell_ms=30_000)
    shop.did("u-4", "cart", "mask-2", ago=timedelta(minutes=3))
    shop.did("u-4", "unlike", "soap-1", ago=timedelta(minutes=2))
    whole = rows_of_log(shop.store, shop.clock.now())
    person = person_of(shop.shop, "u-4", "")
    own, alone = (
        whole.pick(whole.who == person),
        rows_of(moment(shop.shop, person, shop.clock.now())),
    )
    assert len(own) == len(alone) > 6
    for name in ("item", "at_us", "weight", "price", "goal"):
        columns = [
            getattr(rows, name)[np.lexsort((rows.goal, rows.weight, rows.item, rows.at_us))]
            for rows in (own, alone)
        ]
        np.testing.assert_array_equal(columns[0], columns[1], err_msg=name)


def test_an_order_counts_as_it_stands_and_a_closed_one_not_at_all(bench: Bench) -> None:
    bench.catalogue()
    kept, closed = bench.bought("a", ["soap-1", "soap-2"], 9), bench.bought("b", ["mask-1"], 8)
    bench.store.log.append([kept, closed], bench.clock.now())
    changes = [
        (kept, {"lines": kept.body["lines"][:1]}),
        (closed, {"status": "closed"}),
    ]
    for number, (event, change) in enumerate(changes):
        body = {**event.body, **change}
        message = bench.store.people.keyed(f"change-{number}")
        later = Event(event.actor, "order-change", bench.clock.now(), message, 0, 1, "CNY", body)
        bench.store.log.append([later], bench.clock.now())
    rows = rows_of_log(bench.store, bench.clock.now())
    assert rows.item.tolist() == [bench.number["soap-1"]]
    assert rows.at_us.tolist() == [to_us(kept.at)]


def test_what_serves_and_by_how_much_it_won_is_kept_with_the_model(shop: Bench) -> None:
    card = card_of(shop)
    assert card["ways"] == {"any": "blend", "discover": "blend"}
    trials = {(one["question"], one["way"]): one for one in card["trials"]}  # type: ignore[attr-defined]
    won = trials["any", "blend"]
    assert won["ndcg"] > trials["any", "crowd"]["ndcg"]
    assert 0 < won["low"] < won["gain"] < won["high"]
    assert (card["items"], card["people"]) == (len(ranker_of(shop).items), 90)


def test_where_nothing_beats_what_sells_what_sells_is_served(bench: Bench) -> None:
    """Everybody buys anything: there is nothing to learn of a person."""
    bench.catalogue()
    everything = sorted(bench.number)
    events = [
        bench.bought(f"u-{k}", [everything[int(u(k * 1_000 + day, "any") * 36)]], day + 0.5)
        for k in range(60)
        for day in range(0, 130, 13)
    ]
    bench.store.log.append(events, bench.clock.now())
    bench.learnt()
    bench.calm()
    assert card_of(bench)["ways"]["any"] == "crowd"  # type: ignore[index]
    answer = bench.ask("u-3", n=8)
    assert {item.source for item in answer.items} <= {"popular", "new"}
    assert not answer.personal
    # What somebody looks at now is another matter: it needs no proof from purchases.
    bench.saw("u-3", "soap-5", ago=timedelta(minutes=1))
    assert bench.ask("u-3", n=8).personal


def test_a_shop_that_is_too_young_to_compare_has_no_ranker_and_says_why(bench: Bench) -> None:
    bench.catalogue()
    bench.store.log.append([bench.bought("a", ["soap-1"], 2)], bench.clock.now())
    learn_taste(bench.shop, LearnTaste(at=bench.clock.now()))
    assert model(bench.shop).tables.ranker is None
    assert card_of(bench)["why"] == "few_purchases"
    assert bench.ask("a", n=4).items


def test_evidence_is_at_most_three_and_asking_again_without_it_gives_the_share(shop: Bench) -> None:
    resting = shown = 0
    for k in range(0, 60, 4):
        for item in shop.ask(f"u-{k}", n=8).items:
            shown += 1
            if item.source != "foreseen" or not item.reason.evidence:
                continue
            resting += 1
            assert len(item.reason.evidence) <= 3
            assert 0 < item.reason.share <= 1
            assert (item.reason.code == "bought_before") == (item.id in item.reason.evidence)
    # Who keeps to one sort has bought all of it: taking three away often changes nothing.
    assert resting >= 0.4 * shown


def test_had_the_evidence_never_been_bought_the_whole_chain_scores_the_item_lower(
    shop: Bench,
) -> None:
    tried = 0
    for user in ("u-6", "u-13", "u-44"):
        now = moment(shop.shop, person_of(shop.shop, user, ""), shop.clock.now())
        for item in shop.ask(user, n=12).items:
            if item.reason.evidence:
                tried += 1
                gone = {shop.number[code] for code in item.reason.evidence}
                request = RecommendRequest(surface="home", n=12, context=Context())
                place, _ = place_of(shop.shop, "home")
                judged = chain_of(shop.shop, request, place, (less(now, gone), False)).judged
                at = judged.places.get(shop.number[item.id])
                assert at is None or judged.total[at] < item.score, (user, item.id)
    assert tried >= 6


def test_several_asked_at_once_are_what_each_is_alone(shop: Bench) -> None:
    together, alone = forecast_of(shop, "u-9"), forecast_of(shop, "u-9")
    assert together is alone, "nothing new was known"
    ranker = ranker_of(shop)
    fresh = [Forecast(ranker, together.asked, "any", together.keep) for _ in range(2)]
    wanted = [(item, frozenset(together.parts(item))) for item in together.items[:6].tolist()]
    fresh[0].ask(wanted)
    for item, gone in wanted:
        assert fresh[0].without(item, gone) == pytest.approx(fresh[1].without(item, gone), rel=1e-5)
        assert fresh[1].without(item, frozenset()) == pytest.approx(together.of(item), rel=1e-5)


def test_a_purchase_is_known_at_once_also_of_somebody_new(shop: Bench) -> None:
    before = codes(shop.ask("new-one", n=6))
    shop.store.log.append([shop.bought("new-one", ["soap-3", "soap-4"], 0.001)], shop.clock.now())
    after = shop.ask("new-one", n=6)
    assert codes(after) != before
    assert {item.category for item in after.items[:4]} == {"soap"}


def test_a_filter_changes_who_is_shown_and_not_how_well_they_fit(shop: Bench) -> None:
    whole = {item.id: item.score for item in shop.ask("u-2", n=30).items}
    some = shop.ask("u-2", n=5, filter="brand = 'River'")
    assert len(some.items) == 5
    for item in some.items:
        assert item.score == pytest.approx(whole[item.id], rel=0.05)


def test_forgetting_everybody_s_estimates_takes_the_ranker_away(shop: Bench) -> None:
    assert isinstance(forecast_of(shop, "u-1").asked, Asked)
    shop.shop.shelf.drop()
    assert model(shop.shop).tables.ranker is None
    assert shop.ask("u-1", n=4).items


def _best(answer: RecommendAnswer, category: str) -> float:
    return max(item.score for item in answer.items if item.category == category)


def test_a_file_of_an_old_year_is_judged_as_of_its_last_day(
    grown: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    """Fifteen years later, with not an event since, lists are what they were."""
    now, late = copied(grown, tmp_path / "now"), copied(grown, tmp_path / "late")
    late.later(15 * 365 * DAY)
    late.learnt()
    assert card_of(late)["ways"] == card_of(now)["ways"]
    same = 0
    for k in range(0, 30, 3):
        fresh, old = now.ask(f"u-{k}", n=6), late.ask(f"u-{k}", n=6)
        assert old.personal
        same += len(set(codes(fresh)) & set(codes(old)))
    assert same >= 50, "of sixty places"
    # Who comes back is known as anybody who bought something new, not as somebody long gone.
    before = _best(late.ask("u-0", n=36), "soap")
    for made in (now, late):
        made.store.log.append([made.bought("u-0", ["soap-3", "soap-4"], 0.001)], made.clock.now())
    fresh, old = now.ask("u-0", n=6), late.ask("u-0", n=6)
    assert len(set(codes(fresh)) & set(codes(old))) >= 4
    assert _best(late.ask("u-0", n=36), "soap") > before
    now.store.close()
    late.store.close()


def test_an_order_that_changes_changes_what_is_foreseen(shop: Bench) -> None:
    event = shop.bought("changed", ["soap-3", "soap-4", "mask-1"], 1)
    shop.store.log.append([event], shop.clock.now())
    before = {item.id: item.score for item in shop.ask("changed", n=36).items}
    body = {**event.body, "lines": event.body["lines"][2:]}
    message = shop.store.people.keyed("change-of-changed")
    later = Event(event.actor, "order-change", shop.clock.now(), message, 0, 1, "CNY", body)
    shop.store.log.append([later], shop.clock.now())
    after = {item.id: item.score for item in shop.ask("changed", n=36).items}
    assert after.get("soap-3", 0.0) < before["soap-3"]
