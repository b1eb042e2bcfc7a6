"""Who bought: identifiers as written become identifiers that can be compared."""

from __future__ import annotations

from collections import Counter

import numpy as np

from renwei.collect.facts import Facts, ids, texts
from renwei.collect.groups import Groups
from renwei.collect.records import Identifier, IdentifierKind
from renwei.collect.tables import Column
from renwei.collect.values import is_email, is_masked, is_scientific, phone

_SCOPED: tuple[IdentifierKind, ...] = ("customer", "nick")
_PLAIN: tuple[IdentifierKind, ...] = ("openid", "unionid", "external_userid", "device", "anonymous")


_GUESTS = frozenset(("0", "-1", "guest", "游客", "匿名", "匿名用户", "匿名买家"))
"""What shops write where a buyer had no account: it stands for nobody."""


class Buyers:
    """Normalises the identifier columns of tables and counts what it could not use.

    Args:
        region: Where phone numbers without a country code belong, such as CN.
    """

    def __init__(self, region: str) -> None:
        self.region = region
        self.seen: Counter[tuple[str, str, str]] = Counter()
        """(warning code, file, column) -> rows."""
        self.rows: dict[tuple[str, str, str], tuple[int, str]] = {}

    def of(self, facts: Facts, groups: Groups) -> list[tuple[Identifier, ...]]:
        """The identifiers of each order."""
        found: list[list[Identifier]] = [[] for _ in range(groups.n)]
        for field, column in facts.mapped.fields.items():
            known = self._known(field, column, facts)
            if known is None:
                continue
            where = column.spread([k is not None for k in known]) & facts.live
            first = groups.first(where)
            codes = column.codes[np.maximum(first, 0)].tolist()
            for n in np.flatnonzero(first >= 0).tolist():
                identifier = known[codes[n]]
                if identifier is not None and identifier not in found[n]:
                    found[n].append(identifier)
        return [tuple(sorted(f)) for f in found]

    def _known(self, field: str, column: Column, facts: Facts) -> list[Identifier | None] | None:
        platform = facts.mapped.layout.name
        if field in ("phone", "phone2"):
            self._warn_phones(column, facts)
            numbers = [self._phone(t) for t in texts(column)]
            return [Identifier("phone", n) if n else None for n in numbers]
        if field == "email":
            return [self._address(t) for t in texts(column)]
        for scoped in _SCOPED:
            if field == scoped:
                return [
                    Identifier(scoped, f"{platform}:{t}") if _is_somebody(t) else None
                    for t in ids(column)
                ]
        for kind in _PLAIN:
            if field == kind:
                return [
                    Identifier(kind, t) if t and not is_masked(t) else None for t in ids(column)
                ]
        if field == "name":
            self._warn(column, facts, "masked_name", [is_masked(t) for t in texts(column)])
        return None

    def _phone(self, text: str) -> str:
        if not text or is_masked(text) or is_scientific(text):
            return ""
        return phone(text, self.region)

    def _address(self, text: str) -> Identifier | None:
        if is_email(text):
            return Identifier("email", text.lower())
        # Taobao's 买家支付宝账号 holds an e-mail or a phone.
        number = self._phone(text)
        return Identifier("phone", number) if number else None

    def _warn_phones(self, column: Column, facts: Facts) -> None:
        words = texts(column)
        self._warn(column, facts, "phone_precision_lost", [is_scientific(t) for t in words])
        self._warn(column, facts, "masked_phone", [is_masked(t) for t in words])
        odd = [
            bool(t) and not is_scientific(t) and not is_masked(t) and not self._phone(t)
            for t in words
        ]
        self._warn(column, facts, "impossible_phone", odd)

    def _warn(self, column: Column, facts: Facts, code: str, flags: list[bool]) -> None:
        if not any(flags):
            return
        rows = np.flatnonzero(column.spread(flags) & facts.live)
        if len(rows):
            key = (code, facts.mapped.table.file, column.name)
            self.seen[key] += len(rows)
            first = int(rows[0])
            self.rows.setdefault(key, (int(facts.mapped.table.rows[first]), column.at(first)))


def _is_somebody(text: str) -> bool:
    return bool(text) and not is_masked(text) and text.lower() not in _GUESTS
