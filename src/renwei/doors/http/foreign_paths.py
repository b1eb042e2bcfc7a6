"""The places of foreign SDKs, for the description: their makers say what goes in there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from renwei.doors.http.ingest_paths import ARRAY, PATHS, SETTINGS, Wire

MANUALS = {
    "segment": "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
    "posthog": "https://posthog.com/docs/api/capture",
    "sensors": "https://manual.sensorsdata.cn/sa/docs/tech_data_dataformat/",
}


def foreign_paths(say: Callable[..., str]) -> dict[str, dict[str, Any]]:
    """The paths where SDKs send events, by path and method."""
    found: dict[str, dict[str, Any]] = {}
    for path, wire in sorted(PATHS.items()):
        for method in wire.methods:
            found.setdefault(path, {})[method.lower()] = _operation(path, method, wire, say)
    key = {
        "name": "write_key",
        "in": "path",
        "required": True,
        "description": say("http.openapi.write_key"),
        "schema": {"type": "string"},
    }
    for place in (SETTINGS, *ARRAY):
        name = "settings_of_project" if place == SETTINGS else f"array{place[1].replace('/', '-')}"
        said = _described(say, "settings", name)
        found["{}{{write_key}}{}".format(*place)] = {"get": {**said, "parameters": [key]}}
    return found


def _operation(path: str, method: str, wire: Wire, say: Callable[..., str]) -> dict[str, Any]:
    name = "-".join(path.strip("/").split("/")) + ("-slash" if path.endswith("/") else "")
    said = _described(say, wire.family, f"ingest-{name}-{method.lower()}")
    if wire.family in MANUALS:
        said["externalDocs"] = {"url": MANUALS[wire.family]}
    if method == "POST":
        content: dict[str, Any] = {"application/json": {"schema": {}}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def _described(say: Callable[..., str], family: str, name: str) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    return {
        "operationId": name,
        "summary": say(f"http.ingest.{family}"),
        "tags": ["ingest"],
        "responses": {
            "200": {"description": say("http.ingest.taken")},
            "400": problem,
            "401": problem,
            "413": problem,
            "429": problem,
            "default": problem,
        },
        "security": [{"writeKey": []}, {"key": ["ingest"]}],
    }
