"""What hurts, worst first, each with three rows to look at and one thing to do."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the report."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    console.print(Text(said["text"], style="bold"))
    problems(said["problems"], words, lang, console)


def problems(found: list[dict[str, Any]], words: Words, lang: str, console: Console) -> None:
    """The problems, numbered; a bar says how much each hurts."""
    for number, problem in enumerate(found, 1):
        console.print()
        bar = "■" * max(1, round(10 * problem["hurts"]))
        head = Text(f"{number:>3}  ", style="dim")
        head.append(problem["text"], style="bold")
        head.append(f"  {bar}", style="red")
        console.print(head)
        for example in problem["examples"]:
            console.print(Text(f"       · {example}", style="dim"))
        fix = problem["fix"]
        console.print(Text(f"     → {fix['text']}", style="green"))
        if fix["command"]:
            console.print(Text(f"       {fix['command']}", style="cyan"))
