"""Every sentence exists in both languages, and every code that is raised has a sentence."""

from __future__ import annotations

import ast
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
SOURCE = Path(__file__).resolve().parents[2] / "src" / "renwei"
FOLDERS = sorted({path.parent for path in SOURCE.rglob("words.*.toml")})

# What a code given to these becomes: Reason("own_rhythm") needs `reasons.own_rhythm`.
TABLES = {"Reason": "reasons", "ReadingWarning": "warnings", "RefusedRow": "refused"}


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def sentences(script: Load, folder: Path, language: str) -> dict[str, str]:
    import tomllib

    path = folder / f"words.{language}.toml"
    found: dict[str, str] = script("docs_missing").flat(tomllib.loads(path.read_text("utf-8")))
    return found


def test_no_sentence_stands_in_two_places(script: Load) -> None:
    seen: dict[str, Path] = {}
    for folder in FOLDERS:
        for key in sentences(script, folder, "en"):
            assert key not in seen, f"{key}: {seen.get(key)} and {folder}"
            seen[key] = folder
    assert len(seen) > 500


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.relative_to(SOURCE).as_posix())
def test_both_languages_say_the_same_things_with_the_same_values(
    script: Load, folder: Path
) -> None:
    en, zh = sentences(script, folder, "en"), sentences(script, folder, "zh")
    assert sorted(en) == sorted(zh)
    differing = [key for key in en if placeholders(en[key]) != placeholders(zh[key])]
    assert differing == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.relative_to(SOURCE).as_posix())
def test_chinese_sentences_are_chinese(script: Load, folder: Path) -> None:
    zh, en = sentences(script, folder, "zh"), sentences(script, folder, "en")
    # A sentence of words and no Chinese sign was left untranslated.
    plain = [
        key
        for key, text in zh.items()
        if text == en[key] and len(set(text) & set(string.ascii_lowercase)) > 3 and " " in text
    ]
    commands = [key for key in plain if zh[key].startswith("renwei ") or "{" in zh[key]]
    commands += [key for key in plain if key.startswith("layouts.")]  # proper names
    assert sorted(set(plain) - set(commands)) == []


def test_every_error_code_in_the_code_has_a_sentence(script: Load) -> None:
    said = script("docs_missing").sentences("en")
    raised = dict(codes_raised())
    assert len(raised) > 5
    silent = {code: where for code, where in raised.items() if f"errors.{code}" not in said}
    assert silent == {}


def test_every_reason_warning_and_refusal_has_a_sentence(script: Load) -> None:
    said = script("docs_missing").sentences("en")
    used = dict(codes_used())
    silent = {key: where for key, where in used.items() if key not in said}
    assert silent == {}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        # What the public checks make up to try a store with is never shown to anybody.
        if "testing" not in path.parts:
            yield path, ast.parse(path.read_text("utf-8"))


def error_names() -> set[str]:
    """RenweiError and whatever is derived from it, by class name."""
    names = {"RenweiError"}
    classes = [n for _, tree in trees() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    for _ in range(5):
        names |= {c.name for c in classes if names & {last(base) for base in c.bases}}
    return names


def codes_raised() -> Iterator[tuple[str, str]]:
    errors = error_names()
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            among = isinstance(node.func, ast.Attribute) and node.func.attr == "among"
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            if last(owner) in errors and (among or not isinstance(node.func, ast.Attribute)):
                for code in literals(node.args[0]) if node.args else []:
                    yield f"unknown_{code}" if among else code, f"{path.name}:{node.lineno}"


def codes_used() -> Iterator[tuple[str, str]]:
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and last(node.func) in TABLES:
                given = {k.arg: k.value for k in node.keywords}.get("code")
                if given is None and last(node.func) != "RefusedRow" and node.args:
                    given = node.args[0]
                for code in literals(given) if given else []:
                    yield f"{TABLES[last(node.func)]}.{code}", f"{path.name}:{node.lineno}"


def last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def literals(node: ast.AST) -> list[str]:
    """The texts an expression may be: a literal, or either side of `a if b else c`."""
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
