from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from renwei.app import build
from renwei.app.jobs import answer_type
from renwei.doors.cli.main import command_tree

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    said = json.loads(lines[0])
    assert isinstance(said, dict)
    return said


def test_an_orders_file_goes_in_and_the_same_file_adds_nothing(run: Run, orders: Path) -> None:
    first = answer(run("import", str(orders), "--json"))
    assert (first["orders"], first["customers"], first["revenue_minor"]) == (3, 2, 23690)
    assert first["excluded"] == {"closed_or_unpaid": 1, "refunded": 0}
    assert (first["added"], first["duplicates"]) == (4, 0)
    again = answer(run("import", str(orders), "--json"))
    assert (again["added"], again["updated"], again["duplicates"]) == (0, 0, 4)
    assert again["revenue_minor"] == first["revenue_minor"]


def test_data_may_stand_before_or_after_and_json_too(
    run: Run, filled: Path, tmp_path: Path
) -> None:
    before = run("--json", "--data", str(filled), "settings", data=None)
    after = run("settings", "--json")
    assert answer(before) == answer(after)


def test_the_directory_may_come_from_the_environment(
    run: Run, orders: Path, tmp_path: Path
) -> None:
    where = str(tmp_path / "数据 目录")
    assert run("import", str(orders), data=None, RENWEI_DATA=where).returncode == 0
    assert (Path(where) / "log.db").exists()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["tody"], "Did you mean today?"),
        (["today", "--limt", "3"], "Did you mean --limit?"),
        (["import"], "FILES... is missing"),
        (["why"], "DECISION is missing"),
        (["unmerge"], "MERGE is missing"),
        (["today", "--at", "yesterday"], "--at cannot be used"),
        (["today", "--limit", "many"], "--limit cannot be used"),
        (["today", "--minutes", "-5"], "cannot be used"),
        (["imports", "shwo", "x"], "Did you mean show?"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_sentence(run: Run, argv: list[str], says: str) -> None:
    done = run(*argv)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_wrong_usage_in_chinese_and_json(run: Run) -> None:
    done = run("tody", "--json", "--lang", "zh")
    assert done.returncode == 2
    assert "你是不是想用 today？" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "usage_command"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_asking_an_empty_place_says_where_to_start(run: Run, lang: str, tmp_path: Path) -> None:
    done = run("health", "--lang", lang)
    assert done.returncode == 1
    assert "renwei import" in done.stderr
    assert not (tmp_path / "shop").exists()


def test_a_missing_file_is_named(run: Run) -> None:
    done = run("import", "no-such-file.csv", "--json")
    assert done.returncode == 1
    assert "no-such-file.csv" in json.loads(done.stdout)["error"]["message"]
    assert "Traceback" not in done.stderr


def test_an_unknown_layout_suggests_the_nearest(run: Run, orders: Path) -> None:
    done = run("import", str(orders), "--as", "taobau")
    assert done.returncode != 0
    assert "taobao" in done.stderr


def test_an_unknown_person_and_an_unknown_decision_are_said_so(run: Run, filled: Path) -> None:
    for argv in (["person", "13911112222"], ["why", "01a-nothing"], ["done", "01a-nothing"]):
        done = run(*argv)
        assert done.returncode == 1, argv
        assert argv[1] in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_command_and_group_says_what_it_is_for(run: Run, lang: str) -> None:
    said = run("--lang", lang, "--help", data=None).stdout
    commands = [line.split() for line in said.splitlines() if line.startswith("  ")]
    assert ["audiences"] in [words[:1] for words in commands]
    assert not [words for words in commands if words[-1].startswith(("groups.", "operations."))]


def test_a_day_is_that_of_the_shops_clock_and_other_times_say_whose_they_are(
    run: Run, filled: Path
) -> None:
    # 20:40 in Shanghai on the twelfth is the thirteenth in New Zealand.
    for zone, day in (("Asia/Shanghai", "2026-09-12"), ("Pacific/Auckland", "2026-09-13")):
        assert run("settings", "zone", zone).returncode == 0
        assert f"{day}  order" in run("person", "13800010001", "--lang", "en").stdout
    assert "2026-09-12 12:40 UTC" in run("people", "13800010001", "--lang", "en").stdout


def test_what_cannot_be_taken_back_never_waits_without_a_terminal(run: Run, filled: Path) -> None:
    done = run("forget", "13800010001")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert answer(run("person", "13800010001", "--json"))["orders"] == 2


def test_a_person_at_a_terminal_is_asked(run: Run, filled: Path, keys: Path) -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "renwei", "forget", "小鹿", "--data", str(filled)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"RENWEI_KEYS": str(keys), "RENWEI_LANG": "en"},
    )
    os.close(theirs)
    os.write(ours, b"n\n")
    child.communicate(timeout=60)
    os.close(ours)
    assert child.returncode == 1
    assert answer(run("person", "小鹿", "--json"))["name"] == "陈鹿"


