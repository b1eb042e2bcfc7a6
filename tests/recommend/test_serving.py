from __future__ import annotations

from datetime import timedelta

import pytest
from tests.recommend.shops import DAY, EACH, Bench, codes

from renwei.core.decide import replays
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Consent, ConsentState, Item
from renwei.recommend.goods import goods
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set


def test_two_people_with_different_pasts_get_different_lists_each_item_with_a_reason(
    shop: Bench,
) -> None:
    cream, mask = shop.ask("u-0", n=6), shop.ask("u-1", n=6)
    assert codes(cream) != codes(mask)
    assert sum(item.category == "cream" for item in cream.items) >= 4
    assert sum(item.category == "mask" for item in mask.items) >= 4
    for item in (*cream.items, *mask.items):
        assert item.reason.text
        assert item.reason.evidence or item.reason.code in ("popular", "new")
    assert cream.personal


def test_the_next_answer_knows_the_last_click(shop: Bench) -> None:
    before = codes(shop.ask("guest", n=6))
    shop.saw("guest", "soap-5", "soap-6", "soap-7", ago=timedelta(minutes=1))
    after = shop.ask("guest", n=6)
    assert codes(after) != before
    assert sum(item.category == "soap" for item in after.items) >= 4


def test_a_bounce_speaks_for_less_than_a_long_look(shop: Bench) -> None:
    shop.saw("brief", "soap-5", dwell_ms=900, ago=timedelta(minutes=1))
    shop.saw("long", "soap-5", dwell_ms=60_000, ago=timedelta(minutes=1))

    def score(user: str) -> float:
        answer = shop.ask(user, n=36, explain=True)
        spoken = {one.id: one.by_source for one in answer.spoken}
        return spoken.get("soap-5", {}).get("looked_at", 0.0)

    assert score("brief") < 0.2 * score("long")


def test_evidence_is_at_most_three_items_and_without_it_the_score_is_lower(shop: Bench) -> None:
    for k in range(0, 30, 3):
        for item in shop.ask(f"u-{k}", n=10).items:
            assert len(item.reason.evidence) <= 3
            if item.reason.evidence:
                assert 0 < item.reason.share <= 1


def test_without_the_cited_events_the_whole_chain_scores_the_item_lower(
    bench: Bench, shop: Bench
) -> None:
    looks = ["soap-1", "soap-4", "mask-2", "cream-7"]
    shop.saw("whole", *looks, ago=timedelta(minutes=5))
    shown = [item for item in shop.ask("whole", n=12).items if item.reason.evidence]
    assert len(shown) >= 6
    for k, item in enumerate(shown):
        rest = [code for code in looks if code not in item.reason.evidence]
        assert len(rest) < len(looks)
        shop.saw(f"less-{k}", *rest, ago=timedelta(minutes=5))
        again = {one.id: one.score for one in shop.ask(f"less-{k}", n=36).items}
        assert again.get(item.id, 0.0) < item.score, item.id


def test_what_may_not_be_shown_never_is(shop: Bench) -> None:
    shop.items(
        Item(0, "product", "cream-0", "Cream A", "cream", 1_000, "CNY", {"stock": 0}),
        Item(0, "product", "cream-1", "Cream B", "cream", 1_000, "CNY", {"available": False}),
        Item(0, "product", "cream-2", "Cream C", "cream", 1_000, "CNY", {"gone": "2026-05-01"}),
    )
    for user in ("", "u-0", "u-3", "u-6"):
        shown = codes(shop.ask(user, n=36))
        assert shown
        assert not {"cream-0", "cream-1", "cream-2"} & set(shown)


def test_a_new_item_can_be_shown_at_once(shop: Bench) -> None:
    seen = {"brand": "River", "stock": 5, "first_seen": "2026-06-01T01:00:00+00:00"}
    shop.items(Item(0, "product", "cream-new", "Cream Z", "cream", 900, "CNY", seen))
    assert "cream-new" in codes(shop.ask("", n=36))
    alone = shop.ask("u-0", n=36, filter="price < 10")
    assert codes(alone) == ["cream-new"]


def test_a_filter_is_applied_before_the_cut_so_that_the_list_is_full(shop: Bench) -> None:
    answer = shop.ask("u-0", n=10, filter="brand = 'River' and price <= 17")
    assert len(answer.items) == 10
    assert all(item.brand == "River" and item.price_minor <= 1_700 for item in answer.items)


def test_a_wrong_filter_says_where_and_what_was_meant(shop: Bench) -> None:
    with pytest.raises(BadInput) as fault:
        shop.ask("u-0", filter="stock > 0 and prise < 3")
    assert fault.value.code == "bad_filter"
    assert (fault.value.values["position"], fault.value.values["suggestion"]) == (15, "price")


