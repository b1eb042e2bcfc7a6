"""What analytics-next asks before it begins: where to send, and that nothing else is loaded."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import msgspec

from renwei.doors.http.ingest_answers import Answer

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:]+\](:\d{1,5})?")


def project_settings(scope: MutableMapping[str, Any], key: str) -> Answer:
    """The settings of a source, as analytics-next reads them.

    The SDK comes back to the host that it asked; no remote plugin, no metrics elsewhere.
    """
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    named = host.decode("latin-1")
    if not _HOST.fullmatch(named):
        named = "localhost"
    home = {
        "apiKey": key,
        "apiHost": f"{named}/v1",
        "protocol": scope.get("scheme", "http"),
        "unbundledIntegrations": [],
        "addBundledMetadata": True,
        "maybeBundledConfigIds": {},
        "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
    }
    allowed = {"__default": {"enabled": True, "integrations": {}}}
    document = {
        "integrations": {"Segment.io": home},
        "plan": {"track": allowed, "identify": allowed, "group": allowed},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
    return Answer(msgspec.json.encode(document))
