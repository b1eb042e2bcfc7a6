from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import pytest
from tests.trust.desk import PASSWORD, Desk

from renwei.core.clock import ticks
from renwei.core.errors import Refused
from renwei.trust import throttle

WRONG = "three green carrots"


def refused(desk: Desk, email: str, password: str = WRONG, address: str = "") -> Refused:
    with pytest.raises(Refused) as told:
        desk.sign_in(email, password, address)
    return told.value


def counted(desk: Desk, email: str, address: str = "") -> str:
    """A try as far as it is counted, without the slow look at the password."""
    try:
        throttle.begin(desk.shop, email, address, desk.at)
    except Refused as told:
        return told.code
    return "sign_in_failed"


def used_up(desk: Desk, email: str) -> None:
    """Every free try of an account is gone."""
    for _ in range(throttle.FREE_ACCOUNT):
        assert counted(desk, email) == "sign_in_failed"


def test_wrong_password_and_unknown_email_are_answered_alike(desk: Desk) -> None:
    desk.hire("owner")
    known, unknown = refused(desk, "owner@example.com"), refused(desk, "nobody@example.com")
    assert (known.code, known.values) == (unknown.code, unknown.values) == ("sign_in_failed", {})


def test_wrong_password_and_unknown_email_take_about_as_long(desk: Desk) -> None:
    desk.hire("owner")
    refused(desk, "warm@example.com")

    def seconds(email: str) -> float:
        begun = ticks()
        refused(desk, email)
        throttle.clear(desk.shop, email)
        return ticks() - begun

    # Taken in turns, so that a busy machine is busy for both; a hash is most of the time.
    pairs = [(seconds("owner@example.com"), seconds("nobody@example.com")) for _ in range(7)]
    assert 0.6 < median(known / unknown for known, unknown in pairs) < 1.67


def test_a_brute_force_gets_few_tries_a_day(desk: Desk) -> None:
    desk.hire("owner")
    tried, until = 0, desk.at + timedelta(hours=1)
    while desk.at < until:
        told = refused(desk, "owner@example.com")
        if told.code == "sign_in_failed":
            tried += 1
        else:
            desk.later(seconds=told.values["retry_after_s"])
    # Free tries, doubling waits up to five minutes, then twelve an hour.
    assert tried <= throttle.FREE_ACCOUNT + 9 + 12


def test_waits_double_and_end(desk: Desk) -> None:
    used_up(desk, "owner@example.com")
    waits = []
    for _ in range(11):
        waits.append(refused(desk, "owner@example.com").values["retry_after_s"])
        desk.later(seconds=waits[-1] - 0.5)
        assert counted(desk, "owner@example.com") == "too_many_tries"
        desk.later(seconds=0.5)
        assert counted(desk, "owner@example.com") == "sign_in_failed"
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == throttle.LONGEST_S


def test_while_waiting_the_right_password_is_refused_too_and_after_it_is_taken(desk: Desk) -> None:
    desk.hire("owner")
    used_up(desk, "owner@example.com")
    assert refused(desk, "owner@example.com", PASSWORD).code == "too_many_tries"
    desk.later(seconds=1)
    assert desk.whose(desk.sign_in("owner@example.com")) == "owner"
    assert refused(desk, "owner@example.com").code == "sign_in_failed"


def test_unknown_emails_slow_down_just_so(desk: Desk) -> None:
    used_up(desk, "nobody@example.com")
    assert refused(desk, "nobody@example.com").code == "too_many_tries"


def test_spelling_the_email_otherwise_gives_no_more_tries(desk: Desk) -> None:
    desk.hire("owner")
    for email in (
        "owner@example.com",
        "OWNER@example.com",
        " owner@Example.com",
        "ｏwner@example.com",
    ):
        assert counted(desk, email) == "sign_in_failed"
    assert counted(desk, "owner@example.com") == "sign_in_failed"
    assert refused(desk, "oWner@example.com").code == "too_many_tries"


def test_the_count_survives_a_restart(desk: Desk, beside: Callable[[Desk], Desk]) -> None:
    desk.hire("owner")
    used_up(desk, "owner@example.com")
    assert refused(beside(desk), "owner@example.com").code == "too_many_tries"


