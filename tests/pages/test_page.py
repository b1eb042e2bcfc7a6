from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.recommend.shops import AT, DAY, Bench, copied, grow

from renwei.app.build import operations, words
from renwei.core.decide import replays
from renwei.core.errors import BadInput, UnknownName
from renwei.core.shop import Shop
from renwei.doors.cli.views import show
from renwei.pages.documents import PageUndo, PageWrite, pages_set, pages_undo
from renwei.pages.serving import PageAnswer, PageRequest, page
from renwei.recommend.surfaces import SurfaceRequest, surfaces_set


def _performed(shop: Shop, name: str, fields: Any) -> Any:
    found = operations()[name]
    return found.call(shop, msgspec.convert(dict(fields), found.request))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A shop with a small crowd."""
    folder = tmp_path_factory.mktemp("pages")
    return folder, grow(folder, 30)


@pytest.fixture
def shop(grown: tuple[Path, dict[str, int]], tmp_path: Path) -> Iterator[Bench]:
    """A learnt shop without chance, whose page asks recommend as the program does."""
    made = copied(grown, tmp_path)
    made.shop = replace(made.shop, performer=_performed, words=words())
    yield made
    made.store.close()


def ask(shop: Bench, user: str = "", **fields: Any) -> PageAnswer:
    return page(shop.shop, PageRequest(name="home", user_id=user, explain=True, **fields))


def write(shop: Bench, *modules: dict[str, Any], **more: Any) -> None:
    document = {"modules": list(modules), "explore": 0.0, "control": 0.0, **more}
    pages_set(shop.shop, PageWrite(name="home", page=document))


def order(answer: PageAnswer) -> list[str]:
    return [module.name for module in answer.modules]


def block(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "surface": "home", "n": 3, **more}


def test_a_shop_that_wrote_no_page_has_one(shop: Bench) -> None:
    answer = ask(shop, "u-0")
    assert set(order(answer)) == {"again", "for-you", "discover"}
    ids = [item.id for module in answer.modules for item in module.items]
    assert len(ids) == len(set(ids)), "nothing stands twice on a page"


def test_each_module_has_a_decision_of_its_own_and_the_page_has_one(shop: Bench) -> None:
    answer = ask(shop, "u-0")
    ids = {answer.decision_id, *[module.decision_id for module in answer.modules]}
    assert len(ids) == 1 + len(answer.modules)
    for one in ids:
        decision = shop.store.ledger.get(one)
        assert decision is not None
        assert replays(decision) == "same"


def test_two_people_see_the_modules_in_the_order_that_fits_them(shop: Bench) -> None:
    filters = {"creams": "category = 'cream'", "masks": "category = 'mask'"}
    for name, text in filters.items():
        place = {"filter": text, "explore": 0.0, "holdout": 0}
        surfaces_set(shop.shop, SurfaceRequest(name=name, place=place))
    write(shop, {"name": "masks", "surface": "masks"}, {"name": "creams", "surface": "creams"})
    cream, mask = ask(shop, "u-0"), ask(shop, "u-1")
    assert (order(cream)[0], order(mask)[0]) == ("creams", "masks")
    assert cream.modules[0].reason.code == "module_fits"


def test_a_campaign_shows_between_its_days_only(shop: Bench) -> None:
    sale = {
        "name": "sale", "source": "banner", "image": "/sale.png", "url": "/sale",
        "from": (AT + DAY).isoformat(), "until": (AT + 3 * DAY).isoformat(),
    }  # fmt: skip
    write(shop, sale, block("for-you"))
    assert order(ask(shop)) == ["for-you"]
    assert [(one.name, one.guard) for one in ask(shop).left_out] == [("sale", "campaign")]
    shop.later(DAY)
    assert set(order(ask(shop))) == {"sale", "for-you"}
    shop.later(2 * DAY)
    assert order(ask(shop)) == ["for-you"]


def test_a_pinned_module_stands_in_its_place_for_everybody(shop: Bench) -> None:
    banner = {"name": "law", "source": "banner", "url": "/law", "pin": 2}
    write(shop, block("a"), block("b"), banner, block("c"))
    for user in ("", "u-0", "u-1", "u-2"):
        answer = ask(shop, user)
        assert order(answer)[1] == "law"
        assert answer.modules[1].reason.code == "pinned"


def test_no_more_of_a_source_than_the_page_wants(shop: Bench) -> None:
    banners = [{"name": f"b{k}", "source": "banner", "url": "/x"} for k in range(4)]
    write(shop, *banners, block("a"), most={"banner": 2})
    assert sum(module.source == "banner" for module in ask(shop).modules) == 2


def test_old_apps_and_slow_networks_get_what_they_can_show(shop: Bench) -> None:
    write(
        shop,
        {"name": "new-app", "source": "banner", "url": "/x", "min_app": "3.0"},
        {"name": "film", "source": "banner", "url": "/x", "image": "/big.png", "heavy": True},
        block("a", n=10),
    )
    assert "new-app" not in order(ask(shop, app_version="2.9.1"))
    assert "new-app" in order(ask(shop, app_version="3.10"))
    light = ask(shop, net="2g")
    assert "film" not in order(light)
    assert len(next(one for one in light.modules if one.name == "a").items) <= 4
    assert all(not item.image for module in light.modules for item in module.items)


@pytest.mark.parametrize(
    ("app", "shown"),
    [("1.9.9", False), ("2", True), ("2.0", True), ("2.0.0", True), ("3", True), ("3.0.0", True),
     ("3.0.1", False), ("10.0", False), ("2.1-beta", True)],
)  # fmt: skip
def test_an_app_of_the_least_or_last_version_is_one_however_it_is_written(
    shop: Bench, app: str, shown: bool
) -> None:
    banner = {"name": "new", "source": "banner", "url": "/x", "min_app": "2.0.0", "max_app": "3.0"}
    write(shop, banner, block("a"))
    assert ("new" in order(ask(shop, app_version=app))) is shown


def test_a_module_of_named_items_keeps_their_order(shop: Bench) -> None:
    chosen = ["mask-3", "cream-1", "soap-5"]
    write(shop, {"name": "picked", "source": "items", "items": chosen})
    assert [item.id for item in ask(shop, "u-0").modules[0].items] == chosen


def test_an_empty_module_is_left_out_and_said(shop: Bench) -> None:
    write(shop, block("again", surface="again"), block("for-you"))
    answer = ask(shop, "nobody-knows")
    assert order(answer) == ["for-you"]
    assert [(one.name, one.guard) for one in answer.left_out] == [("again", "empty")]


def test_within_a_visit_the_order_stays_and_the_items_move(shop: Bench) -> None:
    write(shop, block("a"), block("b"), block("c"), explore=0.9)
    first = ask(shop, "u-0", session_id="s1")
    shop.later(timedelta(minutes=2))
    shop.saw("u-0", "soap-4", "soap-5", "soap-6", ago=timedelta(seconds=5))
    again = ask(shop, "u-0", session_id="s1")
    assert order(again) == order(first)
    assert again.decision_id == first.decision_id
    shown = [{item.id for module in one.modules for item in module.items} for one in (first, again)]
    assert shown[0] != shown[1]


def test_the_control_gets_the_default_order_always_the_same_people(shop: Bench) -> None:
    modules = [block("a"), block("b"), block("again", surface="again")]
    write(shop, *modules, control=0.5)
    held = {k: ask(shop, f"u-{k}").control for k in range(30)}
    assert held == {k: ask(shop, f"u-{k}").control for k in range(30)}
    # Of 30 people each with chance 1/2: none or all about once in 500 million shops.
    assert 0 < sum(held.values()) < 30
    user = next(k for k, out in held.items() if out)
    found = order(ask(shop, f"u-{user}"))
    assert found == [name for name in ("a", "b", "again") if name in found]


def test_who_names_no_visit_is_in_one_for_as_long_as_requests_follow_each_other(
    shop: Bench,
) -> None:
    write(shop, *[block(f"m{k}") for k in range(6)], explore=1.0)
    first = order(ask(shop, "u-0"))
    assert all(order(ask(shop, "u-0")) == first for _ in range(5))
    shop.later(timedelta(hours=1))
    # Six modules by chance: the same order three times over is one in half a million.
    found = []
    for _ in range(3):
        shop.later(timedelta(hours=1))
        found.append(order(ask(shop, "u-0")))
    assert any(one != first for one in found)


def test_what_the_page_knows_reaches_its_recommendations(shop: Bench) -> None:
    write(shop, block("for-you", n=8))
    plain = [item.category for item in ask(shop, "never-seen").modules[0].items]
    landed = ask(shop, "never-seen", context={"landing_item_id": "soap-4"})
    about = [item.category for item in landed.modules[0].items]
    assert about.count("soap") > plain.count("soap")
    assert {item.reason.code for item in landed.modules[0].items} != {"popular"}
    with pytest.raises(BadInput, match="bad_context"):
        ask(shop, "never-seen", context={"cart": 5})


def test_the_etag_is_the_same_while_the_same_would_be_seen(shop: Bench) -> None:
    first = ask(shop, "u-0")
    assert ask(shop, "u-0").etag == first.etag
    shop.saw("u-0", "soap-4", "soap-5", "soap-6", ago=timedelta(seconds=5))
    assert ask(shop, "u-0").etag != first.etag


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"modules": [{"name": "A b"}]}, "modules[0].name"),
        ({"modules": [{"name": "a"}, {"name": "a"}]}, "modules[1].name"),
        ({"modules": [{"name": "a", "source": "film"}]}, "modules[0].source"),
        ({"modules": [{"name": "a", "url": "javascript:alert(1)"}]}, "modules[0].url"),
        ({"modules": [{"name": "a", "min_app": "three"}]}, "modules[0].min_app"),
        ({"modules": [{"name": "a", "pin": 1}, {"name": "b", "pin": 1}]}, "pin"),
        ({"modules": [{"name": "a", "n": 0}]}, "modules[0].n"),
        ({"most": {"film": 1}}, "most"),
        ({"control": 2}, "control"),
        ("{", "-"),
        (None, "-"),
    ],
)
def test_a_wrong_page_names_the_field_and_changes_nothing(
    shop: Bench, document: Any, field: str
) -> None:
    before = ask(shop, "u-0").version
    with pytest.raises(BadInput) as fault:
        pages_set(shop.shop, PageWrite(name="home", page=document))
    assert (fault.value.code, fault.value.values["field"]) == ("bad_page", field)
    assert ask(shop, "u-0").version == before


def test_a_change_can_be_taken_back(shop: Bench) -> None:
    write(shop, block("a"))
    write(shop, block("b"))
    pages_undo(shop.shop, PageUndo(name="home"))
    assert order(ask(shop)) == ["a"]


def test_an_unknown_page_is_named(shop: Bench) -> None:
    with pytest.raises(UnknownName) as fault:
        page(shop.shop, PageRequest(name="hoem"))
    assert fault.value.values["suggestion"] == "home"


def test_the_command_line_shows_modules_with_their_items_and_what_was_left_out(
    shop: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    write(shop, block("again", surface="again"), block("for-you"))
    answer = ask(shop, "nobody-knows")
    capsys.readouterr()
    show("page", answer, words(), "en")
    said = capsys.readouterr().out
    assert "Modules of home: 1" in said
    for item in answer.modules[0].items:
        assert item.title in said
        assert item.reason.text in said
    assert "− again  It has nothing to show to this person." in said
