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

QUICK = 6
"""So many of those that take milliseconds, which others must not hold up. Two would fill the
processor; the rest of them wait for the disk, which writes for all who wait at once."""

_limit: RunVar[anyio.CapacityLimiter] = RunVar("_limit")
_quick: RunVar[anyio.CapacityLimiter] = RunVar("_quick")
Answer = TypeVar("Answer")


async def in_thread(
    call: Callable[..., Answer], *args: Any, quick: bool = False, **named: Any
) -> Answer:
    """Run a plain function in the pool and wait for its answer; `quick` ones have a lane."""
    lane, threads = (_quick, QUICK) if quick else (_limit, THREADS)
    try:
        limit = lane.get()
    except LookupError:
        limit = anyio.CapacityLimiter(threads)
        lane.set(limit)
    return await anyio.to_thread.run_sync(functools.partial(call, *args, **named), limiter=limit)
