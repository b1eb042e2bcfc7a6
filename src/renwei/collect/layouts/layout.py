"""What a layout states about itself: data, so that a new platform is a page to read."""

from __future__ import annotations

from typing import Literal

import msgspec


class Layout(msgspec.Struct, frozen=True):
    """How one platform writes its orders, beyond what the synonyms know.

    `marks` are headers that give it away, `least` how many are needed; `called` are words in
    title rows, sheet or file names. `fields` overrides synonyms ("" ignores a column). `zone`
    and `currency` hold where the platform knows only one. `amounts` is what an amount on each
    line of an order most likely is where the file gives no evidence. `whole_total` says that the
    total always holds the shipping, free or not. `returns` starts the
    number of a document that takes back an earlier sale. `zero_price` says whether a line
    without a price is a gift or no sale at all.
    """

    name: str
    marks: tuple[str, ...] = ()
    least: int = 2
    called: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    zone: str = ""
    currency: str = ""
    amounts: Literal["repeated", "summed"] = "repeated"
    whole_total: bool = False
    returns: str = ""
    zero_price: Literal["gift", "refused"] = "gift"
    names: tuple[str, ...] = ()
    """Column names where the file has no header of its own."""
