"""Consent: nothing before a yes, nothing after a no, and the browser's own signal."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.doors.snippet.conftest import tag
from tests.doors.snippet.shopping import HIDE, Visit, until
from tests.doors.snippet.stand import Site, Stand, item

KEY = "wk_of_a_test"
STORED = """() => [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie]
    .filter(Boolean).sort()"""
BLOCK = '<div data-renwei="home"><p>Bestsellers</p></div>'
BUSY = """() => {
    renwei.viewed("P1"); renwei.search("q"); renwei.identify("ann", { city: "X" });
    renwei.cart("P1"); renwei.order({ id: "1", items: [] }); renwei.reset(); renwei.flush();
    renwei.scan(); renwei.page("again"); document.querySelector("p").click();
}"""
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });"
DNT = "Object.defineProperty(navigator, 'doNotTrack', { value: '1' });"


def open_at(
    context: BrowserContext, site: Site, stand: Stand, body: str = BLOCK, **more: str
) -> Page:
    page = context.new_page()
    page.goto(site.put("/", body + tag(stand.url, KEY, **more)))
    page.wait_for_function("window.renwei && renwei.version")
    return page


def heard(stand: Stand) -> tuple[list[Any], list[Any]]:
    return stand.posts, stand.asked


def test_before_consent_nothing_is_stored_or_sent(visit: Visit, stand: Stand, site: Site) -> None:
    stand.choose = lambda request: [item("P1")]
    page = open_at(visit(), site, stand, consent="required")
    page.evaluate(BUSY)
    page.evaluate(HIDE, "hidden")
    page.evaluate(HIDE, "visible")
    page.wait_for_timeout(1500)
    assert page.evaluate(STORED) == []
    assert page.evaluate("[renwei.consent(), renwei.anonymousId()]") == [False, ""]
    page.reload()
    page.wait_for_timeout(800)
    assert page.evaluate(STORED) == []
    assert heard(stand) == ([], [])
    assert page.locator("[data-renwei]").inner_text() == "Bestsellers"


def test_a_yes_begins_with_the_page_that_is_open(visit: Visit, stand: Stand, site: Site) -> None:
    stand.choose = lambda request: [item("P1")]
    page = open_at(visit(), site, stand, consent="required")
    page.evaluate("renwei.identify('ann'); renwei.viewed('P1'); renwei.track('Before')")
    page.wait_for_timeout(400)
    page.evaluate("renwei.consent(true)")
    until(lambda: {"page", "identify"} <= {e["type"] for e in stand.stored()})
    until(lambda: stand.asked)
    assert not stand.named("Before")
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_function("window.renwei && renwei.version")
    assert page.evaluate("renwei.consent()") is True
    views = until(lambda: stand.named("Product Viewed"))
    assert 200 <= views[0]["properties"]["dwell_ms"] < 60_000
    assert all(asked["user_id"] == "ann" for asked in stand.asked)


@pytest.mark.parametrize("consent", ["required", "optional"])
def test_a_no_deletes_ids_and_queue_and_ends_everything(
    visit: Visit, stand: Stand, site: Site, consent: str
) -> None:
    context = visit()
    page = open_at(context, site, stand, consent=consent)
    page.evaluate("renwei.consent(true); renwei.identify('ann'); renwei.viewed('P1')")
    until(lambda: stand.posts)
    page.wait_for_timeout(500)
    context.set_offline(True)
    page.evaluate("renwei.track('Waiting')")
    before = page.evaluate("renwei.anonymousId()")
    assert any(".q." in name for name in page.evaluate(STORED))
    page.evaluate("renwei.consent(false)")
    context.set_offline(False)
    posts = len(stand.posts)
    page.evaluate(BUSY)
    page.wait_for_timeout(1200)
    page.reload()
    page.wait_for_timeout(800)
    left = page.evaluate(STORED)
    assert left == ([] if consent == "required" else [f"renwei.{KEY[-8:]}.consent"])
    assert page.evaluate("localStorage.getItem(Object.keys(localStorage)[0])") in (None, "0")
    assert len(stand.posts) == posts
    assert not stand.named("Waiting")
    page.evaluate("renwei.consent(true)")
    until(lambda: len(stand.posts) > posts)
    assert page.evaluate("renwei.anonymousId()") not in ("", before)


def test_a_no_in_one_tab_holds_in_the_others(visit: Visit, stand: Stand, site: Site) -> None:
    context = visit()
    first, second = (open_at(context, site, stand, consent="required") for _ in range(2))
    first.evaluate("renwei.consent(true)")
    until(lambda: stand.posts)
    second.evaluate("renwei.viewed('P1')")
    first.evaluate("renwei.consent(false)")
    second.evaluate("renwei.track('Too Late'); renwei.flush()")
    second.goto("about:blank")
    first.wait_for_timeout(1000)
    assert first.evaluate(STORED) == []
    assert not stand.named("Too Late")
    assert not stand.named("Product Viewed")


@pytest.mark.parametrize("signal", [GPC, DNT], ids=["gpc", "dnt"])
def test_a_browser_that_objects_is_left_alone(
    visit: Visit, stand: Stand, site: Site, signal: str
) -> None:
    context = visit()
    context.add_init_script(signal)
    page = open_at(context, site, stand)
    page.evaluate(BUSY)
    page.wait_for_timeout(1000)
    assert page.evaluate(STORED) == []
    assert heard(stand) == ([], [])
    # The visitor's own yes is the more particular word.
    page.evaluate("renwei.consent(true)")
    until(lambda: stand.posts)


def test_a_shop_may_choose_not_to_heed_the_signal(visit: Visit, stand: Stand, site: Site) -> None:
    context = visit()
    context.add_init_script(GPC)
    open_at(context, site, stand, dnt="ignore")
    until(lambda: stand.posts)


def test_no_address_is_sent_with_what_stands_behind_its_question_mark(
    visit: Visit, stand: Stand, site: Site
) -> None:
    page = visit().new_page()
    site.put("/mail", tag(stand.url, KEY) + "<a href='/next?c=2'>next</a>")
    site.put("/next", tag(stand.url, KEY))
    page.goto(site.url + "/mail?email=ann@example.com&utm_source=letter&utm_campaign=may#token=1")
    until(lambda: stand.posts)
    page.click("a")
    until(lambda: len(stand.stored()) >= 2)
    assert "ann@example.com" not in str(stand.stored())
    assert "token" not in str(stand.stored())
    assert stand.stored()[0]["context"]["campaign"] == {"source": "letter", "name": "may"}
    assert stand.stored()[-1]["properties"]["referrer"] == site.url + "/mail"
