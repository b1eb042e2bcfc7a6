"""First drafts in the shop's language: facts of this person, several openings, no claims.

A draft says what the record says (what, how many, how long ago) and nothing else: no
experience nobody had, no superlative, no link. Which wording a person gets is drawn from
`u`, so that the same line reads the same on a second look and two lines rarely read alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from renwei.core.chance import u
from renwei.core.words import Words


def draft(
    words: Words, language: str, code: str, *, person: int, values: Mapping[str, Any], known: bool
) -> str:
    """Compose opening, body and close.

    Args:
        words: Sentences `drafts.<part>.<n>`, n from 1 up.
        language: The shop's.
        code: The reason code; its body is `drafts.<code>.<n>`.
        person: Whose draw decides the wording.
        values: What the sentences name; `name` may be empty.
        known: Whether she has said yes to being written to; if not, the close asks.
    """
    say = _Sayer(words, language, person, values)
    opening = say("hello" if values.get("name") else "hello_nameless")
    # What somebody looked at is the shop's to know and no subject of a message.
    code = "interest" if code.startswith("interest") else code.removesuffix("_once")
    body = say(code if words.has(f"drafts.{code}.1") else "steady")
    if code.startswith("permission"):
        return opening + body
    close = "close_known" if known else "close_ask"
    own = f"{close}_{code.removesuffix('_shop')}"
    return opening + body + say(own if words.has(f"drafts.{own}.1") else close)


class _Sayer:
    def __init__(self, words: Words, language: str, person: int, values: Mapping[str, Any]) -> None:
        self._words, self._language = words, language
        self._person, self._values = person, values

    def __call__(self, part: str) -> str:
        n = 1
        while self._words.has(f"drafts.{part}.{n + 1}"):
            n += 1
        place = 1 + int(u(self._person, f"draft/{part}") * n)
        return speak(self._words, f"drafts.{part}.{place}", self._values, self._language)


def speak(words: Words, key: str, values: Mapping[str, Any], language: str) -> str:
    """A sentence; in Chinese a value that begins with a digit stands apart from what precedes.

    Example:
        >>> words = Words({"en": {}, "zh": {"last": "上一单是{ago}。"}})
        >>> speak(words, "last", {"ago": "4 天前"}, "zh"), speak(words, "last", {"ago": "昨天"}, "zh")
        ('上一单是 4 天前。', '上一单是昨天。')
    """
    if language != "zh":
        return words.say(key, values, language)
    tight = set(_AFTER_CHINESE.findall(words.template(key, language)))
    apart = {
        name: f" {value}"
        for name, value in values.items()
        if name in tight and isinstance(value, str) and value[:1].isdigit()
    }
    return words.say(key, {**values, **apart}, language)


_AFTER_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff}])\{(\w+)\}")
