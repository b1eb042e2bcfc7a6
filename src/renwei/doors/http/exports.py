"""What leaves as a file: everything about a person, and today's list as a spreadsheet."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from renwei.app import build
from renwei.doors.http import noting
from renwei.doors.http.calling import JSON
from renwei.doors.http.places import Asks, Call, Place, asks_of
from renwei.doors.http.pool import in_thread

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_Format = Literal["json", "zip"]


def places() -> list[Place]:
    """The places of files that leave."""
    everything = [
        Asks("person", "person", "path", str, required=True),
        Asks("format", "format", "query", _Format, required=False, default="json"),
    ]
    today = build.operations()["today"]
    export = build.operations()["export-person"]
    return [
        Place(
            "GET", "/v1/people/{person}/export", "write", _person, "http.places.export",
            asks=everything, answer=dict[str, Any], operation=export, unmasked=True,
        ),
        Place(
            "GET", "/v1/today.xlsx", "read", _today, "http.places.sheet",
            asks=asks_of("GET", "/v1/today.xlsx", today.request), gives=SHEET,
            operation=today, unmasked=True,
        ),
    ]  # fmt: skip


async def _person(call: Call) -> Response:
    return await in_thread(_exported, call)


def _exported(call: Call) -> Response:
    operation = build.operations()["export-person"]
    made = noting.done(call, operation, {"person": call.fields["person"]})
    whole = msgspec.json.format(msgspec.json.encode(made.data, enc_hook=str), indent=1)
    if call.fields.get("format") != "zip":
        return _file(whole, JSON, f"{made.person}.json")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{made.person}.json", whole)
        archive.writestr(f"{made.person}.txt", made.text)
    return _file(packed.getvalue(), "application/zip", f"{made.person}.zip")


async def _today(call: Call) -> Response:
    return await in_thread(_sheet, call)


def _sheet(call: Call) -> Response:
    with tempfile.TemporaryDirectory(prefix="renwei-") as folder:
        out = Path(folder) / "today.xlsx"
        fields = {**call.fields, "out": out}
        noting.done(call, build.operations()["today"], fields, noted="today export")
        return _file(out.read_bytes(), SHEET, "today.xlsx")


def _file(body: bytes, kind: str, name: str) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    return Response(body, headers=headers, media_type=kind)
