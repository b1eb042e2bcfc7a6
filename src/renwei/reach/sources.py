"""The sorts of contact as Sources: single and whole shop from the same columns and formulae.

A reason names what the score rests on; `rescore` computes the score again as if that were
not known: no purchase of the item, no lateness, no refund. It is the same formula with the
shop's base rate in place of what is known of the person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from renwei.core.clock import from_us
from renwei.core.columns import Slates
from renwei.core.nouns import Ask, Reason
from renwei.core.orders import Purchase
from renwei.core.slate import Slate
from renwei.core.store import Store
from renwei.reach import score
from renwei.reach.basis import DAY_US, Basis
from renwei.reach.facts import LOOKED_BACK, Past, looks
from renwei.reach.plan import LINES, MINUTES, WHAT
from renwei.reach.score import SORTS, Sort

OWN_WORD = "steady"
"""A source's own word: said where no single cause raised the score."""


@dataclass(frozen=True)
class Contact:
    """One sort of contact for one shop at one moment."""

    sort: Sort
    basis: Basis
    store: Store
    priced: tuple[int, ...] = ()
    past: Past | None = None
    _blocks: dict[int, score.Block] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The sort's word."""
        return self.sort.name

    def propose(self, ask: Ask) -> Slate:
        """This sort's candidates for one person: one row of the columns."""
        row = self.basis.row(ask.person)
        if row < 0:
            return Slate()
        block = self._block(row)
        scores = score.net(self.basis, self.sort, block, np.array([row]))[0]
        live = [k for k, item in enumerate(block.items[0].tolist()) if item]
        n, groups = len(live), [int(block.groups[0, k]) for k in live]
        costs = {LINES: [1] * n, MINUTES: [self.sort.minutes] * n}
        costs |= {f"{WHAT}{g}": [int(own == g) for own in groups] for g in self.priced}
        return Slate(
            [int(block.items[0, k]) for k in live],
            [int(scores[k]) for k in live],
            [0] * n,
            [0] * n,
            [int(self.sort.trait)] * n,
            [],
            (self.name,),
            (OWN_WORD,),
            costs,
            self.basis.model,
        )

    def reason(self, ask: Ask, item: int) -> Reason:
        """What the score rests on, with up to three events as evidence."""
        row = self.basis.row(ask.person)
        past = self.past or Past(self.store, ask.person, ask.at)
        cause: Reason = CAUSES[self.name](self, row, item, past)
        gain = score.gain_of(self._block(row), item)
        if float(WITHOUT[self.name](self.basis, row, item)) < gain:
            return cause
        # The score does not rest on it, so it is not named: she simply orders here.
        known = {key: cause.values[key] for key in ("item", "days") if key in cause.values}
        return Reason(OWN_WORD, known)

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """The score had the named cause not been known, the human's minutes paid."""
        row = self.basis.row(ask.person)
        if row < 0:
            return 0.0
        gain = float(WITHOUT[self.name](self.basis, row, item))
        hair = float(self.basis.hair[row])
        return gain - self.sort.minutes * self.basis.minute_minor + hair

    def _block(self, row: int) -> score.Block:
        # Who is shown a candidate is told why: both are asked of the same row.
        block = self._blocks.get(row)
        if block is None:
            block = self._blocks[row] = self.sort.block(self.basis, np.array([row]))
        return block

    def product(self, item: int) -> int:
        """The product a contact is about; 0 for the request for permission."""
        return self.basis.about(item)


def contacts(
    basis: Basis, store: Store, priced: tuple[int, ...] = (), past: Past | None = None
) -> list[Contact]:
    """Every sort of contact, in the order in which they are asked.

    Args:
        basis: What scores rest on.
        store: Where causes are looked up.
        priced: Groups of items that share a limit.
        past: Of the only person who will be asked about, where it was read already.
    """
    return [Contact(sort, basis, store, priced, past) for sort in SORTS]


