from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect
from tests.doors.console.conftest import WIDE, Open, Server, go
from tests.doors.console.looking import look, look_everywhere


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/report", "/report?period=week", "/flow"])
def test_reports_and_flow_are_whole(open_page: Open, path: str, language: str) -> None:
    page = open_page(path, language)
    for summary in page.locator("main details > summary").all():
        summary.click()
    expect(page.locator(".chart canvas").first).to_be_visible()
    look_everywhere(page, language)


def test_every_figure_leads_to_rows_that_add_up_to_it(open_page: Open, console: Server) -> None:
    page = open_page("/report?period=week", "en", WIDE)
    figure = page.locator(".figure", has_text="Orders").first
    shown = int(figure.locator(".value").inner_text().replace(",", ""))
    address = figure.locator("a").get_attribute("href")
    assert address
    go(page, console.url + address)
    rows = page.locator("main tbody tr").count()
    assert rows == min(shown, 100)
    look(page, "en")


def test_the_report_comes_as_excel_and_as_a_picture(open_page: Open, console: Server) -> None:
    page = open_page("/report?period=week", "zh", WIDE)
    answer = page.request.get(console.url + "/report.xlsx?period=week")
    assert load_workbook(BytesIO(answer.body()), read_only=True).worksheets
    with page.expect_download() as got:
        page.click("[data-png]")
    assert re.fullmatch(r"renwei-\d{4}-\d\d-\d\d\.png", got.value.suggested_filename)
    assert got.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_day_that_is_not_over_says_so_and_days_can_be_walked(open_page: Open) -> None:
    # Named, because a small shop may not have sold anything yet today: then it opens on yesterday.
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    page = open_page(f"/report?day={today}", "en")
    expect(page.locator("main .tag.amber").first).to_be_visible()
    page.click("a[rel=prev]")
    expect(page.locator("a[rel=next]")).to_be_visible()


def test_a_band_of_the_flow_lists_its_people(open_page: Open) -> None:
    page = open_page("/flow", "zh")
    page.click("a[href='/flow/stage/active']")
    expect(page.locator("main tbody a").first).to_be_visible()
    look(page, "zh")
    page.go_back()
    page.click("a[href='/flow/tier/high']")
    expect(page.locator("main tbody a").first).to_be_visible()
