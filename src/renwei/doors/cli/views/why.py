"""How a decision came about: reasons first, then what else was possible, then the record."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from renwei.core.words import Words
from renwei.doors.cli.views.plain import Plain

RECORD = (
    "at",
    "surface",
    "policy",
    "model",
    "consent",
    "odds",
    "prices_minor",
    "position",
    "replay",
    "gone",
    "mark",
)


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print one decision."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    plain = Plain(words, lang, console)
    titles = ", ".join(item["title"] for item in said["chosen"]) or words.say("cli.none", {}, lang)
    console.print(Text(titles, style="bold"))
    for reason in said["reasons"]:
        console.print(Text("  " + reason["text"], style="green"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("title", "source", "score_minor", "chosen"):
        table.add_column(plain.label(column), justify="right" if "score" in column else "left")
    for row in said["candidates"]:
        mark = "●" if row["chosen"] else ""
        table.add_row(Text(row["title"]), row["source"], f"{row['score_minor']:,.2f}", mark)
    console.print()
    console.print(table)
    for row in said["removed"]:
        console.print(Text(f"✕ {row['title']}: {row['text']}", style="yellow"))
    console.print()
    plain.page({key: said[key] for key in RECORD if said.get(key) not in (None, "", [], {})})
    if said["inputs"]:
        console.print(Text(plain.label("inputs"), style="bold"))
        plain.page(said["inputs"], 2)
