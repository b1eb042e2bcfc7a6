"""What the marketer said is not to a person's taste: kept from every list, draft and score.

A correction is a Paper (kind "correction", by person) that the page of the person writes; it
is read here at once, and taken back at once when it is undone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from renwei.core.chance import from_id, to_id
from renwei.core.nouns import Item
from renwei.core.shop import Shop

KIND = "correction"


def corrected_away(shop: Shop, person: int | None = None) -> dict[int, frozenset[int]]:
    """The items that are out of the question, by person: of everybody or of one."""
    wrong = _wrong(shop, person)
    if not wrong:
        return {}
    store = shop.store.items
    products, care = store.all_items("product"), store.all_items("care")
    return {one: frozenset(_items(pairs, products, care)) for one, pairs in wrong.items()}


def _wrong(shop: Shop, person: int | None) -> dict[int, set[tuple[str, str]]]:
    """What each person is known not to like, by kind and value."""
    papers, people = shop.store.papers, shop.store.people
    names = papers.names(KIND) if person is None else [to_id(a) for a in people.actors_of(person)]
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for name in names:
        paper, number = papers.get(KIND, name), from_id(name)
        if paper is not None and number is not None and paper.body.get("no"):
            pairs = {(str(kind), str(value)) for kind, value in paper.body["no"]}
            found[people.persons_of([number])[0]] |= pairs
    return dict(found)


def _items(wrong: set[tuple[str, str]], products: Iterable[Item], care: Iterable[Item]) -> set[int]:
    mine = {product.number for product in products if wrong & _signs(product)}
    return mine | {one.number for one in care if one.code.isdigit() and int(one.code) in mine}


def _signs(product: Item) -> set[tuple[str, str]]:
    signs = {("item", product.title), ("category", product.category)}
    return signs | {(key, str(product.facts.get(key) or "")) for key in ("brand", "creator")}
