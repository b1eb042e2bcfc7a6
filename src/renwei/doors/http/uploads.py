"""Order files that come in over HTTP: written to a private folder, imported, removed.

A form with one or more files, or the bytes of one file with its name in the query. Names are
only shown, never used as paths of somewhere else; what a file is, the importer finds out from
its bytes (and what a small archive would unpack to).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.datastructures import QueryParams, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from renwei.app import build
from renwei.collect.answers import ImportAnswer, ImportRequest
from renwei.core.errors import BadInput
from renwei.core.shop import Progress
from renwei.doors.http import asking, jobs, noting
from renwei.doors.http.calling import Reception
from renwei.doors.http.places import Asks, Call, Place, asks_of
from renwei.doors.http.pool import in_thread

PATH = "/v1/imports"
FORM = "multipart/form-data"
BYTES = "application/octet-stream"
MOST_BYTES = 1 << 30
MOST_FILES = 20
LONGEST_NAME = 120
_PREFIX = "renwei-upload-"
_STALE_S = 86_400


@dataclass
class Received:
    """Files on disk, what was said beside them, and a digest of both."""

    folder: Path
    files: list[Path] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)


def places(reception: Reception) -> list[Place]:
    """The place of files that come in."""
    _sweep()
    asks = [
        *asks_of("GET", PATH, ImportRequest, without=["files"]),
        Asks("name", "name", "query", str, required=False, default=""),
    ]

    async def work(call: Call) -> Response:
        return await _bring(reception, call)

    return [
        Place(
            "POST",
            PATH,
            "write",
            work,
            "http.places.upload",
            asks=asks,
            answer=ImportAnswer,
            operation=build.operations()["import"],
            job=True,
            takes=(FORM, BYTES),
            size=MOST_BYTES,
        )
    ]


async def _bring(reception: Reception, call: Call) -> Response:
    folder = Path(await in_thread(tempfile.mkdtemp, prefix=_PREFIX))
    begun = False
    try:
        received = await _receive(call.request, folder)
        query = QueryParams([*call.request.query_params.multi_items(), *received.said])
        call.fields = asking.fields_of(call.place.asks, {}, query, b"")
        call.fields.pop("name", None)

        async def import_them() -> Response:
            nonlocal begun
            begun = True
            return await jobs.started(call, "import", _importing(call, received))

        return await reception.once(call, received.digest.digest(), import_them)
    finally:
        if not begun:
            await in_thread(shutil.rmtree, folder, ignore_errors=True)


def _importing(call: Call, received: Received) -> Any:
    operation = build.operations()["import"]
    fields = {**call.fields, "files": received.files}

    def work(progress: Progress) -> Any:
        try:
            return noting.done(call, operation, fields, progress=progress)
        finally:
            shutil.rmtree(received.folder, ignore_errors=True)

    return work


async def _receive(request: Request, folder: Path) -> Received:
    received = Received(folder)
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise BadInput("too_large", most=MOST_BYTES)
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == FORM.encode():
        if not options.get(b"boundary"):
            raise BadInput("bad_form", found="boundary")
        await _from_form(request, received)
    else:
        path = _place_of(received, request.query_params.get("name", ""))
        await _from_stream(request, path, received)
    return received


async def _from_form(request: Request, received: Received) -> None:
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FILES)
    except HTTPException as wrong:
        raise BadInput("bad_form", found=str(wrong.detail)[:200]) from None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                path = _place_of(received, value.filename or "")
                await in_thread(_copy, value, path, received)
            else:
                received.said.append((name, value))
                received.digest.update(f"{name}={value}\n".encode())
    finally:
        await form.close()
    if not received.files:
        raise BadInput("no_file")


async def _from_stream(request: Request, path: Path, received: Received) -> None:
    size, loop = 0, asyncio.get_running_loop()
    with path.open("xb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MOST_BYTES:
                raise BadInput("too_large", most=MOST_BYTES)
            received.digest.update(chunk)
            await loop.run_in_executor(None, file.write, chunk)
    if not size:
        raise BadInput("no_file")
    received.digest.update(path.name.encode())


def _copy(upload: UploadFile, path: Path, received: Received) -> None:
    with path.open("xb") as file:
        while chunk := upload.file.read(1 << 20):
            received.digest.update(chunk)
            file.write(chunk)
    received.digest.update(path.name.encode())


def _place_of(received: Received, name: str) -> Path:
    """Where a file of this name is put: always inside the folder, whatever the name says."""
    inside = received.folder / str(len(received.files))
    inside.mkdir()
    path = inside / shown_name(name)
    received.files.append(path)
    return path


def shown_name(name: str) -> str:
    r"""The last part of a file's name, without anything that could mean a place.

    Example:
        >>> shown_name("../../etc/订单 1.csv"), shown_name("C:\\x\\a.xlsx"), shown_name("..")
        ('订单 1.csv', 'a.xlsx', 'upload')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign for sign in last if sign.isprintable()).strip()
    while len(kept.encode()) > LONGEST_NAME:
        # The ending tells people what it is.
        kept = kept[1:]
    return kept if kept.strip(". ") else "upload"


def _sweep() -> None:
    """Remove what a server that was killed left: orders name people."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            ours = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
        except OSError:
            continue
        if ours and folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