def test_a_file_that_is_no_table_changes_nothing_at_all(
    run: Run, orders: Path, tmp_path: Path, filled: Path
) -> None:
    before = answer(run("imports", "list", "--json"))
    wrong = tmp_path / "photo.csv"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    empty = tmp_path / "empty.csv"
    empty.touch()
    for bad in (wrong, empty):
        done = run("import", str(orders), str(bad))
        assert done.returncode == 1
        assert bad.name in done.stderr
    assert answer(run("imports", "list", "--json")) == before


def test_a_second_process_is_told_who_is_there(
    run: Run, orders: Path, tmp_path: Path, filled: Path
) -> None:
    shop = tmp_path / "shop"
    hold = (
        "import sys, time; from pathlib import Path; from renwei.stores.lock import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(30)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", hold, str(shop)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        done = run("import", str(orders))
        assert done.returncode == 1
        assert str(child.pid) in done.stderr
    finally:
        child.kill()
        child.communicate()


def test_a_reader_that_goes_away_is_no_fault(run: Run, filled: Path, keys: Path) -> None:
    command = f"{sys.executable} -m renwei settings --data {filled} | head -c 1"
    env = os.environ | {"RENWEI_KEYS": str(keys)}
    done = subprocess.run(command, shell=True, capture_output=True, env=env, check=False)  # noqa: S602
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_command_has_help_in_both_languages(lang: str) -> None:
    words, missing = build.words(), []
    for name, operation in build.operations().items():
        keys = [f"operations.{name.replace(' ', '.')}.help"]
        fields = [field.name for field in msgspec.structs.fields(operation.request)]
        keys += [f"operations.{name.replace(' ', '.')}.{f.rstrip('_')}" for f in fields]
        missing += [key for key in keys if key not in words.keys(lang)]
    assert missing == []
    assert len(command_tree(lang).commands) > 20


def _fields(kind: Any) -> set[str]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return {f.name for f in fields}.union(*(_fields(f.type) for f in fields))
    return set().union(*(_fields(part) for part in get_args(kind)))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_field_of_every_answer_has_a_label(lang: str) -> None:
    found = set().union(*(_fields(answer_type(o)) for o in build.operations().values()))
    assert len(found) > 150
    assert {f"labels.{name}" for name in found} - build.words().keys(lang) == set()


def test_yes_reaches_an_operation_that_asks_for_it(run: Run, filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("export", "--all", "--out", str(out)).returncode == 0
    refused = run("export", "--all", "--out", str(out))
    assert refused.returncode == 1
    assert run("export", "--all", "--out", str(out), "--yes").returncode == 0


def test_files_in_the_working_folder_are_never_run(
    orders: Path, tmp_path: Path, keys: Path
) -> None:
    for name in ("random.py", "csv.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('taken for ours')\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "renwei", "import", orders, "--data", tmp_path / "shop"],
        cwd=tmp_path,
        env=os.environ | {"RENWEI_KEYS": str(keys)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
