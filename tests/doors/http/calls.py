"""A client without a network: requests go straight into the application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from renwei.doors.http.server import build_app


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Inside:
    """The application of one house, and how to ask it. `key` goes with every request."""

    house: Any
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    server: tuple[str, int] = ("127.0.0.1", 8400)
    client: tuple[str, int] = ("127.0.0.1", 5000)
    app: Any = None

    def __post_init__(self) -> None:
        self.app = self.app or build_app(self.house)

    def with_(self, **changed: Any) -> Inside:
        """The same application, asked by somebody else."""
        kept = {name: getattr(self, name) for name in ("key", "headers", "server", "client", "app")}
        return Inside(self.house, **{**kept, **changed})

    def ask(
        self, method: str, place: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; a body that is no bytes goes as JSON."""
        return asyncio.run(self.asked(method, place, body, headers))

    def get(self, place: str, **headers: str) -> Answer:
        """GET."""
        return self.ask("GET", place, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, place: str, body: Any = None, **headers: str) -> Answer:
        """POST."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.ask("POST", place, body, named)

    async def asked(
        self, method: str, place: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, in a running loop."""
        path, _, query = place.partition("?")
        sent = {"host": "127.0.0.1:8400", **self.headers}
        if self.key:
            sent["authorization"] = f"Bearer {self.key}"
        data = b"" if body is None else body
        if not isinstance(data, bytes):
            data, sent["content-type"] = json.dumps(data).encode(), "application/json"
        if data:
            sent["content-length"] = str(len(data))
        sent |= headers or {}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(path), "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "server": self.server, "client": self.client,
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
        }  # fmt: skip
        waiting = [{"type": "http.request", "body": data, "more_body": False}]
        said: list[Any] = []

        async def receive() -> Any:
            if not waiting:
                await asyncio.sleep(3600)
            return waiting.pop()

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        start, *rest = said
        told = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
        return Answer(start["status"], told, b"".join(part.get("body", b"") for part in rest))
