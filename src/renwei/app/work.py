"""Jobs: operations that last, started by a door and watched by whoever started them.

A job runs in a thread of its own and, where the operation says so, in a child process. Those
that somebody started and may ask for later are also kept on disk, see `renwei.app.finished`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from renwei.core.chance import new_id
from renwei.core.clock import Clock, ticks
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.shop import Progress

KEPT = 200
"""So many ended jobs are remembered."""

Work = Callable[[Progress], Any]


@dataclass
class Job:
    """One piece of work; `of` is 0 while unknown.

    `state` is running, done, failed, or interrupted where the server stopped meanwhile. `by`
    names the account or key that started it; only they are shown it. `since` is when the
    step that `what` names began.
    """

    id: str
    operation: str
    by: str
    begun: datetime
    since: datetime
    state: str = "running"
    what: str = ""
    done: int = 0
    of: int = 0
    answer: Any = None
    error: RenweiError | None = None
    kept: threading.Event = field(default_factory=threading.Event, repr=False)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)


class Keeper(Protocol):
    """Remembers jobs beyond this process."""

    def keep(self, job: Job) -> None:
        """Note a job as it is now."""
        ...

    def find(self, name: str) -> Job | None:
        """A job of an earlier run."""
        ...


END_S = 5.0
"""So long a house that closes waits for its jobs."""


class Jobs:
    """Starts jobs and remembers the last ones; with a keeper, also across a restart."""

    def __init__(self, clock: Clock, keeper: Keeper | None = None) -> None:
        self._clock = clock
        self._keeper = keeper
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._guard = threading.Lock()

    def start(self, operation: str, work: Work, *, by: str = "") -> Job:
        """Run `work(progress)` in a thread; returns at once."""
        now = self._clock.now()
        job = Job(new_id(now), operation, by, begun=now, since=now)
        with self._guard:
            self._jobs[job.id] = job
            self._drop_old()
        threading.Thread(target=self._run, args=(job, work), name=f"job-{operation}").start()
        return job

    def get(self, job: str) -> Job | None:
        """One job by id, while it is remembered."""
        return self._jobs.get(job) or (self._keeper.find(job) if self._keeper else None)

    def running(self) -> Mapping[str, Job]:
        """Jobs under way, by id."""
        with self._guard:
            return {k: job for k, job in self._jobs.items() if job.state == "running"}

    def close(self, wait_s: float = END_S) -> None:
        """Let what is nearly done end: files must not be closed under whoever reads them."""
        until = ticks() + wait_s
        for job in self.running().values():
            job.ended.wait(max(until - ticks(), 0))

    def _run(self, job: Job, work: Work) -> None:
        def moved(what: str, done: int, of: int) -> None:
            if what != job.what:
                job.since = self._clock.now()
            job.what, job.done, job.of = what, done, of

        self._keep(job)
        try:
            job.answer = work(moved)
            job.state = "done"
        except RenweiError as error:
            job.error, job.state = error, "failed"
        except Exception as broken:  # noqa: BLE001 - a thread's door: who waits must hear of it
            job.error = Unavailable("child_failed", kind=type(broken).__name__, where=job.operation)
            job.state = "failed"
        finally:
            self._keep(job)
            job.ended.set()

    def _keep(self, job: Job) -> None:
        # Whoever is not named cannot ask for it later.
        try:
            if self._keeper and job.by:
                self._keeper.keep(job)
        finally:
            job.kept.set()

    def _drop_old(self) -> None:
        while len(self._jobs) > KEPT:
            old = next((k for k, job in self._jobs.items() if job.state != "running"), None)
            if old is None:
                return
            del self._jobs[old]
