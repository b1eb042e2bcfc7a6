"""The catalogue on a screen: a table of items, one item with its history, a file's result."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from renwei.core.words import Words, money

SHOWN = 12
_FIRST = ("id", "title", "kind", "category", "brand", "price", "stock", "state")
_REST = (
    "creator", "artist", "variant", "group", "language", "repeat", "url", "image", "tags",
    "attributes", "first_seen",
)  # fmt: skip


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print what one of the operations on items answered."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    page = Page(words, lang, console)
    if "items" in said:
        page.listed(said)
    elif "item" in said:
        page.one(said)
    else:
        page.stored(said)


class Page:
    """Prints items in the reader's language."""

    def __init__(self, words: Words, lang: str, console: Console) -> None:
        self._words, self._lang, self._console = words, lang, console

    def listed(self, said: dict[str, Any]) -> None:
        """A table of items."""
        shown = [{**one, **self._short(one)} for one in said["items"]]
        columns = [name for name in _FIRST if any(one[name] for one in shown)]
        table = Table(box=None, pad_edge=False)
        for name in columns:
            table.add_column(self._say(f"columns.{name}"), overflow="fold")
        for one in shown:
            table.add_row(*(Text(str(one[name])) for name in columns))
        self._console.print(table)
        self._console.print(Text(self._say("total", n=said["total"]), style="dim"))
        if said["next"]:
            self._console.print(Text(f"--after {said['next']}", style="dim"))

    def one(self, said: dict[str, Any]) -> None:
        """One item, field by field, with what its price and stock were."""
        item = {**said["item"], **self._short(said["item"])}
        if said.get("did"):
            self._console.print(Text(self._say(f"did.{said['did']}"), style="bold"))
        for name in (*_FIRST, *_REST):
            text = self._plain(item[name])
            if text:
                self._console.print(Text(f"{self._say(f'columns.{name}')}: {text}"))
        for row in said.get("prices", ()):
            price = money([row["price_minor"], row["currency"]])
            self._console.print(Text(f"  {row['at'][:16]}  {price}"))
        for row in said.get("stocks", ()):
            stock = f"{self._say('columns.stock')} {row['stock']}"
            self._console.print(Text(f"  {row['at'][:16]}  {stock}"))
        low = said.get("lowest_30_days_minor")
        if low is not None and item["currency"]:
            self._console.print(self._say("lowest", price=money([low, item["currency"]])))

    def stored(self, said: dict[str, Any]) -> None:
        """What became of a file or a list."""
        self._console.print(Text(said["text"], style="bold"))
        rows = said.get("refused_rows", said["refused"])
        for row in rows[:SHOWN]:
            place = row.get("row", row.get("index"))
            self._console.print(Text(f"  {place}  {row['id']}  {row['text']}"))
        if len(rows) > SHOWN:
            self._console.print(Text(f"  … {len(rows) - SHOWN:,}", style="dim"))
        if said.get("unused"):
            self._console.print(Text(self._say("unused", columns=", ".join(said["unused"]))))

    def _short(self, item: dict[str, Any]) -> dict[str, str]:
        priced = item["price_minor"] is not None
        state = "gone" if item["gone"] else "offered" if item["offered"] else "delisted"
        if state == "delisted" and item["available"]:
            state = "sold_out"
        return {
            "price": money([item["price_minor"], item["currency"]]) if priced else "",
            "stock": "" if item["stock"] is None else str(item["stock"]),
            "state": "" if state == "offered" else self._say(f"states.{state}"),
        }

    def _plain(self, value: Any) -> str:
        if isinstance(value, dict):
            return ", ".join(f"{name} {one}" for name, one in value.items())
        return ", ".join(value) if isinstance(value, list) else str(value or "")

    def _say(self, key: str, **values: Any) -> str:
        return self._words.say(f"items.{key}", values, self._lang)
