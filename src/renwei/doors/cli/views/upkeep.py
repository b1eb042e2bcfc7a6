"""Keeping a workspace: what was found or done, a line each, as `doctor` says it when it fails."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from renwei.app.upkeep.doctor import said
from renwei.core.words import Words


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the lines of `doctor`, or what backup, restore and purge say."""
    if name == "doctor":
        lines = [said(line) for line in answer.lines]
    else:
        removed = [one.text for one in getattr(answer, "removed", ())]
        lines = [*removed, answer.text]
    for line in lines:
        console.print(Text(line))
