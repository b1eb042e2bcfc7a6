from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from tests.recommend.shops import DAY, Bench

from renwei.core.chance import u
from renwei.core.errors import UnknownName
from renwei.core.nouns import Event
from renwei.core.shop import Shop
from renwei.pages import documents, serving
from renwei.recommend import lifting
from renwei.recommend.answers import RecommendRequest
from renwei.recommend.lift import LiftAnswer, LiftMeasure, LiftRequest, LiftRow, lift
from renwei.recommend.seen import VISIT
from renwei.recommend.serving import answer as recommended
from renwei.recommend.surfaces import HOLDOUT_SALT, SurfaceRequest, surfaces_set

SHARE = 0.4
HOUR = timedelta(hours=1)


@pytest.fixture
def stall(bench: Bench) -> Bench:
    """A catalogue and nobody yet; four people in ten are held out."""
    bench.catalogue()
    return bench.holding_out(SHARE)


def measured(bench: Bench, surface: str = "", days: int = 30) -> LiftAnswer:
    return lift(bench.shop, LiftRequest(surface=surface, days=days))


def row(bench: Bench, surface: str = "home", days: int = 30) -> LiftRow:
    (found,) = measured(bench, surface, days).lifts
    return found


def measure(found: LiftRow, name: str) -> LiftMeasure:
    return next(one for one in found.measures if one.measure == name)


def asks(bench: Bench, people: Iterable[str], surface: str = "home") -> dict[str, bool]:
    """Everybody asks once; tells who is held out."""
    found = {}
    for name in people:
        bench.who(name)
        found[name] = bench.ask(name, surface=surface, n=2).holdout
    return found


def crowd(n: int) -> list[str]:
    return [f"p-{k}" for k in range(n)]


def fair(bench: Bench, n: int) -> list[str]:
    """So many people of whom exactly the share is held out: no test lives by a lucky draw."""
    wanted = {True: round(n * SHARE), False: n - round(n * SHARE)}
    found: list[str] = []
    for k in count():
        person = bench.store.people.persons_of([bench.who(f"f-{k}")])[0]
        held = u(person, HOLDOUT_SALT) < SHARE
        if wanted[held]:
            wanted[held] -= 1
            found.append(f"f-{k}")
        if len(found) == n:
            return found
    raise AssertionError


def buys(bench: Bench, people: Iterable[str], minor: int = 2_000) -> None:
    """One order each, now."""
    events = [replace(bench.bought(name, ["cream-1"], 0), value_minor=minor) for name in people]
    bench.store.log.append(events, bench.clock.now())


def every(people: Iterable[str], k: int) -> list[str]:
    """Every k-th of them."""
    return list(people)[::k]


# Who is in which group.


def test_the_groups_are_those_that_the_answers_told(stall: Bench) -> None:
    held = asks(stall, crowd(80))
    stall.later(HOUR)
    found = row(stall)
    assert (found.held, found.shown) == (sum(held.values()), 80 - sum(held.values()))
    assert (found.contaminated, found.set_aside) == (0, 0)
    assert found.share == SHARE


def test_what_was_read_before_counts_with_what_came_since(stall: Bench) -> None:
    asks(stall, crowd(20))
    stall.later(HOUR)
    before = row(stall)
    stall.later(HOUR)
    asks(stall, [*crowd(20)[:5], *(f"new-{k}" for k in range(10))])
    stall.later(5 * HOUR)
    after = row(stall)
    assert before.shown + before.held == 20
    assert after.shown + after.held == 30
    assert after.since == before.since
    # A clock that was put back reads what was known then.
    stall.later(-6 * HOUR)
    assert row(stall) == before


def test_strangers_and_looks_of_the_team_are_nobody_s_experience(stall: Bench) -> None:
    stall.who("p-0")
    stall.ask("p-0", session_id=VISIT)
    stall.ask("", n=2)
    stall.later(HOUR)
    found = row(stall)
    assert found.shown + found.held == 0
    assert found.reason is not None
    assert found.reason.code == "no_visits"


