from __future__ import annotations

import csv
import gzip
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from renwei.app.build import open_shop
from renwei.collect.answers import ImportRequest
from renwei.collect.operations import bring
from renwei.collect.refused import refused_of
from renwei.core.clock import Frozen
from renwei.core.errors import BadInput, Refused, UnknownName
from renwei.core.nouns import Decision, Reason
from renwei.core.shop import Shop
from renwei.people.handing import safe_cell
from renwei.people.learning import Learn, learn
from renwei.people.rights import (
    ExportPersonRequest,
    ExportRequest,
    ForgetRequest,
    export,
    export_person,
    forget,
)

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
PHONE, EMAIL, NAME = "13912345678", "mei.zhang@example.com", "张小梅花"
ADDRESS, NICK = "杭州市西湖区文三路 99 号", "小梅爱生活77"
NUMBERS = ("3120000006344114516", "3120000006344114999")
TEXTS = (PHONE, EMAIL, NAME, ADDRESS, NICK, *NUMBERS)

HEADER = "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,买家留言,收货人姓名,收货地址,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝总数量,店铺名称,退款金额"


def write_orders(path: Path) -> Path:
    rows = [HEADER.split(",")]
    mine = [NICK, EMAIL, "99.90", "0", "99.90", "99.90", "交易成功", "请放门口", NAME, ADDRESS]
    for number, day in zip(NUMBERS, ("03", "21"), strict=True):
        when = f"2026-05-{day} 10:00:00"
        rows.append([number, *mine, PHONE, when, when, "氨基酸洁面乳", "1", "人味小铺", "0.00"])
    for k in range(30):
        when = f"2026-04-{k % 28 + 1:02d} 11:00:00"
        other = [f"客人{k}", f"guest{k}@example.org", *mine[2:7], "", f"李客{k}", f"北京市路{k}号"]
        rows.append([f"31299990000000{k:05d}", *other, f"1770000{k:04d}", when, when, "面霜", "1", "人味小铺", "0"])  # fmt: skip
    # A row of the same person that cannot come in: kept, sealed, and to be forgotten too.
    bad = [NICK, EMAIL, "99.90", "0", "很多钱", "很多钱", "交易成功", "", NAME, ADDRESS, PHONE]
    rows.append([NUMBERS[1] + "7", *bad, "昨天某时", "昨天某时", "面霜", "1", "人味小铺", "0"])
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    return tmp_path / "shop"


def opened(place: Path) -> Any:
    return open_shop(place, clock=Frozen(NOW), child=True)


def standing(place: Path, *, write: bool = True) -> Any:
    """As a command opens it: what older files brought back is cleared first."""
    return open_shop(place, clock=Frozen(NOW), write=write)


def filled(shop: Shop, folder: Path) -> None:
    bring(shop, ImportRequest(files=[write_orders(folder / "orders.csv")]))
    decide(shop)


def decide(shop: Shop) -> None:
    person = shop.store.people.search(PHONE)[0]
    reason = Reason("bought_before", {"times": 2}, (1,))
    shop.store.ledger.record(
        Decision(
            id="01a1f78a-5300-76d9-b2b6-1d5b683246ae", surface="today", person=person, at=NOW,
            unit=person, salt="today", items=(1,), scores=(10,), sources=("needs",),
            codes=("bought_before",), removed=(), chosen=(1,), odds=(1.0,), policy="best@1",
            reasons=(reason,),
        )
    )  # fmt: skip


def everything(place: Path, shop: Shop | None) -> Iterator[tuple[str, bytes]]:
    """Every byte of a workspace: files raw and unpacked, table cells, and all that opens."""
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        data = path.read_bytes()
        yield path.name, data
        for unpack in (gzip.decompress, zlib.decompress):
            with suppress(OSError, zlib.error, EOFError):
                yield f"{path.name} unpacked", unpack(data)
        if path.suffix == ".parquet":
            yield from parquet(path)
        if path.suffix == ".db":
            yield from cells(path)
    if shop is not None:
        yield from unsealed(shop)


