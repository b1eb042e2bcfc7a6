"""Surfaces and pages in the console: looked at, changed, undone, by whom it may be."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doors.console.inside import Person, a_house, reopened, text_of, told
from tests.doors.http.calls import Answer

from renwei.app.house import House
from renwei.core.clock import to_us
from renwei.core.nouns import Event
from renwei.core.store import Named
from renwei.doors.console.surfaces import form
from renwei.doors.console.surfaces.modules import moved
from renwei.recommend.surfaces import DEFAULTS, Place

ITEMS = [
    {
        "id": f"{sort}-{k}",
        "title": f"{sort.capitalize()} {k}",
        "category": sort,
        "price": 10 + k,
        "stock": 9,
        "brand": "Pebble",
    }
    for sort in ("cream", "mask", "soap")
    for k in range(6)
]
DAY = timedelta(days=1)
FORM = {
    "mode": "feed", "kinds": "product", "filter": "", "repeats": "learnt", "session": "yes",
    "seen": "20", "cool_days": "7", "diversity": "0", "per_category": "0", "per_brand": "0",
    "explore": "0", "new": "0", "holdout": "0",
}  # fmt: skip


def looked_at(house: House, user: str, code: str) -> None:
    """Somebody of the app looked at an item a moment ago."""
    store, at = house.shop().store, house.clock.now() - timedelta(minutes=5)
    actor = store.people.actors([Named("user", user)], at)[0]
    number = store.items.by_code("product", [code])[0]
    message = store.people.keyed(f"{user}{code}{to_us(at)}")
    store.log.append([Event(actor, "view", at, message, number, 0, "", {})], at)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a catalogue, learnt from; mei and ann each looked at something else."""
    folder = tmp_path_factory.mktemp("surfaces")
    with a_house(folder) as house:
        house.call("items save", items=ITEMS)
        looked_at(house, "mei", "cream-1")
        looked_at(house, "ann", "soap-2")
        house.call("learn")
        house.call("learn-taste")
        for name in DEFAULTS:
            house.call("surfaces set", name=name, place={"explore": 0, "holdout": 0, "new": 0})
    return folder


