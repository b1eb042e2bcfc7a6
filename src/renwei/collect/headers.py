"""Which row is the header and what each column means: by name, then by what it holds."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from renwei.collect.dates import looks_like_dates
from renwei.collect.patterns import PATTERNS
from renwei.collect.values import amount, is_absent, tidy
from renwei.core.errors import BadInput, UnknownName

_BRACKETS = re.compile(r"[(\[{（【<][^)\]}）】>]*[)\]}）】>]")
_NOISE = re.compile(r"[\s_\-./\\:：*#'\"“”‘’、，,;；|!?？~`^&+°·®%]+")


def plain(header: str) -> str:
    """A header as it is compared: without case, blanks, punctuation, brackets."""
    text = unicodedata.normalize("NFKC", tidy(header)).lower()
    bare = _NOISE.sub("", _BRACKETS.sub("", text))
    bare = bare or _NOISE.sub("", re.sub(r"[()\[\]{}<>]", "", text))
    return "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))


def corrections(told: Sequence[str]) -> dict[str, str]:
    """What somebody said that columns mean: header -> field, "" leaves a column out.

    Raises:
        BadInput: column_unclear, where there is no "=".
        UnknownName: unknown_field_of_order, with the nearest.

    Example:
        >>> corrections(["买家=nick", "备注="])
        {'买家': 'nick', '备注': ''}
    """
    meant: dict[str, str] = {}
    for one in told:
        header, sign, field = one.rpartition("=")
        if not (sign and header.strip()):
            raise BadInput("column_unclear", found=one)
        if field and field not in known_fields():
            raise UnknownName.among("field_of_order", field, known_fields())
        meant[header.strip()] = field.strip()
    return meant


def known_fields() -> list[str]:
    """Every field that a column can mean, in the order of the table of synonyms."""
    return list(dict.fromkeys(synonyms().values()))


def unit_of(header: str) -> str:
    """What stands in a header's brackets: "元", "USD", "分" ..., or ""."""
    text = unicodedata.normalize("NFKC", header)
    match = re.search(r"[(\[（]([^)\]）]{1,6})[)\]）]", text)
    return match[1].strip() if match else ""


@lru_cache(maxsize=1)
def synonyms() -> Mapping[str, str]:
    """Plain header -> field, of every list."""
    text = files("renwei.collect").joinpath("synonyms.toml").read_text("utf-8")
    return {plain(n): field for field, names in tomllib.loads(text).items() for n in names}


@lru_cache(maxsize=4096)
def field_of(header: str) -> str:
    """The field a header names by the lists or the patterns, "" where it names none.

    Example:
        >>> field_of("实付金额（元）"), field_of("Order ID"), field_of("快递单号")
        ('paid', 'order', '')
    """
    name = plain(header)
    if not name:
        return ""
    known = synonyms()
    if name in known:
        return known[name]
    if "." in header and plain(header.rsplit(".", 1)[1]) in known:
        parent, leaf = header.rsplit(".", 1)
        both = plain(parent) + plain(leaf)
        return known.get(both) or _of_parent(plain(parent), plain(leaf), known)
    for pattern, field in PATTERNS:
        if re.search(pattern, name):
            return field
    return ""


def _of_parent(parent: str, leaf: str, known: Mapping[str, str]) -> str:
    if parent in ("customer", "buyer", "user", "member") and leaf in ("id", "name"):
        return "customer" if leaf == "id" else "buyer_name"
    return known[leaf]


def header_row(head: Sequence[Sequence[str]]) -> int:
    """Index of the header among the first records, -1 where there is none.

    The row with most known names wins. Where no name is known, it is the first row of texts
    above rows of data.
    """
    hits = [len({f for c in row if (f := field_of(c)) and len(c) < 40}) for row in head]
    best = max(range(len(head)), key=lambda n: (hits[n], -n), default=-1)
    if best >= 0 and hits[best] >= 2 and not is_data(head[best]):
        return best
    widest = max((sum(bool(c.strip()) for c in row) for row in head), default=0)
    for n, row in enumerate(head[:-1]):
        full = sum(bool(c.strip()) for c in row)
        if full >= max(2, 0.6 * widest):
            return n if not is_data(row) and is_data(head[n + 1]) else -1
    return -1


def is_data(row: Sequence[str]) -> bool:
    """Whether cells hold numbers or dates, as data rows do and headers do not."""
    present = [c for c in row if not is_absent(c)]
    if not present:
        return False
    numbers = sum(amount(c) is not None for c in present)
    dates = sum(looks_like_dates([c]) > 0 for c in present)
    return numbers + dates >= max(1, 0.25 * len(present))


def letters(width: int) -> list[str]:
    """Column names as a spreadsheet letters them: A, B ... Z, AA."""
    names = []
    for n in range(1, width + 1):
        name, left = "", n
        while left:
            left, rest = divmod(left - 1, 26)
            name = chr(65 + rest) + name
        names.append(name)
    return names


def unique_names(header: Sequence[str]) -> list[str]:
    """Headers as written; blank ones get their letter."""
    lettered = letters(len(header))
    return [tidy(h) or lettered[n] for n, h in enumerate(header)]
