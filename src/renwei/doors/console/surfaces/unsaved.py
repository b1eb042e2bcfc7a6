"""A page as it would be if it were saved: shown on the phones, and nothing is written.

The page is asked of the same operation as ever, on a store in which the page's document is the
one that was not saved yet, and whose ledger and catalogue take nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from renwei.core.nouns import Decision, Item
from renwei.core.store import Paper, Papers, Store
from renwei.doors.console import gate
from renwei.doors.console.frame import Visit
from renwei.doors.console.surfaces.looked import plain
from renwei.pages.documents import KIND
from renwei.recommend.model import model
from renwei.recommend.seen import VISIT

NEVER_KEPT = 1 << 40
"""Numbers of modules that are not in the catalogue yet begin here."""


def look(visit: Visit, name: str, page: Mapping[str, Any], person: str) -> Any:
    """What the page would show somebody, as plain data.

    Args:
        visit: Who asks.
        name: Of the page.
        page: The whole document, as `pages set` takes it.
        person: Whose eyes; "" is somebody unknown.

    Raises:
        RenweiError: Whatever the page refuses.
    """
    from renwei.pages.serving import PageRequest
    from renwei.pages.serving import page as served

    fields: dict[str, Any] = {"name": name, "user_id": person, "session_id": VISIT}
    gate.insist(visit.visitor, "page", fields)
    shop = visit.house.shop(visit.language)
    # What is kept for a store is kept for its likeness too, once it is there.
    model(shop)
    at = visit.house.clock.now()
    unsaved = replace(shop, store=_Unsaved(shop.store, name, page, at))
    answer = served(unsaved, PageRequest(**fields, explain=True))
    return plain(gate.shown(visit.visitor, answer))


class _Beside:
    """Something with a few answers of its own; all others are those of what it stands beside."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class _Unsaved(_Beside):
    """A store whose page is another. What caches keep for the store holds for it as well."""

    def __init__(self, whole: Store, name: str, page: Mapping[str, Any], at: datetime) -> None:
        super().__init__(whole)
        self.papers = _Papers(whole.papers, name, page, at)
        self.ledger = _Ledger(whole.ledger)
        self.items = _Items(whole.items)

    def __hash__(self) -> int:
        return hash(self._whole)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._whole


class _Papers(_Beside):
    def __init__(self, whole: Papers, name: str, page: Mapping[str, Any], at: datetime) -> None:
        super().__init__(whole)
        self._name, self._page, self._at = name, page, at

    def get(self, kind: str, name: str, version: int | None = None) -> Paper | None:
        """The unsaved page in the place of the saved one."""
        if (kind, name) == (KIND, self._name):
            return Paper(kind, name, 0, self._page, "", self._at)
        found: Paper | None = self._whole.get(kind, name, version)
        return found


class _Ledger(_Beside):
    def record(self, decision: Decision, effects: Sequence[Any] = ()) -> Decision:
        """Nothing was decided for anybody."""
        return decision

    def of(self, persons: Sequence[int], *, limit: int = 100) -> list[Decision]:
        """A visit that has seen nothing yet, so that no order of before is held on to."""
        return []


class _Items(_Beside):
    def upsert(self, items: Sequence[Item]) -> list[int]:
        """Numbers of modules; those that nobody saved yet get one for the moment."""
        numbers: list[int] = self._whole.by_code("module", [one.code for one in items])
        return [number or NEVER_KEPT + k for k, number in enumerate(numbers)]
