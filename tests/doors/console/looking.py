"""What every page of the console must be, whoever made it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page
from tests.doors.console.conftest import AXE, BROKEN, PHONE

KEY = re.compile(
    r"\b(?:console|cli|pages|today|reasons|report|errors|stages|tiers|operations)\.[a-z_]+(?:\.[a-z_]+)*\b"
)
HAN = re.compile(r"[一-鿿]")
FIXED = "h1, h2, h3, th, label, button, summary, legend, .menu a, .button, .lead, .note, .empty, dt"
"""Where a page speaks in its own words, whatever people wrote into the shop."""

DATA = "main a[href^='/people/'], .evidence summary, .note [lang], option, .tag, .menu + *"


def look(page: Page, language: str) -> None:
    """No sideways scrolling, no serious fault for axe, no untranslated word, no broken script."""
    assert not BROKEN[page.url], BROKEN[page.url]
    assert sideways(page) <= 0, f"{page.url} is {sideways(page)} px too wide"
    assert not serious(page), serious(page)
    text = page.locator("body").inner_text()
    assert not KEY.findall(text), f"{page.url}: {KEY.findall(text)}"
    assert not foreign(page, language), f"{page.url}: {foreign(page, language)}"


def look_everywhere(page: Page, language: str) -> None:
    """`look` on a wide screen by day, then at a phone's width by night."""
    page.emulate_media(color_scheme="light")
    look(page, language)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    # Charts follow the window a moment later.
    page.wait_for_timeout(300)
    look(page, language)


def sideways(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def serious(page: Page) -> list[Any]:
    """What axe calls serious or critical."""
    page.evaluate(AXE.read_text("utf-8") + ";0")
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations'],"
        " runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
    )
    return [
        (one["impact"], one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def foreign(page: Page, language: str) -> list[str]:
    """Fixed texts in the other language."""
    texts = page.evaluate(
        """([fixed, data]) => [...document.querySelectorAll(fixed)]
        .filter(one => one.checkVisibility() && !one.closest("[lang]:not(html), [translate=no], .hidden") && !one.matches(data) && !one.querySelector(data))
        .map(one => one.innerText.trim()).filter(Boolean)""",
        [FIXED, DATA],
    )
    if language == "en":
        return [text for text in texts if HAN.search(text)]
    return [text for text in texts if re.search(r"[a-z]{4}", text) and not HAN.search(text)]
