"""The ranker's lesson: learnt from the log up to a time, and what there is to say of it."""

from __future__ import annotations

from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

from renwei.core.shop import Shop
from renwei.recommend.pasts import Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from renwei.learn.sessions.learning import Learnt
    from renwei.learn.taste.taste import Taste
    from renwei.learn.taste.titles import Alikeness

MOST_ITEMS = 100_000
"""What is done with more items than this is learnt of the most active ones."""
FEWEST_ROWS = 50


def ranker_of(
    shop: Shop, rows: Rows, as_of_us: int, *, most: int = MOST_ITEMS, limit: int | None = None
) -> Taste | None:
    """The ranker of a shop's past, of which it knows items and people by their order.

    Args:
        shop: For titles.
        rows: What happened.
        as_of_us: Now.
        most: Items that are learnt of; the others keep their places, and only who has
            one is told of it.
        limit: With more items than this there is no ranker at all.

    Returns:
        None where there is too little to learn from, or too much to answer at once.
    """
    import numpy as np

    from renwei.learn.taste.table import Past
    from renwei.learn.taste.taste import Taste

    items, item = np.unique(rows.item, return_inverse=True)
    if len(rows) < FEWEST_ROWS or not rows.goal.any():
        return None
    if limit is not None and len(items) > limit:
        return None
    people, who = np.unique(rows.who, return_inverse=True)
    active = _most_active(item, rows.weight, len(items), most)
    kept = active[item]
    rows = rows.pick(kept)
    past = Past.of(
        who[kept], item[kept], rows.at_us, weight=rows.weight, value=rows.price, goal=rows.goal,
        users=len(people), items=len(items),
    )  # fmt: skip
    return Taste.fit(past, as_of_us, titles=_titles(shop, items, active))


def _most_active(
    item: NDArray[Any], weight: NDArray[Any], items: int, most: int
) -> NDArray[np.bool_]:
    """Those with the most behind them; of equal ones the newer numbers."""
    import numpy as np

    active = np.ones(items, dtype=bool)
    if items > most:
        heat = np.bincount(item, weight, minlength=items)
        active[np.argsort(heat, kind="stable")[: items - most]] = False
    return active


def _titles(shop: Shop, items: NDArray[Any], active: NDArray[np.bool_]) -> Alikeness:
    import numpy as np

    from renwei.learn.taste.titles import Alikeness, Catalogue

    known = {item.number: item for item in shop.store.items.all_items()}
    own = [
        known.get(number) if fine else None
        for number, fine in zip(items.tolist(), active.tolist(), strict=True)
    ]
    words: dict[str, int] = {}

    def codes(names: list[str]) -> NDArray[Any]:
        return np.array([words.setdefault(n, len(words)) if n else -1 for n in names])

    catalogue = Catalogue(
        [one.title if one else "" for one in own],
        codes([one.category if one else "" for one in own]),
        codes([str(one.facts.get("brand") or "") if one else "" for one in own]),
        np.array([one.price_minor / 100 if one and one.price_minor else np.nan for one in own]),
    )
    return Alikeness.fit(len(items), catalogue)


def card_of(
    taste: Taste | None, rows: Rows, at: datetime, *, limit: int | None = None
) -> dict[str, Any]:
    """What was learnt from what, what serves, and by how much it won: for people to read."""
    import numpy as np

    said: dict[str, Any] = {
        "as_of": at.isoformat(),
        "rows": len(rows),
        "purchases": int(rows.goal.sum()),
        "people": len(np.unique(rows.who)),
        "items": len(np.unique(rows.item)),
        "ways": {},
        "trials": [],
        "features": [],
        "labelled": 0,
    }
    if taste is None:
        large = limit is not None and said["items"] > limit
        return said | {"why": "large_shop" if large else "few_purchases"}
    if said["items"] > MOST_ITEMS:
        said["why"] = "many_items"
    for question, choice in taste.choices.items():
        said["ways"][question] = choice.way
        said["labelled"] = max(said["labelled"], choice.labelled)
        for way, ndcg in choice.ndcg.items():
            gained = choice.gains.get(way)
            said["trials"].append({
                "question": question, "way": way, "ndcg": round(ndcg, 5),
                "gain": round(gained.mean, 5) if gained else None,
                "low": round(gained.low, 5) if gained else None,
                "high": round(gained.high, 5) if gained else None,
                "people": gained.people if gained else 0,
            })  # fmt: skip
        if question == "any":
            said["curve"] = [
                {"diversity": one["diversity"], "any_ndcg": one["ndcg"],
                 "coverage": one["coverage"]}
                for one in choice.curve
            ]  # fmt: skip
        model = taste.trees.get(question) or taste.blends.get(question)
        for name, share in [*model.weights().items()][:12] if model else []:
            said["features"].append({"question": question, "name": name, "share": round(share, 4)})
    return said


def visits_card(learnt: Learnt | None) -> dict[str, Any]:
    """The same of what leads through a visit: by how much it beat the better plain way."""
    if learnt is None:
        return {"way": "", "cases": 0, "gain": None, "low": None, "high": None}
    gain, low, high = (None if isnan(one) else round(one, 5) for one in learnt.gain)
    return {"way": learnt.way, "cases": learnt.cases, "gain": gain, "low": low, "high": high}
