"""Goods find people: for one item, who is likely to want it, how many will buy, and why.

Looking is no decision: nothing is recorded but that these people were looked at (the audit
log). What is sent to whom is decided elsewhere, by `next` and the day's list, under the same
consent that is shown here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from renwei.core.chance import to_id, u
from renwei.core.clock import from_us, to_us
from renwei.core.errors import UnknownName
from renwei.core.nouns import OUR_OWN, ConsentState, Surface, Trait, consent_by
from renwei.core.operations import operation
from renwei.core.permission import unpack, verdict
from renwei.core.shop import Shop
from renwei.recommend.audience_answers import (
    AudienceForAnswer,
    AudienceForRequest,
    AudienceLearnt,
    Buyers,
    Cited,
    ItemAsked,
    LearnAudience,
    Wanting,
    WhyWanted,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from renwei.core.nouns import Consent
    from renwei.learn.audience.odds import Odds
    from renwei.learn.audience.signs import Asked
    from renwei.recommend.customers import Everybody
    from renwei.recommend.goods import Goods

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

MODEL = "audience@1"
TOPS = (50, 100, 200)
HORIZON_DAYS = 30
TEST = 50
"""So many people are asked where nothing is known of who would want an item."""
TEST_ACTIVE_DAYS = 180.0
LEARN_AT_ONCE = 300_000
"""With more purchases than this nobody waits: `learn-audience` is run by itself."""
AGAIN_AFTER, LONG_STILL = timedelta(days=30), timedelta(days=14)
NAMES = ("name", "nick", "customer", "user", "email", "phone")
WAYS = ("wechat", "external_userid", "openid", "phone", "email", "nick")
_BLOCK = 900
_PLATFORM = ("nick", "customer")


@operation(
    "learn-audience", LearnAudience, writes=True, child=True, http="POST /v1/estimates/audience"
)
def learn_audience(shop: Shop, request: LearnAudience) -> AudienceLearnt:
    """Learn from the shop's past who wants what, and how sure that is; keep it on the shelf."""
    import numpy as np

    from renwei.learn.audience.trials import learn
    from renwei.recommend.customers import TABLE, bought_of_log, odds_to, wares_of

    at = (request.at or shop.clock.now()).astimezone(UTC)
    shop.ready_estimates(at)
    position = shop.store.log.position()
    shop.progress("learn", 0, 2)
    bought, stock = bought_of_log(shop, at)
    shop.progress("learn", 1, 2)
    found = learn(bought, wares_of(stock, np.arange(len(stock))), to_us(at))
    trials = {name: msgspec.to_builtins(vars(one)) for name, one in found.trials.items()}
    meta = {
        "model": MODEL,
        "as_of": at.isoformat(),
        "position": position,
        "known": odds_to(found.known),
        "new": odds_to(found.new),
        "purchases": found.purchases,
        "needed": found.needed,
        "quality": trials,
    }
    shop.shelf.put(TABLE, {"row": np.zeros(0, dtype=np.int64)}, meta)
    return AudienceLearnt(
        at=at,
        purchases=found.purchases,
        needed=found.needed,
        known=found.known.way if found.known else "",
        new=found.new.way if found.new else "",
        intervals_held=found.known.held if found.known else 0.0,
        trials=trials,
        model=MODEL,
    )


@operation("audience-for", AudienceForRequest, http="GET /v1/items/{id}/audience")
def audience_for(shop: Shop, request: AudienceForRequest) -> AudienceForAnswer:
    """Say who is likely to want an item, how many will buy, and why each of them.

    Raises:
        UnknownName: no_such_item, with the nearest code.
    """
    from renwei.recommend.customers import everybody

    at = shop.clock.now().astimezone(UTC)
    shop.ready_estimates(at)
    row = _row(shop, request)
    all_ = everybody(shop, at, row)
    if not all_.now.there.any():
        return _answer(shop, all_, row, _Found("nobody", [_note(shop, "nobody")]))
    learnt = _learnt(shop, len(all_.now.person))
    return _answer(shop, all_, row, _found(shop, all_, row, request, learnt))


