"""From the demo to one's own shop and back: one tab, one address, one click."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.doors.conftest import ORDERS
from tests.doors.console.conftest import PASSWORD, PHONE, WIDE, Server, serving
from tests.doors.console.inside import Person, a_house, text_of
from tests.doors.http.conftest import AT, keys_at

from renwei.app import build
from renwei.app.house import House
from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.doors.console import handover
from renwei.trust import accounts

FORM = {"content_type": "application/x-www-form-urlencoded"}
WORDS = {
    "en": ("Open my own shop", "Look at the demo shop", "Drop your order file here"),
    "zh": ("打开我自己的店", "看看示例店铺", "把订单表拖进来"),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a person's data lies: a demo shop of three orders is there already."""
    folder = tmp_path_factory.mktemp("places")
    orders = folder / "orders.csv"
    orders.write_text(ORDERS, encoding="gb18030")
    bring = build.operations()["import"]
    with keys_at(folder / "keys"), build.open_shop(folder / "renwei-demo", child=False) as shop:
        answer = bring.call(shop, bring.request(files=[orders]))
        body = {"import": msgspec.to_builtins(answer) | {"rejected": [], "warnings": []}}
        shop.store.papers.put("label", "demo", body, by="demo", at=shop.clock.now())
    return folder


@pytest.fixture(params=["zh", "en"])
def demo(
    request: pytest.FixtureRequest, places: Path, tmp_path: Path
) -> Iterator[tuple[Server, str, Path]]:
    """A served demo, its language, and the place of one's own shop."""
    shutil.copytree(places, tmp_path / "data")
    named = {"XDG_DATA_HOME": str(tmp_path / "data")}
    language = str(request.param)
    home = tmp_path / "data"
    with serving(home / "renwei-demo", home / "keys", "--demo", **named) as server:
        yield server, language, home / "renwei"


def arrived(browser: Browser, server: Server, language: str) -> Page:
    context = browser.new_context(
        viewport=PHONE if language == "en" else WIDE, locale=f"{language}-{language.upper()}"
    )
    page = context.new_page()
    page.goto(server.url)
    page.click("main form button.first")
    page.wait_for_url(f"{server.url}/")
    return page


@pytest.mark.slow
def test_one_click_leads_to_ones_own_shop_and_back_in_the_same_tab(
    browser: Browser, demo: tuple[Server, str, Path]
) -> None:
    server, language, own = demo
    leave, look, drop = WORDS[language]
    page = arrived(browser, server, language)
    page.goto(f"{server.url}/report")
    page.get_by_role("button", name=leave).click()
    page.wait_for_url(re.compile(r"/welcome/[\w-]+$"), timeout=60_000)
    assert page.url.startswith(server.url)
    page.fill("input[name=email]", "mei@example.com")
    page.fill("input[name=name]", "Mei")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button.first")
    expect(page.locator("h1")).to_contain_text(drop, timeout=60_000)
    expect(page.locator(".demo-bar")).to_have_count(0)
    assert (own / "state.db").exists()

    page.get_by_role("button", name=look).click()
    expect(page.locator(".demo-bar")).to_be_visible(timeout=60_000)
    page.wait_for_url(f"{server.url}/", timeout=60_000)
    page.get_by_role("button", name=leave).click()
    page.wait_for_url(re.compile(r"/sign-in$"), timeout=60_000)
    page.fill("input[name=email]", "mei@example.com")
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button.first")
    expect(page.locator("h1")).to_contain_text(drop, timeout=60_000)
    page.context.close()


@pytest.mark.slow
def test_ones_own_shop_that_is_open_elsewhere_is_linked_to_and_the_demo_goes_on(
    browser: Browser, demo: tuple[Server, str, Path]
) -> None:
    server, language, own = demo
    with serving(own, server.keys) as second:
        page = arrived(browser, server, language)
        page.get_by_role("button", name=WORDS[language][0]).click()
        link = page.locator("main [role=alert] a")
        expect(link).to_have_attribute("href", second.url)
        page.goto(server.url)
        expect(page.locator(".demo-bar")).to_be_visible()
        page.context.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, empty=True) as house:
        yield house


def local(person: Person, headers: dict[str, str] | None = None) -> Any:
    return person.ask("POST", "/to-demo", f"csrf={person.csrf}".encode(), **FORM, **(headers or {}))


def test_who_does_not_sit_at_the_machine_cannot_ask(house: House, tmp_path: Path) -> None:
    stopped: list[bool] = []
    offer = handover.Handover(tmp_path / "demo", lambda: stopped.append(True))
    handover.offer(house, offer)
    for headers in ({"x_forwarded_for": "203.0.113.7"}, {"forwarded": "for=203.0.113.7"}):
        answer = local(Person(house, "owner"), headers)
        assert answer.status == 403
        assert "on the machine where Renwei runs" in text_of(answer)
    for role in ("marketer", "agent", "viewer"):
        assert local(Person(house, role)).status == 403
    assert not offer.wanted
    assert not stopped


def test_a_shop_that_holds_orders_does_not_give_way_to_the_demo(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        offer = handover.Handover(tmp_path / "demo", lambda: None)
        handover.offer(house, offer)
        assert Person(house, "owner").post("/to-demo").status == 403
        assert not offer.wanted


def test_without_an_offer_pages_show_the_command(house: House) -> None:
    owner = Person(house, "owner")
    assert "renwei up --demo" in text_of(owner.get("/"))
    assert owner.post("/to-demo").status == 403
    assert owner.post("/leave-demo").status == 403
    assert "renwei up" in text_of(owner.get("/leave-demo"))


def test_the_mark_tells_one_server_from_the_next(house: House, tmp_path: Path) -> None:
    offer = handover.Handover(tmp_path / "demo", lambda: None)
    handover.offer(house, offer)
    person = Person(house)
    assert person.get(f"/handover/{offer.mark}").status == 202
    assert person.get("/handover/another").status == 204


def test_the_link_of_the_owner_is_made_once_and_not_where_there_is_an_owner(
    house: House, tmp_path: Path
) -> None:
    offer = handover.Handover(tmp_path / "own", lambda: None)
    to = handover.way_in(offer, house)
    assert to == f"/welcome/{offer.link}"
    with build.open_shop(tmp_path / "own", clock=Frozen(AT)) as shop:
        assert accounts.role_of(shop, offer.link, AT) == "owner"
        who = accounts.Newcomer("mei@example.com", "Mei", PASSWORD, "en")
        accounts.use_welcome(shop, offer.link, who, AT)
    again = handover.Handover(tmp_path / "own", lambda: None)
    assert handover.way_in(again, house) == "/sign-in"
    assert again.link == ""


def test_a_place_that_cannot_be_served_is_refused_before_anything_stops(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory", encoding="utf-8")
    offer = handover.Handover(tmp_path / "file", lambda: None)
    with pytest.raises(Unavailable):
        handover.way_in(offer, house)
    with pytest.raises(Unavailable):
        handover.ready(tmp_path / "file")