@pytest.fixture
def house(grown: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it, of one's own."""
    shutil.copytree(grown / "shop", tmp_path / "shop")
    with reopened(tmp_path) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


def ready(person: Person, place: str) -> Answer:
    """A page once what it waits for is there."""
    for _ in range(100):
        answer = person.get(place)
        if "waiting=1" not in answer.body.decode():
            return answer
        for job in person.house.jobs.running().values():
            job.ended.wait(60)
    raise AssertionError("it never ends")


def phones(answer: Answer) -> list[str]:
    """What stands on each phone."""
    found = re.findall(r'<section class="phone".*?</section>', answer.body.decode(), re.S)
    return [unescape(re.sub(r"<[^>]+>", " ", one)) for one in found]


def place_of(house: House, name: str) -> Place:
    """A surface as it stands."""
    found = {one.name: one.place for one in house.call("surfaces").surfaces}
    place: Place = found[name]
    return place


def decisions(house: House) -> int:
    """How many were recorded."""
    at = house.clock.now()
    return sum(1 for _ in house.shop().store.ledger.between(at - DAY, at + DAY))


# Surfaces.


def test_the_list_says_of_each_surface_what_it_shows_and_who_is_held_out(owner: Person) -> None:
    said = text_of(owner.get("/surfaces"))
    assert "Cart: goes with it" in said
    assert "0.0 % of people see only what is popular" in said
    assert "do not come again" in said
    assert "6 in Buy again" in said


def test_two_people_see_two_lists_with_the_reason_of_each_difference(owner: Person) -> None:
    answer = ready(owner, "/surfaces/home?a=mei&b=ann")
    left, right = phones(answer)
    assert "Is like Cream 1." in left
    assert "Is like Soap 2." in right
    table = text_of(answer).rpartition("Why the two differ")[2]
    assert "mei: Is like Cream 1." in table
    assert "ann: Is like Soap 2." in table
    assert "not shown" in table


def test_a_stranger_stands_alone_and_beside_whoever_is_chosen(owner: Person) -> None:
    assert len(phones(ready(owner, "/surfaces/home"))) == 1
    left, right = phones(ready(owner, "/surfaces/home?a=&b=mei"))
    assert "Somebody unknown" in left
    assert "Cream" in right


def test_a_text_that_fits_nobody_is_said_and_shows_a_stranger(owner: Person) -> None:
    answer = ready(owner, "/surfaces/home?a=nobody-of-that-name")
    assert "Nobody is found by “nobody-of-that-name”" in text_of(answer)
    assert "Somebody unknown" in phones(answer)[0]


def test_a_product_page_is_about_the_item_that_was_chosen(owner: Person) -> None:
    answer = ready(owner, "/surfaces/product?item=mask-3")
    assert "About the item: Mask 3." in text_of(answer)
    assert "Mask 3" not in re.findall(r'class="title"[^>]*>([^<]*)<', answer.body.decode())


def test_an_item_that_nobody_finds_is_said(owner: Person) -> None:
    answer = ready(owner, "/surfaces/product?item=no-such-thing")
    assert "No item is found by “no-such-thing”" in text_of(answer)
    assert "About the item" not in text_of(answer)


def test_looking_again_records_nothing_more_until_something_changed(
    house: House, owner: Person
) -> None:
    ready(owner, "/surfaces/home?a=mei&b=ann")
    before = decisions(house)
    for _ in range(3):
        ready(owner, "/surfaces/home?a=mei&b=ann")
    assert decisions(house) == before
    looked_at(house, "mei", "mask-1")
    answer = ready(owner, "/surfaces/home?a=mei&b=ann")
    assert decisions(house) == before + 1
    assert "Mask 1" in phones(answer)[0]


def test_a_change_is_kept_and_undone(house: House, owner: Person) -> None:
    changed = {"per_category": "2", "diversity": "0.3", "holdout": "12.5", "filter": "price < 14"}
    answer = owner.post("/surfaces/home", FORM | changed | {"repeats": "no"})
    assert answer.status == 303
    assert told(owner) == "Saved. It holds from now on."
    place = place_of(house, "home")
    assert (place.per_category, place.diversity, place.repeats) == (2, 0.3, "no")
    assert (place.holdout, place.filter, place.explore) == (0.125, "price < 14", 0.0)
    assert "12 items pass now, of " in text_of(ready(owner, "/surfaces/home"))
    owner.post("/surfaces/home/undo")
    assert place_of(house, "home").per_category == 0
    owner.post("/surfaces/home/undo")
    assert place_of(house, "home").per_category == 2


def test_an_empty_hold_out_is_the_shops_own(house: House, owner: Person) -> None:
    owner.post("/surfaces/home", FORM | {"holdout": ""})
    assert place_of(house, "home").holdout is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_wrong_filter_is_shown_where_it_is_wrong_and_nothing_changes(
    house: House, language: str
) -> None:
    person, before = Person(house, "marketer", language), place_of(house, "home")
    assert ready(person, "/surfaces/home").status == 200
    answer = person.post("/surfaces/home", FORM | {"filter": "stock > 0 and prize <= 200"})
    assert answer.status == 400
    page = answer.body.decode()
    assert "<code>stock &gt; 0 and <mark>prize</mark> &lt;= 200</code>" in page
    assert 'aria-describedby="fault-filter"' in page
    assert "price" in re.findall(r'id="fault-filter">([^<]*)<', page)[0]
    assert place_of(house, "home") == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("seen", "many"), ("per_brand", "-1"), ("explore", "140"), ("diversity", "2"), ("kinds", "")],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    house: House, owner: Person, field: str, value: str
) -> None:
    before = place_of(house, "home")
    ready(owner, "/surfaces/home")
    answer = owner.post("/surfaces/home", FORM | {field: value, "per_category": "3"})
    assert answer.status == 400
    assert f'id="fault-{field}"' in answer.body.decode()
    assert place_of(house, "home") == before


def test_a_new_surface_has_a_page_of_its_own_and_no_name_twice(house: House, owner: Person) -> None:
    answer = owner.post("/surfaces", {"name": "end-of-video", "mode": "feed"})
    assert answer.headers["location"] == "/surfaces/end-of-video"
    assert "end-of-video" in text_of(ready(owner, "/surfaces/end-of-video"))
    assert owner.post("/surfaces", {"name": "home", "mode": "feed"}).status == 400
    assert owner.post("/surfaces", {"name": "no blanks", "mode": "feed"}).status == 400


def test_a_surface_nobody_has_is_not_found(owner: Person) -> None:
    assert ready(owner, "/surfaces/nowhere").status == 404


def test_the_line_for_developers_asks_the_same(owner: Person) -> None:
    page = unescape(ready(owner, "/surfaces/home?a=mei").body.decode())
    line = re.findall(r'<code id="curl">([^<]*)</code>', page)[0]
    assert re.search(r"/v1/recommend\?user_id=p\w+&surface=home&n=8", line)


