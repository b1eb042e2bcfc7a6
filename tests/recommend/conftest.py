from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recommend.shops import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A shop with nothing in it."""
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The directory of a shop with a crowd that was learnt from, and its item numbers."""
    folder = tmp_path_factory.mktemp("grown")
    made = Bench(folder)
    made.catalogue()
    made.crowd()
    made.learnt()
    made.calm()
    made.store.close()
    return folder, made.number


@pytest.fixture
def shop(grown: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    """A copy of the learnt shop, without chance."""
    folder, number = grown
    shutil.copytree(folder, tmp_path / "copy")
    made = Bench(tmp_path / "copy")
    made.number, made.count = dict(number), 1_000_000
    yield made
    made.store.close()
