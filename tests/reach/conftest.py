from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.reach.shops import Bench

from renwei.reach import listing


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty shop in English."""
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A shop with some 240 customers of all sorts."""
    bench.crowd()
    return bench


@pytest.fixture
def sure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty shop without chance: who is worth a line is on the list.

    A person's number is drawn anew each time, and with it whether chance would pass her over.
    """
    monkeypatch.setattr(listing, "EXPLORED_SHARE", 0.0)
    return bench.without_hold_out()
