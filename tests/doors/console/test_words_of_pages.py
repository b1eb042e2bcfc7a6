from __future__ import annotations

import re
from pathlib import Path

import pytest

from renwei.app import build
from renwei.doors import console

FOLDER = Path(str(console.__file__)).parent
SAID = re.compile(r"""say\(\s*['"]([a-z_]+(?:\.[a-z_0-9]+)+)['"]\s*[,)]""")
FILES = sorted(p for p in FOLDER.rglob("*") if p.suffix in (".html", ".py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_sentence_that_a_page_says_exists_in_both_languages(path: Path) -> None:
    words = build.words()
    for key in SAID.findall(path.read_text("utf-8")):
        for language in ("en", "zh"):
            assert key in words.keys(language), f"{key} ({language})"


def test_pages_say_the_same_in_both_languages() -> None:
    words = build.words()
    english = {key for key in words.keys("en") if key.startswith("console.")}
    chinese = {key for key in words.keys("zh") if key.startswith("console.")}
    assert english == chinese


def test_no_page_uses_inline_scripts_or_styles() -> None:
    for path in FOLDER.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)", text), path
