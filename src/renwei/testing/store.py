"""check_store: the ten contracts of a store, each with a function of its own.

Each is handed a maker of empty stores and raises AssertionError with promise and finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from renwei.core.chance import new_id, to_id
from renwei.core.nouns import (
    NOBODY,
    Consent,
    ConsentState,
    Decision,
    Fact,
    Told,
)
from renwei.core.store import Named, People, Store
from renwei.core.tallies import Tally
from renwei.testing.promise import same, true
from renwei.testing.samples import AT, HOUR, Make, decision, event
from renwei.testing.store_work import (
    check_blobs,
    check_counters,
    check_items,
    check_outbox,
    check_papers,
    check_timers,
)

__all__ = ["AT", "CHECKS", "check_counters", "check_log", "check_store", "decision"]


def check_store(make: Make) -> None:
    """Fail unless a store keeps every contract of `Store` (renwei.core.store).

    Args:
        make: Opens a fresh, empty store at each call, its clock at `AT` or later.

    Raises:
        AssertionError: What was promised and what was found.
    """
    for check in CHECKS:
        check(make)


def check_log(make: Make) -> None:
    """Events: deduped by message id, in log order, by actor newest first, taken back, forgotten."""
    store = make()
    log = store.log
    events = [event(k, actor=1 + k % 2, at=AT - k * HOUR, source=f"s{k % 3}") for k in range(12)]
    first = log.append(events[:8], AT)
    same((first.added, first.duplicates, first.position), (8, 0, 8), "append counts what is new")
    again = log.append([*events[6:], events[11]], AT + HOUR)
    same(again.fresh, (False, False, True, True, True, True, False), "fresh tells which were new")
    same(log.position(), 12, "the position is the last sequence number")
    read = list(log.read())
    same([e.message_id for e in read], [e.message_id for e in events], "read keeps log order")
    same([e.seq for e in read], list(range(1, 13)), "positions grow by one")
    same({e.seen for e in read[:8]}, {AT}, "seen is the time of arrival")
    same(dict(read[3].body), {"k": 3}, "the body comes back")
    same(len(list(log.read(after=8))), 4, "read goes on after a position")
    same(len(list(log.read(seen_by=AT))), 8, "what was seen later is not read")
    same(len(list(log.read(kinds=["order"]))), 12, "kinds choose")
    same(list(log.read(kinds=["click"])), [], "kinds exclude")
    newest = log.of([1], until=AT - HOUR, limit=2)
    same([e.at for e in newest], [AT - 2 * HOUR, AT - 4 * HOUR], "of is newest first, until a time")
    same(log.has([events[0].message_id, b"?" * 16]), [True, False], "has knows what is stored")
    before = [(e.message_id, e.actor, e.at) for e in log.read()]
    same(log.seal(AT + HOUR), 8, "seal moves what arrived before a time")
    same([(e.message_id, e.actor, e.at) for e in log.read()], before, "sealed events read alike")
    same(
        [e.at for e in log.of([1], until=AT - HOUR, limit=2)], [e.at for e in newest], "of as well"
    )
    same(log.append(events, AT + 2 * HOUR).added, 0, "a sealed event is still known")
    same(log.forget([2]), 6, "forget counts the events")
    same([e.actor for e in log.of([2, NOBODY])], [NOBODY] * 6, "forgotten events are nobody's")
    late = log.append([event(99, actor=2)], AT + 3 * HOUR)
    same(log.of([2]), [], "an event that comes later for a forgotten actor is nobody's too")
    true(log.position() > late.position - 1 >= 12, "the position never shrinks")
    same(log.withdraw("s1"), 4, "withdraw counts what one source brought")
    same({e.source for e in log.read()}, {"s0", "s2", ""}, "the source is gone")
    same(log.append(events, AT + 4 * HOUR).added, 4, "what was taken back can come again")
    store.close()


def check_ledger(make: Make) -> None:
    """Decisions: kept whole, found by id, person and time; batches; forgotten."""
    store = make()
    ledger = store.ledger
    one = decision(person=7)
    same(ledger.record(one), one, "record returns the decision")
    same(ledger.get(one.id), one, "a decision comes back as it was")
    same(ledger.get(new_id(AT)), None, "an unknown id is None")
    many = [decision(person=7 + k % 3, at=AT + k * HOUR) for k in range(30)]
    same(ledger.record_all(iter(many)), 30, "record_all counts")
    same([ledger.get(d.id) for d in many], many, "a batch comes back as it was")
    about = [d for d in reversed(many) if d.person == 7]
    same(ledger.of([7], limit=4), about[:4], "of is newest first")
    same(ledger.of([7]), [*about[:-1], *ledger.of([7])[-2:]], "of joins batches and single ones")
    between = list(ledger.between(AT + 3 * HOUR, AT + 6 * HOUR))
    same(between, many[3:6], "between includes its start and not its end")
    same(list(ledger.between(AT, AT + 99 * HOUR, "elsewhere")), [], "a surface chooses")

    try:
        ledger.record_all(_cut_short(many))
    except _BrokenOffError:
        pass
    else:
        raise AssertionError("a batch that breaks off must not pass for whole")
    same(len(list(ledger.between(AT, AT + 99 * HOUR))), 31, "a batch is visible whole or not")
    same(ledger.forget([7]), 11, "forget counts decisions")
    same(ledger.of([7]), [], "nothing is about the forgotten any more")
    kept = ledger.get(one.id)
    true(kept is not None and kept.person == NOBODY, "the decision stays, about nobody")
    if kept is not None:
        same(
            (kept.chosen, kept.odds, kept.items), (one.chosen, one.odds, one.items), "its odds too"
        )
        same([(r.code, dict(r.values)) for r in kept.reasons], [("due", {})], "values are dropped")
        same(dict(kept.extra), {}, "extra is dropped")
    store.close()


def _know(people: People, a: int, b: int) -> None:
    people.learn_facts(b, [Fact("city", "杭州", Told.OBSERVED, "import:1", AT)])
    people.learn_facts(a, [Fact("city", "上海", Told.ESTIMATED, "model", AT + HOUR)])
    told = [(actor, fact.value) for actor, fact in people.all_facts()]
    same(told[-2:], [(b, "杭州"), (a, "上海")], "every fact, the oldest first")


def check_people(make: Make) -> None:
    """Actors, the map of persons, facts, consents, the vault, taking back and forgetting."""
    store = make()
    people = store.people
    phone, mail = Named("phone", "+8613800138000"), Named("email", "li@example.com")
    nick = Named("nick", "taobao:小李")
    a, b, c = people.actors([phone, mail, nick], AT, "import:1")
    same(people.actors([mail, phone, mail], AT), [b, a, b], "an identifier keeps its actor")
    same(people.find(phone), a, "an actor alone is a person")
    same(people.find(Named("phone", "mail")), None, "an unknown identifier is nobody's")
    same(people.persons_of([a, NOBODY]), [a, NOBODY], "nobody stays nobody")
    same(list(people.all_persons()), sorted([a, b, c]), "all persons, ascending")
    version = people.map_version()
    merge = people.merge(a, b, reason="same_order", at=AT, values={"orders": 2})
    true(people.map_version() > version, "the map version grows with a merge")
    same(people.persons_of([a, b, c]), [a, a, c], "the merged are one")
    same(sorted(people.actors_of(a)), sorted([a, b]), "with all their actors")
    same(people.merges(a), [merge], "a merge is listed with its reason")
    _know(people, a, b)
    people.state_consent(a, [Consent("marketing", "*", ConsentState.GIVEN, AT, "form:1")])
    profile = people.profile(a)
    same(profile.facts["city"].value, "杭州", "what was observed outranks an estimate")
    same(profile.consent("marketing", "sms", AT), ConsentState.GIVEN, "consent is the person's")
    same(people.consents_of([c, a]), [(), profile.consents], "statements of many, aligned")
    people.keep_many(
        [(a, "name", "李雷"), (a, "name", "李雷"), (b, "address", "西湖区")], "import:1"
    )
    opened = {
        "phone": [phone.value],
        "email": [mail.value],
        "name": ["李雷"],
        "address": ["西湖区"],
    }
    same(people.open(a), opened, "the vault opens to each text once")
    same(people.open_many([c, a], ["name"]), [{}, {"name": ["李雷"]}], "some entries, aligned")
    people.keep_many([(c, "address", "西湖区"), (c, "phone", phone.value)])
    same(
        sorted(people.tell_apart(a)),
        sorted([phone.value, mail.value, "李雷"]),
        "what others have too does not tell a person apart",
    )
    for text in (
        "13800138000",
        "+86 138 0013 8000",
        " LI@example.com ",
        to_id(a),
        to_id(b),
        "李雷",
    ):
        same(people.search(text), [a], f"search finds {text!r}")
    for text in ("小李", "taobao:小李"):
        same(people.search(text), [c], f"search finds {text!r}")
    same(people.search("13900139000"), [], "search finds nobody else")
    same(people.unmerge(merge.id, AT).undone, True, "a merge can be undone")
    same(people.persons_of([a, b]), [a, b], "and then they are two again")
    same(people.open_text(people.seal_text(b"row")), b"row", "sealed bytes open")
    same(len(people.keyed("x")), 16, "a keyed hash has 16 bytes")
    _check_taking_back(store, c)
    _check_forgetting(store, a, phone)
    store.close()


def _check_taking_back(store: Store, kept: int) -> None:
    people = store.people
    (gone,) = people.actors([Named("phone", "+8613811111111")], AT, "import:2")
    people.keep_many([(kept, "name", "韩梅梅"), (gone, "name", "林涛")], "import:2")
    people.learn_many([(kept, Fact("city", "北京", Told.TOLD, "import:2", AT))])
    counts = people.withdraw("import:2", [])
    same((counts["actors"], counts["texts"], counts["facts"]), (1, 2, 1), "withdraw counts")
    same(people.find(Named("phone", "+8613811111111")), None, "its actors are gone")
    same(people.open(kept).get("name"), None, "its texts are gone")
    (again,) = people.actors([Named("phone", "+8613811111111")], AT)
    true(again != NOBODY, "what was taken back may come again")


def _check_forgetting(store: Store, person: int, phone: Named) -> None:
    people = store.people
    store.log.append([event(500, actor=person)], AT)
    same(people.is_forgotten([phone]), [False], "nobody asked to be forgotten yet")
    sealed, none = people.seal_for_many([(person, b"row"), (NOBODY, b"row")])
    same((people.open_for(person, sealed), none), (b"row", b""), "an actor's bytes open")
    counts = store.forget(person, AT)
    same(people.open_for(person, sealed), None, "and never again when the key is gone")
    same(people.seal_for_many([(person, b"row")]), [b""], "nor is anything sealed for them")
    never = Named("phone", "+8613822222222")
    actors = len(people.all_persons())
    same(people.is_forgotten([never, phone]), [False, True], "one can ask who was forgotten")
    same((len(people.all_persons()), people.find(never)), (actors, None), "asking makes nobody")
    same((counts["actors"], counts["identifiers"], counts["events"]), (1, 1, 1), "a receipt")
    same(people.actors([phone], AT), [NOBODY], "a forgotten identifier is nobody's for ever")
    same((people.find(phone), people.open(person), people.search(phone.value)), (None, {}, []), "-")
    true(person in people.forgotten(), "readers can tell")
    same(people.persons_of([person]), [NOBODY], "a forgotten actor is nobody")
    people.keep_many([(person, "name", "李雷")])
    same(people.open(person), {}, "texts of a forgotten actor are let go")


def check_tallies(make: Make) -> None:
    """Tallies: added up with the fold's position, by actor and whole, dropped, forgotten."""
    store = make()
    tallies, us = store.tallies, 1_772_366_400_000_000
    a, b = store.people.actors([Named("phone", "+8613800138002"), Named("device", "x")], AT)
    first = [
        Tally(a, "view", 5, 20_000, 2, 900, us),
        Tally(a, "view", 5, 20_000, 1, 100, us - 7),
        Tally(b, "like", 0, 20_001, 1, 1, us),
        Tally(NOBODY, "view", 5, 20_000, 1, 1, us),
    ]
    same(tallies.position("x"), 0, "a fold begins at 0")
    tallies.add("x", first, 10)
    same(tallies.of([a]), [Tally(a, "view", 5, 20_000, 3, 1_000, us)], "equal keys are added up")
    same(tallies.position("x"), 10, "the position moves with the sums")
    tallies.add("x", [Tally(a, "view", 5, 20_002, 1, 50, us + 9)], 11)
    tallies.add("y", [Tally(a, "search", 0, 20_001, 4, 4, us)], 3)
    same(tallies.of([a, b])[0].day, 20_002, "newest day first")
    same([t.name for t in tallies.of([a], ["search"])], ["search"], "names choose")
    same(sorted(tallies.columns()["n"]), [1, 1, 3, 4], "columns hold all of somebody's sums")
    late = tallies.columns(["view"], since_day=20_001)
    same({key: len(late[key]) for key in late}, dict.fromkeys(late, 1), "columns are aligned")
    try:
        with store.together():
            tallies.add("x", [Tally(a, "view", 5, 20_002, 1, 50, us)], 12)
            _break_off()
    except _BrokenOffError:
        pass
    same((tallies.position("x"), tallies.of([a], ["view"])[0].n), (11, 1), "all or nothing")
    same(tallies.drop_before(20_001), 1, "old days go")
    store.forget(a, AT)
    tallies.add("x", [Tally(a, "view", 5, 20_003, 1, 1, us)], 13)
    same(tallies.of([a]), [], "a forgotten actor has no sums, and none come later")
    same(tallies.forget([b]), 1, "forget counts the rows")
    tallies.reset("x")
    same((tallies.position("x"), tallies.position("y")), (0, 3), "reset is of one fold")
    same(store.integrity(), [], "and the store is sound")
    store.close()