@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_who_may_only_read_looks_and_changes_nothing(house: House, role: str) -> None:
    person = Person(house, role)
    for place in ("/surfaces/home?a=mei&b=ann", "/pages/home?a=mei&b=ann"):
        answer = ready(person, place)
        assert answer.status == 200
        assert len(phones(answer)) == 2
        assert 'class="first">Save' not in answer.body.decode()
    assert person.post("/surfaces/home", FORM).status == 403
    assert person.post("/surfaces/home/undo").status == 403
    assert person.post("/pages/home", {"do": "save"}).status == 403


def test_a_viewer_meets_masked_people_and_whole_items(house: House) -> None:
    viewer = Person(house, "viewer")
    answer = ready(viewer, "/surfaces/home?a=" + quote("13800010001"))
    said = text_of(answer)
    assert "张小美" not in said
    assert "Cream" in phones(answer)[0] or "面膜" in phones(answer)[0]


@given(st.text(max_size=40), st.integers(0, 60))
def test_a_filter_is_cut_at_any_place_without_losing_a_sign(text: str, position: int) -> None:
    assert "".join(form.around(text, position)) == text


def test_the_form_shows_a_surface_as_it_would_save_it() -> None:
    shown = form.shown(Place(explore=0.07, holdout=None, diversity=0.35, kinds=("song", "video")))
    assert (shown["explore"], shown["holdout"], shown["diversity"]) == ("7", "", "0.35")
    assert shown["kinds"] == "song, video"


# Pages.


def module(k: int, **fields: str) -> dict[str, str]:
    """The fields of one module of the editor."""
    known = {"name": f"m{k}", "title_en": f"Module {k}", "source": "recommend", "n": "4"}
    return {f"{k}.{name}": value for name, value in ({"surface": "home"} | known | fields).items()}


def page_of(house: House, name: str = "home") -> list[str]:
    """Names of a page's modules in their default order."""
    found = {one.name: one.page for one in house.call("pages").pages}
    return [one.name for one in found[name].modules]


def test_a_page_is_shown_on_two_phones_with_what_it_is_made_of(owner: Person) -> None:
    answer = ready(owner, "/pages/home?a=mei&b=ann")
    assert len(phones(answer)) == 2
    assert all("For you" in phone for phone in phones(answer))
    assert "Why the two differ" in text_of(answer)
    assert "5.0 % of people always see the default order" in text_of(answer)


def test_modules_are_moved_in_the_form_and_kept_when_it_is_saved(
    house: House, owner: Person
) -> None:
    ready(owner, "/pages/home")
    sent = {"count": "2", "control": "10"} | module(0) | module(1)
    answer = owner.post("/pages/home", sent | {"do": "up:1"})
    assert answer.status == 200
    assert "This is a preview" in text_of(answer)
    assert re.search(r'name="0.name" value="m1"', answer.body.decode())
    assert page_of(house) == ["again", "for-you", "discover"]
    owner.post("/pages/home", sent | {"do": "save"})
    assert page_of(house) == ["m0", "m1"]
    assert house.call("pages").pages[0].page.control == 0.1


def test_a_campaign_is_told_in_the_shops_own_time_and_undone(house: House, owner: Person) -> None:
    ready(owner, "/pages/home")
    first = {"count": "1", "control": "5"} | module(0)
    owner.post("/pages/home", first | {"do": "save"})
    window = {"from": "2026-11-11T00:00", "until": "2026-11-12T00:00", "pin": "1"}
    sent = {"count": "1", "control": "5"} | module(0, source="banner", url="/sale", **window)
    owner.post("/pages/home", sent | {"do": "save", "0.nets": "wifi", "0.heavy": "yes"})
    held = house.call("pages").pages[0].page.modules[0]
    assert held.from_.isoformat() == "2026-11-10T16:00:00+00:00"
    assert (held.pin, held.nets, held.heavy) == (1, ["wifi"], True)
    page = ready(owner, "/pages/home").body.decode()
    assert 'value="2026-11-11T00:00"' in page
    owner.post("/pages/home/undo")
    assert house.call("pages").pages[0].page.modules[0].source == "recommend"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"from": "2026-11-12T00:00", "until": "2026-11-11T00:00"}, "until"),
        ({"name": "m0"}, "name"),
        ({"n": "0"}, "n"),
        ({"n": "many"}, "n"),
        ({"pin": "1"}, "pin"),
        ({"url": "ftp://x"}, "url"),
        ({"source": "items", "items": "cream-1, no-such-item"}, "items"),
    ],
)
def test_what_is_wrong_with_a_module_is_said_at_it(
    house: House, owner: Person, wrong: dict[str, str], field: str
) -> None:
    ready(owner, "/pages/home")
    sent = {"count": "2", "control": "5"} | module(0, pin="1") | module(1, **wrong)
    answer = owner.post("/pages/home", sent | {"do": "save"})
    assert answer.status == 400
    page = answer.body.decode()
    assert 'id="fault-1"' in page
    assert re.search(rf'name="1\.{field}"[^>]*aria-invalid', page)
    assert page_of(house) == ["again", "for-you", "discover"]


