"""From a clean clone: one command sets up, and says in one sentence what it lacks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or os.name == "nt", reason="needs make and a POSIX shell"
)


def clone_of_the_house(tmp_path: Path) -> Path:
    (tmp_path / ".ci/web").mkdir(parents=True)
    for name in (
        "Makefile", ".ci/setup.sh", ".ci/assets.sh", ".ci/web/package.json",
        ".ci/web/package-lock.json", "pyproject.toml", "uv.lock",
    ):  # fmt: skip
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(directory: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    environment["PATH"] = path or environment["PATH"]
    return subprocess.run(
        ["make", *words],
        cwd=directory, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "docs"])
def test_each_command_sets_up_by_itself_and_only_once(tmp_path: Path, target: str) -> None:
    house = clone_of_the_house(tmp_path)
    assert "sh .ci/setup.sh" in make(house, "-n", target).stdout
    (house / ".venv").mkdir()
    (house / ".venv" / ".ready").touch()
    assert "setup.sh" not in make(house, "-n", target).stdout
    later = (house / ".venv" / ".ready").stat().st_mtime + 10
    os.utime(house / "uv.lock", (later, later))
    assert "sh .ci/setup.sh" in make(house, "-n", target).stdout


def test_a_python_that_is_too_old_gets_one_clear_sentence(tmp_path: Path) -> None:
    house = clone_of_the_house(tmp_path)
    old = tmp_path / "old"
    old.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (old / name).write_text("#!/bin/sh\necho 'Python 3.8.1'\nexit 1\n", encoding="utf-8")
        (old / name).chmod(0o755)
    done = make(house, "demo", path=f"{old}:/usr/bin:/bin")
    assert done.returncode != 0
    assert "Renwei needs Python 3.11 or newer; found: Python 3.8.1." in done.stderr
    assert "人味需要 Python 3.11" in done.stderr
    assert not (house / ".venv").exists()


def test_help_names_every_target() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets is not None
    shown = make(ROOT, "help").stdout
    for target in targets.group(1).split():
        assert re.search(rf"^make {target}\b", shown, re.MULTILINE), target


def test_no_package_index_is_written_down() -> None:
    for name in ("Makefile", ".ci/setup.sh", ".ci/run"):
        text = (ROOT / name).read_text("utf-8")
        assert "index-url http" not in text
        assert "https://" not in text


@pytest.mark.parametrize("name", [".ci/run", ".ci/setup.sh"])
def test_scripts_are_executable_and_their_syntax_is_right(name: str) -> None:
    path = ROOT / name
    assert os.access(path, os.X_OK)
    shell = "bash" if name.endswith("run") else "sh"
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    subprocess.run([shell, "-n", str(path)], check=True)
