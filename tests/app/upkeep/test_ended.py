"""What was ended after a backup stays ended when the backup, or an old copy, is put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from renwei.app import build
from renwei.app.upkeep.operations import BackupRequest, RestoreRequest, backup, restore
from renwei.app.upkeep.place import Place
from renwei.core.clock import Frozen
from renwei.core.errors import UnknownName
from renwei.core.shop import Shop
from renwei.stores.apart import Apart
from renwei.trust import keys, members

Open = Callable[..., Shop]


@pytest.fixture
def keys_folder(keys: Path) -> Path:
    """Another name: `keys` is the module here."""
    return keys


def call(shop: Shop, name: str, **fields: Any) -> Any:
    operation = build.operations()[name]
    return operation.call(shop, operation.request(**fields))


def hired(shop: Shop, clock: Frozen, email: str, role: str) -> str:
    made = members.Account("", email, "Somebody", role, "en")
    return members.add(shop, made, "a hash", clock.at).account.id


def test_a_key_and_an_account_ended_since_the_backup_stay_ended(
    open_it: Open, place: Place, tmp_path: Path, clock: Frozen, keys_folder: Path
) -> None:
    shop = open_it()
    stays, goes = (call(shop, "keys create", scope="read") for _ in range(2))
    hired(shop, clock, "boss@example.com", "owner")
    gone = hired(shop, clock, "former@example.com", "marketer")
    file = backup(place, BackupRequest(file=tmp_path / "b")).file
    call(shop, "keys revoke", id=goes.id)
    call(shop, "team remove", account=gone)
    (listed,) = keys_folder.glob("*.ended.txt")
    assert listed.read_text("utf-8").split() == [goes.id, gone]
    restore(Place(tmp_path / "there", clock=clock), RestoreRequest(file=file))
    again = open_it("there")
    assert keys.find_key(again, stays.key) is not None
    assert keys.find_key(again, goes.key) is None
    assert members.by_email(again, "boss@example.com") is not None
    assert members.by_email(again, "former@example.com") is None
    (line,) = [one for one in call(again, "keys list").keys if one.id == goes.id]
    assert line.revoked == clock.at


def test_an_old_copy_of_the_directory_put_back_by_hand_brings_no_key_back(
    tmp_path: Path, clock: Frozen
) -> None:
    with build.open_shop(tmp_path / "shop", clock=clock) as shop:
        made = call(shop, "keys create", scope="read")
    shutil.copytree(tmp_path / "shop", tmp_path / "copy")
    with build.open_shop(tmp_path / "shop", clock=clock) as shop:
        call(shop, "keys revoke", id=made.id)
    shutil.rmtree(tmp_path / "shop")
    (tmp_path / "copy").rename(tmp_path / "shop")
    with build.open_shop(tmp_path / "shop", clock=clock) as shop:
        assert keys.find_key(shop, made.key) is None


def test_a_key_that_nobody_has_is_not_listed_as_ended(open_it: Open, keys_folder: Path) -> None:
    with pytest.raises(UnknownName):
        call(open_it(), "keys revoke", id="k-nobody")
    assert list(keys_folder.glob("*.ended.txt")) == []


def test_the_list_grows_by_whole_lines_and_survives_one_cut_short(tmp_path: Path) -> None:
    apart = Apart(tmp_path / "keys", "w")
    assert apart.names() == set()
    apart.add(["k1", "k2"])
    apart.add(["k2"])
    (path,) = (tmp_path / "keys").iterdir()
    assert path.read_text("utf-8") == "k1\nk2\n"
    assert path.stat().st_mode & 0o077 == 0
    with path.open("a", encoding="utf-8") as file:
        file.write("k3-cut")
    assert apart.names() == {"k1", "k2"}
    apart.add(["k4"])
    assert path.read_text("utf-8") == "k1\nk2\nk4\n"
