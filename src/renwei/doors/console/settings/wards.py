"""What an owner alone sets: keys, team, how long things are kept, and who looked at whom."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from renwei.doors.console.frame import Visit, page
from renwei.trust import accounts


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


@page("POST /settings/team", scope="admin")
def invite(visit: Visit) -> Response:
    """A one-time link for somebody new; shown on this page only."""
    fields = visit.fields
    made = visit.call(
        "team invite", role=fields.get("role", "viewer"), email=fields.get("email", "").strip()
    )
    return visit.show("settings/team.html", **_team(visit), invitation=made)


@page("POST /settings/team/{account}/role", scope="admin")
def role(visit: Visit) -> Response:
    """Another role for somebody; there is always an owner."""
    visit.call("team role", account=visit.path["account"], role=visit.fields.get("role", ""))
    return visit.back("/settings/team", "console.settings.kept")


@page("POST /settings/team/{account}/remove", scope="admin")
def remove(visit: Visit) -> Response:
    """Take somebody out of the team, at once."""
    visit.call("team remove", account=visit.path["account"])
    return visit.back("/settings/team", "console.settings.removed")


@page("GET /settings/keeping", scope="admin")
def keeping(visit: Visit) -> Response:
    """How long what is kept, and how to take it all to safety."""
    return visit.show("settings/keeping.html", **_keeping(visit), would=None)


@page("POST /settings/keeping", scope="admin")
def kept(visit: Visit) -> Response:
    """Another number of days for what differs."""
    before = {rule.key: str(rule.days) for rule in visit.call("retention").rules}
    for name, days in visit.fields.items():
        if name in before and days.strip() not in ("", before[name]):
            visit.call("retention", key=name, days=days.strip())
    return visit.back("/settings/keeping", "console.settings.kept")


@page("POST /settings/keeping/purge", scope="admin")
def purge(visit: Visit) -> Response:
    """Say what is older than that; with yes, remove it for good."""
    meant = visit.fields.get("yes") == "yes"
    answer = visit.call("purge", yes=meant)
    if meant:
        return visit.back("/settings/keeping", "console.settings.purged", said=answer.text)
    return visit.show("settings/keeping.html", **_keeping(visit), would=answer)


@page("GET /settings/audit", scope="admin")
def audit(visit: Visit) -> Response:
    """Who looked at or changed what, whom, and when."""
    asked = {name: visit.query.get(name, "").strip() for name in ("person", "account", "cursor")}
    return visit.show(
        "settings/audit.html",
        answer=visit.call("audit", **asked),
        asked=asked,
        team=visit.call("team list").team,
    )


def _keys(visit: Visit) -> dict[str, Any]:
    return {
        "keys": visit.call("keys list").keys,
        "scopes": accounts.SCOPES,
        "base": visit.base,
    }


def _team(visit: Visit) -> dict[str, Any]:
    return {"team": visit.call("team list").team, "roles": accounts.ROLES, "base": visit.base}


def _keeping(visit: Visit) -> dict[str, Any]:
    last = visit.house.shop().store.papers.get("backup", "last")
    return {
        "rules": visit.call("retention").rules,
        "last": last.at if last else None,
        "directory": str(visit.house.directory),
    }
