"""Order files that come in over HTTP: kept while they are imported, then removed.

A form with one or more files, or the bytes of one file with its name in the query. Names are
only shown, never used as paths of somewhere else; what a file is, the importer finds out from
its bytes (and what a small archive would unpack to).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from python_multipart.multipart import parse_options_header
from starlette.datastructures import QueryParams, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from renwei.app import build
from renwei.app.uploads import MOST_BYTES, Uploads
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
MOST_FILES = 20


@dataclass
class Received:
    """Open files with their names, what was said beside them, and a digest of it all."""

    files: list[tuple[str, BinaryIO]] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)


def places(reception: Reception) -> list[Place]:
    """The place of files that come in."""
    uploads = Uploads(reception.house.directory)
    asks = [
        *asks_of("GET", PATH, ImportRequest, without=["files"]),
        Asks("name", "name", "query", str, required=False, default=""),
    ]

    async def work(call: Call) -> Response:
        async with _received(call.request) as received:
            query = QueryParams([*call.request.query_params.multi_items(), *received.said])
            call.fields = asking.fields_of(asks, {}, query, b"")
            call.fields.pop("name", None)

            async def bring() -> Response:
                uploads.sweep(call.house.clock.now())
                token = await in_thread(uploads.keep, received.files)
                return await jobs.started(call, "import", _importing(call, uploads, token))

            return await reception.once(call, received.digest.digest(), bring)

    return [
        Place(
            "POST", PATH, "write", work, "http.places.upload", asks=asks, answer=ImportAnswer,
            operation=build.operations()["import"], job=True, takes=(FORM, BYTES), size=MOST_BYTES,
        ),
    ]  # fmt: skip


def _importing(call: Call, uploads: Uploads, token: str) -> Any:
    operation = build.operations()["import"]

    def work(progress: Progress) -> Any:
        try:
            fields = {**call.fields, "files": uploads.paths(token)}
            return noting.done(call, operation, fields, progress=progress)
        finally:
            uploads.drop(token)

    return work


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[Received]:
    """What came with a request, on unnamed files that vanish when they are closed."""
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise BadInput("too_large", most=MOST_BYTES)
    received = Received()
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM.encode():
        with tempfile.TemporaryFile() as file:
            await _stream(request, file, received)
            yield received
        return
    if not options.get(b"boundary"):
        raise BadInput("bad_upload", found="boundary")
    try:
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FILES)
    except HTTPException as wrong:
        raise BadInput("bad_upload", found=str(wrong.detail)[:200]) from None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                received.files.append((value.filename or "", value.file))
                await in_thread(_digest, value, received)
            else:
                received.said.append((name, value))
                received.digest.update(f"{name}={value}\n".encode())
        yield received
    finally:
        await form.close()


async def _stream(request: Request, file: BinaryIO, received: Received) -> None:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadInput("too_large", most=MOST_BYTES)
        received.digest.update(chunk)
        await in_thread(file.write, chunk)
    file.seek(0)
    if size:
        received.files.append((request.query_params.get("name", ""), file))


def _digest(upload: UploadFile, received: Received) -> None:
    received.digest.update(f"{upload.filename}\n".encode())
    while chunk := upload.file.read(1 << 20):
        received.digest.update(chunk)
    upload.file.seek(0)
