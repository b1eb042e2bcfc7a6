"""The report on one screen: sentences, a line a number, where the change comes from."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from renwei.core.words import Words

_COLOURS = {"unusual": "bold red", "edge": "yellow", "usual": "green"}
_SHARE = 0.05
"""Parts smaller than this share of a change are left to the page and to --json."""


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the report; the rows behind a number are `renwei report-rows`."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    console.print(Text(said["sentences"][0], style="bold"))
    for text in said["sentences"][1:]:
        console.print(Text(f"· {text}"))
    if said["state"] != "no_data":
        console.print()
        _figures(said, console)
        _causes(said, words, lang, console)
    for note in said["notes"]:
        console.print(Text(f"  {note['text']}", style="dim"))
    if said["out"]:
        console.print(Text(said["out"], style="cyan"))


def _figures(said: dict[str, Any], console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for figure in said["figures"]:
        if figure["verdict"] == "untested" and not figure["value"]:
            continue
        mark = Text("●", style=_COLOURS.get(figure["verdict"], "dim"))
        table.add_row(mark, Text(figure["text"]))
    console.print(table)


def _causes(said: dict[str, Any], words: Words, lang: str, console: Console) -> None:
    shown = [one for one in said["causes"] if one["clear"] and abs(one["share"]) >= _SHARE]
    if not shown:
        return
    console.print()
    for one in shown:
        dimension = words.say(f"report.dimension.{one['dimension']}", {}, lang)
        console.print(Text(f"  {dimension}: {one['text']}"))
