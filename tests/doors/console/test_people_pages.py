from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from tests.doors.console.conftest import PHONE, Open, Server, go
from tests.doors.console.looking import look, look_everywhere


def first_person(page: Page, place: int = 0) -> str:
    """The id of a person on the list that is open."""
    address = page.locator("main tbody a[href^='/people/']").nth(place).get_attribute("href")
    assert address
    return address.rpartition("/")[2]


def stale(page: Page) -> Page:
    """The page, agreeing to whatever it asks before what cannot be taken back."""
    page.on("dialog", lambda dialog: dialog.accept())
    return page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_of_customers_is_whole(open_page: Open, language: str) -> None:
    page = open_page("/people", language)
    assert page.locator("main tbody tr").count() == 50
    look_everywhere(page, language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_customers_page_is_whole(open_page: Open, language: str) -> None:
    page = open_page("/people?sort=orders", language)
    page.locator("main tbody a[href^='/people/']").first.click()
    expect(page.locator("#next")).to_be_visible()
    page.wait_for_selector(".card [hx-get$='/next'] > *:not(:has(a.button))")
    for summary in page.locator("main details > summary").all():
        summary.click()
    look_everywhere(page, language)


def test_search_finds_somebody_by_phone_e_mail_nick_and_name(
    open_page: Open, console: Server
) -> None:
    page = open_page("/people?sort=orders&tier=high", "zh")
    person = first_person(page, 3)
    told = json.loads(console.cli("person", person, "--json").stdout)
    texts = [told["identifiers"]["phone"][0], told["name"]]
    texts += [nick.partition(":")[2] for nick in told["identifiers"].get("nick", [])[:1]]
    for text in texts:
        page.goto(console.url + "/")
        page.fill("#find", text)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/people"))
        found = (
            page.url.endswith(person) or page.locator(f"main a[href='/people/{person}']").count()
        )
        assert found, text


def test_stage_tier_and_sorting_narrow_the_list_and_pages_do_not_overlap(
    open_page: Open, console: Server
) -> None:
    page = open_page("/people?stage=active&sort=value", "en")
    total = int(page.locator(".spread strong").first.inner_text().split()[0].replace(",", ""))
    seen: list[str] = []
    while True:
        seen += page.eval_on_selector_all(
            "main tbody a[href^='/people/']", "all => all.map(one => one.getAttribute('href'))"
        )
        more = page.locator("main a[rel=next]")
        if not more.count():
            break
        more.click()
    assert len(seen) == len(set(seen)) == total


def test_a_correction_sticks_and_can_be_taken_back(open_page: Open, console: Server) -> None:
    page = stale(open_page("/people?sort=orders", "en"))
    go(page, f"{console.url}/people/{first_person(page, 1)}")
    preference = page.locator(".evidence details").first
    what = preference.locator("summary").inner_text()
    preference.locator("summary").click()
    expect(preference.locator("li").first).to_contain_text(re.compile(r"20\d\d-"))
    preference.locator("button").click()
    expect(page.locator("#told .told")).to_be_visible()
    assert what not in page.locator(".evidence summary").all_inner_texts()
    page.reload()
    assert what not in page.locator(".evidence summary").all_inner_texts()
    page.locator("form[action$='/correct'] button.plain").first.click()
    expect(page.locator("#told .told")).to_be_visible()
    assert what in page.locator(".evidence summary").all_inner_texts()


def test_a_fact_told_by_hand_is_kept_filtered_by_and_saved_as_an_audience(
    open_page: Open, console: Server
) -> None:
    page = stale(open_page("/people?sort=orders", "zh"))
    person = first_person(page, 2)
    go(page, f"{console.url}/people/{person}")
    add = page.locator("details:has(input[placeholder='肤质'])")
    add.locator("summary").click()
    add.locator("input[name=name]").fill("肤质")
    add.locator("input[name=value]").fill("干性")
    add.locator("button").click()
    expect(page.locator("#known ~ table, .card table").first).to_contain_text("干性")
    go(page, f"{console.url}/people?where=%E8%82%A4%E8%B4%A8%3D%E5%B9%B2%E6%80%A7")
    assert first_person(page) == person
    look(page, "zh")
    page.locator("details:has([hx-get*='/people/attributes']) > summary").click()
    fact = page.locator(".grid .card", has_text="肤质")
    expect(fact.locator("a.tag")).to_contain_text("干性 1")
    page.locator("form[action='/people/audiences'] input[name=name]").fill("干皮")
    page.locator("form[action='/people/audiences'] button").click()
    page.wait_for_url("**/people?audience=*")
    assert first_person(page) == person
    go(page, console.url + "/people/audiences")
    expect(page.locator("main h2")).to_have_text(["干皮"])
    look(page, "zh")
    page.locator("form[action='/people/audiences/drop'] button").click()
    expect(page.locator("main h2")).to_have_count(0)


def test_a_yes_needs_its_proof_and_a_no_follows_it(open_page: Open, console: Server) -> None:
    page = stale(open_page("/people?sort=orders", "en", PHONE))
    go(page, f"{console.url}/people/{first_person(page, 4)}")
    row = page.locator("tr:has(input[name=purpose][value=marketing])")
    row.locator("summary").click()
    row.locator("button.first").click()
    expect(row.locator("input[name=source]:invalid")).to_be_visible()
    row.locator("input[name=source]").fill("form at the counter, 3 May")
    row.locator("button.first").click()
    expect(row.locator(".light.good")).to_be_visible()
    statements = page.locator("details:has-text('Every statement')")
    statements.locator("summary").click()
    expect(statements).to_contain_text("form at the counter")
    row.locator("summary").click()
    row.locator("button.bad").click()
    expect(row.locator(".light.bad")).to_be_visible()


def test_what_comes_in_appears_on_the_open_timeline_within_a_second(
    open_page: Open, console: Server
) -> None:
    page = open_page("/people?sort=orders", "en")
    person = first_person(page, 5)
    go(page, f"{console.url}/people/{person}")
    told = json.loads(console.cli("person", person, "--json").stdout)
    made = json.loads(console.cli("keys", "create", "--scope", "ingest", "--json").stdout)
    event = {
        "userId": told["identifiers"]["phone"][0],
        "event": "Products Searched",
        "properties": {"query": "sunscreen"},
        "context": {"traits": {"phone": told["identifiers"]["phone"][0]}},
    }
    identify = {"userId": event["userId"], "traits": {"phone": event["userId"]}}
    for path, body in (("identify", identify), ("track", event)):
        answer = page.request.post(
            f"{console.url}/v1/{path}", data={**body, "writeKey": made["key"]}
        )
        assert answer.status == 200, answer.text()
    expect(page.locator("#timeline-list")).to_contain_text("sunscreen", timeout=4_000)


def test_forgetting_asks_first_and_gives_a_receipt(open_page: Open, console: Server) -> None:
    page = open_page("/people?sort=last_order&stage=lost", "zh", PHONE)
    person = first_person(page, 1)
    go(page, f"{console.url}/people/{person}/forget")
    look(page, "zh")
    page.locator("button.bad").click()
    expect(page.locator("input[name=sure]:invalid")).to_be_visible()
    page.check("input[name=sure]")
    page.locator("button.bad").click()
    expect(page.locator("h1")).to_have_text("已经忘掉了")
    assert page.locator("tbody tr").count() >= 5
    look(page, "zh")
    gone = page.goto(f"{console.url}/people/{person}")
    assert gone is not None
    assert gone.status == 404


def test_everything_held_can_be_taken_along(open_page: Open, console: Server) -> None:
    page = open_page("/people", "en")
    person = first_person(page)
    answer = page.request.get(f"{console.url}/people/{person}/export.json")
    assert answer.status == 200
    assert answer.json()
    text = page.request.get(f"{console.url}/people/{person}/export.txt")
    assert "attachment" in text.headers["content-disposition"]
    assert len(text.text()) > 100


def test_an_empty_shop_names_the_next_step(open_empty: Open) -> None:
    for path in ("/people", "/flow", "/report"):
        page = open_empty(path, "zh", PHONE)
        expect(page.locator(".empty a.button")).to_have_attribute("href", "/imports")
        look(page, "zh")
