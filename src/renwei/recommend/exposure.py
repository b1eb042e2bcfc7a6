"""How often each item was put into somebody's list lately: what variety gives the rest a share by.

Counted in memory, over about the last thousand lists of this process; after a start everything
counts as never shown, which only means more variety for a while.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from renwei.core.store import Store

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LISTS = 1_000
"""A list counts half after about seven tenths of so many others."""
_LARGEST = 1e12


class Exposure:
    """Fading counts by item number.

    Example:
        >>> shown = Exposure()
        >>> shown.note([3])
        >>> shown.of(np.array([3, 4])).round(3).tolist()
        [1.0, 0.0]
    """

    def __init__(self) -> None:
        self._counts: Floats = np.zeros(64)
        # Instead of making everything before smaller, each list counts more than the last.
        self._one = 1.0
        self._lock = threading.Lock()

    def note(self, numbers: Sequence[int]) -> None:
        """One list was shown."""
        if not numbers:
            return
        with self._lock:
            most = max(numbers)
            if most >= len(self._counts):
                longer = np.zeros(2 * most + 1)
                longer[: len(self._counts)] = self._counts
                self._counts = longer
            self._one *= 1.0 + 1.0 / LISTS
            self._counts[list(numbers)] += self._one
            if self._one > _LARGEST:
                self._counts /= self._one
                self._one = 1.0

    def of(self, numbers: Ints) -> Floats:
        """How often each of these was shown lately."""
        counts, one = self._counts, self._one
        known = numbers < len(counts)
        found: Floats = np.where(known, counts[np.where(known, numbers, 0)], 0.0) / one
        return found


_KEPT: WeakKeyDictionary[Store, Exposure] = WeakKeyDictionary()


def exposure(store: Store) -> Exposure:
    """The counts of a workspace."""
    return _KEPT.setdefault(store, Exposure())
