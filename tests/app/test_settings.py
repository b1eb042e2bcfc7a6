from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from renwei.app.settings import load_settings
from renwei.core.store import Store
from renwei.stores.embedded import open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "shop", keys=tmp_path / "keys")
    yield opened
    opened.close()


def test_a_chinese_shop_keeps_the_clock_of_china_until_a_zone_is_known(store: Store) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for body, zone in (
        ({"language": "zh"}, "Asia/Shanghai"),
        ({"language": "en"}, "UTC"),
        ({"language": "zh", "zone": "Europe/Vienna"}, "Europe/Vienna"),
        ({"language": "zh", "region": "TW"}, "UTC"),
    ):
        store.papers.put("setting", "shop", body, by="test", at=at)
        assert load_settings(store).zone == zone
