"""Randomness is a fixed hash: even, independent of its neighbours, the same everywhere."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renwei.core.chance import (
    MASK,
    from_id,
    hash64,
    id_text,
    id_unit,
    id_units,
    mix,
    new_id,
    new_id_and_unit,
    new_ids,
    new_number,
    salt64,
    to_id,
    u,
    u_many,
)

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
wide = st.integers(0, MASK)


def test_draws_are_pinned_for_ever() -> None:
    # A change here breaks every recorded draw: these numbers never move.
    assert hash64("today/holdout") == 8219898023555962087
    assert u(42, "today/holdout") == 0.31918907040589184
    assert u(42, "today/holdout", 1) == 0.6253729041064434
    assert u(2**64 - 1, "") == 0.6997885280336098


@given(st.lists(wide, min_size=1, max_size=9), st.text(max_size=9), st.integers(0, 40))
def test_python_and_numpy_draw_the_same(units: list[int], salt: str, slot: int) -> None:
    many = u_many(np.array(units, dtype=np.uint64), salt, slot)
    assert many.tolist() == [u(unit, salt, slot) for unit in units]
    assert all(0 <= x < 1 for x in many)


def test_signed_units_draw_as_their_bits() -> None:
    assert u_many(np.array([-5]), "s")[0] == u(-5, "s") == u(MASK - 4, "s")


@pytest.mark.parametrize("of", ["unit", "salt", "slot"])
def test_draws_are_even_and_neighbours_do_not_know_each_other(of: str) -> None:
    n = 20_000
    if of == "unit":
        x = u_many(np.arange(n), "s")
    elif of == "slot":
        x = np.array([u(7, "s", slot) for slot in range(n)])
    else:
        x = np.array([u(7, str(salt)) for salt in range(n)])
    counts = np.bincount((x * 20).astype(int), minlength=20)
    chi2 = float(((counts - n / 20) ** 2 / (n / 20)).sum())
    assert chi2 < 43.8  # 0.999 quantile at 19 degrees of freedom
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 4 / n**0.5


@given(wide)
def test_mix_keeps_apart_what_was_apart(x: int) -> None:
    assert mix(x) != mix(x ^ 1)
    assert 0 <= mix(x) <= MASK


def test_a_salt_is_hashed_once_and_alike() -> None:
    assert salt64("abc") == salt64("abc") == hash64("abc")


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    first, second = new_id(AT), new_id(AT.replace(minute=31))
    assert first < second
    parsed = uuid.UUID(first)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(AT.timestamp() * 1000)
    assert len({new_id(AT) for _ in range(1_000)}) == 1_000


def test_many_ids_are_as_one() -> None:
    halves = new_ids(AT, 500)
    texts = [id_text(*pair) for pair in halves.tolist()]
    assert {uuid.UUID(text).version for text in texts} == {7}
    assert {uuid.UUID(text).variant for text in texts} == {uuid.RFC_4122}
    assert {text[:13] for text in texts} == {new_id(AT)[:13]}
    assert len(set(texts)) == 500
    assert id_units(halves).tolist() == [id_unit(text) for text in texts]


def test_an_id_and_its_unit_come_together() -> None:
    text, unit = new_id_and_unit(AT)
    assert unit == id_unit(text) != 0


def test_a_unit_is_never_the_zero_that_means_none() -> None:
    # The one id whose bits mix to zero.
    assert id_unit("00000000-0000-0000-0000-000000000000") == 1
    assert id_units(np.zeros((1, 2), dtype=np.uint64)).tolist() == [1]


def test_new_numbers_are_positive_and_fit_63_bits() -> None:
    numbers = {new_number() for _ in range(1_000)}
    assert len(numbers) == 1_000
    assert all(0 < number < 2**63 for number in numbers)


@given(st.integers(0, 2**63 - 1), st.sampled_from("pd"))
def test_numbers_read_aloud_and_come_back(number: int, prefix: str) -> None:
    assert from_id(to_id(number, prefix), prefix) == number
    assert from_id(f" {to_id(number, prefix).upper()} ", prefix) == number


@pytest.mark.parametrize(
    "text", ["", "p", "13800138000", "p000000000000u", "q0000000000000", "pzzzzzzzzzzzzz"]
)
def test_what_is_no_id_is_said_to_be_none(text: str) -> None:
    assert from_id(text) is None
