"""How a decision came about, from its record; the draw is made again to see that it agrees."""

from __future__ import annotations

import math
from typing import Any

from renwei.core.chance import to_id
from renwei.core.decide import replays
from renwei.core.nouns import NOTHING, Decision
from renwei.core.shop import Columns, Shop
from renwei.reach.answers import Candidate, Removed, WhyAnswer
from renwei.reach.basis import find
from renwei.reach.lines import Titles, said
from renwei.reach.marks import decision_of, mark_of


def explain(shop: Shop, text: str) -> WhyAnswer:
    """Everything the record holds, in words where there are any.

    Raises:
        UnknownName: There is no such decision (code unknown_decision).
    """
    decision = decision_of(shop, text)
    titles = Titles.of(shop, [*decision.items, *(r.item for r in decision.removed)])
    replay, mark = replays(decision), mark_of(shop, decision.id)
    inputs, gone = _inputs(shop, decision)
    if replay == "gone":
        gone.append("policy")
    return WhyAnswer(
        decision_id=decision.id,
        at=decision.at,
        surface=decision.surface,
        surface_version=decision.surface_version,
        person=to_id(decision.person) if decision.person else "",
        chosen=[one for one in (titles.shown(n) for n in decision.chosen) if one is not None],
        odds=list(decision.odds),
        candidates=_candidates(shop, decision, titles),
        removed=[
            Removed(
                item=removal.item,
                title=_title(shop, titles, removal.item),
                guard=removal.guard,
                text=shop.say(f"reasons.removed_{removal.guard}", n=1),
            )
            for removal in decision.removed
        ],
        reasons=[said(shop, reason, titles) for reason in decision.reasons],
        consent=decision.consent,
        policy=decision.policy,
        model=decision.model,
        unit=str(decision.unit),
        salt=decision.salt,
        prices_minor={name: price / 1024 for name, price in decision.prices.items()},
        position=decision.position,
        map_version=decision.map_version,
        inputs=inputs,
        replays=replay == "same",
        replay=replay,
        gone=gone,
        mark=mark.done if mark else "",
    )


def _candidates(shop: Shop, decision: Decision, titles: Titles) -> list[Candidate]:
    rows = sorted(range(len(decision.items)), key=lambda k: -decision.scores[k])
    return [
        Candidate(
            item=decision.items[k],
            title=_title(shop, titles, decision.items[k]),
            source=decision.sources[k],
            score_minor=decision.scores[k] / 1024,
            chosen=decision.items[k] in decision.chosen,
        )
        for k in rows
    ]


def _title(shop: Shop, titles: Titles, item: int) -> str:
    if item == NOTHING:
        return shop.say("today.nothing")
    title = titles.title(item)
    known = titles.items.get(item)
    if known is not None and known.kind == "care":
        return shop.say("today.care_about", title=title)
    if titles.asks(item):
        return shop.say("today.what_permission")
    return title or (known.code if known is not None else str(item))


def _inputs(shop: Shop, decision: Decision) -> tuple[dict[str, Any], list[str]]:
    """The estimates the decision read, from the versions its record names."""
    inputs: dict[str, Any] = {}
    gone: list[str] = []
    for word in decision.model.split():
        name, mark, version = word.partition("#")
        if not mark:
            continue
        held = shop.shelf.get(name, version) if version else None
        if held is None:
            gone.append(name)
        elif decision.person:
            inputs[name] = _rows(held, decision)
    if not decision.person:
        gone.append("person")
    return inputs, gone


def _rows(held: Columns, decision: Decision) -> Any:
    import numpy as np

    columns = held.columns
    if held.name != "needs":
        row = int(find(columns["person"], np.array([decision.person]))[0])
        return _row(columns, row) if row >= 0 else {}
    mine = np.flatnonzero(columns["person"] == decision.person)[:6]
    return [_row(columns, int(row)) for row in mine]


def _row(columns: Any, row: int) -> dict[str, Any]:
    values = {name: column[row].item() for name, column in columns.items() if name != "person"}
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
