"""Numbers for Prometheus, as text (exposition format 0.0.4); a small registry of our own.

Labels are routes as written, methods and statuses: never a path, an id or anything of a
person.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from weakref import WeakKeyDictionary

from renwei.app.house import House

KIND = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PAGE = 4096

Labels = Mapping[str, str]
Row = tuple[str, Labels, float]


class Requests:
    """Requests by route, method and status, and how long they took. For one thread.

    `groups` are the transactions in which live events came in.
    """

    def __init__(self) -> None:
        self.groups = 0
        self._counts: dict[tuple[str, str, int], int] = {}
        self._spread: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (route, method, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        spread = self._spread.get(route)
        if spread is None:
            spread = self._spread[route] = [0] * (len(BOUNDS_S) + 1)
        spread[bisect.bisect_left(BOUNDS_S, seconds)] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def committed(self) -> None:
        """Count one group of live events; called by the one thread that writes them."""
        self.groups += 1

    def lines(self) -> Iterator[str]:
        """What Prometheus reads."""
        rows = [
            ("", {"route": route, "method": method, "status": str(status)}, float(count))
            for (route, method, status), count in sorted(self._counts.items())
        ]
        yield from _metric("renwei_http_requests_total", "counter", "Requests answered.", rows)
        yield from _metric(
            "renwei_http_request_seconds", "histogram", "Seconds until answered.", self._spreads()
        )

    def _spreads(self) -> Iterator[Row]:
        for route, spread in sorted(self._spread.items()):
            below = 0
            for bound, count in zip((*BOUNDS_S, float("inf")), spread, strict=True):
                below += count
                said = "+Inf" if bound == float("inf") else f"{bound:g}"
                yield "_bucket", {"route": route, "le": said}, below
            yield "_sum", {"route": route}, self._seconds[route]
            yield "_count", {"route": route}, below


_held: WeakKeyDictionary[House, Requests] = WeakKeyDictionary()


def requests_of(house: House) -> Requests:
    """Where every door of a house counts its requests."""
    held = _held.get(house)
    if held is None:
        held = _held.setdefault(house, Requests())
        house.intake.on_commit.append(held.committed)
    return held


def text(house: House, hands: int = 0) -> str:
    """Everything there is to measure, read now; `hands` are processes that decide beside us."""
    lines = [*requests_of(house).lines(), *_workspace(house, hands)]
    return "".join(f"{line}\n" for line in lines)


def _workspace(house: House, hands: int) -> Iterator[str]:
    store = house.shop().store
    events, seconds = house.follower.lag()
    taken = [("", {"result": name}, float(n)) for name, n in house.intake.totals.items()]
    queued = [("", {"state": state}, float(n)) for state, n in store.outbox.counts().items()]
    groups, jobs = requests_of(house).groups, len(house.jobs.running())
    for name, kind, about, rows in (
        ("renwei_intake_events_total", "counter", "Live events by what became of them.", taken),
        ("renwei_intake_groups_total", "counter", "Transactions they came in.", _one(groups)),
        ("renwei_log_position", "gauge", "Events ever stored.", _one(store.log.position())),
        ("renwei_fold_lag_events", "gauge", "Events not folded yet.", _one(events)),
        ("renwei_fold_lag_seconds", "gauge", "Age of the oldest of them.", _one(seconds)),
        ("renwei_jobs_running", "gauge", "Jobs under way.", _one(jobs)),
        ("renwei_hands", "gauge", "Processes that decide beside the server.", _one(hands)),
        ("renwei_outbox", "gauge", "Effects by state.", queued),
        ("process_resident_memory_bytes", "gauge", "Resident memory.", _memory()),
    ):
        yield from _metric(name, kind, about, rows)


def _one(value: float) -> list[Row]:
    return [("", {}, value)]


def _memory() -> list[Row]:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return []  # not on this system
    return _one(pages * _PAGE)


def _metric(name: str, kind: str, about: str, rows: Iterable[Row]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for ending, labels, value in rows:
        told = ",".join(f'{key}="{_quoted(said)}"' for key, said in labels.items())
        yield f"{name}{ending}{'{' + told + '}' if told else ''} {value:.12g}"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
