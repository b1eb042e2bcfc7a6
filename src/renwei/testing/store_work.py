"""check_store for what the program works with: items, counters, timers, outbox, papers, blobs."""

from __future__ import annotations

from datetime import UTC, datetime

from renwei.core.chance import new_id
from renwei.core.nouns import Item
from renwei.core.store import Delivery, Effect
from renwei.testing.promise import same, true
from renwei.testing.samples import AT, HOUR, Make, decision


def check_items(make: Make) -> None:
    """The catalogue: one number a kind and code."""
    store = make()
    items = store.items
    serum = Item(0, "product", "A1", "Serum", "skin", 9900, "CNY", {"variant": "30 ml"})
    (number,) = items.upsert([serum])
    true(number >= 1, "numbers begin at 1: 0 is nothing")
    same(items.upsert([Item(0, "product", "A1", "Serum+", "skin", 8800, "CNY")]), [number], "same")
    same([i.title for i in items.get([number]) if i], ["Serum+"], "the later word counts")
    same(items.get([number + 99]), [None], "an unknown number is None")
    same(items.by_code("product", ["??", "A1"]), [0, number], "numbers by code, aligned")
    items.upsert([Item(0, "article", "A1", "Text")])
    same([i.kind for i in items.all_items("article")], ["article"], "kinds are apart")
    mark, written = items.changed()
    same((len(written), written), (2, items.all_items()), "the whole catalogue")
    same(items.changed(mark), (mark, []), "nothing since")
    items.upsert([serum])
    same([i.title for i in items.changed(mark)[1]], ["Serum"], "what was written since")
    store.close()


def check_counters(make: Make) -> None:
    """Counters: never over the limit, given back or settled, expired holds are spent."""
    store = make()
    counters = store.counters
    # The store's clock decides what has expired, so holds end far behind it.
    later = datetime(2200, 1, 1, tzinfo=UTC)
    held = [counters.reserve("sms", 3, 10, at=AT, until=later) for _ in range(4)]
    same([hold is not None for hold in held], [True, True, True, False], "never over the limit")
    same(counters.used("sms"), 9, "held counts")
    if held[0] and held[1]:
        counters.release(held[0].id)
        counters.release(held[0].id)
        same(counters.used("sms"), 6, "a hold is given back once")
        counters.settle(held[1].id, 1)
        counters.settle(held[1].id)
        same(counters.used("sms"), 4, "a hold is settled once, for what was used")
    brief = counters.reserve("day", 5, 5, at=AT - 2 * HOUR, until=AT - HOUR)
    same(counters.reserve("day", 1, 5, at=AT, until=later), None, "an expired hold is spent")
    if brief:
        counters.release(brief.id)
        same(counters.used("day"), 5, "and is not given back")
    store.close()


def check_timers(make: Make) -> None:
    """Timers: due, leased, back after the lease, done, moved, cancelled."""
    store = make()
    timers = store.timers
    timers.set("a", AT, b"1")
    timers.set("b", AT + HOUR, b"2")
    due = timers.claim(AT, limit=9, lease_s=60)
    same([(d.key, d.payload, d.due) for d in due], [("a", b"1", AT)], "what is due is claimed")
    same(timers.claim(AT, limit=9, lease_s=60), [], "once within the lease")
    back = timers.claim(AT + HOUR, limit=9, lease_s=60)
    same([d.key for d in back], ["a", "b"], "it comes back after the lease")
    timers.set("a", AT + 2 * HOUR, b"3")
    timers.done(back[0].id)
    timers.done(back[1].id)
    moved = timers.claim(AT + 3 * HOUR, limit=9, lease_s=60)
    same([d.payload for d in moved], [b"3"], "finishing the old one leaves the moved one")
    same((timers.cancel("a"), timers.cancel("a")), (True, False), "cancel tells")
    same(timers.claim(AT + 9 * HOUR, limit=9, lease_s=60), [], "nothing is left")
    store.close()


def check_outbox(make: Make) -> None:
    """The outbox: queued with its decision, delivered at least once, states add up."""
    store = make()
    outbox = store.outbox
    for k in range(4):
        made = decision(person=k + 1)
        effects = [Effect(f"send-{k}", "sms", made.id, f"text {k}".encode(), AT + k * HOUR)]
        store.ledger.record(made, effects)
    store.ledger.record(decision(person=1), [Effect("send-0", "sms", new_id(AT), b"twice", AT)])
    first = outbox.claim(AT, limit=9, lease_s=60)
    same([(e.send_id, e.payload) for e in first], [("send-0", b"text 0")], "a send id counts once")
    same(outbox.claim(AT, limit=9, lease_s=60), [], "once within the lease")
    outbox.mark("send-0", Delivery("sent"), AT)
    outbox.mark("send-1", Delivery("failed", "no such number"), AT)
    outbox.mark("send-2", Delivery("unknown"), AT)
    outbox.mark("send-3", Delivery("retry", retry_after_s=7200), AT + 3 * HOUR)
    counts = outbox.counts()
    same(
        dict(counts),
        {"queued": 4, "sent": 1, "held": 1, "failed": 1, "unknown": 1},
        "queued = sent + held + failed + unknown",
    )
    same(outbox.claim(AT + 4 * HOUR, limit=9, lease_s=60), [], "a retry waits as long as told")
    same(len(outbox.claim(AT + 5 * HOUR, limit=9, lease_s=60)), 1, "and then comes again")
    outbox.mark("send-0", Delivery("failed"), AT)
    same(outbox.counts()["sent"], 1, "what was sent stays sent")
    store.close()


def check_papers(make: Make) -> None:
    """Papers: versions, history, undo, removal."""
    store = make()
    papers = store.papers
    same(papers.get("setting", "cap"), None, "an unknown paper is None")
    for n in (1, 2):
        papers.put("setting", "cap", {"n": n}, by="me", at=AT)
    undone = papers.undo("setting", "cap", by="me", at=AT + HOUR)
    same((undone.version, dict(undone.body)) if undone else None, (3, {"n": 1}), "undo goes on top")
    same([p.version for p in papers.history("setting", "cap")], [3, 2, 1], "newest first")
    second = papers.get("setting", "cap", 2)
    same(dict(second.body) if second else None, {"n": 2}, "an old version is there")
    papers.put("setting", "alone", {}, by="me", at=AT)
    same(papers.undo("setting", "alone", by="me", at=AT), None, "nothing to go back to")
    same(papers.names("setting"), ["alone", "cap"], "names that exist")
    same((papers.drop("setting", "cap"), papers.drop("setting", "cap")), (True, False), "drop")
    same(papers.names("setting"), ["alone"], "gone with its history")
    store.close()


def check_blobs(make: Make) -> None:
    """Blobs: sealed under any name, replaced, removed; nothing readable on disk."""
    store = make()
    blobs = store.blobs
    secret = "客户 13800138000".encode()
    blobs.put("refused/import-1", b"old")
    blobs.put("refused/import-1", secret)
    blobs.put("model/x", b"")
    same(blobs.get("refused/import-1"), secret, "the later bytes count")
    same(blobs.names(), ["model/x", "refused/import-1"], "names, sorted")
    same(blobs.names("model/"), ["model/x"], "by prefix")
    for path in store.directory.rglob("*"):
        if path.is_file():
            true(secret not in path.read_bytes(), f"{path.name} shows what should be sealed")
            true("import-1" not in path.name, "a file's name tells nothing")
    same((blobs.drop("model/x"), blobs.drop("model/x")), (True, False), "drop tells")
    same(blobs.get("model/x"), None, "gone is None")
    store.close()
