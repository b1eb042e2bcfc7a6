"""From a recorded decision to a line that a shop assistant could have written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from renwei.core.chance import to_id
from renwei.core.clock import from_us
from renwei.core.nouns import OUR_OWN, ConsentState, Decision, Item, Reason, consent_by
from renwei.core.permission import HAND, unpack
from renwei.core.shop import Shop
from renwei.reach.answers import Interval, ItemShown, Person, Said
from renwei.reach.basis import DAY_US, Basis
from renwei.reach.drafts import draft, speak
from renwei.reach.plan import LINES, MINUTES, WHAT
from renwei.reach.score import BY_NAME
from renwei.reach.sources import need_row

VAULT = ("name", "nick", "phone", "email", "customer", "user", "external_userid", "openid")
EARLIEST, LATEST = 9.0, 20.5
"""Decent hours of the shop's day; nobody is written to before or after."""


@dataclass(frozen=True)
class Titles:
    """Titles of items as people read them."""

    items: Mapping[int, Item]

    @classmethod
    def of(cls, shop: Shop, numbers: list[int]) -> Titles:
        """The items behind numbers, and the products that care is about."""
        wanted = sorted({number for number in numbers if number > 0})
        found = {i.number: i for i in shop.store.items.get(wanted) if i is not None}
        about = [int(item.code) for item in found.values() if item.kind == "care"]
        more = [number for number in about if number not in found]
        found |= {i.number: i for i in shop.store.items.get(more) if i is not None}
        return cls(found)

    def product(self, number: int) -> Item | None:
        """The product of an item: its own, or what care is about."""
        item = self.items.get(number)
        if item is not None and item.kind == "care":
            return self.items.get(int(item.code))
        return item if item is not None and item.kind not in OUR_OWN else None

    def asks(self, number: int) -> bool:
        """Whether an item is the request for permission."""
        item = self.items.get(number)
        return item is not None and item.kind == "permission"

    def title(self, number: int) -> str:
        """The product's title; capitals of old cash registers are read out softly."""
        item = self.product(number)
        title = " ".join(item.title.split()) if item else ""
        return title.capitalize() if title.isupper() and title.isascii() else title

    def shown(self, number: int) -> ItemShown | None:
        """For the answer."""
        item = self.product(number)
        if item is None:
            return None
        return ItemShown(number=item.number, code=item.code, title=item.title)


def sentence(shop: Shop, reason: Reason, titles: Titles, language: str) -> str:
    """A reason in words; what a word would lose is said as a loss."""
    key, values = f"reasons.{reason.code}", spoken(shop, reason, titles, language)
    worth = values.get("worth")
    if worth and worth[0] < 0 and shop.words.has(f"{key}_loss"):
        key, values = f"{key}_loss", {**values, "worth": [-worth[0], worth[1]]}
    return speak(shop.words, key, values, language)


def spoken(shop: Shop, reason: Reason, titles: Titles, language: str) -> dict[str, Any]:
    """The values of a reason with titles for numbers and "6 weeks ago" for days."""
    values = dict(reason.values)
    for key in ("item", "last_item"):
        if key in values:
            number = int(values[key])
            asking = titles.asks(number)
            text = shop.words.say("today.what_permission", {}, language) if asking else ""
            values[key] = text or titles.title(number)
    if "days" in values:
        values["ago"] = ago(shop, int(values["days"]), language)
    return values


def ago(shop: Shop, days: int, language: str) -> str:
    """How long ago, as people say it.

    Days up to a fortnight, weeks up to ten, then months.
    """
    if days < 2:
        return shop.words.say(f"today.ago_{days}", {}, language)
    if days < 14:
        return shop.words.say("today.ago_days", {"n": days}, language)
    if days < 70:
        return shop.words.say("today.ago_weeks", {"n": round(days / 7)}, language)
    return shop.words.say("today.ago_months", {"n": round(days / 30.4)}, language)


def said(shop: Shop, reason: Reason, titles: Titles) -> Said:
    """A reason as answered, in the user's language."""
    values = dict(reason.values)
    text = sentence(shop, reason, titles, shop.language)
    if "item" in values:
        values["title"] = titles.title(int(values["item"]))
    return Said(code=reason.code, values=values, text=text)


