"""One page for one person: which modules, in which order, with which items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from renwei.core.chance import hash64, u
from renwei.core.decide import decide
from renwei.core.nouns import Ask, Decision, Reason, Surface
from renwei.core.operations import operation
from renwei.core.policies import Best
from renwei.core.reasons import public
from renwei.core.shop import Shop
from renwei.core.slate import Slate
from renwei.core.store import Named
from renwei.pages.documents import Module, Page, item_of, page_of, utc

CONTROL_SALT = "page/control"
SLOW = ("2g", "slow-2g")
VISIT = timedelta(minutes=30)
_Id = Annotated[str, msgspec.Meta(max_length=200)]


class PageRequest(msgspec.Struct, kw_only=True):
    """One page for one person. `net` 2g asks for a lighter set; `n` caps every module's items.

    `context` is handed to whatever fills a module, as it is told (see recommend).
    """

    name: str
    user_id: _Id = ""
    anonymous_id: _Id = ""
    session_id: _Id = ""
    app_version: _Id = ""
    net: _Id = ""
    item_id: _Id = ""
    context: Any = None
    n: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    explain: bool = False


class Why(msgspec.Struct, kw_only=True):
    """Why a module stands where it stands, or why it was left out."""

    code: str
    text: str


class ModuleShown(msgspec.Struct, kw_only=True):
    """One module in its place; `items` are those of its own decision (see recommend)."""

    name: str
    title: str
    source: str
    place: int
    reason: Why
    decision_id: str = ""
    items: list[Any] = []
    image: str = ""
    url: str = ""


class LeftOut(msgspec.Struct, kw_only=True):
    """A module that is not shown, and what took it out."""

    name: str
    guard: str
    text: str


class PageAnswer(msgspec.Struct, kw_only=True):
    """Modules in order. `control` says that this person gets the default order."""

    decision_id: str
    page: str
    version: int
    at: datetime
    control: bool
    etag: str
    modules: list[ModuleShown]
    left_out: list[LeftOut] = []


@operation("page", PageRequest, writes=True, http="GET /v1/page/{name}", scope="show")
def page(shop: Shop, request: PageRequest) -> PageAnswer:
    """Put the modules of a page in order for one person, each with its items.

    Raises:
        UnknownName: unknown_page.
    """
    at = shop.clock.now().astimezone(UTC)
    found, version = page_of(shop, request.name)
    person = _person(shop, request)
    unit = hash64(f"{person}|{request.session_id}") if request.session_id else 0
    held = bool(person or unit) and u(person or unit, CONTROL_SALT) < found.control
    blocks = _Blocks(shop, request, found, at)
    ask = Ask(
        person,
        Surface(
            f"page:{request.name}",
            ("module",),
            "profiling",
            "order",
            timedelta(days=1),
            slots=max(len(found.modules), 1),
            silence=False,
            channel="web",
            version=version,
        ),
        at,
        unit,
        limit=max(len(found.modules), 1),
        position=shop.store.log.position(),
        map_version=shop.store.people.map_version(),
    )
    decision = _before(shop, ask)
    if decision is None:
        decision = decide(
            ask,
            sources=[_Modules(blocks, control=held)],
            guards=[_Left(blocks)],
            policy=Best(0.0 if held else found.explore),
            permits=shop.permits,
            ledger=shop.store.ledger,
        )
    return _answered(shop, request, blocks, (decision, version, held))


def _person(shop: Shop, request: PageRequest) -> int:
    people = shop.store.people
    for kind, value in (("user", request.user_id), ("anonymous", request.anonymous_id)):
        person = people.find(Named(kind, value)) if value else None
        if person:
            return person
    others = people.search(request.user_id) if request.user_id else []
    return others[0] if len(others) == 1 else 0


def _before(shop: Shop, ask: Ask) -> Decision | None:
    """The order that this visit has seen already: a page does not flip while somebody looks.

    Where the caller names no visit, what somebody asks for in quick succession is one.
    """
    if not ask.person:
        return None
    for decision in shop.store.ledger.of([ask.person], limit=50):
        if ask.at - decision.at > VISIT:
            return None
        same = decision.surface == ask.surface.name and ask.unit in (0, decision.unit)
        if same and decision.surface_version == ask.surface.version:
            return decision
    return None


class _Blocks:
    """The modules of one page with their items and with what keeps some of them away."""

    def __init__(self, shop: Shop, request: PageRequest, page_: Page, at: datetime) -> None:
        self.shop, self.request, self.page = shop, request, page_
        items = [item_of(request.name, one) for one in page_.modules]
        codes = [item.code for item in items]
        numbers = shop.store.items.by_code("module", codes) if codes else []
        if items and not all(numbers):
            numbers = shop.store.items.upsert(items)
        self.by_number = dict(zip(numbers, page_.modules, strict=True))
        self.order = {number: k for k, number in enumerate(numbers)}
        self.left = {
            n: guard for n, one in self.by_number.items() if (guard := _guard(one, request, at))
        }
        self.lists: dict[int, Any] = {}
        for number, one in self.by_number.items():
            if number not in self.left:
                self.lists[number] = self._list(one)
        for number, one in self.by_number.items():
            if number not in self.left and _is_empty(one, self.lists[number]):
                self.left[number] = "empty"
        self._cap()

    def _list(self, one: Module) -> Any:
        """The items of a module, by a decision of its own."""
        if one.source == "banner":
            return None
        request = self.request
        light = request.net in SLOW
        wanted = min(one.n, request.n or one.n, 4 if light else 100)
        asked: dict[str, Any] = {
            "user_id": request.user_id, "anonymous_id": request.anonymous_id,
            "session_id": request.session_id, "item_id": request.item_id, "n": wanted,
            "context": request.context,
            "surface": one.surface, "exclude_ids": self._shown(one),
        }  # fmt: skip
        if one.source == "items":
            quoted = ", ".join("'" + code.replace("'", "''") + "'" for code in one.items)
            asked |= {"filter": f"id in ({quoted})"} if quoted else {}
            if not quoted:
                return None
        return self.shop.perform("recommend", **asked)

    def _shown(self, one: Module) -> list[str]:
        """What modules before show already: nothing stands twice on a page by itself."""
        if one.source == "items":
            return []
        return [item.id for found in self.lists.values() if found for item in found.items]

    def _cap(self) -> None:
        """At most so many of a source: those that say more to this person stay."""
        for source, most in self.page.most.items():
            own = [
                n
                for n, one in self.by_number.items()
                if one.source == source and n not in self.left
            ]
            own.sort(key=lambda n: (-self.score(n), self.order[n]))
            self.left |= dict.fromkeys(own[most:], "most")

    def score(self, number: int) -> float:
        """What a module is worth to this person, in thousandths.

        The mean of its first three items' scores where it holds recommendations, else what its
        place in the default order says; the earlier place wins between equals.
        """
        place = 1.0 - self.order[number] / max(len(self.order), 1)
        found = self.lists.get(number)
        scores = [item.score for item in found.items[:3]] if found and found.personal else []
        own = sum(scores) / len(scores) if scores else 0.0
        return 100.0 * place + own

    @property
    def open(self) -> list[int]:
        """Modules whose place is decided, by number."""
        return [n for n, one in self.by_number.items() if one.pin is None]


@dataclass(frozen=True)
class _Modules:
    """The modules as a source: scored for the person, or in the default order."""

    blocks: _Blocks
    control: bool
    name: str = "page"

    def propose(self, ask: Ask) -> Slate:
        """As in Source."""
        blocks = self.blocks
        numbers = blocks.open
        scores = [self._score(number) for number in numbers]
        return Slate.of(self.name, "layout", numbers, scores)

    def _score(self, number: int) -> float:
        if self.control:
            return float(len(self.blocks.order) - self.blocks.order[number])
        return self.blocks.score(number)

    def reason(self, ask: Ask, item: int) -> Reason:
        """As in Source: the person's own items where they lift a module, else the layout."""
        found = self.blocks.lists.get(item)
        if self.control or not (found and found.personal):
            return Reason("layout")
        return Reason("module_fits", {"module": self.blocks.by_number[item].name}, (item,))

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        """As in Source: the place alone, without what its items say."""
        blocks = self.blocks
        return 100.0 * (1.0 - blocks.order[item] / max(len(blocks.order), 1))


