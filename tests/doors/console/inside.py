"""The console without a network: people of every role ask a house in this process."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from tests.doors.conftest import ORDERS
from tests.doors.http.calls import Answer, Inside
from tests.doors.http.conftest import AT, keys_at, session_of

from renwei.app import build
from renwei.app.house import House, open_house
from renwei.core.clock import Frozen
from renwei.trust import accounts

ROLES = ("owner", "marketer", "agent", "viewer")
BOUNDARY = "----console"
TAGS = re.compile(r"<(script|style)[^>]*>.*?</\1>|<[^>]+>", re.S)


@cache
def _stocked() -> tempfile.TemporaryDirectory[str]:
    """A workspace with the small order list in it, made once, and its keys beside it."""
    kept = tempfile.TemporaryDirectory(prefix="console-")
    folder = Path(kept.name)
    (folder / "orders.csv").write_text(ORDERS, encoding="gb18030")
    bring = build.operations()["import"]
    with (
        keys_at(folder / "keys"),
        build.open_shop(folder / "data", clock=Frozen(AT), child=False) as shop,
    ):
        bring.call(shop, bring.request(files=[folder / "orders.csv"]))
    return kept


@contextmanager
def a_house(folder: Path, *, empty: bool = False, work: bool = False) -> Iterator[House]:
    """A house that holds the small order list, or nothing."""
    if not empty:
        shutil.copytree(_stocked().name, folder / "shop")
    else:
        (folder / "shop").mkdir()
    with reopened(folder, work=work) as house:
        yield house


@contextmanager
def reopened(folder: Path, *, work: bool = False) -> Iterator[House]:
    """The house that stood there before, after a restart."""
    with (
        keys_at(folder / "shop" / "keys"),
        open_house(folder / "shop" / "data", clock=Frozen(AT), work=work) as house,
    ):
        yield house


@dataclass
class Person:
    """Somebody with a browser that knows no scripts; `role` "" is whoever comes by."""

    house: House
    role: str = ""
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    door: Any = None

    def __post_init__(self) -> None:
        self.door = self.door or Inside(self.house)
        if self.role:
            self.cookies["renwei"] = session_of(self.house, self.role)
        if self.language:
            self.cookies["lang"] = self.language

    def ask(self, method: str, place: str, body: Any = None, **headers: str) -> Answer:
        """One request; cookies go along and are kept."""
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"cookie": jar, "accept": "text/html"} if jar else {"accept": "text/html"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer: Answer = self.door.ask(method, place, body, sent)
        if "set-cookie" in answer.headers:
            for name, morsel in SimpleCookie(answer.headers["set-cookie"]).items():
                self.cookies[name] = morsel.value
        return answer

    def get(self, place: str, **headers: str) -> Answer:
        """GET."""
        return self.ask("GET", place, **headers)

    def post(self, place: str, fields: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """A form with our own mark in it, sent from our own page."""
        return self.raw(place, {"csrf": self.csrf, **(fields or {})}, **headers)

    def raw(self, place: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """A form with nothing added."""
        sent = {"content_type": "application/x-www-form-urlencoded"} | headers
        return self.ask("POST", place, urlencode(fields).encode(), **sent)

    def send(self, place: str, *files: tuple[str, bytes], name: str = "files") -> Answer:
        """A form with files."""
        parts = [_part("csrf", self.csrf.encode())]
        parts += [_part(name, data, called) for called, data in files]
        body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.ask("POST", place, body, content_type=kind)

    def follow(self, answer: Answer) -> Answer:
        """Go where it says, through jobs, until a page is there."""
        for _ in range(40):
            if answer.status != 303:
                return answer
            to = answer.headers["location"]
            found = re.match(r"/jobs/([^?]+)", to)
            if found:
                job = self.house.jobs.get(found[1])
                assert job is not None
                assert job.ended.wait(60)
            answer = self.get(to)
        raise AssertionError("it never ends")

    @property
    def csrf(self) -> str:
        """The mark that forms of this session carry."""
        token = self.cookies.get("renwei", "")
        return accounts.csrf_of(token) if token else ""


def _part(name: str, data: bytes, called: str = "") -> bytes:
    as_file = f'; filename="{called}"' if called else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{as_file}\r\n'
    kind = "Content-Type: application/octet-stream\r\n" if called else ""
    return f"{head}{kind}\r\n".encode() + data + b"\r\n"


def text_of(answer: Answer) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(TAGS.sub(" ", answer.body.decode())))


def hidden(answer: Answer, name: str) -> str:
    """The value of the first field of that name."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', answer.body.decode())
    assert found, f"no field {name}"
    return unescape(found[1])


def action(answer: Answer, begins: str) -> str:
    """Where the first form whose address begins so goes."""
    found = re.search(rf'action="({re.escape(begins)}[^"]*)"', answer.body.decode())
    assert found, f"no form to {begins}"
    return unescape(found[1])


def told(person: Person) -> str:
    """What the next page will say once."""
    return unquote(person.cookies.get("told", ""))
