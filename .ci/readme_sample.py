"""Write into both READMEs what `renwei demo` shows: its head and the first three people.

Takes a minute, and the dates are those of the day, so no test holds it; run it when the shape
of the list changes.
"""  # noqa: INP001 - a script

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- sample -->", "<!-- /sample -->"
LANGUAGES = {"README.md": "en", "README.zh.md": "zh"}
PEOPLE = 3


def shown(language: str, data: str) -> str:
    """The start of what the demo prints."""
    command = [sys.executable, "-m", "renwei", "demo", "--data", data, "--lang", language]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    paragraphs = done.stdout.strip().split("\n\n")
    people = [k for k, text in enumerate(paragraphs) if text.lstrip()[:2].strip().isdigit()]
    return "\n\n".join(paragraphs[: people[0] + PEOPLE])


def main() -> None:
    """Write both."""
    for name, language in LANGUAGES.items():
        with tempfile.TemporaryDirectory() as data:
            text = shown(language, data)
        path = ROOT / name
        before, rest = path.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        fresh = f"{before}{BEGIN}\n```\n{text}\n\n  …\n```\n{END}{after}"
        path.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
