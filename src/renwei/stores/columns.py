"""Decisions as Arrow columns and back: the layout of a sealed segment.

One row a decision; candidates, removals and slots are lists. Names are dictionary-coded, so
that DuckDB reads the files as they are. `tail` holds what is rare (see packed.py); a row whose
reasons are bare codes keeps them in `reasons` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from renwei.core.batch import KEPT, PADDING, Decisions
from renwei.core.chance import MASK
from renwei.core.clock import from_us, to_us
from renwei.core.decide import EXPLORING, SILENCE
from renwei.core.nouns import NOBODY, NOTHING, Decision, Reason, Removal
from renwei.core.permission import GUARDS
from renwei.stores.arrays import of_bytes, of_numbers, of_texts, to_numbers
from renwei.stores.ids import from_key, to_key
from renwei.stores.packed import forgotten_tail, pack_tail, tail_fields, tail_of

_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("id", pa.binary(16)),
        ("person", pa.int64()),
        ("at_us", pa.int64()),
        ("surface", _WORD),
        ("surface_version", pa.int32()),
        ("unit", pa.uint64()),
        ("sticky", pa.int64()),
        ("salt", _WORD),
        ("policy", _WORD),
        ("model", _WORD),
        ("consent", _WORD),
        ("position", pa.int64()),
        ("map_version", pa.int64()),
        ("schema", pa.int32()),
        ("items", pa.list_(pa.int64())),
        ("scores", pa.list_(pa.int64())),
        ("sources", pa.list_(_WORD)),
        ("codes", pa.list_(_WORD)),
        ("groups", pa.list_(pa.int64())),
        ("removed", pa.list_(pa.int64())),
        ("guards", pa.list_(_WORD)),
        ("chosen", pa.list_(pa.int64())),
        ("odds", pa.list_(pa.float64())),
        ("reasons", pa.list_(_WORD)),
        ("tail", pa.binary()),
    ]
)

_FEW_VALUES = [
    *("at_us", "surface", "surface_version", "sticky", "salt", "policy", "model", "consent"),
    *("position", "map_version", "schema", "tail", "odds.list.element"),
    *(f"{name}.list.element" for name in ("sources", "codes", "guards", "reasons")),
]
_NUMBERS = [f"{name}.list.element" for name in ("items", "scores", "groups", "removed", "chosen")]
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "write_statistics": False,
    "use_dictionary": _FEW_VALUES,
    "column_encoding": dict.fromkeys(_NUMBERS, "DELTA_BINARY_PACKED"),
}
"""How Parquet files of the schema are written: a third less time and a quarter less disk than
the defaults, which try a dictionary on every column."""


def from_decisions(decisions: Sequence[Decision]) -> pa.Table:
    """Columns of some decisions.

    Raises:
        ValueError: An id is no UUID: a segment keeps 16 bytes an id.
    """
    keys = [to_key(decision.id) for decision in decisions]
    if not all(isinstance(key, bytes) for key in keys):
        raise ValueError("a decision whose id is no UUID cannot go into a segment")
    plain = ("person", "surface", "surface_version", "salt", "policy", "model", "consent")
    same = ("position", "map_version", "schema", "items", "scores", "sources", "codes")
    columns: dict[str, list[Any]] = {
        name: [getattr(decision, name) for decision in decisions]
        for name in (*plain, *same, "groups", "chosen", "odds")
    }
    columns["id"] = keys
    columns["at_us"] = [to_us(decision.at) for decision in decisions]
    columns["unit"] = [decision.unit & MASK for decision in decisions]
    columns["sticky"] = [0] * len(decisions)
    columns["removed"] = [[gone.item for gone in d.removed] for d in decisions]
    columns["guards"] = [[gone.guard for gone in d.removed] for d in decisions]
    columns["reasons"] = [()] * len(decisions)
    columns["tail"] = [tail_of(decision) for decision in decisions]
    return pa.table([pa.array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)


def from_columns(batch: Decisions, start: int, stop: int) -> pa.Table:
    """Columns of part of a batch, equal to those of its rows, without an object a row."""
    rows = slice(start, stop)
    asks, slates, verdicts = batch.asks.part(rows), batch.slates.part(rows), batch.verdicts[rows]
    n = len(verdicts)
    kept = verdicts == KEPT
    silent = ~kept.any(axis=1)
    if batch.asks.surface.silence:
        silent |= ~(kept & (slates.items == NOTHING)).any(axis=1)
    seen = np.concatenate([kept, silent[:, None]], axis=1)
    lists = _Lists(n, seen)
    shown = batch.chosen[rows] >= 0
    slots = _Lists(n, shown)
    live = verdicts != PADDING
    columns = {
        "id": _ids(batch.ids[rows]),
        "person": asks.persons,
        "at_us": _all(n, to_us(asks.at)),
        "surface": _word(n, asks.surface.name),
        "surface_version": _all(n, asks.surface.version),
        "unit": np.zeros(n, np.uint64) if asks.units is None else asks.units,
        "sticky": _all(n, 0) if asks.sticky is None else asks.sticky,
        "salt": _word(n, batch.salt),
        "policy": _word(n, batch.policy),
        "model": _coded(live.any(axis=1).astype(np.int32), ("", slates.model)),
        "consent": _coded(batch.basis[rows], batch.bases),
        "position": _all(n, asks.position),
        "map_version": _all(n, asks.map_version),
        "schema": _all(n, 1),
        "items": lists.of(slates.items, NOTHING),
        "scores": lists.of(batch.scores[rows], 0),
        "sources": lists.words(slates.sources, slates.source_names, SILENCE),
        "codes": lists.words(slates.codes, slates.code_names, SILENCE),
        "groups": _groups(slates, kept, seen),
        **_removed(slates.items, verdicts, batch.guards),
        "chosen": slots.plain(batch.chosen[rows]),
        "odds": slots.plain(batch.odds[rows]),
        **_reasons(batch, rows, slates),
    }
    return pa.table([_array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def to_decisions(table: pa.Table) -> Iterator[Decision]:
    """The decisions of some rows."""
    columns = (table[name].to_pylist() for name in SCHEMA.names)
    for values in zip(*columns, strict=True):
        row = dict(zip(SCHEMA.names, values, strict=True))
        tail, sticky = tail_fields(row.pop("tail")), row.pop("sticky")
        codes = row.pop("reasons")
        fields = {
            "id": from_key(row.pop("id")),
            "at": from_us(row.pop("at_us")),
            "removed": _removals(row),
            "reasons": tuple(Reason(code) for code in codes),
            **row,
            **{name: value for name, value in tail.items() if value or name != "reasons"},
        }
        for name in ("items", "scores", "sources", "codes", "groups", "chosen", "odds"):
            fields[name] = tuple(fields[name])
        if sticky:
            fields["extra"] = {**fields.get("extra", {}), "sticky": sticky}
        yield Decision(**fields)


def forgotten_rows(table: pa.Table, gone: frozenset[int], units: Callable[[int], int]) -> pa.Table:
    """The same rows with those about some persons given to nobody."""
    person = to_numbers(table["person"])
    mask = np.isin(person, list(gone))
    if not mask.any():
        return table
    person = np.where(mask, NOBODY, person)
    sticky = np.where(mask, 0, to_numbers(table["sticky"]))
    unit = to_numbers(table["unit"])
    tails = table["tail"].to_pylist()
    for row in np.flatnonzero(mask).tolist():
        unit[row] = units(int(unit[row])) & MASK
        tails[row] = forgotten_tail(tails[row])
    changed = {"person": person, "sticky": sticky, "unit": unit, "tail": of_bytes(tails)}
    for name, values in changed.items():
        field = SCHEMA.field(name)
        place = SCHEMA.get_field_index(name)
        table = table.set_column(place, field, _array(values, field.type))
    return table


class _Lists:
    """List columns whose lengths are those of one mask: shape (rows, columns)."""

    def __init__(self, n: int, mask: Any) -> None:
        self._mask = mask
        self.ends = np.zeros(n + 1, dtype=np.int32)
        np.cumsum(mask.sum(axis=1), out=self.ends[1:])

    def plain(self, values: Any) -> pa.Array:
        return pa.ListArray.from_arrays(of_numbers(self.ends), of_numbers(values[self._mask]))

    def of(self, values: Any, last: int) -> pa.Array:
        return self.plain(_with_last(values, last))

    def words(self, places: Any, names: Sequence[str], last: str) -> pa.Array:
        if places is None:
            places = np.zeros((len(self._mask), self._mask.shape[1] - 1), dtype=np.int32)
        flat = _with_last(places, len(names))[self._mask]
        return pa.ListArray.from_arrays(of_numbers(self.ends), _coded(flat, (*names, last)))


def _with_last(values: Any, last: int) -> Any:
    return np.concatenate([values, np.full((len(values), 1), last, dtype=values.dtype)], axis=1)


def _groups(slates: Any, kept: Any, seen: Any) -> pa.Array:
    # Without a kept candidate there is nothing to group, the silence alone needs none.
    some = kept.any(axis=1)[:, None] & (slates.groups is not None)
    groups = np.zeros(kept.shape, np.int64) if slates.groups is None else slates.groups
    return _Lists(len(kept), seen & some).of(groups, 0)


def _removed(items: Any, verdicts: Any, guards: Sequence[str]) -> dict[str, pa.Array]:
    gone = (verdicts != KEPT) & (verdicts != PADDING)
    if (gone & (verdicts > len(GUARDS))).any():
        # Permission removed at one go, the guards after it one by one: in that order.
        turn = np.where(gone, np.maximum(verdicts, len(GUARDS)), PADDING)
        order = np.argsort(turn, axis=1, kind="stable")
        items, verdicts, gone = (
            np.take_along_axis(column, order, axis=1) for column in (items, verdicts, gone)
        )
    lists = _Lists(len(gone), gone)
    places = np.where(gone, verdicts, 1).astype(np.int32) - 1
    flat = _coded(places[gone], guards)
    return {
        "removed": lists.plain(items),
        "guards": pa.ListArray.from_arrays(of_numbers(lists.ends), flat),
    }


def _reasons(batch: Decisions, rows: slice, slates: Any) -> dict[str, Any]:
    chosen, picked = batch.chosen[rows], np.maximum(batch.picked[rows], 0).astype(np.intp)
    own = np.zeros(len(chosen), dtype=bool)
    tail = pack_tail(batch.asks.prices, (), batch.asks.parent, {})
    tails = [tail] * len(chosen)
    for row in range(len(chosen)):
        reasons = batch.reasons.get(rows.start + row)
        if reasons is not None:
            own[row] = True
            tails[row] = pack_tail(batch.asks.prices, reasons, batch.asks.parent, {})
    codes = np.zeros(chosen.shape, dtype=np.int32)
    if slates.codes is not None:
        # A slot of the kernel's own `nothing` lies past the last column and has no reason.
        inside = np.minimum(picked, slates.codes.shape[1] - 1)
        codes = np.take_along_axis(slates.codes, inside, axis=1).astype(np.int32)
    if batch.explored is not None:
        codes = np.where(batch.explored[rows], len(slates.code_names), codes)
    shown = (chosen > NOTHING) & ~own[:, None]
    names = (*slates.code_names, EXPLORING)
    lists = _Lists(len(chosen), shown)
    reasons_column = pa.ListArray.from_arrays(of_numbers(lists.ends), _coded(codes[shown], names))
    return {"reasons": reasons_column, "tail": of_bytes(tails)}


def _removals(row: dict[str, Any]) -> tuple[Removal, ...]:
    pairs: Iterable[tuple[int, str]] = zip(row.pop("removed"), row.pop("guards"), strict=True)
    return tuple(Removal(item, guard) for item, guard in pairs)


def _ids(halves: Any) -> pa.Array:
    data = np.ascontiguousarray(halves.astype(">u8")).tobytes()
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(halves), [None, pa.py_buffer(data)]
    )


def _all(n: int, value: int) -> Any:
    return np.full(n, value, dtype=np.int64)


def _word(n: int, text: str) -> pa.Array:
    return _coded(np.zeros(n, dtype=np.int32), (text,))


def _coded(places: Any, names: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        of_numbers(np.asarray(places, dtype=np.int32)), of_texts(names)
    )


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return of_numbers(np.asarray(values, dtype=str(kind)))
