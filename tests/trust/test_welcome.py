from __future__ import annotations

import threading

import pytest
from tests.trust.desk import OTHER, PASSWORD, Desk

from renwei.core.errors import BadInput, Refused, RenweiError, UnknownName
from renwei.trust import accounts
from renwei.trust.accounts import Newcomer

MEI = Newcomer("mei@example.com", "Mei", PASSWORD, "zh")


def use(desk: Desk, token: str, who: Newcomer = MEI) -> str:
    try:
        return accounts.use_welcome(desk.shop, token, who, desk.at).role
    except RenweiError as refused:
        return refused.code


def test_the_first_link_makes_an_owner_who_can_sign_in(desk: Desk) -> None:
    token = accounts.first_welcome(desk.shop, desk.at)
    assert accounts.role_of(desk.shop, token, desk.at) == "owner"
    made = accounts.use_welcome(desk.shop, token, MEI, desk.at)
    assert (made.email, made.name, made.role, made.language) == (
        "mei@example.com", "Mei", "owner", "zh",
    )  # fmt: skip
    session = accounts.start_session(desk.shop, made, desk.at)
    assert accounts.account_of(desk.shop, session, desk.at) == made
    assert desk.whose(desk.sign_in("mei@example.com")) == "owner"
    assert accounts.first_welcome(desk.shop, desk.at) == ""


def test_using_a_link_twice_is_refused_and_says_so(desk: Desk) -> None:
    token = accounts.make_welcome(desk.shop, "owner", desk.at)
    other = Newcomer("li@example.com", "Li", PASSWORD)
    assert [use(desk, token), use(desk, token), use(desk, token, other)] == [
        "owner", "welcome_used", "welcome_used",
    ]  # fmt: skip
    assert len(desk.call("team list").team) == 1


def test_of_two_who_use_a_link_at_once_only_one_gets_in(desk: Desk) -> None:
    token = accounts.make_welcome(desk.shop, "owner", desk.at)
    found: list[str] = []

    def enter(k: int) -> None:
        found.append(use(desk, token, Newcomer(f"u{k}@example.com", "U", PASSWORD)))

    threads = [threading.Thread(target=enter, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["owner", "welcome_used", "welcome_used", "welcome_used"]


def test_a_link_works_for_a_day(desk: Desk) -> None:
    token = accounts.make_welcome(desk.shop, "agent", desk.at)
    desk.later(hours=23, minutes=59)
    assert accounts.role_of(desk.shop, token, desk.at) == "agent"
    desk.later(minutes=1)
    assert use(desk, token) == "welcome_expired"


def test_a_newer_link_for_the_same_purpose_ends_the_older(desk: Desk) -> None:
    old = accounts.make_welcome(desk.shop, "viewer", desk.at)
    other_role = accounts.make_welcome(desk.shop, "agent", desk.at)
    new = desk.call("team invite", role="viewer")
    assert new.replaced
    assert use(desk, old) == "welcome_expired"
    assert use(desk, other_role, Newcomer("a@example.com", "A", PASSWORD)) == "agent"
    assert use(desk, new.path.removeprefix("/welcome/")) == "viewer"


def test_links_for_different_emails_stand_beside_each_other(desk: Desk) -> None:
    links = {
        email: accounts.make_welcome(desk.shop, "viewer", desk.at, email=email)
        for email in ("mei@example.com", "li@example.com")
    }
    assert use(desk, links["li@example.com"]) == "welcome_other"
    assert use(desk, links["mei@example.com"]) == "viewer"
    li = Newcomer("LI@example.com", "Li", PASSWORD)
    assert use(desk, links["li@example.com"], li) == "viewer"


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43])
def test_a_link_that_nobody_made_is_not_known(desk: Desk, token: str) -> None:
    assert use(desk, token) == "welcome_unknown"


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Newcomer("mei", "Mei", PASSWORD), "email_bad"),
        (Newcomer("mei @example.com", "Mei", PASSWORD), "email_bad"),
        (Newcomer("a@b@c", "Mei", PASSWORD), "email_bad"),
        (Newcomer("mei@example.com", "  ", PASSWORD), "name_bad"),
        (Newcomer("mei@example.com", "x" * 101, PASSWORD), "name_bad"),
        (Newcomer("mei@example.com", "Mei\x00", PASSWORD), "name_bad"),
        (Newcomer("mei@example.com", "Mei", "short"), "password_short"),
        (Newcomer("mei@example.com", "Mei", PASSWORD, "fr"), "unknown_language"),
        (Newcomer("owner@example.com", "Mei", PASSWORD), "email_taken"),
    ],
)
def test_what_is_refused_leaves_the_link_to_be_used_again(
    desk: Desk, who: Newcomer, code: str
) -> None:
    desk.hire("owner")
    token = accounts.make_welcome(desk.shop, "marketer", desk.at)
    assert [use(desk, token, who), use(desk, token)] == [code, "marketer"]


