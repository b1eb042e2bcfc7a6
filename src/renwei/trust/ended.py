"""Keys that were revoked and accounts that were removed stay so, whatever is put back.

A backup of before knows nothing of it. Where the store keeps a list apart from the directory,
it is written before anything else, and read whenever a directory is opened for writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from renwei.core.shop import Shop
from renwei.trust import keys, members


class Listed(Protocol):
    """Ids kept apart from the data directory."""

    def add(self, names: Sequence[str]) -> None:
        """Remember, on disk before it returns."""
        ...

    def names(self) -> set[str]:
        """All that were ever added."""
        ...


@runtime_checkable
class _Keeps(Protocol):
    @property
    def apart(self) -> Listed: ...


def note(shop: Shop, name: str) -> None:
    """Remember that a key or an account was ended."""
    if isinstance(shop.store, _Keeps):
        shop.store.apart.add([name])


def end_again(shop: Shop, at: datetime) -> int:
    """End what an older directory brought back to life; returns how many."""
    ended = shop.store.apart.names() if isinstance(shop.store, _Keeps) else set()
    if not ended:
        return 0
    alive = [key.id for key in keys.kept(shop) if key.revoked is None and key.id in ended]
    back = [one for one in members.everybody(shop) if one.account.id in ended]
    for key in alive:
        keys.revoke(shop, key, at)
    for one in back:
        members.remove(shop, one)
    return len(alive) + len(back)
