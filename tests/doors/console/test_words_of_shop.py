"""What a marketer reads: facts, marks, files and faults in the words of a shop, not of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.console.inside import Person, a_house, action, hidden, reopened, text_of, told
from tests.doors.console.test_imports import dropped
from tests.doors.http.conftest import AT

from renwei.app.house import House
from renwei.app.work import Job
from renwei.core.errors import Unavailable
from renwei.doors.console import screen
from renwei.doors.console.entry.pages import _pace
from renwei.doors.console.frame import Visit
from renwei.doors.console.kept import is_empty
from renwei.doors.console.live.stroll import EVERY_S, stroll
from renwei.doors.console.today.pages import lines_in

RAW = re.compile(r"\bskin is dry\b|skin 是 dry|做了：answer|did: answer|item 保湿面膜")
WHO = "13800010001"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path) as house:
        yield house


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, empty=True) as house:
        yield house


def answered(house: House, language: str) -> str:
    """The page of somebody who answered the question about skin."""
    owner = Person(house, "owner", language)
    owner.post("/questions", {"fact": "skin"})
    link = house.call("questions link", question="skin", person=WHO, base="http://127.0.0.1")
    form = Person(house, language=language).get(link.path)
    sent = {"choice": "dry", "nonce": hidden(form, "nonce"), "consent": ""}
    version = re.search(r'name="consent" value="([^"]+)"', form.body.decode())
    assert version
    assert Person(house, language=language).post(link.path, {**sent, "consent": version[1]}).status
    return text_of(owner.get(f"/people/{link.path.split('.')[1]}"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("肤质 干性", "本人说：肤质 是 干性", "回答了小问题")),
        ("en", ("Skin Dry", "Told us: Skin is Dry", "Answered a question")),
    ],
)
def test_an_answer_lands_on_the_profile_in_the_readers_words(
    house: House, language: str, words: tuple[str, ...]
) -> None:
    page = answered(house, language)
    assert all(word in page for word in words), page
    assert not RAW.findall(page)


def test_a_fact_of_ones_own_is_shown_as_it_was_written(house: House) -> None:
    owner = Person(house, "owner", "zh")
    person = house.call("person", person=WHO).person
    owner.post(f"/people/{person}/correct", {"name": "生肖", "value": "兔"})
    assert told(owner) == "已记下：生肖：兔。今天的名单马上跟着变。"
    assert "生肖 兔" in text_of(owner.get(f"/people/{person}"))


def test_what_is_not_so_is_said_and_listed_in_words(house: House) -> None:
    owner = Person(house, "owner", "zh")
    person = house.call("person", person=WHO).person
    fields = {"name": "item", "value": "保湿面膜", "remove": "1"}
    owner.post(f"/people/{person}/correct", fields)
    assert told(owner) == "已记下：“会再买 保湿面膜”不对。今天的名单马上跟着变。"
    page = text_of(owner.get(f"/people/{person}"))
    assert "会再买 保湿面膜 不再这么认为" in page
    assert "保湿面膜：预计" not in page, "what she will not buy again is not needed next"
    assert not RAW.findall(page)


@pytest.mark.parametrize(("mark", "word"), [("skip", "跳过了"), ("done", "已联系")])
def test_a_mark_is_told_as_what_it_was(house: House, mark: str, word: str) -> None:
    owner = Person(house, "owner", "zh")
    line = house.call("today").people[0]
    owner.post(f"/today/{line.decision_id}/{mark}", {"text": "你好"})
    page = text_of(owner.get(f"/people/{line.person}"))
    assert f"{word}：" in page
    assert "您在名单上做了标记" not in page


def test_the_sentence_of_a_file_names_what_she_recognises(bare: House) -> None:
    looked = dropped(Person(bare, "owner", "zh"), ("订单.csv", ORDERS.encode("gb18030")))
    said = text_of(looked)
    assert "识别为淘宝、天猫订单 · GBK · 4 行 · 2 位客户" in said
    assert "2026-08-01…2026-09-12 · ¥236.90（已排除 1 单关闭或未付款、0 单全额退款）" in said


def test_a_corrected_file_shows_no_data_of_the_program(bare: House) -> None:
    owner = Person(bare, "owner", "zh")
    looked = dropped(owner, ("订单.csv", ORDERS.encode("gb18030")))
    again = owner.follow(owner.post(action(looked, "/imports/look/"), {"means:收货人姓名": "note"}))
    assert again.status == 200
    assert "{" not in text_of(again)


def test_a_known_file_says_that_nothing_is_new(bare: House) -> None:
    owner = Person(bare, "owner", "zh")
    looked = dropped(owner, ("订单.csv", ORDERS.encode("gb18030")))
    assert "不用再导" not in text_of(looked)
    owner.follow(owner.post(action(looked, "/imports/bring/")))
    assert "不用再导" in text_of(dropped(owner, ("订单.csv", ORDERS.encode("gb18030"))))


@pytest.mark.parametrize(
    "file",
    [("selfie.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 8), ("empty.csv", b"")],
    ids=["a photo", "nothing"],
)
def test_what_is_no_table_is_said_where_the_next_file_is_dropped(
    bare: House, file: tuple[str, bytes]
) -> None:
    answer = dropped(Person(bare, "owner", "zh"), file)
    assert answer.status == 400
    page = answer.body.decode()
    assert 'role="alert"' in page
    assert 'name="files"' in page
    assert file[0] in text_of(answer)
    assert not list((bare.directory / "uploads").glob("*"))


def test_cells_that_would_be_refused_are_named_before_anything_comes_in(bare: House) -> None:
    bad = ORDERS.replace("118.00", "abc")
    looked = dropped(Person(bare, "owner", "zh"), ("订单.csv", bad.encode("gb18030")))
    assert "第 2 行“买家实际支付金额”" in text_of(looked)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("code", ["disk_full", "read_only", "unknown_person", "no_estimates"])
def test_no_fault_of_the_console_asks_for_a_command(house: House, code: str, language: str) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    from starlette.requests import Request

    visit = Visit(Request(scope), house, None, language)
    said = screen.sentence(visit, Unavailable(code, path="/data", name="x", found="?"))
    assert "`" not in said
    assert "--" not in said
    assert "[Errno" not in said
    assert "{" not in said


def test_a_missing_person_leads_to_the_search(house: House) -> None:
    answer = Person(house, "owner").get("/people/p0000000000000")
    assert answer.status == 404
    assert "use the search above" in text_of(answer)


def test_a_part_that_broke_is_one_line_with_an_id(house: House) -> None:
    answer = Person(house, "owner").get("/no-such-part", hx_request="true")
    assert answer.status == 404
    assert answer.body.startswith(b'<p class="told bad"')
    assert answer.headers["x-request-id"] in text_of(answer)


def test_a_pace_is_a_whole_number(house: House) -> None:
    job = Job("j", "import", "", begun=AT, since=AT - timedelta(seconds=7), done=1000, of=9000)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    from starlette.requests import Request

    assert _pace(Visit(Request(scope), house, None, "zh"), job) == 143


def test_a_shop_with_nothing_in_it_shows_where_to_begin_and_learns_nothing(bare: House) -> None:
    assert is_empty(bare)
    page = text_of(Person(bare, "owner", "zh").get("/"))
    assert "把订单表拖进来，或者先看示例店铺" in page
    assert bare.shop().shelf.get("people") is None
    assert "导入订单表" in text_of(Person(bare, "owner", "zh").get("/flow"))
    assert bare.shop().shelf.get("flow") is None


def test_a_shop_with_orders_is_not_empty(house: House) -> None:
    assert not is_empty(house)


def test_the_time_there_is_limits_the_lines_so_that_chance_does_not_fill_them() -> None:
    assert [lines_in(minutes) for minutes in (1, 5, 20, 61)] == [1, 2, 10, 30]


def test_the_address_of_a_question_says_when_customers_cannot_open_it(house: House) -> None:
    owner = Person(house, "owner", "zh")
    owner.post("/questions", {"fact": "skin"})
    assert "只有这台电脑打得开" in text_of(owner.get("/questions/skin"))


def test_nobody_strolls_through_a_shop_of_ones_own(house: House) -> None:
    assert not house.demo
    assert not stroll(house)


def test_in_the_demo_somebody_strolls_while_one_looks(tmp_path: Path) -> None:
    with a_house(tmp_path) as first:
        body = {"import": {"import_id": "", "rejected": [], "warnings": []}}
        first.shop().store.papers.put("label", "demo", body, by="demo", at=AT)
    with reopened(tmp_path) as house:
        assert house.demo
        before = house.shop().store.log.position()
        assert stroll(house)
        assert house.shop().store.log.position() == before + 1
        assert not stroll(house), f"once in {EVERY_S} s"
