"""The wordings that people agree to, by purpose and language, every version kept.

A consent names the version it was given to (`text_version`, such as "marketing/zh/2"), so
that years later somebody can still read what was asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from renwei.core.errors import BadInput, UnknownName
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.core.words import LANGUAGES

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
KIND = "consent-text"
LONGEST = 2_000
_Argument = Annotated[str, msgspec.Meta(extra={"argument": True})]


class TextsRequest(msgspec.Struct, kw_only=True):
    """All wordings, those of one purpose, or a new version of one."""

    purpose: _Argument = ""
    language: _Argument = ""
    text: _Argument = ""


class Wording(msgspec.Struct, kw_only=True):
    """One wording in force; `version` is what a consent refers to, ending in /0 while it is ours."""

    purpose: str
    language: str
    version: str
    text: str
    since: datetime | None
    earlier: list[str]


class TextsAnswer(msgspec.Struct, kw_only=True):
    """Every wording in force."""

    texts: list[Wording]


@operation("texts", TextsRequest, writes=True)
def texts(shop: Shop, request: TextsRequest) -> TextsAnswer:
    """Show the wordings that consents refer to, or write a new version of one.

    Raises:
        UnknownName: unknown_purpose, unknown_language.
        BadInput: text_too_long.
    """
    if request.purpose and request.purpose not in PURPOSES:
        raise UnknownName.among("purpose", request.purpose, PURPOSES)
    if request.language and request.language not in LANGUAGES:
        raise UnknownName.among("language", request.language, LANGUAGES)
    if len(request.text) > LONGEST:
        raise BadInput("text_too_long", limit=LONGEST)
    if request.purpose and request.language and request.text.strip():
        name, body = f"{request.purpose}/{request.language}", {"text": request.text.strip()}
        held = shop.store.papers.get(KIND, name)
        if held is None or held.body != body:
            shop.store.papers.put(KIND, name, body, by="texts", at=shop.clock.now())
    return TextsAnswer(
        texts=[
            wording(shop, purpose, language)
            for purpose in PURPOSES
            for language in LANGUAGES
            if request.purpose in ("", purpose) and request.language in ("", language)
        ]
    )


def wording(shop: Shop, purpose: str, language: str) -> Wording:
    """The wording in force for a purpose; ours where the shop wrote none."""
    history = shop.store.papers.history(KIND, f"{purpose}/{language}")
    if not history:
        text = shop.words.say(f"texts.{purpose}", {"shop": shop.settings.name}, language)
        return Wording(
            purpose=purpose, language=language, version=f"{purpose}/{language}/0", text=text,
            since=None, earlier=[],
        )  # fmt: skip
    newest = history[0]
    return Wording(
        purpose=purpose,
        language=language,
        version=f"{purpose}/{language}/{newest.version}",
        text=str(newest.body["text"]),
        since=newest.at,
        earlier=[str(paper.body["text"]) for paper in history[1:]],
    )
