"""Finding people by a part of their name or the end of their telephone number, both sealed.

Of each name keyed hashes of its pieces (two characters, single Chinese characters, first
letters of pinyin) are kept with the person's number; a question is cut up the same way, and
only the few names that have all its pieces are opened to be looked at. Of each telephone
number the last four digits are kept likewise. The hashes say nothing without the master key,
which lies outside the data directory.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from renwei.core.shop import Shop
from renwei.people.indexed import Rows, absent, merges_counted, open_again, take_in, under, within

NAMES, TAILS = "names", "phone-tails"
TAIL, LONGEST_TAIL = 4, 10
"""So many digits at the end of a number find its owner; more would be the number itself."""
OPENED = 2_000
"""A question opens so many names at most."""
AT_ONCE = 500
"""A question takes so many new names into the index."""
KINDS = ("name", "nick")
_BATCH = 2_000
_LONGEST = 24

# First characters of each pinyin letter among the common characters of GB 2312, which stand in
# the order of their pinyin.
_LETTERS = "abcdefghjklmnopqrstwxyz"
_FIRST = "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"
_BOUNDS = [character.encode("gb2312") for character in _FIRST]
_LAST_COMMON = "座".encode("gb2312")


def initials(text: str) -> str:
    """First letters of the pinyin of common Chinese characters; other characters are dropped.

    Example:
        >>> initials("李雷"), initials("Mei 王芳")
        ('ll', 'wf')
    """
    letters = []
    for character in text:
        try:
            code = character.encode("gb2312")
        except UnicodeEncodeError:
            continue
        if len(code) == 2 and _BOUNDS[0] <= code <= _LAST_COMMON:
            letters.append(_LETTERS[bisect_right(_BOUNDS, code) - 1])
    return "".join(letters)


def plain(text: str) -> str:
    """A text as names are compared: one form of each character, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def matches(query: str, name: str) -> bool:
    """Whether a name holds what was typed, as written or by first letters of pinyin.

    Example:
        >>> matches("雷", "李雷"), matches("LL", "李雷"), matches("lei", "李雷")
        (True, True, False)
    """
    wanted, own = plain(query), plain(name)
    return bool(wanted) and (wanted in own or wanted in initials(own))


class _Sort(NamedTuple):
    """A table of the shelf: how many for each name at once, made from what, by which pieces."""

    table: str
    at_once: int
    kinds: tuple[str, ...]
    pieces: Callable[[Mapping[str, Sequence[str]]], Iterable[str]]


def index_names(shop: Shop, most: int, everybody: Any = None, *, again: bool = False) -> int:
    """Take names and numbers of people who are not in the index yet, at most so many of them.

    Args:
        shop: The workspace.
        most: People whose names to open.
        everybody: Their numbers, ascending, where they are at hand.
        again: Open those anew who were found to be one with others since this was last asked.

    Returns:
        How many people are still not in it.
    """
    import numpy as np

    if everybody is None:
        everybody = np.array(shop.store.people.all_persons(), dtype=np.int64)
    if again:
        _open_merged(shop)
    return max(_index(shop, sort, most * sort.at_once, everybody) for sort in _SORTS)


def _index(shop: Shop, sort: _Sort, most: int, everybody: Any) -> int:
    import numpy as np

    missing = absent(shop, sort.table, everybody)
    fresh = missing[:most]
    if not len(fresh):
        return 0
    found: list[tuple[int, int]] = []
    for begin in range(0, len(fresh), _BATCH):
        found += _pieces_of(shop, sort, fresh[begin : begin + _BATCH].tolist())
    key = np.array([key for key, _ in found], dtype=np.uint64)
    person = np.array([person for _, person in found], dtype=np.int64)
    take_in(shop, sort.table, fresh, Rows(key, person))
    return len(missing) - len(fresh)


def _open_merged(shop: Shop) -> None:
    """Let those be opened anew who got names and numbers of others by a merge."""
    merges = shop.store.people.merges()
    for sort in _SORTS:
        before = merges_counted(shop, sort.table)
        if before in (None, len(merges)):
            continue
        newest = merges[: max(len(merges) - before, 0)]
        more = shop.store.people.persons_of([merge.kept for merge in newest])
        open_again(shop, sort.table, more, merges=len(merges))


