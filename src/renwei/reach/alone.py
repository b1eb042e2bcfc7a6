"""The one best thing for one person now, or nothing: today's list asked about a single person.

Sources, guards, permission, hold-out and record are those of the list; only what people share
(lines and minutes of the human) has no price here, because nobody waits in line. What she did
a moment ago is known: her events are read from the log where no sum holds them yet.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from renwei.core.chance import hash64, to_id
from renwei.core.clock import from_us, to_us
from renwei.core.decide import decide
from renwei.core.finding import person as find_person
from renwei.core.nouns import NOTHING, Ask, Decision
from renwei.core.policies import Best, HoldOut
from renwei.core.shop import Shop
from renwei.learn.interest import INTENTS, intents_of
from renwei.reach.corrected import corrected_away
from renwei.reach.guards import LISTED_DAYS, guards_of
from renwei.reach.history import History, local_day, marks_about
from renwei.reach.lines import Titles, lines, said
from renwei.reach.listing import HOLDOUT_SALT, surface_of
from renwei.reach.next import Known, NextAnswer, NextRequest
from renwei.reach.present import FRESH, Present, present
from renwei.reach.sources import contacts
from renwei.reach.why_not import against


def next_for(shop: Shop, request: NextRequest) -> NextAnswer:
    """Decide for one person now, with everything known by now; recorded like every decision.

    Raises:
        UnknownName: Nobody goes by that name (code unknown_person).
    """
    at = shop.clock.now().astimezone(UTC)
    person = find_person(shop, request.person)
    now = present(shop, person, at)
    decision = _decided(shop, now, person, at)
    shown = decision.chosen[0] != NOTHING
    found = list(decision.reasons)
    if not shown:
        found = against(shop, now.basis, decision, (_currency(shop, now), lambda item: 0.0))
    titles = Titles.of(shop, [*decision.items, *(r.item for r in decision.removed)])
    reasons = [said(shop, reason, titles) for reason in found]
    return NextAnswer(
        person=to_id(person),
        at=at,
        decision_id=decision.id,
        odds=decision.odds[0],
        consent=decision.consent,
        line=lines(shop, now.basis, [decision], at)[0] if shown else None,
        reasons=reasons if shown else [],
        why_not=[] if shown else reasons,
        knew=_known(now, person, at, decision.position),
    )


def _decided(shop: Shop, now: Present, person: int, at: datetime) -> Decision:
    surface = surface_of(now.basis.window_days)
    history = History(marks=marks_about(shop, person, at, now.past))
    since = at - timedelta(days=LISTED_DAYS)
    listed = {one for one, when in now.shared.listed.items() if when >= since}
    guards = guards_of(shop, history, at, (listed & {person}, corrected_away(shop, person)))
    # One draw a person and day, the same as on the day's list.
    unit = person ^ hash64(local_day(shop, at).isoformat())
    return decide(
        Ask(
            person,
            surface,
            at,
            unit,
            position=shop.store.log.position(),
            map_version=shop.store.people.map_version(),
        ),
        sources=contacts(now.basis, shop.store, past=now.past),
        guards=guards,
        policy=HoldOut(Best(0.0), shop.settings.holdout, HOLDOUT_SALT),
        permits=shop.permits,
        ledger=shop.store.ledger,
    )


def _currency(shop: Shop, now: Present) -> str:
    people = now.shared.people
    return str((people.meta if people else {}).get("currency") or shop.settings.currency)


def _known(now: Present, person: int, at: datetime, position: int) -> Known:
    people, stages = now.basis.people, now.basis.stages
    last_us, stage = int(people["last_us"][0]), int(people["stage"][0])
    orders = int(people["orders"][0])
    found = intents_of(now.sums, to_us(at), {person: last_us}, now.shared.families)[1]
    return Known(
        position=position,
        as_of=now.shared.as_of,
        fresh=now.basis.model.endswith(FRESH),
        orders=orders,
        last_order=from_us(last_us) if last_us else None,
        stage=stages[stage] if orders and 0 <= stage < len(stages) else "",
        intent=INTENTS[int(found[0])] if len(found) else "",
        looks=int(now.basis.interest.views.sum()),
        last_seen=from_us(now.last_us) if now.last_us else None,
    )
