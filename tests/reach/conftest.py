from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.reach.shops import Bench


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
