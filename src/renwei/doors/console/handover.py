"""From the demo shop to one's own and back: one server ends, another takes its place and port.

`renwei up` offers it for the workspace it serves; without an offer (tests, other servers) pages
show a command instead. Nobody but whoever sits at this machine may ask: the way to one's own
shop carries the link that makes its owner.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

from starlette.requests import Request

from renwei.app import build
from renwei.app.house import House
from renwei.core.chance import new_number
from renwei.core.errors import Refused
from renwei.stores.lock import PARTS, doing
from renwei.trust import accounts

LINGER_S = 1.0
"""So long the page that waits may still fetch what it is made of."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass
class Handover:
    """What takes this server's place when asked.

    Attributes:
        other: The workspace served next.
        stop: Ends this server gracefully; whoever runs it looks at `wanted` then.
        mark: Tells this server from the next one.
        link: The token by which the owner of the next one begins; "" where there is one.
    """

    other: Path
    stop: Callable[[], None]
    mark: str = field(default_factory=lambda: f"{new_number():016x}")
    wanted: bool = False
    link: str = ""

    def begin(self) -> None:
        """Stop in a moment, so that the answer still goes out."""
        self.wanted = True
        timer = threading.Timer(LINGER_S, self.stop)
        timer.daemon = True
        timer.start()


_offers: WeakKeyDictionary[House, Handover] = WeakKeyDictionary()


def offer(house: House, handover: Handover) -> None:
    """Let the pages of a house ask for it."""
    _offers[house] = handover


def offered(house: House, request: Request) -> Handover | None:
    """The offer, where whoever asks sits at this machine; proxied requests do not."""
    found = _offers.get(house)
    return found if found is not None and _sits_here(request) else None


def is_other(house: House, mark: str) -> bool:
    """Whether another server stands here now than the one that gave this mark."""
    found = _offers.get(house)
    return found is None or found.mark != mark


def way_in(handover: Handover, house: House) -> str:
    """Prepare one's own workspace and return where one begins in it.

    Args:
        handover: Names one's own workspace, which is made when missing; gets its link.
        house: Of the demo, for its clock.

    Raises:
        Unavailable: already_served, with the address of who serves it; in_use, read_only,
            disk_full, newer schema: whatever would keep a server from starting there.
        Refused: not_own, where the other one is a demo too.
    """
    other = handover.other
    with doing(other, PARTS, wait_s=0), build.open_shop(other) as shop:
        if shop.store.papers.get("label", "demo") is not None:
            raise Refused("not_own", path=str(other))
        handover.link = accounts.first_welcome(shop, house.clock.now())
    return f"/welcome/{handover.link}" if handover.link else "/sign-in"


def ready(other: Path) -> None:
    """See that a demo can be served from there.

    Raises:
        Unavailable: As `way_in`.
        Refused: not_the_demo: somebody's own data lies there.
    """
    with doing(other, PARTS, wait_s=0), build.open_shop(other) as shop:
        own = shop.store.log.position() or shop.store.papers.names("import")
        if own and shop.store.papers.get("label", "demo") is None:
            raise Refused("not_the_demo", path=str(other))


def _sits_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
