"""Many rows are written a few at a time, as many as nobody has to wait long for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from renwei.collect.keeping import HOLD_S, LEAST, MOST, TURN, in_turns


@given(st.integers(0, 5_000))
def test_every_row_is_written_once_and_in_order(n: int) -> None:
    written: list[int] = []
    in_turns(written.extend, range(n))
    assert written == list(range(n))


def test_turns_that_nobody_would_notice_grow() -> None:
    sizes: list[int] = []
    in_turns(lambda rows: sizes.append(len(rows)), range(4 * MOST))
    assert sizes[0] == TURN
    assert max(sizes) == MOST


def test_turns_that_take_long_shrink_but_not_to_nothing() -> None:
    sizes: list[int] = []

    def slow(rows: Sequence[int]) -> None:
        sizes.append(len(rows))
        time.sleep(1.2 * HOLD_S)

    in_turns(slow, range(TURN + 3 * LEAST + 200))
    assert sizes[:2] == [TURN, TURN // 2]
    assert sizes[-2] == LEAST
