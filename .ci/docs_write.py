"""Write the reference below the mark in commands.md and errors.md, in both languages.

The words are those that the program itself says: help texts and error sentences. What stands
above the mark is written by hand and kept. With --check nothing is written, and the exit
status tells whether the pages are current.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from docs_missing import LANGUAGES, ROOT, sentences

MARK = "<!-- below: written by .ci/docs_write.py -->"
OPTION_HEADS = {"en": ("argument or option", "what it is"), "zh": ("参数或选项", "含义")}
# These may follow every command and are explained once, above the mark.
EVERYWHERE = {"data", "as_json", "lang", "yes"}


def commands(language: str) -> str:
    """Every command with its help and its parameters."""
    from renwei.doors.cli.main import command_tree

    return "\n".join(_walk(command_tree(language), "renwei", language))


def _walk(group: click.Group, path: str, language: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        typed = f"{path} {name}"
        if isinstance(command, click.Group):
            yield from _walk(command, typed, language)
            continue
        yield f"## `{typed}`\n\n{_help(command)}\n"
        own = (param for param in command.params if param.name not in EVERYWHERE)
        rows = [_row(param, typed, language) for param in own]
        if rows:
            first, second = OPTION_HEADS[language]
            yield f"| {first} | {second} |\n|---|---|"
            yield from rows
            yield ""


def _help(command: click.Command) -> str:
    # click marks lines that it must not wrap; Markdown needs no marks.
    text = (command.help or "").replace("\b\n", "").strip()
    # "Example: renwei ..." becomes code that a test can read.
    return re.sub(r"(renwei [^\n]*)$", r"`\1`", text)


def _row(param: click.Parameter, typed: str, language: str) -> str:
    text = str(getattr(param, "help", "") or "")
    shown = ", ".join(param.opts)
    if isinstance(param, click.Argument):
        from renwei.app import build

        # click shows no help for arguments; the words may have it all the same.
        name = (param.name or "").rstrip("_")
        key = f"operations.{'.'.join(typed.split()[1:])}.{name}"
        text = build.words().say(key, {}, language) if build.words().has(key) else ""
        shown = param.metavar or param.human_readable_name
    return f"| `{shown}` | {text.replace('|', '/')} |"


def errors(language: str) -> str:
    """Every error code with its sentence; values stand in braces."""
    said = sentences(language)
    rows = []
    for key in sorted(said):
        if key.startswith("errors."):
            text = re.sub(r"\{(\w+)(:\w+)?\}", r"{\1}", said[key])
            rows.append(f"## `{key.removeprefix('errors.')}`\n\n{text}\n")
    return "\n".join(rows)


def renewed(page: str, inner: str) -> str:
    """The page with everything below the mark replaced."""
    return f"{page.split(MARK, maxsplit=1)[0]}{MARK}\n\n{inner}"


def stale(docs: Path = ROOT / "docs") -> dict[Path, str]:
    """Pages that differ from what the program says, with what they should be."""
    found = {}
    for language in LANGUAGES:
        for name, write in (("commands.md", commands), ("errors.md", errors)):
            path = docs / language / name
            text = path.read_text("utf-8")
            fresh = renewed(text, write(language))
            if fresh != text:
                found[path] = fresh
    return found


def main() -> int:
    """Write or check."""
    found = stale()
    if "--check" in sys.argv[1:]:
        sys.stdout.writelines(f"{path.relative_to(ROOT)}\n" for path in found)
        return 1 if found else 0
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