TURNS = 12
"""So often other words are tried where somebody else on the list has the same."""


def lines(shop: Shop, basis: Basis, decisions: list[Decision], at: datetime) -> list[Person]:
    """The list's lines; only these people's vault is opened."""
    persons = [decision.person for decision in decisions]
    vault = shop.store.people.open_many(persons, VAULT) if persons else []
    numbers = [n for d in decisions for n in d.chosen]
    numbers += [
        int(r.values[k]) for d in decisions for r in d.reasons for k in _ITEMS if k in r.values
    ]
    titles = Titles.of(shop, numbers)
    standings = _standings(shop, decisions, at)
    agreed = _agreed(shop, persons, at)
    found: dict[str, Person] = {}
    for k, decision in enumerate(decisions):
        opened = (titles, vault[k], standings[k], agreed[k])
        # Two people with the same occasion are not sent the same words.
        for turn in range(TURNS):
            line = _line(shop, basis, decision, opened, turn)
            if line.draft not in found:
                break
        found[line.draft if line.draft not in found else decision.id] = line
    return list(found.values())


_ITEMS = ("item", "last_item")
_BY_CHANNEL = {
    "email": ("email",),
    "sms": ("phone",),
    "phone": ("phone",),
    "wechat": ("external_userid", "openid"),
    "wecom": ("external_userid",),
}


def _agreed(shop: Shop, persons: list[int], at: datetime) -> list[frozenset[str]]:
    """The channels each person agreed to marketing on; empty where it is every one or unknown."""
    found = []
    for consents in shop.store.people.consents_of(persons) if persons else []:
        channels = {one.channel for one in consents if one.purpose == "marketing"}
        given = {
            one
            for one in channels
            if consent_by(consents, "marketing", one, at) is ConsentState.GIVEN
        }
        found.append(frozenset() if given & {"*", HAND} else frozenset(given))
    return found


def _open_to(vault: Mapping[str, list[str]], agreed: frozenset[str]) -> Mapping[str, list[str]]:
    """What may be shown of the ways to reach somebody: consent for e-mail opens no phone."""
    if not agreed:
        return vault
    kept = {kind for channel in agreed for kind in _BY_CHANNEL.get(channel, ())}
    return {kind: texts for kind, texts in vault.items() if kind in kept}


def _standings(shop: Shop, decisions: list[Decision], at: datetime) -> list[ConsentState]:
    from renwei.reach.listing import surface_of

    persons = [decision.person for decision in decisions]
    codes = shop.permits.standings(surface_of(30), persons, at) if persons else []
    return [unpack(int(code)).purpose for code in codes]


def _line(
    shop: Shop,
    basis: Basis,
    decision: Decision,
    opened: tuple[Titles, Mapping[str, list[str]], ConsentState, frozenset[str]],
    turn: int,
) -> Person:
    titles, vault, marketing, agreed = opened
    item, row = decision.chosen[0], basis.row(decision.person)
    source = decision.sources[decision.items.index(item)]
    sort, people = BY_NAME[source], basis.people
    state = decision.consent.partition(":")[2] or "unknown"
    if marketing is ConsentState.GIVEN:
        state = "given"
    cause = decision.reasons[0] if decision.reasons else Reason(source)
    # What chance chose has a subject all the same: the draft is about it.
    about = cause if cause.values else Reason(source, _facts(basis, row, titles, item))
    called = call_name(vault)
    language = shop.settings.language
    text = draft(
        shop.words,
        language,
        about.code,
        person=decision.person + turn,
        values=spoken(shop, about, titles, language)
        | {"name": called, "shop": shop.settings.name, "thing": titles.title(item)},
        known=state == "given",
    )
    worth = basis.people["spend_window_value"][row]
    return Person(
        decision_id=decision.id,
        person=to_id(decision.person),
        name=shown_name(vault) or to_id(decision.person),
        what=shop.say(f"today.what_{source}", title=titles.title(item)),
        when=moment(shop, basis, decision, sort.name).isoformat(),
        channel=reached(shop, _open_to(vault, agreed)),
        consent=shop.say(f"today.consent_{state}"),
        draft=text,
        reasons=[said(shop, reason, titles) for reason in decision.reasons],
        expected_value_minor=Interval(
            value=round(float(worth)),
            low=min(round(float(people["spend_window_low"][row])), round(float(worth))),
            high=max(round(float(people["spend_window_high"][row])), round(float(worth))),
        ),
        kind=sort.kind,
        item=titles.shown(item),
        consent_state=state,
        minutes=sort.minutes,
        worth_minor=round(_worth(basis, decision, item, sort.minutes) / 1024),
    )