def slates(basis: Basis, priced: tuple[int, ...] = (), chunk: int = 65_536) -> tuple[Slates, Any]:
    """The candidates of the whole shop as columns, and what lines are counted by.

    Returns:
        Slates of shape (people, candidates) and groups, int32, of the same shape.
    """
    parts = [
        _rows(basis, np.arange(a, min(a + chunk, len(basis)))) for a in range(0, len(basis), chunk)
    ]
    if not parts:
        parts = [_rows(basis, np.zeros(0, dtype=np.int64))]
    items, scores, groups = (np.concatenate([part[k] for part in parts]) for k in range(3))
    widths = parts[0][3]
    of_sort = np.repeat(np.arange(len(SORTS), dtype=np.int8), widths)
    traits = np.array([int(s.trait) for s in SORTS], dtype=np.int8)[of_sort]
    minutes = np.array([s.minutes for s in SORTS], dtype=np.int64)[of_sort]
    shape = items.shape
    costs: dict[str, Any] = {
        LINES: Cost(groups, lambda part: np.ones(part.shape, dtype=np.int64)),
        MINUTES: Cost(groups, lambda part: np.broadcast_to(minutes, part.shape)),
    }
    for group in priced:
        costs[f"{WHAT}{group}"] = Cost(groups, lambda part, g=group: (part == g).astype(np.int64))
    made = Slates(
        items,
        scores,
        sources=np.broadcast_to(of_sort, shape),
        codes=np.broadcast_to(np.int8(0), shape),
        traits=np.broadcast_to(traits, shape),
        source_names=tuple(sort.name for sort in SORTS),
        code_names=(OWN_WORD,),
        costs=costs,
        model=basis.model,
    )
    return made, groups


class Cost:
    """A column of costs, computed when it is read.

    A million people times many limits would otherwise lie in memory as ones and zeros.
    """

    def __init__(self, groups: Any, of: Any) -> None:
        self._groups, self._of = groups, of

    def __getitem__(self, rows: Any) -> Any:
        return self._of(self._groups[rows])

    def __rmul__(self, price: int) -> Any:
        return price * self._of(self._groups)


def _rows(basis: Basis, rows: Any) -> tuple[Any, Any, Any, list[int]]:
    blocks = [sort.block(basis, rows) for sort in SORTS]
    scores = [
        score.net(basis, sort, block, rows) for sort, block in zip(SORTS, blocks, strict=True)
    ]
    return (
        np.concatenate([block.items for block in blocks], axis=1).astype(np.int64),
        np.concatenate(scores, axis=1),
        np.concatenate([block.groups for block in blocks], axis=1).astype(np.int32),
        [block.items.shape[1] for block in blocks],
    )


