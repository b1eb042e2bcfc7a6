"""Contexts of events: an SDK sends the same one with event after event, so it is read once."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_KEPT: Final = 2_000
_LETTERS: Final = 2_000
"""A longer one is not remembered, so that what is remembered stays small."""
_decode = msgspec.json.Decoder(dict[str, Any] | None).decode


class Context(dict[str, Any]):
    """What came under `context`; other events may share it, so nobody changes it.

    `short` and `rest` are its open part and the JSON of its sealed part, None until worked out.
    """

    __slots__ = ("rest", "short")

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told)
        self.short: dict[str, Any] | None = None
        self.rest: msgspec.Raw | None = None


def context_of(raw: msgspec.Raw) -> Context:
    """The context of these bytes, the same object for the same bytes; empty for none and null.

    Raises:
        msgspec.DecodeError: It is no object.

    Example:
        >>> one, other = (context_of(msgspec.Raw(b'{"locale": "zh-CN"}')) for _ in range(2))
        >>> one, one is other
        ({'locale': 'zh-CN'}, True)
    """
    text = bytes(raw)
    known = _contexts.get(text) if text else Context({})
    if known is None:
        known = Context(_decode(text) or {})
        # Where somebody is named, memory shall not outlive the event.
        if len(text) <= _LETTERS and b'"traits"' not in text:
            if len(_contexts) >= _KEPT:
                _contexts.clear()
            _contexts[text] = known
    return known


_contexts: dict[bytes, Context] = {}
