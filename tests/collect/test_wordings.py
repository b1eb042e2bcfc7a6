"""One place knows which wording is in force, and both who asks and who writes go there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from renwei.app.texts import TextsRequest, texts
from renwei.collect import wordings
from renwei.core.clock import Frozen
from renwei.core.shop import Settings, Shop
from renwei.core.words import Words
from renwei.stores.embedded import EmbeddedStore, open_store

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
WORDS = Words.load(["renwei.core", "renwei.app"])


@dataclass
class Counter:
    """As much of a shop as wordings ask for."""

    store: EmbeddedStore
    clock: Frozen
    words: Words = WORDS
    settings: Settings = Settings(name="Pebble")  # noqa: RUF009 - frozen


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    clock = Frozen(AT)
    with closing(open_store(tmp_path / "data", keys=tmp_path / "keys", clock=clock)) as store:
        yield cast("Shop", cast("Any", Counter(store, clock)))


def test_ours_is_in_force_until_the_shop_writes_its_own(shop: Shop) -> None:
    ours = wordings.wording(shop, "marketing", "en")
    assert (ours.version, ours.since) == ("marketing/en/0", None)
    assert "offers" in ours.text
    wordings.write(shop, "marketing", "en", "Shall we write?")
    own = wordings.wording(shop, "marketing", "en")
    assert (own.version, own.text, own.since) == ("marketing/en/1", "Shall we write?", AT)
    assert wordings.wording(shop, "marketing", "zh").number == 0
    assert wordings.earlier(shop, "marketing", "en") == []


def test_the_same_words_are_no_new_version_and_older_ones_stay_to_be_read(shop: Shop) -> None:
    for text in ("One", "One", "Two"):
        wordings.write(shop, "care", "en", text)
    assert wordings.wording(shop, "care", "en").version == "care/en/2"
    assert wordings.earlier(shop, "care", "en") == ["One"]
    (told,) = texts(shop, TextsRequest(purpose="care", language="en")).texts
    assert (told.version, told.text, told.earlier) == ("care/en/2", "Two", ["One"])


@pytest.mark.parametrize(
    ("version", "ever"),
    [
        ("care/en/0", True), ("care/en/1", True), ("care/en/2", False), ("care/zh/0", True),
        ("care/zh/1", False), ("marketing/en/0", False), ("care/xx/0", False), ("care/en/-1", False),
        ("care/en/", False), ("care/en/٣", False), ("care/en/0/0", False), ("", False),
    ],
)  # fmt: skip
def test_only_a_wording_that_ever_was_can_have_been_agreed_to(
    shop: Shop, version: str, *, ever: bool
) -> None:
    wordings.write(shop, "care", "en", "One")
    assert wordings.agreed(shop, "care", version) == (version if ever else "")
