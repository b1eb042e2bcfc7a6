"""Passwords: argon2id with the library's defaults (RFC 9106, the low-memory choice).

The rules follow NIST SP 800-63B: length counts, kinds of signs do not; what everybody tries
first is refused.
"""

from __future__ import annotations

import functools
import itertools
import threading
import unicodedata
from importlib.resources import files
from typing import Any

from renwei.core.errors import BadInput
from renwei.trust.drawer import random_signs

LEAST, MOST = 10, 256
AT_ONCE = 2
"""Each check takes 64 MiB; more of them at once would let strangers fill the memory."""

_turns = threading.BoundedSemaphore(AT_ONCE)


def check_rules(password: str, email: str) -> None:
    """Refuse what would be guessed.

    Raises:
        BadInput: password_short, password_long, password_email or password_common.
    """
    plain = _plain(password)
    if len(plain) < LEAST:
        raise BadInput("password_short", least=LEAST)
    if len(plain) > MOST:
        raise BadInput("password_long", most=MOST)
    low, address = plain.lower(), email.lower()
    if low == address or low == address.partition("@")[0]:
        raise BadInput("password_email")
    if low in _common() or _is_pattern(low):
        raise BadInput("password_common")


def hash_of(password: str) -> str:
    """The argon2id hash, its salt and settings included."""
    with _turns:
        return str(_hasher().hash(_plain(password)))


def matches(kept: str, password: str) -> bool:
    """Whether the password is the one hashed; takes as long where nothing is kept."""
    from argon2.exceptions import InvalidHashError, VerificationError

    plain = _plain(password)
    with _turns:
        nobody = _nobody()
        try:
            right = bool(_hasher().verify(kept or nobody, plain[:MOST]))
        except (InvalidHashError, VerificationError):
            right = False
    return right and bool(kept) and len(plain) <= MOST


def is_old(kept: str) -> bool:
    """Whether a hash was made with weaker settings than those of today."""
    return bool(_hasher().check_needs_rehash(kept))


def _plain(password: str) -> str:
    # The same password typed on a phone and on a keyboard has to be the same.
    return unicodedata.normalize("NFKC", password)


def _is_pattern(text: str) -> bool:
    """One to three signs over and over, or signs that follow each other."""
    if any(text == (text[:n] * len(text))[: len(text)] for n in (1, 2, 3)):
        return True
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return steps in ({1}, {-1})


@functools.cache
def _common() -> frozenset[str]:
    return frozenset((files("renwei.trust") / "common.txt").read_text("utf-8").split())


@functools.cache
def _hasher() -> Any:
    from argon2 import PasswordHasher

    return PasswordHasher()


@functools.cache
def _nobody() -> str:
    return str(_hasher().hash(random_signs(43)))