def _days(contact: Contact, us: int) -> int:
    return max(int((contact.basis.at_us - us) // DAY_US), 0)


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _with_item(past: list[Purchase], product: int) -> list[Purchase]:
    return [purchase for purchase in past if purchase.quantity(product)]


def _evidence(found: list[Purchase]) -> tuple[int, ...]:
    return tuple(purchase.seq for purchase in found[:3])


def need_row(basis: Basis, row: int, item: int) -> int:
    """Where the need of a person (row of people) for an item stands, or -1."""
    person = basis.people["person"][row]
    begin = int(np.searchsorted(basis.needs["person"], person))
    end = int(np.searchsorted(basis.needs["person"], person, side="right"))
    at = np.flatnonzero(basis.needs["item"][begin:end] == item)
    return begin + int(at[0]) if len(at) else -1


def _why_need(contact: Contact, row: int, item: int, past: Past) -> Reason:
    basis = contact.basis
    at = need_row(basis, row, item)
    last_us = int(basis.needs["last_us"][at])
    days, cycle = _days(contact, last_us), float(basis.needs["cycle_days"][at])
    bought = _with_item(past.purchases(), item)
    quantity = bought[0].quantity(item) if bought else round(float(basis.needs["quantity"][at]))
    own = int(basis.needs["times"][at]) > 1
    code = "need_due" if own else "need_due_shop"
    if days > 1.3 * cycle:
        code = "need_late" if own else "need_late_shop"
    values = {
        "item": item,
        "days": days,
        "quantity": max(quantity, 1),
        "cycle_days": round(cycle),
        "times": int(basis.needs["times"][at]),
        "last": _day(from_us(last_us)),
    }
    return Reason(code, values, _evidence(bought))


def _why_at_risk(contact: Contact, row: int, item: int, past: Past) -> Reason:
    people = contact.basis.people
    values = {
        "item": contact.product(item),
        "days": _days(contact, int(people["last_us"][row])),
        "gap_days": round(float(people["gap_days"][row])),
        "orders": int(people["orders"][row]),
    }
    code = "at_risk" if values["orders"] > 1 else "at_risk_once"
    return Reason(code, values, _evidence(past.purchases()))


def _why_recent(code: str) -> Any:
    def why(contact: Contact, row: int, item: int, past: Past) -> Reason:
        product = contact.product(item)
        orders = past.purchases()
        bought = _with_item(orders, product) or orders
        quantity = bought[0].quantity(product) if bought else 1
        last = int(contact.basis.last["last_us"][row])
        values = {"item": product, "days": _days(contact, last), "quantity": max(quantity, 1)}
        return Reason(code, values, _evidence(bought[:1]))

    return why


def _why_refund(contact: Contact, row: int, item: int, past: Past) -> Reason:
    days = _days(contact, int(contact.basis.last["refund_us"][row]))
    seq = int(contact.basis.last["seq"][row])
    return Reason("refund", {"item": contact.product(item), "days": days}, (seq,) if seq else ())


def _why_goes_with(contact: Contact, row: int, item: int, past: Past) -> Reason:
    basis = contact.basis
    last, chance = int(basis.last["item"][row]), _pair(basis, row, item)
    days = _days(contact, int(basis.last["last_us"][row]))
    values = {"item": item, "last_item": last, "days": days, "share": round(chance, 3)}
    return Reason("goes_with", values, _evidence(_with_item(past.purchases(), last)[:1]))


def _why_permission(contact: Contact, row: int, item: int, past: Past) -> Reason:
    people = contact.basis.people
    values = {
        "orders": int(people["orders"][row]),
        "days": _days(contact, int(people["last_us"][row])),
    }
    return Reason("permission", values, _evidence(past.purchases()))


def interest_row(basis: Basis, row: int, item: int) -> int:
    """Where the interest of a person (row of people) in an item stands, or -1."""
    held, person = basis.interest, basis.people["person"][row]
    begin = int(np.searchsorted(held.person, person))
    end = int(np.searchsorted(held.person, person, side="right"))
    at = np.flatnonzero(held.item[begin:end] == item)
    return begin + int(at[0]) if len(at) else -1


def _why_interest(contact: Contact, row: int, item: int, past: Past) -> Reason:
    basis = contact.basis
    at = interest_row(basis, row, item)
    product = contact.store.items.get([item])[0]
    found = looks(past, product, item, from_us(basis.at_us) - LOOKED_BACK)
    values: dict[str, Any] = {
        "item": item,
        "n": int(basis.interest.views[at]),
        "seconds": round(int(basis.interest.dwell_ms[at]) / 1000),
        "days": _days(contact, int(basis.interest.last_us[at])),
    }
    code = "interest"
    if found.searched and values["n"]:
        code, values["keyword"] = "interest_searched", found.searched
    elif not values["n"]:
        code = "interest_sought" if found.searched else "interest_followed"
        values["keyword"] = found.searched or found.creator
    code = f"interest_{found.done}" if found.done else code
    return Reason(code, values, found.evidence)


CAUSES: dict[str, Any] = {
    "interest": _why_interest,
    "refund": _why_refund,
    "need": _why_need,
    "at_risk": _why_at_risk,
    "first_order": _why_recent("first_order"),
    "checkup": _why_recent("checkup"),
    "goes_with": _why_goes_with,
    "permission": _why_permission,
}


def _pair(basis: Basis, row: int, item: int) -> float:
    last = basis.last["item"][row]
    inside = (basis.pairs["item"] == last) & (basis.pairs["with_item"] == item)
    both = basis.pairs["buyers"][inside]
    return float(score.pair_chance(basis, np.array([last]), both[:1])[0]) if len(both) else 0.0


def _without_purchases(basis: Basis, row: int, item: int) -> Any:
    """A need nobody has seen: the shop's base rate of the item, one of it, on the same day."""
    at = need_row(basis, row, item)
    needs, items = basis.needs, np.array([item])
    ripe = score.ripe_need(basis, needs["last_us"][at], needs["cycle_days"][at])
    basket = score.baskets(basis, np.array([row]))[0]
    rate = basis.base_rate(items)
    return score.need_gain(basis, basket, basis.price(items), rate)[0] * ripe


def _nothing_known(basis: Basis, row: int, item: int) -> Any:
    """Without the orders, the refund or the lateness there is no occasion at all."""
    return 0.0


def _without_last(basis: Basis, row: int, item: int) -> Any:
    """An offer out of the blue: the shop's base rate of the item."""
    items = np.array([item])
    basket = score.baskets(basis, np.array([row]))[0]
    return score.offer_gain(basis, basket, items, basis.base_rate(items))[0]


def _without_looks(basis: Basis, row: int, item: int) -> Any:
    """Out of the blue: the shop's base rate of the item, on the same day."""
    at = interest_row(basis, row, item)
    ripe = score.ripe_interest(basis, basis.interest.last_us[at])
    basket = score.baskets(basis, np.array([row]))[0]
    return score.interest_gain(basis, basket, np.array([item]), 0.0)[0] * ripe


WITHOUT: dict[str, Any] = {
    "interest": _without_looks,
    "refund": _nothing_known,
    "need": _without_purchases,
    "at_risk": _nothing_known,
    "first_order": _nothing_known,
    "checkup": _nothing_known,
    "goes_with": _without_last,
    "permission": _nothing_known,
}
