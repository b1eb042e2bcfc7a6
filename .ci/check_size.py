"""Limits that keep files findable and readable: lengths, nesting, names, root entries, settings.

Functions are held by ruff (statements, complexity, arguments); this holds what ruff cannot.
Prints one line a breach and ends with 1 if there is any.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 500
MAX_NESTING = 4
MAX_ROOT_ENTRIES = 15
MAX_SETTINGS = 15
MAX_CORE_CODE = 2500
CORE = "src/renwei/core"
FORBIDDEN_NAMES = {
    "utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers",
    "service", "services", "handler", "handlers",
}  # fmt: skip
_BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def breaches(root: Path, files: list[str]) -> Iterator[str]:
    """Every breach among these files, given relative to the root."""
    entries = sorted({Path(f).parts[0] for f in files if not f.startswith(".")})
    if len(entries) > MAX_ROOT_ENTRIES:
        yield f"root: {len(entries)} entries, at most {MAX_ROOT_ENTRIES}: {', '.join(entries)}"
    for name in files:
        path = Path(name)
        words = {part.removesuffix(".py").strip("_") for part in path.parts}
        for word in sorted(words & FORBIDDEN_NAMES):
            yield f"{name}: nothing is called '{word}'; name it after what it is about"
        if path.suffix == ".py":
            yield from _in_source(name, (root / path).read_text("utf-8"))


def _in_source(name: str, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"{name}: {lines} lines, at most {MAX_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            depth = _depth(node)
            if depth > MAX_NESTING:
                yield f"{name}:{node.lineno}: {node.name} nests {depth} deep, at most {MAX_NESTING}"


def _depth(node: ast.AST) -> int:
    deepest = 0
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, _SCOPES):
                continue
            # An elif is an If in the else of an If: it reads at the same depth.
            is_elif = isinstance(node, ast.If) and field == "orelse" and value == [child]
            own = isinstance(child, _BLOCKS) and not (is_elif and isinstance(child, ast.If))
            deepest = max(deepest, int(own) + _depth(child))
    return deepest


def code_lines(text: str) -> int:
    """Lines that hold code: no docstrings, comments or blank lines (decision 4)."""
    skipped = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENDMARKER,
    }  # fmt: skip
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, *_SCOPES)) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def kept_files(root: Path) -> list[str]:
    """What git keeps here, and what it would keep if added; a folder without git as it is."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*")]
    return sorted(n for n in names if n and ".venv" not in Path(n).parts and (root / n).is_file())


def main() -> int:
    """Check this repository."""
    from renwei.app.settings import SETTINGS

    found = list(breaches(ROOT, kept_files(ROOT)))
    if len(SETTINGS) > MAX_SETTINGS:
        found.append(f"settings: {len(SETTINGS)}, at most {MAX_SETTINGS}")
    code = sum(code_lines(p.read_text("utf-8")) for p in (ROOT / CORE).glob("*.py"))
    if code > MAX_CORE_CODE:
        found.append(f"{CORE}: {code} lines of code, at most {MAX_CORE_CODE}")
    sys.stdout.writelines(line + "\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
