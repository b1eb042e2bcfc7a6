"""Surfaces of recommend: places in a shop's pages, and what each of them may show.

A surface is a Paper, so it has a history and can be undone; those that a shop never changed
are the ones written here. What is on a page for whom is decided anew at every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Surface
from renwei.core.operations import operation
from renwei.core.shop import Shop

KIND = "surface"
MODES = ("feed", "similar", "goes_with", "sequence")
REPEATS = ("learnt", "yes", "no")
MOST = 100
"""Items of one answer."""
HOLDOUT_SALT = "recommend/holdout"
"""One salt for every surface: whoever is held out sees no personal list anywhere."""

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class Place(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What one surface shows.

    Attributes:
        mode: feed (for the person), similar (to an item), goes_with (what is bought with it),
            sequence (an ordered playlist).
        kinds: Of items; with several, `slots` may say how many of each.
        slots: Items by kind in one answer, such as {"video": 3}; the rest is free.
        repeats: Whether what was bought may come again: yes, no, or as learnt from the shop.
        session: Whether items of this session may come again.
        seen: Items shown so often without a click stay away; 0 is no limit.
        cool_days: For so many days.
        per_category, per_brand: At most so many in one answer; 0 is no limit.
        diversity: From 0 (relevance alone) to 1 (variety).
        own_mix: How far a list keeps to the mix of categories that the person takes, 0 to 1.
        explore: Share of draws by chance.
        new: Slots kept for new items, at most.
        holdout: Share of people who get what is popular; None is the shop's own.
        goal: Event kind that counts as success within `window_days`.
        filter: What every item must satisfy, such as "stock > 0".
        only: Sources that may speak here, such as ["bought_again"]; empty is all.
    """

    mode: str = "feed"
    kinds: tuple[str, ...] = ("product",)
    slots: dict[str, _Count] = {}
    repeats: str = "learnt"
    session: bool = True
    seen: _Count = 0
    cool_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 7
    per_category: _Count = 0
    per_brand: _Count = 0
    diversity: _Share = 0.0
    own_mix: _Share = 0.0
    explore: _Share = 0.05
    new: _Count = 1
    holdout: _Share | None = None
    goal: str = "order"
    window_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7
    filter: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    only: tuple[str, ...] = ()


DEFAULTS: Mapping[str, Place] = {
    "home": Place(per_category=0, seen=20),
    "product": Place(mode="similar", session=False),
    "goes_with": Place(mode="goes_with", session=False, explore=0.0, new=0),
    "cart": Place(mode="goes_with", session=False, repeats="no", explore=0.0, new=0),
    "again": Place(repeats="yes", explore=0.0, new=0, only=("bought_again",)),
    "discover": Place(repeats="no", session=False, diversity=0.3),
    "playlist": Place(mode="sequence", kinds=("song", "video"), session=False),
}
"""What a shop finds before it has set anything."""


class SurfacesRequest(msgspec.Struct, kw_only=True):
    """Every surface there is."""


class Shown(msgspec.Struct, kw_only=True):
    """A surface as it stands; `version` is 0 while it was never changed."""

    name: str
    version: int
    place: Place


class SurfacesAnswer(msgspec.Struct, kw_only=True):
    """Surfaces by name."""

    surfaces: list[Shown]


class SurfaceRequest(msgspec.Struct, kw_only=True):
    """One surface; `place` holds what is to be changed of it, as JSON."""

    name: str
    place: Annotated[Any, msgspec.Meta(extra={"argument": True})] = None


@operation("surfaces", SurfacesRequest, http="GET /v1/surfaces")
def surfaces(shop: Shop, request: SurfacesRequest) -> SurfacesAnswer:
    """Show the places that recommendations are asked for."""
    return SurfacesAnswer(surfaces=[_shown(shop, name) for name in names(shop)])


@operation("surfaces set", SurfaceRequest, writes=True, http="POST /v1/surfaces/{name}")
def surfaces_set(shop: Shop, request: SurfaceRequest) -> Shown:
    """Change a surface, or make a new one; what is not named stays as it is.

    Raises:
        BadInput: bad_surface_name, bad_surface (field, found, wanted).
    """
    if not _is_name(request.name):
        raise BadInput("bad_surface_name", name=request.name[:100])
    before = _held(shop, request.name)
    place = checked({**(msgspec.to_builtins(before) if before else {}), **_parsed(request.place)})
    at: datetime = shop.clock.now()
    shop.store.papers.put(KIND, request.name, msgspec.to_builtins(place), by="", at=at)
    return _shown(shop, request.name)


def _parsed(place: Any) -> Mapping[str, Any]:
    """The changes as data; a text (as typed on the command line) is read as JSON."""
    if isinstance(place, str):
        try:
            place = msgspec.json.decode(place)
        except msgspec.DecodeError as wrong:
            raise BadInput("bad_surface", field="-", found=str(wrong)) from None
    if not isinstance(place, dict | None):
        raise BadInput("bad_surface", field="-", found=str(place)[:80])
    return place or {}


def checked(body: Mapping[str, Any]) -> Place:
    """The place that a document describes.

    Raises:
        BadInput: bad_surface (field, found, wanted).
    """
    try:
        place = msgspec.convert(dict(body), Place, strict=False)
    except msgspec.ValidationError as wrong:
        said, _, where = str(wrong).partition(" - at `$.")
        raise BadInput("bad_surface", field=where.rstrip("`") or "-", found=said) from None
    for field, known in (("mode", MODES), ("repeats", REPEATS)):
        if getattr(place, field) not in known:
            wanted = ", ".join(known)
            raise BadInput("bad_surface", field=field, found=f"{getattr(place, field)} ({wanted})")
    if not place.kinds:
        raise BadInput("bad_surface", field="kinds", found="()")
    return place


def place_of(shop: Shop, name: str) -> tuple[Place, int]:
    """A surface and the version of its document.

    Raises:
        UnknownName: unknown_surface, with the nearest name.
    """
    paper = shop.store.papers.get(KIND, name)
    if paper is not None:
        return msgspec.convert(dict(paper.body), Place), paper.version
    if name not in DEFAULTS:
        raise UnknownName.among("surface", name, names(shop))
    return DEFAULTS[name], 0


def surface_of(name: str, place: Place, version: int, limit: int) -> Surface:
    """The surface as the kernel knows it: shown to who looks, so it disturbs nobody."""
    return Surface(
        name,
        tuple(place.kinds),
        "profiling",
        place.goal,
        timedelta(days=place.window_days),
        slots=limit,
        silence=False,
        channel="web",
        version=version,
    )


def names(shop: Shop) -> list[str]:
    """Every surface's name."""
    return sorted({*DEFAULTS, *shop.store.papers.names(KIND)})


def _held(shop: Shop, name: str) -> Place | None:
    return place_of(shop, name)[0] if name in names(shop) else None


def _shown(shop: Shop, name: str) -> Shown:
    place, version = place_of(shop, name)
    return Shown(name=name, version=version, place=place)


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and name.replace("-", "").replace("_", "").isalnum()