@dataclass(frozen=True)
class _Left:
    """A guard: campaigns, versions, networks, empty modules and limits of a source."""

    blocks: _Blocks
    name: str = "page"

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        """As in Guard."""
        return [item not in self.blocks.left for item in slate.items]


def _guard(one: Module, request: PageRequest, at: datetime) -> str:
    if (one.from_ and at < utc(one.from_)) or (one.until and at >= utc(one.until)):
        return "campaign"
    app = _version(request.app_version)
    if app and (
        (one.min_app and app < _version(one.min_app))
        or (one.max_app and app > _version(one.max_app))
    ):
        return "app_version"
    if (one.nets and request.net and request.net not in one.nets) or (
        one.heavy and request.net in SLOW
    ):
        return "network"
    return ""


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version, () where it is none; 1.2 and 1.2.0 are the same."""
    bare = re.sub(r"(\.0+)+$", "", text)
    parts = bare.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _is_empty(one: Module, found: Any) -> bool:
    return one.source != "banner" and (found is None or not found.items)


def _answered(
    shop: Shop, request: PageRequest, blocks: _Blocks, how: tuple[Decision, int, bool]
) -> PageAnswer:
    decision, version, held = how
    reasons = dict(zip((n for n in decision.chosen if n), decision.reasons, strict=False))
    numbers = [n for n in decision.chosen if n in blocks.by_number and n not in blocks.left]
    rest = [n for n in blocks.open if n not in numbers and n not in blocks.left]
    for number in sorted(
        n for n in blocks.by_number if n not in blocks.open and n not in blocks.left
    ):
        reasons[number] = Reason("pinned")
    placed = _placed(blocks, [*numbers, *rest])
    modules = [
        _module(shop, blocks, number, k, reasons.get(number, Reason("layout")))
        for k, number in enumerate(placed, start=1)
    ]
    return PageAnswer(
        decision_id=decision.id,
        page=request.name,
        version=version,
        at=decision.at,
        control=held,
        etag=_etag(version, modules),
        modules=modules,
        left_out=_left_out(shop, blocks) if request.explain else [],
    )


def _placed(blocks: _Blocks, numbers: list[int]) -> list[int]:
    """Pinned modules at their places, the others round them in the order decided."""
    placed = list(numbers)
    pinned = [
        (one.pin, n) for n, one in blocks.by_number.items() if one.pin and n not in blocks.left
    ]
    for pin, number in sorted(pinned):
        placed.insert(min((pin or 1) - 1, len(placed)), number)
    return placed


def _module(shop: Shop, blocks: _Blocks, number: int, place: int, reason: Reason) -> ModuleShown:
    one, found = blocks.by_number[number], blocks.lists.get(number)
    light = blocks.request.net in SLOW
    items = found.items if found is not None else []
    if light:
        items = [msgspec.structs.replace(item, image="") for item in items]
    if one.source == "items":
        items = sorted(items, key=lambda item: one.items.index(item.id))
    return ModuleShown(
        name=one.name,
        title=one.title.get(shop.language) or next(iter(one.title.values()), one.name),
        source=one.source,
        place=place,
        reason=Why(code=reason.code, text=public(reason, shop.words, shop.language)),
        decision_id=found.decision_id if found is not None else "",
        items=items,
        image="" if light else one.image,
        url=one.url,
    )


def _left_out(shop: Shop, blocks: _Blocks) -> list[LeftOut]:
    return [
        LeftOut(
            name=blocks.by_number[number].name,
            guard=guard,
            text=shop.say(f"pages.left.{guard}"),
        )
        for number, guard in blocks.left.items()
    ]


def _etag(version: int, modules: Sequence[ModuleShown]) -> str:
    """The same as long as somebody would see the same: decisions have new ids, the rest counts."""
    shown: list[Mapping[str, Any]] = [
        {"name": one.name, "title": one.title, "image": one.image, "url": one.url,
         "items": [(item.id, item.title, item.price_minor, item.image) for item in one.items]}
        for one in modules
    ]  # fmt: skip
    return hashlib.blake2b(msgspec.json.encode([version, shown]), digest_size=12).hexdigest()
