"""One request from end to end: who, what may be shown, the chain, the decision, the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from renwei.core import reasons
from renwei.core.chance import hash64, u
from renwei.core.decide import decide
from renwei.core.errors import BadInput
from renwei.core.nouns import Ask, Decision, Item, Reason
from renwei.core.policies import Best
from renwei.core.shop import Shop
from renwei.recommend.answers import (
    Context,
    ItemShown,
    RecommendAnswer,
    RecommendRequest,
    Removed,
    Spoken,
    WhyShown,
)
from renwei.recommend.attraction import attracting
from renwei.recommend.chain import SPARE, VARIED, Barred, Chain, Speaker
from renwei.recommend.exposure import exposure
from renwei.recommend.filters import passing
from renwei.recommend.forecast import Forecast
from renwei.recommend.goods import Goods
from renwei.recommend.model import Model, Open, model
from renwei.recommend.moment import Moment, moment, person_of
from renwei.recommend.notes import notes
from renwei.recommend.spreading import Sight, Spread
from renwei.recommend.surfaces import HOLDOUT_SALT, MODES, Place, place_of, surface_of
from renwei.recommend.visits import Visit
from renwei.recommend.voices import (
    BESIDE,
    COLD,
    FILLING,
    FOLLOWED,
    FOLLOWING,
    FORESEEN,
    IN_VISIT,
    LOOKS,
    NEW,
    OF_PAGE,
    PERSONAL,
    POPULAR,
    UNBOUGHT,
    WEIGHTS,
    Scene,
    Voice,
)

if TYPE_CHECKING:
    from renwei.learn.taste.taste import Question

Bools = NDArray[np.bool_]


def answer(shop: Shop, request: RecommendRequest) -> RecommendAnswer:
    """Decide what to show; recorded like every decision.

    Raises:
        UnknownName: unknown_surface. BadInput: bad_mode, bad_filter.
    """
    at = shop.clock.now().astimezone(UTC)
    request = msgspec.structs.replace(request, context=context_of(request.context))
    place, version = _place(shop, request)
    person = person_of(shop, request.user_id or request.user, request.anonymous_id)
    now = moment(shop, person, at, cool_days=place.cool_days)
    held = bool(person) and u(person, HOLDOUT_SALT) < _share(shop, place)
    chain = chain_of(shop, request, place, (now, held))
    surface = surface_of(request.surface, place, version, request.n)
    ask = Ask(
        person,
        surface,
        at,
        _unit(request, person),
        limit=request.n,
        position=shop.store.log.position(),
        map_version=shop.store.people.map_version(),
    )
    decision = decide(
        ask,
        sources=[Speaker(chain, k) for k in range(len(chain.voices))],
        guards=[Barred(name, items) for name, items in chain.barred.items() if items],
        policy=Best(0.0 if held else place.explore),
        permits=shop.permits,
        ledger=shop.store.ledger,
    )
    if place.mode == "feed":
        exposure(shop.store).note([number for number in decision.chosen if number])
    return _answered(shop, request, (place, held), chain, decision)


def context_of(told: Any) -> Context:
    """What the page said of itself, as data or as JSON text.

    Raises:
        BadInput: bad_context (field, found).
    """
    if told is None or isinstance(told, Context):
        return told or Context()
    try:
        if isinstance(told, str):
            return msgspec.json.decode(told or "{}", type=Context)
        return msgspec.convert(told, Context)
    except msgspec.DecodeError as wrong:
        said, _, where = str(wrong).partition(" - at `$.")
        raise BadInput("bad_context", field=where.rstrip("`") or "-", found=said[:200]) from None


def _place(shop: Shop, request: RecommendRequest) -> tuple[Place, int]:
    place, version = place_of(shop, request.surface)
    if request.mode:
        if request.mode not in MODES:
            raise BadInput("bad_mode", name=request.mode, known=", ".join(MODES))
        place = msgspec.structs.replace(place, mode=request.mode)
    if request.diversity is not None:
        place = msgspec.structs.replace(place, diversity=request.diversity)
    if request.allow_seen is not None:
        seen = {"session": True, "seen": 0} if request.allow_seen else {"session": False}
        place = msgspec.structs.replace(place, **seen)
    return place, version


def _share(shop: Shop, place: Place) -> float:
    return shop.settings.holdout if place.holdout is None else place.holdout


def _unit(request: RecommendRequest, person: int) -> int:
    """Draws stick to a visit, so that a page does not flip while somebody looks at it."""
    visit = request.session_id or request.context.session_id
    return hash64(f"{person}|{visit}") if visit else 0


def chain_of(
    shop: Shop, request: RecommendRequest, place: Place, who: tuple[Moment, bool]
) -> Chain:
    """The chain that answers a request for somebody as of a moment; `who` says if held out."""
    now, held = who
    stock = model(shop)
    page = _page(request, stock.goods)
    open_ = _open(stock, place, request.filter)
    if held or not now.personal:
        now = replace(Moment(now.at, now.person), shown=now.shown, dismissed=now.dismissed)
    visit = _visit(request.context, stock.goods)
    if visit and not held:
        now = replace(now, session=(*visit, *now.session))
    item, cart = page if any(page) else _turned_to(place, now)
    scene = Scene(now, stock, open_, item=item, cart=cart)
    if not (held or place.only or place.mode in OF_PAGE):
        scene = replace(scene, forecast=_forecast(scene, place), visit=_visited(scene))
    # Whoever is held out keeps the list of the whole shop, so that local lists are measured too;
    # what is foreseen of somebody says more than where they are.
    if not held and who[0].personal and scene.forecast is None:
        scene = replace(scene, around=stock.tables.local.around(shop, request.context, now))
    slots = {stock.goods.words.get(f"kind|{kind}", -1): n for kind, n in place.slots.items()}
    return Chain(
        scene,
        _voices(scene, place, held=held),
        {**_weights(scene, place), **stock.tables.weights},
        _barred(request, place, scene, who[0]),
        Spread(stock.goods, place, request.n, _sight(shop, scene, place)),
        request.n,
        spare=VARIED if place.diversity and scene.forecast is not None else SPARE,
        kinds=slots,
        attracts=None if held else attracting(shop, stock.goods),
    )


def _sight(shop: Shop, scene: Scene, place: Place) -> Sight:
    """What the order of the answer may look at."""
    goods, now, forecast = scene.goods, scene.moment, scene.forecast
    begun = scene.item or (now.items[0] if now.items else 0)
    shown = None
    if forecast is not None and place.diversity:
        # Counted once for as long as nothing new is known of the person: lists must not flip.
        shown = forecast.once(lambda: exposure(shop.store).of(goods.number))
    return Sight(
        start=int(goods.rows([begun])[0]),
        chances=forecast is not None,
        shown=shown,
        mix=_mix(scene) if place.own_mix else {},
    )


def _mix(scene: Scene) -> Mapping[int, float]:
    """The person's share of each category, in what they bought and touched."""
    numbers = np.concatenate([scene.bought.item, scene.touched.item])
    weights = np.concatenate([scene.bought.weight, scene.touched.weight])
    rows = scene.goods.rows(numbers)
    known = (rows >= 0) & (weights > 0)
    category = scene.goods.category[rows[known]]
    names, place = np.unique(category, return_inverse=True)
    sums = np.bincount(place, weights[known], minlength=len(names))
    whole = float(sums.sum()) or 1.0
    return dict(zip(names.tolist(), (sums / whole).tolist(), strict=True))


