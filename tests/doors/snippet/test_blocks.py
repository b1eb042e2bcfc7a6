"""Recommendation blocks, drawn in a browser from a stand-in that answers by the contract."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.doors.console.conftest import AXE
from tests.doors.console.looking import serious
from tests.doors.snippet.conftest import tag
from tests.doors.snippet.shopping import HIDE, Visit, at_least, until
from tests.doors.snippet.stand import Site, Stand, item

KEY = "wk_of_a_test"
FALLBACK = "<p class='own'>Our bestsellers</p>"
HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>"\'>&amp;'
STRICT = "default-src 'self'; script-src 'self' {0}; connect-src {0}; img-src 'self' {0}"


def shelf(count: int = 6) -> list[dict[str, Any]]:
    return [item(f"P{n}") for n in range(1, count + 1)]


def block(inside: str = FALLBACK, **more: str) -> str:
    data = "".join(f' data-{name}="{text}"' for name, text in more.items())
    return f'<div data-renwei="home" data-n="3"{data}>{inside}</div>'


def shop(visit: Visit, site: Site, stand: Stand, body: str, lang: str = "en", **more: str) -> Page:
    page = visit(locale="en-GB").new_page()
    page.goto(site.put("/", body + tag(stand.url, KEY), lang=lang, **more))
    page.wait_for_function("window.renwei && renwei.version")
    return page


def drawn(page: Page) -> list[str]:
    page.wait_for_selector("[data-renwei] [data-renwei-item]")
    return ids(page)


def ids(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "[data-renwei-item]", "all => all.map((one) => one.dataset.renweiItem)"
    )
    return found


def test_a_block_shows_title_price_picture_reason_and_where_it_leads(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    page = shop(visit, site, stand, block(item="P12"))
    assert drawn(page) == ["P1", "P2", "P3"]
    card = page.locator("[data-renwei-item=P1]")
    assert card.locator("[data-field=title]").inner_text() == "Item P1"
    assert card.locator("[data-field=price]").inner_text() == "CN¥59.90"
    assert card.locator("[data-field=reason]").inner_text() == "Liked by many (P1)"
    assert card.locator("a").get_attribute("href") == f"{site.url}/p/P1"
    picture = card.locator("img")
    assert (picture.get_attribute("loading"), picture.get_attribute("alt")) == ("lazy", "")
    assert page.locator(".own").count() == 0


def test_the_request_says_what_the_contract_asks_and_nothing_else(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    body = block(item="P12", mode="similar", filter="stock > 0", cart="P3, P4", query="mask")
    page = shop(visit, site, stand, "<main data-renwei-viewed='P12'></main>" + body)
    drawn(page)
    assert stand.refused == []
    asked = stand.asked[0]
    assert asked["context"].pop("net", "4g") in ("slow-2g", "2g", "3g", "4g")
    assert asked["context"].pop("session_id")
    assert 0 <= asked["context"].pop("hour") <= 23
    assert asked.pop("anonymous_id") == page.evaluate("renwei.anonymousId()")
    assert asked == {
        "surface": "home", "n": 3, "mode": "similar", "filter": "stock > 0",
        "context": {
            "item_id": "P12", "cart": ["P3", "P4"], "query": "mask", "landing_item_id": "P12",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "price", "no", "label"),
    [("en", "¥1,234", "Not interested: Item J", "Recommended for you"),
     ("zh-CN", "JP¥1,234", "不感兴趣: Item J", "为你推荐"),
     ("zz_??", "¥1,234", "Not interested: Item J", "Recommended for you")],
)  # fmt: skip
def test_a_block_speaks_the_language_of_its_page(
    visit: Visit, stand: Stand, site: Site, lang: str, price: str, no: str, label: str
) -> None:
    stand.choose = lambda request: [item("J", price_minor=1234, currency="JPY")]
    page = shop(visit, site, stand, block(), lang=lang)
    drawn(page)
    assert page.locator("[data-field=price]").inner_text() == price
    assert page.get_by_role("button", name=no).count() == 1
    assert page.get_by_role("region", name=label).count() == 1
    assert stand.languages[0] == (lang if lang.startswith("zh") else "en")


def test_what_an_answer_leaves_out_is_not_shown(visit: Visit, stand: Stand, site: Site) -> None:
    lost = item("D", image="/no-such-picture.gif")
    bare = item("B", title="", url="", image="", price_minor=0, currency="", brand=None)
    odd = item("C", reason=None, price_minor=None, currency="???", image=None)
    stand.choose = lambda request: [bare, odd, lost]
    page = shop(visit, site, stand, block())
    assert drawn(page) == ["B", "C", "D"]
    page.locator("[data-renwei-item=D] img").wait_for(state="detached")
    first = page.locator("[data-renwei-item=B]")
    assert first.locator("[data-field=title]").inner_text() == "B"
    assert first.locator("a[href], img, [data-field=price]").count() == 0
    assert page.locator("[data-renwei-item=C] [data-field=reason]").count() == 0


def test_nothing_of_an_answer_becomes_markup_or_script(
    visit: Visit, stand: Stand, site: Site
) -> None:
    reason = {"code": "x", "text": HOSTILE}
    stand.choose = lambda request: [
        item("H1", title=HOSTILE, reason=reason, brand=HOSTILE, category=HOSTILE),
        item(HOSTILE, url="javascript:window.hit=1", image="javascript:window.hit=1"),
        item("H3", url="data:text/html,<script>parent.hit=1</script>", image="data:image/png,x"),
        item("H4", url="//evil.example/x", image="  jAvAsCrIpT:window.hit=1"),
    ]
    template = """<template><div><a data-field="link"><b data-field="title"></b></a>
        <i data-field="brand"></i><u data-field="category"></u><q data-field="reason"></q>
        <img data-field="image"></div></template>"""
    for inside in (FALLBACK, template):
        page = shop(visit, site, stand, block(inside).replace('data-n="3"', 'data-n="9"'))
        assert drawn(page) == ["H1", HOSTILE, "H3", "H4"]
        title = page.locator("[data-renwei-item=H1] [data-field=title]")
        assert title.text_content() == HOSTILE
        links = page.eval_on_selector_all("[data-renwei] a[href]", "all => all.map((a) => a.href)")
        assert links == [f"{site.url}/p/H1", "http://evil.example/x"]
        assert page.locator("[data-renwei] img").count() == 1
        assert page.locator("[data-renwei] script, [data-renwei] [onerror]").count() == 0
        for link in page.locator("[data-renwei] [data-field=link]:not([href])").all():
            link.click()
        page.wait_for_timeout(200)
        assert page.evaluate("window.hit") is None


def test_a_shop_may_bring_its_own_template(visit: Visit, stand: Stand, site: Site) -> None:
    stand.choose = lambda request: shelf()
    inside = """<template><article class="card"><a data-field="link"><h3 data-field="title"></h3></a>
        <em data-field="brand"></em><button class="x" data-field="no">×</button></article></template>
        <p class="own">Old</p>"""
    page = shop(visit, site, stand, block(inside, others="off"))
    assert drawn(page) == ["P1", "P2", "P3"]
    assert page.locator("article.card h3").all_inner_texts() == ["Item P1", "Item P2", "Item P3"]
    assert page.locator("article.card em").first.inner_text() == "Lu"
    assert page.get_by_role("button", name="Not interested: Item P2").inner_text() == "×"
    assert page.locator(".renwei-others, .own").count() == 0
    assert page.get_by_role("list").get_by_role("listitem").count() == 3


@pytest.mark.parametrize("trouble", ["empty", "away", "broken"])
def test_without_an_answer_the_blocks_own_content_stays(
    visit: Visit, stand: Stand, site: Site, trouble: str
) -> None:
    page = visit().new_page()
    page.goto(site.put("/", block()))
    page.add_script_tag(content="window.kept = document.querySelector('.own')")
    if trouble == "broken":
        stand.choose = lambda request: [{"id": ""}, None]  # type: ignore[list-item]
    stand.away = trouble == "away"
    tag_ = f'<script src="/own/renwei.js" data-key="{KEY}" data-host="{stand.url}"></script>'
    page.goto(site.put("/", block() + tag_))
    page.wait_for_timeout(1500)
    assert page.locator("[data-renwei]").inner_text() == "Our bestsellers"
    assert page.locator("[data-renwei]").get_attribute("aria-busy") is None
    if trouble == "away":
        stand.away, stand.choose = False, lambda request: shelf()
        page.evaluate("window.dispatchEvent(new Event('online'))")
        assert drawn(page) == ["P1", "P2", "P3"]


@pytest.mark.slow
def test_half_of_an_item_seen_for_a_second_is_an_impression(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf(2)
    page = shop(visit, site, stand, f"<div class='far'></div>{block()}", head=TALL)
    drawn(page)
    page.wait_for_timeout(1500)
    assert stand.named("Product Impression") == []
    # Half a second of looking, and a second on a page that nobody sees, are none.
    page.evaluate("""async (hide) => {
        const pause = (ms) => new Promise((done) => setTimeout(done, ms));
        scrollTo(0, document.body.scrollHeight);
        await pause(500);
        scrollTo(0, 0);
        await pause(1200);
        scrollTo(0, document.body.scrollHeight);
        await pause(500);
        eval(hide)("hidden");
        await pause(1200);
    }""", HIDE)  # fmt: skip
    page.wait_for_timeout(400)
    assert stand.named("Product Impression") == []
    page.evaluate(HIDE, "visible")
    seen = at_least(2, lambda: stand.named("Product Impression"))
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(1600)
    assert len(stand.named("Product Impression")) == 2
    assert sorted((e["properties"] for e in seen), key=lambda one: str(one["product_id"])) == [
        {"product_id": f"P{n}", "decision_id": "d1", "list": "home", "position": n} for n in (1, 2)
    ]


TALL = "<style>.far { height: 3000px } [data-renwei-item] { min-height: 100px }</style>"


def test_a_click_names_the_decision_and_so_does_what_follows_from_it(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    page = shop(visit, site, stand, block())
    site.put("/p/P2", tag(stand.url, KEY))
    drawn(page)
    page.locator("[data-renwei-item=P2] a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/P2")
    page.wait_for_function("window.renwei && renwei.version")
    page.evaluate("renwei.viewed('P2', { dwell: 9 }); renwei.cart('P2'); renwei.cart('P9')")
    until(lambda: len(stand.named("Product Added")) == 2)
    from_it = {"decision_id": "d1", "list": "home", "position": 2}
    told = {e["properties"]["product_id"]: e["properties"] for e in stand.named("Product Added")}
    assert stand.named("Product Clicked")[0]["properties"] == {"product_id": "P2", **from_it}
    assert told == {"P2": {"product_id": "P2", **from_it}, "P9": {"product_id": "P9"}}
    assert stand.named("Product Viewed")[0]["properties"]["decision_id"] == "d1"


def test_a_shops_own_shelf_is_counted_too(visit: Visit, stand: Stand, site: Site) -> None:
    page = shop(visit, site, stand, """<a href="#x" data-renwei-item="S1" data-renwei-list="new"
        data-renwei-position="4">Soap</a>""")  # fmt: skip
    page.click("text=Soap")
    expected = {"product_id": "S1", "list": "new", "position": 4}
    until(lambda: stand.named("Product Impression"))
    assert stand.named("Product Clicked")[0]["properties"] == expected
    assert stand.named("Product Impression")[0]["properties"] == expected


def test_not_interested_holds_here_and_on_every_later_page(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    page = shop(visit, site, stand, block())
    drawn(page)
    page.get_by_role("button", name="Not interested: Item P2").click()
    assert ids(page) == ["P1", "P3"]
    assert page.get_by_role("status").inner_text().startswith("Removed.")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Not interested: Item P3"
    told = until(lambda: stand.named("Product Disliked"))[0]["properties"]
    assert (told["product_id"], told["decision_id"], told["why"]) == ("P2", "d1", "not_interested")
    page.reload()
    assert drawn(page) == ["P1", "P3", "P4"]
    assert stand.asked[-1]["exclude_ids"] == ["P2"]


def test_everything_can_be_done_from_the_keyboard(visit: Visit, stand: Stand, site: Site) -> None:
    stand.choose = lambda request: shelf(4)
    page = shop(visit, site, stand, block())
    drawn(page)
    order = []
    for _ in range(7):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "document.activeElement.dataset.field || document.activeElement.className"
            )
        )
    assert order == ["link", "no"] * 3 + ["renwei-others"]
    page.keyboard.press("Shift+Tab")
    for _ in range(3):
        page.keyboard.press("Enter")
        page.wait_for_timeout(100)
    # The last one gone, others are asked for.
    page.wait_for_selector("[data-renwei-item=P4]")
    assert ids(page) == ["P4"]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make assets)")
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_block_is_usable_by_whoever_cannot_see_it(
    visit: Visit, stand: Stand, site: Site, lang: str
) -> None:
    stand.choose = lambda request: shelf()
    page = shop(visit, site, stand, f"<main><h1>Shop</h1>{block()}</main>", lang=lang)
    drawn(page)
    page.locator("[data-field=no]").first.click()
    assert serious(page) == []


def test_show_me_others_shows_others_and_holds_for_the_session(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf(7)
    page = shop(visit, site, stand, block())
    drawn(page)
    button = page.get_by_role("button", name="Show me others")
    button.click()
    page.wait_for_selector("[data-renwei-item=P4]")
    assert ids(page) == ["P4", "P5", "P6"]
    assert page.evaluate("document.activeElement.className") == "renwei-others"
    page.reload()
    assert drawn(page) == ["P4", "P5", "P6", "P7"][:3]
    button.click()
    page.wait_for_selector("[data-renwei-item=P7]")
    assert ids(page) == ["P7"]
    button.click()
    page.wait_for_function("document.querySelector('.renwei-status').textContent")
    assert ids(page) == ["P7"]
    told = at_least(3, lambda: stand.named("Recommendations Refreshed"))
    assert told[0]["properties"] == {"list": "home", "decision_id": "d1"}


def test_what_was_just_looked_at_is_told_before_the_next_page_asks(
    visit: Visit, stand: Stand, site: Site
) -> None:
    heard_at_asking: list[int] = []

    def choose(request: dict[str, Any]) -> list[dict[str, Any]]:
        heard_at_asking.append(len(stand.named("Product Viewed")))
        return shelf()

    stand.choose = choose
    # A machine under load may take longer than a block waits: then the next look shows it.
    for look in range(1, 4):
        page = shop(visit, site, stand, "<main data-renwei-viewed='V1'></main>")
        page.wait_for_timeout(400)
        page.goto(site.put("/home", block() + tag(stand.url, KEY)))
        drawn(page)
        if heard_at_asking[-1] == look:
            break
    assert heard_at_asking[-1] == look


def test_a_page_with_a_strict_policy_shows_blocks_without_a_breach(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    said: list[str] = []
    page = visit().new_page()
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    policy = STRICT.format(stand.url)
    page.goto(site.put("/csp", block() + tag(stand.url, KEY), content_security_policy=policy))
    assert drawn(page) == ["P1", "P2", "P3"]
    page.get_by_role("button", name="Not interested: Item P2").click()
    page.get_by_role("button", name="Show me others").click()
    page.wait_for_selector("[data-renwei-item=P4]")
    until(lambda: stand.named("Recommendations Refreshed"))
    assert said == []
    assert page.locator("[data-renwei] [style]").count() == 0


def test_a_policy_that_knows_us_not_leaves_the_shop_untouched(
    visit: Visit, stand: Stand, site: Site
) -> None:
    body = block() + '<script src="/own/shop.js"></script>' + tag(stand.url, KEY)
    own = f'<script src="/own/renwei.js" data-key="{KEY}" data-host="{stand.url}"></script>'
    for path, script in (("/none", ""), ("/own", own)):
        # With its own copy the script runs, but may talk to nobody.
        page = visit().new_page()
        page.goto(site.put(path, body + script, content_security_policy="default-src 'self'"))
        page.wait_for_timeout(1200)
        assert page.evaluate("window.shopWorks") is True
        assert page.locator("[data-renwei]").inner_text() == "Our bestsellers"
        assert page.evaluate("Boolean(window.renwei)") is bool(script)
    assert (stand.posts, stand.asked) == ([], [])


def test_a_block_added_later_is_drawn_when_the_shop_says_so(
    visit: Visit, stand: Stand, site: Site
) -> None:
    stand.choose = lambda request: shelf()
    page = shop(visit, site, stand, "<h1>Shop</h1>")
    page.evaluate("""(html) => new Promise((done) => {
        document.addEventListener("renwei:drawn", (event) => { window.drawn = event.detail; done(); });
        document.body.insertAdjacentHTML("beforeend", html);
        renwei.scan();
    })""", block())  # fmt: skip
    assert page.evaluate("window.drawn") == {"decision_id": "d1", "n": 3}


def test_the_styles_of_the_documentation_name_classes_that_exist() -> None:
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    script = (root / "src/renwei/doors/snippet/renwei.js").read_text("utf-8")
    made = set(re.findall(r'(?:make|field)\("\w+", "(\w+)"', script))
    for language in ("en", "zh"):
        page = (root / f"docs/{language}/snippet.md").read_text("utf-8")
        named = set(re.findall(r"\.renwei-(\w+)", page))
        assert named, language
        assert named <= made
