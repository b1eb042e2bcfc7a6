"""Which wire and kind each ingest path stands for."""

from __future__ import annotations

from dataclasses import dataclass

SEGMENT_OK = b'{"success":true}'
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
NO_FLAGS = (
    b'{"featureFlags":{},"featureFlagPayloads":{},"flags":{},"errorsWhileComputingFlags":false,'
    b'"sessionRecording":false,"supportedCompression":["gzip","gzip-js"],"toolbarParams":{},'
    b'"isAuthenticated":false,"siteApps":[],"quotaLimited":[]}'
)
_JSON, _GIF, _EMPTY = b"application/json", b"image/gif", b"text/plain"


@dataclass(frozen=True, slots=True)
class Wire:
    """How a path is read and answered.

    `family` is segment, posthog, sensors, pixel or flags; `kind` what an event is that does not
    say so itself ("" for batches). `ok` and `type` are the vendor's own answer to success.
    """

    family: str
    kind: str = ""
    methods: tuple[str, ...] = ("POST",)
    ok: bytes = SEGMENT_OK
    type: bytes = _JSON


def _paths() -> dict[str, Wire]:
    found: dict[str, Wire] = {}
    shorts = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g"}
    for kind in ("identify", "track", "page", "screen", "group", "alias", "merge"):
        wire = Wire("segment", kind)
        found[f"/v1/{kind}"] = found[f"/v1/{shorts.get(kind, kind[0])}"] = wire
    for name in ("batch", "b", "import"):
        found[f"/v1/{name}"] = Wire("segment")
    for path in ("/batch", "/capture", "/e", "/i/v0/e"):
        wire = Wire("posthog", ok=b'{"status":"Ok"}' if path.startswith("/i") else b'{"status":1}')
        found[path] = found[f"{path}/"] = wire
    for path in ("/decide", "/flags"):
        found[path] = found[f"{path}/"] = Wire("flags", methods=("POST", "GET"), ok=NO_FLAGS)
    found["/sa"] = Wire("sensors", methods=("POST", "GET"), ok=b"", type=_EMPTY)
    found["/sa.gif"] = Wire("sensors", methods=("POST", "GET"), ok=GIF, type=_GIF)
    for kind in ("track", "page"):
        found[f"/pixel/v1/{kind}"] = Wire("pixel", kind, ("GET",), ok=GIF, type=_GIF)
    return found


PATHS = _paths()
SETTINGS = ("/v1/projects/", "/settings")
"""analytics-next fetches its settings from between these two, under its write key."""
ARRAY = (("/array/", "/config.js"), ("/array/", "/config"))
"""posthog-js does the same: as a script, and where that failed as JSON."""