def _voices(scene: Scene, place: Place, *, held: bool) -> Sequence[Voice]:
    """Who speaks here: what was learnt and has won speaks instead of what is only plausible."""
    own = OF_PAGE.get(place.mode, ())
    shared = (POPULAR, NEW) if place.new else (POPULAR,)
    if held:
        return (*own, POPULAR)
    # A page with an item on it is about that item; who looks only fills what it leaves.
    if own:
        voices: Sequence[Voice] = (*own, *PERSONAL, *shared)
    elif scene.visit is not None:
        foreseen = (FORESEEN,) if scene.forecast is not None else ()
        return (*foreseen, FOLLOWING, FOLLOWED, *shared)
    elif scene.forecast is not None:
        return (FORESEEN, *LOOKS, *shared)
    elif place.only or scene.tables.ranker is None or _has_won(scene, place):
        voices = (*PERSONAL, *shared)
    else:
        voices = (*UNBOUGHT, *shared)
    return [voice for voice in voices if not place.only or voice.name in place.only]


def _weights(scene: Scene, place: Place) -> Mapping[str, float]:
    if place.mode in OF_PAGE:
        return FILLING
    if scene.visit is not None:
        return IN_VISIT
    if scene.forecast is not None:
        return BESIDE
    return WEIGHTS if place.only or not _has_won(scene, place) else COLD


