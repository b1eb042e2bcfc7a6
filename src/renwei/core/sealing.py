"""Bytes about people that live outside the vault: sealed so that forgetting shreds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sealing(Protocol):
    """Seals bytes under an actor's own key; part of `People`.

    What an app sends of a person stays in the log for good. Under the actor's key it can be
    read until the key is destroyed, wherever copies of the log lie.
    """

    def seal_for_many(self, rows: Sequence[tuple[int, bytes]]) -> list[bytes]:
        """Seal bytes of (actor, bytes), aligned; b"" for nobody and for who was forgotten.

        Raises:
            ValueError: A row names an actor that never existed.
        """
        ...

    def open_for(self, actor: int, sealed: bytes) -> bytes | None:
        """The inverse for one actor; None once the key is gone."""
        ...
