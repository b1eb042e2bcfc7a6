"""Today's list as a person reads it: name and what first, then when, why, and the draft."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words, money
from renwei.doors.cli.views.plain import indented


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the list, numbered, with copyable commands under it."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    page(said, words, lang, console)


def page(said: dict[str, Any], words: Words, lang: str, console: Console) -> None:
    """The same from plain values (the demo shows it too)."""

    def say(key: str, **values: Any) -> str:
        return words.say(f"pages.today.{key}", values, lang)

    people = said["people"]
    console.print(Text(say("title" if people else "nobody", n=len(people)), style="bold"))
    held = say("holdout", share=said["holdout"]["share"], people=said["holdout"]["people"])
    console.print(Text(held, style="dim"))
    for number, line in enumerate(people, 1):
        console.print()
        _line(number, line, said, say, console)
    if said.get("why_not"):
        _why_not(said["why_not"], say, console)
    if people:
        console.print()
        console.print(Text(say("next", decision=people[0]["decision_id"]), style="dim"))


def _line(
    number: int, line: dict[str, Any], said: dict[str, Any], say: Any, console: Console
) -> None:
    head = Text(f"{number:>3}  ", style="dim")
    head.append(line["name"] or line["person"], style="bold")
    head.append(f"  {line['what']}")
    console.print(head)
    value = line["expected_value_minor"]
    currency = said["currency"]
    worth = say(
        "worth",
        value=money([round(value["value"]), currency]),
        low=money([round(value["low"]), currency]),
        high=money([round(value["high"]), currency]),
        days=said.get("window_days", 30),
    )
    _part(f"{_clock(line['when'])} · {line['channel']} · {line['consent']}", console)
    for reason in line["reasons"]:
        _part(reason["text"], console, style="green")
    _part(worth, console)
    _part(line["draft"], console, style="cyan")
    _part(line["decision_id"], console, style="dim")


def _clock(when: str) -> str:
    """10:30 for today's lines as they come: local ISO 8601."""
    at = datetime.fromisoformat(when)
    return at.strftime("%m-%d %H:%M")


def _why_not(why: Any, say: Any, console: Console) -> None:
    console.print()
    console.print(Text(say("why_not"), style="bold"))
    reasons = why.get("reasons", []) if isinstance(why, dict) else [str(why)]
    for reason in reasons:
        _part(reason["text"] if isinstance(reason, dict) else str(reason), console)


def _part(text: str, console: Console, style: str = "") -> None:
    indented(console, text, 5, style)
