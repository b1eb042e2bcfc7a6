"""Faults as people read them: one sentence in their language. Every door says the same."""

from __future__ import annotations

import errno

from renwei.app import build
from renwei.core.errors import RenweiError, Unavailable


def sentence_of(fault: RenweiError, language: str) -> str:
    """The fault's sentence; English code and values where a sentence is missing."""
    words = build.words()
    key = f"errors.{fault.code}"
    if not words.has(key):
        return str(fault)
    said = words.say(key, fault.values, language)
    if fault.values.get("suggestion"):
        said += " " + words.say("cli.did_you_mean", fault.values, language)
    return said


def machine_fault(broken: Exception) -> RenweiError | None:
    """What the machine refused (memory, disk, permissions), or None where it is our fault.

    Example:
        >>> str(machine_fault(OSError(28, "No space left on device", "/data")))
        "disk_full {'path': '/data'}"
    """
    if isinstance(broken, MemoryError):
        return Unavailable("out_of_memory")
    if isinstance(broken, OSError):
        path = str(broken.filename or "")
        if broken.errno in (errno.ENOSPC, errno.EDQUOT):
            return Unavailable("disk_full", path=path)
        if broken.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return Unavailable("read_only", path=path, found=broken.strerror or "")
    return None