def test_whoever_was_shown_both_is_counted_and_left_out_with_all_who_could_have_been(
    stall: Bench,
) -> None:
    surfaces_set(stall.shop, SurfaceRequest(name="home", place={"holdout": 0.3}))
    first = asks(stall, crowd(60))
    surfaces_set(stall.shop, SurfaceRequest(name="home", place={"holdout": 0.7}))
    # Half of them come again, and some are new.
    second = asks(stall, [*crowd(60)[:30], *(f"new-{k}" for k in range(20))])
    stall.later(HOUR)
    both = [name for name in first if name in second and first[name] != second[name]]
    between = [
        name
        for name in {**first, **second}
        if 0.3 <= u(stall.store.people.persons_of([stall.who(name)])[0], HOLDOUT_SALT) < 0.7
    ]
    found = row(stall)
    assert found.contaminated == len(both)
    assert found.set_aside == len(between) >= len(both)
    assert found.shown + found.held + found.set_aside == 80


def test_somebody_known_by_two_names_is_left_out_whatever_they_were_shown(stall: Bench) -> None:
    held = asks(stall, crowd(60))
    held_out = [name for name, is_held in held.items() if is_held][:2]
    shown = [name for name, is_held in held.items() if not is_held][:3]
    pairs = [(held_out[0], shown[0]), (shown[1], shown[2])]
    for one, other in pairs:
        kept, gone = stall.store.people.persons_of([stall.who(one), stall.who(other)])
        stall.store.people.merge(kept, gone, reason="phone", at=stall.clock.now())
    stall.later(HOUR)
    found = row(stall)
    assert found.contaminated == 1
    assert found.set_aside == 2
    assert found.shown + found.held == 56


def test_a_surface_where_nobody_is_held_out_is_no_part_of_the_whole(stall: Bench) -> None:
    surfaces_set(stall.shop, SurfaceRequest(name="again", place={"holdout": 0}))
    asks(stall, crowd(40))
    asks(stall, crowd(40), "again")
    stall.later(HOUR)
    rows = {one.surface: one for one in measured(stall).lifts}
    assert rows["again"].reason is not None
    assert rows["again"].reason.code == "no_holdout"
    assert rows[""].set_aside == 0
    assert (rows[""].shown, rows[""].held) == (rows["home"].shown, rows["home"].held)
    assert next(iter(rows)) == ""


def test_an_unknown_surface_is_refused_with_the_nearest(stall: Bench) -> None:
    with pytest.raises(UnknownName) as refused:
        measured(stall, "hame")
    assert refused.value.values["suggestion"] == "home"


def test_the_shop_s_share_of_then_counts_and_not_that_of_now(stall: Bench) -> None:
    put = stall.store.papers.put
    put("setting", "shop", {"holdout": SHARE}, by="", at=stall.clock.now() - DAY)
    held = asks(stall, crowd(40))
    stall.later(HOUR)
    put("setting", "shop", {"holdout": 0.0}, by="", at=stall.clock.now())
    stall.holding_out(0.0)
    found = row(stall)
    assert found.held == sum(held.values())
    assert found.share == 0.0


# What is found.


def test_a_planted_effect_is_found_in_money_and_no_effect_is_not(stall: Bench) -> None:
    held = asks(stall, fair(stall, 400))
    out = [name for name, is_held in held.items() if is_held]
    seen = [name for name, is_held in held.items() if not is_held]
    stall.later(HOUR)
    buys(stall, [*every(out, 10), *every(seen, 2)])
    stall.later(HOUR)
    found = row(stall)
    spent, ordered = measure(found, "money"), measure(found, "conversion")
    assert spent.verdict.code == ordered.verdict.code == "clear_more"
    assert ordered.shown == pytest.approx(0.5, abs=0.01)
    assert spent.difference == pytest.approx(800, rel=0.1)
    assert found.total_minor == round(spent.difference * found.shown)
    assert found.total_low_minor is not None
    assert 0 < found.total_low_minor < found.total_minor
    assert measure(found, "return").verdict.code == "unclear"
    assert "not yet distinguishable" in measure(found, "return").verdict.text


