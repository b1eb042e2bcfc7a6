"""The wordings that people agree to: shown and written, so that years later they can be read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from renwei.collect import wordings
from renwei.core.errors import BadInput, UnknownName
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.core.words import LANGUAGES

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
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
        wordings.write(shop, request.purpose, request.language, request.text.strip())
    return TextsAnswer(
        texts=[
            _shown(shop, purpose, language)
            for purpose in PURPOSES
            for language in LANGUAGES
            if request.purpose in ("", purpose) and request.language in ("", language)
        ]
    )


def _shown(shop: Shop, purpose: str, language: str) -> Wording:
    held = wordings.wording(shop, purpose, language)
    return Wording(
        purpose=purpose,
        language=language,
        version=held.version,
        text=held.text,
        since=held.since,
        earlier=wordings.earlier(shop, purpose, language),
    )