def _row(shop: Shop, request: AudienceForRequest) -> int:
    """Row of the item in the catalogue; products before other kinds of the same code."""
    import difflib

    from renwei.recommend.goods import goods

    stock = goods(shop.store)
    rows = [k for k in stock.places.get(request.id, ()) if stock.items[k].kind not in OUR_OWN]
    fits = [k for k in rows if not request.kind or stock.items[k].kind == request.kind]
    if fits:
        return min(fits, key=lambda k: stock.items[k].kind != "product")
    names: dict[str, str] = {}
    for item in stock.items:
        if item.kind not in OUR_OWN:
            names.setdefault(item.code.casefold(), item.code)
            names.setdefault(item.title.casefold(), item.code)
    near = difflib.get_close_matches(request.id.casefold(), list(names)[:20_000], n=1)
    wanted = names.get(request.id.casefold()) or (names[near[0]] if near else "")
    suggestion = wanted if wanted != request.id else ""
    raise UnknownName("no_such_item", field="id", name=request.id, suggestion=suggestion)


def _learnt(shop: Shop, purchases: int) -> Any:
    """What was learnt; where that is quick it is learnt now."""
    from renwei.recommend.customers import TABLE

    held = shop.shelf.get(TABLE)
    as_of = datetime.fromisoformat(str(held.meta["as_of"])) if held else None
    if as_of is not None and shop.clock.now() - as_of <= AGAIN_AFTER:
        return held.meta if held else {}
    if purchases <= LEARN_AT_ONCE:
        learn_audience(shop, LearnAudience())
        held = shop.shelf.get(TABLE)
    return held.meta if held else {}


@dataclass
class _Found:
    """What is to be shown: rows of people in order, and how they came to be there."""

    way: str
    notes: list[WhyWanted]
    odds: Odds | None = None
    asked: Asked | None = None
    score: Floats | None = None
    listed: Sequence[int] = ()
    first: Sequence[int] = ()
    drawn: float | None = None
    salt: str = ""


def _found(
    shop: Shop, all_: Everybody, row: int, request: AudienceForRequest, learnt: Any
) -> _Found:
    import numpy as np

    from renwei.learn.audience.signs import UNLIKE, ask
    from renwei.learn.audience.trials import untaught
    from renwei.recommend.customers import odds_of

    asked = ask(all_.now, all_.wares, row)
    notes = _of_item(shop, all_.stock, row)
    if from_us(all_.now.at_us) < all_.at - LONG_STILL:
        notes.append(_note(shop, "data_ends", last=from_us(int(all_.now.last_order_us.max()))))
    looked = bool((all_.now.looks[1] == row).any())
    if asked.hidden and asked.alikest < UNLIKE and not looked:
        notes.append(_note(shop, "unlike", n=TEST))
        return _tested(shop, all_, row, notes)
    odds = odds_of((learnt or {}).get("new" if asked.hidden else "known"))
    if odds is None:
        taught = int((learnt or {}).get("purchases") or 0)
        needed = int((learnt or {}).get("needed") or 0)
        code = "too_little" if learnt else "not_learnt"
        notes.append(_note(shop, code, taught=taught, needed=needed))
        odds = untaught()
    elif asked.hidden:
        notes.append(_note(shop, "new"))
    score = odds.score(asked)
    order = np.argsort(np.where(all_.now.there, -score, np.inf), kind="stable")
    order = order[: int(all_.now.there.sum())]
    wanted = max(request.n, TOPS[-1])
    first = _open(shop, all_, order, wanted, permitted=request.permitted)
    return _Found(odds.way, notes, odds, asked, score, first[: request.n], first)


def _of_item(shop: Shop, stock: Goods, row: int) -> list[WhyWanted]:
    facts = stock.items[row].facts
    if facts.get("gone") or facts.get("available") is False:
        return [_note(shop, "gone")]
    return [] if stock.offered[row] else [_note(shop, "out_of_stock")]


def _note(shop: Shop, code: str, **values: Any) -> WhyWanted:
    return WhyWanted(code=code, text=shop.say(f"recommend.audience.{code}", **values))


def _open(shop: Shop, all_: Everybody, order: Ints, wanted: int, *, permitted: bool) -> list[int]:
    """The first people of an order of whom something may be inferred; if asked, who may be told."""
    found: list[int] = []
    begin, size = 0, _BLOCK
    while begin < len(order) and len(found) < wanted:
        block = order[begin : begin + size].tolist()
        words = _words_of(shop, all_, block)
        found += [k for k, word in zip(block, words, strict=True) if word.fits(permitted)]
        # Where few may be asked, everybody's word is read in one go.
        begin, size = begin + size, len(order)
    return found[:wanted]


