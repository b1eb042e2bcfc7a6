"""Settings as people read and write them: texts of values, and what each version changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from renwei.core.shop import Settings

ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo",
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip
CURRENCIES = ("CNY", "HKD", "TWD", "USD", "EUR", "GBP", "JPY", "SGD")
_OURS = ("version", "at", "by")

Change = tuple[Any, list[tuple[str, str, str]]]
"""When, and of each setting that changed: key, text before, text after."""


class Answer(Protocol):
    """What the operation `settings` answers."""

    settings: Sequence[Any]
    history: Sequence[Mapping[str, Any]]


def text_of(key: str, value: Any) -> str:
    """A value as it stands in the form.

    Example:
        >>> text_of("holdout", 0.05), text_of("minutes", 40), text_of("name", None)
        ('5%', '40', '')
    """
    if value is None:
        return ""
    return f"{value * 100:g}%" if key == "holdout" else str(value)


def changes(history: Sequence[Mapping[str, Any]]) -> list[Change]:
    """What each version changed, newest first."""
    found: list[Change] = []
    for now, before in zip(history, [*history[1:], {}], strict=False):
        names = [name for name in now if name not in _OURS]
        lines = [
            (name, text_of(name, _of(before, name)), text_of(name, now[name]))
            for name in names
            if now[name] != before.get(name)
        ]
        found.append((now["at"], lines))
    return found


def _of(body: Mapping[str, Any], name: str) -> Any:
    return body[name] if name in body else asdict(Settings()).get(name)
