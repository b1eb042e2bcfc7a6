"""Say which commands, settings, error codes and seams have no heading in docs/en and docs/zh.

One line a gap, `language kind name`; ends with 1 if there is any. tests/house runs the same.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "renwei"
LANGUAGES = ("en", "zh")
PAGES = {
    "command": "commands.md",
    "setting": "settings.md",
    "error": "errors.md",
    "seam": "seams.md",
}
SEAM_FILES = ("core/ports.py", "core/store.py")


def commands() -> list[str]:
    """Every command as typed: "renwei imports show"."""
    import click

    from renwei.doors.cli.main import command_tree

    def walk(group: click.Group, path: str) -> Iterator[str]:
        for name, command in sorted(group.commands.items()):
            if isinstance(command, click.Group):
                yield from walk(command, f"{path} {name}")
            else:
                yield f"{path} {name}"

    return list(walk(command_tree("en"), "renwei"))


def settings() -> list[str]:
    """Every setting by name."""
    from renwei.app.settings import SETTINGS

    return sorted(str(getattr(setting, "name", setting)) for setting in SETTINGS)


def errors() -> list[str]:
    """Every error code that has a sentence (tests hold that each code raised has one)."""
    return sorted(
        key.removeprefix("errors.") for key in sentences("en") if key.startswith("errors.")
    )


def sentences(language: str) -> dict[str, str]:
    """Every sentence template under src/renwei in one language, by its dotted key."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob(f"words.{language}.toml")):
        found |= flat(tomllib.loads(path.read_text("utf-8")))
    return found


def flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested tables as dotted keys."""
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return found


def seams() -> list[str]:
    """Every Protocol of the seams' modules."""
    trees = [ast.parse((SOURCE / file).read_text("utf-8")) for file in SEAM_FILES]
    return [
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    ]


def headings(text: str) -> set[str]:
    """The headings of a Markdown page, without marks; code blocks do not count.

    Several names may share a heading, parted by commas: `## `blobs`, `papers``.
    """
    found: set[str] = set()
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif line.startswith("#") and not fenced:
            title = line.lstrip("#").strip()
            found |= {part.strip().strip("`") for part in title.replace("、", ",").split(",")}
    return found


def gaps(kind: str, names: list[str], docs: Path = ROOT / "docs") -> list[str]:
    """The names without a heading on their page, in either language."""
    missing = []
    for language in LANGUAGES:
        page = docs / language / PAGES[kind]
        known = headings(page.read_text("utf-8")) if page.exists() else set()
        missing += [f"{language} {kind} {name}" for name in names if name not in known]
    return missing


THINGS: dict[str, Callable[[], list[str]]] = {
    "command": commands,
    "setting": settings,
    "error": errors,
    "seam": seams,
}


def main() -> int:
    """Print every gap."""
    found = [gap for kind, names in THINGS.items() for gap in gaps(kind, names())]
    sys.stdout.writelines(line + "\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
