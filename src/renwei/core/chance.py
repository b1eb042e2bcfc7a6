"""All randomness of decisions: u(unit, salt, slot), a fixed 64-bit hash seen as a uniform.

The same unit, salt and slot give the same number for ever, in Python and in numpy, so
arms, hold-outs and layouts stick to a person without anything being stored, and any draw
can be replayed. The mixer is the finaliser of splitmix64 (Steele, Lea and Flood 2014,
doi:10.1145/2714064.2660195), applied to the unit, to the salt and to the slot in turn.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from typing import Any

from renwei.core.clock import to_us

MASK = 0xFFFFFFFFFFFFFFFF
GOLDEN = 0x9E3779B97F4A7C15
_TO_UNIT = 2.0**-53
_salts: dict[str, int] = {}
_mixed: dict[tuple[str, int], int] = {}


def mix(x: int) -> int:
    """Scramble 64 bits; a bijection.

    Example:
        >>> hex(mix(1))
        '0x5692161d100b05e5'
    """
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def hash64(text: str) -> int:
    """A 64-bit number for a text, the same on every machine and in every version."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def salt64(salt: str) -> int:
    """`hash64`, remembered: salts are few and used often."""
    number = _salts.get(salt)
    if number is None:
        number = _salts.setdefault(salt, hash64(salt))
    return number


def u(unit: int, salt: str, slot: int = 0) -> float:
    """A uniform in [0, 1) fixed by unit, salt and slot.

    Args:
        unit: What the draw sticks to: a decision, a session or a person, as 64 bits.
        salt: What the draw is for, such as "today/holdout".
        slot: Position within one answer.

    Example:
        >>> u(42, "a") == u(42, "a"), u(42, "a") == u(42, "b")
        (True, False)
    """
    mixed = _mixed.get((salt, slot))
    if mixed is None:
        mixed = _mixed.setdefault((salt, slot), mix((salt64(salt) + slot * GOLDEN) & MASK))
    return (mix((mix((unit & MASK) ^ mixed) + GOLDEN) & MASK) >> 11) * _TO_UNIT


def u_many(units: Any, salt: str, slot: int = 0) -> Any:
    """`u` for a numpy array of units: shape (n,), uint64 or int64 -> shape (n,), float64."""
    import numpy as np

    x = np.asarray(units).astype(np.uint64) ^ np.uint64(mix((salt64(salt) + slot * GOLDEN) & MASK))
    x = _mix_many(_mix_many(x) + np.uint64(GOLDEN))
    return (x >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def _mix_many(x: Any) -> Any:
    import numpy as np

    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def new_number() -> int:
    """A fresh random 63-bit number for an actor; positive, so that SQLite keeps it as is."""
    return int.from_bytes(os.urandom(8), "little") >> 1 or 1


def new_id(at: datetime) -> str:
    """A UUIDv7 (RFC 9562): sorts by time, unguessable in the rest.

    Example:
        >>> from datetime import UTC
        >>> new_id(datetime(2026, 1, 1, tzinfo=UTC))[:13]
        '019b76da-a800'
    """
    return new_id_and_unit(at)[0]


def new_id_and_unit(at: datetime) -> tuple[str, int]:
    """A `new_id` and its `id_unit`, without reading the text back."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    ms = round(at.timestamp() * 1_000_000) // 1_000 & 0xFFFFFFFFFFFF
    rest = int.from_bytes(os.urandom(10), "big")
    high, low = ms << 16 | 0x7000 | rest >> 68 & 0xFFF, 1 << 63 | rest & (1 << 62) - 1
    return id_text(high, low), mix(high ^ mix(low)) or 1


def new_ids(at: datetime, n: int) -> Any:
    """`new_id` n times over: shape (n, 2), uint64, the high and the low half of each."""
    import numpy as np

    halves = np.frombuffer(os.urandom(16 * n), dtype=np.uint64).reshape(n, 2).copy()
    ms = to_us(at) // 1000 & 0xFFFFFFFFFFFF
    halves[:, 0] = halves[:, 0] & np.uint64(0xFFF) | np.uint64(ms << 16 | 0x7000)
    halves[:, 1] = halves[:, 1] & np.uint64((1 << 62) - 1) | np.uint64(1 << 63)
    return halves


def id_text(high: int, low: int) -> str:
    """An id from its two halves of 64 bits.

    Example:
        >>> id_text(1, 2)
        '00000000-0000-0001-0000-000000000002'
    """
    digits = f"{high << 64 | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_unit(identity: str) -> int:
    """The unit of a draw that sticks to one decision: 64 well mixed bits of its id, never 0."""
    value = int(identity.replace("-", ""), 16)
    return mix(value >> 64 ^ mix(value & MASK)) or 1


def id_units(halves: Any) -> Any:
    """`id_unit` for ids as halves: shape (n, 2), uint64 -> shape (n,), uint64."""
    import numpy as np

    units = _mix_many(halves[:, 0] ^ _mix_many(halves[:, 1]))
    return np.where(units == 0, np.uint64(1), units)


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def to_id(number: int, prefix: str = "p") -> str:
    """One of our 63-bit numbers as people see it: a letter and 13 digits that read aloud well.

    Example:
        >>> to_id(12345678901234567890 >> 1)
        'p5bajmrstrz1b9'
    """
    digits = [_CROCKFORD[number >> shift & 31] for shift in range(60, -1, -5)]
    return prefix + "".join(digits)


def from_id(text: str, prefix: str = "p") -> int | None:
    """The number behind an id, or None where the text is no id.

    Example:
        >>> from_id(to_id(77)), from_id("13800138000")
        (77, None)
    """
    digits = text.strip().lower().removeprefix(prefix)
    if len(digits) != 13 or not text.strip().lower().startswith(prefix):
        return None
    number = 0
    for digit in digits:
        place = _CROCKFORD.find(digit)
        if place < 0:
            return None
        number = number << 5 | place
    return number if number <= MASK >> 1 else None
