from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from tests.collect.catalogues import catalogue, do, events, item

from renwei.core.errors import BadInput, NotATable, UnknownName
from renwei.core.shop import Shop

CHINESE = """商品编码,商品名称,类目,售价,库存,是否上架,标签,品牌,主图,属性:颜色,备注列
A1,面霜 <50ml>,护肤,¥59.90,12,上架,"新品,热卖",玉兰,https://shop.example/a1.jpg,白,x
A2,"面膜, 5 片",护肤,"1,280.00",0,下架,,,,,
A3,没有价格,,,,,,,,,
,没有编码,护肤,5,1,上架,,,,,
A5,价格错,护肤,便宜,1,上架,,,,,
A6,图片错,护肤,5,1,上架,,,javascript:x,,
A1,面霜(新),护肤,49.90,12,上架,,,,,
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with catalogue(tmp_path) as shop:
        yield shop


def bring(shop: Shop, file: Path, **fields: Any) -> Any:
    return do(shop, "items import", file=str(file), **fields)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_chinese_table_comes_in_and_bad_rows_are_named(
    shop: Shop, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "items.csv").write_text(CHINESE, encoding=encoding)
    answer = bring(shop, tmp_path / "items.csv")
    assert (answer.rows, answer.stored, answer.new, answer.refused, answer.again) == (7, 3, 3, 3, 1)
    assert [(one.row, one.field, one.code) for one in answer.refused_rows] == [
        (5, "id", "item_no_id"),
        (6, "price", "item_bad_price"),
        (7, "image", "item_bad_link"),
    ]
    assert answer.unused == ["备注列"]
    assert answer.columns["属性:颜色"] == "attributes.颜色"
    first, second = item(shop, "A1"), item(shop, "A2")
    assert (first.title, first.price_minor) == ("面霜(新)", 4990)
    assert (second.title, second.price_minor, second.facts["stock"]) == ("面膜, 5 片", 128000, 0)
    assert second.facts["available"] is False
    assert item(shop, "A3").price_minor == 0


def test_a_workbook_with_a_heading_above_its_header_comes_in(shop: Shop, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["2026 商品导出"], ["SKU", "Title", "Price", "Stock"], ["0012", "Cream", 59.9, 3]):
        sheet.append(row)
    book.save(tmp_path / "items.xlsx")
    assert bring(shop, tmp_path / "items.xlsx").stored == 1
    kept = item(shop, "0012")
    assert (kept.title, kept.price_minor, kept.facts["stock"]) == ("Cream", 5990, 3)


def test_json_lines_keep_their_types(shop: Shop, tmp_path: Path) -> None:
    lines = [
        {"id": "s1", "kind": "song", "title": "夜曲", "artist": "A", "tags": ["慢"], "stock": None},
        {"id": "s2", "attributes": {"bpm": 120, "live": True, "code": "007"}, "available": False},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (tmp_path / "items.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert bring(shop, tmp_path / "items.jsonl.gz", kind="").stored == 2
    song, other = item(shop, "s1", "song"), item(shop, "s2")
    assert (song.facts["artist"], song.facts["tags"]) == ("A", ["慢"])
    assert other.facts["attributes"] == {"bpm": 120, "live": True, "code": "007"}
    assert other.facts["available"] is False


def test_the_same_file_again_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("id,price,stock\nA,5,1\nB,6,2\n", encoding="utf-8")
    bring(shop, tmp_path / "items.csv")
    position = shop.store.log.position()
    answer = bring(shop, tmp_path / "items.csv")
    assert (answer.unchanged, answer.new) == (2, 0)
    assert shop.store.log.position() == position
    assert {event.source for event in events(shop, "price", "stock")} == {"import:items"}


def test_a_column_can_be_told_what_it_means(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("Nr,Preis,Farbe\nA,5,rot\n", encoding="utf-8")
    with pytest.raises(NotATable) as fault:
        bring(shop, tmp_path / "items.csv")
    assert fault.value.code == "no_items_in_table"
    told = ["Nr=id", "Preis=price", "Farbe=attributes.Farbe"]
    bring(shop, tmp_path / "items.csv", columns=told)
    kept = item(shop, "A")
    assert (kept.price_minor, kept.facts["attributes"]) == (500, {"Farbe": "rot"})
    with pytest.raises(UnknownName) as unknown:
        bring(shop, tmp_path / "items.csv", columns=["Nr=idd"])
    assert unknown.value.values["suggestion"] == "id"


def test_a_partial_file_changes_only_its_columns(shop: Shop, tmp_path: Path) -> None:
    do(shop, "items put", id="A", title="面霜", price="9", brand="玉兰")
    (tmp_path / "stock.csv").write_text("货号,库存\nA,0\nB,1\n", encoding="utf-8")
    answer = bring(shop, tmp_path / "stock.csv", partial=True)
    assert (answer.changed, answer.refused) == (1, 1)
    assert item(shop, "A").facts["brand"] == "玉兰"
    assert item(shop, "A").facts["stock"] == 0


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"just words\n", b"%PDF-1.4 ..."])
def test_what_is_no_table_is_refused_in_words(shop: Shop, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "items.csv").write_bytes(content)
    with pytest.raises(BadInput):
        bring(shop, tmp_path / "items.csv")
    with pytest.raises(BadInput):
        bring(shop, tmp_path / "nothing.csv")
