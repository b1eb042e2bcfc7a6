"""The API described: OpenAPI 3.1, made from the places and the structs they serve.

Nothing is described by hand that the program knows itself. The words are the ones of the
command line, in the language asked for; structs carry their English descriptions only there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import Response

import renwei
from renwei.app import build
from renwei.doors.console.gate import SESSION
from renwei.doors.http.asking import SAFE_INTEGER
from renwei.doors.http.calling import JSON, answered
from renwei.doors.http.foreign_paths import foreign_paths
from renwei.doors.http.idempotency import HEADER, LONGEST
from renwei.doors.http.places import CONFIRM, Asks, Call, Place, bare, many
from renwei.doors.http.problems import PROBLEM_TYPE
from renwei.doors.http.reading_page import docs_page, error_page

PATH, PAGE, ERRORS = "/v1/openapi.json", "/v1/docs", "/errors/{code}"
_REF = "#/components/schemas/{name}"
_PROBLEMS = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)


class Problem(msgspec.Struct, kw_only=True):
    """RFC 9457. `code` is stable; `instance` names the request in the log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    values: dict[str, Any]
    instance: str


def places(served: Sequence[Place]) -> list[Place]:
    """The places of the description itself; all of them are public.

    Args:
        served: Every other place.
    """
    made: list[Place] = []

    @functools.cache
    def whole(language: str) -> dict[str, Any]:
        return document([*served, *made], language)

    async def describe(call: Call) -> Response:
        return answered(call, whole(call.language))

    async def read(call: Call) -> Response:
        return docs_page(whole(call.language), call.language)

    async def error(call: Call) -> Response:
        return error_page(str(call.fields["code"]), call.language)

    code = Asks("code", "code", "path", str, required=True)
    made += [
        Place("GET", PATH, "public", describe, "http.places.openapi", answer=dict[str, Any]),
        Place("GET", PAGE, "public", read, "http.places.docs", gives="text/html"),
        Place("GET", ERRORS, "public", error, "http.places.error", asks=[code], gives="text/html"),
    ]
    return made


def document(served: Sequence[Place], language: str) -> dict[str, Any]:
    """The OpenAPI document of these places."""
    say = functools.partial(_say, language)
    kinds = [one.answer for one in served if one.answer is not None]
    kinds += [ask.kind for one in served for ask in one.asks]
    schemas, components = _schemas([*kinds, Problem], plain=language != "en")
    paths: dict[str, dict[str, Any]] = {}
    for one in served:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas, say)
    for path, methods in foreign_paths(say).items():
        paths.setdefault(path, {}).update(methods)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": say("http.openapi.title"),
            "version": renwei.__version__,
            "description": say("http.openapi.description"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": _security(say),
            "responses": {"Problem": _problem(schemas[Problem], say)},
        },
    }


def _say(language: str, key: str, **values: Any) -> str:
    return build.words().say(key, values, language)


