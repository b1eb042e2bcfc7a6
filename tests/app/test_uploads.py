from __future__ import annotations

import errno
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from renwei.app.uploads import MOST_BYTES, Uploads, plain_name
from renwei.core.errors import BadInput, Unavailable, UnknownName

NOW = datetime.now(UTC)


class Full(io.BytesIO):
    """A file at whose end the disk is full."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Endless(io.BytesIO):
    """A file that never ends, and says how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        self.taken += 1 << 20
        return b"\0" * (1 << 20)


def kept(folder: Path) -> tuple[Uploads, str]:
    uploads = Uploads(folder)
    return uploads, uploads.keep([("orders.csv", io.BytesIO(b"a,b")), ("b.csv", io.BytesIO(b""))])


def test_what_is_kept_is_found_by_its_token_in_order_and_read_by_us_alone(tmp_path: Path) -> None:
    uploads, token = kept(tmp_path)
    paths = uploads.paths(token)
    assert [path.name for path in paths] == ["orders.csv", "b.csv"]
    assert paths[0].read_bytes() == b"a,b"
    folders = [tmp_path / "uploads", paths[0].parent.parent, paths[0].parent]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_dropped_files_are_gone_and_their_token_is_unknown(tmp_path: Path) -> None:
    uploads, token = kept(tmp_path)
    uploads.drop(token)
    with pytest.raises(UnknownName, match="unknown_upload"):
        uploads.paths(token)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_after_an_hour_and_not_before_they_are_swept(tmp_path: Path) -> None:
    uploads, token = kept(tmp_path)
    assert uploads.sweep(NOW + timedelta(minutes=50)) == 0
    assert uploads.paths(token)
    assert uploads.sweep(NOW + timedelta(minutes=70)) == 1
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_start_clears_what_a_crash_left(tmp_path: Path) -> None:
    kept(tmp_path)
    assert Uploads(tmp_path).clear() == 1
    assert Uploads(tmp_path).clear() == 0


def test_a_full_disk_is_said_and_nothing_half_is_left(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="disk_full"):
        Uploads(tmp_path).keep([("a.csv", io.BytesIO(b"x")), ("b.csv", Full())])
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_file_without_end_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renwei.app.uploads.MOST_BYTES", 3 << 20)
    file = Endless()
    with pytest.raises(BadInput, match="upload_too_large"):
        Uploads(tmp_path).keep([("a.csv", file)])
    assert file.taken <= 5 << 20
    assert list((tmp_path / "uploads").iterdir()) == []
    assert MOST_BYTES == 512 << 20


def test_no_file_is_no_upload(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no_files"):
        Uploads(tmp_path).keep([])
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.parametrize("token", ["", "..", "../" + "0" * 29, "0" * 31 + "\n", "Z" * 32])
def test_a_made_up_token_touches_nothing(tmp_path: Path, token: str) -> None:
    uploads, real = kept(tmp_path)
    uploads.drop(token)
    assert uploads.noted(token) == ""
    with pytest.raises(UnknownName):
        uploads.paths(token)
    assert uploads.paths(real)


def test_the_job_that_brings_files_in_is_remembered_with_them(tmp_path: Path) -> None:
    uploads, token = kept(tmp_path)
    assert uploads.noted(token) == ""
    uploads.note(token, "j-1")
    assert uploads.noted(token) == "j-1"
    assert len(uploads.paths(token)) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x\\passwd", "a\x00b", "", "."]
)
def test_a_name_has_no_path_in_it(name: str) -> None:
    said = plain_name(name)
    assert said
    assert not set(said) & set("/\\\0")
    assert said not in (".", "..")
