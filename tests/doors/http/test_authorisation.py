from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from tests.doors.http.calls import Inside
from tests.doors.http.conftest import key_of, session_of

from renwei.app.house import House
from renwei.doors.console.gate import SESSION
from renwei.doors.http import api
from renwei.doors.http.calling import Reception
from renwei.doors.http.places import SCOPES, Place
from renwei.trust import accounts, keys
from renwei.trust.roles import allows, may

KEYS = ("ingest", "read", "write", "admin")
ROLES = ("owner", "marketer", "agent", "viewer")
HARMLESS = {"person": "nobody-here", "job": "none", "code": "no_key"}
"""What stands in a path: things that do not exist, so that whoever may changes nothing."""


@pytest.fixture(scope="module")
def places(calm: House) -> list[Place]:
    return api.places(Reception(calm))


@pytest.fixture(scope="module")
def callers(calm: House) -> Mapping[str, Inside]:
    """Everybody there is, each with the same application."""
    nobody = Inside(calm)
    found = {"nobody": nobody, "stranger": nobody.with_(key="rw_a_" + "x" * 32)}
    for scope in KEYS:
        found[f"key {scope}"] = nobody.with_(key=key_of(calm, scope))
    for role in ROLES:
        token = session_of(calm, role)
        headers = {"cookie": f"{SESSION}={token}", "x-csrf-token": accounts.csrf_of(token)}
        found[f"role {role}"] = nobody.with_(headers=headers)
    return found


def expected(caller: str, place: Place) -> set[int]:
    """The statuses that a caller without the right gets; empty where they have it."""
    if place.scope == "public":
        return set()
    kind, _, rank = caller.partition(" ")
    if not rank:
        return {401}
    right = allows(rank, place.scope) if kind == "key" else may(rank, place.scope)
    right = right and not (place.unmasked and rank == "viewer")
    return set() if right else {403}


def tried(inside: Inside, place: Place) -> int:
    """A request that is refused for what it says, if it is not refused for who says it."""
    path = re.sub(r"{(\w+)}", lambda found: HARMLESS.get(found[1], "none"), place.path)
    body = {"no such field": 1} if place.method in ("POST", "PUT") and not place.takes else None
    if place.method == "DELETE" or (place.operation is not None and place.operation.child):
        path += "?no_such_field=1"
    return inside.ask(place.method, path, body).status


def test_every_place_has_a_scope_of_ours(places: list[Place]) -> None:
    assert {place.scope for place in places} <= set(SCOPES)
    public = {place.path for place in places if place.scope == "public"}
    assert public == {
        "/v1/livez", "/v1/readyz", "/v1/version", "/v1/openapi.json", "/v1/docs", "/errors/{code}",
    }  # fmt: skip


@pytest.mark.parametrize(
    "caller",
    [
        "nobody",
        "stranger",
        *(f"key {scope}" for scope in KEYS),
        *(f"role {role}" for role in ROLES),
    ],
)
def test_every_place_lets_in_whom_its_scope_says_and_nobody_else(
    caller: str, callers: Mapping[str, Inside], places: list[Place]
) -> None:
    for place in places:
        status = tried(callers[caller], place)
        wanted = expected(caller, place)
        said = f"{caller} at {place.method} {place.path} ({place.scope}): {status}"
        if wanted:
            assert status in wanted, said
        else:
            assert status not in (401, 403), said
            assert status < 500, said


def test_what_changes_something_is_never_open_to_who_may_only_read(places: list[Place]) -> None:
    asking = {"/v1/recommend", "/v1/recommend/batch"}
    for place in places:
        if place.method != "GET" and place.path not in asking:
            assert place.scope in ("write", "admin"), place.path


def test_no_key_is_told_how_to_present_one(calm: House) -> None:
    answer = Inside(calm).get("/v1/people/x")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json["code"] == "no_key"


def test_a_key_in_another_scheme_or_half_a_key_opens_nothing(calm: House) -> None:
    key = key_of(calm, "admin")
    for said in (f"Basic {key}", key, f"Bearer {key[:-1]}", f"Bearer {key}x", "Bearer", "Bearer é"):
        answer = Inside(calm).get("/v1/imports", authorization=said)
        assert answer.status == 401, said
        assert answer.json["code"] == "bad_key"


def test_a_revoked_key_opens_nothing_from_then_on(admin: Inside) -> None:
    key, shown = keys.create(admin.house.shop(), "read", "", admin.house.clock.now())
    assert admin.with_(key=shown).get("/v1/imports").status == 200
    assert admin.ask("DELETE", f"/v1/keys/{key.id}").status == 200
    assert admin.with_(key=shown).get("/v1/imports").status == 401


def test_a_session_changes_nothing_without_its_token_against_forgery(house: House) -> None:
    token = session_of(house, "owner")
    inside = Inside(house, headers={"cookie": f"{SESSION}={token}"})
    body = {"key": "minutes", "value": "40"}
    assert inside.get("/v1/settings").status == 200
    assert inside.post("/v1/settings", body).json["code"] == "csrf"
    wrong = inside.post("/v1/settings", body, x_csrf_token="0" * 64)
    assert wrong.status == 403
    right = accounts.csrf_of(token)
    elsewhere = inside.post("/v1/settings", body, x_csrf_token=right, sec_fetch_site="cross-site")
    assert elsewhere.status == 403
    assert inside.post("/v1/settings", body, x_csrf_token=right).status == 200
    assert house.shop().settings.minutes == 40


def test_a_session_that_was_ended_opens_nothing(house: House) -> None:
    token = session_of(house, "owner")
    inside = Inside(house, headers={"cookie": f"{SESSION}={token}"})
    assert inside.get("/v1/settings").status == 200
    accounts.sign_out(house.shop(), token)
    assert inside.get("/v1/settings").status == 401


def test_a_viewer_sees_nobody_by_name(house: House) -> None:
    token = session_of(house, "viewer")
    viewer = Inside(house, headers={"cookie": f"{SESSION}={token}"})
    reader = Inside(house, key_of(house, "read"))
    for path in ("/v1/people/13800010001", "/v1/today"):
        open_, hidden = reader.get(path), viewer.get(path)
        assert open_.status == hidden.status == 200
        assert "张小美" in open_.body.decode()
        for telling in ("张小美", "小美", "13800010001"):
            assert telling not in hidden.body.decode(), path


def test_looks_at_people_stand_in_the_audit_log_under_who_looked(admin: Inside) -> None:
    key, shown = keys.create(admin.house.shop(), "write", "", admin.house.clock.now())
    writer = admin.with_(key=shown)
    writer.get("/v1/people/13800010001")
    writer.get("/v1/people/13800010001/export")
    writer.get("/v1/today.xlsx")
    writer.get("/v1/health")
    lines = admin.get("/v1/audit").json["lines"]
    noted = [line["what"] for line in lines if key.id in line["by"]]
    assert noted == ["today_export", "export", "portrait"]


def test_a_file_of_names_is_refused_to_a_viewer(callers: Mapping[str, Inside]) -> None:
    answer = callers["role viewer"].get("/v1/today.xlsx")
    assert answer.status == 403
    assert callers["role agent"].get("/v1/today.xlsx").status == 200
