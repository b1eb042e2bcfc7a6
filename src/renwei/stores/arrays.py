"""Arrow arrays laid over memory as it is, and numpy arrays over Arrow's.

pyarrow.array() and to_numpy() look for pandas first and import it where it is installed,
which takes longer than drawing up a shop's whole list. Nothing here does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def of_numbers(values: Any) -> pa.Array:
    """Numbers without a copy: shape (n,), any integer or float type."""
    flat = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(flat.dtype)
    return pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])


def of_texts(texts: Sequence[str]) -> pa.Array:
    """Texts, none of them missing."""
    return _packed(pa.string(), [text.encode() for text in texts])


def of_bytes(parts: Sequence[bytes]) -> pa.Array:
    """Bytes of any length, none of them missing."""
    return _packed(pa.binary(), parts)


def _packed(kind: pa.DataType, parts: Sequence[bytes]) -> pa.Array:
    ends = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(part) for part in parts], out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(kind, len(parts), buffers)


def to_numbers(column: pa.ChunkedArray, kind: str = "") -> Any:
    """A column without missing values as numpy: shape (n,).

    Args:
        column: Numbers, or bytes of one length.
        kind: The numpy type; for bytes such as "S16", for numbers their own if empty.
    """
    dtype = np.dtype(kind or str(column.type))
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype)
