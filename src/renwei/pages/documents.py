"""A page as its owner writes it: a Paper with modules, so that it has a history and an undo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import Item
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.core.words import LANGUAGES

KIND = "page"
SOURCES = ("recommend", "items", "banner")
MOST = 40
"""Modules of one page."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")
_Text = Annotated[str, msgspec.Meta(max_length=500)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=MOST)]


class Module(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One block of a page.

    Attributes:
        name: Unique on the page.
        title: By language.
        source: recommend (items of a surface), items (named ones), banner (a picture).
        surface, n: Of a recommendation. items: Ids, in order. image, url: Of a banner.
        from_, until: The campaign's window; outside of it the module is not shown.
        pin: The place it always has, from 1; None is decided for each person.
        min_app, max_app: Versions of the app that can draw it.
        nets: Networks it is shown on; empty is all.
        heavy: Left out on slow networks.
    """

    name: str
    title: dict[str, _Text] = {}
    source: str = "recommend"
    surface: Annotated[str, msgspec.Meta(max_length=64)] = "home"
    n: Annotated[int, msgspec.Meta(ge=1, le=100)] = 6
    items: Annotated[list[_Text], msgspec.Meta(max_length=100)] = []
    image: _Text = ""
    url: _Text = ""
    from_: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None
    pin: _Count | None = None
    min_app: Annotated[str, msgspec.Meta(max_length=30)] = ""
    max_app: Annotated[str, msgspec.Meta(max_length=30)] = ""
    nets: list[str] = []
    heavy: bool = False


class Page(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A page: its modules in the default order.

    Attributes:
        most: At most so many modules of a source, such as {"banner": 1}.
        control: Share of people who always get the default order.
        explore: Share of draws by chance.
    """

    modules: Annotated[list[Module], msgspec.Meta(max_length=MOST)] = []
    most: dict[str, Annotated[int, msgspec.Meta(ge=0, le=MOST)]] = {}
    control: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05
    explore: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


FIRST = Page(
    modules=[
        Module(name="again", title={"zh": "再来一次", "en": "Buy again"}, surface="again", n=6),
        Module(name="for-you", title={"zh": "猜你喜欢", "en": "For you"}, surface="home", n=10),
        Module(
            name="discover", title={"zh": "换个口味", "en": "Something else"}, surface="discover"
        ),
    ]
)
"""The home page of a shop that has written none."""


class PagesRequest(msgspec.Struct, kw_only=True):
    """Every page there is."""


class PageShown(msgspec.Struct, kw_only=True):
    """A page as it stands; `version` is 0 while it was never written."""

    name: str
    version: int
    page: Page


class PagesAnswer(msgspec.Struct, kw_only=True):
    """Pages by name."""

    pages: list[PageShown]


class PageWrite(msgspec.Struct, kw_only=True):
    """A page to write: `page` is JSON, the whole of it."""

    name: str
    page: Annotated[Any, msgspec.Meta(extra={"argument": True})] = None


class PageUndo(msgspec.Struct, kw_only=True):
    """The page whose last change is taken back."""

    name: str


@operation("pages", PagesRequest, http="GET /v1/pages")
def pages(shop: Shop, request: PagesRequest) -> PagesAnswer:
    """Show the pages whose modules are put in order for each person."""
    return PagesAnswer(pages=[_shown(shop, name) for name in names(shop)])


@operation("pages set", PageWrite, writes=True, http="POST /v1/pages/{name}")
def pages_set(shop: Shop, request: PageWrite) -> PageShown:
    """Write a page: its modules in their default order, pins, campaigns, limits.

    Raises:
        BadInput: bad_page_name, bad_page (field, found).
    """
    if not _NAME.fullmatch(request.name):
        raise BadInput("bad_page_name", name=request.name[:100])
    page = checked(request.page)
    with shop.store.together():
        shop.store.papers.put(
            KIND, request.name, msgspec.to_builtins(page), by="", at=shop.clock.now()
        )
        shop.store.items.upsert([item_of(request.name, one) for one in page.modules])
    return _shown(shop, request.name)


@operation("pages undo", PageUndo, writes=True, http="POST /v1/pages/{name}/undo")
def pages_undo(shop: Shop, request: PageUndo) -> PageShown:
    """Take the last change of a page back.

    Raises:
        UnknownName: unknown_page. BadInput: nothing_to_undo.
    """
    page_of(shop, request.name)
    if shop.store.papers.undo(KIND, request.name, by="", at=shop.clock.now()) is None:
        raise BadInput("page_nothing_to_undo", name=request.name)
    return _shown(shop, request.name)


def checked(told: Any) -> Page:
    """The page that a document describes; a text is read as JSON.

    Raises:
        BadInput: bad_page (field, found).
    """
    try:
        page = (
            msgspec.json.decode(told, type=Page)
            if isinstance(told, str)
            else msgspec.convert(told, Page)
        )
    except msgspec.DecodeError as wrong:
        said, _, where = str(wrong).partition(" - at `$.")
        raise BadInput("bad_page", field=where.rstrip("`") or "-", found=said[:200]) from None
    seen: set[str] = set()
    for k, one in enumerate(page.modules):
        _check(f"modules[{k}]", one, seen)
        seen.add(one.name)
    for source in page.most:
        if source not in SOURCES:
            raise BadInput("bad_page", field="most", found=f"{source} ({', '.join(SOURCES)})")
    pins = [one.pin for one in page.modules if one.pin]
    if len(set(pins)) < len(pins):
        raise BadInput("bad_page", field="pin", found=str(max(pins, key=pins.count)))
    return page


def _check(field: str, one: Module, seen: set[str]) -> None:
    faults: Mapping[str, tuple[bool, str]] = {
        "name": (bool(_NAME.fullmatch(one.name)) and one.name not in seen, one.name),
        "source": (one.source in SOURCES, f"{one.source} ({', '.join(SOURCES)})"),
        "title": (set(one.title) <= set(LANGUAGES), ", ".join(one.title)),
        "min_app": (not one.min_app or bool(_VERSION.fullmatch(one.min_app)), one.min_app),
        "max_app": (not one.max_app or bool(_VERSION.fullmatch(one.max_app)), one.max_app),
        "url": (_is_link(one.url), one.url),
        "image": (_is_link(one.image), one.image),
        "until": (not (one.from_ and one.until) or utc(one.from_) < utc(one.until), str(one.until)),
    }
    for name, (fine, found) in faults.items():
        if not fine:
            raise BadInput("bad_page", field=f"{field}.{name}", found=found[:200])


def _is_link(text: str) -> bool:
    return not text or text.startswith(("https://", "http://", "/"))


def utc(at: datetime) -> datetime:
    """A time of a document; without a zone it is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def page_of(shop: Shop, name: str) -> tuple[Page, int]:
    """A page and the version of its document.

    Raises:
        UnknownName: unknown_page, with the nearest name.
    """
    paper = shop.store.papers.get(KIND, name)
    if paper is not None:
        return msgspec.convert(dict(paper.body), Page), paper.version
    if name == "home":
        return FIRST, 0
    raise UnknownName.among("page", name, names(shop))


def names(shop: Shop) -> list[str]:
    """Every page's name."""
    return sorted({"home", *shop.store.papers.names(KIND)})


def item_of(page: str, one: Module) -> Item:
    """A module as an item, so that it can be chosen and learnt about."""
    title = one.title.get("en") or next(iter(one.title.values()), one.name)
    return Item(0, "module", f"{page}/{one.name}", title)


def _shown(shop: Shop, name: str) -> PageShown:
    page, version = page_of(shop, name)
    return PageShown(name=name, version=version, page=page)
