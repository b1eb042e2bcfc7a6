"""What pages tell arrives at a real server on another origin."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page
from tests.doors.http.served import Served
from tests.doors.snippet.shopping import HIDE, Seen, at_least, kinds, until

One = tuple[Callable[..., Page], Callable[[], list[Seen]]]


def test_each_call_arrives_as_its_kind(one: One) -> None:
    opened, arrived = one
    page = opened("/creams")
    page.evaluate("""() => {
        renwei.search("sunscreen", { results: 12 });
        renwei.cart({ id: "P1", title: "Cream", price: 59.9, currency: "CNY" }, { quantity: 2 });
        renwei.uncart("P1");
        renwei.track("Product Added to Wishlist", { product_id: "P1" });
        renwei.track("Badge Earned", { level: 3 });
        renwei.identify("u-77", { city: "Hangzhou" });
        renwei.order({ id: "O-9", total: 119.8, currency: "CNY",
                       items: [{ id: "P1", quantity: 2, price: 59.9 }] });
    }""")
    seen = at_least(8, arrived)
    assert sorted(kinds(seen)) == sorted(
        ["page", "search", "cart", "uncart", "wish", "track", "identify", "order"]
    )
    by_kind = {one.kind: one for one in seen}
    assert by_kind["page"].body["path"] == "/creams"
    assert by_kind["search"].body["keyword"] == "sunscreen"
    assert by_kind["cart"].body["quantity"] == 2
    assert by_kind["cart"].item == by_kind["wish"].item == "P1"
    assert by_kind["order"].value_minor == 11980
    assert by_kind["identify"].body["facts"]["city"]
    assert by_kind["page"].body["ctx"]["lang"].startswith("en")
    assert by_kind["page"].rest["c"]["sessionId"] == by_kind["order"].rest["c"]["sessionId"]


def test_an_order_told_again_by_a_reloaded_page_is_one_order(one: One) -> None:
    opened, arrived = one
    page = opened("/thanks")
    for _ in range(2):
        page.evaluate(
            'renwei.order({ id: "O-1", total: 10, currency: "CNY", items: [{ id: "P1" }] })'
        )
        page.reload()
        page.wait_for_function("window.renwei && renwei.version")
    until(lambda: kinds(arrived()).count("page") == 3)
    assert kinds(arrived()).count("order") == 1


def test_the_dwell_is_the_time_in_which_the_page_could_be_seen(one: One) -> None:
    opened, arrived = one
    page = opened("/p/12")
    began, seen_ms = page.evaluate("""async (hide) => {
        const set = eval(hide), pause = (ms) => new Promise((done) => setTimeout(done, ms));
        const began = Date.now(), marks = [performance.now()];
        renwei.viewed("P12");
        for (const [ms, state] of [[900, "hidden"], [1500, "visible"], [600, "hidden"], [400, "visible"]]) {
            await pause(ms);
            set(state);
            marks.push(performance.now());
        }
        await pause(100);
        renwei.page("Another");
        const [start, hid, shown, hid2, shown2] = marks;
        return [began, hid - start + (hid2 - shown) + (performance.now() - shown2)];
    }""", HIDE)  # fmt: skip
    assert seen_ms < 3000
    seen = until(lambda: [one for one in arrived() if one.kind == "view"])
    assert [one.item for one in seen] == ["P12"]
    assert seen[0].body["dwell_ms"] == pytest.approx(seen_ms, abs=150)
    assert abs(seen[0].at.timestamp() * 1000 - began) < 50


def test_leaving_for_the_next_page_sends_the_view_at_once(one: One) -> None:
    opened, arrived = one
    page = opened("/p/13")
    began = time.monotonic()
    page.evaluate("renwei.viewed({ id: 'P13', title: 'Toner', category: 'care' })")
    page.wait_for_timeout(700)
    page.goto("about:blank")
    most_ms = (time.monotonic() - began) * 1000
    # Nothing of ours runs any more; the browser brings it all the same.
    seen = until(lambda: [one for one in arrived() if one.kind == "view"])
    assert 600 <= seen[0].body["dwell_ms"] <= most_ms


def test_what_was_sent_while_leaving_is_sent_again_and_stored_once(one: One) -> None:
    opened, arrived = one
    page = opened("/p/14")
    for code in ("A1", "A2", "A3"):
        page.evaluate(f"renwei.viewed('{code}')")
        page.wait_for_timeout(150)
        page.reload()
        page.wait_for_function("window.renwei && renwei.version")
    until(lambda: kinds(arrived()).count("page") == 4 and page.evaluate(LEFT) == 0)
    assert sorted(one.item for one in arrived() if one.kind == "view") == ["A1", "A2", "A3"]
    assert page.evaluate(LEFT) == 0


LEFT = "Object.keys(localStorage).filter(name => name.includes('.q.')).length"


def test_a_dwell_that_the_shop_measured_itself_is_taken_in_seconds(one: One) -> None:
    opened, arrived = one
    opened("/v").evaluate("renwei.viewed('V1', { dwell: 12.5 })")
    seen = until(lambda: [one for one in arrived() if one.kind == "view"])
    assert seen[0].body["dwell_ms"] == 12500


def test_calls_made_before_the_script_came_are_done_when_it_is_there(one: One) -> None:
    opened, arrived = one
    opened("/early", """<script>
        window.renwei = window.renwei || [];
        renwei.push(["viewed", "E1", { dwell: 2 }]);
        renwei.push(["search", "mask"], ["nonsense", 1], ["track", "Early Bird"]);
        renwei.push(function (now) { now.track("From A Function"); });
    </script>""")  # fmt: skip
    seen = at_least(5, arrived)
    assert sorted(kinds(seen)) == ["page", "search", "track", "track", "view"]


def test_an_item_is_a_code_a_number_or_an_object_with_either_name(one: One) -> None:
    opened, arrived = one
    page = opened("/codes")
    page.evaluate("""() => {
        for (const item of ["a", 7, { id: 8 }, { product_id: "d" }, { sku: "e", title: "E" }])
            renwei.cart(item);
    }""")
    seen = at_least(6, arrived)
    assert sorted(one.item for one in seen if one.kind == "cart") == ["7", "8", "a", "d", "e"]


def test_a_page_that_calls_with_nonsense_hears_nothing_of_it(one: One) -> None:
    opened, arrived = one
    page = opened("/odd")
    page.evaluate("""() => {
        const ring = {}; ring.ring = ring;
        const odd = [undefined, null, 0, "", NaN, [], {}, ring, () => 1, Symbol("s"), 10n,
                     new Proxy({}, { ownKeys() { throw new Error("no"); } })];
        const calls = Object.keys(renwei).filter((one) => typeof renwei[one] === "function");
        for (const call of calls) {
            if (["consent", "push"].includes(call)) continue;
            for (const one of odd) { renwei[call](one); renwei[call](one, one); }
        }
        for (const one of odd) renwei.push(one, [one], ["track", one]);
        renwei.reset();
        renwei.track("Still Here");
    }""")
    until(lambda: [one for one in arrived() if one.body.get("name") == "Still Here"])


def test_the_automatic_page_can_be_switched_off(one: One) -> None:
    opened, arrived = one
    page = opened("/quiet", page="off")
    page.evaluate("renwei.track('Only This')")
    until(arrived)
    assert kinds(arrived()) == ["track"]


def test_an_item_marked_in_the_page_is_viewed_without_a_line_of_script(one: One) -> None:
    opened, arrived = one
    page = opened("/marked", "<main data-renwei-viewed='M1'>Cream</main>")
    page.wait_for_timeout(300)
    page.goto("about:blank")
    until(lambda: [one for one in arrived() if one.item == "M1" and one.kind == "view"])


def test_who_signs_in_is_one_person_with_who_browsed_and_the_next_one_is_another(one: One) -> None:
    opened, arrived = one
    page = opened("/shared")
    first = page.evaluate("renwei.anonymousId()")
    page.evaluate("renwei.identify('ann')")
    assert page.evaluate("renwei.anonymousId()") == first
    page.evaluate("renwei.identify('bea')")
    assert page.evaluate("renwei.anonymousId()") != first
    page.evaluate("renwei.track('By Bea')")
    seen = at_least(4, arrived)
    bea = [one.actor for one in seen if one.body.get("name") == "By Bea"]
    ann = [one.actor for one in seen if one.kind == "page"]
    assert bea != ann


def test_after_half_an_hour_without_a_word_it_is_another_session(one: One) -> None:
    opened, arrived = one
    page = opened("/s")
    page.evaluate("""() => {
        const name = Object.keys(localStorage).find((one) => one.endsWith(".session"));
        const held = JSON.parse(localStorage.getItem(name));
        renwei.track("Soon");
        localStorage.setItem(name, JSON.stringify({ ...held, at: held.at - 31 * 60000 }));
        renwei.track("Later");
    }""")
    seen = at_least(3, arrived)
    by_name = {one.body.get("name") or one.kind: one.rest["c"]["sessionId"] for one in seen}
    assert by_name["page"] == by_name["Soon"] != by_name["Later"]


def test_a_real_server_without_the_answer_leaves_the_block_as_it_is(one: One) -> None:
    opened, arrived = one
    page = opened("/b", "<div data-renwei='no-such-surface'><p>Our bestsellers</p></div>")
    until(arrived)
    page.wait_for_timeout(800)
    assert page.locator("[data-renwei]").inner_text() == "Our bestsellers"


def test_a_block_is_drawn_from_what_the_real_server_recommends(one: One) -> None:
    opened, arrived = one
    first = opened("/shelf")
    first.evaluate("""() => { for (const id of ["R1", "R2", "R3", "R4"])
        renwei.order({ id: "o" + id, total: 60, currency: "CNY",
                       items: [{ id, title: "Cream " + id, price: 60, quantity: 1 }] }); }""")
    at_least(5, arrived)
    # What they have bought themselves they are not shown; somebody new is.
    first.evaluate("renwei.reset()")

    def drawn() -> bool:
        page = opened("/home", '<div data-renwei="home" data-n="3"><p>Ours</p></div>')
        page.wait_for_timeout(1200)
        found = page.locator("[data-renwei-item] [data-field=title]").all_inner_texts()
        reasons = page.locator("[data-field=reason]").all_inner_texts()
        page.close()
        assert all(text and text.isascii() for text in reasons)  # in the page's language
        return bool(found)

    until(drawn, within_s=20)


@pytest.mark.parametrize("origin", ["https://shop.example", "null"])
def test_browsers_of_other_origins_may_ask_for_recommendations(server: Served, origin: str) -> None:
    status, headers, _ = server.ask(
        "OPTIONS", "/v1/recommend", Origin=origin,
        access_control_request_method="POST", access_control_request_headers="authorization",
    )  # fmt: skip
    assert status == 204
    assert headers["access-control-allow-origin"] == "*"
    assert "authorization" in headers["access-control-allow-headers"]
    assert "POST" in headers["access-control-allow-methods"]
    status, headers, _ = server.ask("POST", "/v1/recommend", {"n": 0}, Origin=origin)
    assert status >= 400
    assert headers["access-control-allow-origin"] == "*"
    assert "retry-after" in headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in server.ask("GET", "/v1/people")[1]


def test_a_refusal_of_ingest_lets_other_origins_read_how_long_to_wait(server: Served) -> None:
    status, headers, _ = server.ask("POST", "/v1/batch", {"writeKey": "wrong", "batch": []})
    assert status == 401
    assert "retry-after" in headers["access-control-expose-headers"]


def test_times_are_the_events_own(one: One) -> None:
    opened, arrived = one
    page = opened("/t")
    at = page.evaluate("""async () => {
        const times = [];
        for (let n = 0; n < 3; n++) {
            times.push(Date.now());
            renwei.track("T" + n);
            await new Promise((done) => setTimeout(done, 120));
        }
        return times;
    }""")
    seen = at_least(4, arrived)
    found = {one.body["name"]: one.at for one in seen if one.kind == "track"}
    for n, own in enumerate(at):
        expected = datetime.fromtimestamp(own / 1000, tz=found["T0"].tzinfo)
        assert abs(found[f"T{n}"] - expected) < timedelta(milliseconds=20)