def test_no_link_is_made_for_a_role_that_is_none_or_an_email_that_is_taken(desk: Desk) -> None:
    desk.hire("owner")
    with pytest.raises(BadInput, match="unknown_role"):
        accounts.make_welcome(desk.shop, "god", desk.at)
    with pytest.raises(Refused, match="email_taken"):
        accounts.make_welcome(desk.shop, "viewer", desk.at, email="OWNER@example.com")


def reset(desk: Desk, token: str, password: str = OTHER) -> str:
    try:
        return accounts.use_reset(desk.shop, token, password, desk.at).role
    except RenweiError as refused:
        return refused.code


def test_a_reset_link_sets_a_new_password_once_and_ends_all_sessions(desk: Desk) -> None:
    desk.hire("owner")
    sessions = [desk.sign_in("owner@example.com") for _ in range(2)]
    path = desk.call("reset-password", email="owner@example.com").path
    token = path.removeprefix("/reset/")
    accounts.check_reset(desk.shop, token, desk.at)
    assert [reset(desk, token), reset(desk, token)] == ["owner", "welcome_used"]
    assert [desk.whose(one) for one in sessions] == ["", ""]
    assert desk.whose(desk.sign_in("owner@example.com", OTHER)) == "owner"
    with pytest.raises(Refused, match="sign_in_failed"):
        desk.sign_in("owner@example.com")


def test_a_reset_link_works_for_an_hour_and_opens_nothing_else(desk: Desk) -> None:
    desk.hire("owner")
    token = accounts.make_reset(desk.shop, "owner@example.com", desk.at).token
    assert use(desk, token) == "welcome_unknown"
    welcome = accounts.make_welcome(desk.shop, "viewer", desk.at)
    assert reset(desk, welcome) == "welcome_unknown"
    desk.later(hours=1)
    assert reset(desk, token) == "welcome_expired"


def test_a_bad_new_password_leaves_the_reset_link_to_be_used_again(desk: Desk) -> None:
    desk.hire("owner")
    token = accounts.make_reset(desk.shop, "owner@example.com", desk.at).token
    assert reset(desk, token, "password123") == "password_common"
    assert reset(desk, token) == "owner"


def test_a_reset_ends_the_wait_after_failed_tries(desk: Desk) -> None:
    desk.hire("owner")
    for _ in range(5):
        with pytest.raises(Refused, match="sign_in_failed"):
            desk.sign_in("owner@example.com", "not the password")
    token = accounts.make_reset(desk.shop, "owner@example.com", desk.at).token
    assert reset(desk, token) == "owner"
    assert desk.sign_in("owner@example.com", OTHER)


def test_a_reset_link_of_somebody_removed_is_worth_nothing(desk: Desk) -> None:
    desk.hire("owner")
    desk.hire("viewer")
    token = accounts.make_reset(desk.shop, "viewer@example.com", desk.at).token
    desk.call("team remove", account="viewer@example.com")
    assert reset(desk, token) == "welcome_unknown"


def test_no_reset_link_is_made_for_nobody(desk: Desk) -> None:
    with pytest.raises(UnknownName, match="unknown_account"):
        desk.call("reset-password", email="nobody@example.com")


def test_old_links_are_swept(desk: Desk) -> None:
    accounts.make_welcome(desk.shop, "viewer", desk.at)
    desk.later(days=9)
    accounts.make_welcome(desk.shop, "agent", desk.at)
    assert len(desk.shop.store.papers.names("welcome")) == 1
