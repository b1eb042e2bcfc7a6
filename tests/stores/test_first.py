from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from renwei.core.nouns import Event
from renwei.core.store import Named, Store
from renwei.stores.embedded import open_store

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_was_stored_is_there_after_opening_again(tmp_path: Path) -> None:
    store: Store = open_store(tmp_path / "店", keys=tmp_path / "keys")
    (actor,) = store.people.actors([Named("phone", "+8613800138000")], AT)
    store.log.append([Event(actor, "order", AT, bytes(16), value_minor=7, currency="CNY")], AT)
    store.people.keep_many([(actor, "name", "张三")])
    store.close()
    again: Store = open_store(tmp_path / "店", keys=tmp_path / "keys")
    assert [event.value_minor for event in again.log.of([actor])] == [7]
    assert again.people.open(actor) == {"phone": ["+8613800138000"], "name": ["张三"]}
    assert again.people.search("138 0013 8000") == [actor]
    again.close()
