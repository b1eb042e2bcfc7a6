"""A shop's morning, end to end: a file goes in, a list comes out, the human works it off."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from renwei.app.build import open_shop, operations
from renwei.core.chance import u
from renwei.core.clock import Frozen
from renwei.core.shop import Shop

MORNING = datetime(2026, 6, 1, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)
SHELF = [
    f"{what} {size}"
    for what in ("洁面乳", "面膜", "精华", "面霜", "防晒", "护手霜")
    for size in ("小", "大")
]


def orders(people: int = 320) -> Iterator[list[str]]:
    """Customers with a favourite that they buy again in a rhythm of their own."""
    number = 10_000
    for person in range(people):
        rhythm = 25 + 45 * u(person, "rhythm")
        favourite = int(u(person, "favourite") * len(SHELF))
        ago = rhythm * 2.2 * u(person, "since")
        for k in range(1 + int(7 * u(person, "orders"))):
            number += 1
            at = MORNING - timedelta(days=ago + k * rhythm * (0.9 + 0.2 * u(person, f"wobble{k}")))
            phone = f"1380{person:07d}"
            yield row(number, at, f"小客{person}", phone, SHELF[favourite], 1 + person % 2)


def row(number: int, at: datetime, nick: str, phone: str, title: str, n: int) -> list[str]:
    paid = f"{59 * n}.00"
    return [str(number), nick, phone, title, str(n), paid, f"{at:%Y-%m-%d %H:%M:%S}", "交易成功"]


HEADER = ["订单编号", "买家昵称", "手机号", "商品名称", "数量", "实付金额", "下单时间", "订单状态"]


def write(path: Path, rows: Iterator[list[str]] | list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    with open_shop(tmp_path / "店", language="zh", clock=Frozen(MORNING), child=True) as made:
        bring(made, write(tmp_path / "订单.csv", orders()))
        yield made


def bring(shop: Shop, path: Path) -> Any:
    return call(shop, "import", files=[path])


def call(shop: Shop, name: str, **asked: Any) -> Any:
    operation = operations()[name]
    return operation.call(shop, operation.request(**asked))


@pytest.mark.slow
def test_the_owner_reads_whom_to_write_to_and_works_the_list_off(shop: Shop) -> None:
    morning = call(shop, "today", limit=30)
    assert 20 <= len(morning.people) <= 30
    for line in morning.people:
        assert line.name.startswith("小客")
        assert line.consent.endswith("先问一声")
        assert line.reasons[0].text.endswith("。")
        assert line.expected_value_minor.low <= line.expected_value_minor.value
    assert any("回购" in line.reasons[0].text for line in morning.people)

    first, second, third = morning.people[:3]
    call(shop, "done", decision=first.decision_id, text="小客你好，还够用吗？")
    call(shop, "skip", decision=second.decision_id)
    call(shop, "snooze", decision=third.decision_id, days=5)

    later = call(shop, "today", limit=12)
    left = [line.person for line in later.people]
    assert not {first.person, second.person, third.person} & set(left)

    told = call(shop, "why", decision=first.decision_id)
    assert told.replays
    assert told.mark == "done"
    missed = call(shop, "today", why_not=second.person)
    assert "30 天内跳过了。" in [reason.text for reason in missed.why_not.reasons]


RETAIL = Path(__file__).resolve().parents[2] / "../shared/data/online_retail/online_retail.csv.gz"


@pytest.mark.slow
@pytest.mark.skipif(not RETAIL.exists(), reason="shared/data/online_retail is not here")
def test_a_wholesaler_nobody_agreed_with_still_has_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    at = datetime(2011, 11, 9, 12, tzinfo=UTC)
    with open_shop(tmp_path / "shop", child=True) as shop:
        bring(shop, RETAIL)
        answer = call(shop, "today", at=at, limit=20)
        assert 15 <= len(answer.people) <= 20
        assert {line.consent for line in answer.people} == {"permission unknown: ask first"}
        assert "offer" not in {line.kind for line in answer.people}
        shares = Counter(line.what for line in answer.people)
        assert max(shares.values()) <= len(answer.people) / 5
        titles = {line.item.title.casefold() for line in answer.people if line.item}
        assert not titles & {"postage", "manual", "carriage", "dotcom postage", "cruk commission"}
        for line in answer.people:
            worth = line.expected_value_minor
            assert 0 <= worth.low <= worth.value <= worth.high
            assert call(shop, "why", decision=line.decision_id).replays


@pytest.mark.slow
def test_an_order_that_came_in_overnight_changes_that_line(shop: Shop, tmp_path: Path) -> None:
    morning = call(shop, "today", limit=30)
    line = next(line for line in morning.people if line.kind == "need")
    phone = f"1380{int(line.name.removeprefix('小客')):07d}"
    bought = row(99_999, MORNING - timedelta(hours=6), line.name, phone, line.item.title, 1)
    bring(shop, write(tmp_path / "新.csv", [bought]))
    again = call(shop, "today", limit=30, why_not=line.person)
    now = [x for x in again.people if x.person == line.person]
    assert not now or (now[0].what, now[0].kind) != (line.what, line.kind)
    assert len({x.person for x in again.people} & {x.person for x in morning.people}) >= 20


@pytest.mark.slow
def test_a_list_from_stored_estimates_loads_no_library_of_learning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    with open_shop(tmp_path / "店", clock=Frozen(MORNING), child=True) as made:
        bring(made, write(tmp_path / "订单.csv", orders(60)))
        call(made, "learn", at=MORNING)
    words = ["today", "--at", MORNING.isoformat(), "--json", "--data", str(tmp_path / "店")]
    code = f"""
import atexit, sys
from renwei.doors.cli.main import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main({words!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["people"]
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert {"renwei", "numpy"} <= loaded
    assert {"lightgbm", "sklearn", "scipy", "pandas", "duckdb", "openpyxl"} & loaded == set()


@pytest.mark.slow
def test_a_forgotten_person_is_gone_from_the_list_and_the_list_goes_on(shop: Shop) -> None:
    morning = call(shop, "today", limit=12)
    gone = morning.people[0]
    call(shop, "forget", person=gone.person)
    assert gone.name not in [line.name for line in call(shop, "today", limit=12).people]
    assert call(shop, "why", decision=morning.people[1].decision_id).replays