def check_together(make: Make) -> None:
    """Together: what is written inside is all there or not at all, caches included."""
    store = make()
    people, first = store.people, Named("phone", "+8613800138001")
    a, b = people.actors([Named("phone", "+8613800138002"), Named("phone", "+8613800138003")], AT)
    far = datetime(2200, 1, 1, tzinfo=UTC)
    try:
        with store.together():
            people.actors([first], AT)
            people.merge(a, b, reason="x", at=AT)
            store.papers.put("plan", "p", {}, by="me", at=AT)
            store.counters.reserve("sms", 1, 1, at=AT, until=far)
            store.ledger.record(decision(person=a, surface="never before"))
            _break_off()
    except _BrokenOffError:
        pass
    same(people.find(first), None, "no actor was made")
    same(people.persons_of([a, b]), [a, b], "no merge was made")
    same((store.papers.names("plan"), store.counters.used("sms")), ([], 0), "no paper, no hold")
    made = decision(person=a, surface="never before")
    with store.together():
        store.ledger.record(made)
        store.counters.reserve("sms", 1, 1, at=AT, until=far)
    same(store.ledger.get(made.id), made, "what succeeds stays")
    same(store.integrity(), [], "and the store is sound")
    store.close()


class _BrokenOffError(Exception):
    pass


def _cut_short(decisions: list[Decision]) -> Iterator[Decision]:
    yield decision(person=1, at=decisions[3].at)
    raise _BrokenOffError


def _break_off() -> None:
    raise _BrokenOffError


CHECKS: tuple[Callable[[Make], None], ...] = (
    check_log,
    check_ledger,
    check_people,
    check_items,
    check_tallies,
    check_counters,
    check_timers,
    check_outbox,
    check_papers,
    check_blobs,
    check_together,
)
"""One a contract, and one for what they do together."""