@dataclass(frozen=True)
class _Word:
    """What a person said: on marketing, the guard an offer would meet, the channels named."""

    state: str
    guard: str
    channels: tuple[str, ...]
    closed: bool

    def fits(self, permitted: bool) -> bool:
        """Whether the person may stand on the list."""
        return not self.closed and not (permitted and self.guard)


def _words_of(shop: Shop, all_: Everybody, rows: Sequence[int]) -> list[_Word]:
    at = all_.at
    persons = [int(one) for one in all_.person[list(rows)]]
    surface = Surface(
        "audience", (), "marketing", "order", timedelta(days=HORIZON_DAYS), disturbs=True
    )
    level = shop.permits.autonomy(surface)
    codes = shop.permits.standings(surface, persons, at)
    stated = shop.store.people.consents_of(persons)
    # Who was forgotten, or found to be somebody else, since the estimates were made.
    gone = [
        one != now for one, now in zip(persons, shop.store.people.persons_of(persons), strict=True)
    ]
    found = []
    for code, consents, left in zip(codes, stated, gone, strict=True):
        standing = unpack(int(code))
        guard = verdict(surface, level, standing, _OFFER)
        found.append(_word(consents, standing.purpose, guard, at, gone=left))
    return found


_OFFER = int(Trait.PROMOTION)


def _word(
    consents: Sequence[Consent], state: ConsentState, guard: str, at: datetime, *, gone: bool
) -> _Word:
    stated = tuple(consents)
    channels = {one.channel for one in stated if one.purpose == "marketing"}
    given = sorted(
        one for one in channels if consent_by(stated, "marketing", one, at) is ConsentState.GIVEN
    )
    closed = gone or consent_by(stated, "profiling", "*", at) is ConsentState.WITHDRAWN
    return _Word(state.value, guard, tuple(given), closed)


def _tested(shop: Shop, all_: Everybody, row: int, notes: list[WhyWanted]) -> _Found:
    """People drawn by chance among those who came lately and whom an offer may reach."""
    import numpy as np

    from renwei.core.chance import u_many

    active = np.flatnonzero(all_.now.active(TEST_ACTIVE_DAYS))
    words = _words_of(shop, all_, active.tolist())
    may = np.array([word.fits(True) for word in words], dtype=bool)
    eligible = active[may] if len(active) else active
    salt = f"audience/{all_.stock.code[row]}/{all_.at:%Y-%m}"
    order = np.argsort(u_many(all_.person[eligible], salt), kind="stable")
    drawn = eligible[order[:TEST]].tolist()
    if not drawn:
        notes.append(_note(shop, "nobody_to_test"))
    odds = min(1.0, TEST / len(eligible)) if drawn else None
    return _Found("test", notes, listed=drawn, first=drawn, drawn=odds, salt=salt)


def _answer(shop: Shop, all_: Everybody, row: int, found: _Found) -> AudienceForAnswer:
    item, now = all_.stock.items[row], all_.now
    people = _people(shop, all_, row, found) if found.listed else []
    states = ("given", "unknown", "withdrawn")
    told = found.odds is not None and found.way != "untaught"
    return AudienceForAnswer(
        item=ItemAsked(
            id=item.code,
            kind=item.kind,
            title=item.title,
            category=item.category,
            price_minor=item.price_minor,
            currency=item.currency,
            available=bool(all_.stock.offered[row]),
            buyers=int(now.buyers[row]),
        ),
        at=all_.at,
        as_of=all_.as_of,
        way=found.way,
        new=not now.buyers[row],
        notes=found.notes,
        considered=int(now.there.sum()),
        people=people,
        expected=_expected(found) if told else [],
        horizon_days=HORIZON_DAYS,
        intervals_held=found.odds.held if found.odds and told else 0.0,
        consents={state: sum(one.consent == state for one in people) for state in states},
        salt=found.salt,
        model=MODEL if told else "",
    )


def _expected(found: _Found) -> list[Buyers]:
    """Buyers among the first 50, 100, 200 of the ranking; of all of it where it is shorter."""
    from renwei.learn.audience.odds import expected

    if found.odds is None or found.score is None or not found.first:
        return []
    chances = found.odds.chance(found.score[list(found.first)])
    tops = [n for n in TOPS if n <= len(chances)] or [len(chances)]
    made = [expected(chances[:n], found.odds.spread) for n in tops]
    return [Buyers(first=one.n, buyers=one.mean, low=one.low, high=one.high) for one in made]


