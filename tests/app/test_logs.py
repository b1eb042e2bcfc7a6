"""Logs: JSON lines that rotate, tell what happened, and never who somebody is."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.app.logs import FILE, MASK, masked, plain, writing
from renwei.core.errors import Unavailable

LOG = logging.getLogger("renwei.test")
PERSONAL = (
    "13800138000",
    "+86 138 0013 8000",
    "138-0013-8000",
    "+49 (89) 1234-5678",
    "0571-88888888",
    "１３８００１３８０００",
    "li.lei@example.com",
    "李雷@例子.公司",
    "mailto:a@b.cn",
)
KEPT = (
    "0190f3a2-7c1e-7000-8000-012345678901",
    "01234567-7123-7000-8000-012345678901",
    "p7gk2m4xq1234567",
    "2026-03-01",
    "2026-03-01 12",
    "203.0.113.0/24",
    "stores.log:113",
    "12.345678",
    "k_1234567890",
)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("text", PERSONAL)
def test_numbers_and_addresses_of_people_are_masked_wherever_they_stand(text: str) -> None:
    for around in ("{}", "call {} now", "to={};", "“{}”", '{{"x":"{}"}}'):
        shown = masked(around.format(text))
        assert MASK in shown
        assert sum(letter.isdigit() for letter in shown) < 4
        assert "example" not in shown
        assert "lei" not in shown


@pytest.mark.parametrize("text", KEPT)
def test_ids_days_and_places_in_the_program_are_kept(text: str) -> None:
    assert masked(f"x {text} y") == f"x {text} y"


@given(st.integers(10**10, 10**11 - 1), st.sampled_from(["", " ", "a=", ":", "（"]))
def test_no_bare_number_of_eleven_digits_gets_through(number: int, before: str) -> None:
    assert str(number) not in masked(f"{before}{number}")


def test_a_record_is_one_line_with_its_fields_and_no_secrets(tmp_path: Path) -> None:
    with writing(tmp_path / "logs"):
        LOG.info("kept %d from 13800138000", 3, extra={"code": "x", "body": "李雷", "seq": 5})
        LOG.warning("two\nlines", extra={"values": {"email": "a@b.cn", "n": 1, "to": "a@b.cn"}})
        LOG.debug("not this")
        logging.getLogger("other").info("nor this")
        logging.getLogger("other").error("but this")
    said = lines(tmp_path / "logs")
    assert [line["event"] for line in said] == ["kept 3 from ***", "two\nlines", "but this"]
    assert (said[0]["code"], said[0]["body"], said[0]["seq"]) == ("x", MASK, 5)
    assert said[1]["values"] == {"email": MASK, "n": 1, "to": MASK}
    assert {"at", "level", "logger"} <= said[0].keys()
    assert said[0]["at"].endswith("+00:00")


def test_of_an_exception_only_kind_and_place_are_written(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("李雷 13800138000")

    with writing(tmp_path / "logs"):
        for fault in (fail, lambda: open(tmp_path / "none"), unavailable):  # noqa: SIM115, PTH123
            try:
                fault()
            except (ValueError, OSError, Unavailable):
                LOG.exception("failed")
    value, system, ours = (line["error"] for line in lines(tmp_path / "logs"))
    assert value["kind"] == "ValueError"
    assert any("test_logs.py" in where and "fail" in where for where in value["where"])
    assert "李雷" not in json.dumps(value, ensure_ascii=False)
    assert "No such file" in system["detail"]
    assert ours["code"] == "disk_full"


def unavailable() -> None:
    raise Unavailable("disk_full", path="/x", found="13800138000")


def test_an_object_as_message_is_merged_and_masked_too(tmp_path: Path) -> None:
    with writing(tmp_path / "logs"):
        LOG.info('{"route":"/v1/people","status":200,"query":"q=13800138000","token":"s"}')
        LOG.info("{no json")
    first, second = lines(tmp_path / "logs")
    assert (first["event"], first["status"], first["query"]) == ("request", 200, f"q={MASK}")
    assert first["token"] == MASK
    assert second["event"] == "{no json"


def test_files_rotate_by_size_and_the_oldest_goes(tmp_path: Path) -> None:
    with writing(tmp_path / "logs", size=5_000, files=3):
        for n in range(400):
            LOG.info("line", extra={"n": n})
    files = sorted((tmp_path / "logs").iterdir())
    assert [path.name for path in files] == [FILE, f"{FILE}.1", f"{FILE}.2"]
    assert all(path.stat().st_size <= 5_000 for path in files)
    assert {path.stat().st_mode & 0o77 for path in files} == {0}
    numbers = [
        json.loads(line)["n"] for path in reversed(files) for line in path.read_text().splitlines()
    ]
    assert numbers == list(range(numbers[0], 400))


def test_afterwards_nothing_is_written_any_more(tmp_path: Path) -> None:
    handlers = list(logging.getLogger().handlers)
    with writing(tmp_path / "logs"), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("old", UserWarning, stacklevel=1)
    LOG.error("later")
    assert [line["logger"] for line in lines(tmp_path / "logs")] == ["py.warnings"]
    assert logging.getLogger().handlers == handlers


def test_a_folder_that_cannot_be_written_is_told_to_who_asked(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(OSError, match="logs"), writing(tmp_path / "logs"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_stops_the_log_and_not_the_work(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / FILE).symlink_to("/dev/full")
    with writing(tmp_path / "logs"):
        LOG.error("into nowhere")
    assert os.path.islink(tmp_path / "logs" / FILE)  # noqa: PTH114


def test_to_stderr_where_no_folder_is_given() -> None:
    script = (
        "import logging; from renwei.app.logs import writing\n"
        "with writing(None): logging.getLogger('renwei.x').info('hello a@b.cn')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stderr)["event"] == f"hello {MASK}"
    assert done.stdout == ""


def test_values_of_any_shape_can_be_written() -> None:
    deep: list[Any] = []
    deep.append(deep)
    assert plain({"a": {1, "x"}, "b": b"13800138000", "c": deep, "d": 13800138000})["d"] == MASK
    assert plain("x" * 10_000) == "x" * 2_000
    assert plain(1_772_366_400_000_000) == 1_772_366_400_000_000
