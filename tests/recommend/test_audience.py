"""Goods find people: the right ones first, a range, a true reason, and nobody against their word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.recommend.shops import AT, DAY, Bench, copied

from renwei.core.chance import from_id, u_many
from renwei.core.errors import UnknownName
from renwei.core.nouns import Consent, ConsentState, Item
from renwei.core.tallies import Tally
from renwei.people.learning import Learn, learn
from renwei.recommend.audience import audience_for, learn_audience
from renwei.recommend.audience_answers import AudienceForAnswer, AudienceForRequest, LearnAudience

GIVEN, WITHDRAWN = ConsentState.GIVEN, ConsentState.WITHDRAWN
PEOPLE = 240


def asked(bench: Bench, code: str, **fields: Any) -> AudienceForAnswer:
    return audience_for(bench.shop, AudienceForRequest(id=code, **fields))


def states(bench: Bench, who: str, state: ConsentState, **more: str) -> None:
    """Somebody's word."""
    purpose, channel = more.get("purpose", "marketing"), more.get("channel", "*")
    said = Consent(purpose, channel, state, AT - DAY, "form", "")
    bench.store.people.state_consent(bench.who(who), [said])


def sort_of(name: str) -> str:
    """What a person of the crowd keeps to."""
    return ("cream", "mask", "soap")[int(name.removeprefix("u-")) % 3]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A shop of 240 people in three sorts, learnt."""
    folder = tmp_path_factory.mktemp("wanting")
    made = Bench(folder)
    made.catalogue()
    made.crowd(PEOPLE)
    learn(made.shop, Learn(at=AT))
    learn_audience(made.shop, LearnAudience(at=AT))
    made.store.close()
    return folder, made.number


@pytest.fixture
def town(crowded: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    made = copied(crowded, tmp_path)
    yield made
    made.store.close()


def test_people_who_buy_its_like_come_first_with_a_chance_and_a_reason(town: Bench) -> None:
    found = asked(town, "cream-3", n=60)
    assert (found.item.id, found.new, found.considered) == ("cream-3", False, PEOPLE)
    assert found.way in ("category", "signs")
    assert [one.rank for one in found.people] == list(range(1, 61))
    chances = [one.chance for one in found.people if one.chance is not None]
    assert len(chances) == 60
    assert chances == sorted(chances, reverse=True)
    assert {sort_of(one.name) for one in found.people} == {"cream"}
    for one in found.people:
        assert 1 <= len(one.reason.evidence) <= 3
        assert all(cited.id.startswith("cream-") for cited in one.reason.evidence)
        assert all(cited.title in one.reason.text for cited in one.reason.evidence)


def test_a_reason_names_what_the_person_really_bought(town: Bench) -> None:
    held = town.shop.shelf.get("purchases")
    assert held is not None
    pairs = set(zip(held.columns["person"].tolist(), held.columns["item"].tolist(), strict=True))
    for code in ("cream-3", "soap-0", "mask-11"):
        for one in asked(town, code, n=100).people:
            for cited in one.reason.evidence:
                assert (from_id(one.person), town.number[cited.id]) in pairs
            assert one.reason.code in ("own", "near", "alike", "category", "brand", "lively")
            assert bool(one.reason.evidence) == (one.reason.code != "lively")


def test_buyers_are_expected_among_50_100_200_whatever_is_listed(town: Bench) -> None:
    few, many = asked(town, "soap-0", n=5), asked(town, "soap-0", n=200)
    assert few.expected == many.expected
    assert [one.first for one in many.expected] == [50, 100, 200]
    for one in many.expected:
        assert 0 <= one.low <= one.buyers <= one.high <= one.first
    buyers = [one.buyers for one in many.expected]
    assert buyers == sorted(buyers)
    told = [one.chance or 0.0 for one in many.people[:50]]
    assert sum(told) == pytest.approx(buyers[0], abs=0.01)
    assert 0.5 <= many.intervals_held <= 1.0


def test_a_small_shop_is_told_of_as_many_as_there_are(bench: Bench) -> None:
    bench.catalogue()
    bench.crowd(42)
    learn(bench.shop, Learn(at=AT))
    found = asked(bench, "cream-0")
    assert len(found.people) == found.considered == 42
    assert [one.first for one in found.expected] in ([42], [])


def test_unknown_consent_is_not_yes(town: Bench) -> None:
    states(town, "u-0", GIVEN)
    states(town, "u-3", WITHDRAWN)
    states(town, "u-6", GIVEN, channel="sms")
    by_name = {one.name: one for one in asked(town, "cream-1", n=240).people}
    yes, no, sms, unsaid = (by_name[name] for name in ("u-0", "u-3", "u-6", "u-9"))
    assert (yes.consent, yes.barred_by) == ("given", "")
    assert yes.draft
    assert yes.command == f"renwei next {yes.person}"
    assert (no.consent, no.barred_by, no.draft, no.command) == (
        "withdrawn", "consent_withdrawn", "", "",
    )  # fmt: skip
    assert (sms.consent, sms.channels, sms.barred_by) == ("given", ["sms"], "")
    assert "sms" in sms.consent_text
    assert (unsaid.consent, unsaid.barred_by, unsaid.draft) == ("unknown", "consent_unknown", "")
    assert unsaid.command
    found = asked(town, "cream-1", n=240)
    assert found.consents == {"given": 2, "unknown": PEOPLE - 3, "withdrawn": 1}


def test_a_word_said_a_moment_ago_counts(town: Bench) -> None:
    states(town, "u-0", GIVEN)
    first = {one.name: one.consent for one in asked(town, "cream-1", n=240).people}
    town.later(timedelta(minutes=2))
    said = Consent("marketing", "*", WITHDRAWN, town.clock.now(), "form", "")
    town.store.people.state_consent(town.who("u-0"), [said])
    then = {one.name: one.consent for one in asked(town, "cream-1", n=240).people}
    assert (first["u-0"], then["u-0"]) == ("given", "withdrawn")


def test_of_an_old_file_everything_is_said_as_of_its_end(bench: Bench) -> None:
    bench.catalogue()
    bench.crowd(120)
    bench.later(timedelta(days=900))
    learn(bench.shop, Learn(at=bench.clock.now()))
    found = asked(bench, "cream-1", n=30)
    assert found.notes[0].code == "data_ends"
    assert "May 2026" in found.notes[0].text
    assert found.at == bench.clock.now()
    assert found.expected[0].buyers > 1
    assert {sort_of(one.name) for one in found.people} == {"cream"}


def test_only_people_whom_an_offer_may_reach_if_asked_for(town: Bench) -> None:
    for k in range(0, PEOPLE, 5):
        states(town, f"u-{k}", GIVEN)
    found = asked(town, "cream-1", permitted=True)
    assert len(found.people) == PEOPLE // 5
    assert {one.barred_by for one in found.people} == {""}
    assert all(one.draft for one in found.people)
    assert found.expected[0].first == PEOPLE // 5


def test_who_may_not_be_profiled_or_was_forgotten_is_on_no_list(town: Bench) -> None:
    before = {one.name for one in asked(town, "cream-1", n=240).people}
    states(town, "u-0", WITHDRAWN, purpose="profiling")
    town.store.people.forget(town.who("u-3"), AT)
    after = {one.name for one in asked(town, "cream-1", n=240).people}
    assert before - after == {"u-0", "u-3"}
    assert "" not in after


def test_a_new_item_finds_those_who_bought_its_like(town: Bench) -> None:
    town.items(Item(0, "product", "fresh", "Cream Z", "cream", 1_500, "CNY", {"brand": "River"}))
    found = asked(town, "fresh", n=50)
    assert found.new
    assert found.item.buyers == 0
    assert [note.code for note in found.notes] == ["new"]
    assert {sort_of(one.name) for one in found.people} == {"cream"}
    for one in found.people:
        assert one.reason.code in ("alike", "category", "brand")
        assert all(cited.id.startswith("cream-") for cited in one.reason.evidence)
    assert found.expected[0].low <= found.expected[0].buyers <= found.expected[0].high


def test_its_title_changed_an_item_finds_others(town: Bench) -> None:
    for title, sort in (("Cream Z", "cream"), ("Soap Z", "soap")):
        town.items(Item(0, "product", "fresh", title, sort, 1_500, "CNY", {}))
        assert {sort_of(one.name) for one in asked(town, "fresh", n=30).people} == {sort}


def test_an_item_unlike_anything_is_tested_with_people_drawn_by_chance(town: Bench) -> None:
    town.items(Item(0, "product", "tyre", "Winter wheel 205/55", "wheels", 90_000, "CNY", {}))
    nobody = asked(town, "tyre")
    assert (nobody.way, nobody.people) == ("test", [])
    assert [note.code for note in nobody.notes] == ["unlike", "nobody_to_test"]
    for k in range(0, PEOPLE, 2):
        states(town, f"u-{k}", GIVEN)
    states(town, "u-0", WITHDRAWN, purpose="profiling")
    found = asked(town, "tyre")
    assert (found.way, found.expected, len(found.people)) == ("test", [], 50)
    eligible = PEOPLE // 2 - 1
    for one in found.people:
        assert one.odds == pytest.approx(50 / eligible)
        assert (one.chance, one.consent, one.reason.code) == (None, "given", "drawn")
    # The draw is the program's own, so that it can be checked: the 50 smallest of all who may.
    may = [town.store.people.persons_of([town.who(f"u-{k}")])[0] for k in range(2, PEOPLE, 2)]
    ranked = [may[k] for k in u_many(may, found.salt).argsort()]
    assert [from_id(one.person) for one in found.people] == ranked[:50]
    assert asked(town, "tyre").people == found.people


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"gone": AT.isoformat()}, "gone"),
        ({"available": False}, "gone"),
        ({"stock": 0}, "out_of_stock"),
    ],
)
def test_of_what_cannot_be_had_it_is_said_and_nothing_is_drafted(
    town: Bench, facts: dict[str, Any], note: str
) -> None:
    states(town, "u-0", GIVEN)
    town.items(Item(0, "product", "cream-1", "Cream B", "cream", 1_100, "CNY", facts))
    found = asked(town, "cream-1", n=100)
    assert found.notes[0].code == note
    assert not found.item.available
    assert {(one.draft, one.command) for one in found.people} == {("", "")}


@pytest.mark.parametrize(
    ("code", "suggestion"),
    [("Cream-3", "cream-3"), ("craem-3", "cream-3"), ("Cream D", "cream-3"), ("soap-33", "soap-3")],
)
def test_a_code_mistyped_is_answered_with_the_nearest(
    town: Bench, code: str, suggestion: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        asked(town, code)
    assert (caught.value.code, caught.value.values["suggestion"]) == ("no_such_item", suggestion)
    assert code in town.shop.say("errors.no_such_item", **caught.value.values)


def test_a_code_like_none_is_refused_too(town: Bench) -> None:
    for code in ("面霜九十九号", "", "permission"):
        with pytest.raises(UnknownName) as caught:
            asked(town, code)
        assert (caught.value.code, caught.value.values["suggestion"]) == ("no_such_item", "")
    with pytest.raises(UnknownName):
        asked(town, "cream-3", kind="song")


@pytest.mark.parametrize("n", [0, -1, 501, "many"])
def test_a_number_out_of_range_is_refused(n: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "cream-3", "n": n}, AudienceForRequest)


def test_without_any_orders_nobody_is_named(bench: Bench) -> None:
    bench.catalogue()
    found = asked(bench, "cream-3")
    assert (found.way, found.people, found.expected) == ("nobody", [], [])
    assert [note.code for note in found.notes] == ["nobody"]


def test_too_little_to_learn_from_gives_an_order_and_no_chances(bench: Bench) -> None:
    bench.catalogue()
    for k in range(12):
        sort = ("cream", "soap")[k % 2]
        orders = [bench.bought(f"u-{k}", [f"{sort}-{k // 2}"], 5 + k)]
        bench.store.log.append(orders, bench.clock.now())
    learn(bench.shop, Learn(at=AT))
    found = asked(bench, "cream-1", n=6)
    assert found.way == "untaught"
    assert found.expected == []
    assert found.notes[0].code == "too_little"
    assert "150" in found.notes[0].text
    assert {one.chance for one in found.people} == {None}
    assert all(int(one.name.removeprefix("u-")) % 2 == 0 for one in found.people)


def test_who_looked_and_never_bought_is_found_and_the_look_is_not_written_about(
    town: Bench,
) -> None:
    late = town.clock.now() - timedelta(days=1)
    day, us = (late.toordinal() - 719_163), int(late.timestamp() * 1e6)
    actor = town.who("visitor")
    states(town, "visitor", GIVEN)
    town.store.tallies.add(
        "interests", [Tally(actor, "cart", town.number["cream-3"], day, 3, 3, us)], 1
    )
    found = {one.name: one for one in asked(town, "cream-3", n=300).people}
    mine = found["visitor"]
    assert (mine.orders, mine.last_order, mine.reason.code) == (0, None, "looked")
    assert [cited.id for cited in mine.reason.evidence] == ["cream-3"]
    assert mine.rank < found["u-1"].rank
    for word in ("look", "saw", "seen", "cart", "took"):
        assert word not in mine.draft


def test_looks_go_with_whoever_became_one_with_another_and_with_whoever_is_forgotten(
    town: Bench,
) -> None:
    late = town.clock.now() - DAY
    day, us = (late.toordinal() - 719_163), int(late.timestamp() * 1e6)
    item, tallies, people = town.number["cream-3"], town.store.tallies, town.store.people
    names = ("known", "lost")
    sums = [Tally(town.who(name), "cart", item, day, 3, 3, us) for name in names]
    tallies.add("interests", sums, 1)
    assert asked(town, "cream-3").considered == PEOPLE + 2
    # u-1 buys masks alone: without the look nothing speaks for a cream.
    people.merge(town.who("u-1"), town.who("known"), reason="phone", at=AT)
    answer = asked(town, "cream-3", n=300)
    assert answer.considered == PEOPLE + 1
    assert {one.name: one.reason.code for one in answer.people}["u-1"] == "looked"
    town.store.forget(town.who("lost"), AT)
    assert asked(town, "cream-3").considered == PEOPLE


def test_what_was_learnt_is_kept_and_learnt_anew_after_a_month(town: Bench) -> None:
    first = town.shop.shelf.get("audience")
    asked(town, "cream-3")
    assert first is not None
    assert town.shop.shelf.get("audience") == first
    assert first.meta["known"]["way"] in ("recent", "category", "signs")
    town.later(timedelta(days=31))
    asked(town, "cream-3")
    again = town.shop.shelf.get("audience")
    assert again is not None
    assert again.version != first.version


def test_in_chinese_reasons_and_drafts_are_chinese(
    crowded: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    town = copied(crowded, tmp_path)
    town.shop.language = "zh"
    found = asked(town, "cream-3", n=3)
    assert all("买" in one.reason.text for one in found.people)
    assert {one.consent_text for one in found.people} == {"没有表过态：先征求同意，不要推销。"}
    town.store.close()


def test_both_languages_say_the_same_of_audiences() -> None:
    from renwei.core.words import Words

    words = Words.load(["renwei.core", "renwei.recommend"])
    keys = {key for key in words.keys("en") if "audience" in key}
    assert keys == {key for key in words.keys("zh") if "audience" in key}
    assert len(keys) > 25


def test_an_answer_is_json_and_names_people_where_the_audit_log_looks(town: Bench) -> None:
    from renwei.trust.audit import persons_in

    found = asked(town, "cream-3", n=7)
    assert len(persons_in(found)) == 7
    whole = msgspec.json.decode(msgspec.json.encode(found), type=AudienceForAnswer)
    assert whole == found
