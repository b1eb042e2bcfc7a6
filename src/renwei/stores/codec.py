"""Values as JSON text in SQLite, so that its own functions and DuckDB's can read them."""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def to_json(value: Any) -> str:
    """JSON text of a JSON-able value.

    Example:
        >>> to_json({"a": [1, "x"]})
        '{"a":[1,"x"]}'
    """
    return _encoder.encode(value).decode()


def from_json(text: str | bytes) -> Any:
    """The inverse of `to_json`; tuples come back as lists."""
    return _decoder.decode(text)
