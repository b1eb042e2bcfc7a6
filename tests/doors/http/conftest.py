from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.http.calls import Inside

from renwei.app import build
from renwei.app.house import House, open_house
from renwei.core.clock import Frozen
from renwei.core.shop import Shop
from renwei.trust import accounts, keys
from renwei.trust.accounts import Newcomer

AT = datetime(2026, 9, 20, 8, tzinfo=UTC)
NODE = Path(__file__).parent / "node"


@contextmanager
def keys_at(path: Path) -> Iterator[None]:
    """Master keys lie there for as long."""
    before = os.environ.get("RENWEI_KEYS")
    os.environ["RENWEI_KEYS"] = str(path)
    try:
        yield
    finally:
        os.environ.pop("RENWEI_KEYS")
        if before is not None:
            os.environ["RENWEI_KEYS"] = before


@pytest.fixture(scope="session")
def _stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the small order list in it, and its keys beside it.

    Some tests are about the one person of today's list, whom chance may leave out: one day in
    twenty-five. Persons are drawn anew until it does not.
    """
    for _ in range(8):
        folder = tmp_path_factory.mktemp("stocked")
        _stock(folder)
        asked = tmp_path_factory.mktemp("asked")
        shutil.copytree(folder, asked / "shop")
        with _opened(asked / "shop") as house:
            if house.call("today").people:
                return folder
    pytest.fail("nobody is worth a contact")


def _stock(folder: Path) -> None:
    (folder / "orders.csv").write_text(ORDERS, encoding="gb18030")
    bring, settings = build.operations()["import"], build.operations()["settings"]
    with (
        keys_at(folder / "keys"),
        build.open_shop(folder / "data", clock=Frozen(AT), child=False) as shop,
    ):
        bring.call(shop, bring.request(files=[folder / "orders.csv"]))
        settings.call(shop, settings.request(key="holdout", value="0"))


@contextmanager
def _opened(folder: Path) -> Iterator[House]:
    with keys_at(folder / "keys"), open_house(folder / "data", clock=Frozen(AT)) as house:
        yield house


@pytest.fixture(scope="module")
def calm(_stocked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that every test of a module shares; who changes it takes `house`."""
    folder = tmp_path_factory.mktemp("calm") / "shop"
    shutil.copytree(_stocked, folder)
    with _opened(folder) as house:
        yield house


@pytest.fixture
def house(_stocked: Path, tmp_path: Path) -> Iterator[House]:
    """A house of one's own, with the small order list in it."""
    shutil.copytree(_stocked, tmp_path / "shop")
    with _opened(tmp_path / "shop") as house:
        yield house


def key_of(house: House, scope: str) -> str:
    """A new key."""
    return keys.create(house.shop(), scope, f"a {scope} key", AT)[1]


def session_of(house: House, role: str) -> str:
    """Somebody of this role, signed in."""
    shop = house.shop()
    _owner(shop)
    if role == "owner":
        email = "owner@example.com"
    else:
        email = f"{role}@example.com"
        _joins(shop, role, email)
    return accounts.sign_in(shop, email, _PASSWORD, AT)


_PASSWORD = "correct horse 电池"


def _owner(shop: Shop) -> None:
    token = accounts.first_welcome(shop, AT)
    if token:
        who = Newcomer(email="owner@example.com", name="店主", password=_PASSWORD, language="zh")
        accounts.use_welcome(shop, token, who, AT)


def _joins(shop: Shop, role: str, email: str) -> None:
    token = accounts.make_welcome(shop, role, AT)
    who = Newcomer(email=email, name=role, password=_PASSWORD, language="en")
    accounts.use_welcome(shop, token, who, AT)


@pytest.fixture(scope="module")
def reader(calm: House) -> Inside:
    """The calm house, asked with a read key."""
    return Inside(calm, key_of(calm, "read"))


@pytest.fixture
def admin(house: House) -> Inside:
    """One's own house, asked with an admin key."""
    return Inside(house, key_of(house, "admin"))


@pytest.fixture(scope="session")
def node() -> str:
    """Node with the locked SDK, fetched once."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        not_tried("node is missing")
    lock = NODE / "node_modules" / ".package-lock.json"
    if not lock.exists() or lock.stat().st_mtime < (NODE / "package-lock.json").stat().st_mtime:
        line = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(line, cwd=NODE, capture_output=True, check=False, timeout=120)
        if done.returncode:
            not_tried("npm cannot fetch the SDK for Node here")
    return found


def not_tried(why: str) -> NoReturn:
    """Skipped by name where somebody works without Node or a browser; CI must try it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}: CI must try the SDKs for Node and browsers")
    pytest.skip(why)
