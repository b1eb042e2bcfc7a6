"""What the tests of the script share: how an event came out, and waiting for something."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, Page

T = TypeVar("T")
Visit = Callable[..., BrowserContext]
HIDE = """(state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
"""What a browser does when another tab is chosen; under Playwright every tab counts as seen."""


@dataclass
class Seen:
    """An event as the log has it: kind, time, open body, whose, money, item code, what was sealed."""

    kind: str
    at: datetime
    body: dict[str, Any]
    actor: int
    value_minor: int
    item: str
    rest: dict[str, Any]

    @property
    def told(self) -> dict[str, Any]:
        """Its properties as sent."""
        found: dict[str, Any] = self.rest.get("p", {})
        return found


def until(look: Callable[[], T], *, within_s: float = 10.0, page: Page | None = None) -> T:
    """The first answer that is something; fails when there is none in time.

    With a page its events and routes are heard meanwhile.
    """
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"nothing within {within_s} s")
        page.wait_for_timeout(50) if page else time.sleep(0.05)


def at_least(count: int, look: Callable[[], list[T]]) -> list[T]:
    """What there is once there are so many."""
    until(lambda: len(look()) >= count)
    return look()


def kinds(seen: list[Seen]) -> list[str]:
    """Their kinds, in the order of their times."""
    return [one.kind for one in sorted(seen, key=lambda one: one.at)]
