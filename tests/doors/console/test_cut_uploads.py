"""A line that is cut while files are on their way: nothing half-done, and the server goes on."""

from __future__ import annotations

import http.client
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import FilePayload, expect
from tests.doors.conftest import ORDERS
from tests.doors.console.conftest import Open, Server

BOUNDARY = "cut"


def begun(server: Server, sent: int) -> socket.socket:
    """A form with a file that is announced larger than what is sent of it."""
    at = urlsplit(server.url)
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in server.cookies)
    head = (
        f"POST /imports HTTP/1.1\r\nHost: {at.netloc}\r\nCookie: {cookies}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 9000000\r\n\r\n"
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="o.csv"\r\n\r\n'
    )
    line = socket.create_connection((at.hostname, at.port), timeout=10)
    line.sendall(head.encode() + b"1001,x\n" * (sent // 7))
    return line


def alive(server: Server) -> bool:
    asked = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    try:
        asked.request("GET", "/v1/livez")
        return bool(json.loads(asked.getresponse().read())["status"] == "ok")
    finally:
        asked.close()


def waiting(data: Path) -> list[Path]:
    return list((data / "uploads").glob("*"))


def test_an_upload_that_is_cut_leaves_nothing_and_the_server_goes_on(empty: Server) -> None:
    before = waiting(empty.data)
    for sent in (70, 3 << 20):
        begun(empty, sent).close()
        time.sleep(0.3)
        assert alive(empty)
        assert waiting(empty.data) == before


def test_the_page_stays_and_says_that_it_was_cut(open_empty: Open) -> None:
    page = open_empty("/imports", "zh")
    page.route("**/imports", lambda route: route.abort("connectionreset"))
    file: FilePayload = {
        "name": "订单.csv",
        "mimeType": "text/csv",
        "buffer": ORDERS.encode("gb18030"),
    }
    page.set_input_files("#files", files=[file])
    expect(page.locator("#told .told")).to_contain_text("上传中断了，什么都没有导入")
    assert page.url.endswith("/imports")
    page.unroute("**/imports")
    page.set_input_files("#files", files=[file])
    expect(page.locator("h1")).to_have_text("文件里是这些内容", timeout=60_000)


def test_a_file_that_is_no_table_is_said_on_the_page(open_empty: Open) -> None:
    page = open_empty("/", "zh")
    photo: FilePayload = {
        "name": "自拍.jpg",
        "mimeType": "image/jpeg",
        "buffer": b"\xff\xd8\xff\xe0\x00\x10JFIF" * 90,
    }
    page.set_input_files("#files", files=[photo])
    expect(page.locator("main [role=alert]")).to_contain_text("自拍.jpg", timeout=60_000)
    expect(page.locator("#files")).to_be_attached()
