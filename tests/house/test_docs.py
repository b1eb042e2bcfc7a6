"""The docs cannot drift: what exists has a heading in both languages, and links lead somewhere."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import click
import pytest

Load = Callable[[str], ModuleType]
ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
READMES = [ROOT / "README.md", ROOT / "README.zh.md"]
PAGES = [*READMES, *DOCS, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("kind", ["command", "setting", "error", "seam"])
def test_everything_of_a_kind_has_a_heading_in_both_languages(script: Load, kind: str) -> None:
    docs = script("docs_missing")
    names = docs.THINGS[kind]()
    assert names
    assert docs.gaps(kind, names) == []


@pytest.mark.parametrize("kind", ["command", "setting", "error", "seam"])
def test_a_missing_heading_is_noticed(script: Load, tmp_path: Path, kind: str) -> None:
    docs = script("docs_missing")
    (tmp_path / "en").mkdir()
    page = tmp_path / "en" / docs.PAGES[kind]
    page.write_text("# Page\n\n## `there`\n\n```\n# fenced\n```\n", encoding="utf-8")
    found = docs.gaps(kind, ["there", "fenced"], tmp_path)
    assert found == [f"en {kind} fenced", f"zh {kind} there", f"zh {kind} fenced"]


def test_the_reference_says_what_the_program_says(script: Load) -> None:
    assert [path.name for path in script("docs_write").stale()] == []


def test_both_languages_have_the_same_pages() -> None:
    en, zh = (
        {p.name for p in (ROOT / "docs" / language).glob("*.md")} for language in ("en", "zh")
    )
    assert en == zh
    assert {"start.md", "commands.md", "settings.md", "errors.md", "seams.md"} <= en


def test_both_languages_have_as_many_sections_a_page() -> None:
    for page in (ROOT / "docs" / "en").glob("*.md"):
        other = ROOT / "docs" / "zh" / page.name
        counts = [
            sum(line.startswith("## ") for line in path.read_text("utf-8").splitlines())
            for path in (page, other)
        ]
        assert counts[0] == counts[1], page.name


def takes(command: click.Command) -> set[str]:
    """The options of a command that are followed by a value."""
    own = [one for one in command.params if isinstance(one, click.Option) and not one.is_flag]
    return {flag for one in own for flag in one.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_between_files_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def test_the_map_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "map.md").read_text("utf-8")
    named = re.findall(
        r"`((?:core|learn|collect|people|reach|stores|app|doors|testing)/[\w/.]*)`", text
    )
    assert len(named) > 15
    assert [name for name in named if not (ROOT / "src" / "renwei" / name).exists()] == []


def typed(text: str) -> Iterator[list[str]]:
    """Every `renwei ...` that a page tells its reader to type."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, re.DOTALL)
    code = [line for block in blocks for line in block.splitlines()]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for line in code:
        words = line.split("#")[0].removeprefix("$ ").split()
        if words and words[0].removeprefix(".venv/bin/") == "renwei":
            yield words


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_on_a_page_exist_with_their_options(page: Path) -> None:
    from renwei.doors.cli.main import command_tree

    for words in typed(page.read_text("utf-8")):
        here: click.Command = command_tree("en")
        options = {flag for param in here.params for flag in param.opts}
        for before, word in pairwise(words):
            # A group may do something itself: what follows an option of it is its value.
            if before.startswith("--") and not word.startswith("-") and before in takes(here):
                continue
            if isinstance(here, click.Group) and not word.startswith("-"):
                assert word in here.commands, " ".join(words)
                here = here.commands[word]
                options |= {flag for param in here.params for flag in param.opts}
            elif word.startswith("--"):
                assert word.split("=")[0] in options | {"--help"}, " ".join(words)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_code_on_the_page_of_seams_runs_and_passes_its_check(
    language: str, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / language / "seams.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    (tmp_path / "seams.py").write_text(blocks[0], encoding="utf-8")
    runpy.run_path(str(tmp_path / "seams.py"))


def test_make_targets_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z]+)\b", code_of(page))}
    assert {"demo", "test"} <= named <= targets


def code_of(page: Path) -> str:
    text = page.read_text("utf-8")
    fenced = re.findall(r"```.*?```", text, re.DOTALL)
    inline = re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join(fenced + inline)


@pytest.mark.parametrize("readme", READMES, ids=lambda p: p.name)
def test_a_readme_gives_the_two_commands_and_points_to_the_other_language(readme: Path) -> None:
    text = readme.read_text("utf-8")
    assert "make demo" in text
    assert "make test" in text
    for other in READMES:
        assert other == readme or f"({other.name})" in text


def test_the_measured_table_is_current_in_both_readmes(script: Load) -> None:
    figures = script("readme_table")
    measured = figures.lines(ROOT / "benchmarks" / "results")
    for name, head in figures.HEADS.items():
        text = (ROOT / name).read_text("utf-8")
        assert figures.renewed(text, figures.table(measured, head)) == text, name


def test_the_measured_table_shows_the_latest_figure_with_interval_and_baseline(
    script: Load, tmp_path: Path
) -> None:
    first = '{"bench": "value", "data": "d", "metrics": {"mae": {"value": 9.0}}}'
    second = (
        '{"bench": "value", "data": "d", "n": 23570, "metrics": {"mae": {"value": 0.79,'
        ' "low": 0.78, "high": 0.8}}, "baselines": {"rfm": {"mae": 0.85}}, "cpu_s": 1.25}'
    )
    (tmp_path / "value.jsonl").write_text(f"{first}\n{second}\n", encoding="utf-8")
    figures = script("readme_table")
    made = figures.table(figures.lines(tmp_path), figures.HEADS["README.md"])
    row = "| value | d, n = 23,570 | mae 0.79 (0.78 to 0.8) | rfm 0.85 |"
    assert made.splitlines()[2:] == [row]


def test_third_party_notices_are_current_and_travel_in_the_wheel(script: Load) -> None:
    import tomllib

    assert script("third_party").table() == (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["license-files"]) == {"LICENSE", "NOTICE", "THIRD_PARTY.md"}
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
