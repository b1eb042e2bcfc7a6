"""The only place where objects meet; read it top to bottom.

Settings, store, words, permits, estimates and hooks are put together into one Shop, which
is what every operation is handed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import renwei
from renwei.core.clock import Clock, WallClock
from renwei.core.errors import Unavailable
from renwei.core.nouns import Autonomy
from renwei.core.operations import Operation, operations_of
from renwei.core.permission import HouseRules
from renwei.core.shop import Progress, Settings, Shop, silent
from renwei.core.store import Store
from renwei.core.words import Words

if TYPE_CHECKING:
    from renwei.stores.embedded import EmbeddedStore

RIBS = ("collect", "people", "recommend", "pages", "reach", "trust", "report")
OPERATIONS = (
    "renwei.collect.operations",
    "renwei.collect.live.operations",
    "renwei.collect.questions.operations",
    "renwei.collect.items.operations",
    "renwei.people.operations",
    "renwei.people.listing",
    "renwei.people.timeline",
    "renwei.people.correct",
    "renwei.people.attributes",
    "renwei.people.audiences",
    "renwei.people.flow",
    "renwei.people.consent",
    "renwei.people.rights",
    "renwei.people.readiness",
    "renwei.people.learning",
    "renwei.recommend.operations",
    "renwei.recommend.surfaces",
    "renwei.recommend.audience",
    "renwei.recommend.learning",
    "renwei.recommend.gauge",
    "renwei.recommend.lift",
    "renwei.pages.documents",
    "renwei.pages.serving",
    "renwei.reach.operations",
    "renwei.reach.recent",
    "renwei.reach.next",
    "renwei.trust.operations",
    "renwei.report.operations",
    "renwei.app.operations",
    "renwei.app.arriving",
    "renwei.app.texts",
    "renwei.app.showing",
    "renwei.app.upkeep.operations",
    "renwei.app.upkeep.retention",
    "renwei.app.upkeep.doctor",
)
WORDS = (
    "renwei.core",
    "renwei.doors.cli",
    "renwei.doors.http",
    "renwei.doors.console",
    "renwei.doors.console.entry",
    "renwei.doors.console.questions",
    "renwei.doors.console.live",
    "renwei.doors.console.diary",
    "renwei.doors.console.decisions",
    "renwei.doors.console.settings",
    "renwei.doors.console.health",
    "renwei.doors.console.imports",
    "renwei.doors.console.today",
    "renwei.doors.console.people",
    "renwei.doors.console.flow",
    "renwei.doors.console.report",
    "renwei.doors.console.surfaces",
    "renwei.doors.console.goods",
    "renwei.app",
    "renwei.app.upkeep",
    "renwei.stores",
    "renwei.collect.questions",
    "renwei.collect.items",
    *(f"renwei.{rib}" for rib in RIBS),
)
FOLDS = (
    ("profiles", "renwei.collect.live.folding:fold"),
    ("interests", "renwei.people.interests:fold"),
)
"""What runs behind the log: name and function."""
ORDERS = ("order", "order-change", "return")
FRESH_FOR = timedelta(hours=6)
"""Estimates serve this long while no order came in; after that "days since" has moved on."""
WILL_DO_FOR = timedelta(days=1)
"""So old they may be where newer ones are being learnt already."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@functools.cache
def operations() -> dict[str, Operation]:
    """Every operation by name."""
    return operations_of(importlib.import_module(name) for name in OPERATIONS)


@functools.cache
def words() -> Words:
    """Every sentence of every part."""
    return Words.load(WORDS)


@contextmanager
def open_shop(
    directory: Path,
    *,
    language: str = "en",
    progress: Progress = silent,
    clock: Clock | None = None,
    write: bool = True,
    child: bool = False,
    server: bool = False,
) -> Iterator[Shop]:
    """Open a workspace with everything an operation needs; close it whatever happens.

    With `write` the directory is locked until then; a child works under its parent's lock.
    A `server` holds it for long, and lets commands write beside it, one at a time.

    Raises:
        Unavailable: The directory cannot be used; the code says why.
    """
    from renwei.stores.embedded import open_store
    from renwei.trust import ended

    ticking = clock or WallClock()
    returning = functools.partial(_clear, ticking)
    store = open_store(directory, clock=ticking, write=write, server=server, returning=returning)
    try:
        if not child and not store.is_clean():
            store = _cleared(store, ticking, write=write)
        shop = _shop(store, ticking, language=language, progress=progress)
        if write and not child:
            ended.end_again(shop, ticking.now())
        yield replace(
            shop, ready_estimates=lambda at: _ready_estimates(shop, at, in_child=not child)
        )
        if write and not child:
            # What was brought in meanwhile was cleared on its way in.
            store.note_clean()
    finally:
        store.close()


