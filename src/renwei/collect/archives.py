"""From a path to the files inside it: gz and zip are opened here, within limits.

Nothing is ever unpacked to disk, so a member called `../../etc/passwd` is only a name. What
is unpacked is counted while it is read (declared sizes can lie), so a bomb stops early.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from renwei.core.errors import BadInput, NotATable

LARGEST = 1 << 30  # bytes of one file once unpacked
_MEMBERS = 200
_DEPTH = 3
_CHUNK = 1 << 20
# Real exports shrink to a twentieth at best; a bomb to a thousandth.
_RATIO = 150
_RATIO_FROM = 64 << 20
# What zipfile raises on bytes that only resemble an archive.
_ODD_ZIP = (NotImplementedError, ValueError, RuntimeError)


@dataclass(slots=True, frozen=True)
class Unpacked:
    """One file as bytes, out of whatever it was wrapped in."""

    name: str
    content: bytes


def unpack(path: Path) -> list[Unpacked]:
    """Read a path and open its gz and zip layers; several members are several files.

    Raises:
        BadInput: No such file, a folder, not readable.
        NotATable: Empty, too large, a broken or locked archive, an archive of nothing.
    """
    try:
        if path.is_dir():
            raise BadInput("is_a_folder", path=str(path))
        if not path.exists():
            raise BadInput("file_not_found", path=str(path))
        with path.open("rb") as source:
            content = source.read(LARGEST + 1)
    except OSError as fault:
        raise BadInput("file_not_readable", path=str(path), why=fault.strerror or "") from fault
    if len(content) > LARGEST:
        raise _too_large(path.name)
    found = list(_layers(path.name, content, 0))
    if not found:
        raise NotATable("empty_archive", file=path.name)
    return found


def is_workbook(content: bytes) -> bool:
    """Whether zipped bytes are a spreadsheet (xlsx, xlsb, ods) and not an archive of files."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return "[Content_Types].xml" in names or "content.xml" in names


def _layers(name: str, content: bytes, depth: int) -> Iterator[Unpacked]:
    if not content:
        raise NotATable("empty_file", file=name)
    if depth > _DEPTH:
        raise NotATable("archive_too_deep", file=name)
    if content[:2] == b"\x1f\x8b":
        yield from _layers(
            re.sub(r"\.gz$", "", name, flags=re.I), _gunzip(name, content), depth + 1
        )
    elif content[:4] == b"PK\x03\x04" and is_workbook(content):
        _weigh(name, content)
        yield Unpacked(name, content)
    elif content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        for member, inner in _members(name, content):
            yield from _layers(f"{name}/{member}", inner, depth + 1)
    else:
        yield Unpacked(name, content)


def _gunzip(name: str, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            return _read(name, stream, len(content))
    except (OSError, EOFError, zlib.error) as fault:
        raise NotATable("broken_archive", file=name) from fault


def _members(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = [info for info in archive.infolist() if _wanted(info)]
            if len(infos) > _MEMBERS:
                raise NotATable("too_many_members", file=name, n=len(infos), limit=_MEMBERS)
            for info in infos:
                if info.flag_bits & 1:
                    raise NotATable("encrypted_archive", file=name)
                with archive.open(info) as stream:
                    yield _member_name(info), _read(name, stream, max(info.compress_size, 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, *_ODD_ZIP) as fault:
        raise NotATable("broken_archive", file=name) from fault


def _wanted(info: zipfile.ZipInfo) -> bool:
    last = info.filename.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return not (info.is_dir() or "__MACOSX" in info.filename or last.startswith(".") or not last)


def _member_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800:
        # Windows writes Chinese names in GBK and says nothing; zipfile then assumes cp437.
        try:
            name = name.encode("cp437").decode("gbk")
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = info.filename
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _read(name: str, stream: IO[bytes] | gzip.GzipFile, packed: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST or (size > _RATIO_FROM and size > _RATIO * packed):
            raise _too_large(name)
    return b"".join(parts)


def _weigh(name: str, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > LARGEST or (size > _RATIO_FROM and size > _RATIO * len(content)):
        raise _too_large(name)


def _too_large(name: str) -> NotATable:
    return NotATable("file_too_large", file=name, limit_mb=LARGEST >> 20)
