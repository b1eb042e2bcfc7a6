"""What browser SDKs ask before they begin: where to send, and that nothing else is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

import msgspec

from renwei.doors.http.ingest_answers import Answer
from renwei.doors.http.ingest_paths import ARRAY, SETTINGS

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


_CONFIG: Final = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "autocapture_opt_out": False,
    "heatmaps": False,
    "surveys": False,
    "sessionRecording": False,
    "elementsChainAsString": True,
    "defaultIdentifiedOnly": True,
    "analytics": {"endpoint": "/i/v0/e/"},
    "errorTracking": {"autocaptureExceptions": False, "suppressionRules": []},
    "siteApps": [],
    "toolbarParams": {},
    "isAuthenticated": False,
}


def remote_config(scope: MutableMapping[str, Any], key: str) -> Answer:
    """The configuration of a project, as posthog-js reads it: no recorder, surveys or apps."""
    return Answer(msgspec.json.encode({"token": key, **_CONFIG}))


def remote_script(scope: MutableMapping[str, Any], key: str) -> Answer:
    """The same as the script that posthog-js loads first."""
    named = msgspec.json.encode(key).decode()
    config = msgspec.json.encode({"token": key, **_CONFIG}).decode()
    script = (
        "(function(){var all=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};"
        f"all[{named}]={{config:{config},siteApps:[]}};}})();"
    )
    return Answer(script.encode(), kind=b"text/javascript; charset=utf-8")


ASKED: Final[Mapping[tuple[str, str], Callable[[MutableMapping[str, Any], str], Answer]]] = {
    SETTINGS: project_settings,
    ARRAY[0]: remote_script,
    ARRAY[1]: remote_config,
}
"""Who answers a path that names a key between two parts."""
