"""How long what is kept, and what takes away the rest: `retention` and `purge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from renwei.core.clock import to_us
from renwei.core.errors import BadInput, Unavailable, UnknownName
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.core.store import Store

if TYPE_CHECKING:
    from renwei.stores.embedded import EmbeddedStore

SETTING = ("setting", "retention")
FOR_GOOD = 0
_Argument = Annotated[str, msgspec.Meta(extra={"argument": True})]


@dataclass(frozen=True, slots=True)
class Rule:
    """One sort of thing that is kept for a number of days; 0 is for good where `low` is 0.

    `count` and `drop` are called with the workspace and the time before which it goes.
    """

    days: int
    least: int
    most: int
    count: Callable[[Shop, datetime], int]
    drop: Callable[[Shop, datetime], int]
    for_good: bool = True


def embedded(store: Store) -> EmbeddedStore:
    """The store as files on this machine.

    Raises:
        Unavailable: `not_embedded`: another sort of store keeps its own house.
    """
    from renwei.stores.embedded import EmbeddedStore

    if not isinstance(store, EmbeddedStore):
        raise Unavailable("not_embedded", path=str(store.directory))
    return store


def _day(at: datetime) -> int:
    return to_us(at) // 86_400_000_000


def _count_audit(shop: Shop, before: datetime) -> int:
    from renwei.trust import audit

    edge = audit.cursor_of(before)
    return sum(name < edge for name in shop.store.papers.names(audit.KIND))


def _drop_audit(shop: Shop, before: datetime) -> int:
    from renwei.trust import audit

    return audit.prune(shop, before)


def _count_rejected(shop: Shop, before: datetime) -> int:
    from renwei.collect.live import rejected

    # The name of such a paper is a UUIDv7, which begins with milliseconds since 1970.
    edge = f"{to_us(before) // 1_000:012x}"
    names = shop.store.papers.names(rejected.PAPER)
    return sum(name.replace("-", "")[:12] < edge for name in names)


def _drop_rejected(shop: Shop, before: datetime) -> int:
    from renwei.collect.live import rejected

    return rejected.tidy(shop, before + rejected.KEEP)


RULES: Mapping[str, Rule] = {
    "events": Rule(
        days=FOR_GOOD,
        least=30,
        most=36_500,
        count=lambda shop, at: embedded(shop.store).log.count_before(at),
        drop=lambda shop, at: embedded(shop.store).log.drop_before(at),
    ),
    "decisions": Rule(
        days=FOR_GOOD,
        least=30,
        most=36_500,
        count=lambda shop, at: embedded(shop.store).ledger.count_before(at),
        drop=lambda shop, at: embedded(shop.store).ledger.drop_before(at),
    ),
    "tallies": Rule(
        days=730,
        least=30,
        most=36_500,
        count=lambda shop, at: embedded(shop.store).tallies.count_before(_day(at)),
        drop=lambda shop, at: shop.store.tallies.drop_before(_day(at)),
    ),
    "audit": Rule(days=365, least=30, most=36_500, count=_count_audit, drop=_drop_audit),
    "rejected": Rule(
        days=30, least=1, most=30, count=_count_rejected, drop=_drop_rejected, for_good=False
    ),
}


class RetentionRequest(msgspec.Struct, kw_only=True):
    """All rules, one, or a new number of days for one."""

    key: _Argument = ""
    days: _Argument = ""


class Kept(msgspec.Struct, kw_only=True):
    """How long one sort of thing is kept; 0 days: for good."""

    key: str
    days: int
    text: str


class RetentionAnswer(msgspec.Struct, kw_only=True):
    """The rules in force."""

    rules: list[Kept]


class PurgeRequest(msgspec.Struct, kw_only=True):
    """Whether it is meant: without, only what would go is counted."""

    yes: bool = False


class Purged(msgspec.Struct, kw_only=True):
    """What went, or would go, of one sort."""

    key: str
    before: datetime
    n: int
    text: str


class PurgeAnswer(msgspec.Struct, kw_only=True):
    """What was removed, or with `dry_run` what would be."""

    dry_run: bool
    purged: list[Purged]
    text: str


def days_of(store: Store) -> dict[str, int]:
    """The days in force for each rule."""
    paper = store.papers.get(*SETTING)
    said = paper.body if paper else {}
    return {key: int(said.get(key, rule.days)) for key, rule in RULES.items()}


def checked_days(key: str, text: str) -> int:
    """The number of days that a text stands for.

    Raises:
        UnknownName: unknown_retention.
        BadInput: bad_days, with what was found and what may be.

    Example:
        >>> checked_days("events", "365"), checked_days("events", "0")
        (365, 0)
    """
    if key not in RULES:
        raise UnknownName.among("retention", key, RULES)
    rule, text = RULES[key], text.strip()
    days = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    if not rule.least <= days <= rule.most and not (rule.for_good and days == FOR_GOOD):
        code = "bad_days" if rule.for_good else "bad_days_limited"
        raise BadInput(code, found=text, low=rule.least, high=rule.most, key=key)
    return days


@operation("retention", RetentionRequest, writes=True, scope="admin")
def retention(shop: Shop, request: RetentionRequest) -> RetentionAnswer:
    """Show how long things are kept, or change it; earlier values are kept."""
    if request.key and request.key not in RULES:
        raise UnknownName.among("retention", request.key, RULES)
    if request.days:
        days = checked_days(request.key, request.days)
        body = days_of(shop.store) | {request.key: days}
        shop.store.papers.put(*SETTING, body, by="retention", at=shop.clock.now())
    chosen = [request.key] if request.key else list(RULES)
    days_now = days_of(shop.store)
    return RetentionAnswer(rules=[_kept(shop, key, days_now[key]) for key in chosen])


def _kept(shop: Shop, key: str, days: int) -> Kept:
    what = shop.say(f"upkeep.retention.{key}")
    text = shop.say(f"upkeep.retention.{'days' if days else 'for_good'}", what=what, n=days)
    return Kept(key=key, days=days, text=text)


@operation("purge", PurgeRequest, writes=True, scope="admin")
def purge(shop: Shop, request: PurgeRequest) -> PurgeAnswer:
    """Count what is older than the retention rules say, and with --yes remove it for good."""
    purged = dropped(shop, shop.clock.now(), dry_run=not request.yes)
    key = "nothing" if not any(one.n for one in purged) else "done" if request.yes else "would"
    text = shop.say(f"upkeep.purge.{key}", n=sum(one.n for one in purged))
    return PurgeAnswer(dry_run=not request.yes, purged=purged, text=text)


def dropped(shop: Shop, at: datetime, *, dry_run: bool = False) -> list[Purged]:
    """Drop (or count) what the rules no longer keep at a time; what is for good is left out."""
    found = []
    for key, days in days_of(shop.store).items():
        if days == FOR_GOOD:
            continue
        before = at - timedelta(days=days)
        n = (RULES[key].count if dry_run else RULES[key].drop)(shop, before)
        what = shop.say(f"upkeep.retention.{key}")
        text = shop.say("upkeep.purge.line", what=what, n=n, day=f"{before:%Y-%m-%d}")
        found.append(Purged(key=key, before=before, n=n, text=text))
    return found
