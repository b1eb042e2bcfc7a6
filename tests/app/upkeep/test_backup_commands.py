"""`renwei backup` and `renwei restore`, as an operator types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from renwei.app.upkeep.operations import (
    BackupRequest,
    RestoreRequest,
    backup,
    restore,
    size_of,
)
from renwei.app.upkeep.place import Place
from renwei.core.clock import Frozen
from renwei.core.errors import Unavailable
from renwei.core.shop import Shop
from renwei.core.store import Named
from renwei.trust import accounts, members, sessions

Open = Callable[..., Shop]


def renwei(*argv: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "renwei", *map(str, argv)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)


def test_a_backup_into_a_folder_is_dated_and_says_where_the_key_lies(
    open_it: Open, place: Place, tmp_path: Path, clock: Frozen
) -> None:
    shop = open_it()
    shop.store.people.actors([Named("device", "x")], clock.at)
    answer = backup(place, BackupRequest(file=tmp_path))
    assert answer.file == tmp_path / "renwei-20260301-120000.tar.zst"
    assert answer.file.stat().st_size == answer.bytes
    assert answer.key.is_file()
    for told in (str(answer.key), str(answer.file), "worth nothing"):
        assert told in answer.text
    assert shop.store.papers.get("backup", "last") is not None


def test_a_restored_workspace_is_whole_and_everybody_signs_in_anew(
    open_it: Open, place: Place, tmp_path: Path, clock: Frozen
) -> None:
    shop = open_it()
    shop.store.people.actors([Named("device", str(k)) for k in range(7)], clock.at)
    owner = members.Account("a1", "boss@example.com", "Boss", "owner", "en")
    member = members.add(shop, owner, "", clock.at)
    token = sessions.begin(shop, member, clock.at)
    assert accounts.account_of(shop, token, clock.at) == member.account
    file = backup(place, BackupRequest(file=tmp_path / "b")).file
    there = Place(tmp_path / "there", clock=clock)
    answer = restore(there, RestoreRequest(file=file))
    assert (answer.people, answer.forgotten, answer.made) == (7, 0, clock.at)
    again = open_it("there")
    assert accounts.account_of(again, token, clock.at) is None
    assert members.by_email(again, owner.email) is not None


def test_a_directory_that_holds_nothing_is_not_made_by_a_backup(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as caught:
        backup(place, BackupRequest(file=tmp_path / "b"))
    assert caught.value.code == "no_workspace"
    assert not place.directory.exists()


def test_the_commands_work_as_typed_beside_a_server(tmp_path: Path, open_it: Open) -> None:
    data, file, there = tmp_path / "shop", tmp_path / "b.tar.zst", tmp_path / "数据 2"
    script = (
        "import sys; from pathlib import Path; from renwei.app import build\n"
        "with build.open_shop(Path(sys.argv[1]), server=True):\n"
        "    print('up', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        assert renwei("settings", "zone", "Europe/Vienna", "--data", data).returncode == 0
        done = renwei("backup", file, "--data", data, "--json")
        server.communicate()
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout)["key"]).is_file()
    made = renwei("restore", file, "--data", there, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["directory"] == str(there)
    shown = renwei("settings", "zone", "--data", there, "--json")
    assert json.loads(shown.stdout)["settings"][0]["value"] == "Europe/Vienna"
    again = renwei("restore", file, "--data", there, "--lang", "zh")
    assert (again.returncode, "不是空的" in again.stderr) == (1, True)
    assert renwei("doctor", "--data", there, "--port", "18499").returncode == 0
    assert renwei("version").returncode == 0


def test_a_read_only_place_is_told_in_one_sentence(open_it: Open, tmp_path: Path) -> None:
    if os.getuid() == 0:
        target = Path("/proc/b.tar.zst")
    else:
        target = tmp_path / "closed" / "b"
        target.parent.mkdir(mode=0o500)
    with closing(open_it().store):
        pass
    done = renwei("backup", target, "--data", tmp_path / "shop")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "shop").glob("*.part"))


def test_sizes_are_said_as_people_do() -> None:
    assert [size_of(n) for n in (0, 1_500, 99_960, 12_345_678, 4_200_000_000)] == [
        "0 B", "1.5 KB", "100.0 KB", "12.3 MB", "4.2 GB",
    ]  # fmt: skip