def test_the_same_in_both_groups_is_not_yet_distinguishable(stall: Bench) -> None:
    held = asks(stall, fair(stall, 400))
    stall.later(HOUR)
    sides = [[name for name, is_held in held.items() if is_held is side] for side in (True, False)]
    buys(stall, [*every(sides[0], 5), *every(sides[1], 5)])
    stall.later(HOUR)
    found = row(stall)
    assert {one.verdict.code for one in found.measures} == {"unclear"}
    assert found.total_low_minor is not None
    assert found.total_high_minor is not None
    assert found.total_low_minor < 0 < found.total_high_minor
    needed = measure(found, "money").people_needed
    assert needed is not None
    assert needed > 400


def test_few_people_say_nothing(stall: Bench) -> None:
    asks(stall, crowd(20))
    stall.later(HOUR)
    found = row(stall)
    assert {one.verdict.code for one in found.measures} == {"not_enough"}
    assert found.total_minor is None


def test_an_app_that_asks_for_one_side_alone_is_not_believed(stall: Bench) -> None:
    held = asks(stall, crowd(5))
    for k in range(1_000):
        name = f"x-{k}"
        person = stall.store.people.persons_of([stall.who(name)])[0]
        if u(person, HOLDOUT_SALT) >= SHARE:
            held |= asks(stall, [name])
        if len(held) > 90:
            break
    stall.later(HOUR)
    found = row(stall)
    assert found.reason is not None
    assert found.reason.code == "lopsided"
    assert found.total_minor is None


def test_whoever_stayed_away_in_these_days_still_counts(stall: Bench) -> None:
    asks(stall, crowd(80))
    stall.later(60 * DAY)
    buys(stall, ["p-0"])
    stall.later(HOUR)
    found = row(stall, days=7)
    assert found.shown + found.held == 80
    spent = measure(found, "money")
    assert spent.shown * found.shown + spent.held * found.held == pytest.approx(2_000)


def test_only_what_came_after_the_first_look_counts(stall: Bench) -> None:
    buys(stall, crowd(10))
    stall.later(HOUR)
    asks(stall, crowd(10))
    stall.later(HOUR)
    spent = measure(row(stall), "money")
    assert spent.shown == spent.held == 0


# What people did.


def events(bench: Bench, minutes: Iterable[float], name: str = "p-0") -> None:
    start = bench.clock.now()
    found = [
        replace(bench.event(name, "view", "cream-1"), at=start + timedelta(minutes=at))
        for at in minutes
    ]
    bench.store.log.append(found, start)


def did(bench: Bench, minutes: Iterable[float]) -> dict[str, float]:
    """What one person did, by measure."""
    asks(bench, ["p-0"])
    events(bench, minutes)
    bench.later(10 * DAY)
    found = row(bench)
    side = "held" if found.held else "shown"
    return {one.measure: getattr(one, side) for one in found.measures}


@pytest.mark.parametrize(
    ("minutes", "visits", "back"),
    [
        ([1, 20, 49], 0, 0),
        ([31], 1, 0),
        ([1, 32, 63, 90], 2, 0),
        ([719], 1, 0),
        ([720], 1, 1),
        ([1, 5_000, 5_001], 1, 1),
    ],
)
def test_a_visit_ends_after_half_an_hour_and_half_a_day_later_is_coming_back(
    stall: Bench, minutes: list[float], visits: int, back: int
) -> None:
    found = did(stall, minutes)
    assert (found["visits"], found["return"]) == (visits, back)


