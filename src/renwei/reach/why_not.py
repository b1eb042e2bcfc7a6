"""Why somebody is not on the list: read from the decision that was made about her."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from renwei.core.chance import to_id, u
from renwei.core.nouns import NOTHING, Decision, Reason
from renwei.core.shop import Shop
from renwei.reach.answers import Said, WhyNot
from renwei.reach.basis import Basis
from renwei.reach.lines import Titles, said
from renwei.reach.listing import HOLDOUT_SALT, Drawn

SURE = 0.6
"""From this chance on she comes by herself: that is said, because it is why little is gained."""


def why_not(shop: Shop, drawn: Drawn, person: int) -> WhyNot:
    """The reasons in the order in which they bit."""
    row = drawn.basis.row(person)
    if row < 0:
        reasons = [Said(code="no_orders", values={}, text=shop.say("reasons.no_orders"))]
        return WhyNot(person=to_id(person), listed=False, reasons=reasons)
    decision = drawn.decisions.row(row)
    titles = Titles.of(shop, [*decision.items, *(r.item for r in decision.removed)])
    listed = decision.chosen[0] != NOTHING
    found = list(decision.reasons)
    if not listed:
        found = against(shop, drawn.basis, decision, (drawn.currency, _limits(drawn, decision)))
    return WhyNot(
        person=to_id(person),
        listed=listed,
        reasons=[said(shop, reason, titles) for reason in found],
    )


def against(
    shop: Shop, basis: Basis, decision: Decision, paid: tuple[str, Callable[[int], float]]
) -> list[Reason]:
    """What spoke against every candidate of a decision of nothing.

    Args:
        shop: The workspace.
        basis: What it was judged from.
        decision: Of nothing.
        paid: The currency, and grid steps that an item would have paid for shared limits.
    """
    row = basis.row(decision.person)
    found: list[Reason] = []
    if u(decision.person, HOLDOUT_SALT) < shop.settings.holdout:
        found.append(Reason("holdout", {"share": shop.settings.holdout}))
    for guard in dict.fromkeys(removal.guard for removal in decision.removed):
        items = [r.item for r in decision.removed if r.guard == guard]
        found.append(Reason(f"removed_{guard}", {"n": len(items)}))
    kept = [k for k, item in enumerate(decision.items) if item != NOTHING]
    best = max(kept, key=lambda k: decision.scores[k], default=-1)
    if kept and not found and decision.scores[best] > 0:
        # What was worth a line and free to take was passed over by the draw alone.
        found.append(Reason("left_to_chance", {"item": decision.items[best]}))
    elif kept:
        found.append(_worth_less(decision, best, paid))
    elif not found:
        found.append(_no_occasion(basis, row))
    chance = float(basis.people["p30"][row])
    if chance >= SURE and basis.people["orders"][row] > 0:
        found.append(Reason("comes_anyway", {"share": round(chance, 3)}))
    return found


def _no_occasion(basis: Basis, row: int) -> Reason:
    last = int(basis.people["last_us"][row])
    if not last:
        return Reason("no_orders")
    return Reason("no_occasion", {"days": int((basis.at_us - last) // 86_400_000_000)})


def _worth_less(decision: Decision, place: int, paid: tuple[str, Callable[[int], float]]) -> Reason:
    item, currency = decision.items[place], paid[0]
    limits = paid[1](item)
    values: dict[str, Any] = {
        "item": item,
        "worth": [round((decision.scores[place] + limits) / 1024), currency],
        "price": [round(limits / 1024), currency],
    }
    return Reason("less_worth" if limits else "not_worth", values)


def _limits(drawn: Drawn, decision: Decision) -> Callable[[int], float]:
    def limits(item: int) -> float:
        prices = decision.prices.items()
        return sum(price * _cost(drawn, decision, item, counter) for counter, price in prices)

    return limits


def _cost(drawn: Drawn, decision: Decision, item: int, counter: str) -> int:
    row = drawn.basis.row(decision.person)
    costs, items = drawn.decisions.slates.costs, drawn.decisions.slates.items[row]
    if counter not in costs:
        return 0
    column = int((items == item).argmax())
    return int(costs[counter][slice(row, row + 1)][0, column])