def test_many_at_once_do_not_slip_through(desk: Desk) -> None:
    desk.hire("owner")
    codes: list[str] = []

    def guess() -> None:
        codes.append(refused(desk, "owner@example.com").code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("sign_in_failed") == throttle.FREE_ACCOUNT


def test_one_address_cannot_try_many_accounts(desk: Desk) -> None:
    codes = [
        counted(desk, f"u{k}@example.com", "203.0.113.9") for k in range(throttle.FREE_ADDRESS + 1)
    ]
    assert codes == ["sign_in_failed"] * throttle.FREE_ADDRESS + ["too_many_tries"]
    assert refused(desk, "x@example.com", address="203.0.113.9").code == "too_many_tries"
    assert refused(desk, "x@example.com", address="203.0.113.10").code == "sign_in_failed"


def test_a_good_account_does_not_wipe_the_count_of_its_address(desk: Desk) -> None:
    desk.hire("viewer")
    for k in range(throttle.FREE_ADDRESS - 1):
        assert counted(desk, f"u{k}@example.com", "203.0.113.9") == "sign_in_failed"
    for _ in range(2):
        assert desk.sign_in("viewer@example.com", address="203.0.113.9")
    assert counted(desk, "y@example.com", "203.0.113.9") == "sign_in_failed"
    assert counted(desk, "z@example.com", "203.0.113.9") == "too_many_tries"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.8", False),
    ],
)
def test_addresses_are_counted_by_who_holds_them(one: str, other: str, together: bool) -> None:
    assert (throttle._network(one) == throttle._network(other)) is together


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "testclient", "unix:"])
def test_this_machine_and_what_is_no_address_are_not_counted(address: str) -> None:
    assert throttle._network(address) == ""


def test_strangers_who_guess_from_elsewhere_do_not_keep_the_owner_waiting(desk: Desk) -> None:
    desk.hire("owner")
    home, away = "203.0.113.9", "198.51.100.7"
    assert desk.sign_in("owner@example.com", address=home)
    for _ in range(throttle.FREE_ACCOUNT):
        assert counted(desk, "owner@example.com", away) == "sign_in_failed"
    assert counted(desk, "owner@example.com", away) == "too_many_tries"
    assert refused(desk, "owner@example.com", PASSWORD, "198.51.100.8").code == "too_many_tries"
    assert desk.whose(desk.sign_in("owner@example.com", address=home)) == "owner"


def test_a_place_that_is_known_has_no_more_tries_than_others(desk: Desk) -> None:
    desk.hire("owner")
    desk.sign_in("owner@example.com")
    used_up(desk, "owner@example.com")
    assert counted(desk, "owner@example.com") == "too_many_tries"
    desk.later(days=31)
    used_up(desk, "owner@example.com")
    assert counted(desk, "owner@example.com") == "too_many_tries"


def test_a_new_password_ends_every_wait_and_knows_no_place(desk: Desk) -> None:
    desk.hire("owner")
    desk.sign_in("owner@example.com")
    used_up(desk, "owner@example.com")
    throttle.clear(desk.shop, "owner@example.com")
    used_up(desk, "owner@example.com")
    assert desk.shop.store.papers.names("known") == []


def test_a_day_later_nothing_is_held_against_anybody(desk: Desk) -> None:
    desk.hire("owner")
    used_up(desk, "owner@example.com")
    desk.later(hours=24)
    assert refused(desk, "owner@example.com").code == "sign_in_failed"


def test_a_clock_set_back_locks_nobody_out_for_long(desk: Desk) -> None:
    desk.hire("owner")
    used_up(desk, "owner@example.com")
    desk.later(days=-300)
    assert refused(desk, "owner@example.com").values["retry_after_s"] <= throttle.LONGEST_S


def test_counts_of_strangers_do_not_pile_up_for_ever(desk: Desk) -> None:
    for k in range(throttle._MANY):
        throttle.begin(desk.shop, f"u{k}@example.com", "", desk.at)
    desk.later(hours=25)
    throttle.begin(desk.shop, "one@example.com", "", desk.at)
    assert len(desk.shop.store.papers.names("tries")) == 1
