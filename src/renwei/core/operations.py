"""Operations: what a rib can do, as typed functions from which every door is derived.

A rib's operations.py holds functions `(shop, request) -> answer`, request and answer being
msgspec structs. The command line, `--json`, HTTP and its OpenAPI read the same structs, so
that the same words hold everywhere. Sentences for help come from words.*.toml:
`operations.<name>.help` and `operations.<name>.<field>` (dots for spaces in the name).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Private:
    """Marks a field of an answer that tells who somebody is: doors mask it for viewers.

    Example:
        >>> from typing import Annotated
        >>> name: Annotated[str, PRIVATE] = "Ann"
    """


PRIVATE = Private()


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a rib can do.

    Args:
        name: Words as typed: "today", "imports show".
        request: Struct of what is asked; fields without default are arguments, the rest
            options. A field may say `msgspec.Meta(extra={"argument": True})` to be an
            argument all the same.
        call: `(shop, request) -> answer`.
        writes: Whether it changes the workspace (takes the lock of the directory).
        destroys: Whether a person is asked before (or `--yes`).
        child: Whether it runs in a child process (import, learning).
        http: Method and path, such as "GET /v1/people/{person}"; names in braces are fields of
            the request, the others come as query (GET, DELETE) or JSON body. "" is not served.
            `operation` takes a second place behind a bar.
        scope: What a key or an account must be allowed: "read", "write" or "admin"; "show" is
            what a shopper's browser may ask too, with the key that brings events.
        also: The second place on HTTP.
    """

    name: str
    request: type
    call: Callable[..., Any]
    writes: bool = False
    destroys: bool = False
    child: bool = False
    http: str = ""
    scope: str = "read"
    also: str = ""


def operation(
    name: str,
    request: type,
    *,
    writes: bool = False,
    destroys: bool = False,
    child: bool = False,
    http: str = "",
    scope: str = "",
) -> Callable[[Function], Function]:
    """Mark a function as an operation of its rib; without a scope, what writes needs "write"."""
    scope = scope or ("write" if writes else "read")

    first, _, also = http.partition("|")

    def mark(call: Function) -> Function:
        marked = Operation(name, request, call, writes, destroys, child, first, scope, also)
        call.__dict__["operation"] = marked
        return call

    return mark


def operations_of(modules: Iterable[ModuleType]) -> dict[str, Operation]:
    """Every operation of these modules by name.

    Raises:
        ValueError: Two operations have the same name.
    """
    found: dict[str, Operation] = {}
    for module in modules:
        for value in vars(module).values():
            marked = getattr(value, "operation", None)
            if isinstance(marked, Operation) and value.__module__ == module.__name__:
                if marked.name in found:
                    raise ValueError(f"two operations are called {marked.name!r}")
                found[marked.name] = marked
    return found
