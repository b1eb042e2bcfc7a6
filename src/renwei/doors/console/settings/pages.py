"""Settings: the shop, how far the program may go, keys, team, wordings, who looked at whom."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from renwei.core.nouns import Autonomy
from renwei.doors.console.frame import Visit, page
from renwei.trust import accounts

_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo",
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip


@page("GET /settings", scope="read")
def settings(visit: Visit) -> Response:
    """The shop's own settings, the dials and the wordings."""
    return visit.show(
        "settings/shop.html",
        settings=visit.call("settings"),
        dials=visit.call("autonomy").dials,
        levels=[level.value for level in Autonomy],
        wordings=visit.call("texts").texts,
        zones=_ZONES,
    )


@page("POST /settings", scope="write")
def changed(visit: Visit) -> Response:
    """Change what differs; each value is checked, and the earlier one kept."""
    before = {one.key: one.value for one in visit.call("settings").settings}
    for key, value in visit.fields.items():
        if value.strip() != _shown(before.get(key)):
            visit.call("settings", key=key, value=value.strip())
    return visit.back("/settings", "console.settings.kept")


@page("POST /settings/autonomy", scope="write")
def dial(visit: Visit) -> Response:
    """Turn a dial."""
    visit.call("autonomy", surface=visit.fields["surface"], level=visit.fields["level"])
    return visit.back("/settings", "console.settings.kept")


@page("POST /settings/wording", scope="write")
def wording(visit: Visit) -> Response:
    """Write a new version of a wording."""
    fields = visit.fields
    visit.call("texts", purpose=fields["purpose"], language=fields["language"], text=fields["text"])
    return visit.back("/settings#wordings", "console.settings.kept")


@page("GET /settings/keys", scope="admin")
def keys(visit: Visit) -> Response:
    """Keys of apps and programs, and how to use one."""
    return visit.show("settings/keys.html", **_keys(visit), made=None)


@page("POST /settings/keys", scope="admin")
def key(visit: Visit) -> Response:
    """Make a key; it is shown on this page only."""
    fields = visit.fields
    made = visit.call(
        "keys create", scope=fields.get("scope", "ingest"), name=fields.get("name", "")
    )
    return visit.show("settings/keys.html", **_keys(visit), made=made)


@page("POST /settings/keys/{id}/revoke", scope="admin")
def revoke(visit: Visit) -> Response:
    """Let a key open nothing any more."""
    visit.call("keys revoke", id=visit.path["id"])
    return visit.back("/settings/keys", "console.settings.revoked")


@page("GET /settings/team", scope="admin")
def team(visit: Visit) -> Response:
    """Who works here, in which role."""
    return visit.show("settings/team.html", **_team(visit), invitation=None)


@page("POST /settings/team/invite", scope="admin")
def invite(visit: Visit) -> Response:
    """A one-time link for somebody new; shown on this page only."""
    fields = visit.fields
    made = visit.call(
        "team invite", role=fields.get("role", "viewer"), email=fields.get("email", "")
    )
    return visit.show("settings/team.html", **_team(visit), invitation=made)


@page("POST /settings/team/{account}/role", scope="admin")
def role(visit: Visit) -> Response:
    """Another role for somebody; there is always an owner."""
    visit.call("team role", account=visit.path["account"], role=visit.fields["role"])
    return visit.back("/settings/team", "console.settings.kept")


@page("POST /settings/team/{account}/remove", scope="admin")
def remove(visit: Visit) -> Response:
    """Take somebody out of the team, at once."""
    visit.call("team remove", account=visit.path["account"])
    return visit.back("/settings/team", "console.settings.removed")


@page("GET /settings/audit", scope="admin")
def audit(visit: Visit) -> Response:
    """Who looked at or changed what, whom, and when."""
    asked = {name: visit.query.get(name, "") for name in ("person", "account", "cursor")}
    return visit.show("settings/audit.html", answer=visit.call("audit", **asked), asked=asked)


def _keys(visit: Visit) -> dict[str, Any]:
    base = str(visit.request.base_url).rstrip("/")
    return {"keys": visit.call("keys list").keys, "scopes": accounts.SCOPES, "base": base}


def _team(visit: Visit) -> dict[str, Any]:
    base = str(visit.request.base_url).rstrip("/")
    return {"team": visit.call("team list").team, "roles": accounts.ROLES, "base": base}


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
