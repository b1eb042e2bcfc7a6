from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.core.errors import BadInput
from renwei.trust import passwords


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_short"),
        ("123456789", "password_short"),
        ("x" * 257 + "y", "password_long"),
        ("mei@example.com", "password_email"),
        ("MEI@Example.com", "password_email"),
        ("password123", "password_common"),
        ("Password123", "password_common"),
        ("woaini1314520", "password_common"),
        ("aaaaaaaaaaaa", "password_common"),
        ("abababababab", "password_common"),
        ("abcabcabcabcab", "password_common"),
        ("3456789:;<", "password_common"),
        ("jihgfedcba", "password_common"),
    ],
)
def test_what_would_be_guessed_is_refused_with_the_reason(password: str, code: str) -> None:
    with pytest.raises(BadInput) as told:
        passwords.check_rules(password, "mei@example.com")
    assert told.value.code == code


def test_the_part_before_the_at_is_no_password_either() -> None:
    with pytest.raises(BadInput, match="password_email"):
        passwords.check_rules("longer.name.of.mei", "longer.name.of.mei@example.com")


@pytest.mark.parametrize(
    "password", ["three green parrots", "我家的猫叫小花，今年三岁了", "kf8#2mQx!z"]
)
def test_length_counts_and_kinds_of_signs_do_not(password: str) -> None:
    passwords.check_rules(password, "mei@example.com")


def test_every_common_password_on_the_list_is_refused() -> None:
    common = passwords._common()
    assert len(common) > 100
    for password in common:
        assert len(password) >= passwords.LEAST, password
        with pytest.raises(BadInput, match="password_common"):
            passwords.check_rules(password, "mei@example.com")


def test_a_hash_matches_its_password_alone() -> None:
    kept = passwords.hash_of("three green parrots")
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, "three green parrots")
    assert not passwords.matches(kept, "three green parrot")
    assert not passwords.matches("", "three green parrots")
    assert not passwords.matches("no hash at all", "three green parrots")
    assert not passwords.is_old(kept)


def test_the_same_password_has_another_hash_each_time() -> None:
    assert passwords.hash_of("three green parrots") != passwords.hash_of("three green parrots")


def test_full_width_and_plain_signs_are_one_password() -> None:
    kept = passwords.hash_of("ｐａｒｒｏｔ green 22")
    assert passwords.matches(kept, "parrot green 22")


@settings(max_examples=5, deadline=None)
@given(st.text(min_size=257, max_size=2_000))
def test_no_length_of_text_breaks_the_check(password: str) -> None:
    assert not passwords.matches("", password)