def named(shop: Shop, query: str) -> Any:
    """The people whose name holds the query, as the index knows them: shape (people,), ascending.

    Of a question of several pieces that thousands may answer, the first 2,000 are opened.
    """
    import numpy as np

    wanted = plain(query)
    found: Any = None
    for piece in sorted(pieces(wanted)) if wanted else ():
        own = under(shop, NAMES, _key(shop, piece))
        found = own if found is None else found[within(found, own)]
        if not len(found):
            break
    if found is None or not len(found):
        return np.zeros(0, dtype=np.int64)
    if len(pieces(wanted)) == 1:
        # The piece is the whole question: nothing has to be opened.
        return found
    return np.array(verified(shop, query, found[:OPENED].tolist()), dtype=np.int64)


def phoned(shop: Shop, query: str) -> Any:
    """The people whose telephone number ends in the query, of four to ten digits; as `named`."""
    import numpy as np

    digits = "".join(query.split()).lstrip("*")
    if not TAIL <= len(digits) <= LONGEST_TAIL or not digits.isdecimal():
        return np.zeros(0, dtype=np.int64)
    found = under(shop, TAILS, _key(shop, tail_piece(digits)))
    if len(digits) == TAIL or not len(found):
        return found
    texts = shop.store.people.open_many(found[:OPENED].tolist(), ["phone"])
    holds = [any(text.endswith(digits) for text in own.get("phone", ())) for own in texts]
    return found[:OPENED][np.array(holds, dtype=bool)]


def tail_piece(number: str) -> str:
    """By what the end of a number is looked up; no name has such a piece.

    Example:
        >>> tail_piece("+8613800138000")
        'phone-tail|8000'
    """
    return f"phone-tail|{number[-TAIL:]}"


def verified(shop: Shop, query: str, persons: Sequence[int]) -> list[int]:
    """Those of these people whose name really holds the query."""
    texts = shop.store.people.open_many(persons, list(KINDS)) if persons else []
    return [
        person
        for person, own in zip(persons, texts, strict=True)
        if any(matches(query, shown(kind, text)) for kind in KINDS for text in own.get(kind, ()))
    ]


def shown(kind: str, text: str) -> str:
    """A name as people know it: a nick without its platform."""
    return (text.partition(":")[2] or text) if kind == "nick" else text


def pieces(text: str) -> set[str]:
    """What a text is looked up by.

    Example:
        >>> sorted(pieces("李雷")), sorted(pieces("ann"))
        (['李', '李雷', '雷'], ['an', 'nn'])
    """
    text = text[:_LONGEST]
    pairs = {text[k : k + 2] for k in range(len(text) - 1)}
    single = {character for character in text if ord(character) > 0x2E7F}
    return pairs | single or {text}


def _pieces_of(shop: Shop, sort: _Sort, persons: Sequence[int]) -> list[tuple[int, int]]:
    opened = shop.store.people.open_many(persons, list(sort.kinds))
    return [
        (_key(shop, piece), person)
        for person, own in zip(persons, opened, strict=True)
        for piece in sort.pieces(own)
    ]


def _name_pieces(own: Mapping[str, Sequence[str]]) -> set[str]:
    texts = {plain(shown(kind, text)) for kind in KINDS for text in own.get(kind, ())}
    return {piece for text in texts for piece in _with_letters(text)}


def _tail_pieces(own: Mapping[str, Sequence[str]]) -> set[str]:
    ends = {text[-TAIL:] for text in own.get("phone", ())}
    return {tail_piece(end) for end in ends if len(end) == TAIL and end.isdecimal()}


def _with_letters(text: str) -> Iterable[str]:
    if not text:
        return set()
    letters = initials(text)
    return pieces(text) | (pieces(letters) if len(letters) > 1 else set())


def _key(shop: Shop, piece: str) -> int:
    return int.from_bytes(shop.store.people.keyed(f"name-piece|{piece}")[:8], "little")


# A number has one piece; a name has many, and many of one name.
_SORTS = (
    _Sort(NAMES, 1, KINDS, _name_pieces),
    _Sort(TAILS, 4, ("phone",), _tail_pieces),
)