def _question(place: Place) -> Question:
    return "discover" if place.repeats == "no" else "any"


def _has_won(scene: Scene, place: Place) -> bool:
    ranker = scene.tables.ranker
    return ranker is not None and ranker.serves(_question(place))


def _forecast(scene: Scene, place: Place) -> Forecast | None:
    """What the person will buy, where the ranker serves and has something to go by."""
    ranker, now = scene.tables.ranker, scene.moment
    if ranker is None or not (now.bought and now.personal and _has_won(scene, place)):
        return None
    rows = scene.model.ranked
    keep: Bools = (rows >= 0) & scene.allowed[np.maximum(rows, 0)]
    return ranker.forecast(now, _question(place), keep)


def _visited(scene: Scene) -> Visit | None:
    """Where the visit under way leads, where that was learnt."""
    guide, now = scene.tables.guide, scene.moment
    if guide is None or not (now.session and now.personal):
        return None
    visit = guide.visit(now.session, scene.open.shown, scene.open)
    return visit if len(visit.items) else None


def _page(request: RecommendRequest, goods: Goods) -> tuple[int, tuple[int, ...]]:
    """Numbers of the item on the page and of those in the cart; unknown ones are nothing."""
    item = request.item_id or request.context.item_id
    cart = [_number(goods, code) for code in request.context.cart]
    return (_number(goods, item) if item else 0), tuple(number for number in cart if number)


def _turned_to(place: Place, now: Moment) -> tuple[int, tuple[int, ...]]:
    """Where the page names no item: what the person turned to last, if this is about an item."""
    if place.mode not in OF_PAGE or not now.personal:
        return 0, ()
    if now.session or now.items:
        return (now.session[-1] if now.session else now.items[0]), ()
    bought = [line[0] for line in now.bought[0].lines if line[0]] if now.bought else []
    return (bought[0], tuple(bought)) if bought else (0, ())


def _visit(context: Context, goods: Goods) -> tuple[int, ...]:
    """Where somebody came in counts as their first look."""
    number = _number(goods, context.landing_item_id) if context.landing_item_id else 0
    return (number,) if number else ()


def _number(goods: Goods, code: str) -> int:
    row = goods.row_of(code)
    return int(goods.number[row]) if row >= 0 else 0


def _open(stock: Model, place: Place, asked: str) -> Open:
    def mask() -> Bools:
        goods = stock.goods
        found = goods.offered & goods.of_kinds(place.kinds)
        for text in (place.filter, asked):
            if text.strip():
                found = found & passing(goods, text)
        return found

    return stock.open("\n".join((*place.kinds, "", place.filter, "", asked.strip())), mask)


def _barred(
    request: RecommendRequest, place: Place, scene: Scene, now: Moment
) -> Mapping[str, frozenset[int]]:
    goods, onpage = scene.goods, {scene.item, *scene.cart} - {0}
    bought = {line[0] for purchase in now.bought for line in purchase.lines if line[0]}
    if place.repeats == "yes":
        bought = set()
    elif place.repeats == "learnt":
        rows = goods.rows(list(bought)) if bought else np.zeros(0, dtype=np.int64)
        again = scene.tables.column("cycle_days", list(bought), np.nan) if bought else rows
        told = np.where(rows >= 0, goods.told_repeat[rows], 0) if len(rows) else rows
        repeats = (np.isfinite(again) & (told >= 0)) | (told > 0)
        bought = {number for number, ok in zip(bought, repeats, strict=True) if not ok}
    session = set() if place.session else set(now.session)
    seen = {n for n, times in now.shown.items() if place.seen and times >= place.seen}
    return {
        "excluded": frozenset(_number(goods, code) for code in request.exclude_ids) - {0},
        "on_page": frozenset(onpage),
        "dismissed": now.dismissed,
        "bought": frozenset(bought),
        "session": frozenset(session),
        "seen": frozenset(seen),
    }


