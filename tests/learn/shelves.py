from __future__ import annotations

import numpy as np

from renwei.learn.taste.table import DAY_US, Asked, Past

START_US = 1_600_000_000_000_000


def shop(
    users: int = 80, items: int = 40, days: int = 200, *, seed: int = 1, looks: bool = False
) -> Past:
    """People who like one of four aisles, come back every few weeks and repeat half of it."""
    chance = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, bool]] = []
    for user in range(users):
        aisle, own = user % 4, [int(x) for x in chance.integers(0, items, 2)]
        at = float(chance.uniform(0, 30))
        while at < days:
            for _ in range(int(chance.integers(1, 5))):
                again = chance.random() < 0.5
                fresh = int(chance.integers(0, items // 4)) * 4 + aisle
                item = own[int(chance.integers(len(own)))] if again else fresh
                own.append(item)
                moment = START_US + int(at * DAY_US)
                rows.append((user, item, moment, True))
                if looks:
                    rows.append((user, (item + 4) % items, moment - 60_000_000, False))
            at += float(chance.exponential(18) + 1)
    user_, item_, at_, goal = (np.array(column) for column in zip(*rows, strict=True))
    price = 5.0 + item_ % 7
    weight = np.where(goal, 1.0, 0.1)
    return Past.of(
        user_, item_, at_, value=price, goal=goal, weight=weight, users=users, items=items
    )


def everyone(past: Past, as_of_us: int) -> Asked:
    before = past.before(as_of_us)
    return Asked.of(before, np.unique(before.user), as_of_us)


def middle(past: Past, share: float = 0.8) -> int:
    first, last = int(past.at_us.min()), int(past.at_us.max())
    return first + int((last - first) * share)
