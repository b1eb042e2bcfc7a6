"""Directions between folders, and what the start of the program loads."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HEAVY = {
    "numpy", "scipy", "sklearn", "lightgbm", "duckdb", "pyarrow", "openpyxl", "python_calamine",
    "cryptography", "phonenumbers", "rich", "charset_normalizer", "pandas",
}  # fmt: skip


def contracts(root: Path) -> dict[str, dict[str, object]]:
    tool = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]
    return {contract["name"]: contract for contract in tool["importlinter"]["contracts"]}


def test_imports_go_downwards_only(root: Path) -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:]


def test_every_folder_of_the_package_is_on_a_line_of_the_layers(root: Path) -> None:
    (layers,) = (c for c in contracts(root).values() if c["type"] == "layers")
    assert layers["exhaustive"] is True
    lines = layers["layers"]
    assert isinstance(lines, list)
    named = {word.strip(" ()") for line in lines for word in line.split("|")}
    folders = {path.parent.name for path in (root / "src/renwei").glob("*/__init__.py")}
    assert folders <= named


def test_the_core_is_kept_from_every_package_we_install(root: Path) -> None:
    (core,) = (c for c in contracts(root).values() if c.get("source_modules") == ["renwei.core"])
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    imported_as = {
        "argon2-cffi": "argon2",
        "phonenumberslite": "phonenumbers",
        "scikit-learn": "sklearn",
        "tzdata": None,  # data only; the standard library reads it
    }
    packages = [text.split(">")[0] for text in project["dependencies"]]
    modules = {imported_as.get(name, name.replace("-", "_")) for name in packages} - {None}
    forbidden = core["forbidden_modules"]
    assert isinstance(forbidden, list)
    assert modules <= set(forbidden)


@pytest.mark.parametrize("line", ["import renwei", "import renwei.doors.cli.main"])
def test_the_start_loads_no_heavy_library(line: str) -> None:
    code = f"import sys; {line}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\nfrom renwei.doors.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as done:\n    assert not done.code\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stderr.split()) == set()
