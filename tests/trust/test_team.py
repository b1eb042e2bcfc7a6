from __future__ import annotations

import threading

import pytest
from tests.trust.desk import Desk

from renwei.app import build
from renwei.core.errors import BadInput, Refused, RenweiError, UnknownName
from renwei.trust.roles import ROLES


def test_the_team_is_listed_with_roles_the_oldest_first(desk: Desk) -> None:
    hired = []
    for role in ROLES:
        hired.append(desk.hire(role))
        desk.later(days=1)
    team = desk.call("team list").team
    assert [one.id for one in team] == [one.id for one in hired]
    assert [(one.role, one.email) for one in team] == [
        (role, f"{role}@example.com") for role in ROLES
    ]
    assert team[1].since == team[0].since.replace(day=2)


@pytest.mark.parametrize("named", ["email", "id", "EMAIL"])
def test_a_member_is_named_by_email_or_id(desk: Desk, named: str) -> None:
    desk.hire("owner")
    agent = desk.hire("agent")
    text = {"email": agent.email, "id": agent.id, "EMAIL": f" {agent.email.upper()}"}[named]
    assert desk.call("team role", account=text, role="marketer").id == agent.id


def test_the_last_owner_can_be_neither_demoted_nor_removed(desk: Desk) -> None:
    desk.hire("owner")
    desk.hire("marketer")
    with pytest.raises(Refused, match="last_owner"):
        desk.call("team role", account="owner@example.com", role="viewer")
    with pytest.raises(Refused, match="last_owner"):
        desk.call("team remove", account="owner@example.com")
    desk.call("team role", account="marketer@example.com", role="owner")
    desk.call("team remove", account="owner@example.com")
    assert [one.role for one in desk.call("team list").team] == ["owner"]


def test_two_owners_who_remove_each_other_at_once_leave_one(desk: Desk) -> None:
    emails = ["a@example.com", "b@example.com"]
    for email in emails:
        desk.hire("owner", email)
    codes: list[str] = []

    def remove(email: str) -> None:
        try:
            desk.call("team remove", account=email)
            codes.append("")
        except RenweiError as refused:
            codes.append(refused.code)

    threads = [threading.Thread(target=remove, args=(email,)) for email in emails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["", "last_owner"]


def test_what_is_no_role_and_who_is_nobody_is_refused(desk: Desk) -> None:
    desk.hire("owner")
    with pytest.raises(BadInput, match="unknown_role"):
        desk.call("team role", account="owner@example.com", role="god")
    with pytest.raises(UnknownName, match="unknown_account"):
        desk.call("team role", account="nobody@example.com", role="viewer")
    with pytest.raises(UnknownName, match="unknown_account"):
        desk.call("team remove", account="a0000000000000")


def test_an_invitation_says_path_role_and_until_when(desk: Desk) -> None:
    made = desk.call("team invite", role="agent")
    assert made.path.startswith("/welcome/")
    assert (made.role, made.replaced) == ("agent", False)
    assert (made.until - desk.at).total_seconds() == 86_400
    assert desk.call("team invite").role == "viewer"


def test_places_on_http_and_their_scopes() -> None:
    named = ("keys", "team", "audit", "reset-password")
    places = {
        name: (one.http, one.scope)
        for name, one in build.operations().items()
        if name.split()[0] in named
    }
    assert places == {
        "keys create": ("POST /v1/keys", "admin"),
        "keys list": ("GET /v1/keys", "admin"),
        "keys revoke": ("DELETE /v1/keys/{id}", "admin"),
        "team list": ("GET /v1/team", "admin"),
        "team invite": ("POST /v1/team/invites", "admin"),
        "team role": ("PUT /v1/team/{account}", "admin"),
        "team remove": ("DELETE /v1/team/{account}", "admin"),
        "reset-password": ("", "admin"),
        "audit": ("GET /v1/audit", "admin"),
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_fault_of_this_rib_has_a_sentence_with_what_to_do(language: str) -> None:
    from renwei.core.words import Words

    said = Words.load(["renwei.trust"])
    codes = [key for key in said.keys(language) if key.startswith("errors.")]
    assert len(codes) > 20
    ends = "." if language == "en" else "。"
    # The last one ends in the command to type.
    assert [c for c in codes if ends not in said.say(c, {}, language)] in (
        [],
        ["errors.last_owner"],
    )
