"""Gorse's clients against our door: the calls of its own SDKs, who may, and bad input."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import key_of, keys_at

from renwei.app.house import House, open_house
from renwei.core.clock import Frozen
from renwei.core.store import Named
from renwei.doors.http.gorse_paths import PLACES
from renwei.trust.roles import allows

AT = datetime(2026, 9, 20, 8, tzinfo=UTC)


class Client:
    """What Gorse's SDKs do: one header, JSON, and no media type to rely on."""

    def __init__(self, house: House, scope: str, inside: Inside | None = None) -> None:
        self.house = house
        self.inside = inside or Inside(house)
        self.key = key_of(house, scope) if scope else ""

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"X-API-Key": self.key} if self.key else {}
        return self.inside.ask(method, path, body, headers)

    def good(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("gorse")
    with keys_at(folder / "keys"), open_house(folder / "data", clock=Frozen(AT)) as house:
        yield house


@pytest.fixture(scope="module")
def gorse(house: House) -> Client:
    return Client(house, "admin")


def until(true: Callable[[], bool]) -> None:
    """Folds run behind the log, within a moment."""
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def one(user: str, item: str, kind: str = "like", **more: Any) -> dict[str, Any]:
    return {"FeedbackType": kind, "UserId": user, "ItemId": item, **more}


def test_items_are_inserted_overwritten_patched_and_deleted(gorse: Client) -> None:
    item = {
        "ItemId": "300", "IsHidden": False, "Labels": {"embedding": [0.1, 0.2], "color": "red"},
        "Categories": ["skin"], "Timestamp": "2026-01-01T00:00:00Z", "Comment": "a cream",
    }  # fmt: skip
    assert gorse.good("POST", "/api/item", item) == {"RowAffected": 1}
    assert gorse.good("GET", "/api/item/300") == {
        "ItemId": "300", "IsHidden": False, "Categories": ["skin"],
        "Timestamp": "2026-01-01T00:00:00Z", "Labels": {"color": "red"}, "Comment": "a cream",
    }  # fmt: skip
    gorse.good("PATCH", "/api/item/300", {"IsHidden": True, "Comment": "a new cream"})
    shown = gorse.good("GET", "/api/item/300")
    assert (shown["IsHidden"], shown["Comment"], shown["Categories"]) == (
        True,
        "a new cream",
        ["skin"],
    )
    gorse.good("PUT", "/api/item/300/category/gift")
    assert gorse.good("GET", "/api/item/300")["Labels"]["tags"] == ["gift"]
    gorse.good("DELETE", "/api/item/300/category/gift")
    gorse.good("DELETE", "/api/item/300/category/skin")
    shown = gorse.good("GET", "/api/item/300")
    assert (shown["Categories"], shown["Labels"]) == ([], {"color": "red"})
    assert gorse.good("DELETE", "/api/item/300") == {"RowAffected": 1}
    assert gorse.ask("GET", "/api/item/300").status == 404
    assert gorse.good("POST", "/api/items", [{"ItemId": "300"}]) == {"RowAffected": 1}
    assert gorse.good("GET", "/api/item/300")["ItemId"] == "300"


def test_lists_of_items_come_with_a_cursor(gorse: Client) -> None:
    gorse.good("POST", "/api/items", [{"ItemId": f"p{n}"} for n in range(25)])
    found, cursor = [], ""
    while True:
        page = gorse.good("GET", f"/api/items?n=7&cursor={cursor}")
        assert len(page["Items"]) <= 7
        found += [item["ItemId"] for item in page["Items"]]
        cursor = page["Cursor"]
        if not cursor:
            break
    assert [name for name in found if name.startswith("p")] == [f"p{n}" for n in range(25)]
    assert len(found) == len(set(found))


def test_one_bad_item_refuses_the_whole_list_as_gorse_does(gorse: Client) -> None:
    answer = gorse.ask("POST", "/api/items", [{"ItemId": "good"}, {"ItemId": ""}])
    assert answer.status == 400
    assert answer.json["values"]["field"] == "[1].id"
    assert gorse.ask("GET", "/api/item/good").status == 404


def test_feedback_is_an_event_of_the_person_and_of_the_item(gorse: Client) -> None:
    gorse.good("POST", "/api/item", {"ItemId": "A1", "Comment": "Cream"})
    told = [one("zhenghaoz", "A1", "star", Timestamp="2026-09-01T00:00:00Z", Value=3.0)]
    assert gorse.good("POST", "/api/feedback", told) == {"RowAffected": 1}
    store = gorse.house.shop().store
    person = store.people.find(Named("user", "zhenghaoz"))
    assert person is not None
    (event,) = store.log.of(store.people.actors_of(person))
    (number,) = store.items.by_code("product", ["A1"])
    assert (event.kind, event.item, event.body["wire"]) == ("like", number, "gorse")
    assert event.at == datetime(2026, 9, 1, tzinfo=UTC)
    assert event.source.startswith("key:")
    assert store.items.get([number])[0].title == "Cream"  # type: ignore[union-attr]
    assert gorse.good("GET", "/api/user/zhenghaoz/feedback") == [
        {
            "FeedbackType": "star", "UserId": "zhenghaoz", "ItemId": "A1", "Value": 3.0,
            "Timestamp": "2026-09-01T00:00:00Z", "Comment": "",
        }
    ]  # fmt: skip


def test_post_leaves_what_is_there_and_put_overwrites_it(gorse: Client) -> None:
    at = {"Timestamp": "2026-09-02T00:00:00Z"}
    path = "/api/feedback/rating/u-put/A2"
    assert gorse.good("POST", "/api/feedback", [one("u-put", "A2", "rating", Value=1, **at)]) == {"RowAffected": 1}  # fmt: skip
    assert gorse.good("POST", "/api/feedback", [one("u-put", "A2", "rating", Value=5, **at)]) == {"RowAffected": 0}  # fmt: skip
    assert gorse.good("GET", path)["Value"] == 1
    for affected in (1, 0):
        told = [one("u-put", "A2", "rating", Value=5, **at)]
        assert gorse.good("PUT", "/api/feedback", told) == {"RowAffected": affected}
    assert gorse.good("GET", path)["Value"] == 5


def test_feedback_is_found_by_type_user_and_item(gorse: Client) -> None:
    told = [one("u-q", f"q{n}", kind) for n in range(3) for kind in ("like", "read")]
    assert gorse.good("POST", "/api/feedback", told) == {"RowAffected": 6}
    assert len(gorse.good("GET", "/api/user/u-q/feedback")) == 6
    assert len(gorse.good("GET", "/api/user/u-q/feedback/read")) == 3
    assert len(gorse.good("GET", "/api/item/q1/feedback")) == 2
    assert len(gorse.good("GET", "/api/item/q1/feedback/like")) == 1
    assert len(gorse.good("GET", "/api/feedback/u-q/q2")) == 2
    assert gorse.ask("GET", "/api/feedback/like/u-q/nothing").status == 404
    found, cursor = [], ""
    while True:
        page = gorse.good("GET", f"/api/feedback/read?n=2&cursor={cursor}")
        found += [said["ItemId"] for said in page["Feedback"]]
        cursor = page["Cursor"]
        if not cursor:
            break
    assert [name for name in found if name.startswith("q")] == ["q0", "q1", "q2"]


def test_a_like_that_is_deleted_is_taken_back_by_an_event(gorse: Client) -> None:
    gorse.good("POST", "/api/feedback", [one("u-back", "B1"), one("u-back", "B1", "read")])
    assert gorse.good("DELETE", "/api/feedback/like/u-back/B1") == {"RowAffected": 1}
    left = gorse.good("GET", "/api/user/u-back/feedback")
    assert [said["FeedbackType"] for said in left] == ["read"]
    refused = gorse.ask("DELETE", "/api/feedback/read/u-back/B1")
    assert (refused.status, refused.json["code"]) == (400, "feedback_stays")


def test_labels_of_users_become_facts_and_texts_stay_sealed(gorse: Client) -> None:
    user = {
        "UserId": "lina",
        "Labels": {"skin_type": "dry", "email": "lina@example.com", "age": 31},
    }
    assert gorse.good("POST", "/api/user", user) == {"RowAffected": 1}

    def labels() -> Any:
        return gorse.good("GET", "/api/user/lina")["Labels"]

    until(lambda: labels().get("skin_type") == "dry")
    assert "lina@example.com" not in str(labels())
    gorse.good("PATCH", "/api/user/lina", {"Labels": {"skin_type": "oily"}})
    until(lambda: labels().get("skin_type") == "oily")
    assert labels()["age"] == 31
    users, cursor = [], ""
    while True:
        page = gorse.good("GET", f"/api/users?n=2&cursor={cursor}")
        users += [user["UserId"] for user in page["Users"]]
        cursor = page["Cursor"]
        if not cursor:
            break
    assert users.count("lina") == 1
    assert gorse.good("DELETE", "/api/user/lina") == {"RowAffected": 1}
    assert gorse.ask("GET", "/api/user/lina").status == 404


def ids(lines: list[dict[str, Any]]) -> set[str]:
    assert all(set(line) == {"Id", "Score"} for line in lines)
    return {line["Id"] for line in lines}


def test_recommendations_come_in_gorses_shapes(gorse: Client) -> None:
    kinds = ("serum", "mask")
    items = [
        {"ItemId": f"r{n}", "Categories": [kinds[n % 2]], "Comment": f"{kinds[n % 2]} {n}"}
        for n in range(30)
    ]
    gorse.good("POST", "/api/items", items)
    masks = {f"r{n}" for n in range(1, 30, 2)}
    first = gorse.good("GET", "/api/recommend/somebody/mask?n=4")
    assert len(first) == 4
    assert set(first) <= masks
    assert gorse.good("GET", "/api/recommend/somebody?n=5&category=mask&offset=99") == []
    assert ids(gorse.good("GET", "/api/item/r1/neighbors/mask?n=3")) <= masks - {"r1"}
    assert ids(gorse.good("GET", "/api/item/r1/neighbors/?n=3")) != set()
    assert ids(gorse.good("GET", "/api/popular/mask?n=3")) <= masks
    told = [one("somebody", "r1"), one("somebody", "r3")]
    assert len(gorse.good("POST", "/api/session/recommend/mask?n=2", told)) == 2
    assert gorse.ask("GET", "/api/item/nothing/neighbors").status == 404
    assert gorse.ask("GET", "/api/popular?offset=x").status == 400


def test_the_latest_are_on_offer_and_in_the_order_of_their_time(gorse: Client) -> None:
    items: list[dict[str, Any]] = [
        {"ItemId": f"t{n}", "Timestamp": f"2026-0{n + 1}-01T00:00:00Z", "Categories": ["time"]}
        for n in range(5)
    ]
    items[4]["IsHidden"] = True
    gorse.good("POST", "/api/items", items)
    found = gorse.good("GET", "/api/latest/time?n=3")
    assert [line["Id"] for line in found] == ["t3", "t2", "t1"]
    assert [line["Id"] for line in gorse.good("GET", "/api/latest/time?n=3&offset=3")] == ["t0"]


def test_health_needs_no_key(house: House) -> None:
    for path in ("/api/health/live", "/api/health/ready"):
        assert Client(house, "").good("GET", path)["Ready"] is True


@pytest.mark.parametrize("scope", ["", "ingest", "read", "write", "admin"])
def test_every_place_lets_in_whom_its_scope_says_and_nobody_else(
    house: House, gorse: Client, scope: str
) -> None:
    caller = Client(house, scope, gorse.inside)
    for method, path, needed in PLACES:
        asked = re.sub(r"{\w+}", "none", path)
        status = caller.ask(method, asked, [] if path.endswith("s") else None).status
        said = f"{scope} {method} {path}: {status}"
        if not scope:
            assert status == 401, said
        elif allows(scope, needed):
            assert status not in (401, 403), said
            assert status < 500, said
        else:
            assert status == 403, said


def test_a_wrong_key_and_a_session_open_nothing(gorse: Client) -> None:
    stranger = gorse.inside.ask("GET", "/api/items", None, {"X-API-Key": "rw_a_" + "x" * 32})
    assert (stranger.status, stranger.json["code"]) == (401, "bad_key")
    bearer = gorse.inside.ask("GET", "/api/items", None, {"authorization": f"Bearer {gorse.key}"})
    assert bearer.status == 200


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ([one("u", "")], "ItemId"),
        ([one("u", "A", "")], "FeedbackType"),
        ([one("", "A")], "UserId"),
        ([one("u", "A", Timestamp="soon")], "Timestamp"),
        ([one("u", "A"), one("u", "A", Timestamp="2099-01-01T00:00:00Z")], "Timestamp"),
        ([{"UserId": "u"}], "[0]"),
        ({"UserId": "u"}, "$"),
        ([one("u", "A", Value="x")], "[0].Value"),
    ],
)
def test_feedback_that_cannot_be_taken_is_refused_by_its_field(
    gorse: Client, told: Any, field: str
) -> None:
    before = gorse.house.shop().store.log.position()
    answer = gorse.ask("POST", "/api/feedback", told)
    assert answer.status == 400, answer.body
    assert answer.json["values"]["field"] == field
    assert gorse.house.shop().store.log.position() == before


@pytest.mark.parametrize("asked", ["n=x", "n=-1", "cursor=x", "cursor=" + "9" * 30, "n=٣"])
def test_pages_that_cannot_be_are_refused(gorse: Client, asked: str) -> None:
    for path in ("/api/items", "/api/users", "/api/feedback"):
        name, _, value = asked.partition("=")
        assert gorse.ask("GET", f"{path}?{name}={quote(value)}").status == 400


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["ItemId", "UserId", "FeedbackType", "Timestamp", "Value", "Labels", "Categories", "Comment"]
)
_BODIES = st.dictionaries(_NAMES, _VALUES | st.text(max_size=9), max_size=6)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(PLACES), _BODIES | st.lists(_BODIES, max_size=3) | _VALUES, st.text(max_size=9)
)
def test_any_request_is_done_or_refused(
    gorse: Client, place: tuple[str, str, str], body: Any, name: str
) -> None:
    method, path, _ = place
    named = quote(name.encode("utf-8", "replace"), safe="") or "x"
    status = gorse.ask(method, re.sub(r"{\w+}", named, path), body).status
    assert status in (200, 400, 404, 405, 409), f"{method} {path}"
