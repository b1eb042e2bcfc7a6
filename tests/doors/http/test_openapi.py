from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.doors.http.calls import Inside

from renwei.app import build
from renwei.app.house import House
from renwei.doors.http import api
from renwei.doors.http.calling import Reception
from renwei.doors.http.ingest_paths import ARRAY, PATHS, SETTINGS
from renwei.doors.http.places import asks_of

CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module", params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def document(calm: House, language: str) -> Any:
    answer = Inside(calm).get("/v1/openapi.json", accept_language=language)
    assert answer.status == 200
    return answer.json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            yield path, method, one


def test_every_served_place_is_described_and_nothing_else(calm: House, document: Any) -> None:
    described = {(method.upper(), path) for path, method, _ in operations(document)}
    served = {(place.method, place.path) for place in api.places(Reception(calm))}
    ingest = {(method, path) for path, wire in PATHS.items() for method in wire.methods}
    asked = {("GET", "{}{{write_key}}{}".format(*one)) for one in (SETTINGS, *ARRAY)}
    assert described == served | ingest | asked


def test_every_operation_that_names_a_place_is_served(document: Any) -> None:
    for operation in build.operations().values():
        if operation.http:
            method, path = operation.http.split(" ")
            assert method.lower() in document["paths"][path], operation.name


def test_every_reference_leads_somewhere(document: Any) -> None:
    for name in re.findall(r'"#/components/(\w+/[\w.\[\]-]+)"', json.dumps(document)):
        kind, _, part = name.partition("/")
        assert part in document["components"][kind], name


def test_names_of_operations_are_unique(document: Any) -> None:
    names = [one["operationId"] for _, _, one in operations(document)]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_every_place_says_what_it_does_in_the_language_asked_for(
    document: Any, language: str
) -> None:
    for path, method, one in operations(document):
        said = one["summary"]
        assert said, f"{method} {path}"
        assert not said.startswith(("http.", "operations.")), f"{method} {path}: {said}"
        assert bool(CHINESE.search(said)) == (language == "zh"), f"{method} {path}: {said}"


def test_every_parameter_and_field_is_explained_in_the_language_asked_for(
    document: Any, language: str
) -> None:
    missing = []
    for path, method, one in operations(document):
        told = [(ask["name"], ask["description"]) for ask in one.get("parameters", [])]
        for media in one.get("requestBody", {}).get("content", {}).values():
            if one["tags"] != ["ingest"] and "json" in str(one["requestBody"]["content"].keys()):
                fields = media["schema"]["properties"]
                told += [(name, field["description"]) for name, field in fields.items()]
        missing += [
            f"{method} {path}: {name}"
            for name, about in told
            if not about or (language == "zh") != bool(CHINESE.search(about))
        ]
    assert missing == []


def test_structs_are_described_where_their_words_are_the_language(
    document: Any, language: str
) -> None:
    told = ["description" in schema for schema in document["components"]["schemas"].values()]
    assert all(told) if language == "en" else not any(told)


def test_every_place_has_problems_and_a_way_to_say_who_one_is(document: Any) -> None:
    for path, method, one in operations(document):
        assert one["responses"]["default"]["$ref"].endswith("/Problem")
        assert "200" in one["responses"]
        if not one["security"]:
            assert one["tags"] == ["public"], f"{method} {path}"


def test_what_may_last_says_202_and_what_destroys_asks_for_a_word(document: Any) -> None:
    upload = document["paths"]["/v1/imports"]["post"]
    assert "202" in upload["responses"]
    assert set(upload["requestBody"]["content"]) == {
        "multipart/form-data", "application/octet-stream",
    }  # fmt: skip
    undo = document["paths"]["/v1/imports/{import_id}/undo"]["post"]
    body = undo["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["confirm"]["const"] is True
    assert body["required"] == ["confirm"]
    assert body["additionalProperties"] is False
    forget = document["paths"]["/v1/people/{person}"]["delete"]
    assert {ask["name"]: ask["required"] for ask in forget["parameters"]}["confirm"] is True


def test_no_file_of_the_machine_can_be_named_over_http() -> None:
    for operation in build.operations().values():
        if operation.http:
            method, path = operation.http.split(" ")
            for ask in asks_of(method, path, operation.request):
                assert "Path" not in str(ask.kind), f"{operation.name}: {ask.name}"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]


def test_the_page_lists_every_place_without_script_and_foreign_files(
    calm: House, document: Any, language: str
) -> None:
    answer = Inside(calm).get("/v1/docs", accept_language=language)
    page = Page(answer.body.decode())
    assert page.tags.count("h3") == len(list(operations(document)))
    assert page.tags.count("h1") == 1
    assert not {"script", "style", "iframe"} & set(page.tags)
    assert all(link.startswith("/") for link in page.links)
    assert answer.headers["content-type"].startswith("text/html")
