"""The script as a file, and as it is served."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doors.http.served import Served

from renwei.core.words import EXPONENTS
from renwei.doors.snippet.routes import edition, holds, takes_gzip

SCRIPT = files("renwei.doors.snippet") / "renwei.js"
YOUNGER = {
    "optional chaining": r"\?\.(?!\d)", "nullish": r"\?\?", "catch without a name": r"catch\s*\{",
    "private fields": r"this\.#", "flat": r"\.flat(Map)?\(", "at": r"\.at\(",
    "replaceAll": r"replaceAll", "fromEntries": r"fromEntries", "big numbers": r"\b\d+n\b",
    "matchAll": r"matchAll", "globalThis": r"globalThis", "separators": r"\d_\d",
    "allSettled": r"allSettled", "import": r"\bimport\s*\(", "padding": r"trimStart|trimEnd",
}  # fmt: skip
"""What browsers older than ES2019 do not know."""


def test_the_script_weighs_less_than_ten_kilobytes_packed() -> None:
    assert len(edition(packed=True).body) < 10_000
    assert gzip.decompress(edition(packed=True).body) == SCRIPT.read_bytes()


def test_the_script_is_javascript() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    with_name = subprocess.run([node, "--check", str(SCRIPT)], capture_output=True, check=False)
    assert with_name.returncode == 0, with_name.stderr.decode()


@pytest.mark.parametrize("what", sorted(YOUNGER))
def test_the_script_needs_no_younger_language_than_es2018(what: str) -> None:
    code = re.sub(r"//.*", "", SCRIPT.read_text("utf-8"))
    assert re.findall(YOUNGER[what], code) == []


def test_the_script_writes_no_markup_no_style_and_no_cookie() -> None:
    code = SCRIPT.read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(",
                 ".style", "cssText", "setAttribute(\"on", ".cookie"):  # fmt: skip
        assert word not in code


def test_money_has_as_many_places_as_the_server_counts() -> None:
    found = re.search(r"EXPONENTS = (\{.*?\});", SCRIPT.read_text("utf-8"))
    assert found
    assert json.loads(re.sub(r"(\w{3}):", r'"\1":', found[1])) == EXPONENTS


@pytest.mark.parametrize("packed", [True, False])
def test_the_script_is_served_with_a_mark_that_saves_sending_it_again(
    server: Served, *, packed: bool
) -> None:
    encoding = "gzip, br" if packed else "identity"
    status, headers, body = server.ask("GET", "/renwei.js", accept_encoding=encoding)
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(body) if packed else body) == SCRIPT.read_bytes()
    assert headers["vary"] == "accept-encoding"
    assert "max-age=3600" in headers["cache-control"]
    mark = headers["etag"]
    status, headers, body = server.ask(
        "GET", "/renwei.js", accept_encoding=encoding, if_none_match=f'"other", W/{mark}'
    )
    assert (status, headers["etag"], body) == (304, mark, b"")
    status, _, body = server.ask("GET", "/renwei.js", if_none_match='"other"')
    assert (status, bool(body)) == (200, True)


def test_pages_of_any_origin_may_load_it(server: Served) -> None:
    _, headers, _ = server.ask("GET", "/renwei.js", Origin="https://shop.example")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    status, headers, body = server.ask("HEAD", "/renwei.js")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 1_000


@given(st.text(max_size=40), st.text(max_size=40))
def test_headers_of_any_kind_are_read_without_a_fault(encodings: str, marks: str) -> None:
    assert takes_gzip(encodings) in (True, False)
    assert holds(marks, '"mark"') == ('"mark"' in [m.strip().removeprefix("W/") for m in marks.split(",")]
                                      or "*" in [m.strip().removeprefix("W/") for m in marks.split(",")])  # fmt: skip


@given(st.lists(st.sampled_from(["br", "zstd", "deflate", "identity;q=0.5"]), max_size=4))
def test_gzip_is_sent_only_to_who_takes_it(others: list[str]) -> None:
    assert not takes_gzip(", ".join(others))
    assert takes_gzip(", ".join([*others, "gzip;q=0.4"]))
    assert not takes_gzip(", ".join([*others, "gzip; q=0"]))


def test_the_example_page_of_the_documentation_names_what_exists() -> None:
    root = Path(__file__).resolve().parents[3]
    script = SCRIPT.read_text("utf-8")
    calls = set(re.findall(r"(\w+)", re.search(r'version: "1",([^:]*)anonymousId', script)[1]))  # type: ignore[index]
    for language in ("en", "zh"):
        page = (root / f"docs/{language}/snippet.md").read_text("utf-8")
        named = set(re.findall(r'(?:push\(\["|renwei\.|`)(\w+)["(]', page))
        assert calls <= named, f"{language}: {calls - named}"
        assert named - {"anonymousId", "push", "js"} <= calls, f"{language}: {named - calls}"
