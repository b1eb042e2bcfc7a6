"""Where an operation works that opens no workspace: to restore one, to say what ails it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from renwei.core.clock import Clock, WallClock
from renwei.core.shop import Progress, Shop, silent

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Place:
    """A directory, whatever lies there, and how to speak to who asked."""

    directory: Path
    language: str = "en"
    progress: Progress = silent
    clock: Clock = field(default_factory=WallClock)

    def say(self, key: str, **values: Any) -> str:
        """A sentence in the user's language."""
        from renwei.app import build

        return build.words().say(key, values, self.language)


def bare(work: Callable[[Place, Request], Answer]) -> Callable[[Place | Shop, Request], Answer]:
    """Mark an operation that works on a directory: doors need not open the workspace first."""

    @functools.wraps(work)
    def call(where: Place | Shop, request: Request) -> Answer:
        return work(where if isinstance(where, Place) else _of(where), request)

    call.__dict__["bare"] = True
    return call


def is_bare(call: Callable[..., Any]) -> bool:
    """Whether an operation takes a Place."""
    return bool(getattr(call, "bare", False))


def _of(shop: Shop) -> Place:
    return Place(shop.store.directory, shop.language, shop.progress, shop.clock)
