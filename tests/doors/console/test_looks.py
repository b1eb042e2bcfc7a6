"""How pages look and behave in a real browser: both languages and widths, keys, no scripts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.doors.conftest import ORDERS
from tests.doors.console.conftest import PHONE, WIDE, Open, Server, go, serving
from tests.doors.console.looking import KEY, foreign, look, sideways

SIZES = {"wide": WIDE, "phone": PHONE}
PAGES = (
    "/imports", "/health", "/live", "/live/rejected", "/decisions", "/diary", "/questions",
    "/settings", "/settings/me", "/settings/wordings", "/settings/keys", "/settings/team",
    "/settings/keeping", "/settings/audit", "/leave-demo", "/surfaces", "/surfaces/home", "/pages",
    "/pages/home", "/goods", "/surfaces/all/lift", "/surfaces/all/variety", "/surfaces/all/model",
)  # fmt: skip
LOOKED = re.compile(r"^[^?]*/imports/look/")
DONE = re.compile(r"^[^?]*/imports/done/")


@pytest.mark.parametrize(("language", "size"), [("zh", "wide"), ("en", "phone")])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(open_page: Open, path: str, language: str, size: str) -> None:
    look(open_page(path, language, SIZES[size]), language)


@pytest.mark.parametrize(("language", "size"), [("en", "wide"), ("zh", "phone")])
def test_every_page_fits_and_speaks_one_language(
    open_page: Open, console: Server, language: str, size: str
) -> None:
    page = open_page(PAGES[0], language, SIZES[size])
    for path in PAGES:
        go(page, console.url + path)
        assert sideways(page) <= 0, path
        assert not foreign(page, language), path
        assert not KEY.findall(page.locator("body").inner_text()), path


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_page_is_whole_and_names_the_next_step(open_empty: Open, path: str) -> None:
    page = open_empty(path, "zh", PHONE, scheme="dark")
    look(page, "zh")
    expect(page.locator("main a, main button, main label.button").first).to_be_attached()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/sign-in", "/no-such-page"])
def test_what_a_stranger_sees_is_whole(
    browser: Browser, console: Server, path: str, language: str
) -> None:
    context = browser.new_context(viewport=PHONE, locale="zh-CN" if language == "zh" else "en-GB")
    page = context.new_page()
    page.broken = []  # type: ignore[attr-defined]
    page.goto(console.url + path)
    look(page, language)
    context.close()


def test_no_page_breaks_the_rules_of_its_content_policy(open_page: Open, console: Server) -> None:
    page = open_page("/imports")
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    for path in PAGES:
        go(page, console.url + path)
    assert said == []


def test_a_decision_and_a_question_fit_a_phone(open_page: Open, console: Server) -> None:
    page = open_page("/", "en", PHONE)
    go(page, console.url + "/decisions")
    page.locator("main tbody a[href^='/decisions/']").first.click()
    page.wait_for_url("**/decisions/*")
    look(page, "en")
    go(page, console.url + "/questions")
    page.locator("details.card > summary").click()
    for name, value in {"text_en": "Which scent?", "en0": "Rose", "en1": "Lemon"}.items():
        page.fill(f"input[name={name}]", value)
    page.locator("details.card button.first").click()
    page.wait_for_url("**/questions/*")
    expect(page.locator(".qr svg")).to_be_visible()
    look(page, "en")


def posted(server: Server, key: str, body: str) -> None:
    """As a shop's own program sends an event."""
    line = ["curl", "-s", "-f", "-u", f"{key}:", f"{server.url}/v1/track", "-d", body]
    subprocess.run(line, check=True, capture_output=True, timeout=20)


def test_an_event_stands_on_the_page_within_moments_without_a_reload(
    open_page: Open, console: Server
) -> None:
    page = open_page("/settings/keys")
    page.fill("main input[name=name]", "app")
    page.locator("main form[action='/settings/keys'] button").click()
    key = page.locator("main pre code").first.inner_text()
    assert key.startswith("rw_i_")
    go(page, console.url + "/live")
    page.evaluate("window.same = true")
    posted(
        console, key,
        '{"userId":"u1","event":"Product Viewed","properties":{"product_id":"C1","name":"Lemon soap"}}',
    )  # fmt: skip
    expect(page.locator("#rows")).to_contain_text("Lemon soap", timeout=5_000)
    assert page.evaluate("window.same") is True
    posted(console, key, '{"userId":"u1","event":"Product Liked","properties":{"product_id":"C1"}}')
    expect(page.locator("#rows tr", has_text="Lemon soap")).to_have_count(2, timeout=5_000)
    assert sideways(page) <= 0


@pytest.fixture
def fresh(browser: Browser, tmp_path: Path) -> Iterator[tuple[Server, Page]]:
    """A server of one's own, its owner just signed in."""
    with serving(tmp_path / "shop", tmp_path / "keys") as server:
        context = browser.new_context(viewport=WIDE, locale="zh-CN")
        page = context.new_page()
        page.goto(server.welcome)
        for name, value in {"email": "mei@example.com", "name": "小美"}.items():
            page.fill(f"input[name={name}]", value)
        page.fill("input[name=password]", "soap-and-water-7")
        page.click("main button.first")
        page.wait_for_url(server.url + "/")
        yield server, page
        context.close()


