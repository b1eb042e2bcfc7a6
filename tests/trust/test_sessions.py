from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trust.desk import PASSWORD, Desk

from renwei.core.errors import Refused
from renwei.trust import accounts, sessions


def test_a_session_is_who_signed_in(desk: Desk) -> None:
    mei = desk.hire("marketer", "mei@example.com")
    token = desk.sign_in(" Mei@Example.com ")
    assert accounts.account_of(desk.shop, token, desk.at) == mei


def test_no_two_sessions_have_the_same_token(desk: Desk) -> None:
    desk.hire("owner")
    tokens = {desk.sign_in("owner@example.com") for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) == 43 for token in tokens)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "a" * 100_000])
def test_what_is_no_token_is_nobody(desk: Desk, token: str) -> None:
    desk.hire("owner")
    assert accounts.account_of(desk.shop, token, desk.at) is None
    assert accounts.sign_out(desk.shop, token) is False


def test_an_idle_session_ends_after_twelve_hours(desk: Desk) -> None:
    desk.hire("owner")
    token = desk.sign_in("owner@example.com")
    desk.later(hours=11, minutes=59)
    assert desk.whose(token) == "owner"
    desk.later(hours=11, minutes=59)
    assert desk.whose(token) == "owner"
    desk.later(hours=12)
    assert desk.whose(token) == ""
    assert desk.whose(token) == ""


def test_a_session_in_use_ends_after_thirty_days_all_the_same(desk: Desk) -> None:
    desk.hire("owner")
    token, until = desk.sign_in("owner@example.com"), desk.at + timedelta(days=30)
    while desk.later(hours=6) < until:
        assert desk.whose(token) == "owner"
    assert desk.whose(token) == ""


def test_reading_within_five_minutes_writes_nothing(desk: Desk) -> None:
    desk.hire("owner")
    token = desk.sign_in("owner@example.com")
    before = written(desk)
    desk.later(minutes=4, seconds=59)
    assert desk.whose(token) == "owner"
    assert written(desk) == before
    desk.later(seconds=2)
    assert desk.whose(token) == "owner"
    assert written(desk) != before


def written(desk: Desk) -> list[tuple[str, int]]:
    with sqlite3.connect(desk.folder / "data" / "state.db") as connection:
        return connection.execute(
            "SELECT name, at_us FROM papers WHERE kind = 'session' ORDER BY name"
        ).fetchall()


def test_signing_out_ends_this_session_and_no_other(desk: Desk) -> None:
    desk.hire("owner")
    one, other = desk.sign_in("owner@example.com"), desk.sign_in("owner@example.com")
    assert accounts.sign_out(desk.shop, one) is True
    assert accounts.sign_out(desk.shop, one) is False
    assert (desk.whose(one), desk.whose(other)) == ("", "owner")


def test_a_session_that_was_ended_is_not_woken_by_a_late_reader(desk: Desk) -> None:
    desk.hire("owner")
    token = desk.sign_in("owner@example.com")
    paper = desk.shop.store.papers.get("session", sessions._name(desk.shop, token))
    assert paper is not None
    accounts.sign_out(desk.shop, token)
    sessions._touch(desk.shop, paper, desk.later(hours=1))
    assert desk.whose(token) == ""


def test_dead_sessions_are_swept_when_somebody_signs_in(desk: Desk) -> None:
    desk.hire("owner")
    for _ in range(3):
        desk.sign_in("owner@example.com")
    desk.later(days=1)
    desk.sign_in("owner@example.com")
    assert len(desk.shop.store.papers.names("session")) == 1


def test_a_changed_role_ends_all_sessions_of_the_account_alone(desk: Desk) -> None:
    desk.hire("owner")
    desk.hire("marketer")
    mine = desk.sign_in("owner@example.com")
    theirs = [desk.sign_in("marketer@example.com") for _ in range(2)]
    desk.call("team role", account="marketer@example.com", role="viewer")
    assert [desk.whose(token) for token in (mine, *theirs)] == ["owner", "", ""]
    assert desk.whose(desk.sign_in("marketer@example.com")) == "viewer"


