"""Laws that only source can break: who asks the time, who draws, what the core imports.

Time comes in as an argument and randomness as u(unit, salt, slot), so that yesterday can be
decided again exactly. Only core/clock.py may look at a clock and only core/chance.py may draw;
keys, nonces and file names need the system's own randomness and are made in stores/.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "renwei"
CLOCK, CHANCE = "core/clock.py", "core/chance.py"

CLOCK_CALLS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns",
    "time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.localtime",
    "time.gmtime", "time.ctime",
}  # fmt: skip
ENTROPY = {"os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4"}
# A generator that is told its seed is as good as any other function.
SEEDED = {
    f"numpy.random.{name}"
    for name in ("default_rng", "Generator", "PCG64", "Philox", "SeedSequence", "RandomState")
}


def breaches(name: str, text: str) -> Iterator[str]:
    """Every breach in one source file; `name` is relative to src/renwei."""
    tree = ast.parse(text)
    known = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            called = _dotted(node, known)
            if called in CLOCK_CALLS and name != CLOCK:
                yield f"{name}:{node.lineno}: {called} asks the clock; take `at` or a Clock"
            if called in ENTROPY and name != CHANCE and not name.startswith("stores/"):
                yield f"{name}:{node.lineno}: {called} cannot be replayed; use core/chance.py"
        elif isinstance(node, ast.Call):
            yield from _draws(name, node, _dotted(node.func, known))
    if name != CHANCE:
        yield from _imports(name, tree)
    if name.startswith("core/"):
        yield from _top_level(name, tree)


def _draws(name: str, node: ast.Call, called: str) -> Iterator[str]:
    if not called.startswith("numpy.random.") or name == CHANCE:
        return
    if called not in SEEDED:
        yield f"{name}:{node.lineno}: {called} draws from a shared state; seed a generator"
    elif not node.args and not node.keywords:
        yield f"{name}:{node.lineno}: {called} without a seed"


def _imports(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for module in _modules(node):
            top = module.split(".")[0]
            keys = top == "secrets" and name.startswith("stores/")
            if top in ("random", "secrets") and not keys:
                yield f"{name}:{node.lineno}: {top} cannot be replayed; use core/chance.py"


def _top_level(name: str, tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        for module in _modules(node):
            top = module.split(".")[0]
            if top not in sys.stdlib_module_names and not module.startswith("renwei.core"):
                yield f"{name}:{node.lineno}: the core imports {module}; standard library only"


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    return []


def _names(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: {"np": "numpy", "datetime": "datetime.datetime"}."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _dotted(node: ast.AST, known: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value, known)
        return f"{before}.{node.attr}" if before else ""
    return ""


def main() -> int:
    """Check src/renwei."""
    found = [
        line
        for path in sorted(SOURCE.rglob("*.py"))
        for line in breaches(path.relative_to(SOURCE).as_posix(), path.read_text("utf-8"))
    ]
    sys.stdout.writelines(line + "\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
