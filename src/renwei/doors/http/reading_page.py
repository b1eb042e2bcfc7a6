"""The API's description as pages for people: plain HTML, no script of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

from renwei.app import build
from renwei.core.errors import UnknownName
from renwei.core.words import LANGUAGES
from renwei.doors.console import assets


def docs_page(document: Mapping[str, Any], language: str) -> HTMLResponse:
    """Every place with what it asks, who may, and what it does."""
    say = _sayer(language)
    parts = [
        f"<h1>{escape(document['info']['title'])}</h1>",
        _paragraphs(document["info"]["description"]),
        f'<p><a href="/v1/openapi.json">{say("http.docs.json")}</a></p>',
    ]
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            by_tag.setdefault(one["tags"][0], []).append(_place(method, path, one, say))
    for tag in sorted(by_tag, key=lambda name: (name in ("ingest", "public"), name)):
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>')
        parts += by_tag[tag]
    return _page(document["info"]["title"], "\n".join(parts), language)


def error_page(code: str, language: str) -> HTMLResponse:
    """What an error code means; the address that every problem document names.

    Raises:
        UnknownName: unknown_error.
    """
    known = [key.removeprefix("errors.") for key in build.words().keys("en") if _is_error(key)]
    if code not in known:
        raise UnknownName.among("error", code, known)
    said = "".join(
        f'<p lang="{one}">{escape(build.words().template(f"errors.{code}", one))}</p>'
        for one in (language, *(other for other in LANGUAGES if other != language))
    )
    return _page(code, f"<h1><code>{escape(code)}</code></h1>{said}", language)


def _is_error(key: str) -> bool:
    return key.startswith("errors.") and key.count(".") == 1


def _sayer(language: str) -> Any:
    return lambda key: escape(build.words().say(key, {}, language))


def _place(method: str, path: str, one: Mapping[str, Any], say: Any) -> str:
    rows = [
        (ask["name"], say(f"http.docs.in_{ask['in']}"), ask["required"], ask["description"])
        for ask in one.get("parameters", ())
    ]
    for media in one.get("requestBody", {}).get("content", {}).values():
        schema = media["schema"]
        for name, field in schema.get("properties", {}).items():
            needed = name in schema.get("required", ())
            rows.append((name, say("http.docs.in_body"), needed, field.get("description", "")))
    table = ""
    if rows:
        heads = "".join(
            f'<th scope="col">{say("http.docs." + name)}</th>'
            for name in ("name", "where", "needed", "means")
        )
        lines = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{where}</td>"
            f"<td>{say('cli.true') if needed else ''}</td><td>{escape(about)}</td></tr>"
            for name, where, needed, about in rows
        )
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    return (
        f"<section><h3><code>{method.upper()} {escape(path)}</code></h3>"
        f"<p>{escape(one['summary'])}</p>{_paragraphs(one.get('description', ''))}{table}</section>"
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def _page(title: str, body: str, language: str) -> HTMLResponse:
    files = (("stylesheet", assets.file("app.css")), ("icon", assets.file("icon.svg")))
    link = "".join(f'<link rel="{rel}" href="{escape(place)}">' for rel, place in files if place)
    said = "zh-CN" if language == "zh" else language
    return HTMLResponse(
        f'<!doctype html><html lang="{said}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>{link}</head><body><main>{body}</main></body></html>",
        headers={"content-language": language},
    )
