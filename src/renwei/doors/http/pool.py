"""Operations run in a bounded pool of threads: the event loop never waits for a disk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

LANES = {"": 16, "quick": 6, "busy": 1}
"""So many operations at a time; more wait their turn. Pages of the console have their own.

`quick` ones take milliseconds, and others must not hold them up; they wait for the disk, which
writes for all who wait at once. `busy` ones are a processor's work from end to end, and threads of one
Python share one: each more would only take it from the others.
"""

_limits: RunVar[dict[str, anyio.CapacityLimiter]] = RunVar("_limits")
Answer = TypeVar("Answer")


async def in_thread(
    call: Callable[..., Answer], *args: Any, lane: str = "", **named: Any
) -> Answer:
    """Run a plain function in the pool and wait for its answer, in one of LANES."""
    try:
        limits = _limits.get()
    except LookupError:
        limits = {name: anyio.CapacityLimiter(threads) for name, threads in LANES.items()}
        _limits.set(limits)
    work = functools.partial(call, *args, **named)
    return await anyio.to_thread.run_sync(work, limiter=limits[lane])
