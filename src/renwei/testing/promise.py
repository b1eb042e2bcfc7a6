"""How a check says what was promised and what was found."""

from __future__ import annotations


def same(found: object, promised: object, promise: str) -> None:
    """Fail with the promise where two things differ."""
    if found != promised:
        raise AssertionError(f"{promise}: expected {promised!r}, found {found!r}")


def true(holds: bool, promise: str) -> None:
    """Fail with the promise where it does not hold."""
    if not holds:
        raise AssertionError(promise)