def test_money_given_back_is_not_brought_in_and_other_currencies_are_not_added(
    stall: Bench,
) -> None:
    asks(stall, ["p-0"])
    stall.later(HOUR)
    kept, back = (stall.bought("p-0", ["cream-1"], 0) for _ in range(2))
    now = stall.clock.now()
    refund = replace(
        back,
        kind="order-change",
        message_id=stall.store.people.keyed("refund"),
        body={**back.body, "refunded": 1_500},
    )
    dollars = replace(stall.bought("p-0", ["cream-1"], 0), currency="USD")
    stall.store.log.append([kept, back, refund, dollars], now)
    stall.later(HOUR)
    answer = measured(stall, "home")
    assert answer.currency == "CNY"
    spent = measure(answer.lifts[0], "money")
    assert spent.shown + spent.held == 2_500


def test_a_return_that_names_no_order_is_taken_off_what_it_gives_back(stall: Bench) -> None:
    def now(event: Event, kind: str, minor: int) -> Event:
        return replace(event, kind=kind, value_minor=minor)

    old = now(stall.bought("p-0", ["cream-1"], 0), "order", 700)
    stall.store.log.append([old], stall.clock.now())
    stall.later(HOUR)
    asks(stall, ["p-0"])
    for kind, minor in (("order", 2_000), ("order", 900), ("return", 700), ("return", 500)):
        stall.later(HOUR)
        one = now(stall.bought("p-0", ["cream-1"], 0), kind, minor)
        stall.store.log.append([one], stall.clock.now())
    stall.later(HOUR)
    spent = measure(row(stall), "money")
    # 700 equals the order from before the first look; 500 is taken off the latest.
    assert spent.shown + spent.held == 2_000 + 900 - 500


def test_where_the_app_reports_nothing_its_requests_are_visits(stall: Bench) -> None:
    asks(stall, crowd(40))
    stall.later(DAY)
    asks(stall, crowd(40)[:20])
    stall.later(HOUR)
    found = row(stall)
    assert found.visits_by == "requests"
    back = measure(found, "return")
    assert back.shown * found.shown + back.held * found.held == pytest.approx(20)


def test_somebody_forgotten_is_no_part_of_it(stall: Bench) -> None:
    asks(stall, crowd(10))
    person = stall.store.people.persons_of([stall.who("p-0")])[0]
    stall.store.people.forget(person, stall.clock.now())
    stall.store.ledger.forget([person])
    stall.later(HOUR)
    found = row(stall)
    assert found.shown + found.held == 9


# Pages.


def performing(shop: Shop, name: str, fields: Any) -> Any:
    assert name == "recommend"
    return recommended(shop, RecommendRequest(**fields))


def test_of_a_page_whoever_gets_the_default_order_is_held_out(stall: Bench) -> None:
    stall.shop = replace(stall.shop, performer=performing)
    page = documents.Page(modules=documents.FIRST.modules, control=0.3)
    documents.pages_set(
        stall.shop, documents.PageWrite(name="home", page=msgspec.to_builtins(page))
    )
    control = 0
    for name in crowd(40):
        stall.who(name)
        control += serving.page(stall.shop, serving.PageRequest(name="home", user_id=name)).control
    stall.later(HOUR)
    found = row(stall, "page:home")
    assert (found.held, found.shown, found.share) == (control, 40 - control, 0.3)
    rows = {one.surface: one for one in measured(stall).lifts}
    assert rows["page:home"].held == control
    assert rows[""].shown + rows[""].held == 40, "its modules are recommendations"


def test_what_is_known_of_pages_is_what_pages_do() -> None:
    assert lifting.PAGE_SALT == serving.CONTROL_SALT
    assert documents.KIND == lifting.PAGE_KIND
    assert documents.Page().control == lifting.PAGE_SHARE
    assert lifting.PAGE_SALT != HOLDOUT_SALT


def test_events_of_nobody_are_read_over(stall: Bench) -> None:
    asks(stall, ["p-0"])
    nobody = Event(0, "view", stall.clock.now() + HOUR, b"nobody-was-here!", 0, 0, "", {})
    stall.store.log.append([nobody], stall.clock.now())
    stall.later(2 * HOUR)
    found = row(stall)
    assert found.visits_by == "requests"
