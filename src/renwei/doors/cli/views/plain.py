"""Any answer as label and value; lists of like things as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from renwei.core.clock import from_us
from renwei.core.words import Words, money


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print every field of an answer."""
    value = msgspec.to_builtins(answer, builtin_types=(datetime,), enc_hook=str)
    Plain(words, lang, console).page(value)


class Plain:
    """Prints builtin values with labels in the reader's language."""

    def __init__(self, words: Words, lang: str, console: Console) -> None:
        self.words, self.lang, self.console = words, lang, console
        self.currency = ""

    def label(self, name: str) -> str:
        """The label of a field; its own name where the words have none."""
        key = f"labels.{name}"
        return self.words.say(key, {}, self.lang) if self.words.has(key) else name

    def page(self, value: Any, indent: int = 0) -> None:
        """A mapping line by line, a sequence as a table or a list."""
        if isinstance(value, Mapping):
            self._mapping(value, indent)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            self._sequence(list(value), indent)
        else:
            self._print(self.text(value), indent)

    def text(self, value: Any, name: str = "", currency: str = "") -> str:
        """One value as people write it."""
        if value is None or value == "":
            return "–"
        if isinstance(value, Mapping):
            pairs = (f"{self.label(k)} {self.text(v, k, currency)}" for k, v in value.items())
            return ", ".join(pairs)
        if isinstance(value, list):
            return ", ".join(self.text(one, name, currency) for one in value)
        if isinstance(value, bool):
            return self.words.say(f"cli.{'true' if value else 'false'}", {}, self.lang)
        return _scalar(value, name, currency)

    def _mapping(self, value: Mapping[str, Any], indent: int) -> None:
        self.currency = currency = str(value.get("currency") or self.currency)
        for name, part in value.items():
            if isinstance(part, Mapping) and any(
                isinstance(v, (list, dict)) for v in part.values()
            ):
                self._print(self.label(name), indent, style="bold")
                self.page(part, indent + 2)
            elif isinstance(part, list) and part:
                self._print(self.label(name), indent, style="bold")
                self._sequence(part, indent + 2)
            else:
                shown = self.text(part, name, currency)
                self._print(f"{self.label(name)}: {shown}", indent)

    def _sequence(self, rows: list[Any], indent: int) -> None:
        if not all(isinstance(row, Mapping) for row in rows):
            for row in rows:
                self._print("· " + self.text(row), indent)
            return
        names = list(dict.fromkeys(name for row in rows for name in row))
        if not self._fits(rows, names, indent):
            for row in rows:
                self._print("─" * 24, indent, style="dim")
                self.page({k: v for k, v in row.items() if v not in (None, "", [], {})}, indent)
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in names:
            table.add_column(self.label(name), overflow="fold")
        for row in rows:
            currency = str(row.get("currency") or self.currency)
            table.add_row(*(Text(self.text(row.get(n), n, currency)) for n in names))
        self.console.print(Padding(table, (0, 0, 0, indent)))

    def _fits(self, rows: list[Any], names: list[str], indent: int) -> bool:
        """Whether a table of these rows can be read on one screen's width."""

        def width(name: str) -> int:
            cells = [self.label(name)]
            cells += [self.text(row.get(name), name, self.currency) for row in rows[:50]]
            # One long column may fold; several would leave nothing readable.
            return min(max(cell_len(cell) for cell in cells), 34) + 1

        return sum(map(width, names)) + indent <= max(self.console.width, 80)

    def _print(self, text: str, indent: int, style: str = "") -> None:
        indented(self.console, text, indent, style)


def indented(console: Console, text: str, indent: int, style: str = "") -> None:
    """A text with a hanging indent on a terminal; uncut on one line where it is piped."""
    if console.is_terminal:
        console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))
    else:
        console.print(Text(" " * indent + text))


_NAMES = ("row", "seq", "position", "version", "surface_version", "map_version", "header_row")
"""Numbers that name something: no thousands mark."""


def _scalar(value: Any, name: str, currency: str) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, int) and name.endswith("_minor") and currency:
        return money([value, currency])
    if isinstance(value, int) and name.endswith("_us") and value > 10**12:
        return from_us(value).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        # Times in microseconds and numbers of ours are names, not amounts.
        return f"{value:,}" if abs(value) < 10**12 and name not in _NAMES else str(value)
    return str(value)
