"""Lights: which feature is worth switching on now, and what it would take."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words

_COLOURS = {"ready": "green", "weak": "yellow", "not_yet": "red"}


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print one light a feature, its sentence, and the one question worth asking."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    head = {"customers": said["customers"], "orders": said["orders"]}
    console.print(Text(words.say("pages.readiness.title", head, lang), style="bold"))
    for light in said["lights"]:
        console.print()
        colour = _COLOURS.get(light["light"], "dim")
        console.print(Text("● " + light["light_text"] + "  ", style=colour), end="")
        console.print(Text(light["text"], style="bold"))
        console.print(Text("  " + light["sentence"]))
    question = said.get("question")
    if question:
        text = question["text"] if isinstance(question, dict) else str(question)
        console.print()
        console.print(Text(words.say("pages.readiness.question", {"text": text}, lang)))
