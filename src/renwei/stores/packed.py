"""A decision as a few hundred bytes: the record of law 10, complete and small.

Layout, little-endian: a fixed header, then columns. Numbers take 2, 4 or 8 bytes, as all of a
column fit; names are word numbers (see words.py), those of candidates by their place
in a short list. Prices, reasons, parent and extra follow as MessagePack where there are any.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from enum import IntFlag
from typing import Any

import msgspec

from renwei.core.chance import MASK
from renwei.core.nouns import Decision, Reason, Removal

_LAYOUT = 1
_HEAD = struct.Struct("<BHQqIHHHHHBBB")
_KINDS = "hiq"
_BITS = (16, 32, 64)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class _Wide(IntFlag):
    """How wide the columns are: two bits each for items, scores and groups (see _KINDS)."""

    ITEMS = 1
    SCORES = 4
    GROUPS = 16
    WORDS = 64
    HAS_GROUPS = 128


def tail_of(decision: Decision) -> bytes:
    """Prices, reasons, parent and extra as MessagePack; empty where there are none."""
    return pack_tail(decision.prices, decision.reasons, decision.parent, decision.extra)


def pack_tail(
    prices: Mapping[str, int], reasons: Sequence[Reason], parent: str, extra: Mapping[str, Any]
) -> bytes:
    """`tail_of`, from the parts."""
    if not (prices or reasons or parent or extra):
        return b""
    listed = [[reason.code, reason.values, reason.evidence] for reason in reasons]
    return _pack([prices, listed, parent, extra])


def tail_fields(tail: bytes) -> dict[str, Any]:
    """The fields behind `tail_of`."""
    if not tail:
        return {}
    prices, reasons, parent, extra = _unpack(tail)
    return {
        "prices": prices,
        "reasons": tuple(Reason(code, values, tuple(seen)) for code, values, seen in reasons),
        "parent": parent,
        "extra": extra,
    }


def forgotten_tail(tail: bytes) -> bytes:
    """The tail without what it says of a person: reasons keep their codes alone."""
    if not tail:
        return b""
    prices, reasons, parent, _ = _unpack(tail)
    return _pack([prices, [[code, {}, ()] for code, _, _ in reasons], parent, {}])


def pack(decision: Decision, number_of: Callable[[str], int]) -> bytes:
    """The bytes of a decision, but for id, person, surface and time (columns of their own).

    Args:
        decision: What to keep.
        number_of: Gives each word its number.
    """
    single = [
        number_of(text)
        for text in (decision.salt, decision.policy, decision.model, decision.consent)
    ]
    sources, of_source = _listed(decision.sources, number_of)
    codes, of_code = _listed(decision.codes, number_of)
    guards, of_guard = _listed([removal.guard for removal in decision.removed], number_of)
    items = [*decision.items, *decision.chosen, *(removal.item for removal in decision.removed)]
    words, places = [*single, *sources, *codes, *guards], [*of_source, *of_code, *of_guard]
    wide = _wide(decision, items, words)
    head = _HEAD.pack(
        _LAYOUT,
        wide,
        decision.unit & MASK,
        decision.position,
        decision.map_version,
        decision.surface_version,
        decision.schema,
        len(decision.items),
        len(decision.removed),
        len(decision.chosen),
        len(sources),
        len(codes),
        len(guards),
    )
    return b"".join(
        (
            head,
            _column(words, "I" if wide & _Wide.WORDS else "H"),
            _column(items, _kind(wide, _Wide.ITEMS)),
            _column(decision.scores, _kind(wide, _Wide.SCORES)),
            _column(places, "B"),
            _column(decision.odds, "d"),
            _column(decision.groups, _kind(wide, _Wide.GROUPS)),
            tail_of(decision),
        )
    )


def unpack(body: bytes, text_of: Callable[[int], str], **known: Any) -> Decision:
    """The inverse of `pack`; `known` are id, person, surface and at."""
    fields, read = _open(body)
    wide, kept, removed, chosen = (fields[name] for name in ("wide", "items", "removed", "chosen"))
    listed = fields["listed"]
    words = [text_of(n) for n in read(4 + sum(listed), "I" if wide & _Wide.WORDS else "H")]
    items = read(kept + chosen + removed, _kind(wide, _Wide.ITEMS))
    scores = read(kept, _kind(wide, _Wide.SCORES))
    places = read(2 * kept + removed, "B")
    odds = read(chosen, "d")
    grouped = kept if wide & _Wide.HAS_GROUPS else 0
    groups = read(grouped, _kind(wide, _Wide.GROUPS))
    codes_at, guards_at = 4 + listed[0], 4 + listed[0] + listed[1]
    return Decision(
        unit=fields["unit"],
        salt=words[0],
        items=items[:kept],
        scores=scores,
        sources=tuple(words[4 + place] for place in places[:kept]),
        codes=tuple(words[codes_at + place] for place in places[kept : 2 * kept]),
        removed=tuple(
            Removal(item, words[guards_at + place])
            for item, place in zip(items[kept + chosen :], places[2 * kept :], strict=True)
        ),
        chosen=items[kept : kept + chosen],
        odds=odds,
        policy=words[1],
        model=words[2],
        consent=words[3],
        surface_version=fields["surface_version"],
        position=fields["position"],
        map_version=fields["map_version"],
        schema=fields["schema"],
        groups=groups,
        **tail_fields(read.rest()),
        **known,
    )


def outlined(body: bytes, text_of: Callable[[int], str]) -> tuple[bool, set[str]]:
    """Whether something was chosen, and the guards that removed something."""
    fields, read = _open(body)
    wide, kept, removed, chosen = (fields[name] for name in ("wide", "items", "removed", "chosen"))
    listed = fields["listed"]
    words = read(4 + sum(listed), "I" if wide & _Wide.WORDS else "H")
    items = read(kept + chosen + removed, _kind(wide, _Wide.ITEMS))
    if removed:
        read(kept, _kind(wide, _Wide.SCORES))
    places = read(2 * kept + removed, "B")[2 * kept :] if removed else ()
    first = 4 + listed[0] + listed[1]
    guards = {text_of(words[first + place]) for place in set(places)}
    return any(items[kept : kept + chosen]), guards


def forgotten(body: bytes, units: Callable[[int], int]) -> bytes:
    """The bytes of a decision about nobody: no values of reasons, no extra.

    Args:
        body: As packed.
        units: Gives the unit that stands in for one that is the person's own number.
    """
    fields, read = _open(body)
    kept, removed, chosen = (fields[name] for name in ("items", "removed", "chosen"))
    wide = fields["wide"]
    read(4 + sum(fields["listed"]), "I" if wide & _Wide.WORDS else "H")
    read(kept + chosen + removed, _kind(wide, _Wide.ITEMS))
    read(kept, _kind(wide, _Wide.SCORES))
    read(2 * kept + removed, "B")
    read(chosen, "d")
    read(kept if wide & _Wide.HAS_GROUPS else 0, _kind(wide, _Wide.GROUPS))
    tail = read.rest()
    head = list(_HEAD.unpack_from(body))
    head[2] = units(head[2]) & MASK
    return _HEAD.pack(*head) + body[_HEAD.size : len(body) - len(tail)] + forgotten_tail(tail)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = _HEAD.size

    def __call__(self, count: int, kind: str) -> tuple[Any, ...]:
        column = struct.Struct(f"<{count:d}{kind}")
        values = column.unpack_from(self._body, self._at)
        self._at += column.size
        return values

    def rest(self) -> bytes:
        return self._body[self._at :]


def _open(body: bytes) -> tuple[dict[str, Any], _Reader]:
    layout, wide, unit, position, map_version, surface_version, schema, *counts = _HEAD.unpack_from(
        body
    )
    if layout != _LAYOUT:
        raise ValueError(f"decision layout {layout}")
    fields = {
        "wide": wide,
        "unit": unit,
        "position": position,
        "map_version": map_version,
        "surface_version": surface_version,
        "schema": schema,
        "items": counts[0],
        "removed": counts[1],
        "chosen": counts[2],
        "listed": counts[3:],
    }
    return fields, _Reader(body)


def _wide(decision: Decision, items: Sequence[int], words: Sequence[int]) -> int:
    wide = 0
    for flag, column in (
        (_Wide.ITEMS, items),
        (_Wide.SCORES, decision.scores),
        (_Wide.GROUPS, decision.groups),
    ):
        reach = max((max(column), -min(column) - 1)) if column else 0
        wide |= flag * next(k for k, bits in enumerate(_BITS) if reach < 1 << bits - 1)
    if max(words) > 0xFFFF:
        wide |= _Wide.WORDS
    if decision.groups:
        wide |= _Wide.HAS_GROUPS
    return wide


def _kind(wide: int, column: _Wide) -> str:
    return _KINDS[wide // column & 3]


def _listed(texts: Sequence[str], number_of: Callable[[str], int]) -> tuple[list[int], list[int]]:
    places: dict[str, int] = {}
    of_each = [places.setdefault(text, len(places)) for text in texts]
    if len(places) > 0xFF:
        raise ValueError(f"{len(places)} different names in one column of a decision")
    return [number_of(text) for text in places], of_each


def _column(values: Sequence[Any], kind: str) -> bytes:
    return struct.pack(f"<{len(values):d}{kind}", *values)
