from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report.desks import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty shop in English, on Shanghai's clock."""
    made = Desk(tmp_path)
    yield made
    made.store.close()
