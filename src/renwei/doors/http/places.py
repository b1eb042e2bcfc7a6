"""Places on HTTP: one method of one path, who may, what it asks and answers.

Routes, authorisation, OpenAPI and the tests of authorisation all read the same list of
places, so that none can be served without a scope or left out of the description.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from renwei.app.house import House
from renwei.core.operations import Operation

if TYPE_CHECKING:
    from renwei.doors.http.callers import Caller

SCOPES = ("public", "show", "read", "write", "admin")
CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Asks:
    """One thing that a place is asked: a name in the path, the query or the JSON body."""

    name: str
    field: str
    where: str
    kind: Any
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Place:
    """One method of one path.

    Args:
        method: GET, POST, DELETE ...
        path: Such as "/v1/people/{person}".
        scope: "public", "show", "read", "write" or "admin".
        work: Answers a call.
        words: Key of the sentences that describe it.
        asks: What may be sent.
        answer: The type of the answer, as msgspec knows it.
        operation: The operation behind it, if one.
        destroys: Whether it wants `confirm: true`.
        job: Whether it may answer 202 with a job to watch.
        takes: Media types of a body that is not JSON.
        gives: Media type of the answer.
        size: The largest body in bytes.
        unmasked: Whether who sees people masked is refused: a file has no masked edition.
        secret: Whether the answer must not be kept for who asks again.
        tagged: Whether the answer names its state, so that who has it need not get it again.
    """

    method: str
    path: str
    scope: str
    work: Callable[[Call], Awaitable[Response]]
    words: str
    asks: Sequence[Asks] = ()
    answer: Any = None
    operation: Operation | None = None
    destroys: bool = False
    job: bool = False
    takes: Sequence[str] = ()
    gives: str = "application/json"
    size: int = 1 << 20
    secret: bool = False
    unmasked: bool = False
    tagged: bool = False


@dataclass
class Call:
    """One request to one place, by somebody who may. `fields` are checked values by field."""

    request: Request
    house: House
    place: Place
    caller: Caller
    language: str
    fields: dict[str, Any] = field(default_factory=dict)
    digest: bytes = b""


def asks_of(
    method: str, path: str, request: type, *, without: Sequence[str] = (), destroys: bool = False
) -> list[Asks]:
    """What the fields of a request struct become over HTTP.

    Names of the path come from the path; GET and DELETE take the rest as query, others as
    JSON body. A field that is a file on this machine is nobody's business over HTTP.

    Raises:
        TypeError: A field that must be given is a file.
    """
    rest = "query" if method in ("GET", "DELETE") else "body"
    hints = get_type_hints(request, include_extras=True)
    found = []
    for one in msgspec.structs.fields(request):
        name = one.encode_name.rstrip("_")
        if one.name in without:
            continue
        if _is_file(hints[one.name]):
            if one.required:
                raise TypeError(f"{method} {path}: {name} is a file on this machine")
            continue
        default = None if one.required else _default(one)
        where = "path" if f"{{{one.name}}}" in path else rest
        required = one.required or where == "path"
        found.append(Asks(name, one.name, where, hints[one.name], required, default))
    if destroys:
        found.append(Asks(CONFIRM, CONFIRM, rest, bool, True))
    return found


def described(operation: Operation) -> str:
    """The key of an operation's sentences."""
    return f"operations.{operation.name.replace(' ', '.')}"


def bare(kind: Any) -> Any:
    """A type without Annotated and without None beside it."""
    while True:
        if hasattr(kind, "__metadata__"):
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next(one for one in get_args(kind) if one is not type(None))
        else:
            return kind


def many(kind: Any) -> bool:
    """Whether a field takes several values."""
    return get_origin(bare(kind)) in (list, tuple, set) or bare(kind) in (list, tuple, set)


def _is_file(kind: Any) -> bool:
    kind = bare(kind)
    return kind is Path or any(_is_file(one) for one in get_args(kind) if one is not Ellipsis)


def _default(one: msgspec.structs.FieldInfo) -> Any:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.default_factory()
    return None if one.default is msgspec.UNSET else one.default
