"""The catalogue in the console: found, filtered, changed by hand, brought in as a file."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.doors.console.inside import BOUNDARY, ROLES, Person, a_house, reopened, text_of, told
from tests.doors.http.calls import Answer

from renwei.app.house import House

ITEMS: list[dict[str, Any]] = [
    {"id": "C1", "title": "Rose cream", "category": "Creams", "price": "59.90", "stock": 5},
    {"id": "C2", "title": "Lily cream", "category": "Creams", "price": "49.90", "stock": 0},
    {"id": "M1", "title": "Clay mask", "category": "Masks", "price": "19.90", "available": False},
    {"id": "a/b c?", "title": "Odd <b>soap</b>", "category": "Soaps", "price": "9.90"},
    {"id": "v1", "kind": "video", "title": "How to use it", "creator": "mei"},
]


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a small catalogue that was learnt from."""
    folder = tmp_path_factory.mktemp("goods")
    with a_house(folder) as house:
        house.call("items save", items=ITEMS)
        house.call("learn-taste")
    return folder


@pytest.fixture
def house(stocked: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of it, of one's own."""
    shutil.copytree(stocked / "shop", tmp_path / "shop")
    with reopened(tmp_path, work=True) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


def titles(answer: Answer) -> list[str]:
    """Of the items on the list."""
    rows = re.findall(r'<tr>\s*<td[^>]*><a href="/goods/[^"]*">([^<]*)</a>', answer.body.decode())
    return [unescape(title) for title in rows]


def item(house: House, code: str, kind: str = "product") -> Any:
    """An item as it stands."""
    return house.call("items show", id=code, kind=kind).item


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("query=cream", {"Rose cream", "Lily cream"}),
        ("category=Creams", {"Rose cream", "Lily cream"}),
        ("kind=video", {"How to use it"}),
        ("query=rose&kind=video", set()),
        ("query=C2", {"Lily cream"}),
    ],
)
def test_items_are_found_by_words_kind_and_category(
    owner: Person, query: str, found: set[str]
) -> None:
    answer = owner.get(f"/goods?{query}")
    assert answer.status == 200
    assert set(titles(answer)) == found
    assert "See all" in text_of(answer)


def test_the_list_says_what_is_never_recommended_and_why(owner: Person) -> None:
    said = text_of(owner.get("/goods"))
    assert re.search(r"Lily cream C2 .{0,60}sold out", said)
    assert re.search(r"Clay mask M1 .{0,60}delisted", said)
    assert re.search(r"Rose cream C1 Products Creams ¥59.90 5 recommended", said)


def test_a_module_of_a_page_leads_to_its_page_and_is_not_called_recommended(
    house: House, owner: Person
) -> None:
    modules = [{"name": "top", "title": {"en": "Top"}, "source": "banner", "url": "/x"}]
    house.call("pages set", name="autumn", page={"modules": modules})
    page = owner.get("/goods?kind=module")
    assert 'href="/pages/autumn"' in page.body.decode()
    assert "Part of a page" in text_of(page)


def test_a_kind_that_cannot_be_is_said_and_the_list_stays(owner: Person) -> None:
    answer = owner.get("/goods?kind=%3Cscript%3E")
    assert answer.status == 400
    assert 'role="alert"' in answer.body.decode()
    assert "Rose cream" in titles(answer)


def test_an_item_of_any_code_has_a_page_and_its_markup_stays_text(owner: Person) -> None:
    answer = owner.get(f"/goods/product/{quote('a/b c?', safe='')}")
    assert answer.status == 200
    assert "<b>soap</b>" not in answer.body.decode()
    assert "Odd <b>soap</b>" in unescape(answer.body.decode())
    link = next(
        unescape(one)
        for one in re.findall(r'href="(/goods/product/[^"]*)"', owner.get("/goods").body.decode())
        if "%2F" in one
    )
    assert owner.get(link).status == 200


def test_an_item_nobody_knows_is_not_found(owner: Person) -> None:
    answer = owner.get("/goods/product/nothing")
    assert answer.status == 404
    assert "renwei items" not in text_of(answer)


def test_prices_are_drawn_and_stand_in_a_table(house: House, owner: Person) -> None:
    assert "data-chart" not in owner.get("/goods/product/C1").body.decode()
    house.call("items change", id="C1", price="49.90")
    house.call("items change", id="C1", price="55.00")
    answer = owner.get("/goods/product/C1")
    assert "data-chart" in answer.body.decode()
    said = text_of(answer)
    assert all(price in said for price in ("¥59.90", "¥49.90", "¥55.00"))
    assert "lowest in 30 days ¥49.90" in said


def test_what_is_like_an_item_stands_beside_it(owner: Person) -> None:
    said = text_of(owner.get("/goods/product/C1"))
    assert "Lily cream" in said.rpartition("Similar")[2]
    assert "Too few people bought it with anything else yet." in said


