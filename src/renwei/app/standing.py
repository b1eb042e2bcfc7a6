"""The shop under the settings of this moment, for whatever serves it for long."""

from __future__ import annotations

from renwei.app import build, settings
from renwei.app.operations import AUTONOMY
from renwei.app.upkeep.retention import embedded
from renwei.core.shop import Shop


class Standing:
    """Settings and autonomy are read anew only where they changed, in whatever process.

    Args:
        shop: As it was opened.
    """

    def __init__(self, shop: Shop) -> None:
        self._opened = shop
        self._store = embedded(shop.store)
        self._held: tuple[int, Shop] | None = None

    def now(self) -> Shop:
        """The shop as it stands."""
        turns = self._store.papers.turns(settings.KIND, AUTONOMY)
        held = self._held
        if held is None or held[0] != turns:
            shop = build.renewed(self._opened, build.settings_of(self._store))
            held = self._held = (turns, shop)
        return held[1]
