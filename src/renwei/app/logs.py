"""Logs: one JSON object a line, in files that rotate by size, without anything personal.

Ids, codes, counts and times are kept; whatever looks like a telephone number or an e-mail
address is masked, bodies and secrets are never written, and of an exception only its kind and
where it arose: its message may quote what somebody sent.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

import msgspec

from renwei.core.clock import from_us
from renwei.core.errors import RenweiError

FILE = "renwei.log"
BYTES, FILES = 10 << 20, 5
MASK = "***"
HIDDEN = frozenset(
    {
        *("address", "authorization", "body", "comment", "content", "context", "cookie", "email"),
        *("headers", "identifier", "identity", "key", "mobile", "name", "note", "openid"),
        *("password", "payload", "phone", "properties", "raw", "request", "response", "secret"),
        *("text", "token", "traits", "unionid", "url", "user_agent", "value"),
    }
)
"""Fields whose values are never written, whatever they hold."""
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_EMAIL = re.compile(r"[^\s@\"'<>(),;:=]+@[^\s@\"'<>(),;]+")
_SCAN = re.compile(
    r"""
    (?<![0-9A-Za-z_])
    (?: (?P<kept>
          [0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}   # an id
        | \d{4}-\d\d-\d\d (?:[T\ ]\d\d(?::\d\d){1,2}(?:\.\d+)?)?  # a day, a time
        | \d{1,3}(?:\.\d{1,3}){3} (?:/\d{1,2})?                 # an address of the network
        | \d{1,3}\.\d+                                          # seconds
        ) (?![0-9A-Za-z_]|[.-]\d)
      | (?P<number> \+?\d[\d\ ().-]{5,}\d ) (?![0-9A-Za-z_])
    )
    """,
    re.VERBOSE,
)
_MOBILE = re.compile(r"(?:86)?1[3-9]\d{9}")
_FULL_WIDTH = {ord("０") + k: str(k) for k in range(10)}
_DEPTH, _LONG = 4, 2_000


def masked(text: str) -> str:
    """A text without telephone numbers and e-mail addresses; ids and days stay.

    Example:
        >>> masked("13800138000 li@example.com +1 (212) 555-0100")
        '*** *** ***'
        >>> masked("2026-03-01 p4k2x 0190f3a2-7c1e-7000-8000-0123456789ab 203.0.113.0/24 0.123456")
        '2026-03-01 p4k2x 0190f3a2-7c1e-7000-8000-0123456789ab 203.0.113.0/24 0.123456'
    """
    shown = _EMAIL.sub(MASK, text.translate(_FULL_WIDTH))
    return _SCAN.sub(_mask_number, shown)


def _mask_number(found: re.Match[str]) -> str:
    number = found["number"]
    if number is None or sum(letter.isdigit() for letter in number) < 7:
        return found.group()
    return MASK


def plain(value: Any, name: str = "", depth: int = 0) -> Any:
    """A value as it may be written: masked, cut short, JSON-able.

    Example:
        >>> plain({"code": "bad", "email": "x", "n": 3, "to": ["13800138000"]})
        {'code': 'bad', 'email': '***', 'n': 3, 'to': ['***']}
    """
    if name.lower() in HIDDEN:
        return MASK
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return MASK if _MOBILE.fullmatch(str(value)) else value
    if isinstance(value, Mapping) and depth < _DEPTH:
        return {str(k)[:80]: plain(v, str(k), depth + 1) for k, v in list(value.items())[:50]}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEPTH:
        return [plain(one, "", depth + 1) for one in list(value)[:50]]
    return masked(str(value)[:_LONG])


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = from_us(int(record.created * 1_000_000))
        line: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        line |= _said(record)
        for name, value in vars(record).items():
            if name not in _OWN:
                line[name] = plain(value, name)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _error(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def _said(record: logging.LogRecord) -> dict[str, Any]:
    text = record.getMessage()
    if text.startswith("{"):
        # The access log writes objects; they need no second wrapping.
        try:
            said = msgspec.json.decode(text)
        except msgspec.DecodeError:
            said = None
        if isinstance(said, dict):
            return {"event": "request"} | {str(k): plain(v, str(k)) for k, v in said.items()}
    return {"event": masked(text[:_LONG])}


def _error(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    said: dict[str, Any] = {
        "kind": type(error).__name__,
        "where": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }
    if isinstance(error, RenweiError):
        said["code"] = error.code
    if isinstance(error, OSError | sqlite3.Error):
        said["detail"] = masked(str(error)[:200])
    return said


class LogFile(RotatingFileHandler):
    """A file that only we may read; when it is full it moves on, and the oldest goes.

    A log that cannot be written (a full disk) never stops the work that is logged.
    """

    def __init__(self, folder: Path, *, size: int = BYTES, files: int = FILES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(folder / FILE, maxBytes=size, backupCount=files - 1, encoding="utf-8")
        self.setFormatter(JsonLines())

    def _open(self) -> IO[Any]:  # type: ignore[override]
        number = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        return os.fdopen(number, "a", encoding="utf-8")

    def close(self) -> None:
        """Close the file; what a full disk did not take is gone."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Let the line go."""


@contextmanager
def writing(
    folder: Path | None, *, level: int = logging.INFO, size: int = BYTES, files: int = FILES
) -> Iterator[logging.Handler]:
    """Write logs into a folder (or to stderr where it is None) until the block ends.

    Args:
        folder: Gets renwei.log and up to `files` - 1 older ones; made when missing.
        level: Of our own loggers; what others say counts from warnings on.
        size: Bytes after which a new file begins.
        files: How many files there are at most.

    Raises:
        OSError: The folder cannot be written.
    """
    handler: logging.Handler
    if folder is None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
    else:
        handler = LogFile(folder, size=size, files=files)
    root, ours = logging.getLogger(), logging.getLogger("renwei")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(level)
    logging.captureWarnings(True)
    try:
        yield handler
    finally:
        logging.captureWarnings(False)
        ours.setLevel(before)
        root.removeHandler(handler)
        handler.close()
