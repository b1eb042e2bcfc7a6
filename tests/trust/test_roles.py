from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.app import build
from renwei.trust.roles import ROLES, SCOPES, SHOW, allows, masked, may

ROLE_TABLE = {
    #            ingest read  write  admin
    "owner": (True, True, True, True),
    "marketer": (True, True, True, False),
    "agent": (False, True, False, False),
    "viewer": (False, True, False, False),
}
KEY_TABLE = {
    "ingest": (True, False, False, False),
    "read": (False, True, False, False),
    "write": (True, True, True, False),
    "admin": (True, True, True, True),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_the_table_says_and_nothing_else(role: str) -> None:
    assert tuple(may(role, scope) for scope in SCOPES) == ROLE_TABLE[role]


@pytest.mark.parametrize("held", SCOPES)
def test_a_key_opens_what_the_table_says_and_nothing_else(held: str) -> None:
    assert tuple(allows(held, wanted) for wanted in SCOPES) == KEY_TABLE[held]


@given(st.text(), st.text())
def test_unknown_roles_and_scopes_are_allowed_nothing(one: str, other: str) -> None:
    if one not in ROLES:
        assert not any(may(one, scope) for scope in SCOPES)
        assert masked(one)
    if other not in SCOPES:
        assert not any(may(role, other) for role in ROLES)
        assert not any(allows(held, other) or allows(other, held) for held in SCOPES)


def test_only_viewers_see_people_masked() -> None:
    assert [role for role in ROLES if masked(role)] == ["viewer"]


def test_every_operation_needs_a_scope_that_exists() -> None:
    assert {one.scope for one in build.operations().values()} <= {*SCOPES, SHOW}


def test_what_touches_keys_team_and_audit_is_for_owners_alone() -> None:
    guarded = [
        one
        for one in build.operations().values()
        if one.name.split()[0] in ("keys", "team", "audit", "reset-password")
    ]
    assert len(guarded) == 9
    assert {role for role in ROLES if any(may(role, one.scope) for one in guarded)} == {"owner"}


def test_nobody_who_only_reads_may_do_what_writes() -> None:
    writing = [one for one in build.operations().values() if one.writes]
    assert len(writing) > 10
    loose = {one.name for one in writing if may("viewer", one.scope) or may("agent", one.scope)}
    # These record decisions while they are looked at, so readers may ask for them.
    assert loose <= {"today", "next", "recommend", "recommend batch", "page"}