def _people(shop: Shop, all_: Everybody, row: int, found: _Found) -> list[Wanting]:
    rows = list(found.listed)
    persons = [int(one) for one in all_.person[rows]]
    names = [*dict.fromkeys((*NAMES, *WAYS))]
    vault = shop.store.people.open_many(persons, names) if persons else []
    words = _words_of(shop, all_, rows)
    offered = bool(all_.stock.offered[row])
    lines = []
    for rank, (k, own, word) in enumerate(zip(rows, vault, words, strict=True), start=1):
        reason = _reason(shop, all_, found, k)
        score = float(found.score[k]) if found.score is not None else 0.0
        told = found.odds is not None and found.way != "untaught"
        chance = float(found.odds.chance(found.score[[k]])[0]) if told else None  # type: ignore[union-attr,index]
        last_us = int(all_.now.last_order_us[k])
        lines.append(
            Wanting(
                person=to_id(persons[rank - 1]),
                name=_name(own),
                rank=rank,
                chance=None if chance is None else round(chance, 5),
                score=round(score, 4),
                reason=reason,
                orders=int(all_.now.orders[k]),
                last_order=from_us(last_us) if last_us else None,
                consent=word.state,
                consent_text=_consent_text(shop, word),
                barred_by=word.guard,
                channels=list(word.channels),
                reach=[kind for kind in WAYS if own.get(kind)],
                draft=_draft(shop, all_, row, k, reason) if offered and not word.guard else "",
                command=_command(persons[rank - 1], word, offered=offered),
                odds=found.drawn,
            )
        )
    return lines


def _name(own: Any) -> str:
    for kind in NAMES:
        for text in own.get(kind, ()):
            return str(text.partition(":")[2] or text) if kind in _PLATFORM else str(text)
    return ""


def _consent_text(shop: Shop, word: _Word) -> str:
    key = "given_by" if word.state == "given" and word.channels else word.state
    if word.guard and word.state == "given":
        return shop.say(f"guards.{word.guard}") if shop.words.has(f"guards.{word.guard}") else ""
    joined = ", ".join(one for one in word.channels if one != "*")
    key = "given" if key == "given_by" and not joined else key
    return shop.say(f"recommend.audience.consent.{key}", channels=joined)


def _command(person: int, word: _Word, *, offered: bool) -> str:
    """What to type for a draft under the person's own word; nothing where there is none to send."""
    return f"renwei next {to_id(person)}" if offered and word.state != "withdrawn" else ""


def _reason(shop: Shop, all_: Everybody, found: _Found, k: int) -> WhyWanted:
    from renwei.learn.audience.odds import evidence

    if found.asked is None or found.odds is None:
        return _reason_said(shop, "drawn", [], 0.0)
    why = evidence(all_.now, found.asked, found.odds, k)
    cited = [
        Cited(id=all_.stock.code[one], title=all_.stock.items[one].title, adds=round(adds, 4))
        for one, adds in zip(why.items, why.adds, strict=True)
    ]
    if not why.sign:
        return _reason_said(shop, "lively" if all_.now.orders[k] else "drawn", [], 0.0)
    return _reason_said(shop, why.sign, cited, round(why.share, 3))


def _reason_said(shop: Shop, code: str, cited: list[Cited], share: float) -> WhyWanted:
    titles = "、".join if shop.language == "zh" else ", ".join
    text = shop.say(f"recommend.audience.why.{code}", items=titles([one.title for one in cited]))
    return WhyWanted(code=code, text=text, evidence=cited, share=share)


def _draft(shop: Shop, all_: Everybody, row: int, k: int, reason: WhyWanted) -> str:
    """A first draft; what somebody only looked at is the shop's to know and not its subject."""
    here = slice(int(all_.now.begins[k]), int(all_.now.begins[k + 1]))
    had = {all_.stock.code[int(one)] for one in all_.now.item[here]}
    bought = [one.title for one in reason.evidence if one.id in had and reason.code != "looked"]
    part = "again" if all_.stock.code[row] in had else "bought" if bought else "plain"
    turn = 1 + int(u(int(all_.person[k]), "audience/draft") * 3)
    values = {"item": all_.stock.items[row].title, "bought": bought[0] if bought else ""}
    key = f"recommend.audience.draft.{part}.{turn}"
    return shop.words.say(key, values, shop.settings.language)