def test_excluded_items_stay_away_and_are_told_as_removed(shop: Bench) -> None:
    first = codes(shop.ask("u-0", n=5))
    answer = shop.ask("u-0", n=5, exclude_ids=[*first[:2], "never-heard-of"], explain=True)
    assert not set(first[:2]) & set(codes(answer))
    excluded = {one.id for one in answer.removed if one.guard == "excluded"}
    assert excluded == set(first[:2])


def test_not_interested_holds(shop: Bench) -> None:
    first = codes(shop.ask("u-0", n=3))[0]
    shop.did("u-0", "unlike", first)
    assert first not in codes(shop.ask("u-0", n=20))
    shop.later(20 * DAY)
    assert first not in codes(shop.ask("u-0", n=20))


def test_what_was_bought_and_is_not_bought_again_stays_away(shop: Bench) -> None:
    items = {row.code: row for row in goods(shop.store).items}
    told = [
        Item(0, "product", f"cream-{k}", items[f"cream-{k}"].title, "cream", 1_000, "CNY",
             {**items[f"cream-{k}"].facts, "repeat": "no"})
        for k in range(EACH)
    ]  # fmt: skip
    shop.items(*told)
    bought = {
        goods(shop.store).items[goods(shop.store).rows([line[0]])[0]].code
        for purchase in _purchases(shop, "u-0")
        for line in purchase
    }
    assert bought
    assert not bought & set(codes(shop.ask("u-0", n=36)))
    again = set(codes(shop.ask("u-0", n=36, surface="again")))
    assert again
    assert again <= bought


def _purchases(shop: Bench, user: str) -> list[list[list[int]]]:
    events = shop.store.log.of([shop.who(user)], kinds=["order"])
    return [list(event.body["lines"]) for event in events]


def test_similar_is_of_the_same_sort_and_never_the_item_itself(shop: Bench) -> None:
    answer = shop.ask("", surface="product", item_id="mask-3", n=5)
    assert "mask-3" not in codes(answer)
    assert [item.category for item in answer.items] == ["mask"] * 5
    assert answer.items[0].reason.evidence == ["mask-3"]


def test_a_similar_list_works_for_an_item_that_nobody_ever_took(shop: Bench) -> None:
    shop.items(Item(0, "product", "mask-new", "Mask Z clay", "mask", 900, "CNY", {"stock": 5}))
    shop.learnt()
    answer = shop.ask("", surface="product", item_id="mask-new", n=4)
    assert [item.category for item in answer.items] == ["mask"] * 4


def test_an_unknown_person_gets_what_is_popular_and_the_answer_says_so(shop: Bench) -> None:
    answer = shop.ask("never-seen", n=8)
    assert len(answer.items) == 8
    assert not answer.personal
    assert {item.reason.code for item in answer.items} <= {"popular", "new"}


def test_whoever_said_no_to_profiling_gets_nothing_personal(shop: Bench) -> None:
    actor = shop.who("u-0")
    assert shop.ask("u-0", n=8).personal
    at = shop.clock.now() - DAY
    said = Consent("profiling", "*", ConsentState.WITHDRAWN, at, "test")
    shop.store.people.state_consent(actor, [said])
    answer = shop.ask("u-0", n=8)
    assert not answer.personal
    assert len(answer.items) == 8


def test_those_held_out_get_what_is_popular_always_the_same_people(shop: Bench) -> None:
    for name in ("home",):
        surfaces_set(shop.shop, SurfaceRequest(name=name, place={"holdout": 0.5}))
    first = {k: shop.ask(f"u-{k}", n=4).holdout for k in range(60)}
    assert first == {k: shop.ask(f"u-{k}", n=4).holdout for k in range(60)}
    # Of 60 people each with chance 1/2: outside of 12..48 about once in 10 million shops.
    assert 12 <= sum(first.values()) <= 48
    held = next(k for k, out in first.items() if out)
    assert not shop.ask(f"u-{held}", n=4).personal


def test_no_more_of_one_sort_than_the_surface_wants(shop: Bench) -> None:
    place = {"per_category": 2, "per_brand": 4}
    surfaces_set(shop.shop, SurfaceRequest(name="home", place=place))
    items = shop.ask("u-0", n=6).items
    for name, most in (("category", 2), ("brand", 4)):
        values = [getattr(item, name) for item in items]
        assert max(values.count(value) for value in values) <= most


