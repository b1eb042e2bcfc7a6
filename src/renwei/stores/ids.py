"""Decision ids as SQLite keeps them: 16 bytes for a UUID, text for anything else."""

from __future__ import annotations

import uuid


def to_key(name: str) -> bytes | str:
    """The stored form of an id.

    Example:
        >>> len(to_key("019b76da-a800-7000-8000-000000000000")), to_key("d1")
        (16, 'd1')
    """
    if len(name) != 36:
        return name
    try:
        key = bytes.fromhex(name.replace("-", ""))
    except ValueError:
        return name
    return key if len(key) == 16 and from_key(key) == name else name


def from_key(key: bytes | str) -> str:
    """The inverse of `to_key`."""
    return str(uuid.UUID(bytes=bytes(key))) if isinstance(key, bytes) else key
