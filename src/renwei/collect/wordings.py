"""The wordings that people agree to, by purpose and language, every version kept.

A consent names the version it was given to, such as "marketing/zh/2"; 0 is ours, in force
until the shop writes its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from renwei.core.shop import Shop
from renwei.core.words import LANGUAGES

KIND: Final = "consent-text"


@dataclass(frozen=True, slots=True)
class Wording:
    """What is asked for one purpose in one language; `since` is None while it is ours."""

    purpose: str
    language: str
    number: int
    text: str
    since: datetime | None = None

    @property
    def version(self) -> str:
        """What a consent refers to, such as "sensitive/en/2"."""
        return f"{self.purpose}/{self.language}/{self.number}"


def wording(shop: Shop, purpose: str, language: str) -> Wording:
    """The wording in force; ours where the shop wrote none."""
    paper = shop.store.papers.get(KIND, f"{purpose}/{language}")
    if paper is not None:
        return Wording(purpose, language, paper.version, str(paper.body["text"]), paper.at)
    text = shop.words.say(f"texts.{purpose}", {"shop": shop.settings.name}, language)
    return Wording(purpose, language, 0, text)


def earlier(shop: Shop, purpose: str, language: str) -> list[str]:
    """What the shop wrote before the wording in force, newest first."""
    history = shop.store.papers.history(KIND, f"{purpose}/{language}")
    return [str(paper.body["text"]) for paper in history[1:]]


def write(shop: Shop, purpose: str, language: str, text: str) -> None:
    """Put a wording in force as a new version; nothing changes where it says the same."""
    name, body = f"{purpose}/{language}", {"text": text}
    held = shop.store.papers.get(KIND, name)
    if held is None or held.body != body:
        shop.store.papers.put(KIND, name, body, by="texts", at=shop.clock.now())


def agreed(shop: Shop, purpose: str, version: str) -> str:
    """The version agreed to, where there ever was such a wording for this purpose; else ""."""
    of, _, rest = version.partition("/")
    language, _, number = rest.partition("/")
    if of != purpose or language not in LANGUAGES or not number.isascii():
        return ""
    newest = wording(shop, purpose, language).number
    return version if number.isdigit() and int(number) <= newest else ""
