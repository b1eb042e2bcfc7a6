"""What somebody gets to see, as a person reads it: a list of items, or a page of modules."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words, money
from renwei.doors.cli.views.plain import indented


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print what `recommend` or `page` answered."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    shown = Shown(words, lang, console)
    if name == "page":
        shown.page(said)
    else:
        shown.answer(said)


class Shown:
    """Prints items with their reasons in the reader's language."""

    def __init__(self, words: Words, lang: str, console: Console) -> None:
        self._words, self._lang, self._console = words, lang, console

    def answer(self, said: dict[str, Any]) -> None:
        """One list: rank, title, price and reason of each item; what was taken out."""
        items = said["items"]
        self._line(self._say("recommend.view.title", n=len(items), surface=said["surface"]), "bold")
        self._line(self._whose(said), "dim")
        spoken = {one["id"]: one["by_source"] for one in said["spoken"]}
        for item in items:
            self._item(item, 0)
            self._spoken(spoken.get(item["id"], {}))
        self._short(said)
        for note in said["notes"]:
            self._line(note["text"], "yellow")
        self._removed(said["removed"])
        self._line(said["decision_id"], "dim")

    def page(self, said: dict[str, Any]) -> None:
        """One page: its modules in order, each with its items; what was left out."""
        modules = said["modules"]
        self._line(self._say("pages.view.title", n=len(modules), page=said["page"]), "bold")
        if said["control"]:
            self._line(self._say("pages.view.control"), "dim")
        for module in modules:
            self._console.print()
            head = Text(f"{module['place']:>3}  ", style="dim")
            head.append(module["title"], style="bold")
            head.append(f"  {module['reason']['text']}", style="green")
            self._console.print(head)
            if module["url"]:
                self._part(module["url"], 5, "dim")
            for item in module["items"]:
                self._item(item, 3)
        for left in said["left_out"]:
            self._part(f"− {left['name']}  {left['text']}", 2, "dim")
        self._line(said["decision_id"], "dim")

    def _item(self, item: dict[str, Any], indent: int) -> None:
        head = Text(" " * indent + f"{item['rank']:>3}  ", style="dim")
        head.append(item["title"] or item["id"], style="bold")
        if item["currency"]:
            head.append(f"  {money([item['price_minor'], item['currency']])}")
        head.append(f"  {item['id']}", style="dim")
        self._console.print(head)
        self._part(item["reason"]["text"], indent + 5, "green")

    def _spoken(self, by_source: dict[str, float]) -> None:
        loudest = sorted(by_source.items(), key=lambda pair: -pair[1])
        if loudest:
            self._part(" · ".join(f"{name} {worth:,.1f}" for name, worth in loudest), 5, "dim")

    def _whose(self, said: dict[str, Any]) -> str:
        if said["holdout"]:
            return self._say("recommend.view.holdout")
        return self._say(f"recommend.view.{'personal' if said['personal'] else 'shared'}")

    def _short(self, said: dict[str, Any]) -> None:
        if said["reason"]:
            self._line(said["reason"]["text"], "yellow")

    def _removed(self, removed: list[dict[str, Any]]) -> None:
        for one in removed:
            self._part(f"− {one['id']}  {one['text']}", 2, "dim")

    def _line(self, text: str, style: str) -> None:
        indented(self._console, text, 0, style)

    def _part(self, text: str, indent: int, style: str) -> None:
        indented(self._console, text, indent, style)

    def _say(self, key: str, **values: Any) -> str:
        return self._words.say(key, values, self._lang)
