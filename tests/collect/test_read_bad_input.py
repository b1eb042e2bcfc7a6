from __future__ import annotations

import gzip
import io
import random
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect import files as f

from renwei.collect.reading import read, reread, totals
from renwei.core.errors import BadInput, NotATable, RenweiError, UnknownName
from renwei.core.words import Words

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


_FORMATS = ("csv", "json", "xlsx", "parquet")


@pytest.fixture(scope="module")
def desk() -> Path:
    return Path(tempfile.mkdtemp())


def _locked() -> bytes:
    return _OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)


def _zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _locked_zip() -> bytes:
    content = bytearray(_zip_of({"a.csv": b"a,b\n1,2\n"}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    return bytes(content)


def _bomb() -> bytes:
    return gzip.compress(bytes(120 << 20), 6)


_PRODUCTS = "商品编号,商品名称,价格,库存\nP1,面膜,49.00,12\nP2,精华,129.00,3\n".encode()
_PEOPLE = "姓名,手机号,城市\n王芳,13800000001,杭州\n李雷,13800000002,上海\n".encode()
_PROSE = (
    "Dear all, the meeting is on Monday.\nPlease, bring your notes, pens and paper.\nThanks\n" * 9
).encode()

_CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "0 bytes": ("o.csv", lambda: b"", "empty_file"),
    "only blanks": ("o.csv", lambda: b"\xef\xbb\xbf \r\n\r\n", "empty_file"),
    "only commas": ("o.csv", lambda: b",,,\n,,,\n", "empty_file"),
    "only a header": ("o.csv", lambda: b"Order ID,Email,Order Date,Total\n", "no_rows"),
    "gz of nothing": ("o.csv.gz", lambda: gzip.compress(b""), "empty_file"),
    "a picture": ("o.csv", lambda: _PNG, "not_a_table"),
    "binary": ("o.csv", lambda: bytes(range(256)) * 40, "not_a_table"),
    "a PDF": ("o.csv", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "not_a_table"),
    "prose": ("o.csv", lambda: _PROSE, "not_a_table"),
    "one word": ("o.csv", lambda: b"hello", "not_a_table"),
    "a web page": ("o.csv", lambda: b"\n<!DOCTYPE html><html><body>404</body></html>", "web_page"),
    "an html table": ("o.xls", lambda: b"<table><tr><td>1</td></tr></table>", "web_page"),
    "a locked workbook": ("o.xlsx", _locked, "encrypted_workbook"),
    "a damaged workbook": ("o.xls", lambda: _OLE + bytes(2000), "broken_workbook"),
    "half a workbook": (
        "o.xlsx",
        lambda: _zip_of({"[Content_Types].xml": b"<x/>"}),
        "broken_workbook",
    ),
    "a product list": ("p.csv", lambda: _PRODUCTS, "no_orders_in_table"),
    "an address book": ("p.csv", lambda: _PEOPLE, "no_orders_in_table"),
    "a broken gz": ("o.gz", lambda: gzip.compress(b"a,b\n" * 999)[:-20], "broken_archive"),
    "a broken zip": ("o.zip", lambda: _zip_of({"a.csv": b"1,2"})[:-30], "broken_archive"),
    "an empty zip": ("o.zip", lambda: _zip_of({}), "empty_archive"),
    "a locked zip": ("o.zip", _locked_zip, "encrypted_archive"),
    "a bomb": ("o.gz", _bomb, "file_too_large"),
    "a bomb in a zip": ("o.zip", lambda: _zip_of({"o.csv": bytes(120 << 20)}), "file_too_large"),
    "a workbook bomb": (
        "o.xlsx",
        lambda: _zip_of({"[Content_Types].xml": b"<x/>", "xl/w.xml": bytes(120 << 20)}),
        "file_too_large",
    ),
    "too many members": (
        "o.zip",
        lambda: _zip_of({f"{k}.csv": b"a,b\n" for k in range(300)}),
        "too_many_members",
    ),
    "zip in zip in zip": (
        "o.zip",
        lambda: _zip_of(
            {"a": _zip_of({"b": _zip_of({"c": _zip_of({"d": _zip_of({"e": b"1"})})})})}
        ),
        "archive_too_deep",
    ),
    "broken Parquet": ("o.parquet", lambda: b"PAR1" + bytes(40) + b"PAR1", "not_a_table"),
    "JSON of something else": ("o.json", lambda: b'{"a": {"b": 1}}', "not_a_table"),
    "JSON cut in half": ("o.json", lambda: b'[{"order": 1, "total"', "not_a_table"),
}


@pytest.mark.parametrize("case", sorted(_CASES))
def test_a_wrong_file_is_refused_whole_with_a_sentence_that_names_it_and_the_way_out(
    tmp_path: Path, case: str
) -> None:
    name, content, code = _CASES[case]
    path = tmp_path / name
    path.write_bytes(content())
    good = f.csv_file(tmp_path, f.weidian(f.a_book(1, 3)), "good.csv")
    with pytest.raises(NotATable) as caught:
        read([good, path])
    assert caught.value.code == code
    words = Words.load(["renwei.collect"])
    for language in ("en", "zh"):
        said = words.say(f"errors.{code}", caught.value.values, language)
        assert Path(name).stem in said
        assert len(said) > 10


_JUNK = (
    "",
    "-",
    "abc",
    "1e309",
    "9" * 40,
    "٣",
    "①",
    "\x00",
    '"',
    "inf",
    "½",
    "合计",
    "²",
    "12%",
    "45000",
)


@given(st.integers(0, 10_000), st.sampled_from(sorted(f.LAYOUTS)), st.sampled_from(_FORMATS))
@settings(max_examples=150, deadline=None)
def test_a_file_however_broken_raises_nothing_but_our_own_faults(
    desk: Path, seed: int, name: str, kind: str
) -> None:
    rng = random.Random(seed)
    rows = [list(row) for row in f.LAYOUTS[name](f.a_book(seed, rng.choice((1, 2, 8))), f.PLAIN)]
    for _ in range(rng.choice((0, 3, 40))):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(_JUNK)
    path = f.json_file(desk, rows) if kind == "json" else f.csv_file(desk, rows)
    if kind == "xlsx":
        path = f.xlsx_file(desk, f.LAYOUTS[name](f.a_book(seed, 3), f.PLAIN))
    if kind == "parquet":
        path = f.parquet_file(desk, f.LAYOUTS[name](f.a_book(seed, 3), f.PLAIN))
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((0, 1, 20))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(bytes(content[: rng.choice((len(content), rng.randrange(len(content))))]))
    with suppress(RenweiError):
        reading = read([path])
        assert totals(reading).orders <= len(reading.orders)
        if reading.refused:
            reread(reading.refused)


def test_a_path_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="file_not_found"):
        read([tmp_path / "没有.csv"])
    with pytest.raises(BadInput, match="is_a_folder"):
        read([tmp_path])
    with pytest.raises(BadInput, match="no_files"):
        read([])