def test_the_same_role_again_ends_nothing(desk: Desk) -> None:
    desk.hire("owner")
    desk.hire("marketer")
    token = desk.sign_in("marketer@example.com")
    desk.call("team role", account="marketer@example.com", role="marketer")
    assert desk.whose(token) == "marketer"


def test_who_is_removed_is_out_at_once(desk: Desk) -> None:
    desk.hire("owner")
    desk.hire("agent")
    token = desk.sign_in("agent@example.com")
    removed = desk.call("team remove", account="agent@example.com")
    assert removed.sessions == 1
    assert desk.whose(token) == ""
    with pytest.raises(Refused, match="sign_in_failed"):
        desk.sign_in("agent@example.com")


def test_another_process_that_ends_a_session_is_heard_at_once(
    desk: Desk, beside: Callable[[Desk], Desk]
) -> None:
    desk.hire("owner")
    token = desk.sign_in("owner@example.com")
    assert desk.whose(token) == "owner"
    sessions.end_all(beside(desk).shop)
    assert desk.whose(token) == ""


def test_a_session_begun_with_a_password_that_changed_meanwhile_is_dead(desk: Desk) -> None:
    from renwei.trust import members, welcome

    desk.hire("owner")
    member = members.by_email(desk.shop, "owner@example.com")
    assert member is not None
    # Somebody with the old password was let through just before the new one was set.
    welcome.set_password(desk.shop, member, "another hash", desk.at)
    late = sessions.begin(desk.shop, member, desk.at)
    assert desk.whose(late) == ""


def test_changing_ones_password_ends_every_session_but_begins_one(desk: Desk) -> None:
    desk.hire("agent")
    one, other = desk.sign_in("agent@example.com"), desk.sign_in("agent@example.com")
    with pytest.raises(Refused, match="sign_in_failed"):
        accounts.change_password(desk.shop, one, "wrong password", "four blue parrots", desk.at)
    new = accounts.change_password(desk.shop, one, PASSWORD, "four blue parrots", desk.at)
    assert [desk.whose(token) for token in (one, other, new)] == ["", "", "agent"]
    assert desk.sign_in("agent@example.com", "four blue parrots")
    with pytest.raises(Refused, match="signed_out"):
        accounts.change_password(desk.shop, one, PASSWORD, "five red parrots", desk.at)


def test_name_and_language_are_ones_own_to_change(desk: Desk) -> None:
    mei = desk.hire("agent")
    token = desk.sign_in("agent@example.com")
    accounts.change_self(desk.shop, mei.id, desk.at, name=" 李 梅 ", language="zh")
    now = accounts.account_of(desk.shop, token, desk.at)
    assert now is not None
    assert (now.name, now.language, now.role) == ("李 梅", "zh", "agent")


def test_a_restore_ends_sessions_and_links(desk: Desk) -> None:
    desk.hire("owner")
    token = desk.sign_in("owner@example.com")
    link = accounts.make_welcome(desk.shop, "viewer", desk.at)
    assert accounts.after_restore(desk.shop) >= 2
    assert desk.whose(token) == ""
    with pytest.raises(Refused, match="welcome_unknown"):
        accounts.role_of(desk.shop, link, desk.at)


@given(st.text(), st.text())
def test_a_form_token_fits_its_session_alone(one: str, other: str) -> None:
    fitting = accounts.csrf_of("session" + one.encode("unicode_escape").decode())
    assert accounts.check_csrf("session" + one.encode("unicode_escape").decode(), fitting)
    if one != other:
        assert not accounts.check_csrf("session" + other.encode("unicode_escape").decode(), fitting)
    assert not accounts.check_csrf("", fitting)
    assert not accounts.check_csrf("session", other)


def test_anybody_is_let_into_the_demo_and_only_there(desk: Desk) -> None:
    with pytest.raises(Refused, match="demo_only"):
        accounts.demo_session(desk.shop, desk.at)
    desk.shop.store.papers.put("label", "demo", {}, by="demo", at=desk.at)
    one = accounts.demo_session(desk.shop, desk.at)
    two = accounts.demo_session(desk.shop, desk.at)
    assert (desk.whose(one), desk.whose(two)) == ("owner", "owner")
    assert len(desk.call("team list").team) == 1
    with pytest.raises(Refused, match="sign_in_failed"):
        desk.sign_in("demo@localhost", "")
