"""Public checks, one for every seam: what a plugin must pass, and the built-ins pass too."""

from __future__ import annotations

from renwei.testing.guard import check_guard
from renwei.testing.memory import FixedPermits, MemoryLedger
from renwei.testing.policy import check_policy
from renwei.testing.source import check_source
from renwei.testing.store import check_store

__all__ = [
    "FixedPermits",
    "MemoryLedger",
    "check_guard",
    "check_policy",
    "check_source",
    "check_store",
]
