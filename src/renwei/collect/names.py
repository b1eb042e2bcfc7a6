"""Whether two names may be one person's, and values that stand for nobody.

Platforms mask names (张**), clerks write 张女士 for 张小美, some files have none. A masked or
missing name speaks neither for nor against; a different full name speaks against.
"""

from __future__ import annotations

import re
import unicodedata

from renwei.collect.records import Identifier

_MASK = re.compile(r"[*＊]+|先生$|女士$|小姐$")
_SAME_DIGIT = re.compile(r"^(\d)\1+$")
_DIGITS = re.compile(r"\D+")
_NO_MAIL = re.compile(
    r"^(no-?reply|do-?not-?reply|test|null|none|n\.?a|unknown|noemail|nomail)@"
    r"|@(test|none|noemail|no-?reply)(\.[a-z]+)?$"
)
_NO_ACCOUNT = frozenset(
    [
        "0",
        "-1",
        "00",
        "000",
        "null",
        "none",
        "nan",
        "na",
        "n/a",
        "unknown",
        "guest",
        "anonymous",
        "test",
        "匿名",
        "匿名用户",
        "匿名买家",
        "游客",
        "未知",
        "无",
        "散客",
        "-",
        "--",
        "/",
    ]
)
_EXAMPLE_PHONES = frozenset(("13800138000", "13800000000", "13900000000", "13900139000"))


def plain(name: str) -> str:
    """A name for comparing: one width, one case, no blanks at the ends or doubled.

    Example:
        >>> plain(" Ｍary  Ann ")
        'mary ann'
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_masked(name: str) -> bool:
    """Whether part of the (plain) name is hidden."""
    return _MASK.search(name) is not None


def agree(one: str, other: str) -> bool:
    """Whether two plain names may be one person's; a missing name agrees with each.

    Example:
        >>> agree("张**", "张小美"), agree("张小美", "李四"), agree("mei zhang", "zhang mei")
        (True, False, True)
    """
    if not one or not other or one == other:
        return True
    if is_masked(one) or is_masked(other):
        return _fits(one, other)
    return " " in one and sorted(one.split()) == sorted(other.split())


def _fits(one: str, other: str) -> bool:
    ahead, behind, open_ended = _ends(one)
    head, tail, also_open = _ends(other)
    if not open_ended:
        return _within(one, head, tail)
    if not also_open:
        return _within(other, ahead, behind)
    heads = ahead.startswith(head) or head.startswith(ahead)
    return heads and (behind.endswith(tail) or tail.endswith(behind))


def _within(full: str, head: str, tail: str) -> bool:
    return full.startswith(head) and full.endswith(tail) and len(full) > len(head) + len(tail)


def _ends(name: str) -> tuple[str, str, bool]:
    found = _MASK.search(name)
    if found is None:
        return name, name, False
    parts = _MASK.split(name)
    return parts[0], parts[-1], True


def is_placeholder(identifier: Identifier) -> bool:
    """Whether a value is one that people type when they have none.

    Example:
        >>> is_placeholder(Identifier("phone", "+8613800138000"))
        True
        >>> is_placeholder(Identifier("email", "mei@example.com"))
        False
    """
    kind, value = identifier.kind, identifier.value
    if kind == "phone":
        return _no_phone(value)
    if kind == "email":
        return _NO_MAIL.search(value) is not None
    return value.partition(":")[2].strip().casefold() in _NO_ACCOUNT or not value.strip()


def _no_phone(value: str) -> bool:
    digits = _DIGITS.sub("", value)
    national = digits[2:] if digits.startswith("86") and len(digits) == 13 else digits
    return (
        len(national) < 5
        or national in _EXAMPLE_PHONES
        or _SAME_DIGIT.match(national) is not None
        or _SAME_DIGIT.match(national[1:]) is not None
        or national in "0123456789012345"
        or national in "987654321098765"
    )
