from __future__ import annotations

import csv
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.console.inside import Person, a_house, action, hidden, reopened, text_of, told
from tests.doors.http.calls import Answer

from renwei.app.house import House
from renwei.app.uploads import MOST_BYTES, Uploads
from renwei.doors.console.imports.sheet import safe

STRANGE = """Nr,Wer,Was,Stueck,Betrag,Am
1001,anna@example.com,Seife,2,11.80,2026-08-01 20:15:00
1002,bob@example.com,Creme,1,5.99,2026-08-03 21:05:00
1003,anna@example.com,Seife,1,5.90,2026-09-12 20:40:00
"""
MEANING = {
    "means:Nr": "order", "means:Wer": "email", "means:Was": "title", "means:Stueck": "quantity",
    "means:Betrag": "paid", "means:Am": "created",
}  # fmt: skip
HEAD = ORDERS.splitlines()[0]
SOME_BAD = f"""{HEAD}
283742398472398471,小美,13800010001,张小美,=1+1面膜,2,118.00,交易成功,2026-08-01 20:15:00
283742398472398472,阿强,13800010002,李强,=1+1面膜,1,abc,交易成功,2026-08-03 21:05:00
283742398472398473,小鹿,13800010003,陈鹿,防晒霜,1,89.00,交易成功,2026-13-15 09:30:00
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, empty=True) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


def dropped(person: Person, *files: tuple[str, bytes]) -> Answer:
    return person.follow(person.send("/imports", *files))


def brought(person: Person, looked: Answer) -> Answer:
    fields = {
        name: hidden(looked, name)
        for name in re.findall(r'name="(told:[^"]+)"', looked.body.decode())
    }
    return person.follow(person.post(action(looked, "/imports/bring/"), fields))


def waiting(house: House) -> list[Path]:
    return list((house.directory / "uploads").glob("*"))


def orders_of(house: House) -> int:
    return sum(one.added for one in house.call("imports list").imports if one.state == "done")


def test_files_are_looked_at_before_they_come_in_and_can_be_taken_back(
    house: House, owner: Person
) -> None:
    looked = dropped(owner, ("订单.csv", ORDERS.encode("gb18030")))
    assert looked.status == 200
    assert orders_of(house) == 0, "looking stores nothing"
    done = brought(owner, looked)
    assert "Brought in" in text_of(done) or done.status == 200
    assert orders_of(house) == 4
    assert waiting(house) == [], "what came in does not lie about"
    owner.follow(owner.post(action(done, "/imports/i-")))
    assert orders_of(house) == 0


def test_the_same_file_twice_adds_nothing(house: House, owner: Person) -> None:
    for _ in range(2):
        brought(owner, dropped(owner, ("orders.csv", ORDERS.encode())))
    assert [one.added for one in house.call("imports list").imports] == [0, 4]


def test_bringing_in_twice_at_once_is_one_import(house: House, owner: Person) -> None:
    looked = dropped(owner, ("orders.csv", ORDERS.encode()))
    to = action(looked, "/imports/bring/")
    first, second = owner.post(to), owner.post(to)
    assert first.headers["location"] == second.headers["location"]
    assert owner.follow(first).status == 200
    assert len(house.call("imports list").imports) == 1


def test_headers_that_nobody_knows_are_named_by_hand(house: House, owner: Person) -> None:
    strange = dropped(owner, ("bestellungen.csv", STRANGE.encode()))
    assert strange.status == 400
    assert "We do not know these column headings" in text_of(strange)
    looked = owner.follow(owner.post(action(strange, "/imports/look/"), MEANING))
    assert looked.status == 200, text_of(looked)
    assert "€" in text_of(looked) or "23.69" in text_of(looked)
    brought(owner, looked)
    assert orders_of(house) == 3


def test_a_wrong_guess_is_corrected_before_anything_comes_in(house: House, owner: Person) -> None:
    looked = dropped(owner, ("orders.csv", ORDERS.encode()))
    fields = {"means:宝贝标题": "", "was:宝贝标题": "title"}
    again = owner.follow(owner.post(action(looked, "/imports/look/"), fields))
    assert again.status == 200
    assert hidden(again, "told:宝贝标题") == ""
    brought(owner, again)
    assert orders_of(house) == 4


BAD: list[tuple[str, bytes]] = [
    ("nothing.csv", b""),
    ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
    ("locked.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096)),
    ("staff.csv", "姓名,工号,部门\n张三,1,财务\n".encode()),
]


@pytest.mark.parametrize(("name", "data"), BAD, ids=[name for name, _ in BAD])
def test_a_file_that_is_no_order_table_is_told_in_one_sentence(
    house: House, owner: Person, name: str, data: bytes
) -> None:
    answer = dropped(owner, (name, data))
    assert answer.status == 400
    assert name in text_of(answer)
    assert "Traceback" not in text_of(answer)
    assert house.call("imports list").imports == []


def test_a_bomb_is_not_unpacked(house: House, owner: Person) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", b"0" * (64 << 20))
    answer = dropped(owner, ("orders.zip", out.getvalue()))
    assert answer.status == 400
    assert waiting(house) == []


@pytest.mark.parametrize("name", ["../../evil.csv", "..\\evil.csv", "/etc/evil.csv", ".."])
def test_a_name_leads_nowhere_else(house: House, owner: Person, name: str) -> None:
    before = set(house.directory.parent.rglob("*evil*"))
    dropped(owner, (name, ORDERS.encode()))
    outside = set(house.directory.parent.rglob("*evil*")) - before
    assert all(path.is_relative_to(house.directory / "uploads") for path in outside)


def test_no_file_at_all_is_said(owner: Person) -> None:
    assert owner.send("/imports").status == 400


def test_too_much_is_refused_before_it_is_read(house: House, owner: Person) -> None:
    answer = owner.raw("/imports", {"csrf": owner.csrf}, content_length=str(MOST_BYTES * 2))
    assert answer.status == 413
    assert "512" in text_of(answer)
    assert waiting(house) == []


def test_a_stranger_sends_nothing_however_large(house: House) -> None:
    stranger = Person(house)
    answer = stranger.send("/imports", ("orders.csv", ORDERS.encode()))
    assert answer.status == 303
    assert waiting(house) == []


def test_what_was_put_away_is_gone(house: House, owner: Person) -> None:
    looked = dropped(owner, ("orders.csv", ORDERS.encode()))
    owner.post(action(looked, "/imports/drop/"))
    assert waiting(house) == []
    assert owner.post(action(looked, "/imports/bring/")).status == 404


def test_refused_rows_are_mended_in_a_spreadsheet_and_come_in(house: House, owner: Person) -> None:
    done = brought(owner, dropped(owner, ("orders.csv", SOME_BAD.encode())))
    assert orders_of(house) == 1
    name = house.call("imports list").imports[0].import_id
    page = owner.get(f"/imports/{name}")
    assert "abc" in text_of(page)
    sheet = owner.get(f"/imports/{name}/refused.csv").body.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sheet)))
    assert rows[0][:-1] == HEAD.split(",")
    assert {row[0] for row in rows[1:]} == {"'283742398472398472", "'283742398472398473"}
    assert not any(cell[:1] in "=+@" for row in rows for cell in row if cell)
    mended = sheet.replace(",abc,", ",59.90,").replace("2026-13-15", "2026-09-15")
    answer = owner.send(f"/imports/{name}/replay", ("mended.csv", mended.encode()), name="file")
    owner.follow(answer)
    shown = house.call("imports show", import_id=name)
    assert shown.refused == []
    assert house.call("health").orders == 3
    assert waiting(house) == []
    assert done.status == 200


def test_replaying_the_rows_as_they_are_says_how_many_are_left(house: House, owner: Person) -> None:
    brought(owner, dropped(owner, ("orders.csv", SOME_BAD.encode())))
    name = house.call("imports list").imports[0].import_id
    answer = owner.send(f"/imports/{name}/replay", name="file")
    owner.follow(answer)
    assert len(house.call("imports show", import_id=name).refused) == 2


def test_cells_are_safe_in_a_spreadsheet() -> None:
    assert [safe(cell) for cell in ("-5.00", "-cmd", "+8613800010001", "@x", "59.9")] == [
        "-5.00", "'-cmd", "+8613800010001", "'@x", "59.9",
    ]  # fmt: skip


def test_one_import_waits_for_another_and_other_pages_do_not(house: House, owner: Person) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(progress: Any) -> None:
        with house._in_turn(progress):
            begun.set()
            go.wait(30)

    first = house.jobs.start("import", slow)
    assert begun.wait(10)
    try:
        sent = owner.send("/imports", ("orders.csv", ORDERS.encode()))
        to = sent.headers["location"]
        assert "/jobs/" in to
        for _ in range(100):
            page = text_of(owner.get(to))
            if "waits for it" in page:
                break
            threading.Event().wait(0.05)
        assert "waits for it" in page
        assert "under way" in text_of(owner.get("/imports"))
        assert owner.get("/people").status == 200
    finally:
        go.set()
    assert first.ended.wait(10)
    assert owner.follow(sent).status == 200


def test_uploads_are_for_our_eyes_only_and_go_after_an_hour_or_a_restart(
    tmp_path: Path,
) -> None:
    with a_house(tmp_path, empty=True) as house:
        dropped(Person(house, "owner"), ("orders.csv", ORDERS.encode()))
        folder = house.directory / "uploads"
        modes = {path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
        assert modes == {0o700, 0o600}
        assert Uploads(house.directory).sweep(house.clock.now()) == 0
    with reopened(tmp_path) as house:
        assert waiting(house) == []


def test_a_message_after_undoing_says_what_was_taken_back(house: House, owner: Person) -> None:
    done = brought(owner, dropped(owner, ("orders.csv", ORDERS.encode())))
    answer = owner.post(action(done, "/imports/i-"))
    for _ in range(3):
        found = re.match(r"/jobs/([^?]+)", answer.headers["location"])
        if found:
            job = house.jobs.get(found[1])
            assert job
            assert job.ended.wait(60)
        if "told" in owner.cookies:
            break
        answer = owner.get(answer.headers["location"])
    assert "4" in told(owner)
