"""Operations run in a bounded pool of threads: the event loop never waits for a disk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

THREADS = 16
"""So many operations at a time; more wait their turn. Pages of the console have their own."""

_limit: RunVar[anyio.CapacityLimiter] = RunVar("_limit")
Answer = TypeVar("Answer")


async def in_thread(call: Callable[..., Answer], *args: Any, **named: Any) -> Answer:
    """Run a plain function in the pool and wait for its answer."""
    try:
        limit = _limit.get()
    except LookupError:
        limit = anyio.CapacityLimiter(THREADS)
        _limit.set(limit)
    return await anyio.to_thread.run_sync(functools.partial(call, *args, **named), limiter=limit)
