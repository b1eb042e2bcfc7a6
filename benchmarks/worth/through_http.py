"""The protocol of recommend.py through the public API: nothing of the program is called here.

A new workspace is served by `renwei up`; orders come in as "Order Completed" and looks as "Product
Viewed" through /v1/batch, all moved in time so that the cut is now; /v1/taste learns; each
tested person is asked for on a surface of each question.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from tests.doors.http.served import Served, served

from renwei.learn.sessions.trial import Case
from renwei.learn.taste.table import Past, baskets
from renwei.learn.taste.taste import QUESTIONS, Question
from renwei.learn.taste.titles import Catalogue

SURFACES: dict[Question, dict[str, Any]] = {
    "any": {"repeats": "yes", "explore": 0.0, "holdout": 0, "new": 0},
    "discover": {"repeats": "no", "explore": 0.0, "holdout": 0, "new": 0},
}
LINES, BATCH, WAITS_S = 120, 60, 1_800
LOOKS = ((0.45, "Product Added"), (0.35, "Product Added to Wishlist"), (0.0, "Product Viewed"))
Event = dict[str, Any]


class Line:
    """One connection that is kept; answers are read as JSON."""

    def __init__(self, server: Served, scope: str) -> None:
        self._line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=WAITS_S)
        token = base64.b64encode(f"{server.keys[scope]}:".encode()).decode()
        by = f"Basic {token}" if scope == "ingest" else f"Bearer {server.keys[scope]}"
        self._head = {"Authorization": by, "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call.

        Raises:
            RuntimeError: It was refused; says by what.
        """
        self._line.request(method, path, json.dumps(body) if body else None, self._head)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said or b"{}")

    def close(self) -> None:
        """Close it."""
        self._line.close()


def lists_of(
    past: Past, catalogue: Catalogue, users: Any, cut_us: int, k: int
) -> tuple[dict[Question, Any], dict[str, Any]]:
    """Each person's lists, shape (users, k) by question, -1 in empty places, and what it took."""
    with TemporaryDirectory() as name, served(Path(name)) as server:
        # What was bought an instant before the cut must not lie in the future.
        shift = int(datetime.now(UTC).timestamp() * 1_000_000) - cut_us
        began = time.perf_counter()
        with closing(Line(server, "ingest")) as line:
            sent = _sent(line, events(past.before(cut_us), catalogue, shift))
        told: dict[str, Any] = {"events": sent, "ingest_s": round(time.perf_counter() - began, 1)}
        with closing(Line(server, "admin")) as line:
            for question, place in SURFACES.items():
                line.ask("POST", f"/v1/surfaces/bench-{question}", {"place": place})
            _settled(line)
            learnt = line.ask("POST", "/v1/taste", {})
            told["learnt"] = _finished(line, learnt)
        with closing(Line(server, "read")) as line:
            found, took = _asked(line, users, past.items, k)
        told["answer_ms"] = {
            name: round(float(np.quantile(took, q)) * 1e3, 2)
            for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
        }
        return found, told


@dataclass
class Asked:
    """Ranks of the targets, 0 where one was not served; times in seconds; what was shown."""

    ranks: list[int] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)


def asked_of(
    sessions: Sequence[Any], cases: Sequence[Case], k: int
) -> tuple[Asked, dict[str, Any]]:
    """What is served to visitors who have just clicked the prefixes.

    Sessions are put into the last month, one after the other as they ended; the clicks of a
    case are sent, and the next call asks.
    """
    with TemporaryDirectory() as name, served(Path(name)) as server:
        now = int(datetime.now(UTC).timestamp())
        step = 29 * 86_400 / max(len(sessions), 1)
        starts = [now - 30 * 86_400 + number * step for number in range(len(sessions))]
        looks = (
            _look(f"s{number}", item, starts[number] + 10 * place, f"{number}.{place}")
            for number, clicks in enumerate(sessions)
            for place, item in enumerate(clicks.tolist())
        )
        with closing(Line(server, "ingest")) as line, closing(Line(server, "admin")) as admin:
            told: dict[str, Any] = {"events": _sent(line, looks)}
            _settled(admin)
            admin.ask("POST", "/v1/surfaces/bench-session", {"place": SURFACES["any"]})
            told["learnt"] = _finished(admin, admin.ask("POST", "/v1/taste", {}))
        asked = Asked()
        with closing(Line(server, "ingest")) as line, closing(Line(server, "read")) as reader:
            for number, case in enumerate(cases):
                _ask((line, reader), number, case, k, asked)
        return asked, told


