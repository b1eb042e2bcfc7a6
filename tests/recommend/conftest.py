from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recommend.shops import Bench, copied, grow


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A shop with nothing in it."""
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def stocked(bench: Bench) -> Bench:
    """A shop with products that nobody has taken yet."""
    bench.catalogue()
    return bench


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The directory of a shop with a crowd that was learnt from, and its item numbers."""
    folder = tmp_path_factory.mktemp("grown")
    return folder, grow(folder)


@pytest.fixture
def shop(grown: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    """A copy of the learnt shop, without chance."""
    made = copied(grown, tmp_path)
    yield made
    made.store.close()