def _answered(
    shop: Shop,
    request: RecommendRequest,
    how: tuple[Place, bool],
    chain: Chain,
    decision: Decision,
) -> RecommendAnswer:
    place, held = how
    goods, shown = chain.scene.goods, [number for number in decision.chosen if number]
    rows = goods.rows(shown)
    of = {number: k for k, number in enumerate(decision.items)}
    drawn = zip(shown, rows.tolist(), decision.odds, decision.reasons, strict=False)
    items = [
        _item(shop, goods, rank, goods.items[row], (decision, of[number], odds, reason))
        for rank, (number, row, odds, reason) in enumerate(drawn, start=1)
    ]
    personal = any(item.source not in ("popular", "new") for item in items)
    return RecommendAnswer(
        decision_id=decision.id,
        surface=decision.surface,
        mode=place.mode,
        at=decision.at,
        items=items,
        reason=_short(shop, request, chain, len(items)),
        personal=personal,
        holdout=held,
        model=str(chain.scene.tables.meta.get("model", "")),
        spoken=_spoken(chain, rows.tolist()) if request.explain else [],
        removed=_removed(shop, goods, decision) if request.explain else [],
        notes=notes(shop, request, place, chain.scene),
    )


def _item(
    shop: Shop, goods: Goods, rank: int, item: Item, drawn: tuple[Decision, int, float, Reason]
) -> ItemShown:
    decision, place, odds, reason = drawn
    facts = item.facts
    return ItemShown(
        id=item.code,
        kind=item.kind,
        title=item.title,
        url=str(facts.get("url") or ""),
        image=str(facts.get("image") or ""),
        category=item.category,
        brand=str(facts.get("brand") or ""),
        price_minor=item.price_minor,
        currency=item.currency,
        rank=rank,
        score=decision.scores[place] / 1024,
        source=decision.sources[place],
        reason=why_shown(shop, goods, reason),
        propensity=odds,
        explored=reason.code == "exploring",
    )


def why_shown(shop: Shop, goods: Goods, reason: Reason) -> WhyShown:
    """A reason as a customer reads it, with the shop's own ids as evidence."""
    rows = goods.rows(list(reason.evidence)) if reason.evidence else np.zeros(0, dtype=np.int64)
    cited = [goods.items[row] for row in rows.tolist() if row >= 0]
    values = {**reason.values, "item": cited[0].title if cited else ""}
    if reason.code == "followed":
        values["item"] = ""
    told = Reason(reason.code, values, reason.evidence)
    return WhyShown(
        code=reason.code,
        text=reasons.public(told, shop.words, shop.language),
        evidence=[item.code for item in cited],
        share=float(reason.values.get("share", 0.0)),
        count=int(reason.values.get("n", 0)) if reason.code == "taken_with" else 0,
    )


def _short(shop: Shop, request: RecommendRequest, chain: Chain, n: int) -> WhyShown | None:
    """Why there are fewer items than were asked for; None where there are enough."""
    if n >= request.n:
        return None
    scene = chain.scene
    if not scene.goods.offered.any():
        code = "empty_catalogue"
    elif not scene.allowed.any():
        code = "nothing_passes"
    else:
        code = "nothing_left" if not n else "few_left"
    return WhyShown(code=code, text=shop.say(f"recommend.short.{code}", n=n, wanted=request.n))


def _spoken(chain: Chain, rows: Sequence[int]) -> list[Spoken]:
    judged, found = chain.judged, []
    for row in rows:
        place = int(np.flatnonzero(judged.rows == row)[0])
        said = judged.said[:, place].tolist()
        by = {v.name: round(w * 1_000, 3) for v, w in zip(chain.voices, said, strict=True) if w}
        found.append(Spoken(id=chain.scene.goods.code[row], by_source=by))
    return found


def _removed(shop: Shop, goods: Goods, decision: Decision) -> list[Removed]:
    rows = goods.rows([removal.item for removal in decision.removed]).tolist()
    return [
        Removed(
            id=goods.code[row],
            guard=removal.guard,
            text=shop.say(f"reasons.removed_{removal.guard}", n=1),
        )
        for removal, row in zip(decision.removed, rows, strict=True)
    ]
