"""Fixtures for live events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collect.live.rooms import Live, live_room


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """An empty workspace."""
    with live_room(tmp_path) as room:
        yield room
