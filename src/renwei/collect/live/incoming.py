"""What a wire hands over: events in one shape whatever the SDK, and refusals with reasons."""

from __future__ import annotations

from typing import Any

import msgspec


class Incoming(msgspec.Struct, kw_only=True, gc=False):
    """One event as it arrived, in the words of the Segment specification.

    `kind` is one of track, identify, page, screen, group, alias, merge. `at_us` is the event's
    own time in microseconds, already corrected for the sender's clock (sentAt); None = arrival.
    `message_id` is the sender's, or made of a hash of the raw bytes where none was sent.
    `previous_id` is the other identifier of an alias or merge. `wire` names the SDK family, `size`
    is the length of its bytes as sent.
    """

    index: int
    kind: str
    name: str = ""
    message_id: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    previous_id: str = ""
    group_id: str = ""
    at_us: int | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    size: int = 0
    wire: str = "segment"


class Refusal(msgspec.Struct, kw_only=True, gc=False):
    """One event that was not taken: where in the body, which field, and why.

    `code` is a key `refusals.<code>` of the words of this folder, `values` what its sentence
    names. `raw` are the bytes as sent (personal data: sealed before they are kept), `plain` the
    same event in the words of the Segment specification where the wire has others;
    `skew_us` is how far the sender's clock was ahead.
    """

    index: int
    field: str
    code: str
    values: dict[str, Any] = {}
    message_id: str = ""
    raw: bytes = b""
    plain: bytes = b""
    skew_us: int = 0
    wire: str = ""
