"""What the names of an event's properties tell, whatever their values: worked out once.

An app sends the same few sets of names over and over, and every event asks the same questions
of them: is there a product, a place, a length of time?
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from renwei.collect.live.naming import DWELL_KEYS, KEYS

_KEPT: Final = 2_000
_LETTERS: Final = 4_000
"""A longer set of names is not remembered, so that what is remembered stays small."""
_PLACES: Final = KEYS["latitude"] | KEYS["longitude"]


class Shape(msgspec.Struct, frozen=True):
    """The names that may hold something, of one set of names.

    `dwell` and `places` are in the order of the properties; `fields` are ours that any may hold.
    """

    dwell: tuple[str, ...]
    places: tuple[str, ...]
    fields: frozenset[str]


def shape_of(properties: Mapping[str, Any]) -> Shape:
    """The shape of some properties.

    Example:
        >>> shape = shape_of({"sku": 1, "lat": 2.5, "productId": 7})
        >>> shape.dwell, shape.places, sorted(shape.fields)
        ((), ('lat',), ['latitude', 'product', 'sku'])
    """
    names = tuple(properties)
    shape = _shapes.get(names)
    if shape is None:
        shape = _made(names)
        if sum(map(len, names)) <= _LETTERS:
            if len(_shapes) >= _KEPT:
                _shapes.clear()
            _shapes[names] = shape
    return shape


def _made(names: tuple[str, ...]) -> Shape:
    return Shape(
        dwell=tuple(name for name in names if name in DWELL_KEYS),
        places=tuple(name for name in names if name in _PLACES),
        fields=frozenset(field for field, forms in KEYS.items() if not forms.isdisjoint(names)),
    )


_shapes: dict[tuple[str, ...], Shape] = {}
