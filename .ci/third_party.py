"""Write THIRD_PARTY.md: what is installed together with Renwei, and under which licence.

Read from the metadata of the installed packages, so that nobody has to remember. With
--check nothing is written, and the exit status tells whether the file is current.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY.md"
HEAD = """\
# Third-party packages

Renwei itself is Apache-2.0 (LICENSE). Installing it brings the packages below, each under its
own licence; their full texts come with them. None is copied into this repository. What only
some systems need (colorama on Windows) is not listed.

Written by `.ci/third_party.py` from the packages' own metadata.

| package | versions | licence | home page |
|---|---|---|---|
"""
_LINKS = ("homepage", "source", "repository", "code", "source code", "documentation", "download")


def table() -> str:
    """The whole file."""
    rows = [_row(found, asked) for found, asked in sorted(_closure().values(), key=_by_name)]
    return HEAD + "".join(rows)


def _by_name(pair: tuple[Distribution, set[str]]) -> str:
    return canonicalize_name(pair[0].metadata["Name"])


def _closure() -> dict[str, tuple[Distribution, set[str]]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    first = [Requirement(text) for text in project["dependencies"]]
    ours = {canonicalize_name(asked.name) for asked in first}
    open_ends = list(first)
    closure: dict[str, tuple[Distribution, set[str]]] = {}
    while open_ends:
        asked = open_ends.pop()
        if asked.marker and not asked.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(asked.name)
        fresh = name not in closure
        found, versions = closure.setdefault(name, (distribution(asked.name), set()))
        # What we ask for ourselves says enough; else what those ask for who need it.
        if asked.specifier and (name not in ours or asked in first):
            versions |= {str(part) for part in asked.specifier}
        if fresh:
            open_ends += [Requirement(text) for text in found.requires or []]
    return closure


def _row(found: Distribution, asked: set[str]) -> str:
    versions = ", ".join(sorted(asked)) or "any"
    return f"| {found.metadata['Name']} | {versions} | {_licence(found)} | {_home(found)} |\n"


def _licence(found: Distribution) -> str:
    metadata = found.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        text.rsplit(" :: ", 1)[-1]
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License :: OSI Approved :: ")
    ]
    plain = (metadata.get("License") or "").strip()
    # Some write the whole text there; then the classifier is the better name.
    if plain and len(plain) <= 40 and "\n" not in plain:
        return plain
    return " / ".join(classified) or plain.splitlines()[0]


def _home(found: Distribution) -> str:
    links = {}
    for text in found.metadata.get_all("Project-URL") or []:
        label, _, url = text.partition(",")
        links[re.sub(r"\W+", " ", label).strip().lower()] = url.strip()
    home = found.metadata.get("Home-page")
    return str(home or next((links[label] for label in _LINKS if label in links), "-"))


def main() -> int:
    """Write or check the file."""
    text = table()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text("utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
