"""Every number equals a pivot made by hand of the imported file, to the cent."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.report.desks import Desk, figure

from renwei.app.demo import ZONE, generate, write_demo
from renwei.app.demo import Shop as Made
from renwei.collect.answers import ImportRequest
from renwei.collect.operations import bring
from renwei.core.shop import Settings

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/orders"
PAID = ("交易成功", "卖家已发货，等待买家确认", "买家已付款，等待卖家发货")
UNTIL = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def imported(desk: Desk, paths: list[Path], at: datetime) -> None:
    desk.clock.at = at
    bring(desk.shop, ImportRequest(files=paths))
    paper = desk.store.papers.get("setting", "shop")
    told = dict(paper.body) if paper else {}
    desk.shop = replace(desk.shop, settings=replace(Settings(zone="Asia/Shanghai"), **told))


def whole(desk: Desk, metric: str, **fields: Any) -> Any:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    return desk.rows(metric, since, desk.clock.at, limit=100_000, **fields)


def cents(text: str) -> int:
    return int(Decimal(text.replace(",", "")) * 100)


def day_of(text: str) -> str:
    return text[:10]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data: orders")
def test_the_taobao_export_pivots_to_the_same_days(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    names = ["ExportOrderList_taobao.csv", "ExportOrderDetailList_taobao.csv"]
    imported(desk, [SHARED / name for name in names], datetime(2026, 11, 20, tzinfo=UTC))
    expected = json.loads((SHARED / "expected.json").read_text("utf-8"))["taobao"]
    revenue = whole(desk, "revenue")
    assert revenue.value == expected["revenue_minor"]
    assert revenue.orders == expected["orders"]
    assert revenue.units == expected["units"]
    assert revenue.people == expected["customers"]
    assert whole(desk, "refunded_orders").value == expected["refunded"]
    assert whole(desk, "not_counted").value == expected["closed_or_unpaid"]

    text = (SHARED / names[0]).read_bytes().decode("gb18030")
    table = list(csv.DictReader(io.StringIO(text)))
    by_day: dict[str, int] = defaultdict(int)
    count: Counter[str] = Counter()
    for row in table:
        if row["订单状态"] in PAID:
            by_day[day_of(row["订单创建时间"])] += cents(row["买家实际支付金额"])
            count[day_of(row["订单创建时间"])] += 1
    assert sum(by_day.values()) == expected["revenue_minor"]
    for day in sorted(by_day)[::40]:
        answer = desk.report(day=day)
        assert figure(answer, "revenue").value == by_day[day]
        assert figure(answer, "orders").value == count[day]
        rows = desk.behind(figure(answer, "revenue").rows)
        numbers = {row.number for row in rows.rows}
        assert numbers == {
            row["订单编号"].strip('="')
            for row in table
            if row["订单状态"] in PAID and day_of(row["订单创建时间"]) == day
        }
    desk.store.close()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data: orders")
def test_the_shopify_export_pivots_to_the_same_weeks(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    imported(desk, [SHARED / "orders_export_shopify.csv"], datetime(2026, 11, 20, tzinfo=UTC))
    expected = json.loads((SHARED / "expected.json").read_text("utf-8"))["shopify"]
    assert whole(desk, "revenue").value == expected["revenue_minor"]
    with (SHARED / "orders_export_shopify.csv").open(encoding="utf-8", newline="") as file:
        heads = [row for row in csv.DictReader(file) if row["Financial Status"]]
    weeks: dict[str, int] = defaultdict(int)
    for row in heads:
        if row["Financial Status"] in ("paid", "partially_refunded"):
            day = datetime.fromisoformat(row["Created at"][:10])
            weeks[(day - timedelta(days=day.weekday())).date().isoformat()] += cents(row["Total"])
    assert sum(weeks.values()) == expected["revenue_minor"]
    for week in sorted(weeks)[::12]:
        answer = desk.report(period="week", day=week)
        assert figure(answer, "revenue").value == weeks[week]
    desk.store.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Made]]:
    folder = tmp_path_factory.mktemp("demo")
    desk = Desk(folder)
    imported(desk, write_demo(folder / "files", until=UNTIL), UNTIL)
    yield desk, generate(until=UNTIL)
    desk.store.close()


def begin(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ZONE)


@pytest.mark.slow
def test_the_demo_pivots_by_day_channel_category_product_and_buyer(
    demo: tuple[Desk, Made],
) -> None:
    desk, made = demo
    counted = [order for order in made.orders if order.counted]
    assert whole(desk, "revenue").value == sum(order.total_minor for order in counted)
    assert whole(desk, "refunded").value == sum(order.refunded_minor for order in counted)
    days = sorted({f"{order.at:%Y-%m-%d}" for order in counted})
    for day in (days[-2], days[-40], days[-300]):
        mine = [order for order in counted if f"{order.at:%Y-%m-%d}" == day]
        answer = desk.report(day=day)
        assert figure(answer, "revenue").value == sum(order.total_minor for order in mine)
        assert figure(answer, "aov").value == pytest.approx(
            sum(order.total_minor for order in mine) / len(mine)
        )
        pivot: dict[str, int] = defaultdict(int)
        for order in mine:
            pivot["place:" + ("shopify" if order.web else "taobao")] += order.total_minor
            for k, (product, quantity) in enumerate(order.lines):
                if k != order.spoiled_line:
                    pivot["goods"] += product.price_minor * quantity
        span = {"since": begin(day), "until": begin(day) + timedelta(days=1)}
        by_dimension: dict[str, int] = defaultdict(int)
        for group in _groups(desk, answer):
            rows = desk.rows("revenue", **span, group=group, limit=10_000)
            assert rows.amount == sum(row.amount for row in rows.rows)
            by_dimension[group.partition(":")[0]] += rows.amount
        total = figure(answer, "revenue").value
        assert by_dimension == dict.fromkeys(("place", "buyer", "category"), total)
        platforms = desk.rows("revenue", **span, limit=10_000).rows
        for platform in ("taobao", "shopify"):
            own = sum(row.amount for row in platforms if row.platform == platform)
            assert own == pivot[f"place:{platform}"]
        rest = desk.rows("revenue", **span, group="category:(rest)").amount
        assert total - rest == pivot["goods"]


def _groups(desk: Desk, answer: Any) -> list[str]:
    """Every channel, kind of buyer and category there is."""
    categories = {item.category for item in desk.store.items.all_items("product")}
    places = {one.group for one in answer.causes if one.dimension == "place"}
    return [
        *(f"place:{place}" for place in sorted(places)),
        *(f"buyer:{kind}" for kind in ("new", "returning", "unnamed")),
        *(f"category:{name}" for name in sorted(categories)),
        "category:(rest)",
    ]


@pytest.mark.slow
def test_every_number_of_the_demo_is_what_its_rows_say(demo: tuple[Desk, Made]) -> None:
    desk, _ = demo
    for asked in ({"day": "2026-11-11"}, {"period": "week", "day": "2026-10-20"}, {}):
        answer = desk.report(**asked)
        for one in answer.figures:
            rows = desk.behind(one.rows)
            assert rows.value == pytest.approx(one.value), one.metric
            assert sum(row.amount for row in rows.rows) == rows.amount
            assert len(rows.rows) == rows.orders
        for cause in answer.causes:
            rows = desk.behind(cause.rows)
            assert rows.amount == cause.value, (cause.dimension, cause.group)
        for point in answer.series[-3:]:
            assert desk.behind(point.rows).value == point.orders


@pytest.mark.slow
def test_rows_name_the_line_of_the_file_they_stand_in(
    demo: tuple[Desk, Made], tmp_path: Path
) -> None:
    desk, made = demo
    rows = desk.behind(figure(desk.report(day="2026-11-11"), "orders").rows)
    numbers = {order.number for order in made.orders}
    named = [row for row in rows.rows if row.platform == "taobao" and row.number]
    assert len(named) > 5
    assert {row.number for row in named} <= numbers
    write_demo(tmp_path, until=UNTIL)
    lines = (tmp_path / "demo_ExportOrderList.csv").read_bytes().decode("gbk").split("\r\n")
    assert all(row.number in lines[row.file_row - 1] for row in named)
