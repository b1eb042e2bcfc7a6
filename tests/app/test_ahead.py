"""What is learnt before somebody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.doors.http.conftest import keys_at
from tests.recommend.shops import AT, Bench

from renwei.app.ahead import Ahead
from renwei.app.build import open_shop
from renwei.core.clock import Frozen
from renwei.core.shop import Shop


@contextmanager
def working(folder: Path, clock: Frozen) -> Iterator[tuple[Shop, Ahead]]:
    """A workspace with somebody who works ahead in it, a round at a time."""
    with keys_at(folder / "keys"), open_shop(folder / "data", clock=clock, server=True) as shop:
        yield shop, Ahead(lambda: shop, threading.Lock(), settles_s=0)


def version(shop: Shop) -> str:
    held = shop.shelf.get("taste-items")
    return held.version if held is not None else ""


@pytest.mark.slow
def test_what_is_recommended_is_learnt_without_being_asked_and_again_after_a_day(
    tmp_path: Path,
) -> None:
    made = Bench(tmp_path)
    made.catalogue()
    made.crowd(40)
    made.store.close()
    clock = Frozen(AT)
    with working(tmp_path, clock) as (shop, ahead):
        ahead.work()
        first = version(shop)
        assert first
        assert shop.shelf.get("taste") is not None
        clock.at = AT + timedelta(hours=23)
        ahead.work()
        assert version(shop) == first, "what is fresh is left alone"
        clock.at = AT + timedelta(hours=25)
        ahead.work()
        assert version(shop) > first


def test_a_shop_without_orders_or_looks_learns_nothing(tmp_path: Path) -> None:
    Bench(tmp_path).store.close()
    with working(tmp_path, Frozen(AT)) as (shop, ahead):
        ahead.work()
        assert not version(shop)
        assert shop.shelf.get("people") is None


def test_it_works_in_a_thread_of_its_own_until_it_is_closed(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    made.catalogue()
    made.saw("a", "soap-1", "soap-2")
    made.store.close()
    with working(tmp_path, Frozen(AT)) as (shop, ahead):
        ahead.start()
        for _ in range(300):
            if version(shop):
                break
            time.sleep(0.1)
        ahead.close()
        assert version(shop)


def test_just_after_a_start_only_what_somebody_waits_for_is_learnt(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    made.catalogue()
    made.saw("a", "soap-1", "soap-2")
    made.store.close()
    with working(tmp_path, Frozen(AT)) as (shop, _):
        Ahead(lambda: shop, threading.Lock(), settles_s=3_600).work()
        assert not version(shop)


@pytest.mark.slow
def test_whoever_stops_it_does_not_wait_for_what_is_being_learnt(tmp_path: Path) -> None:
    made = Bench(tmp_path)
    made.catalogue()
    made.crowd(90)
    made.learnt()
    made.shop.shelf.drop("taste-items")
    made.store.close()
    with working(tmp_path, Frozen(AT)) as (shop, ahead):
        ahead.start()
        for _ in range(600):
            if ahead.learns:
                break
            time.sleep(0.05)
        assert ahead.learns
        ahead.close()
        assert not ahead.learns
        assert not version(shop)
