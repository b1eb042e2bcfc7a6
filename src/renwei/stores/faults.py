"""What SQLite and the operating system complain of, as faults that a user can act on."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from renwei.core.errors import Unavailable

_OS_CODES = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOTDIR: "not_a_workspace",
    errno.EEXIST: "not_a_workspace",
    errno.EIO: "damaged",
}
_SQLITE_CODES = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "damaged",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_BUSY: "in_use",
    sqlite3.SQLITE_LOCKED: "in_use",
}
# SQLite reports a write refused by a quota or a size limit as an I/O error of its own kind.
_REFUSED_WRITES = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}


def fault_of(error: OSError | sqlite3.Error, path: Path) -> Unavailable | None:
    """The fault behind an error, or None where the error is a mistake of ours.

    Example:
        >>> fault_of(OSError(errno.ENOSPC, "full"), Path("x")).code
        'disk_full'
    """
    if isinstance(error, OSError):
        code = _OS_CODES.get(error.errno or 0)
    else:
        number = getattr(error, "sqlite_errorcode", None) or 0
        code = "disk_full" if number in _REFUSED_WRITES else _SQLITE_CODES.get(number & 0xFF)
    if code is None:
        return None
    return Unavailable(code, path=str(path), found=str(error), pid="?")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn faults of the machine inside the block into Unavailable, naming the path."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        fault = fault_of(error, path)
        if fault is None:
            raise
        raise fault from error
