"""Whom goods find, how varied lists are, and what they bring: as a person reads it."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words
from renwei.doors.cli.views.plain import indented

_BAR = 20


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print what `audience-for`, `recommend gauge` or `recommend lift` answered."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    page = Measured(words, lang, console)
    {"audience-for": page.audience, "recommend gauge": page.gauge}.get(name, page.lift)(said)


class Measured:
    """Prints people and figures in the reader's language."""

    def __init__(self, words: Words, lang: str, console: Console) -> None:
        self._words, self._lang, self._console = words, lang, console

    def audience(self, said: dict[str, Any]) -> None:
        """The item, how many will buy, and the people with their reasons."""
        item, people = said["item"], said["people"]
        title = item["title"] or item["id"]
        values = {"title": title, "n": len(people), "of": said["considered"]}
        self._line(self._say("wanted", **values), 0, "bold")
        for note in said["notes"]:
            self._line(note["text"], 0, "yellow")
        for one in said["expected"]:
            self._line(self._say("expected", **one), 2)
        for person in people:
            self._console.print()
            head = Text(f"{person['rank']:>3}  ", style="dim")
            head.append(person["name"] or person["person"], style="bold")
            if person["chance"] is not None:
                head.append("  " + self._say("chance", chance=person["chance"]))
            self._console.print(head)
            self._line(person["reason"]["text"], 5, "green")
            self._line(person["consent_text"], 5)
            self._line(person["command"], 5, "dim")

    def gauge(self, said: dict[str, Any]) -> None:
        """How varied what is shown is, a line a week with a bar."""
        for told in (said["reason"], said["state"]):
            if told:
                self._line(told["text"], 0, "bold")
        if said["people"]:
            self._line(
                self._say("counted", n=said["people"], categories=said["categories"]), 0, "dim"
            )
        for week in said["weeks"]:
            if week.get("entropy") is not None:
                bar = "█" * round(_BAR * week["entropy"])
                begun = str(week.get("since", ""))[:10]
                self._line(f"{begun}  {bar:<{_BAR}}  {week['entropy']:.2f}", 2)
        for cost in said["variety_cost"]:
            self._line(self._say("cost", **cost), 2, "dim")

    def lift(self, said: dict[str, Any]) -> None:
        """Each surface with a sentence a measure, or why there is none."""
        for row in said["lifts"]:
            self._line(row["surface"] or self._say("everywhere"), 0, "bold")
            if row["shown"]:
                counts = {name: row[name] for name in ("shown", "held", "set_aside")}
                self._line(self._say("groups", **counts), 2, "dim")
            if row["reason"]:
                self._line(row["reason"]["text"], 2, "yellow")
            for measure in row["measures"]:
                self._line(measure["verdict"]["text"], 2)

    def _line(self, text: str, indent: int, style: str = "") -> None:
        indented(self._console, text, indent, style)

    def _say(self, key: str, **values: Any) -> str:
        return self._words.say(f"recommend.measured.{key}", values, self._lang)
