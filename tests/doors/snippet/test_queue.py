"""The queue: offline, reloaded, in several tabs, refused, full, and without storage at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.doors.snippet.conftest import tag
from tests.doors.snippet.shopping import Seen, Visit, kinds, until
from tests.doors.snippet.stand import Site, Stand

One = tuple[Callable[..., Page], Callable[[], list[Seen]]]
KEY = "wk_of_a_test"
WITHOUT_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined });"
QUEUED = """() => Object.keys(localStorage).filter((name) => name.includes(".q.")).sort()
    .map((name) => JSON.parse(localStorage.getItem(name)))"""


def open_at(
    context: BrowserContext, site: Site, stand: Stand, path: str = "/", **more: str
) -> Page:
    page = context.new_page()
    body = "<h1>Shop</h1>" + tag(stand.url, KEY, **more)
    page.goto(site.put(path, body))
    page.wait_for_function("window.renwei && renwei.version")
    return page


def sent_of(stand: Stand, *names: str) -> Counter[str]:
    """How often each event with one of these names came, taken or not."""
    every = [event.get("event", "") for post in stand.posts for event in post.events()]
    return Counter(name for name in every if name in names)


def test_what_happened_offline_arrives_once_each_at_its_own_time(one: One) -> None:
    opened, arrived = one
    page = opened("/road")
    until(arrived)
    page.context.set_offline(True)
    own: list[float] = page.evaluate("""async () => {
        const times = [];
        for (let n = 0; n < 8; n++) {
            times.push(Date.now());
            renwei.track("Offline " + n);
            await new Promise((done) => setTimeout(done, 200));
        }
        return times;
    }""")
    page.wait_for_timeout(1500)
    assert kinds(arrived()) == ["page"]
    page.context.set_offline(False)
    until(lambda: len(arrived()) >= 9)
    page.wait_for_timeout(1000)
    found = {one.body["name"]: one.at for one in arrived() if one.kind == "track"}
    assert len(arrived()) == 9
    for n, at in enumerate(own):
        assert abs(found[f"Offline {n}"].timestamp() * 1000 - at) < 20


def test_a_phone_that_was_offline_for_two_days_lands_its_events_two_days_back(one: One) -> None:
    opened, arrived = one
    page = opened("/old")
    until(arrived)
    page.context.set_offline(True)
    at: float = page.evaluate("""() => {
        const own = Date.now() - 2 * 86400000, now = Date;
        renwei.track("Long Ago");
        const name = Object.keys(localStorage).filter((one) => one.includes(".q.")).pop();
        const held = JSON.parse(localStorage.getItem(name));
        held.originalTimestamp = new Date(own).toISOString();
        localStorage.setItem(name, JSON.stringify(held));
        return own;
    }""")
    page.context.set_offline(False)
    seen = until(lambda: [one for one in arrived() if one.body.get("name") == "Long Ago"])
    assert abs(seen[0].at.timestamp() * 1000 - at) < 20


def test_a_wrong_clock_is_put_right(one: One) -> None:
    opened, arrived = one
    page = opened("/clock")
    until(arrived)
    true_ms: float = page.evaluate("""() => {
        const real = Date.now();
        const ahead = 3 * 3600000, Real = Date;
        window.Date = class extends Real {
            constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
            static now() { return Real.now() + ahead; }
        };
        renwei.track("Fast Clock");
        return real;
    }""")
    seen = until(lambda: [one for one in arrived() if one.body.get("name") == "Fast Clock"])
    assert abs(seen[0].at.timestamp() * 1000 - true_ms) < 60_000


def test_a_reload_while_offline_keeps_the_queue(visit: Visit, stand: Stand, site: Site) -> None:
    context = visit()
    # The shop can be reached, we cannot; the shop serves its own copy of the script.
    stand.away = True
    script = f'<script src="/own/renwei.js" data-key="{KEY}" data-host="{stand.url}"></script>'
    page = context.new_page()
    page.goto(site.put("/r", script))
    page.evaluate("renwei.track('Before'); renwei.viewed('R1')")
    page.reload()
    page.evaluate("renwei.track('Between')")
    page.close()
    page = context.new_page()
    page.goto(site.url + "/r")
    assert {one.get("event") for one in page.evaluate(QUEUED)} >= {"Before", "Between"}
    assert stand.posts == []
    stand.away = False
    page.evaluate("window.dispatchEvent(new Event('online'))")
    until(lambda: page.evaluate(QUEUED) == [], page=page)
    assert sent_of(stand, "Before", "Between", "Product Viewed") == {
        "Before": 1, "Between": 1, "Product Viewed": 1,
    }  # fmt: skip
    assert len([e for e in stand.stored() if e["type"] == "page"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("locks", [True, False], ids=["locks", "lease"])
def test_two_tabs_never_send_the_same_event_twice(
    visit: Visit, stand: Stand, site: Site, *, locks: bool
) -> None:
    context = visit()
    if not locks:
        context.add_init_script(WITHOUT_LOCKS)
    stand.slow_s = 0.15
    tabs = [open_at(context, site, stand, f"/tab{n}") for n in range(2)]
    for n in range(6):
        for number, tab in enumerate(tabs):
            tab.evaluate(f"renwei.track('Tab {number} {n}'); renwei.flush()")
    until(lambda: all(tab.evaluate(QUEUED) == [] for tab in tabs), within_s=20)
    ids = Counter(event["messageId"] for post in stand.posts for event in post.events())
    assert set(ids.values()) == {1}
    names = {event.get("event") for event in stand.stored()}
    assert names >= {f"Tab {t} {n}" for t in range(2) for n in range(6)}


@pytest.mark.slow
def test_a_tab_that_died_while_sending_is_not_waited_for_for_ever(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()
    context.add_init_script(WITHOUT_LOCKS)
    page = open_at(context, site, stand)
    until(lambda: page.evaluate(QUEUED) == [])
    lease = f"""(left) => localStorage.setItem("renwei.{KEY[-8:]}.lease",
        JSON.stringify({{ tab: "gone", until: Date.now() + left }}))"""
    page.evaluate(lease, 2500)
    page.evaluate("renwei.track('After')")
    page.wait_for_timeout(1200)
    assert not stand.named("After")
    until(lambda: stand.named("After"))
    # A lease that no clock of this device could have given counts for nothing.
    page.evaluate(lease, 10**9)
    page.evaluate("renwei.track('Odd Clock')")
    until(lambda: stand.named("Odd Clock"))


def test_too_many_is_waited_out_as_long_as_told_and_by_every_tab(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()
    stand.judge = lambda body: (200, {}) if len(stand.posts) else (429, {"retry-after": "3"})
    page = open_at(context, site, stand)
    until(lambda: stand.posts)
    other = open_at(context, site, stand, "/other")
    other.evaluate("renwei.track('From The Other'); renwei.flush()")
    page.evaluate("renwei.track('And This'); renwei.flush()")
    until(lambda: page.evaluate(QUEUED) == [])
    first, second = stand.posts[0], stand.posts[1]
    assert (first.status, second.status) == (429, 200)
    assert second.at - first.at >= 2.9
    ids = Counter(event["messageId"] for event in stand.stored())
    assert set(ids.values()) == {1}


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 503, 404, 0])
def test_a_server_in_trouble_is_asked_again_ever_more_slowly_and_nothing_is_lost(
    visit: Visit, stand: Stand, site: Site, status: int
) -> None:
    context = visit()
    left = [2 if status == 500 else 1]

    def judge(body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        left[0] -= 1
        return (200, {}) if left[0] < 0 or not status else (status, {})

    stand.judge = judge
    if not status:

        def broken(route: Any) -> None:
            left[0] -= 1
            route.continue_() if left[0] < 0 else route.abort()

        context.route(f"{stand.url}/v1/batch", broken)
    page = open_at(context, site, stand)
    page.evaluate("renwei.track('Kept')")
    until(lambda: stand.named("Kept"), within_s=15, page=page)
    if status:
        gaps = [b.at - a.at for a, b in zip(stand.posts, stand.posts[1:], strict=False)]
        assert gaps[0] >= 1.9
        assert status != 500 or gaps[1] >= 3.9
    assert len([e for e in stand.stored() if e["type"] == "page"]) == 1


def test_an_event_that_is_refused_is_dropped_and_the_others_arrive(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()

    def judge(body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        return (400 if any(e.get("event") == "Poison" for e in body["batch"]) else 200), {}

    stand.judge = judge
    page = open_at(context, site, stand)
    page.evaluate("""() => {
        for (let n = 0; n < 9; n++) renwei.track(n === 4 ? "Poison" : "Good " + n);
    }""")
    until(lambda: page.evaluate(QUEUED) == [])
    good = {f"Good {n}" for n in range(9) if n != 4}
    assert {e.get("event") for e in stand.stored()} >= good
    page.evaluate("renwei.track('Next')")
    said = until(lambda: stand.named("Events Dropped"))
    assert said[0]["properties"] == {"count": 1}


def test_a_refused_key_is_said_once_and_the_queue_waits(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.judge = lambda body: (401, {})
    page = visit().new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if "renwei" in line.text else None)
    page.goto(site.put("/", tag(stand.url, KEY)))
    until(lambda: said, page=page)
    page.evaluate("renwei.flush()")
    page.wait_for_timeout(500)
    assert said == ["renwei: the key is refused; see data-key"]
    assert len(page.evaluate(QUEUED)) == 1


def test_the_oldest_of_too_many_are_dropped_and_it_is_said_how_many(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()
    page = open_at(context, site, stand)
    until(lambda: page.evaluate(QUEUED) == [])
    context.set_offline(True)
    page.evaluate("() => { for (let n = 0; n < 600; n++) renwei.track('N' + n); }")
    held = page.evaluate(QUEUED)
    assert [one["event"] for one in held] == [f"N{n}" for n in range(100, 600)]
    context.set_offline(False)
    until(lambda: page.evaluate(QUEUED) == [], within_s=20)
    assert [e["properties"]["count"] for e in stand.named("Events Dropped")] == [100]
    ids = Counter(event["messageId"] for event in stand.stored())
    assert set(ids.values()) == {1}
    assert sum(1 for e in stand.stored() if e.get("event", "").startswith("N")) == 500


def test_the_queue_never_holds_more_than_a_quarter_of_a_megabyte(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()
    page = open_at(context, site, stand)
    until(lambda: page.evaluate(QUEUED) == [])
    context.set_offline(True)
    page.evaluate("""() => {
        for (let n = 0; n < 60; n++) renwei.track("N" + n, { text: "面".repeat(3000) });
        renwei.track("Huge", { text: "x".repeat(40000) });
    }""")
    held = page.evaluate("""() => Object.keys(localStorage).filter((one) => one.includes(".q."))
        .reduce((sum, one) => sum + new TextEncoder().encode(localStorage.getItem(one)).length, 0)""")
    assert 240 * 1024 < held <= 256 * 1024
    names = [one["event"] for one in page.evaluate(QUEUED)]
    assert names == [f"N{n}" for n in range(60 - len(names), 60)]
    context.set_offline(False)
    said = until(lambda: stand.named("Events Dropped"))
    assert said[0]["properties"]["count"] == 61 - len(names)


def test_storage_that_is_full_neither_breaks_the_page_nor_loses_the_event(
    visit: Visit, stand: Stand, site: Site
) -> None:
    fill = """<script>
        try { for (let n = 18; n >= 0; n--)
            for (;;) localStorage.setItem("shop" + n + Math.random(), "x".repeat(1 << n));
        } catch (full) { try { for (;;) localStorage.setItem("s" + Math.random(), ""); } catch (e) {} }
    </script>"""
    page = visit().new_page()
    page.goto(site.put("/full", fill + tag(stand.url, KEY)))
    page.wait_for_function("window.renwei && renwei.version")
    page.evaluate("renwei.track('Full'); renwei.viewed('F1', { dwell: 3 })")
    until(lambda: stand.named("Full") and stand.named("Product Viewed"))
    assert {e["anonymousId"] for e in stand.stored()} == {page.evaluate("renwei.anonymousId()")}


def test_storage_that_is_blocked_neither_breaks_the_page_nor_loses_the_event(
    visit: Visit, stand: Stand, site: Site
) -> None:
    # A sandboxed frame has an origin of nobody: localStorage and locks refuse in earnest.
    site.put("/inner", tag(stand.url, KEY) + "<script>renwei=[['track','Blocked']]</script>")
    page = visit().new_page()
    page.goto(site.put("/outer", '<iframe sandbox="allow-scripts" src="/inner"></iframe>'))
    until(lambda: stand.named("Blocked"))
    frame = page.frames[1]
    blocked = "() => { try { localStorage; return false; } catch (e) { return true; } }"
    assert frame.evaluate(blocked)
    frame.evaluate("renwei.viewed('B1')")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    until(lambda: stand.named("Product Viewed"))
    assert len({e["anonymousId"] for e in stand.stored()}) == 1


def test_what_a_killed_page_was_looking_at_is_kept_for_later(
    visit: Visit, stand: Stand, site: Site
) -> None:
    context = visit()
    page = open_at(context, site, stand)
    page.evaluate("renwei.viewed('K1')")
    until(lambda: [e for e in stand.stored() if e["type"] == "page"])
    page.wait_for_timeout(500)
    assert not stand.named("Product Viewed")
    # As a phone that ran out of memory leaves it: kept, and held back for half an hour.
    held = page.evaluate(QUEUED)
    assert [one["event"] for one in held] == ["Product Viewed"]
    assert held[0]["until"] > page.evaluate("Date.now()") + 29 * 60_000
    page.evaluate("""() => { const name = Object.keys(localStorage).find((one) => one.includes(".q."));
        const event = JSON.parse(localStorage.getItem(name));
        localStorage.setItem(name, JSON.stringify({ ...event, until: Date.now() - 1 })); }""")
    other = open_at(context, site, stand, "/again")
    until(lambda: stand.named("Product Viewed"))
    assert "until" not in stand.named("Product Viewed")[0]
    other.close()
