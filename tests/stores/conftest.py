from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.core.clock import Frozen
from renwei.stores.embedded import EmbeddedStore, open_store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Open = Callable[[], EmbeddedStore]
Child = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def clock() -> Frozen:
    return Frozen(AT)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def reopen(tmp_path: Path, keys: Path, clock: Frozen) -> Iterator[Open]:
    """Opens the same workspace again, whatever happened to it."""
    opened: list[EmbeddedStore] = []

    def open_it() -> EmbeddedStore:
        opened.append(open_store(tmp_path / "shop", keys=keys, clock=clock))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Open) -> EmbeddedStore:
    return reopen()


@pytest.fixture
def child(tmp_path: Path, keys: Path) -> Iterator[Child]:
    """Starts tests/stores/children.py with a task, on the workspace."""
    started: list[subprocess.Popen[str]] = []

    def start(task: str, *words: str, **environment: str) -> subprocess.Popen[str]:
        script = Path(__file__).parent / "children.py"
        line = [sys.executable, str(script), task, str(tmp_path / "shop"), str(keys), *words]
        started.append(
            subprocess.Popen(
                line,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **environment},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