def test_looking_at_an_item_records_no_decision(house: House, owner: Person) -> None:
    owner.get("/goods/product/C1")
    at, day = house.clock.now(), timedelta(days=1)
    assert list(house.shop().store.ledger.between(at - day, at + day)) == []


def test_stock_and_showing_are_changed_and_hold_at_once(house: House, owner: Person) -> None:
    answer = owner.post("/goods/product/C2", {"stock": "7", "available": "yes"})
    assert answer.status == 303
    assert told(owner) == "Saved; it holds at once."
    assert item(house, "C2").offered
    owner.post("/goods/product/C2", {"stock": "7", "available": "no"})
    assert not item(house, "C2").offered
    owner.post("/goods/product/C2", {"stock": "", "available": "yes"})
    assert item(house, "C2").stock is None
    assert item(house, "C2").title == "Lily cream"


@pytest.mark.parametrize("stock", ["many", "-1", "1.5", "9" * 20])
def test_a_stock_that_is_no_number_is_said_at_its_field(
    house: House, owner: Person, stock: str
) -> None:
    answer = owner.post("/goods/product/C1", {"stock": stock, "available": "no"})
    assert answer.status == 400
    assert 'aria-describedby="fault"' in answer.body.decode()
    assert (item(house, "C1").stock, item(house, "C1").available) == (5, True)


@pytest.mark.parametrize("code", [one["id"] for one in ITEMS if "kind" not in one])
def test_a_deleted_item_is_not_recommended_and_comes_back_as_it_was(
    house: House, owner: Person, code: str
) -> None:
    before, place = item(house, code), f"/goods/product/{quote(code, safe='')}"
    owner.post(place, {"do": "remove"})
    assert item(house, code).gone
    assert before.title not in titles(owner.get("/goods"))
    assert before.title in titles(owner.get("/goods?gone=yes"))
    assert "It is recommended nowhere now." in text_of(owner.get(place))
    owner.post(place, {"do": "back"})
    after = item(house, code)
    for name in ("title", "category", "price_minor", "stock", "available", "offered"):
        assert getattr(after, name) == getattr(before, name), name


def test_a_file_of_items_is_brought_in_and_refused_rows_are_named(
    house: House, owner: Person
) -> None:
    text = "商品编码,商品名称,售价,库存,奇怪\nN1,Neroli oil,12.00,3,x\nN2,Bad,12.001,3,y\n"
    answer = owner.follow(owner.send("/goods", ("items.csv", text.encode())))
    said = text_of(answer)
    assert answer.status == 200
    assert "2 rows read, 1 items stored, 1 rows refused" in said
    assert "奇怪" in said
    assert re.search(r"3 N2 .*12\.001", said)
    assert item(house, "N1").stock == 3
    assert not list((house.directory / "uploads").glob("*"))


def test_a_file_without_ids_says_what_to_do_here(owner: Person) -> None:
    answer = owner.follow(owner.send("/goods", ("items.csv", b"colour,size\nred,1\nblue,2\n")))
    assert answer.status == 400
    said = text_of(answer)
    assert "Name that column id" in said
    assert "--columns" not in said


def test_corrections_leave_the_rest_of_an_item_as_it_is(house: House, owner: Person) -> None:
    def part(name: str, value: str) -> bytes:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        return f"{head}{value}\r\n".encode()

    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="i.csv"\r\n'
    file = f"{head}Content-Type: text/csv\r\n\r\nid,stock\nC1,2\n\r\n--{BOUNDARY}--\r\n".encode()
    body = part("csrf", owner.csrf) + part("partial", "yes") + file
    sent = owner.ask(
        "POST", "/goods", body, content_type=f"multipart/form-data; boundary={BOUNDARY}"
    )
    owner.follow(sent)
    assert (item(house, "C1").stock, item(house, "C1").price) == (2, "59.90")


def test_no_file_at_all_is_said(owner: Person) -> None:
    answer = owner.post("/goods")
    assert answer.status == 400
    assert 'role="alert"' in answer.body.decode()


@pytest.mark.parametrize("role", ROLES)
def test_every_role_looks_and_only_some_change(house: House, role: str) -> None:
    person, writes = Person(house, role), role in ("owner", "marketer")
    for place in ("/goods", "/goods/product/C1", "/goods?query=cream"):
        answer = person.get(place)
        assert answer.status == 200
        assert "Rose cream" in text_of(answer)
        # Every page has the forms of its head: language and leaving.
        forms = re.findall(r'method="post" action="(/goods[^"]*)"', answer.body.decode())
        assert bool(forms) is writes, place
    assert person.post("/goods/product/C1", {"stock": "1"}).status == (303 if writes else 403)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_catalogue_names_the_next_step(tmp_path: Path, language: str) -> None:
    with a_house(tmp_path, empty=True) as house:
        page = Person(house, "owner", language).get("/goods").body.decode()
        assert 'class="button" href="/imports"' in page
        assert 'name="files"' in page
