"""The running workspace: settings of the moment, and answers that are durable when given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.doors.http.conftest import keys_at

from renwei.app import build
from renwei.app.house import House, open_house
from renwei.core.chance import to_id
from renwei.core.clock import Frozen
from renwei.core.nouns import Autonomy, Event, Surface
from renwei.core.store import Named
from renwei.stores.embedded import open_store

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
PHONE = Named("phone", "+8613800138000")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def house(tmp_path: Path, keys: Path) -> Iterator[House]:
    with (
        keys_at(keys),
        open_house(tmp_path / "data", clock=Frozen(AT), work=False) as opened,
    ):
        yield opened


def test_settings_are_in_force_at_once_whoever_changed_them(
    house: House, tmp_path: Path, keys: Path
) -> None:
    before = house.shop()
    assert house.shop().permits is before.permits
    house.call("settings", key="zone", value="Europe/Berlin")
    assert house.shop().settings.zone == "Europe/Berlin"
    with closing(open_store(tmp_path / "data", keys=keys)) as another:
        another.papers.put("setting", "shop", {"zone": "Asia/Tokyo"}, by="test", at=AT)
        assert house.shop().settings.zone == "Asia/Tokyo"
        another.papers.put("autonomy", "today", {"level": "off"}, by="test", at=AT)
    today = Surface("today", (), "marketing", "order", AT - AT)
    assert house.shop().permits.autonomy(today) is Autonomy.OFF


def test_a_decision_is_on_disk_when_its_answer_is_given_and_knows_the_event_before(
    house: House, tmp_path: Path, keys: Path
) -> None:
    store = house.shop().store
    (actor,) = store.people.actors([PHONE], AT)
    seen = Event(actor, "view", AT, b"m" * 16, body={"name": "View"}, source="key:1")
    store.log.append([seen], AT)
    operation = build.operations()["next"]
    with closing(open_store(tmp_path / "data", keys=keys)) as another:
        with house.answering(operation):
            answer = house.call("next", person=to_id(actor))
            assert another.ledger.get(answer.decision_id) is None
        kept = another.ledger.get(answer.decision_id)
        assert kept is not None
        assert kept.person == actor
        assert answer.knew.last_seen == AT
        # Without a door around it, a decision is on disk before the operation returns.
        alone = house.call("next", person=to_id(actor))
        assert another.ledger.get(alone.decision_id) is not None
