"""Whose address it is, and whether the host asked for is us.

A page of somebody else may let its own name point at 127.0.0.1 and then talk to us from the
visitor's browser (DNS rebinding). So what comes over loopback must ask for a loopback name,
unless a listed proxy brought it. Forwarded headers are believed from listed proxies alone.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence
from typing import Any

from starlette.types import Scope

from renwei.core.errors import BadInput

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Hosts:
    """Checks where a request comes from and where it wants to go."""

    def check(self, scope: Scope, state: Any) -> int | None:
        """Look at the headers once; puts the true client and scheme into the scope.

        Args:
            scope: Of the request.
            state: Of the application: `proxies`, networks believed; `names`, more hosts of ours.

        Returns:
            The length of the body where it is told; 0 where there is none.

        Raises:
            BadInput: wrong_host, bad_length.
        """
        host, length, chunked = "", None, False
        for name, value in scope["headers"]:
            if name == b"host":
                host = value.decode("latin-1")
            elif name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = True
        proxies = getattr(state, "proxies", ())
        if proxies and _among(_address(scope.get("client")), proxies):
            _believe(scope, proxies)
        elif _is_loopback(scope.get("server")):
            named = host_of(host)
            ours = LOCAL | {_address(scope.get("server")), *getattr(state, "names", ())}
            if named and named not in ours:
                raise BadInput("wrong_host", host=named[:100])
        if length is None:
            return None if chunked else 0
        if not (length.isdigit() and len(length) < 16):
            raise BadInput("bad_length")
        return int(length)


def host_of(header: str) -> str:
    """The name in a Host header, without port, brackets and the dot at its end.

    Example:
        >>> host_of("LocalHost:8400"), host_of("[::1]:8400"), host_of("shop.example.:80")
        ('localhost', '::1', 'shop.example')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].rstrip(".").lower()


def _believe(scope: Scope, proxies: Sequence[str]) -> None:
    forwarded: list[str] = []
    scheme = ""
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            forwarded += value.decode("latin-1").split(",")
        elif name == b"x-forwarded-proto":
            scheme = value.decode("latin-1").rpartition(",")[2].strip().lower()
    if scheme in ("http", "https"):
        scope["scheme"] = scheme
    # From the right: each hop adds whom it heard, and only listed hops are believed.
    for said in reversed(forwarded):
        address = said.strip()
        if not _is_address(address):
            return
        scope["client"] = (address, 0)
        if not _among(address, proxies):
            return


def _address(client: Any) -> str:
    return str(client[0]) if client else ""


def _is_loopback(server: Any) -> bool:
    address = _address(server)
    return address == "127.0.0.1" or (_is_address(address) and _parsed(address).is_loopback)


def _is_address(text: str) -> bool:
    try:
        _parsed(text)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1_000)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


def _among(address: str, proxies: Sequence[str]) -> bool:
    if not _is_address(address):
        return False
    return any(_parsed(address) in network for network in _networks(tuple(proxies)))


@functools.lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in proxies)