def _shop(store: Store, clock: Clock, *, language: str = "en", progress: Progress = silent) -> Shop:
    from renwei.stores.shelf import ShelfFiles

    settings = settings_of(store)
    return Shop(
        store=store,
        clock=clock,
        settings=settings,
        words=words(),
        shelf=ShelfFiles(store.directory / "estimates"),
        permits=_permits(store, settings),
        language=language,
        progress=progress,
        scrubbers=_scrubbers(),
        performer=_performed,
    )


def _performed(shop: Shop, name: str, fields: Mapping[str, Any]) -> Any:
    """One rib asks another: the operation of that name, its fields checked as at a door."""
    found = operations()[name]
    return found.call(shop, msgspec.convert(dict(fields), found.request))


def _clear(clock: Clock, store: Store, texts: Sequence[str] = ()) -> None:
    """Clear what lies beside the people of everybody who was forgotten."""
    shop = _shop(store, clock)
    for scrub in shop.scrubbers:
        scrub(shop, texts)
    shop.shelf.drop()


def _cleared(store: EmbeddedStore, clock: Clock, *, write: bool) -> EmbeddedStore:
    """The store after older files were put back, or after a crash: they name nobody now."""
    from renwei.stores.embedded import open_store

    if write:
        _clear(clock, store)
        store.note_clean()
        return store
    store.close()
    open_again = functools.partial(open_store, store.directory, clock=clock)
    try:
        with closing(open_again(returning=functools.partial(_clear, clock))) as writer:
            _cleared(writer, clock, write=True)
    except Unavailable as error:
        # Whoever writes there now has done it on opening.
        if error.code != "in_use":
            raise
    return open_again(write=False)


def settings_of(store: Store) -> Settings:
    """What the shop says of itself now."""
    from renwei.app.settings import load_settings

    return load_settings(store)


def renewed(shop: Shop, settings: Settings) -> Shop:
    """The same shop under settings that changed while it was open (a first import)."""
    return replace(shop, settings=settings, permits=_permits(shop.store, settings))


def _permits(store: Store, settings: Settings) -> HouseRules:
    """The shop's own rules: its zone, and how far the program may go on each surface."""
    levels = {name: store.papers.get("autonomy", name) for name in store.papers.names("autonomy")}
    return HouseRules(
        people=store.people,
        counters=store.counters,
        autonomy_of={
            name: Autonomy(paper.body["level"]) for name, paper in levels.items() if paper
        },
        zone=settings.zone,
    )


def _scrubbers() -> tuple[Any, ...]:
    from renwei.app import answered, finished
    from renwei.collect import imports
    from renwei.collect.live import rejected

    return (imports.scrub, answered.scrub, finished.scrub, rejected.scrub)


def _ready_estimates(shop: Shop, at: datetime, *, in_child: bool) -> None:
    """Learn anew unless stored estimates are as of `at` and know every order there is."""
    held = shop.shelf.get("people")
    if held is not None and _serves(shop, held.meta, at):
        return
    learn = operations()["learn"]
    request: Any = msgspec.convert({"at": at}, type=learn.request)
    if in_child:
        from renwei.app.jobs import run_child

        run_child(learn, shop, request)
    else:
        learn.call(shop, request)


def serves(shop: Shop, at: datetime) -> bool:
    """Whether the stored estimates know all there is, as of a time."""
    held = shop.shelf.get("people")
    return held is not None and _serves(shop, held.meta, at)


def will_do(shop: Shop, at: datetime) -> bool:
    """Whether the stored estimates will do for a moment: only an app's orders are missing.

    A file that was brought in changes what everybody is judged by; that is waited for.
    """
    held = shop.shelf.get("people")
    if held is None or held.meta.get("program") != renwei.__version__:
        return False
    if not timedelta(0) <= at - datetime.fromisoformat(str(held.meta["as_of"])) <= WILL_DO_FOR:
        return False
    newer = shop.store.log.read(after=int(held.meta["position"]), kinds=ORDERS)
    return not any(event.source.startswith("i-") for event in newer)


def _serves(shop: Shop, meta: Any, at: datetime) -> bool:
    as_of = datetime.fromisoformat(str(meta["as_of"]))
    if not timedelta(0) <= at - as_of <= FRESH_FOR:
        return False
    # Another version of the program may want other columns.
    if meta.get("program") != renwei.__version__:
        return False
    if meta.get("map_version") != shop.store.people.map_version():
        return False
    newer = shop.store.log.read(after=int(meta["position"]), kinds=ORDERS)
    return next(iter(newer), None) is None
