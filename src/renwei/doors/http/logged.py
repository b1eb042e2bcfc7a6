"""The access log: one JSON object a request, without anything that names a person.

A path is logged as its route ("/v1/people/{person}"), of the query only names and harmless
values, of addresses the network.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Scope

HARMLESS = frozenset({"at", "day", "days", "dry_run", "format", "limit", "list", "minutes", "page"})
_MASK = "***"
_TELLING = re.compile(r"@|\d{7,}|[^\x20-\x7e]")
_log = logging.getLogger("renwei.access")


def line(scope: Scope, route: str, status: int, seconds: float) -> None:
    """Log one request, where somebody listens."""
    if not _log.isEnabledFor(logging.INFO):
        return
    said = {
        "id": scope["state"].get("request_id", ""),
        "method": scope["method"][:10],
        "route": route if route not in ("other", "/v1/*") else masked_path(scope["path"]),
        "query": masked_query(scope["query_string"]),
        "status": status,
        "ms": round(1000 * seconds, 2),
        "from": network_of(scope.get("client")),
    }
    _log.info(msgspec.json.encode(said).decode())


def masked_query(query: bytes) -> str:
    """A query with the values of harmless names alone.

    Example:
        >>> masked_query(b"query=13800138000&limit=5")
        'query=***&limit=5'
    """
    if not query:
        return ""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    return "&".join(
        f"{_name(name)}={value[:40] if name in HARMLESS and _is_plain(value) else _MASK}"
        for name, value in pairs[:20]
    )


def masked_path(path: str) -> str:
    """A path nobody serves, its telling parts masked.

    Example:
        >>> masked_path("/wp-admin/x.php"), masked_path("/v1/person/13800138000")
        ('/wp-admin/x.php', '/v1/person/***')
    """
    parts = path[:200].split("/")
    return "/".join(part if _is_plain(part) else _MASK for part in parts)


def network_of(client: object) -> str:
    """The network of an address: enough to find a storm, too little to find a person.

    Example:
        >>> network_of(("203.0.113.9", 1)), network_of(("2001:db8:1:2::3", 1)), network_of(None)
        ('203.0.113.0/24', '2001:db8:1::/48', '')
    """
    try:
        address = ipaddress.ip_address(client[0] if isinstance(client, tuple | list) else "")
    except ValueError:
        return ""
    if address.is_loopback:
        return str(address)
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def _name(name: str) -> str:
    return name[:40] if name.isidentifier() and _is_plain(name) else _MASK


def _is_plain(text: str) -> bool:
    return _TELLING.search(text) is None