def _worth(basis: Basis, decision: Decision, item: int, minutes: int) -> int:
    """What the contact is worth before it pays for its place on the list, in grid steps."""
    costs = {LINES: 1, MINUTES: minutes, f"{WHAT}{basis.line_group(item)}": 1}
    paid = sum(price * costs.get(counter, 0) for counter, price in decision.prices.items())
    return decision.scores[decision.items.index(item)] + paid


def _facts(basis: Basis, row: int, titles: Titles, item: int) -> dict[str, Any]:
    product = titles.product(item)
    days = int((basis.at_us - int(basis.people["last_us"][row])) // 86_400_000_000)
    return {
        "item": product.number if product else 0,
        "days": max(days, 0),
        "quantity": 1,
        "orders": int(basis.people["orders"][row]),
    }


def shown_name(vault: Mapping[str, list[str]]) -> str:
    """What the owner knows her by: name, nick, else customer number or address."""
    for kind in ("name", "nick", "customer", "user", "email", "phone"):
        for text in vault.get(kind, ()):
            return text.partition(":")[2] or text if kind in _PLATFORM else text
    return ""


_PLATFORM = ("nick", "customer")


def call_name(vault: Mapping[str, list[str]]) -> str:
    """How a draft may address her: a name that is whole, or a nick; "" where neither is fit."""
    texts = [*vault.get("name", ()), *(n.partition(":")[2] or n for n in vault.get("nick", ()))]
    for text in texts:
        if text and "*" not in text and not any(c.isdigit() for c in text) and len(text) <= 24:
            return str(text.split()[0].capitalize()) if text.isascii() else str(text)
    return ""


def reached(shop: Shop, vault: Mapping[str, list[str]]) -> str:
    """How the human can reach her, from what the vault holds."""
    chinese = shop.settings.region in ("CN", "HK", "TW")
    wechat = ("external_userid", "openid")
    order = (*wechat, "nick", "phone", "email") if chinese else ("email", "phone", "nick", *wechat)
    for kind in (*order, "customer"):
        for value in vault.get(kind, ()):
            platform, _, own = value.partition(":") if kind in _PLATFORM else ("", "", value)
            key = f"today.platform_{platform}"
            shown = shop.say(key) if shop.words.has(key) else platform
            return shop.say(f"today.reach_{kind}", platform=shown, value=own or value)
    return shop.say("today.reach_unknown")


def moment(shop: Shop, basis: Basis, decision: Decision, source: str) -> datetime:
    """When: her own hour, within decent hours; the first day of a need that is not yet due."""
    zone = ZoneInfo(shop.settings.zone)
    row = basis.row(decision.person)
    hour = float(basis.people["hour"][row])
    hour = min(max(10.0 if math.isnan(hour) else hour, EARLIEST), LATEST)
    now = decision.at.astimezone(zone)
    day = now.date()
    if source == "need":
        at = need_row(basis, row, decision.chosen[0])
        soon = 0.9 * float(basis.needs["cycle_days"][at]) * DAY_US
        due = from_us(int(basis.needs["last_us"][at] + soon)).astimezone(zone).date()
        day = min(max(day, due), day + timedelta(days=3))
    slot = datetime.combine(day, time(int(hour), 30 if hour % 1 >= 0.5 else 0), zone)
    if slot >= now:
        return slot
    later = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if later.date() == day and EARLIEST <= later.hour <= LATEST:
        return later
    return slot + timedelta(days=1)
