from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.app import build
from renwei.app.upkeep.place import Place
from renwei.core.clock import Frozen
from renwei.core.shop import Shop

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
Open = Callable[..., Shop]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def clock() -> Frozen:
    return Frozen(AT)


@pytest.fixture
def open_it(tmp_path: Path, clock: Frozen) -> Iterator[Open]:
    """Opens the workspace of the test, or another one."""
    with ExitStack() as stack:
        yield lambda name="shop", **more: stack.enter_context(
            build.open_shop(tmp_path / name, clock=clock, **more)
        )


@pytest.fixture
def shop(open_it: Open) -> Shop:
    return open_it()


@pytest.fixture
def place(tmp_path: Path, clock: Frozen) -> Place:
    return Place(tmp_path / "shop", clock=clock)
