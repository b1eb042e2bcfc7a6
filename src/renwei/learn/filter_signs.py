"""The signs of a filter expression: names, numbers, texts in quotes, comparisons, brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WIDE = str.maketrans("（），＝！＜＞", "(),=!<>")
_WORDS = {
    "且": "and", "并且": "and", "&&": "and", "或": "or", "或者": "or", "||": "or", "非": "not",
    "!": "not", "属于": "in", "含": "has", "包含": "has", "<>": "!=", "==": "=", "≤": "<=",
    "≥": ">=", "≠": "!=", "是": "true", "否": "false",
}  # fmt: skip
_KEYWORDS = frozenset(("and", "or", "not", "in", "has", "true", "false"))
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?![A-Za-z0-9_.]))
    | (?P<text>'(?:[^']|'')*' | "(?:[^"]|"")*" | ‘[^’]*’ | “[^”]*” | 「[^」]*」 | 『[^』]*』)
    | (?P<sign>[<>!＜＞！=＝]?[=＝] | <> | ＜＞ | && | \|\| | [<>!＜＞！≤≥≠(),（），])
    | (?P<word>[^\W\d][\w.\-]*)
    )""",
    re.VERBOSE,
)
Sign = tuple[str, str, int]
"""What it is (number, text, sign, word, end), its text in our spelling, its place from 1."""


class FilterError(ValueError):
    """An expression that cannot be read: where (from 1), what was expected, what stands there."""

    def __init__(self, position: int, expected: str, found: str, suggestion: str = "") -> None:
        near = f"; did you mean {suggestion}?" if suggestion else ""
        super().__init__(f"at {position}: expected {expected}, found {found or 'the end'}{near}")
        self.position, self.expected, self.found = position, expected, found
        self.suggestion = suggestion


def signs_of(text: str) -> Iterator[Sign]:
    """The signs of an expression in order, and its end.

    Raises:
        FilterError: Something stands there that is none, such as a quote that is never closed.

    Example:
        >>> [sign for _, sign, _ in signs_of("价格 ≤ 20 且 brand＝“A”")]
        ['价格', '<=', '20', 'and', 'brand', '=', 'A', '']
    """
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        what = str(found.lastgroup) if found else ""
        if found is None:
            rest = text[at:].lstrip()
            raise FilterError(len(text) - len(rest) + 1, "a name, a sign or a value", rest[:20])
        yield what, _ours(what, found[what]), found.start(what) + 1
        at = found.end()
    yield "end", "", len(text) + 1


def _ours(what: str, word: str) -> str:
    if what == "text":
        inner = word[1:-1]
        return inner.replace(word[0] * 2, word[0]) if word[0] in "'\"" else inner
    if what == "sign":
        word = word.translate(_WIDE)
    return _WORDS.get(word, word.lower() if word.lower() in _KEYWORDS else word)
