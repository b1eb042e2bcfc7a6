from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.trust.desk import NOW, Desk, open_at

from renwei.core.clock import Frozen
from renwei.core.shop import Shop


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    clock = Frozen(NOW)
    shop = open_at(tmp_path, clock)
    yield Desk(tmp_path, shop, clock)
    shop.store.close()


@pytest.fixture
def beside() -> Iterator[Callable[[Desk], Desk]]:
    """Another process on the same workspace, as the command line is beside a server."""
    opened: list[Shop] = []

    def open_beside(desk: Desk) -> Desk:
        opened.append(open_at(desk.folder, desk.clock))
        return Desk(desk.folder, opened[-1], desk.clock)

    yield open_beside
    for shop in opened:
        shop.store.close()