def _schemas(kinds: Sequence[Any], *, plain: bool) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each type, and the named ones that they refer to."""
    unique = list(dict.fromkeys(kinds))
    found, components = msgspec.json.schema_components(unique, schema_hook=_hook, ref_template=_REF)
    if plain:
        for schema in components.values():
            schema.pop("description", None)
    return dict(zip(unique, found, strict=True)), dict(components)


def _hook(kind: type) -> dict[str, Any]:
    if issubclass(kind, Path):
        return {"type": "string"}
    # What msgspec asks of a hook for a type that it does not know: the start fails and names it.
    raise NotImplementedError(kind)


def _operation(one: Place, schemas: Mapping[Any, Any], say: Callable[..., str]) -> dict[str, Any]:
    summary, _, more = _help(one, say).partition("\n\n")
    said: dict[str, Any] = {
        "operationId": _named(one),
        "summary": summary,
        "description": _described(one, more, say),
        "tags": [_tag(one)],
        "parameters": [_parameter(ask, one, schemas, say) for ask in one.asks if _beside(ask)],
        "responses": _responses(one, schemas, say),
        "security": [] if one.scope == "public" else [{"key": [one.scope]}, {"session": []}],
    }
    if one.method == "POST":
        said["parameters"].append(_header(HEADER.title(), say, most=LONGEST))
    if one.job:
        # RFC 7240: what a server does not know of it, it ignores; so nothing is wrong in it.
        said["parameters"].append(_header("Prefer", say))
    body = _body(one, schemas, say)
    if body:
        said["requestBody"] = body
    return said


def _help(one: Place, say: Callable[..., str]) -> str:
    key = one.words + ".help" if one.words.startswith("operations.") else one.words
    # Examples of the command line say nothing here.
    return say(key).partition("\n\nExample:")[0].partition("\n\n例")[0]


def _described(one: Place, more: str, say: Callable[..., str]) -> str:
    parts = [more.strip(), say("http.openapi.scope", scope=say(f"http.scopes.{one.scope}"))]
    if one.job:
        parts.append(say("http.openapi.job"))
    return "\n\n".join(part for part in parts if part)


def _named(one: Place) -> str:
    if one.operation is not None and one.words.startswith("operations."):
        name = one.operation.name.replace(" ", "-")
        if f"{one.method} {one.path}" == one.operation.also:
            return f"{name}-{one.method.lower()}"
        return name if one.scope == one.operation.scope else f"{name}-read"
    return one.words.rpartition(".")[2]


def _tag(one: Place) -> str:
    first = one.path.removeprefix("/v1/").partition("/")[0].partition(".")[0]
    return first if one.scope != "public" else "public"


def _beside(ask: Asks) -> bool:
    return ask.where in ("path", "query")


def _parameter(
    ask: Asks, one: Place, schemas: Mapping[Any, Any], say: Callable[..., str]
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": ask.field if ask.where == "path" else ask.name,
        "in": ask.where,
        "required": ask.required,
        "description": _about(ask, one, say),
        "schema": _schema(ask, schemas),
    }
    if many(ask.kind):
        said |= {"style": "form", "explode": True}
    return said


def _about(ask: Asks, one: Place, say: Callable[..., str]) -> str:
    if ask.name == CONFIRM:
        return say("http.fields.confirm")
    words = build.words()
    named = [f"http.fields.{ask.name}"]
    if one.operation is not None:
        key = f"operations.{one.operation.name.replace(' ', '.')}"
        named = [f"{key}.{ask.field.rstrip('_')}", *named]
    return next((say(key) for key in named if words.has(key)), "")


def _schema(ask: Asks, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    schema = dict(schemas[ask.kind])
    if ask.where != "body" and "anyOf" in schema:
        # A query cannot say null: what is left out is not there.
        rest = [part for part in schema["anyOf"] if part.get("type") != "null"]
        schema = dict(rest[0]) if len(rest) == 1 else {**schema, "anyOf": rest}
    if bare(ask.kind) is int:
        schema.setdefault("minimum", -SAFE_INTEGER)
        schema.setdefault("maximum", SAFE_INTEGER)
    if ask.name == CONFIRM:
        schema = {"type": "boolean", "const": True}
    elif ask.default not in (None, "", [], {}):
        schema["default"] = msgspec.to_builtins(ask.default, enc_hook=str)
    return schema


def _body(one: Place, schemas: Mapping[Any, Any], say: Callable[..., str]) -> dict[str, Any] | None:
    if one.takes:
        file: dict[str, Any] = {"type": "string", "format": "binary"}
        form = {"type": "object", "properties": {"file": file}, "required": ["file"]}
        shapes = {"multipart/form-data": form}
        content = {kind: {"schema": shapes.get(kind, file)} for kind in one.takes}
        return {"required": True, "content": content, "description": say("http.openapi.file")}
    asks = [ask for ask in one.asks if ask.where == "body"]
    if not asks:
        return None
    fields = {
        ask.name: {**_schema(ask, schemas), "description": _about(ask, one, say)} for ask in asks
    }
    needed = [ask.name for ask in asks if ask.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
    }
    if needed:
        schema["required"] = needed
    return {"required": bool(needed), "content": {JSON: {"schema": schema}}}


def _responses(one: Place, schemas: Mapping[Any, Any], say: Callable[..., str]) -> dict[str, Any]:
    schema = {} if one.answer is None else schemas[one.answer]
    good: dict[str, Any] = {"description": say("http.status.200")}
    kinds = [one.gives]
    if one.words == "http.places.export":
        kinds.append("application/zip")
    if one.gives == JSON:
        good["content"] = {kind: {"schema": schema} if kind == JSON else {} for kind in kinds}
    else:
        good["content"] = {one.gives: {}}
    found: dict[str, Any] = {"200": good}
    if one.job:
        place = {"schema": {"type": "string"}, "description": say("http.openapi.location")}
        found["202"] = {
            "description": say("http.status.202"),
            "headers": {"Location": place},
            "content": {JSON: {"schema": {"type": "object"}}},
        }
    problem = {"$ref": "#/components/responses/Problem"}
    statuses = (404, 429) if one.scope == "public" else _PROBLEMS
    return found | {str(status): problem for status in statuses} | {"default": problem}


def _problem(schema: Mapping[str, Any], say: Callable[..., str]) -> dict[str, Any]:
    example = {
        "type": "/errors/unknown_person",
        "title": say("http.status.404"),
        "status": 404,
        "detail": say("errors.unknown_person", name="13800138000"),
        "code": "unknown_person",
        "values": {"name": "13800138000"},
        "instance": "urn:uuid:019b76da-a800-7000-8000-000000000000",
    }
    return {
        "description": say("http.openapi.problem"),
        "content": {PROBLEM_TYPE: {"schema": dict(schema), "example": example}},
    }


def _header(name: str, say: Callable[..., str], *, most: int = 0) -> dict[str, Any]:
    held = {"minLength": 1, "maxLength": most, "pattern": "^[ -~]+$"} if most else {}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": say(f"http.headers.{name.lower()}"),
        "schema": {"type": "string", **held},
    }


def _security(say: Callable[..., str]) -> dict[str, Any]:
    return {
        "key": {"type": "http", "scheme": "bearer", "description": say("http.openapi.key")},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION,
            "description": say("http.openapi.session"),
        },
        "writeKey": {
            "type": "http",
            "scheme": "basic",
            "description": say("http.openapi.write_key"),
        },
    }