def a_file(folder: Path, name: str, text: str, encoding: str = "gb18030") -> Path:
    """A file as somebody has it."""
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_the_first_file_from_the_first_minute_to_health_and_back(
    fresh: tuple[Server, Page], tmp_path: Path
) -> None:
    server, page = fresh
    broken = ORDERS.replace("2,118.00", "2,abc")
    page.set_input_files("input[type=file]", a_file(tmp_path, "订单 2026.csv", broken))
    page.wait_for_url(LOOKED)
    expect(page.locator("main")).to_contain_text("淘宝")
    page.locator("form[action^='/imports/bring/'] button").dblclick()
    page.wait_for_url(DONE)
    expect(page.locator(".told.good")).to_contain_text("3")
    page.go_back()
    page.go_forward()
    page.wait_for_url(DONE)
    page.locator("a[href$='#refused']").click()
    with page.expect_download() as download:
        page.locator("a[href$='refused.csv']").click()
    sheet = Path(download.value.path()).read_text("utf-8-sig")
    mended = a_file(tmp_path, "mended.csv", sheet.replace("abc", "118.00"), "utf-8-sig")
    page.set_input_files("input[type=file]", mended)
    page.locator("form[action$='/replay'] button").click()
    expect(page.locator("#told .good")).to_be_visible(timeout=20_000)
    expect(page.locator("main")).to_contain_text("没有未通过的内容")
    page.goto(server.url + "/health")
    expect(page.locator(".light").first).to_be_visible(timeout=60_000)
    page.goto(server.url + "/imports")
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.locator("main tbody a").first.click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("form[action$='/undo'] button").click()
    expect(page.locator("#told .good")).to_contain_text("已撤回", timeout=20_000)
    expect(page.locator("main tbody")).to_contain_text("已撤回")


def test_headers_nobody_knows_are_named_by_hand_without_scripts(
    open_empty: Open, tmp_path: Path
) -> None:
    page = open_empty("/imports", "zh", PHONE, java_script_enabled=False)
    text = "Nr,Wer,Was,Betrag,Am\n1,anna@example.com,Seife,11.80,2026-08-01 20:15:00\n"
    page.set_input_files("input[type=file]", a_file(tmp_path, "fremd.csv", text))
    page.locator("form.drop button").click()
    for _ in range(60):
        if "/jobs/" not in page.url.split("?")[0]:
            break
        page.wait_for_timeout(250)
        page.reload()
    meant = {"Nr": "order", "Wer": "email", "Was": "title", "Betrag": "paid", "Am": "created"}
    for header, field in meant.items():
        page.select_option(f"select[name='means:{header}']", field)
    page.locator("form[action^='/imports/look/'] button.first").click()
    for _ in range(60):
        if "/jobs/" not in page.url.split("?")[0]:
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator("form[action^='/imports/bring/'] button")).to_be_visible()
    page.locator("form[action^='/imports/drop/'] button").click()
    expect(page.locator("#told .good")).to_be_visible()


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_a_server_that_is_away_is_said_and_taken_back_when_it_answers(
    open_page: Open, console: Server
) -> None:
    page = open_page("/live", "zh")
    page.route("**/live?after=*", lambda route: route.abort())
    expect(page.locator("#told .bad")).to_contain_text("连不上", timeout=5_000)
    page.unroute("**/live?after=*")
    expect(page.locator("#told .bad")).to_have_count(0, timeout=5_000)


def test_a_page_whose_session_ended_asks_to_sign_in_and_comes_back(
    open_page: Open, console: Server
) -> None:
    page = open_page("/live", "en")
    page.context.clear_cookies()
    page.wait_for_url("**/sign-in?to=*", timeout=5_000)
    page.fill("input[name=email]", "owner@example.com")
    page.fill("input[name=password]", "correct horse battery")
    page.locator("main button.first").click()
    page.wait_for_url(console.url + "/live")


def test_a_file_that_is_too_large_is_said_before_it_is_sent(open_page: Open) -> None:
    page = open_page("/imports", "zh")
    page.eval_on_selector("form.drop", "form => form.dataset.most = 4")
    sent: list[Any] = []
    page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
    page.set_input_files(
        "input[type=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"12345"}
    )
    expect(page.locator("#told .bad")).to_contain_text("512")
    assert sent == []


def test_settings_are_changed_by_keyboard_alone(open_empty: Open) -> None:
    page = open_empty("/settings", "en")
    page.focus("main input[name=minutes]")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    expect(page.locator("#told .good")).to_be_visible()
    expect(page.locator("main input[name=minutes]")).to_have_value("40")


def test_what_comes_by_itself_waits_for_whoever_is_typing(open_page: Open) -> None:
    page = open_page("/imports")
    left: list[str] = []
    page.on("framenavigated", lambda frame: left.append(frame.url))
    page.route("**/comes?**", lambda route: route.fulfill(headers={"HX-Refresh": "true"}))
    page.fill("#find", "小美")
    page.evaluate(
        "() => { const one = document.createElement('div'); document.body.append(one);"
        " one.setAttribute('hx-get', '/comes?waiting=1');"
        " one.setAttribute('hx-trigger', 'every 100ms'); htmx.process(one); }"
    )
    page.wait_for_timeout(600)
    assert not left
    page.fill("#find", "")
    page.wait_for_event("framenavigated")
    assert left
