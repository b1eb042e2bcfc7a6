from __future__ import annotations

import re
from io import BytesIO

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from tests.doors.console.conftest import PHONE, Open, Server, go
from tests.doors.console.looking import look, look_everywhere


def cards(page: Page) -> list[str]:
    """Ids of the lines that are open, in their order."""
    return [
        str(x)
        for x in page.eval_on_selector_all(
            "article[data-line]:not(.over)", "all => all.map(one => one.id)"
        )
    ]


def undo_all(page: Page) -> None:
    """Leave the list as it was found."""
    while page.locator("article.over button").count():
        page.locator("article.over button").first.click()
        page.wait_for_timeout(150)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_today_is_whole_at_both_widths_by_day_and_by_night(open_page: Open, language: str) -> None:
    page = open_page("/", language)
    assert len(cards(page)) >= 3
    look_everywhere(page, language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_shop_is_told_to_drop_its_file_or_to_look_at_the_demo(
    open_empty: Open, language: str
) -> None:
    page = open_empty("/", language, PHONE)
    said = {"zh": "把订单表拖进来，或者先看示例店铺", "en": "Drop your order file here"}
    expect(page.locator("h1")).to_contain_text(said[language])
    expect(page.locator("form.drop[action='/imports'] input[type=file]")).to_be_attached()
    look(page, language)


def test_done_skip_and_put_off_take_a_line_off_the_list_and_undo_brings_it_back(
    open_page: Open, console: Server
) -> None:
    page = open_page("/")
    before = cards(page)
    for k, key in enumerate(("d", "s", "z")):
        card = page.locator(f"#{before[k]}")
        card.locator(f"[data-key={key}]").click()
        expect(card).to_have_class(re.compile("over"))
    assert cards(page) == before[3:]
    go(page, console.url + "/")
    assert cards(page) == before[3:], "the marks stand after a new load"
    undo_all(page)
    go(page, console.url + "/")
    assert cards(page) == before


def test_an_edited_text_goes_with_done_and_is_there_again_after_undo(
    open_page: Open, console: Server
) -> None:
    page = open_page("/")
    card = page.locator(f"#{cards(page)[0]}")
    card.locator("textarea").fill("亲，面膜到货啦，给你留了一份。")
    card.locator("[data-key=d]").click()
    expect(card).to_contain_text("亲，面膜到货啦")
    person = card.get_attribute("id")
    assert person
    out = console.cli("export-person", person.removeprefix("p-"), "--json")
    assert "亲，面膜到货啦" in out.stdout
    card.locator("button").click()
    expect(card.locator("textarea")).to_have_value("亲，面膜到货啦，给你留了一份。")


def test_the_keyboard_alone_walks_through_the_list(open_page: Open) -> None:
    page = open_page("/")
    first, second = cards(page)[:2]

    def focused() -> str:
        return str(page.evaluate("document.activeElement.id"))

    page.keyboard.press("j")
    assert focused() == first
    page.keyboard.press("e")
    assert focused().startswith("d-")
    page.keyboard.type("你好")
    page.keyboard.press("Escape")
    assert focused() == first
    page.keyboard.press("w")
    expect(page.locator(f"#{first} details table")).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator(f"#{first}")).to_have_class(re.compile("over"))
    expect(page.locator(f"#{first}")).to_be_focused()
    page.keyboard.press("j")
    assert focused() == second
    page.keyboard.press("k")
    page.keyboard.press("u")
    expect(page.locator(f"#{first} textarea")).to_have_value(re.compile("你好"))


def test_copy_takes_the_text_as_it_was_edited(open_page: Open) -> None:
    page = open_page("/", "zh", PHONE, permissions=["clipboard-read", "clipboard-write"])
    card = page.locator(f"#{cards(page)[0]}")
    card.locator("textarea").fill("改过的话")
    card.locator("[data-key=c]").click()
    expect(card.locator("[data-key=c]")).to_have_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == "改过的话"


def test_why_not_answers_for_somebody_who_is_not_on_the_list(open_page: Open) -> None:
    page = open_page("/people?stage=lost", "zh")
    name = page.locator("main tbody a").first.get_attribute("href")
    assert name
    page.goto(re.sub(r"/people.*", "/", page.url))
    page.fill("input[name=person]", name.rpartition("/")[2])
    page.keyboard.press("Enter")
    expect(page.locator("#missed li").first).to_be_visible()
    page.fill("input[name=person]", "13800000000000")
    page.keyboard.press("Enter")
    expect(page.locator("#missed .told")).to_be_visible()


def test_minutes_shorten_the_list_and_excel_holds_what_is_shown(
    open_page: Open, console: Server
) -> None:
    page = open_page("/")
    whole = len(cards(page))
    page.fill("#minutes", "5")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?minutes=5")
    page.wait_for_selector("article[data-line]")
    short = len(cards(page))
    assert 0 < short < whole
    answer = page.request.get(console.url + "/today.xlsx?minutes=5")
    sheet = load_workbook(BytesIO(answer.body()), read_only=True).worksheets[0]
    assert sum(1 for _ in sheet.iter_rows()) == short + 1


def test_the_list_works_without_scripts(open_page: Open) -> None:
    page = open_page("/", java_script_enabled=False)
    first = page.locator("article[data-line]").first
    person = first.get_attribute("id")
    first.locator("button.first").click()
    expect(page.locator(f"#{person}")).to_have_class(re.compile("over"))
    expect(page.locator("#told .told")).to_be_visible()
    page.locator(f"#{person} button").click()
    expect(page.locator(f"#{person} textarea")).to_be_visible()


def test_a_no_takes_the_person_off_the_list_at_once(open_page: Open, console: Server) -> None:
    page = open_page("/")
    person = cards(page)[-1].removeprefix("p-")
    go(page, f"{console.url}/people/{person}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("form[action$='/consent/withdraw'] > button.bad").last.click()
    expect(page.locator("#told .told")).to_be_visible()
    go(page, console.url + "/")
    assert f"p-{person}" not in cards(page)
