"""Bodies opened by what they are: gzip and zlib by their first bytes, never by a header."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from renwei.collect.live.incoming import Incoming, Refusal
from renwei.core.errors import BadInput

BATCH_LIMIT: Final = 4 * 1024 * 1024
_FORM_LIMIT: Final = 2 * BATCH_LIMIT
"""Base64 in percent signs is that much longer than what it holds."""
_GZIP: Final = b"\x1f\x8b"
_ZLIB: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_FIELDS: Final = 100


class Parsed(msgspec.Struct, kw_only=True):
    """What a body held: events, refusals, the write key in it ("" = none), when it was sent."""

    incoming: list[Incoming]
    refused: list[Refusal]
    write_key: str = ""
    sent_at_us: int | None = None

    @classmethod
    def of(
        cls, read: list[Incoming | Refusal], write_key: str = "", sent_at_us: int | None = None
    ) -> Parsed:
        """Sort what was read into events and refusals."""
        return cls(
            incoming=[one for one in read if type(one) is Incoming],
            refused=[one for one in read if type(one) is Refusal],
            write_key=write_key,
            sent_at_us=sent_at_us,
        )


def opened(body: bytes, limit: int = BATCH_LIMIT) -> bytes:
    """The body as text bytes, inflated where it is compressed, at most `limit` long.

    Raises:
        BadInput: `empty_body`, `body_too_large` (limit, size), `bad_gzip` (found).

    Example:
        >>> import gzip
        >>> opened(gzip.compress(b"[1]")), opened(b" [1]")
        (b'[1]', b'[1]')
    """
    if body[:2] == _GZIP or body[:2] in _ZLIB:
        body = _inflated(body, limit)
    elif len(body) > limit:
        raise BadInput("body_too_large", limit=limit, size=len(body))
    if body[:3] == b"\xef\xbb\xbf":
        body = body[3:]
    body = body.lstrip()
    if not body:
        raise BadInput("empty_body")
    return body


def _inflated(body: bytes, limit: int) -> bytes:
    # One byte more than allowed shows that there is more; the rest is never unpacked.
    turned = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        data = turned.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadInput("bad_gzip", found=str(error)[:80]) from error
    if len(data) > limit:
        raise BadInput("body_too_large", limit=limit, size=len(data))
    if not turned.eof:
        raise BadInput("bad_gzip", found="the end is missing")
    return data


def is_form(body: bytes, names: tuple[bytes, ...] = (b"data", b"data_list")) -> bool:
    """Whether a body is a form that carries its events in one of these fields."""
    head = body[:200].partition(b"=")
    return head[0].rpartition(b"&")[2] in names or any(
        b"&" + name + b"=" in body[:2_000] for name in names
    )


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form or a query; the first of each name counts.

    Raises:
        BadInput: `bad_form`, `body_too_large`.
    """
    if len(body) > _FORM_LIMIT:
        raise BadInput("body_too_large", limit=_FORM_LIMIT, size=len(body))
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise BadInput("bad_form", found=str(error)[:80]) from error
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def unpacked(text: str) -> bytes:
    """What base64 (plain, URL-safe, with blanks for plus signs) holds, inflated if need be.

    Text that is JSON already is taken as it is.

    Raises:
        BadInput: `bad_base64`, and as `opened`.

    Example:
        >>> unpacked("eyJhIjoxfQ=="), unpacked('{"a":1}')
        (b'{"a":1}', b'{"a":1}')
    """
    bare = text.strip()
    if bare[:1] in ("{", "["):
        return opened(bare.encode())
    if "%" in bare:
        bare = unquote_to_bytes(bare).decode("latin-1")
    bare = bare.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("bad_base64", found=str(error)[:80]) from error
    return opened(data)


def json_of(body: bytes) -> Any:
    """The value of JSON bytes.

    Raises:
        BadInput: `bad_json` with the position.
    """
    try:
        return _any.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise bad_json(body, error) from error


_any: Final = msgspec.json.Decoder()


def bad_json(body: bytes, error: Exception) -> BadInput:
    """The fault of a body that is no JSON: line, column and byte where it breaks."""
    where = str(error).rpartition("byte ")[2].rstrip(")")
    byte = int(where) if where.isdigit() else 0
    line = body.count(b"\n", 0, byte) + 1
    column = byte - (body.rfind(b"\n", 0, byte) + 1) + 1
    return BadInput("bad_json", line=line, column=column, byte=byte, found=str(error)[:120])
