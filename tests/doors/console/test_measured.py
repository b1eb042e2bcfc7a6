"""What recommendations bring, how varied they are, and what they are made of, in the console."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, reopened, text_of
from tests.doors.console.test_surfaces import ITEMS, looked_at, place_of, ready

from renwei.app.house import House
from renwei.core.chance import u
from renwei.core.store import Named
from renwei.doors.console.surfaces import card
from renwei.doors.console.surfaces.differing import of_items
from renwei.doors.console.surfaces.variety import cost_at, cost_of
from renwei.recommend.gauge import VarietyCost
from renwei.recommend.surfaces import HOLDOUT_SALT, Place

PEOPLE = 90
PAGES = ("/surfaces/all/lift", "/surfaces/all/variety", "/surfaces/all/model")
CURVE = [
    {"diversity": 0.0, "any_ndcg": 0.4, "coverage": 0.1},
    {"diversity": 0.5, "any_ndcg": 0.398, "coverage": 0.15},
    {"diversity": 1.0, "any_ndcg": 0.36, "coverage": 0.3},
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which ninety people were shown something, half of them held out."""
    folder = tmp_path_factory.mktemp("measured")
    with a_house(folder) as house:
        house.call("items save", items=ITEMS)
        house.call("surfaces set", name="home", place={"holdout": 0.5, "explore": 0})
        at = house.clock.now()
        names = _fair(house)
        # What is asked now is asked a moment before the pages are looked at.
        house.clock.at = at - timedelta(hours=1)  # type: ignore[attr-defined]
        for name in names:
            house.call("recommend", user_id=name, surface="home", n=6)
        house.clock.at = at  # type: ignore[attr-defined]
        looked_at(house, "p-1", "cream-1")
    return folder


