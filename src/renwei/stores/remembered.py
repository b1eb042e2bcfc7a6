"""What was asked for last, in memory: for what is costly to read and never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

MOST = 16
Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by name; what was asked for least recently is let go. Safe for many threads.

    Example:
        >>> held = Remembered[int](most=2)
        >>> for k in range(3):
        ...     held.put(k, k)
        >>> held.get(0), held.get(2)
        (None, 2)
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, Value] = OrderedDict()
        self._guard = Lock()

    def get(self, name: Hashable) -> Value | None:
        """What is remembered under a name, or None."""
        with self._guard:
            if name in self._held:
                self._held.move_to_end(name)
            return self._held.get(name)

    def put(self, name: Hashable, value: Value) -> None:
        """Remember a value in the place of what was there."""
        with self._guard:
            self._held[name] = value
            self._held.move_to_end(name)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def drop(self, name: Hashable) -> None:
        """Let go of a value."""
        with self._guard:
            self._held.pop(name, None)

    def clear(self) -> None:
        """Let go of everything."""
        with self._guard:
            self._held.clear()