def test_members_that_point_outside_are_only_names(tmp_path: Path) -> None:
    rows = f.csv_bytes(f.weidian(f.a_book(1, 4)))
    inside = tmp_path / "in"
    inside.mkdir()
    path = f.zip_file(inside, {"../../escaped.csv": rows, "/etc/absolute.csv": rows})
    reading = read([path])
    assert [i.name for i in reading.files] == ["orders.zip/escaped.csv", "orders.zip/absolute.csv"]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "orders.zip"]


def test_an_unknown_layout_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = f.csv_file(tmp_path, f.weidian(f.a_book(1, 3)))
    with pytest.raises(UnknownName) as caught:
        read([path], layout="shopfy")
    assert caught.value.code == "unknown_layout"
    assert caught.value.values["suggestion"] == "shopify"


def test_an_unknown_zone_is_refused(tmp_path: Path) -> None:
    path = f.csv_file(tmp_path, f.generic_en(f.a_book(1, 3)))
    with pytest.raises(UnknownName, match="unknown_zone"):
        read([path], zone="Asia/Shanghia")


def test_the_bytes_decide_and_not_the_name(tmp_path: Path) -> None:
    rows = f.weidian(f.a_book(2, 6))
    book = f.xlsx_file(tmp_path, rows)
    wrong = tmp_path / "orders.csv"
    wrong.write_bytes(book.read_bytes())
    text = tmp_path / "text.xlsx"
    text.write_bytes(f.csv_bytes(rows, "gbk"))
    assert len(read([wrong]).orders) == len(read([text]).orders) == 6


def test_every_code_has_a_sentence_in_both_languages() -> None:
    words = Words.load(["renwei.collect"])
    ours = ("errors.", "refused.", "warnings.", "layouts.", "fields.")
    english = {k for k in words.keys("en") if k.startswith(ours)}
    chinese = {k for k in words.keys("zh") if k.startswith(ours)}
    assert english == chinese
    codes = {f"errors.{code}" for _, _, code in _CASES.values()}
    assert codes <= english