def _ask(lines: tuple[Line, Line], number: int, case: Case, k: int, asked: Asked) -> None:
    now, clicks = time.time(), case.clicks.tolist()
    looks = [
        _look(f"t{number}", item, now - 10 * (len(clicks) - place), f"t{number}.{place}")
        for place, item in enumerate(clicks)
    ]
    lines[0].ask("POST", "/v1/batch", {"batch": looks})
    began = time.perf_counter()
    body = {"anonymous_id": f"t{number}", "surface": "bench-session", "n": k}
    shown = [one["id"] for one in lines[1].ask("POST", "/v1/recommend", body)["items"]]
    asked.took_s.append(time.perf_counter() - began)
    asked.shown.update(shown)
    target = f"p{case.target}"
    asked.ranks.append(shown.index(target) + 1 if target in shown else 0)


def _look(who: str, item: int, at_s: float, message: str) -> Event:
    return {
        "type": "track", "event": "Product Viewed", "anonymousId": who, "messageId": message,
        "timestamp": datetime.fromtimestamp(at_s, UTC).isoformat(),
        "properties": {"product_id": f"p{item}"},
    }  # fmt: skip


def events(past: Past, catalogue: Catalogue, shift: int) -> Iterator[Event]:
    """A shop's past as an app would have sent it; whoever bought two things at once sends both."""
    basket = baskets(past)
    for rows in np.split(np.arange(len(past)), np.flatnonzero(np.diff(basket)) + 1):
        goals = rows[past.goal[rows]]
        for part in (goals[k : k + LINES] for k in range(0, len(goals), LINES)):
            yield _order(past, catalogue, part, shift)
        for row in rows[~past.goal[rows]].tolist():
            name = next(name for least, name in LOOKS if past.weight[row] >= least)
            own = {"product_id": f"p{past.item[row]}"}
            yield _event(name, past, row, shift, own)


def _order(past: Past, catalogue: Catalogue, rows: Any, shift: int) -> Event:
    titles = catalogue.titles
    products: list[dict[str, Any]] = [
        {
            "product_id": f"p{past.item[row]}",
            "name": titles[past.item[row]] if len(titles) else f"p{past.item[row]}",
            "price": _price(past.value[row]),
            "quantity": 1,
        }
        for row in rows.tolist()
    ]
    total = round(sum(one["price"] for one in products), 2)
    own = {
        "order_id": f"o{rows[0]}", "revenue": total, "total": total, "currency": "CNY",
        "products": products,
    }  # fmt: skip
    return _event("Order Completed", past, int(rows[0]), shift, own)


def _price(value: float) -> float:
    return round(float(value), 2) if np.isfinite(value) and value > 0 else 1.0


def _event(name: str, past: Past, row: int, shift: int, own: dict[str, Any]) -> Event:
    at = datetime.fromtimestamp((int(past.at_us[row]) + shift) / 1e6, UTC)
    return {
        "type": "track", "event": name, "userId": f"u{past.user[row]}", "messageId": f"m{row}",
        "timestamp": at.isoformat(), "properties": own,
    }  # fmt: skip


def _sent(line: Line, all_of_them: Iterator[Event]) -> int:
    sent, held = 0, list[Event]()
    for one in all_of_them:
        held.append(one)
        if len(held) == BATCH:
            line.ask("POST", "/v1/batch", {"batch": held})
            sent, held = sent + len(held), []
    if held:
        line.ask("POST", "/v1/batch", {"batch": held})
    return sent + len(held)


def _settled(line: Line) -> None:
    """Nothing may have been refused: the past must be whole."""
    refused = line.ask("GET", "/v1/rejected?limit=3")["rejected"]
    if refused:
        raise RuntimeError(f"events were refused: {refused}")


def _finished(line: Line, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a job, once it is done."""
    while "state" in answer:
        if answer["state"] != "running":
            done: dict[str, Any] = answer["answer"] or answer
            return done
        time.sleep(0.5)
        answer = line.ask("GET", f"/v1/jobs/{answer['id']}")
    return answer


def _asked(line: Line, users: Any, items: int, k: int) -> tuple[dict[Question, Any], list[float]]:
    found: dict[Question, Any] = {q: np.full((len(users), k), -1) for q in QUESTIONS}
    took = list[float]()
    for question in QUESTIONS:
        for place, user in enumerate(users.tolist()):
            body = {"user_id": f"u{user}", "surface": f"bench-{question}", "n": k}
            began = time.perf_counter()
            answer = line.ask("POST", "/v1/recommend", body)
            took.append(time.perf_counter() - began)
            own = _numbers(answer["items"], items)
            found[question][place, : len(own)] = own
    return found, took


def _numbers(shown: Sequence[dict[str, Any]], items: int) -> list[int]:
    numbers = [int(one["id"].removeprefix("p")) for one in shown]
    if any(number >= items for number in numbers):
        raise RuntimeError(f"an item that was never sent: {max(numbers)}")
    return numbers
