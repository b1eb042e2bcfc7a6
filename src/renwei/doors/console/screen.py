"""From answers to HTML: templates, words, numbers as people write them, and fault pages."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from renwei.app import build
from renwei.app.house import House
from renwei.app.uploads import MOST_BYTES
from renwei.core.errors import RenweiError, UnknownName
from renwei.core.words import LANGUAGES, Words, money
from renwei.doors.console import assets, gate, handover
from renwei.doors.console.gate import Visitor
from renwei.doors.http.problems import answer_to, problem, request_id, sentence_of, status_of

if TYPE_CHECKING:
    from renwei.doors.console.frame import Visit

MENU = (
    ("today", "/"),
    ("people", "/people"),
    ("flow", "/flow"),
    ("report", "/report"),
    ("imports", "/imports"),
    ("health", "/health"),
    ("live", "/live"),
    ("decisions", "/decisions"),
    ("surfaces", "/surfaces"),
    ("goods", "/goods"),
    ("questions", "/questions"),
    ("diary", "/diary"),
    ("settings", "/settings"),
)
"""Word and address of each page in the menu; the sentence is `console.menu.<word>`."""


def words() -> Words:
    """Every sentence of the program."""
    return build.words()


def language_of(request: Request, house: House, visitor: Visitor | None) -> str:
    """What was chosen here, else the account's, else the browser's, else the shop's."""
    # In the demo everybody shares one account: it says nothing about who reads.
    own = visitor.language if visitor and not house.demo else ""
    chosen = request.cookies.get("lang") or own
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").lower().split(","):
        for language in LANGUAGES:
            if part.strip().startswith(language):
                return language
    return house.shop().settings.language


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("renwei.doors.console", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["file"] = assets.file
    environment.globals["most_upload"] = MOST_BYTES
    environment.filters["address"] = _address
    environment.filters["encoding"] = _encoding
    return environment


def render(visit: Visit, template: str, values: Mapping[str, Any]) -> str:
    """A template with its values and what every template can use.

    `say(key, **values)`, `said(key, other)` (where a key may be missing), `money(minor, currency)`, `day(at)`, `moment(at)`, `count(n)`,
    `share(x)`, `may(scope)`, `csrf()` (a hidden field), `chart(options, height)`, `here`
    (the path), `language`, `shop` (settings), `demo`, `handover` (whether the other shop may
    take this one's place), `visitor`, `told`, `file(name)`.
    """
    settings = visit.house.shop(visit.language).settings
    zone = ZoneInfo(settings.zone)

    def money_of(minor: float | None, currency: str = "") -> str:
        if minor is None:
            return "–"
        return money([round(minor), currency or settings.currency], visit.language)

    def local(at: Any) -> datetime:
        read = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
        return read.astimezone(zone) if read.tzinfo else read

    def spoken(form: str, value: Any) -> str:
        return "–" if value is None else visit.say(f"console.as.{form}", v=value)

    common = {
        "say": visit.say,
        "said": lambda key, other: visit.say(key) if words().has(key) else other,
        "money": money_of,
        "day": lambda at: "–" if at is None else spoken("day", local(at)),
        "moment": lambda at: "–" if at is None else f"{local(at):%Y-%m-%d %H:%M}",
        "count": lambda n: spoken("count", n),
        "share": lambda x: spoken("percent", x),
        "may": visit.may,
        "csrf": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(
            gate.CSRF, gate.csrf_of(visit)
        ),
        "csrf_token": gate.csrf_of(visit),
        "chart": _chart,
        "here": visit.request.url.path,
        "request_path": gate.place(visit.request),
        "query": visit.query,
        "language": visit.language,
        "languages": LANGUAGES,
        "shop": settings,
        "demo": visit.house.demo,
        "handover": handover.offered(visit.house, visit.request) is not None,
        "visitor": visit.visitor,
        "menu": MENU,
        "told": unquote(visit.request.cookies.get("told", "")),
        "partial": visit.partial,
    }
    return _environment().get_template(template).render({**common, **values})


def _chart(options: Mapping[str, Any], height: int = 260) -> Markup:
    """A place for a chart; say the same in a table beside it."""
    said = msgspec.json.encode(options).decode()
    return Markup(
        '<div class="chart" data-chart="{}" data-height="{}" aria-hidden="true"></div>'
    ).format(said, height)


_ENCODINGS = {"gb18030": "GBK", "utf-8-sig": "UTF-8", "utf-8": "UTF-8"}


def _encoding(names: str) -> str:
    """Encodings as people know them."""
    known = [_ENCODINGS.get(name, name.upper()) for name in names.replace("+", " ").split()]
    return " + ".join(dict.fromkeys(known))


def _address(path: str, **query: Any) -> str:
    """A path with a query, empty values left out."""
    kept = {key: value for key, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(kept)}" if kept else path


def sentence(visit: Visit, error: RenweiError) -> str:
    """The sentence of a fault; where others name a command, the console has a page."""
    key = f"console.instead.{error.code}"
    if words().has(key):
        return visit.say(key, **error.values)
    return sentence_of(error, visit.language)


def fault(visit: Visit, error: RenweiError) -> Response:
    """What was refused, as a page; nothing was done."""
    status = 404 if isinstance(error, UnknownName) else status_of(error)
    said = sentence(visit, error)
    if visit.partial:
        return HTMLResponse(
            render(visit, "outline/told.html", {"said": said, "sort": "bad"}), status
        )
    if error.code == "not_allowed":
        said = visit.say("console.fault.403")
    answer = visit.show(
        "outline/fault.html",
        status,
        number=status,
        said=said,
        id=request_id(visit.request),
        back=_back(visit.request),
    )
    # A page says when to come back as the problem document does.
    again = answer_to(error, visit.request, visit.language).headers.get("retry-after")
    if again:
        answer.headers["retry-after"] = again
    return answer


def _back(request: Request) -> str:
    """The page of the menu that a fault's page belongs to; "" where it is that page itself."""
    path = request.url.path
    home = "/" + path.split("/")[1]
    known = home in dict(MENU).values() and home != "/"
    return home if known and (path != home or request.method == "POST") else ""


def no_page(visit: Visit, status: int) -> Response:
    """404, 405, 500 and the like: a problem document for programs, a page for people."""
    if visit.request.url.path.startswith("/v1/"):
        document, _ = problem(status, visit.request, visit.language)
        return JSONResponse(document, status, media_type="application/problem+json")
    key = f"console.fault.{status}"
    said = visit.say(key if words().has(key) else "console.fault.other")
    if visit.partial:
        said = f"{said} {visit.say('console.fault.id')} {request_id(visit.request)}"
        return HTMLResponse(
            render(visit, "outline/told.html", {"said": said, "sort": "bad"}), status
        )
    return visit.show(
        "outline/fault.html", status, number=status, said=said, id=request_id(visit.request)
    )
