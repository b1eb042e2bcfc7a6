"""The demo: what came in, what hurts, today's list, what to try next."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words
from renwei.doors.cli.views import imports, today


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the demo's answer, labelled first and last."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    console.print(Text(said["label"], style="bold yellow"))
    console.print()
    imports.summary(said["imported"], words, lang, console)
    console.print()
    today.page(said["today"], words, lang, console)
    console.print()
    console.print(Text(words.say("pages.next", {}, lang), style="bold"))
    for command in said["next"]:
        console.print(Text("  " + command))
    console.print(Text(said["label"], style="bold yellow"))
