"""Which actors become one person, and which must not.

A visitor joins the user who logs in. An anonymous id or a device that belongs to another user
already is a shared device: it is counted, not merged. Two known users are made one only by a
call that says so. A pair that a human set apart stays apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from renwei.collect.live.resolving import resolver
from renwei.collect.names import agree, plain
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop
from renwei.core.store import Merge, People, Store

_LOGINS: Final = ("user", "email", "phone")
_STRICT: Final = ("user", "email")
"""Two persons of different users, or with different addresses, are two."""
SHARED: Final = "shared_identifier"
EXPLICIT: Final = "explicit_merge"
REASONS: Final = {
    "identify": "same_anonymous", "alias": "named_alias", "track": "same_anonymous",
    "page": "same_anonymous", "screen": "same_anonymous", "group": "same_anonymous",
    "merge": EXPLICIT,
}  # fmt: skip


_KEPT: Final = 50_000
_left_apart: WeakKeyDictionary[Store, dict[tuple[int, int, bool], None]] = WeakKeyDictionary()
"""Persons left apart before: a shared device names them with every event."""


class Joiner:
    """Makes merges within one fold and counts what was not merged and why."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._people: People = shop.store.people
        self._resolver = resolver(shop.store)
        self._known = _left_apart.setdefault(shop.store, {})
        self.left: Counter[str] = Counter()
        self.merged: list[Merge] = []

    def join(
        self,
        actor: int,
        others: Iterable[int],
        how: str,
        at: datetime,
        *,
        source: str,
        one_space: bool = False,
        names: Sequence[str] = (),
    ) -> None:
        """Make actors one person with `actor`, where they may be.

        Args:
            actor: The one who is known.
            others: Whom the event names beside.
            how: The kind of call (identify, alias, merge, track), or a reason of its own.
            at: When.
            source: Who said so.
            one_space: Whether visitors and users share one space of ids there, so that a
                visitor may have come in as a user.
            names: What the person is called, where a contact is what they share.
        """
        for other in others:
            kept, gone = self._people.persons_of([actor, other])
            if kept == gone or NOBODY in (kept, gone):
                continue
            blank = one_space and other == gone and how in ("alias", "identify")
            pair = kept, gone, how.startswith("same_")
            if how != "merge" and pair in self._known:
                continue
            if how != "merge" and (
                self._apart((kept, gone), other, how, blank=blank) or self._differ(gone, names)
            ):
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[pair] = None
                continue
            before = self._people.map_version()
            reason = REASONS.get(how, how)
            merge = self._people.merge(
                kept, gone, reason=reason, at=at, source=source, values={"how": how}
            )
            self._resolver.note_merges(self._people.map_version() - before)
            self.merged.append(merge)

    def _apart(self, pair: tuple[int, int], other: int, how: str, *, blank: bool) -> bool:
        """Whether the two must stay two; counts why. `blank`: a bare id may join."""
        kept, gone = pair
        if self._undone(kept, gone):
            self.left["set_apart"] += 1
            return True
        ours, theirs = self._people.open_many([kept, gone], _LOGINS)
        if blank and self._is_blank(gone, theirs):
            return False
        # A contact may be one of several that somebody has; a device is no proof of anything.
        for kind in _STRICT if how.startswith("same_") else _LOGINS:
            mine, others = set(ours.get(kind, ())), set(theirs.get(kind, ()))
            if how == f"same_{kind}":
                # The address itself is what they share.
                others -= mine | set(self._people.open_many([other], [kind])[0].get(kind, ()))
            if mine and others and not mine & others:
                self.left[SHARED] += 1
                return True
        return False

    def _differ(self, gone: int, names: Sequence[str]) -> bool:
        """Whether full names speak against it: a family's phone."""
        theirs = self._people.open_many([gone], ["name"])[0].get("name", ()) if names else ()
        if not theirs or any(agree(plain(one), plain(two)) for one in names for two in theirs):
            return False
        self.left[SHARED] += 1
        return True

    def _is_blank(self, person: int, logins: dict[str, list[str]]) -> bool:
        one_id = (
            sum(len(texts) for texts in logins.values()) == 1 and len(logins.get("user", ())) == 1
        )
        if not one_id or len(self._people.actors_of(person)) != 1:
            return False
        return not self._people.profile(person).facts

    def _undone(self, kept: int, gone: int) -> bool:
        mine = set(self._people.actors_of(kept))
        theirs = set(self._people.actors_of(gone))
        return any(
            merge.undone
            and (
                (merge.kept in mine and merge.gone in theirs)
                or (merge.gone in mine and merge.kept in theirs)
            )
            for merge in self._people.merges(kept)
        )

    def note(self, at: datetime) -> None:
        """Add what was left apart to the shop's count, which data health shows."""
        if not self.left:
            return
        papers = self._shop.store.papers
        held = papers.get(*PAPER)
        counts = Counter(dict(held.body["counts"]) if held else {}) + self.left
        papers.drop(*PAPER)
        papers.put(*PAPER, {"counts": dict(counts)}, by="live", at=at)


PAPER: Final = ("live-not-merged", "counts")
"""How often identifiers were left apart, by reason."""


def not_merged(shop: Shop) -> dict[str, int]:
    """How often an identifier was left with whom it was: shared devices, placeholders, ..."""
    paper = shop.store.papers.get(*PAPER)
    return {str(name): int(n) for name, n in paper.body["counts"].items()} if paper else {}
