"""The demo as an operation: what it remembers of itself names nobody."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from renwei.app.build import open_shop
from renwei.app.demo_people import PLACEHOLDER_PHONE
from renwei.app.showing import DemoRequest, demo
from renwei.core.clock import Frozen

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.mark.slow
def test_the_demo_remembers_its_import_without_anybodys_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    with open_shop(tmp_path / "demo", clock=Frozen(NOW)) as shop:
        first = demo(shop, DemoRequest(limit=1)).imported
        again = demo(shop, DemoRequest(limit=1)).imported
        papers = [
            msgspec.json.encode(paper.body).decode()
            for kind in ("label", "import")
            for name in shop.store.papers.names(kind)
            for paper in shop.store.papers.history(kind, name)
        ]
    told = msgspec.to_builtins(first)
    assert again == told
    assert told["rejected"]
    assert any(PLACEHOLDER_PHONE in warning["value"] for warning in told["warnings"])
    assert not [paper for paper in papers if re.search(r"(\+86|\b)1[3-9]\d{9}\b", paper)]