def _fair(house: House) -> list[str]:
    """People of whom exactly half are held out."""
    wanted = {True: PEOPLE // 2, False: PEOPLE // 2}
    found = []
    for k in count():
        (actor,) = house.shop().store.people.actors([Named("user", f"p-{k}")], house.clock.now())
        held = u(actor, HOLDOUT_SALT) < 0.5
        if wanted[held]:
            wanted[held] -= 1
            found.append(f"p-{k}")
        if len(found) == PEOPLE:
            break
    return found


@pytest.fixture
def house(seen: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it, of one's own."""
    shutil.copytree(seen / "shop", tmp_path / "shop")
    with reopened(tmp_path) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[House]:
    """A shop in its first minute."""
    with a_house(tmp_path, empty=True) as house:
        yield house


def learnt(house: House, **said: Any) -> None:
    """Put a card on the shelf, as learning does."""
    house.call("learn-taste")
    shelf = house.shop().shelf
    held = shelf.get("taste-items")
    assert held is not None
    whole = {**(held.meta.get("card") or {}), **said}
    shelf.put("taste-items", held.columns, {**held.meta, "card": whole})


# Lift.


def test_not_yet_distinguishable_stands_first_with_both_groups_and_the_interval(
    owner: Person,
) -> None:
    said = text_of(ready(owner, "/surfaces/all/lift"))
    assert "Spent a person: not yet distinguishable. The difference is somewhere from" in said
    assert "people see recommendations" in said
    assert "Not yet distinguishable" in said.partition("What it says")[2]
    # With one surface alone, all together would say the same twice.
    assert "All surfaces together" not in said
    assert "Page: Home page" not in said.partition("Nothing to compare yet")[0]


def test_several_surfaces_are_told_together_and_each(house: House, owner: Person) -> None:
    for k in range(5):
        house.call("recommend", user_id=f"p-{k}", surface="again", n=3)
    house.clock.at += timedelta(minutes=20)  # type: ignore[attr-defined]
    said = text_of(ready(owner, "/surfaces/all/lift?days=7"))
    assert said.index("All surfaces together") < said.index("Too few people")


@pytest.mark.parametrize("days", ["0", "-7", "soon", "31", "9" * 30, ""])
def test_days_that_are_not_offered_are_thirty(owner: Person, days: str) -> None:
    page = ready(owner, f"/surfaces/all/lift?days={days}").body.decode()
    assert 'days=30" aria-current="page"' in page


def test_where_nothing_was_shown_the_next_step_is_named(bare: House) -> None:
    said = text_of(ready(Person(bare, "owner"), "/surfaces/all/lift"))
    assert "nobody was shown anything here" in said


# Variety.


def test_the_gauge_of_the_shop_has_a_line_for_each_number_and_a_table(owner: Person) -> None:
    page = ready(owner, "/surfaces/all/variety")
    said = text_of(page)
    assert "Variety shown" in said
    assert page.body.decode().count("<tbody>") == 1
    assert "data-chart=" in page.body.decode()
    assert "Counted by what was answered; 3 categories." in said
    assert "not measured yet" in said


def test_one_person_s_gauge_is_about_that_person_and_leads_back(owner: Person) -> None:
    page = ready(owner, "/surfaces/all/variety?a=p-1")
    assert '<h2 id="gauge" translate="no"><a href="/people/' in page.body.decode()
    assert "The whole shop's variety" not in text_of(page)
    nobody = text_of(ready(owner, "/surfaces/all/variety?a=nobody-of-that-name"))
    assert "This is the whole shop" in nobody


def test_the_slider_says_what_it_costs_and_moves_one_surface_alone(
    house: House, owner: Person
) -> None:
    learnt(house, curve=CURVE)
    before = place_of(house, "home")
    answer = owner.post("/surfaces/all/variety", {"surface": "home", "diversity": "0.5"})
    assert answer.headers["location"] == "/surfaces/all/variety#s-home"
    after = place_of(house, "home")
    assert after.diversity == 0.5
    assert before == type(before)(**{**_plain(after), "diversity": before.diversity})
    said = text_of(ready(owner, "/surfaces/all/variety"))
    assert "Costs 0.5 % of relevance, shows 1.5 times as many products." in said
    assert "What that costs is not measured for lists like these." in said, "only what is new"
    assert "Costs 0.5 % of relevance" in text_of(ready(owner, "/surfaces/home"))


def _plain(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in place.__struct_fields__}


@pytest.mark.parametrize(
    "fields",
    [{"surface": "no-such", "diversity": "0.5"}, {"surface": "home", "diversity": "2"}, {}],
)
def test_a_slider_that_cannot_be_moves_nothing(
    house: House, owner: Person, fields: dict[str, str]
) -> None:
    before = place_of(house, "home")
    assert owner.post("/surfaces/all/variety", fields).status in (400, 404)
    assert place_of(house, "home") == before


def test_a_cost_between_two_places_lies_between_theirs_and_none_is_made_up() -> None:
    curve = [VarietyCost(diversity=d, lost=d / 5, coverage_times=1 + d) for d in (0.0, 0.4, 0.8)]
    assert cost_at(curve, 0.4) == pytest.approx((0.08, 1.4))
    assert cost_at(curve, 0.6) == pytest.approx((0.12, 1.6))
    assert cost_at(curve, 0.9) is None
    assert cost_at([], 0.0) is None
    assert cost_of(curve, Place(diversity=0.4)) == pytest.approx((0.08, 1.4))
    others = [Place(mode="similar"), Place(repeats="no"), Place(only=("bought_again",))]
    assert [cost_of(curve, one) for one in others] == [None] * 3


def test_a_cost_that_is_none_is_called_so(house: House, owner: Person) -> None:
    learnt(house, curve=[{**one, "any_ndcg": 0.4} for one in CURVE])
    house.call("surfaces set", name="home", place={"diversity": 0.5})
    said = text_of(ready(owner, "/surfaces/all/variety"))
    assert "Costs no relevance that could be measured, shows 1.5 times" in said


# The card.


def test_the_card_says_what_serves_learnt_from_what_and_by_how_much_it_won(
    house: House, owner: Person
) -> None:
    learnt(
        house,
        purchases=4_321,
        people=321,
        items=40,
        ways={"any": "blend"},
        trials=[
            {"question": "any", "way": "crowd", "ndcg": 0.2, "gain": None, "low": None, "high": None, "people": 0},
            {"question": "any", "way": "blend", "ndcg": 0.3, "gain": 0.1, "low": 0.05, "high": 0.15, "people": 99},
            {"question": "any", "way": "trees", "ndcg": 0.31, "gain": 0.01, "low": -0.01, "high": 0.03, "people": 99},
        ],
        features=[
            {"question": "any", "name": "own_90", "share": 0.3},
            {"question": "any", "name": "own_share_6", "share": 0.3},
            {"question": "any", "name": "factors_top", "share": 0.2},
        ],
    )  # fmt: skip
    said = text_of(owner.get("/surfaces/all/model"))
    assert "4,321 Purchases" in said
    assert "Serves now: A weighted sum of sources" in said
    assert "+0.100 +0.050 to +0.150" in said
    assert "Decision trees (LightGBM) 0.310 +0.010 -0.010 to +0.030 Did not clearly win" in said
    assert "The person's own purchases and looks 75 %" in said
    assert "for 99 people" in said


def test_the_card_says_where_what_sells_locally_won(house: House, owner: Person) -> None:
    row = {"recall": 0.2, "recall_without": 0.1, "ndcg": 0.2, "ndcg_without": 0.15}
    none = {"gain": None, "low": None, "high": None}
    learnt(
        house,
        local={
            "serves": ["region"],
            "trials": [
                {"slice": "region", "why": "serves", "people": 600, **row, "gain": 0.05, "low": 0.01, "high": 0.09},
                {"slice": "hour", "why": "no_gain", "people": 601, **row, "gain": 0.05, "low": -0.01, "high": 0.09},
                {"slice": "new", "why": "few_people", "people": 12, **row, **none},
                {"slice": "back", "why": "alike", "people": 0, **row, **none},
            ],
        },
    )  # fmt: skip
    said = text_of(owner.get("/surfaces/all/model"))
    assert "Region 0.150 0.200 +0.050 +0.010 to +0.090 ● Serves" in said
    assert "Time of day 0.150 0.200 +0.050 -0.010 to +0.090 Did not clearly win" in said
    assert "First order – – – Too few people to judge by" in said
    assert "Came again – – – Says nothing of its own" in said
    assert "Up to 601 people" in said


def test_the_card_says_what_was_clicked_where_it_stood_and_whether_that_serves(
    house: House, owner: Person
) -> None:
    curves = [
        {"surface": "home", "clicks": 300, "curve": [1.0, 0.52, 0.31]},
        {"surface": "product", "clicks": 200, "curve": [1.0, 0.8]},
    ]
    measured = {
        "impressions": 20_400,
        "clicks": 510,
        "tried": 153,
        "people": 99,
        "examination": curves,
    }
    learnt(
        house,
        attraction={
            **measured, "serves": True, "verdict": "serves", "gain": 0.043, "low": 0.011, "high": 0.08,
        },
    )  # fmt: skip
    said = text_of(owner.get("/surfaces/all/model"))
    assert "20,400 Products shown" in said
    assert "+4.3 %" in said
    assert "+1.1 % to +8.0 %" in said
    assert "● Serves: a score counts up to twice" in said
    assert "the last 153 clicks, of 99 people" in said
    assert "2 52 % 80 % 3 31 % –" in said
    none = {"gain": None, "low": None, "high": None}
    learnt(house, attraction={**measured, "serves": False, "verdict": "few_clicks", **none})
    said = text_of(owner.get("/surfaces/all/model"))
    assert "Too few clicks to judge by" in said
    assert "would stand higher" not in said


def test_a_card_of_a_shop_that_showed_nothing_says_nothing_of_clicks(
    house: House, owner: Person
) -> None:
    house.call("learn-taste")
    held = house.shop().shelf.get("taste-items")
    assert held is not None
    assert held.meta["card"]["attraction"]["verdict"] == "few_clicks"
    learnt(house, attraction={**held.meta["card"]["attraction"], "impressions": 0})
    assert "What was shown and what was clicked" not in text_of(owner.get("/surfaces/all/model"))


def test_what_is_popular_in_one_s_own_place_is_not_called_the_same_for_everybody() -> None:
    def side(code: str) -> dict[str, Any]:
        reason = {"code": code, "evidence": []}
        item = {"id": "mask-1", "rank": 1, "source": "popular", "reason": reason, "explored": False}
        return {"items": [item] if code else []}

    for code, told in (("popular", ("", "louder")), ("popular_here", ("a", "popular_here"))):
        (found,) = of_items(
            (side(code), side("")), {}, lambda item: str(item["reason"]["code"]),
            lambda key, **values: key.rpartition(".")[2],
        )  # fmt: skip
        assert found.why == (told,)


def test_too_few_purchases_are_said_instead_of_a_comparison(house: House, owner: Person) -> None:
    house.call("learn-taste")
    said = text_of(owner.get("/surfaces/all/model"))
    assert "Too few purchases to compare ways" in said
    assert "weights set by hand" in said.rpartition("What serves where")[2]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_card_names_the_next_step(bare: House, language: str) -> None:
    page = Person(bare, "owner", language).get("/surfaces/all/model")
    assert page.status == 200
    assert "/imports" in page.body.decode()


def test_a_shop_whose_lesson_is_to_come_is_not_sent_for_a_file(house: House, owner: Person) -> None:
    house.shop().shelf.drop("taste-items")
    page = owner.get("/surfaces/all/model")
    assert "begins by itself" in text_of(page)
    assert "Bring in an order file" not in text_of(page)


def test_learning_anew_leads_back_to_the_card(house: House, owner: Person) -> None:
    answer = owner.post("/surfaces/all/model")
    assert answer.headers["location"].endswith("then=/surfaces/all/model")
    assert "Learnt from" in text_of(owner.follow(answer))


def test_a_way_that_won_by_too_little_is_not_called_a_loser() -> None:
    said = {
        "ways": {"any": "blend"},
        "trials": [
            {"question": "any", "way": "crowd", "ndcg": 0.1},
            {"question": "any", "way": "blend", "ndcg": 0.2, "gain": 0.1, "low": 0.1, "high": 0.1},
            {"question": "any", "way": "trees", "ndcg": 0.3, "gain": 0.1, "low": 0.02, "high": 0.1},
            {"question": "discover", "way": "crowd", "ndcg": 0.1},
        ],
    }
    found = [one.verdict for one in card.trials(said, "any")]
    assert found == ["simplest", "serves", "not_enough"]
    stronger = {**said, "ways": {"any": "trees"}}
    assert [one.verdict for one in card.trials(stronger, "any")] == ["simplest", "beaten", "serves"]
    assert card.features({}, "any") == []
    assert card.serves(said, Place()) == ("blend", [])
    assert card.serves(None, Place()) == ("untried", [])
    assert card.serves(said, Place(mode="goes_with")) == ("sources", ["taken_with"])


# Who may.


@pytest.mark.parametrize("role", ROLES)
def test_everybody_of_the_team_looks_and_only_some_change(house: House, role: str) -> None:
    person = Person(house, role)
    for path in PAGES:
        assert ready(person, path).status == 200
    page = ready(person, PAGES[1]).body.decode()
    may = role in ("owner", "marketer")
    assert ("Save</button>" in page) is may
    assert ("Learn anew" in text_of(person.get(PAGES[2]))) is may
