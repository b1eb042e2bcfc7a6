"""Who is at the console, what they may do, and what is noted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from renwei.app import build
from renwei.app.house import House
from renwei.core.errors import Refused
from renwei.trust import accounts, audit, masking

if TYPE_CHECKING:
    from renwei.doors.console.frame import Visit

_NONE: Mapping[str, Any] = MappingProxyType({})
SESSION = "renwei"
CSRF = "csrf"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in."""

    id: str
    name: str
    role: str
    language: str
    token: str


def visitor(house: House, request: Request) -> Visitor | None:
    """Whoever the session cookie says, while the session lives."""
    token = request.cookies.get(SESSION, "")
    if not token:
        return None
    account = accounts.account_of(house.shop(), token, house.clock.now())
    if account is None:
        return None
    return Visitor(account.id, account.name, account.role, account.language, token)


def may(who: Visitor | None, scope: str) -> bool:
    """Whether the role is allowed a scope."""
    return scope == "public" or (who is not None and accounts.may(who.role, scope))


CHANGED_BY = {"settings": "value", "autonomy": "level", "texts": "text"}
"""Operations that show or change, and the field without which they only show."""


def insist(who: Visitor | None, operation: str, fields: Mapping[str, Any] = _NONE) -> None:
    """A page asks only what its visitor may ask by the API too.

    Raises:
        Refused: not_allowed.
    """
    only_shows = operation in CHANGED_BY and not fields.get(CHANGED_BY[operation])
    scope = "read" if only_shows else build.operations()[operation].scope
    if not may(who, scope):
        raise Refused("not_allowed", scope=scope)


def ask(visit: Visit, operation: str, fields: Mapping[str, Any]) -> Any:
    """Do an operation in the visitor's name and tell the audit log whom it showed."""
    who = visit.visitor.id if visit.visitor else ""
    with audit.acting(who):
        answer = visit.house.call(operation, visit.language, **fields)
        audit.note_answer(visit.house.shop(), who, operation, fields, answer)
    return answer


def shown(who: Visitor | None, answer: Any) -> Any:
    """The answer as this visitor may see it."""
    if who is not None and accounts.masked(who.role):
        return screen_of(masking.masked(answer))
    return answer


def screen_of(plain: Any) -> Any:
    """A plain structure that templates read with dots, as they read structs."""
    if isinstance(plain, dict):
        return _Dotted({key: screen_of(value) for key, value in plain.items()})
    return [screen_of(one) for one in plain] if isinstance(plain, list | tuple) else plain


class _Dotted(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def csrf_of(visit: Visit) -> str:
    """What a form of this visitor must carry; the public forms carry their own tokens."""
    return accounts.csrf_of(visit.visitor.token) if visit.visitor else ""


def check_origin(visit: Visit) -> None:
    """A POST must come from our own page, before anything of it is read.

    Raises:
        Refused: csrf, with the advice to load the page again.
    """
    if not _same_origin(visit.request):
        raise Refused("csrf")


def check_csrf(visit: Visit) -> None:
    """A POST must carry the mark of our own form.

    Raises:
        Refused: csrf, with the advice to load the page again.
    """
    if visit.visitor is None:
        return
    sent = visit.form.get(CSRF) or visit.request.headers.get("x-csrf-token", "")
    if not (isinstance(sent, str) and accounts.check_csrf(visit.visitor.token, sent)):
        raise Refused("csrf")


def _same_origin(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin in (None, "null") or urlsplit(str(origin)).netloc == request.headers.get("host")


def to_sign_in(visit: Visit) -> Response:
    """Sign in first, then come back here; a part of a page takes its page along."""
    if visit.partial:
        to = _path_of(visit.request.headers.get("hx-current-url", ""))
        return Response(status_code=204, headers={"HX-Redirect": _sign_in(to)})
    return RedirectResponse(_sign_in(place(visit.request)), 303)


def place(request: Request) -> str:
    """Where somebody is: the page itself, or for what was sent the page it was sent from."""
    if request.method in ("GET", "HEAD"):
        asked = request.url
        return asked.path + (f"?{asked.query}" if asked.query else "")
    came = request.headers.get("referer", "")
    ours = urlsplit(came).netloc == request.headers.get("host")
    return _path_of(came) if ours else "/"


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return inside(parts.path + (f"?{parts.query}" if parts.query else ""))


def _sign_in(to: str) -> str:
    return f"/sign-in?to={quote(to, safe='')}"


def let_in(visit: Visit, token: str, to: str) -> Response:
    """Answer with the session's cookie."""
    return with_session(visit, RedirectResponse(inside(to), 303), token)


def with_session(visit: Visit, answer: Response, token: str) -> Response:
    """An answer that carries a session's cookie."""
    answer.set_cookie(
        SESSION,
        token,
        max_age=30 * 86_400,
        httponly=True,
        samesite="lax",
        secure=visit.request.url.scheme == "https",
    )
    return answer


def inside(to: str) -> str:
    """Only ever one of our own pages: no way to send somebody elsewhere.

    Example:
        >>> inside("/people?q=1"), inside("//evil.example"), inside("https://evil.example")
        ('/people?q=1', '/', '/')
    """
    ours = to.startswith("/") and not to.startswith(("//", "/\\"))
    return to if ours and "\\" not in to and to.isprintable() else "/"
