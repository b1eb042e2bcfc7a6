"""Who wants an item, in the console: how many will buy, who, why, and what may be said to whom."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, reopened, text_of
from tests.doors.console.looking import HAN, KEY, look_everywhere
from tests.doors.http.calls import Answer
from tests.recommend.shops import DAY, Bench

from renwei.app.house import House
from renwei.core.nouns import Consent, ConsentState
from renwei.doors.console.goods.audience import audience_of

PEOPLE = 240
GIVEN, WITHDRAWN = ConsentState.GIVEN, ConsentState.WITHDRAWN
CREAM = "/goods/~audience/product/cream-3"
DRAFT = re.compile(
    r'<span id="(d-[^"]+)" lang="[a-z]+">([^<]+)</span>\s*<button[^>]*data-copy-from="([^"]+)"'
)


class Crowd(Bench):
    """The crowd of the recommending tests in the shop of a house."""

    def __init__(self, house: House) -> None:
        self.clock: Any = house.clock
        self.store: Any = house.shop().store
        self.shop = house.shop()
        self.number: dict[str, int] = {}
        self.count = 0

    def says(self, who: str, state: ConsentState, purpose: str = "marketing") -> None:
        """Somebody's word."""
        said = Consent(purpose, "*", state, self.clock.now() - DAY, "form", "")
        self.store.people.state_consent(self.who(who), [said])


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop where each of 240 people keeps to one sort of product, learnt."""
    folder = tmp_path_factory.mktemp("wanted")
    with a_house(folder, empty=True) as house:
        crowd = Crowd(house)
        crowd.catalogue()
        crowd.crowd(PEOPLE)
        for k in range(0, 30, 3):
            crowd.says(f"u-{k}", GIVEN)
        crowd.says("u-30", WITHDRAWN)
        house.call("learn")
        house.call("learn-audience")
    return folder


@pytest.fixture
def house(crowded: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it, of one's own."""
    shutil.copytree(crowded / "shop", tmp_path / "shop")
    with reopened(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def still(crowded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A copy that is only looked at."""
    folder = tmp_path_factory.mktemp("still")
    shutil.copytree(crowded / "shop", folder / "shop")
    with reopened(folder) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


@pytest.fixture
def reader(still: House) -> Person:
    return Person(still, "owner")


def ready(person: Person, place: str) -> Answer:
    """The page itself, after the one that says that it is being worked out."""
    until = time.monotonic() + 60
    while "waiting=1" in (answer := person.get(place)).body.decode():
        assert time.monotonic() < until
        time.sleep(0.1)
    return answer


def text(answer: Answer) -> str:
    return unescape(answer.body.decode())


def rows(answer: Answer) -> list[str]:
    """The lines of people, markup and all."""
    table = text(answer).rpartition('id="people"')[2]
    return re.findall(r"<tr>(\s*<td.*?)</tr>", table, re.S)


def names(answer: Answer) -> list[str]:
    """Of the people listed, in their order."""
    return [re.findall(r'href="/people/p\w+"[^>]*>([^<]+)<', row)[0] for row in rows(answer)]


def sort_of(name: str) -> str:
    """What a person of the crowd keeps to."""
    return ("cream", "mask", "soap")[int(name.removeprefix("u-")) % 3]


def strange(house: House, **facts: Any) -> str:
    """An item unlike anything sold; where its people stand."""
    item = {"id": "kite", "title": "Zephyr kite", "category": "outdoors", "price": "30.00"}
    house.call("items save", items=[item | facts])
    return audience_of("product", "kite")


def test_the_page_of_an_item_leads_to_who_wants_it(house: House, owner: Person) -> None:
    house.call("items save", items=[{"id": "a/b c?", "title": "Odd soap", "price": "9.90"}])
    for code, title in (("cream-3", "Cream D"), ("a/b c?", "Odd soap")):
        page = owner.get(f"/goods/product/{quote(code, safe='')}")
        link = re.findall(r'<a class="button" href="([^"]*)">Who wants this\?', text(page))
        assert link == [audience_of("product", code)]
        assert f"Who wants {title}?" in text_of(ready(owner, link[0]))


def test_a_first_visit_says_that_it_is_worked_out_and_comes_by_itself(reader: Person) -> None:
    place = f"{CREAM}?permitted=yes&n=100"
    first = reader.get(place)
    if "waiting=1" in text(first):
        assert "The first" not in text_of(first)
        until = time.monotonic() + 60
        while (part := reader.get(f"{place}&waiting=1", hx_request="true")).status == 204:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert part.headers["hx-refresh"] == "true"
    assert names(reader.get(place))


def test_who_buys_its_like_comes_first_and_each_reason_leads_to_its_items(
    still: House, reader: Person
) -> None:
    page = ready(reader, CREAM)
    assert len(names(page)) == 50
    assert {sort_of(name) for name in names(page)} == {"cream"}
    found = still.call("audience-for", "en", id="cream-3", n=50)
    for one, row in zip(found.people, rows(page), strict=True):
        assert f'href="/people/{one.person}"' in row
        linked = re.findall(r'href="/goods/product/(cream-\d+)">([^<]+)</a>', row)
        assert linked == [(cited.id, cited.title) for cited in one.reason.evidence]
        said = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", row))
        assert one.reason.text in said
        assert one.consent_text in said


def test_how_many_of_the_first_will_buy_stands_with_its_range_beside_the_list(
    still: House, reader: Person
) -> None:
    expected = still.call("audience-for", id="cream-3", n=1).expected
    for n in (50, 100, 200):
        page = ready(reader, f"{CREAM}?n={n}")
        said = text_of(page)
        assert len(rows(page)) == min(n, PEOPLE)
        for one in expected:
            between = f"{one.low} to {one.high}" if one.low < one.high else str(one.low)
            assert re.search(rf" {one.first} people [0-9.]+ {between} ", said), one
        assert re.search(r"Of the first 50 people (about \d+|fewer than one) will buy", said)
        assert f"The first {n} people" in said


@pytest.mark.parametrize("n", ["0", "49", "1000000", "x", "²"])
def test_a_length_that_is_not_offered_is_the_shortest(reader: Person, n: str) -> None:
    assert len(rows(ready(reader, f"{CREAM}?n={quote(n)}"))) == 50


def test_only_whom_an_offer_may_reach_is_a_filter_and_each_of_them_has_a_draft(
    reader: Person,
) -> None:
    page = ready(reader, f"{CREAM}?permitted=yes")
    assert sorted(names(page)) == sorted(f"u-{k}" for k in range(0, 30, 3))
    drafts = DRAFT.findall(text(page))
    assert len(drafts) == 10
    for field, draft, copied in drafts:
        assert field == copied
        assert "Cream" in draft
    assert "Counted among those whom an offer may reach." in text_of(page)
    kept = re.findall(r'class="tag" href="([^"]*n=100[^"]*)"', text(ready(reader, CREAM)))
    assert kept == [f"{CREAM}?n=100"]


def test_whoever_said_no_gets_no_draft_and_whoever_never_said_is_asked_first(
    still: House, reader: Person
) -> None:
    page = ready(reader, f"{CREAM}?n=200")
    by_name = dict(zip(names(page), rows(page), strict=True))
    assert "data-copy-from" in by_name["u-0"]
    assert "Has said no: do not write." in by_name["u-30"]
    assert not re.search("data-copy-from|/next", by_name["u-30"])
    unsaid = by_name["u-33"]
    assert "ask first" in unsaid
    assert "data-copy-from" not in unsaid
    assert re.search(r'href="/people/p\w+/next">What may be said now', unsaid)
    given, no = text_of(page).count("Has agreed to offers."), 1
    assert f"{given} agreed to offers, {200 - given - no} never said, {no} said no" in text_of(page)


def test_a_word_said_a_moment_ago_counts_however_lately_the_page_was_opened(
    house: House, owner: Person
) -> None:
    place = f"{CREAM}?permitted=yes"
    assert "u-3" in names(ready(owner, place))
    house.clock.at += timedelta(seconds=5)  # type: ignore[attr-defined]
    crowd = Crowd(house)
    now = [Consent("marketing", "*", WITHDRAWN, house.clock.now(), "form", "")]
    crowd.store.people.state_consent(crowd.who("u-3"), now)
    assert "u-3" not in names(ready(owner, place))


def test_with_nobody_to_reach_the_page_says_what_to_do(house: House, owner: Person) -> None:
    crowd = Crowd(house)
    for k in range(0, 30, 3):
        now = [Consent("marketing", "*", WITHDRAWN, house.clock.now(), "form", "")]
        crowd.store.people.state_consent(crowd.who(f"u-{k}"), now)
    page = ready(owner, f"{CREAM}?permitted=yes")
    assert "Ask people for permission first." in text_of(page)
    assert f'class="button" href="{CREAM}"' in text(page)
    page = ready(owner, strange(house))
    assert "nobody to try it with" in text_of(page)
    assert rows(page) == []


@pytest.mark.parametrize("change", ["stock", "gone"])
def test_what_cannot_be_sold_is_offered_to_nobody(house: House, owner: Person, change: str) -> None:
    if change == "stock":
        house.call("items change", id="cream-3", stock=0)
    else:
        house.call("items remove", id="cream-3")
    page = ready(owner, CREAM)
    said = {"stock": "write only once it is there again", "gone": "nobody should be told of it"}
    assert said[change] in text_of(page)
    assert not re.search("data-copy-from|/next", text(page))


def test_an_item_unlike_anything_sold_gets_a_test_of_people_drawn_by_chance(
    house: House, owner: Person
) -> None:
    crowd = Crowd(house)
    for k in range(60, 180):
        crowd.says(f"u-{k}", GIVEN)
    page = ready(owner, strange(house))
    said = text_of(page)
    assert "unlike anything the shop has sold" in said
    assert "50 people drawn by chance" in said
    assert "How many will buy" not in said
    assert "Chance" not in said.partition("May an offer reach them")[2]
    assert len({*names(page)}) == 50
    assert len({sort_of(name) for name in names(page)}) == 3
    assert len(DRAFT.findall(text(page))) == 50
    odds = house.call("audience-for", id="kite").people[0].odds
    assert f"had a chance of {100 * odds:.0f} %" in said
    # To load the page again draws nobody else.
    assert names(ready(owner, strange(house))) == names(page)


def test_a_shop_that_has_nobody_yet_is_told_to_bring_orders_in(tmp_path: Path) -> None:
    with a_house(tmp_path, empty=True) as house:
        page = ready(Person(house, "owner"), strange(house))
        assert 'class="button" href="/imports"' in text(page)
        assert "renwei import" not in text_of(page)


def test_with_too_few_purchases_there_is_an_order_of_people_and_no_number(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        found = house.call("items list").items[0]
        page = ready(Person(house, "owner"), audience_of(found.kind, found.id))
        assert "Not enough data for chances" in text_of(page)
        assert rows(page)
        assert "will buy within" not in text_of(page)
        assert ">Chance<" not in text(page)


def test_where_learning_takes_long_a_button_starts_it_and_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renwei.recommend.audience.LEARN_AT_ONCE", -1)
    house.shop().shelf.drop("audience")
    owner = Person(house, "owner")
    page = ready(owner, CREAM)
    assert "Chances are not learnt yet" in text_of(page)
    assert "renwei learn-audience" not in text_of(page)
    assert f'method="post" action="{CREAM}"' in text(page)
    assert f'action="{CREAM}"' not in text(ready(Person(house, "viewer"), CREAM))
    after = owner.follow(owner.post(CREAM))
    assert after.status == 200
    assert "will buy within" in text_of(ready(owner, CREAM))


def test_an_item_nobody_knows_is_not_found(reader: Person) -> None:
    for _ in range(2):
        answer = reader.get("/goods/~audience/product/nothing")
        until = time.monotonic() + 20
        while "waiting=1" in text(answer) and time.monotonic() < until:
            answer = reader.get("/goods/~audience/product/nothing")
        assert answer.status == 404


def test_whom_the_page_showed_is_in_the_log_of_who_looked(house: House, owner: Person) -> None:
    page = ready(owner, CREAM)
    lines = house.call("audit").lines
    shown = {person for line in lines if line.what == "audience_for" for person in line.people}
    linked = {re.findall(r'href="/people/(p\w+)"', row)[0] for row in rows(page)}
    assert shown == linked


def test_looking_records_no_decision(house: House, owner: Person) -> None:
    ready(owner, CREAM)
    at = house.clock.now()
    assert list(house.shop().store.ledger.between(at - DAY, at + DAY)) == []


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_list_and_what_it_may_of_it(still: House, role: str) -> None:
    person, writes = Person(still, role), role in ("owner", "marketer")
    page = ready(person, CREAM)
    assert page.status == 200
    assert len(rows(page)) == 50
    assert ("u-0" in names(page)) is (role != "viewer")
    assert all(name == "u**" for name in names(page)) is (role == "viewer")
    assert bool(DRAFT.findall(text(page))) is writes
    assert ("/next" in text(page)) is writes
    if not writes:
        assert person.post(CREAM).status == 403


def test_every_state_of_the_page_speaks_the_readers_language(house: House) -> None:
    Crowd(house).says("u-60", GIVEN)
    house.call("items change", id="soap-2", stock=0)
    places = [CREAM, f"{CREAM}?permitted=yes", audience_of("product", "soap-2"), strange(house)]
    for place in places:
        for language in ("en", "zh"):
            page = ready(Person(house, "owner", language), place)
            # The shop speaks to its customers in its own language, whoever reads.
            said = re.sub(r'<span id="d-.*?</span>', "", text(page).partition("<main")[2])
            said = re.sub("<[^>]+>", " ", said.partition("</main>")[0])
            assert not KEY.findall(said), place
            assert bool(HAN.findall(said)) is (language == "zh"), place


def test_the_page_is_fit_to_be_looked_at(open_page: Any, console: Any) -> None:
    page = open_page("/goods?kind=product")
    link = page.locator("main tbody a[href^='/goods/product/']").first.get_attribute("href")
    place = link.replace("/goods/", "/goods/~audience/", 1)
    for language in ("en", "zh"):
        look_everywhere(open_page(place, language), language)