def parquet(path: Path) -> Iterator[tuple[str, bytes]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    yield f"{path.name} rows", repr(table.to_pylist()).encode()
    yield f"{path.name} footer", repr(pq.read_metadata(path).to_dict()).encode()


def cells(path: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        master = "select name from sqlite_master where type = 'table'"
        tables = [name for (name,) in connection.execute(master).fetchall()]
        found = [
            (table, cell)
            for table in tables
            for row in connection.execute(f'select * from "{table}"')
            for cell in row
        ]
    for table, cell in found:
        data = cell if isinstance(cell, bytes) else str(cell).encode()
        yield f"{path.name}:{table}", data
        with suppress(msgspec.DecodeError, ValueError):
            yield f"{path.name}:{table} decoded", str(msgspec.msgpack.decode(data)).encode()


def unsealed(shop: Shop) -> Iterator[tuple[str, bytes]]:
    """What the master key still opens, whoever it belonged to."""
    store: Any = shop.store
    for name in store.blobs.names():
        data = store.blobs.get(name) or b""
        yield f"blob {name}", data
        for unpack in (gzip.decompress, zlib.decompress):
            with suppress(OSError, zlib.error, EOFError):
                yield f"blob {name} unpacked", unpack(data)
    with suppress(sqlite3.Error):
        rows = store._state_db.rows("select actor from actors")
        for _, name, text in store._people._vault.open([row[0] for row in rows]):
            yield f"vault {name}", text.encode()
    for event in store.log.read():
        yield "event", repr(event).encode()
    for decision in store.ledger.between(NOW - timedelta(days=999), NOW + timedelta(days=9)):
        yield "decision", repr(decision).encode()


def traces(place: Path, shop: Shop | None, texts: tuple[str, ...] = TEXTS) -> dict[str, list[str]]:
    """Where each text is found, in the encodings it could hide in."""
    found: dict[str, list[str]] = {text: [] for text in texts}
    for where, data in everything(place, shop):
        for text in texts:
            forms = {text.encode(), text.encode("gb18030"), text.encode("utf-16-le")}
            forms.add(json.dumps(text)[1:-1].encode())
            if any(form in data for form in forms):
                found[text].append(where)
    return found


def test_the_search_for_traces_finds_everything_before_and_nothing_after(
    place: Path, tmp_path: Path
) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        learn(shop, Learn(at=NOW))
        before = traces(place, shop)
        assert all(before.values()), before
        assert any("blob" in where for where in before[NAME])
        total = sum(e.value_minor for e in shop.store.log.read(kinds=("order",)))
        receipt = forget(shop, ForgetRequest(person=PHONE))
        after = traces(place, shop)
        assert not any(after.values()), after
        assert sum(e.value_minor for e in shop.store.log.read(kinds=("order",))) == total
        assert receipt.counts["events"] == 2
        assert receipt.counts["decisions"] == 1
        assert receipt.counts["refused_rows"] >= 1
        assert receipt.counts["identifiers"] >= 2
        assert receipt.counts["texts"] >= 3
        assert receipt.counts["estimates"] >= 1
    assert not any(traces(place, None).values())
    assert not any(traces(tmp_path / "keys", None).values())


def test_the_orders_of_the_forgotten_are_held_by_nobody(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        person = shop.store.people.search(PHONE)[0]
        forget(shop, ForgetRequest(person=PHONE))
        held = [e.actor for e in shop.store.log.read(kinds=("order",))]
        assert held.count(0) == 2
        assert person not in shop.store.people.all_persons()
        learn(shop, Learn(at=NOW))
        columns = shop.shelf.get("people")
        assert columns is not None
        assert person not in columns.columns["person"].tolist()


@pytest.mark.parametrize("text", [PHONE, EMAIL, NICK, "+86" + PHONE])
def test_afterwards_nobody_goes_by_any_of_their_identifiers(
    place: Path, tmp_path: Path, text: str
) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        assert export_person(shop, ExportPersonRequest(person=text)).data["texts"]
        forget(shop, ForgetRequest(person=PHONE))
        with pytest.raises(UnknownName):
            export_person(shop, ExportPersonRequest(person=text))


def test_a_full_export_holds_the_person_before_and_not_after(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        export(shop, ExportRequest(all=True, out=tmp_path / "before"))
        assert all(traces(tmp_path / "before", None).values())
        forget(shop, ForgetRequest(person=PHONE))
        told = export(shop, ExportRequest(all=True, out=tmp_path / "after"))
        assert not any(traces(tmp_path / "after", None).values())
        assert told.rows["orders"] == 32


def test_importing_again_does_not_bring_the_person_back(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        forget(shop, ForgetRequest(person=PHONE))
        people = len(shop.store.people.all_persons())
        bring(shop, ImportRequest(files=[tmp_path / "orders.csv"]))
        assert len(shop.store.people.all_persons()) == people
        assert shop.store.people.search(PHONE) == []
        assert [e.actor for e in shop.store.log.read(kinds=("order",))].count(0) == 2


@pytest.mark.parametrize(
    "back", [("state.db", "log.db"), ("blobs",), ("state.db", "log.db", "blobs"), ()]
)
@pytest.mark.parametrize("write", [True, False])
def test_a_restored_backup_does_not_bring_the_person_back(
    place: Path, tmp_path: Path, back: tuple[str, ...], write: bool
) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        assert shop.store.blobs.names("imports/")
    shutil.copytree(place, tmp_path / "backup")
    with standing(place) as shop:
        forget(shop, ForgetRequest(person=PHONE))
    put_back(tmp_path / "backup", place, back)
    with standing(place, write=write) as shop:
        assert shop.store.people.search(PHONE) == []
        assert [e.actor for e in shop.store.log.read(kinds=("order",))].count(0) == 2
        assert not any(traces(place, shop).values())


def put_back(backup: Path, place: Path, names: tuple[str, ...]) -> None:
    """Put older files in place of these, or of the whole directory."""
    if not names:
        shutil.rmtree(place)
        shutil.copytree(backup, place)
    for name in names:
        for path in [*place.glob(f"{name}*"), *backup.glob(f"{name}*")]:
            if path.is_relative_to(backup):
                copy = shutil.copytree if path.is_dir() else shutil.copy2
                copy(path, place / path.name)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def test_opening_looks_again_only_where_something_changed(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        assert shop.store.is_clean(), "nobody was forgotten: nothing to look for"
    with standing(place) as shop:
        forget(shop, ForgetRequest(person=PHONE))
        assert not shop.store.is_clean()
    with standing(place, write=False) as shop:
        assert shop.store.is_clean()
    with standing(place) as shop:
        shop.store.blobs.put("imports/i-20260601-1/claims", b"")
        assert not shop.store.is_clean()


def test_refused_rows_of_others_who_live_at_the_same_address_stay(
    place: Path, tmp_path: Path
) -> None:
    path = write_orders(tmp_path / "orders.csv")
    text = path.read_text("gb18030")
    lines = text.splitlines()
    bad = lines[-1].replace(NAME, "李雷雷").replace(PHONE, "17755556666").replace(NICK, "雷雷66")
    bad = bad.replace(EMAIL, "lei@example.org").replace(NUMBERS[1] + "7", "3120000006344119999")
    good = bad.replace("很多钱", "9.90").replace("昨天某时", "2026-05-01 10:00:00")
    good = good.replace("3120000006344119999", "3120000006344118888")
    path.write_text("\n".join([*lines, bad, good]) + "\n", "gb18030")
    with opened(place) as shop:
        import_id = bring(shop, ImportRequest(files=[path])).import_id
        assert len(shop.store.people.search("17755556666")) == 1
        forget(shop, ForgetRequest(person=PHONE))
        left = refused_of(shop.store.blobs, import_id).refused
        assert {row.cells[0] for row in left} == {"3120000006344119999"}


def test_a_forgetting_that_broke_off_before_the_tombstones_is_run_again(
    place: Path, tmp_path: Path
) -> None:
    def stops(shop: Shop, texts: Any) -> int:
        raise OSError("the power went")

    with opened(place) as shop:
        filled(shop, tmp_path)
        working = shop.scrubbers
        shop.scrubbers = (*working, stops)
        with pytest.raises(OSError, match="the power went"):
            forget(shop, ForgetRequest(person=PHONE))
        assert shop.store.people.search(PHONE)
        shop.scrubbers = working
        forget(shop, ForgetRequest(person=PHONE))
        assert not any(traces(place, shop).values())


def test_a_forgetting_that_broke_off_after_the_tombstones_is_finished_on_open(
    place: Path, tmp_path: Path
) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        person = shop.store.people.search(PHONE)[0]
        for scrub in shop.scrubbers:
            scrub(shop, list(TEXTS))
        shop.shelf.drop()
        shop.store.people.forget(person, NOW)  # and no further: log and ledger still know
    with opened(place) as shop:
        assert [e.actor for e in shop.store.log.read(kinds=("order",))].count(0) == 2
        assert not any(traces(place, shop).values())
        assert shop.store.ledger.of([person]) == []


def test_export_person_is_whole_and_readable_in_both_languages(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        told = export_person(shop, ExportPersonRequest(person=PHONE, out=tmp_path / "mei.json"))
        data = json.loads((tmp_path / "mei.json").read_text("utf-8"))
        assert data["texts"] == told.data["texts"]
        assert {e["order"] for e in data["events"]} == set(NUMBERS)
        assert len(data["decisions"]) == 1
        export_person(shop, ExportPersonRequest(person=PHONE, out=tmp_path / "mei.txt"))
        text = (tmp_path / "mei.txt").read_text("utf-8")
    assert "订单号: " + NUMBERS[0] in text
    assert "order number: " + NUMBERS[0] in text
    assert all(known in text for known in (NAME, ADDRESS, EMAIL, "氨基酸洁面乳"))


def test_a_folder_that_is_not_empty_is_left_alone(place: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with opened(place) as shop:
        with pytest.raises(Refused):
            export(shop, ExportRequest(all=True, out=tmp_path / "out"))
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]
        export(shop, ExportRequest(all=True, out=tmp_path / "out", yes=True))
        assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
        assert (tmp_path / "out" / "orders.csv").exists()


@pytest.mark.parametrize(("ask", "code"), [({}, "export_what"), ({"all": True}, "export_where")])
def test_an_export_says_what_is_missing(place: Path, ask: dict[str, Any], code: str) -> None:
    with opened(place) as shop, pytest.raises(BadInput) as caught:
        export(shop, ExportRequest(**ask))
    assert caught.value.code == code


def test_csv_rows_match_the_json_lines(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        told = export(shop, ExportRequest(all=True, out=tmp_path / "out"))
    for name, count in told.rows.items():
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            flat = list(csv.DictReader(file))
        whole = (tmp_path / "out" / f"{name}.jsonl").read_text("utf-8").splitlines()
        assert len(flat) == len(whole) == count
        for row, line in zip(flat[:50], whole, strict=False):
            assert set(row) == set(json.loads(line))


@pytest.mark.parametrize("text", ["=1+1", "+86139", "-2", "@SUM(A1)", "\tx", "＝1+1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text


def test_what_is_handed_out_is_for_whoever_asked_alone(place: Path, tmp_path: Path) -> None:
    with opened(place) as shop:
        filled(shop, tmp_path)
        export(shop, ExportRequest(out=tmp_path / "out", all=True))
        export_person(shop, ExportPersonRequest(person=PHONE, out=tmp_path / "mei.json"))
    for path in [tmp_path / "out", *(tmp_path / "out").iterdir(), tmp_path / "mei.json"]:
        assert path.stat().st_mode & 0o077 == 0, path