def test_variety_brings_more_sorts_and_never_an_item_twice(shop: Bench) -> None:
    plain, varied = shop.ask("u-0", n=8), shop.ask("u-0", n=8, diversity=0.8)
    assert len({i.category for i in varied.items}) > len({i.category for i in plain.items})
    assert len(set(codes(varied))) == 8


def test_a_playlist_starts_near_the_last_item_and_keeps_an_artist_apart(shop: Bench) -> None:
    songs = [
        Item(
            0,
            "song",
            f"song-{k}",
            f"Song {k}",
            f"genre-{k % 2}",
            0,
            "",
            {"artist": f"artist-{k % 4}"},
        )
        for k in range(16)
    ]
    shop.items(*songs)
    shop.learnt()
    artists = {song.code: str(song.facts["artist"]) for song in songs}
    for start in ("song-0", "song-5"):
        order = codes(shop.ask("", surface="playlist", item_id=start, n=10))
        assert start not in order
        told = [artists[code] for code in (start, *order)]
        assert all(len(set(told[k : k + 3])) == 3 for k in range(len(told) - 2)), told


def test_a_kind_is_only_shown_where_it_belongs(shop: Bench) -> None:
    shop.items(Item(0, "coupon", "off-10", "10 off", "", 0, "", {}))
    assert "off-10" not in codes(shop.ask("u-0", n=100))
    surfaces_set(shop.shop, SurfaceRequest(name="wallet", place={"kinds": ["coupon"]}))
    assert codes(shop.ask("u-0", surface="wallet")) == ["off-10"]


def test_an_empty_catalogue_answers_with_an_empty_list_and_its_reason(bench: Bench) -> None:
    answer = bench.ask("u-0")
    assert answer.items == []
    assert answer.reason is not None
    assert answer.reason.code == "empty_catalogue"
    assert bench.store.ledger.get(answer.decision_id) is not None


def test_fewer_items_than_asked_say_why(shop: Bench) -> None:
    answer = shop.ask("u-0", n=50, filter="category = 'soap'")
    assert len(answer.items) == EACH
    assert answer.reason is not None
    assert answer.reason.code == "few_left"
    nothing = shop.ask("u-0", filter="price > 1000000").reason
    assert nothing is not None
    assert nothing.code == "nothing_passes"


def test_an_unknown_surface_or_mode_is_named(shop: Bench) -> None:
    with pytest.raises(UnknownName) as fault:
        shop.ask("u-0", surface="hoem")
    assert fault.value.values["suggestion"] == "home"
    with pytest.raises(BadInput) as fault2:
        shop.ask("u-0", mode="best")
    assert fault2.value.code == "bad_mode"


def test_every_answer_is_recorded_and_draws_again_the_same(shop: Bench) -> None:
    surfaces_set(shop.shop, SurfaceRequest(name="home", place={"explore": 0.3, "diversity": 0.4}))
    for k in range(20):
        answer = shop.ask(f"u-{k}", n=6)
        decision = shop.store.ledger.get(answer.decision_id)
        assert decision is not None
        assert replays(decision) == "same"
        assert [item.propensity for item in answer.items] == list(decision.odds)


def test_a_visit_keeps_its_draws(shop: Bench) -> None:
    surfaces_set(shop.shop, SurfaceRequest(name="home", place={"explore": 1.0}))
    same = {tuple(codes(shop.ask("u-0", n=6, session_id="s-1"))) for _ in range(5)}
    assert len(same) == 1
    others = {tuple(codes(shop.ask("u-0", n=6, session_id=f"v-{k}"))) for k in range(5)}
    assert len(others) > 1


def test_where_somebody_came_in_counts_as_a_look(shop: Bench) -> None:
    plain = shop.ask("", n=6)
    landed = shop.ask("", n=6, context={"landing_item_id": "soap-3"})
    soaps = [sum(item.category == "soap" for item in one.items) for one in (plain, landed)]
    assert soaps[1] > soaps[0]


def test_later_events_change_nothing_before_their_time(shop: Bench) -> None:
    before = codes(shop.ask("u-2", n=8))
    shop.saw("u-2", "cream-3", "cream-4", ago=-DAY)
    assert codes(shop.ask("u-2", n=8)) == before


def test_a_burst_of_looks_does_not_take_over(shop: Bench) -> None:
    """From the twenty-first on, a look at the same thing says nothing more."""

    def shown() -> list[tuple[str, float]]:
        return [(item.id, item.score) for item in shop.ask("u-1", n=20).items]

    shop.saw("u-1", *["soap-4"] * 20, ago=timedelta(minutes=1))
    enough = shown()
    shop.saw("u-1", *["soap-4"] * 280, ago=timedelta(minutes=1))
    assert shown() == enough
    assert any(code.startswith("mask") for code, _ in enough)
