"""What roles and keys are allowed: one table, read by every door."""

from __future__ import annotations

ROLES = ("owner", "marketer", "agent", "viewer")
SCOPES = ("ingest", "read", "write", "admin")
SHOW = "show"
"""What a shopper's own browser may ask: what to show on a page. No key has it alone."""

_ROLE_MAY = {
    "owner": frozenset({*SCOPES, SHOW}),
    "marketer": frozenset({"ingest", SHOW, "read", "write"}),
    "agent": frozenset({SHOW, "read"}),
    "viewer": frozenset({SHOW, "read"}),
}
_KEY_MAY = {
    "ingest": frozenset({"ingest", SHOW}),
    "read": frozenset({SHOW, "read"}),
    "write": frozenset({"ingest", SHOW, "read", "write"}),
    "admin": frozenset({*SCOPES, SHOW}),
}
_NOTHING: frozenset[str] = frozenset()


def may(role: str, scope: str) -> bool:
    """Whether an account of this role may do what needs this scope.

    Example:
        >>> may("marketer", "write"), may("viewer", "write"), may("nobody", "read")
        (True, False, False)
    """
    return scope in _ROLE_MAY.get(role, _NOTHING)


def allows(held: str, wanted: str) -> bool:
    """Whether a key of scope `held` may do what needs `wanted`.

    An ingest key sits in an app that anybody can unpack, so it brings events in and asks what
    to show, and no more.

    Example:
        >>> allows("write", "ingest"), allows("ingest", "read"), allows("read", "ingest")
        (True, False, False)
    """
    return wanted in _KEY_MAY.get(held, _NOTHING)


def masked(role: str) -> bool:
    """Whether this role sees people without what tells who they are; unknown roles do.

    Example:
        >>> masked("viewer"), masked("agent")
        (True, False)
    """
    return role not in ("owner", "marketer", "agent")
