"""Requests as strangers send them, drawn from a seed, and what an answer must be whatever came."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import keys_at
from tests.recommend.shops import AT, EACH, SORTS

from renwei.app.house import open_house
from renwei.core.clock import Frozen
from renwei.recommend.surfaces import DEFAULTS, MODES
from renwei.trust import keys

CODES = [f"{sort}-{k}" for sort in SORTS for k in range(EACH)]
PEOPLE = 90
Dice = random.Random
Draw = Callable[[Dice], Any]


def _deep(dice: Dice) -> Any:
    made: Any = 1
    for _ in range(dice.choice([3, 40, 900])):
        made = [made] if dice.random() < 0.5 else {"a": made}
    return made


def _text(dice: Dice) -> str:
    signs = ["é", "人", "😀", "\0", "'", '"', "\\", "%", " ", "\n", "a", "0", "(", ")", "\u202e"]
    return "".join(dice.choice(signs) for _ in range(dice.choice([1, 7, 200, 201, 3_000])))


ANYTHING: list[Draw] = [
    _text,
    _deep,
    lambda dice: None,
    lambda dice: dice.choice([True, False]),
    lambda dice: dice.choice([0, -1, 1, 101, 10**9, 10**30, 0.5, -0.0, 1e308]),
    lambda dice: float("nan"),
    lambda dice: "\ud800",
    lambda dice: [_text(dice) for _ in range(dice.randrange(4))],
]
FILTERS = [
    "", "stock > 0", "price <= 20", "brand = 'River' and price < 18", "category in ('soap', 'mask')",
    "not (category = 'cream')", "id in ('cream-1') or price > 12",
]  # fmt: skip
BROKEN = [
    "stock >", "((((", "prise < 3", "brand = ", "price = 'x'", "1 = 1; DROP TABLE items", "and and",
    "(" * 400 + "price > 1" + ")" * 400, "not " * 600 + "price > 1", "price > 1e999", "tags has 3",
]  # fmt: skip
FINE: dict[str, Draw] = {
    "surface": lambda dice: dice.choice([*DEFAULTS]),
    "n": lambda dice: dice.randint(1, 100),
    "mode": lambda dice: dice.choice(["", *MODES]),
    "item_id": lambda dice: dice.choice([*CODES, "never-heard-of"]),
    "session_id": lambda dice: f"s{dice.randrange(50)}",
    "context": lambda dice: {
        "cart": dice.sample(CODES, dice.randrange(5)),
        "landing_item_id": dice.choice(CODES),
        "hour": dice.randrange(24),
        "unheard_of": _text(dice),
    },
    "filter": lambda dice: dice.choice(FILTERS),
    "exclude_ids": lambda dice: dice.choices([*CODES, "x"], k=dice.choice([1, 5, 1_000])),
    "allow_seen": lambda dice: dice.choice([True, False]),
    "diversity": lambda dice: dice.random(),
    "explain": lambda dice: dice.choice([True, False]),
}
ODD: dict[str, list[Draw]] = {
    "user_id": ANYTHING,
    "surface": ANYTHING,
    "n": ANYTHING,
    "mode": ANYTHING,
    "context": [*ANYTHING, lambda dice: {"cart": _deep(dice)}, lambda dice: {"hour": _text(dice)}],
    "filter": [*ANYTHING, lambda dice: dice.choice(BROKEN)],
    "exclude_ids": [*ANYTHING, lambda dice: dice.choices(CODES, k=1_001)],
    "diversity": ANYTHING,
    "allow_seen": ANYTHING,
    "item_id": ANYTHING,
}


@dataclass
class Told:
    """What was answered, counted."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    known: int = 0
    personal: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of well-formed requests of people with a history: how many answers were personal."""
        return self.personal / max(self.known, 1)


@contextmanager
def asking(folder: Path) -> Iterator[Inside]:
    """The application over a shop that was grown, asked with a key of its page."""
    with (
        keys_at(folder / "keys"),
        open_house(folder / "data", clock=Frozen(AT), work=False) as house,
    ):
        yield Inside(house, keys.create(house.shop(), "read", "fuzz", AT)[1])


def tried(inside: Inside, n: int, seed: int) -> Told:
    """Ask n requests, one after another, and hold every answer against the rules."""
    told, dice = Told(), Dice(seed)

    async def all_of_them() -> None:
        for _ in range(n):
            fields, fine = drawn(dice)
            if not fine or dice.random() < 0.8:
                answer = await inside.asked("POST", "/v1/recommend", fields)
            else:
                plain = {k: v for k, v in fields.items() if not isinstance(v, dict | list | bool)}
                fields = plain
                answer = await inside.asked("GET", "/v1/recommend?" + urlencode(plain))
            _judge(told, fields, answer, fine=fine)

    asyncio.run(all_of_them())
    return told


def drawn(dice: Dice) -> tuple[dict[str, Any], bool]:
    """The fields of one request, and whether it is well formed."""
    fields: dict[str, Any] = {"user_id": f"u-{dice.randrange(PEOPLE)}"}
    for name in dice.sample([*FINE], dice.randrange(len(FINE))):
        fields[name] = FINE[name](dice)
    if dice.random() < 0.5:
        return fields, True
    for name in dice.sample([*ODD], dice.randint(1, 3)):
        fields[name] = dice.choice(ODD[name])(dice)
    return fields, False


def _judge(told: Told, fields: dict[str, Any], answer: Answer, *, fine: bool) -> None:
    told.statuses[answer.status] += 1
    fault = _fault(fields, answer, fine=fine)
    if fault:
        told.broken.append(f"{fault}: {json.dumps(fields)[:300]} -> {answer.body[:300]!r}")
    if answer.status == 200 and fine and answer.json["items"]:
        told.known += 1
        told.personal += answer.json["personal"]
    if answer.status != 200 and not fault:
        told.codes[answer.json["code"]] += 1


def _fault(fields: dict[str, Any], answer: Answer, *, fine: bool) -> str:
    if answer.status >= 500 or (fine and answer.status != 200):
        return f"status {answer.status}"
    if answer.status != 200:
        body = answer.json
        return "" if body.get("code") and body.get("detail") else "a refusal without its reason"
    items = answer.json["items"]
    wanted = int(fields.get("n", 20))
    ids = [item["id"] for item in items]
    faults = {
        "too many": len(items) > wanted,
        "twice": len(set(ids)) < len(ids),
        "short without a reason": len(items) < wanted
        and not (answer.json["reason"] or {}).get("text"),
        "ranks": [item["rank"] for item in items] != list(range(1, len(items) + 1)),
        "odds": not all(0 < item["propensity"] <= 1 for item in items),
        "no reason": not all(item["reason"]["text"] for item in items),
        "excluded": bool(set(ids) & set(fields.get("exclude_ids") or ())),
    }
    return next((name for name, broken in faults.items() if broken), "")
