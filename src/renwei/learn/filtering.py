"""Filter expressions on columns: `stock > 0 and price <= 200 and not tags has 'adult'`.

    either   = both ("or" both)*                 both = test ("and" test)*
    test     = "not" test | "(" either ")" | name compare value | name ["not"] "in" "(" values ")"
             | name ["not"] "has" value | name          (a column of yes and no alone)
    compare  = "=" "!=" "<" "<=" ">" ">="        value = number | 'text' | "text" | true | false

Signs of full width, Chinese quotes and 且 或 非 属于 含 are read as well. Texts are compared
whole, without regard to case. What is missing (nan, "") passes `!=` and fails every other test.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from renwei.learn.filter_signs import FilterError, signs_of

__all__ = ["LIST", "NUMBER", "TEXT", "YES_NO", "Coded", "Filter", "FilterError", "compiled"]

Mask = NDArray[np.bool_]
Test = Callable[[Mapping[str, Any]], Mask]
NUMBER, TEXT, LIST, YES_NO = "number", "text", "list", "yes_no"
LONGEST, DEEPEST = 2_000, 40
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


class Coded(NamedTuple):
    """A column as its distinct values and a number a row, `values[codes[row]]`: tested faster."""

    values: Sequence[Any]
    codes: NDArray[np.int32]


@dataclass(frozen=True)
class Filter:
    """A compiled expression. `names` are the columns that it reads."""

    text: str
    names: frozenset[str]
    test: Test

    def mask(self, columns: Mapping[str, Any]) -> Mask:
        """Which rows pass, shape (rows,).

        Args:
            columns: By name, shape (rows,): float64 (nan is missing), bool, texts as objects,
                or for a list column collections of texts; both may be `Coded`.
        """
        return self.test(columns)


def compiled(text: str, kinds: Mapping[str, str]) -> Filter:
    """Read an expression.

    Args:
        text: At most 2,000 characters.
        kinds: Every column there is, and what it holds: number, text, list or yes_no.

    Raises:
        FilterError: With the position, what was expected, and the nearest name where one is near.

    Example:
        >>> cheap = compiled("price <= 200 and not tags has '18+'", {"price": "number", "tags": "list"})
        >>> cheap.mask({"price": np.array([99.0, 50.0, 300.0]), "tags": [(), ("18+",), ()]}).tolist()
        [True, False, False]
    """
    if len(text) > LONGEST:
        raise FilterError(LONGEST, f"at most {LONGEST} characters", f"{len(text)}")
    parser = _Parser(text, kinds)
    test = parser.either(0)
    if parser.tokens[parser.at][0] != "end":
        raise parser.wrong("and, or, or the end")
    return Filter(text, frozenset(parser.names), test)


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, str]) -> None:
        self.kinds, self.names = kinds, set[str]()
        self.tokens = list(signs_of(text))
        self.at = 0

    def either(self, depth: int) -> Test:
        tests = [self.both(depth)]
        while self.next("or"):
            tests.append(self.both(depth))
        return (
            tests[0] if len(tests) == 1 else lambda c: np.logical_or.reduce([t(c) for t in tests])
        )

    def both(self, depth: int) -> Test:
        tests = [self.one(depth)]
        while self.next("and"):
            tests.append(self.one(depth))
        return (
            tests[0] if len(tests) == 1 else lambda c: np.logical_and.reduce([t(c) for t in tests])
        )

    def one(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} brackets and nots inside each other")
        if self.next("not"):
            inner = self.one(depth + 1)
            return lambda columns: ~inner(columns)
        if self.next("("):
            inner = self.either(depth + 1)
            self.take(")", "and, or, or )")
            return inner
        return self.compared(self.column())

    def compared(self, name: str) -> Test:
        kind = self.kinds[name]
        negated = self.next("not")
        if self.next("in"):
            test = _among(name, kind, self.values(kind))
        elif self.next("has"):
            if kind != LIST:
                raise self.wrong(f"= or in ({name} is no list)", back=1)
            test = _among(name, kind, [self.value(TEXT)])
        elif negated or (kind == LIST):
            raise self.wrong("in or has")
        else:
            test = self.by_sign(name, kind)
        return (lambda columns: ~test(columns)) if negated else test

    def by_sign(self, name: str, kind: str) -> Test:
        what, sign, _ = self.tokens[self.at]
        if what != "sign" or sign not in _COMPARE:
            if kind == YES_NO:
                return lambda columns: np.asarray(columns[name], dtype=bool)
            raise self.wrong("= != < <= > >= in")
        if kind in (TEXT, YES_NO) and sign not in ("=", "!="):
            raise self.wrong(f"= or != ({name} is no number)")
        self.at += 1
        value, compare = self.value(kind), _COMPARE[sign]
        if kind == TEXT:
            same = _among(name, kind, [value])
            return same if sign == "=" else lambda columns: ~same(columns)
        return lambda columns: np.asarray(compare(np.asarray(columns[name]), value), dtype=bool)

    def column(self) -> str:
        what, name, _ = self.tokens[self.at]
        if what != "word" or name in ("and", "or", "in", "has"):
            raise self.wrong("the name of a column")
        if name not in self.kinds:
            near = difflib.get_close_matches(name, self.kinds, n=1)
            some = ", ".join(sorted(self.kinds)[:12])
            raise self.wrong(f"a column ({some})", near[0] if near else "")
        self.at += 1
        self.names.add(name)
        return name

    def values(self, kind: str) -> list[Any]:
        self.take("(", "( and values")
        found = [self.value(kind)]
        while self.next(","):
            found.append(self.value(kind))
        self.take(")", ", or )")
        return found

    def value(self, kind: str) -> Any:
        what, text, _ = self.tokens[self.at]
        if kind == YES_NO and text in ("true", "false"):
            self.at += 1
            return text == "true"
        wanted = {NUMBER: "number", TEXT: "text", LIST: "text"}.get(kind, "")
        if what != wanted:
            named = {NUMBER: "a number", YES_NO: "true or false"}.get(kind, "a text in quotes")
            raise self.wrong(named, f"'{text}'" if what == "word" and wanted == "text" else "")
        self.at += 1
        return float(text) if what == "number" else _plain(text)

    def next(self, word: str) -> bool:
        what, text, _ = self.tokens[self.at]
        if text != word or what == "text":
            return False
        self.at += 1
        return True

    def take(self, word: str, expected: str) -> None:
        if not self.next(word):
            raise self.wrong(expected)

    def wrong(self, expected: str, suggestion: str = "", *, back: int = 0) -> FilterError:
        _, text, position = self.tokens[self.at - back]
        return FilterError(position, expected, text, suggestion)


def _plain(text: Any) -> str:
    return str(text or "").casefold()


def _among(name: str, kind: str, values: list[Any]) -> Test:
    wanted = frozenset(values)
    if kind in (NUMBER, YES_NO):
        return lambda columns: np.isin(np.asarray(columns[name]), list(wanted))
    if kind == LIST:
        return lambda columns: _each(
            columns[name], lambda row: any(_plain(one) in wanted for one in row or ())
        )
    return lambda columns: _each(columns[name], lambda text: _plain(text) in wanted)


def _each(column: Any, test: Callable[[Any], bool]) -> Mask:
    if isinstance(column, Coded):
        flags: Mask = np.fromiter(map(test, column.values), dtype=bool, count=len(column.values))
        return flags[column.codes]
    return np.fromiter(map(test, column), dtype=bool, count=len(column))
