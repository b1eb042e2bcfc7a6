"""Events out of a body that is not JSON as a whole: one a line, or a list with a broken one.

Segment answers 400 to the lot; here the good ones are taken and the broken one is refused
with its own place, so that one bad line costs one event.
"""

from __future__ import annotations

import json
import re
from typing import Final

_NEXT: Final = re.compile(rb"\}\s*,\s*(?=\{)")
_LIST: Final = re.compile(rb'"batch"\s*:\s*\[')
_BLANK: Final = b" \t\r\n,"
_SIGNS: Final = (b'"type"', b'"event"')
_CUTS: Final = 20_000
_AHEAD: Final = 40
"""Cuts that one event may span (a list of that many products)."""
_READ: Final = 24 << 20
"""Bytes read in trying; a body that needs more is refused as a whole."""


def lines_of(body: bytes) -> list[bytes] | None:
    r"""The lines of a body of one JSON object a line; None where it is none.

    Example:
        >>> lines_of(b'{"a":1}\n\n{"a":\n{"a":3}\n')
        [b'{"a":1}', b'{"a":', b'{"a":3}']
        >>> lines_of(b'{"a":1,\n"b":2}') is None
        True
    """
    lines = [line.strip() for line in body.split(b"\n")]
    lines = [line for line in lines if line]
    opening = sum(line[:1] == b"{" for line in lines)
    if len(lines) < 2 or 2 * opening <= len(lines):
        return None
    return lines if any(_is_object(line) for line in lines[:3]) else None


def pieces_of(body: bytes) -> list[bytes] | None:
    """The objects of a list (bare, or under "batch") in which some are broken.

    Example:
        >>> pieces_of(b'{"batch":[{"type":"a"},{"type":},{"type":"c"}]}')
        [b'{"type":"a"}', b'{"type":}', b'{"type":"c"}']
    """
    start = _start(body)
    if start is None:
        return None
    inside = body[start : start + _end(body[start:])]
    lines = _event_lines(inside)
    if lines is not None:
        return lines
    cuts = [match.start() + 1 for match in _NEXT.finditer(inside)]
    if len(cuts) > _CUTS:
        return None
    return _joined(inside, [*cuts, len(inside)])


def _event_lines(inside: bytes) -> list[bytes] | None:
    """The lines of a list that was written one event a line; None where it was not."""
    lines = [line for line in (line.strip(_BLANK) for line in inside.split(b"\n")) if line]
    if len(lines) < 2 or any(line[:1] != b"{" for line in lines[:3]):
        return None
    return lines if 2 * sum(map(_is_event, lines)) > len(lines) else None


def _joined(inside: bytes, cuts: list[int]) -> list[bytes] | None:
    # A cut may lie inside an event (a list of products): what is whole is an event, what is
    # not is joined with what follows while that makes one whole.
    pieces: list[bytes] = []
    good, at, n, left = 0, 0, 0, _READ
    while n < len(cuts):
        last, read = _whole_until(inside, at, cuts, n)
        left -= read
        if left < 0:
            return None
        good += last is not None
        n = n if last is None else last
        pieces.append(inside[at : cuts[n]].strip(_BLANK))
        at, n = cuts[n], n + 1
    return [piece for piece in pieces if piece] if good else None


def _whole_until(inside: bytes, at: int, cuts: list[int], n: int) -> tuple[int | None, int]:
    """The cut that closes an event begun at `at` (None: no near one does), and bytes read."""
    read = 0
    for last in range(n, min(n + _AHEAD, len(cuts))):
        piece = inside[at : cuts[last]].strip(_BLANK)
        read += len(piece)
        if _is_event(piece):
            return last, read
        if read > _READ:
            break
    return None, read


def _start(body: bytes) -> int | None:
    if body[:1] == b"[":
        return 1
    found = _LIST.search(body)
    return found.end() if found else None


def _end(inside: bytes) -> int:
    end = inside.rfind(b"]")
    return len(inside) if end < 0 else end


def _is_event(piece: bytes) -> bool:
    return any(sign in piece for sign in _SIGNS) and _is_object(piece)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
