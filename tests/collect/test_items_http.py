"""The catalogue over HTTP: who may, what is refused, and that no request ends in a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.http.calls import Inside
from tests.doors.http.conftest import key_of, keys_at

from renwei.app.house import open_house
from renwei.collect.items.checking import FIELDS
from renwei.core.clock import Frozen

AT = datetime(2026, 9, 20, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """An empty house, asked with a write key."""
    folder = tmp_path_factory.mktemp("catalogue")
    with keys_at(folder / "keys"), open_house(folder / "data", clock=Frozen(AT)) as house:
        yield Inside(house, key_of(house, "write"))


def test_an_item_goes_through_its_whole_life(writer: Inside) -> None:
    put = writer.ask("PUT", "/v1/items/L-1", {"title": "面霜", "price": "59.90", "stock": 2})
    assert (put.status, put.json["did"], put.json["item"]["price_minor"]) == (200, "new", 5990)
    changed = writer.ask("PATCH", "/v1/items/L-1", {"price_minor": 4990, "stock": None})
    assert (changed.json["did"], changed.json["item"]["stock"]) == ("changed", None)
    shown = writer.get("/v1/items/L-1").json
    assert [one["price"] for one in shown["prices"]] == ["59.90", "49.90"]
    assert shown["lowest_30_days_minor"] == 4990
    assert writer.ask("DELETE", "/v1/items/L-1").json["did"] == "removed"
    assert writer.get("/v1/items/L-1").json["item"]["gone"] is True
    assert writer.get("/v1/items?id=L-1").json["items"] == []
    assert writer.ask("PATCH", "/v1/items/L-1", {"title": "x"}).status == 404
    back = writer.post("/v1/items", {"items": [{"id": "L-1", "title": "面霜"}]})
    assert (back.status, back.json["back"]) == (200, 1)
    assert writer.get("/v1/items?id=L-1").json["items"][0]["title"] == "面霜"


def test_an_event_of_price_says_which_key_told_it(writer: Inside) -> None:
    writer.ask("PUT", "/v1/items/K-1", {"price": 5, "by": "somebody else"})
    told = list(writer.house.shop().store.log.read(kinds=("price",)))
    assert told[-1].source.startswith("key:")


def test_refusals_are_problem_documents_in_the_callers_language(writer: Inside) -> None:
    body = {"items": [{"id": "P-1", "price": 1.999}]}
    for language, said in (("zh", "小数位"), ("en", "decimal places")):
        answer = writer.post("/v1/items", body, accept_language=language)
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "items_all_refused"
        assert said in answer.json["detail"]
        assert answer.json["values"]["refused"][0]["field"] == "price"
    mixed = writer.post("/v1/items", {"items": [{"id": "P-2"}, {"id": "P-3", "url": "x"}]})
    assert mixed.status == 200
    (refused,) = mixed.json["refused"]
    assert (refused["index"], refused["id"], refused["field"]) == (1, "P-3", "url")
    assert writer.get("/v1/items/nowhere").status == 404
    assert writer.ask("PATCH", "/v1/items/nowhere", {"title": "x"}).status == 404
    assert writer.ask("DELETE", "/v1/items/nowhere").status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"items": []}, 400),
        ({}, 400),
        ({"items": {}}, 400),
        ({"items": [{"id": str(n)} for n in range(5_001)]}, 400),
        ({"items": [{"id": "A"}], "unknown": 1}, 400),
        (b"{", 400),
        (b'{"items": [' + b'{"id": "A", "title": "' + b"x" * (9 << 20) + b'"}]}', 413),
        (b"[" * 100_000, 400),
    ],
)
def test_a_list_that_cannot_be_taken_is_refused_as_a_whole(
    writer: Inside, body: Any, status: int
) -> None:
    headers = {"content-type": "application/json"}
    assert writer.ask("POST", "/v1/items", body, headers).status == status


def test_a_list_of_several_megabytes_is_taken(writer: Inside) -> None:
    items = [{"id": f"M-{n}", "title": "字" * 200} for n in range(5_000)]
    assert writer.post("/v1/items", {"items": items}).json["new"] == 5_000


@pytest.mark.parametrize("code", ["护肤 1", "x" * 200, "a+b&c=d", "A|红", "😀", "%2525"])
def test_ids_of_all_letters_are_found_by_their_path(writer: Inside, code: str) -> None:
    assert writer.ask("PUT", f"/v1/items/{quote(code, safe='')}", {"title": "T"}).status == 200
    assert writer.get(f"/v1/items/{quote(code, safe='')}").json["item"]["id"] == code


def test_an_id_with_a_slash_is_reached_by_the_lists(writer: Inside) -> None:
    writer.post("/v1/items", {"items": [{"id": "a/b", "title": "T"}]})
    assert writer.get("/v1/items?id=a/b").json["items"][0]["title"] == "T"
    writer.post("/v1/items", {"items": [{"id": "a/b", "gone": True}]})
    assert writer.get("/v1/items?id=a/b").json["items"] == []


ASKED = [
    ("GET", "/v1/items", None),
    ("GET", "/v1/items/A-1", None),
    ("POST", "/v1/items", {"items": [{"id": "A-1"}]}),
    ("PUT", "/v1/items/A-1", {"title": "T"}),
    ("PATCH", "/v1/items/A-1", {"title": "T"}),
    ("DELETE", "/v1/items/A-1", None),
]


@pytest.mark.parametrize("scope", ["", "ingest", "read", "write", "admin"])
def test_every_place_lets_in_whom_it_should(writer: Inside, scope: str) -> None:
    writer.ask("PUT", "/v1/items/A-1", {"title": "T"})
    caller = writer.with_(key=key_of(writer.house, scope) if scope else "")
    for method, path, body in ASKED:
        status = caller.ask(method, path, body).status
        may = {"": (), "ingest": (), "read": ("GET",)}.get(scope, (method,))
        wanted = 200 if method in may else 403 if scope else 401
        assert status == wanted, f"{scope} {method} {path}"


def test_the_same_list_under_one_key_is_done_once(writer: Inside) -> None:
    body = {"items": [{"id": "I-1", "price": 3}]}
    one, two = (writer.post("/v1/items", body, idempotency_key="k1") for _ in range(2))
    assert one.body == two.body
    assert two.headers["idempotency-replayed"] == "true"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
_ITEM = st.dictionaries(st.sampled_from((*FIELDS, "nonsense")), _VALUES, max_size=6)
_WITH_ID = st.builds(lambda item, n: item | {"id": f"F-{n}"}, _ITEM, st.integers(0, 20))
_KNOWN = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_KNOWN
@given(st.lists(_WITH_ID | _ITEM | _VALUES, max_size=5), st.booleans())
def test_any_list_is_stored_or_refused_item_by_item(
    writer: Inside, items: list[Any], partial: bool
) -> None:
    answer = writer.post("/v1/items", {"items": items, "partial": partial})
    assert answer.status in (200, 400), answer.body
    if answer.status == 200:
        told = answer.json
        named = {one["index"] for one in (*told["refused"], *told["again"])}
        assert told["stored"] + len(named) == len(items)


@_KNOWN
@given(st.sampled_from(["PUT", "PATCH"]), _ITEM, st.text(min_size=1, max_size=20))
def test_any_change_of_one_item_is_done_or_refused(
    writer: Inside, method: str, fields: dict[str, Any], code: str
) -> None:
    fields.pop("id", None)
    path = f"/v1/items/{quote(code.encode('utf-8', 'replace'), safe='')}"
    answer = writer.ask(method, path, fields)
    assert answer.status in (200, 400, 404, 405, 409), answer.body
    assert writer.get(path).status in (200, 400, 404, 405, 409)


@_KNOWN
@given(
    st.text(max_size=30), st.text(max_size=9), st.text(max_size=9), st.text(max_size=9),
    st.integers(-5, 700),
)  # fmt: skip
def test_any_question_for_a_list_is_answered_or_refused(
    writer: Inside, query: str, kind: str, category: str, after: str, limit: int
) -> None:
    asked = {"query": query, "kind": kind, "category": category, "after": after, "limit": limit}
    said = "&".join(f"{k}={quote(str(v).encode('utf-8', 'replace'))}" for k, v in asked.items())
    assert writer.get(f"/v1/items?{said}").status in (200, 400)


def test_nothing_of_this_harmed_the_store(writer: Inside) -> None:
    shop = writer.house.shop()
    assert shop.store.integrity() == []
    for page in range(0, 6_000, 500):
        answer = writer.get(f"/v1/items?limit=500&gone=true&after={page}")
        assert answer.status == 200
