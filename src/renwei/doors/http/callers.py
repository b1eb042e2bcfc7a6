"""Who calls the API, what they may, and what is noted of it.

A key comes as `Authorization: Bearer KEY`; a browser may come with the console's session, and
then a request that changes something carries the session's token against forgery as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from renwei.app.house import House
from renwei.core.errors import Refused
from renwei.core.words import LANGUAGES
from renwei.doors.console import gate
from renwei.trust import accounts, keys, roles

CSRF_HEADER = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls: a key, an account, or nobody ("")."""

    id: str = ""
    kind: str = ""
    rank: str = ""
    language: str = ""

    def may(self, scope: str) -> bool:
        """Whether they may do what needs this scope."""
        if scope == "public":
            return True
        allowed = roles.allows if self.kind == "key" else roles.may
        return allowed(self.rank, scope)

    @property
    def masked(self) -> bool:
        """Whether they see people without what tells who these are."""
        return self.kind == "account" and roles.masked(self.rank)


NOBODY = Caller()


def caller_of(house: House, request: Request) -> Caller:
    """Who calls; NOBODY where nothing was presented.

    Raises:
        Refused: bad_key, what was presented opens nothing; csrf.
    """
    presented = request.headers.get("authorization")
    if presented is not None:
        kind, _, key = presented.partition(" ")
        found = keys.find_key(house.shop(), key.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise Refused("bad_key")
        return Caller(found.source, "key", found.scope)
    visitor = gate.visitor(house, request)
    if visitor is None:
        return NOBODY
    if request.method not in SAFE:
        _check_forgery(request, visitor.token)
    return Caller(visitor.id, "account", visitor.role, visitor.language)


def is_remembered(house: House, request: Request) -> bool:
    """Whether a key is presented that was looked up a moment ago."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and keys.is_remembered(house.store, key.strip())


def insist(caller: Caller, scope: str, *, unmasked: bool = False) -> None:
    """Let nobody by who may not, nor, where it is `unmasked`, who sees people masked.

    Raises:
        Refused: no_key, wrong_scope.
    """
    if caller.may(scope) and not (unmasked and caller.masked):
        return
    if not caller.id:
        raise Refused("no_key")
    raise Refused("wrong_scope", scope=scope, held=caller.rank)


def language_of(request: Request, house: House, caller: Caller = NOBODY) -> str:
    """The language asked for, else the account's, else the shop's."""
    return (
        accepted(request.headers.get("accept-language", ""))
        or (caller.language if caller.language in LANGUAGES else "")
        or house.shop().settings.language
    )


def accepted(header: str) -> str:
    """Of our languages the one that an Accept-Language likes best, or "".

    Example:
        >>> accepted("fr, en;q=0.7, zh-CN;q=0.8"), accepted("de"), accepted("en;q=0, zh;q=x")
        ('zh', '', '')
    """
    best, weight = "", 0.0
    for part in header[:500].lower().split(","):
        name, _, more = part.partition(";")
        language = name.strip()[:2]
        try:
            likes = float(more.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in LANGUAGES and likes > weight:
            best, weight = language, likes
    return best


def shown(caller: Caller, answer: Any) -> Any:
    """The answer as this caller may see it."""
    if not caller.masked:
        return answer
    from renwei.trust import masking

    return masking.masked(answer)


def _check_forgery(request: Request, token: str) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") or not accounts.check_csrf(token, sent):
        raise Refused("csrf")
