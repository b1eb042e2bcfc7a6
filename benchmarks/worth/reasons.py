"""Whether reasons are true: each item's score falls when its evidence has not happened.

Run: .venv/bin/python benchmarks/worth/reasons.py --data DIRECTORY [--samples 10000]

DIRECTORY is a workspace with orders that `renwei learn-taste` has learnt from. People with orders
are asked for one after another; for every item shown with evidence the whole chain runs again for
the same person at the same moment, with the cited items taken out of their orders and looks, and
the item's score is compared. "resting" is the share of items whose reason rests on evidence; the
others say popular, new or exploring.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from renwei.app.build import open_shop
from renwei.core.chance import to_id, u
from renwei.core.clock import Frozen, WallClock
from renwei.core.shop import Shop
from renwei.recommend.answers import Context, ItemShown, RecommendRequest
from renwei.recommend.goods import goods
from renwei.recommend.moment import Moment, moment
from renwei.recommend.serving import answer, chain_of
from renwei.recommend.surfaces import SurfaceRequest, place_of, surfaces_set

NAME, N = "bench-reasons", 20
PLACE = {"repeats": "yes", "holdout": 0, "explore": 0.05}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, required=True)
    ask.add_argument("--samples", type=int, default=10_000)
    ask.add_argument("--json", action="store_true", help="accepted; output is always JSON")
    said = ask.parse_args()
    # One moment for all: the same chain asked twice must give the same scores.
    clock = Frozen(WallClock().now())
    with open_shop(said.data, clock=clock) as shop:
        surfaces_set(shop, SurfaceRequest(name=NAME, place=PLACE))
        print(json.dumps(measured(shop, said.samples)))


def measured(shop: Shop, samples: int) -> dict[str, object]:
    """Counts over so many items shown with evidence."""
    codes, cited = Counter[str](), Counter[int]()
    lower = tried = shown = 0
    began, answers = time.process_time(), 0
    for person in buyers(shop):
        now = moment(shop, person, shop.clock.now())
        if not now.bought:
            continue
        answers += 1
        for item in answer(shop, RecommendRequest(user_id=to_id(person), surface=NAME, n=N)).items:
            shown += 1
            codes[item.reason.code] += 1
            if item.reason.evidence and not item.explored:
                tried += 1
                cited[len(item.reason.evidence)] += 1
                lower += without(shop, now, item) < item.score
        if tried >= samples:
            break
    return {
        "bench": "reasons", "answers": answers, "items": shown, "tried": tried, "lower": lower,
        "lower_share": lower / max(tried, 1), "resting": round(tried / max(shown, 1), 4),
        "evidence": dict(sorted(cited.items())), "codes": dict(codes.most_common()),
        "cpu_s": round(time.process_time() - began, 1),
    }  # fmt: skip


def buyers(shop: Shop) -> Iterator[int]:
    """People in an order that chance gives, the same each time."""
    people = shop.store.people.all_persons()
    yield from sorted(people, key=lambda person: u(person, "reasons"))


def without(shop: Shop, now: Moment, item: ItemShown) -> float:
    """The score of an item had its evidence not happened; 0 where it is no candidate any more."""
    stock = goods(shop.store)
    gone = {int(stock.number[stock.row_of(code)]) for code in item.reason.evidence}
    place, _ = place_of(shop, NAME)
    request = RecommendRequest(surface=NAME, n=N, context=Context())
    judged = chain_of(shop, request, place, (less(now, gone), False)).judged
    at = judged.places.get(int(stock.number[stock.row_of(item.id)]))
    return float(judged.total[at]) if at is not None else 0.0


def less(now: Moment, gone: set[int]) -> Moment:
    """The same person, had some items never been bought or looked at."""
    bought = [
        replace(one, lines=tuple(line for line in one.lines if line[0] not in gone))
        for one in now.bought
    ]
    kept = [k for k, number in enumerate(now.items) if number not in gone]
    return replace(
        now,
        bought=tuple(one for one in bought if one.lines),
        items=tuple(now.items[k] for k in kept),
        weights=tuple(now.weights[k] for k in kept),
        at_us=tuple(now.at_us[k] for k in kept),
        session=tuple(number for number in now.session if number not in gone),
        looks=tuple(look for look in now.looks if look[0] not in gone),
    )


if __name__ == "__main__":
    main()
