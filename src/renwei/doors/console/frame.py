"""The frame of the console: a page is a function `(visit) -> response`.

    @page("GET /people", scope="read")
    def people(visit: Visit) -> Response:
        answer = visit.call("people", query=visit.query.get("q", ""))
        return visit.show("people/list.html", answer=answer)

Who may see it, the language, CSRF, the words and the way back after a fault are the
frame's business. Pages are plain functions and run in a pool of threads; they ask
operations and show what these answer, nothing else.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from renwei.app.house import House
from renwei.app.uploads import MOST_BYTES
from renwei.core.errors import BadInput, Refused, RenweiError
from renwei.doors.console import assets, gate, screen
from renwei.doors.console.gate import Visitor
from renwei.stores.faults import told

PAGES = (
    "entry",
    "today",
    "people",
    "flow",
    "report",
    "imports",
    "health",
    "settings",
    "decisions",
    "diary",
    "live",
    "questions",
    "surfaces",
    "goods",
)
"""The packages beside this file, each with a module `pages`."""

MOST_FILES = 20
"""Files of one form."""
_FORM_BYTES = 1 << 20
"""So much a form may weigh beside its files."""

Page = Callable[["Visit"], Response]


@dataclass(frozen=True)
class Registered:
    """A page as declared: its place, who may see it, and the function."""

    method: str
    path: str
    scope: str
    show: Page


def page(place: str, *, scope: str) -> Callable[[Page], Page]:
    """Declare a page.

    Args:
        place: Method and path: "GET /people/{person}".
        scope: What the visitor's role must be allowed: "read", "write", "admin", or "public"
            for whoever comes (sign-in, the one-question form).
    """
    method, path = place.split(" ")

    def mark(show: Page) -> Page:
        show.__dict__["page"] = Registered(method, path, scope, show)
        return show

    return mark


@dataclass
class Visit:
    """One request to one page, with everything a page needs.

    `form` holds the fields of a POST (texts, and uploads as Starlette's UploadFile); `fields`
    its texts alone. `query` holds the texts of the address, `path` the names in braces.
    """

    request: Request
    house: House
    visitor: Visitor | None
    language: str
    form: Any = field(default_factory=dict)

    @property
    def query(self) -> Mapping[str, str]:
        """What stands after the question mark; of repeated names the last."""
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        """The names in braces of the page's path."""
        return self.request.path_params

    @property
    def fields(self) -> dict[str, str]:
        """The texts of the form, without the frame's own."""
        return {
            name: value
            for name, value in self.form.items()
            if isinstance(value, str) and name != gate.CSRF
        }

    @property
    def partial(self) -> bool:
        """Whether htmx asked for a part of a page."""
        return "hx-request" in self.request.headers

    @property
    def base(self) -> str:
        """Scheme, host and port by which this server was reached."""
        return str(self.request.base_url).rstrip("/")

    def may(self, scope: str) -> bool:
        """Whether the visitor is allowed this: for showing buttons, not for guarding."""
        return gate.may(self.visitor, scope)

    def call(self, name: str, /, **fields: Any) -> Any:
        """Do an operation with what the visitor may see: masked for viewers.

        Raises:
            RenweiError: Whatever the operation refuses; the frame shows it as a page.
        """
        gate.insist(self.visitor, name, fields)
        return gate.shown(self.visitor, gate.ask(self, name, fields))

    def start(self, name: str, /, **fields: Any) -> str:
        """Begin a job and return its id; /jobs/{id} shows how far it is."""
        gate.insist(self.visitor, name)
        by = self.visitor.id if self.visitor else ""
        return self.house.start(name, self.language, by=by, **fields).id

    def say(self, key: str, **values: Any) -> str:
        """A sentence in the visitor's language."""
        return screen.words().say(key, values, self.language)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page from its template; see `screen` for what every template can use."""
        return HTMLResponse(screen.render(self, template, values), status)

    def back(self, to: str, told: str = "", **values: Any) -> Response:
        """Go to a page after a POST; `told` is the key of what it says there, once."""
        answer: Response = RedirectResponse(to, 303)
        if told:
            said = self.say(told, **values)
            answer.set_cookie("told", quote(said), max_age=30, httponly=True, samesite="lax")
        return answer


def routes(house: House) -> list[BaseRoute]:
    """Every page, and the files they need."""
    pages = [Route(one.path, _endpoint(house, one), methods=[one.method]) for one in registered()]
    return [assets.mounted(), *pages]


def registered() -> list[Registered]:
    """Every page that is declared, in the order of the menu."""
    found = []
    for name in PAGES:
        module = importlib.import_module(f"renwei.doors.console.{name}.pages")
        for value in vars(module).values():
            one = getattr(value, "page", None)
            if isinstance(one, Registered) and value.__module__.startswith(
                module.__package__ or "?"
            ):
                found.append(one)
    return found


def _endpoint(house: House, one: Registered) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        visit = await run_in_threadpool(_visit, house, request)
        # Who may not come in sends nothing, however large.
        stopped = await run_in_threadpool(_stopped, visit, one)
        if stopped is not None:
            return stopped
        try:
            if one.method == "POST":
                # Large files wait in the folder for passing things until they are whole.
                with told(Path(tempfile.gettempdir())):
                    visit.form = await request.form(max_files=MOST_FILES, max_part_size=1 << 20)
            return await run_in_threadpool(_shown, visit, one)
        except RenweiError as fault:
            return await run_in_threadpool(screen.fault, visit, fault)
        finally:
            if one.method == "POST" and visit.form:
                await visit.form.close()

    return answer


def _stopped(visit: Visit, one: Registered) -> Response | None:
    """What answers before the body is read; None where the page may be asked."""
    try:
        if one.scope != "public":
            if visit.visitor is None:
                return gate.to_sign_in(visit)
            if not visit.may(one.scope):
                raise Refused("not_allowed", scope=one.scope)
        if one.method == "POST":
            gate.check_origin(visit)
            if int(visit.request.headers.get("content-length") or 0) > MOST_BYTES + _FORM_BYTES:
                raise BadInput("upload_too_large", limit=MOST_BYTES >> 20)
    except RenweiError as fault:
        return screen.fault(visit, fault)
    return None


def _visit(house: House, request: Request) -> Visit:
    visitor = gate.visitor(house, request)
    return Visit(request, house, visitor, screen.language_of(request, house, visitor))


def _shown(visit: Visit, one: Registered) -> Response:
    try:
        if one.method == "POST":
            gate.check_csrf(visit)
        answer = one.show(visit)
    except RenweiError as fault:
        answer = screen.fault(visit, fault)
    if visit.request.cookies.get("told") and answer.status_code == 200 and not visit.partial:
        answer.delete_cookie("told")
    # Nothing of a shop stays in a browser after sign-out, not behind the back button either.
    answer.headers.setdefault("cache-control", "no-store")
    return answer


def faults(house: House) -> Mapping[Any, Any]:
    """Pages for what no page answered; problem documents under /v1."""

    async def missing(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        visit = await run_in_threadpool(_visit, house, request)
        answer = await run_in_threadpool(screen.no_page, visit, status)
        answer.headers.update(headers or {})
        return answer

    return {HTTPException: missing, 404: missing, 405: missing, 500: missing}


def fault_page(house: House) -> Callable[[Request, RenweiError], Awaitable[Response]]:
    """The page for what was refused before any page was asked, such as a body too large."""

    async def page(request: Request, fault: RenweiError) -> Response:
        visit = await run_in_threadpool(_visit, house, request)
        return await run_in_threadpool(screen.fault, visit, fault)

    return page
