"""Two small servers on origins of their own: a shop's pages, and a stand-in for ours.

The stand-in exists for what a real server will not do on demand (429, a refused batch, a slow
answer) and for `/v1/recommend` by its contract. It is as strict as the API: a field that the
contract does not know is refused. Everything it hears is kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from renwei.doors.snippet.routes import edition

ASKED = {
    "user_id": str, "anonymous_id": str, "surface": str, "n": int, "mode": str, "context": dict,
    "filter": str, "exclude_ids": list, "allow_seen": bool, "diversity": float, "explain": bool,
}  # fmt: skip
CONTEXT = {
    "item_id": str, "cart": list, "session_id": str, "query": str, "hour": int, "region": str,
    "landing_item_id": str, "net": str,
}  # fmt: skip
Reply = tuple[int, Mapping[str, str], bytes]
Choose = Callable[[dict[str, Any]], list[dict[str, Any]]]


@dataclass
class Post:
    """One batch as it came."""

    at: float
    body: dict[str, Any]
    status: int

    def events(self) -> list[dict[str, Any]]:
        """Its events."""
        return list(self.body["batch"])


@dataclass
class Stand:
    """What the stand-in answers, and what it heard.

    `judge` gives the status of a batch and its headers; `choose` the items for a request. While
    it is `away` it hangs up without an answer.
    """

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    slow_s: float = 0.0
    away: bool = False
    judge: Callable[[dict[str, Any]], tuple[int, dict[str, str]]] = lambda body: (200, {})
    choose: Choose = lambda request: []

    def stored(self) -> list[dict[str, Any]]:
        """Every event of a batch that was taken, each as often as it came."""
        return [event for post in self.posts if post.status == 200 for event in post.events()]

    def named(self, name: str) -> list[dict[str, Any]]:
        """Those with this event name, each once."""
        found = {e["messageId"]: e for e in self.stored() if e.get("event") == name}
        return list(found.values())


def item(code: str, **more: Any) -> dict[str, Any]:
    """One item of an answer, with everything that the contract gives it."""
    reason = {"code": "popular", "text": f"Liked by many ({code})", "evidence": [], "share": 0.0,
              "count": 41}  # fmt: skip
    return {
        "id": code, "kind": "product", "title": f"Item {code}", "url": f"/p/{code}",
        "image": "/pixel.gif", "category": "creams", "brand": "Lu", "price_minor": 5990,
        "currency": "CNY", "rank": 1, "score": 0.5, "source": "popular", "reason": reason,
        "propensity": 1.0, "explored": False,
    } | more  # fmt: skip


def _checked(request: dict[str, Any]) -> str:
    """What the contract does not allow of a request, "" where it is one."""
    for known, given, place in (
        (ASKED, request, ""),
        (CONTEXT, request.get("context", {}), "context."),
    ):
        for name, value in given.items():
            if name not in known:
                return f"{place}{name} is unknown"
            if not isinstance(value, known[name]):
                return f"{place}{name} is a {type(value).__name__}"
    return "" if 1 <= request.get("n", 20) <= 100 else "n"


def _recommend(stand: Stand, headers: Mapping[str, str], body: bytes) -> Reply:
    request = json.loads(body)
    wrong = _checked(request)
    if not headers.get("authorization", "").startswith("Bearer ") or wrong:
        stand.refused.append(wrong or "no key")
        return 400, {}, b"{}"
    stand.asked.append(request)
    stand.languages.append(headers.get("accept-language", ""))
    excluded = set(request.get("exclude_ids", ()))
    items = [one for one in stand.choose(request) if one["id"] not in excluded][: request["n"]]
    answer = {
        "decision_id": f"d{len(stand.asked)}", "surface": request["surface"], "mode": "feed",
        "items": items, "reason": None if items else {"code": "empty_catalogue", "text": "Empty"},
        "personal": False, "model": "test",
    }  # fmt: skip
    return 200, {"content-type": "application/json"}, json.dumps(answer).encode()


def _batch(stand: Stand, body: bytes) -> Reply:
    sent, at = json.loads(body), time.monotonic()
    status, headers = stand.judge(sent)
    time.sleep(stand.slow_s)
    stand.posts.append(Post(at, sent, status))
    return status, headers, b'{"success":true}'


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[str, str, Mapping[str, str], bytes], Reply]

    def _do(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(size)
        named = {name.lower(): value for name, value in self.headers.items()}
        try:
            status, headers, answer = type(self).answer(
                self.command, self.path.partition("?")[0], named, body
            )
        except ConnectionAbortedError:
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_OPTIONS = _do  # noqa: N815 - their names there

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def listening(
    answer: Callable[[str, str, Mapping[str, str], bytes], Reply],
) -> Iterator[str]:
    """Serve on a free port; gives the address."""
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def standing() -> Iterator[Stand]:
    """The stand-in for ours."""
    stand = Stand()
    shared = {
        "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after",
        "cache-control": "no-store",
    }  # fmt: skip

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if stand.away:
            raise ConnectionAbortedError
        if method == "OPTIONS":
            asks = {"access-control-allow-headers": "authorization, content-type, accept-language"}
            return 204, shared | asks, b""
        if path == "/renwei.js":
            script = edition(packed=False).body
            return 200, shared | {"content-type": "text/javascript"}, script
        if path == "/v1/recommend":
            status, more, text = _recommend(stand, headers, body)
        elif path == "/v1/batch":
            status, more, text = _batch(stand, body)
        else:
            status, more, text = 404, {}, b""
        return status, shared | dict(more), text

    with listening(answer) as stand.url:
        yield stand


@dataclass
class Site:
    """A shop's pages: path -> HTML and headers."""

    url: str = ""
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def put(self, path: str, body: str, *, head: str = "", lang: str = "en", **headers: str) -> str:
        """Put a page there; gives its address."""
        page = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
            f"<title>Shop {path}</title>{head}</head><body>{body}</body></html>"
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = page, named
        return self.url + path


GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


@contextmanager
def selling() -> Iterator[Site]:
    """A shop on an origin of its own."""
    site = Site()

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path in ("/pixel.gif", "/favicon.ico"):
            return 200, {"content-type": "image/gif"}, GIF
        if path == "/own/renwei.js":
            return 200, {"content-type": "text/javascript"}, edition(packed=False).body
        if path == "/own/shop.js":
            return 200, {"content-type": "text/javascript"}, b"window.shopWorks = true;"
        page, more = site.pages.get(path, ("", {}))
        status = 200 if page else 404
        return status, {"content-type": "text/html; charset=utf-8", **more}, page.encode()

    with listening(answer) as site.url:
        yield site