def test_a_page_of_named_items_shows_them_to_everybody(house: House, owner: Person) -> None:
    ready(owner, "/pages/home")
    sent = {"count": "1", "control": "5"} | module(0, source="items", items="soap-5,mask-4")
    assert owner.post("/pages/home", sent | {"do": "save"}).status == 303
    phone = phones(ready(owner, "/pages/home"))[0]
    assert phone.index("Soap 5") < phone.index("Mask 4")


def test_a_new_page_begins_empty_and_names_the_next_step(owner: Person) -> None:
    answer = owner.post("/pages", {"name": "autumn"})
    assert answer.headers["location"] == "/pages/autumn"
    assert "No modules yet" in text_of(ready(owner, "/pages/autumn"))
    assert "not saved yet" in text_of(owner.post("/pages/autumn", {"count": "0", "do": "add"}))
    assert owner.post("/pages", {"name": "autumn"}).status == 400


def test_a_preview_is_on_the_phones_at_once_and_nowhere_else(house: House, owner: Person) -> None:
    ready(owner, "/pages/home?a=mei&b=ann")
    before, items = decisions(house), len(house.shop().store.items.all_items())
    sent = (
        {"count": "2", "control": "0"} | module(0) | module(1, source="banner", pin="1", url="/x")
    )
    answer = owner.post("/pages/home?a=mei&b=ann", sent | {"do": "preview"})
    assert answer.status == 200
    for phone in phones(answer):
        assert phone.index("1. Module 1") < phone.index("2. Module 0")
        assert "whole record" not in phone
    assert "mei: Is like Cream 1." in text_of(answer), "the reason of a difference"
    assert page_of(house) == ["again", "for-you", "discover"]
    assert decisions(house) == before
    assert len(house.shop().store.items.all_items()) == items
    assert "For you" in phones(ready(owner, "/pages/home?a=mei"))[0]


def test_a_preview_of_a_campaign_that_is_over_leaves_it_out(owner: Person) -> None:
    ready(owner, "/pages/home")
    over = {"from": "2020-11-11T00:00", "until": "2020-11-12T00:00"}
    sent = {"count": "2", "control": "0"} | module(0) | module(1, source="banner", **over)
    phone = phones(owner.post("/pages/home", sent | {"do": "preview"}))[0]
    assert "Modules left out: 1" in phone


def test_what_cannot_be_previewed_is_said_where_it_is_wrong(owner: Person) -> None:
    ready(owner, "/pages/home")
    sent = {"count": "1", "control": "5"} | module(0, n="many")
    answer = owner.post("/pages/home", sent | {"do": "preview"})
    assert answer.status == 400
    assert 'id="fault-0"' in answer.body.decode()
    # Moving about is no time to scold: the phones stay as they are until it can be read.
    moved_ = owner.post("/pages/home", sent | {"do": "add"})
    assert moved_.status == 200
    assert "For you" in phones(moved_)[0]
    assert "Not saved yet." in text_of(moved_)


def test_saving_keeps_the_people_on_the_phones_and_a_first_change_is_undone(
    house: House, owner: Person
) -> None:
    ready(owner, "/pages/home")
    sent = {"count": "1", "control": "5", "do": "save"} | module(0)
    answer = owner.post("/pages/home?a=mei&b=ann", sent)
    assert answer.headers["location"] == "/pages/home?a=mei&b=ann"
    assert page_of(house) == ["m0"]
    assert 'action="/pages/home/undo' in ready(owner, "/pages/home").body.decode()
    owner.post("/pages/home/undo")
    assert page_of(house) == ["again", "for-you", "discover"]


def test_looks_at_a_page_are_no_part_of_what_is_measured(house: House, owner: Person) -> None:
    ready(owner, "/pages/home?a=mei&b=ann")
    assert decisions(house) > 0
    house.clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
    rows = house.call("recommend lift").lifts
    assert [one.shown + one.held for one in rows] == [0] * len(rows)
    assert house.call("recommend gauge").people == 0


@given(
    st.lists(st.integers(0, 9), unique=True, max_size=6),
    st.sampled_from(["up", "down"]),
    st.integers(0, 7),
)
def test_moving_loses_no_module_and_changes_at_most_two_places(
    names: list[int], way: str, k: int
) -> None:
    drafts = [{"name": str(name)} for name in names]
    after = moved(drafts, f"{way}:{k}")
    assert sorted(one["name"] for one in after) == sorted(map(str, names))
    assert sum(a != b for a, b in zip(drafts, after, strict=True)) in (0, 2)
