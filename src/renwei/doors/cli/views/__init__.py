"""Answers as people read them; one function an operation, a plain table for the rest."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from renwei.core.words import Words

_PAGES = {
    "today": "today",
    "demo": "demo",
    "why": "why",
    "import": "imports",
    "imports replay": "imports",
    "health": "health",
    "readiness": "readiness",
    "person": "person",
    "report": "report",
    "recommend": "shown",
    "page": "shown",
    "audience-for": "measured",
    "recommend gauge": "measured",
    "recommend lift": "measured",
    "items list": "items",
    "items show": "items",
    "items save": "items",
    "items put": "items",
    "items change": "items",
    "items remove": "items",
    "items import": "items",
    "doctor": "upkeep",
    "backup": "upkeep",
    "restore": "upkeep",
    "purge": "upkeep",
}


def show(name: str, answer: Any, words: Words, lang: str) -> None:
    """Print an answer on stdout."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())
    page = importlib.import_module(f"renwei.doors.cli.views.{_PAGES.get(name, 'plain')}")
    page.show(name, answer, words, lang, console)
