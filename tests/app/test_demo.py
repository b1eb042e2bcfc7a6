"""The demo shop: plausible to an owner, and every planted fault is where it says."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from renwei.app.demo import (
    DETAIL_FILE,
    LIST_FILE,
    SHOP,
    WEB_FILE,
    Shop,
    generate,
    planted,
    write_demo,
)
from renwei.app.demo_catalogue import SUMMER, Dice, catalogue
from renwei.app.demo_people import PLACEHOLDER_PHONE, phone_of

UNTIL = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    write_demo(directory, until=UNTIL)
    return directory


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(until=UNTIL)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return planted(folder)


def table(path: Path, encoding: str) -> Rows:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


@pytest.fixture(scope="module")
def orders(folder: Path) -> Rows:
    return table(folder / LIST_FILE, "gbk")


@pytest.fixture(scope="module")
def details(folder: Path) -> Rows:
    return table(folder / DETAIL_FILE, "gbk")


@pytest.fixture(scope="module")
def web(folder: Path) -> Rows:
    return table(folder / WEB_FILE, "utf-8")


def minor(text: str) -> int:
    return round(float(text) * 100)


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path: Path, folder: Path) -> None:
    for path in write_demo(tmp_path, until=UNTIL):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_another_seed_gives_another_shop(tmp_path: Path, folder: Path) -> None:
    write_demo(tmp_path, seed=7, until=UNTIL)
    assert (tmp_path / LIST_FILE).read_bytes() != (folder / LIST_FILE).read_bytes()


def test_an_end_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        write_demo(tmp_path, until=datetime(2026, 11, 20))  # noqa: DTZ001


def test_the_order_files_come_back_ready_to_import(tmp_path: Path) -> None:
    written = write_demo(tmp_path / "new" / "文件夹", until=UNTIL)
    assert [path.name for path in written] == [LIST_FILE, DETAIL_FILE, WEB_FILE]
    assert all(path.stat().st_size > 100_000 for path in written)


@pytest.mark.parametrize("day", ["2026-03-01", "2026-07-15", "2027-01-31"])
def test_no_order_is_later_than_the_end_and_two_years_are_covered(day: str) -> None:
    until = datetime.fromisoformat(day).replace(tzinfo=UTC)
    times = [order.at for order in generate(until=until).orders]
    end = until.replace(tzinfo=None) + timedelta(hours=8)
    assert max(times) <= end
    assert max(times) > end - timedelta(days=1)
    assert timedelta(days=720) < max(times) - min(times) <= timedelta(days=731)


def test_an_owner_would_believe_the_numbers(shop: Shop, truth: dict[str, Any]) -> None:
    assert 3_000 <= truth["people_counted"] <= 3_200
    assert truth["products"] == len({p.code for p in shop.products}) == 190
    months = Counter(f"{o.at:%Y-%m}" for o in shop.orders)
    whole = sorted(months)[1:-1]
    assert len(whole) == 23
    assert all(300 <= months[month] <= 1_500 for month in whole)
    paid = [o.total_minor for o in shop.orders if o.counted]
    assert 8_000 <= sum(paid) / len(paid) <= 30_000


def test_evenings_are_busier_than_mornings(shop: Shop) -> None:
    hours = Counter(o.at.hour for o in shop.orders)
    evening = sum(hours[h] for h in range(19, 24))
    assert evening > 2 * sum(hours[h] for h in range(6, 11))
    assert 0 < sum(hours[h] for h in (0, 1, 2)) < evening


def test_the_files_are_labelled_as_a_demo(orders: Rows, web: Rows) -> None:
    assert {row["店铺名称"] for row in orders} == {SHOP}
    assert {row["Vendor"] for row in web} == {SHOP, ""}
    assert "示例" in SHOP


def test_ids_and_phones_are_written_as_platforms_write_them(orders: Rows, web: Rows) -> None:
    numbers = [row["订单编号"] for row in orders]
    assert all(n.startswith('="3') and n.endswith('"') and len(n) == 22 for n in numbers)
    assert len(set(numbers)) == len(numbers)
    phones = [row["联系手机"] for row in orders]
    assert all(p in {"", "1.74E+10"} or p.startswith("'1") for p in phones)
    assert {row["Currency"] for row in web} == {"CNY", ""}


def test_nobody_real_can_be_disturbed(orders: Rows, web: Rows) -> None:
    for row in orders:
        digits = row["联系手机"].lstrip("'")
        assert digits in ("", "1.74E+10", PLACEHOLDER_PHONE) or digits[:5] in {
            f"1740{k}" for k in range(6)
        }
        account = row["买家支付宝账号"]
        assert account in ("", digits) or account.endswith("@example.com") or account[:4] == "1740"
    assert all(row["Email"].endswith("@example.com") for row in web)


def test_invented_phones_are_valid_and_all_different() -> None:
    import phonenumbers

    numbers = [phone_of(k) for k in range(4_000)]
    assert len(set(numbers)) == len(numbers)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(n, "CN")) for n in numbers[:300])


def test_totals_of_the_market_files_are_the_written_truth(
    orders: Rows, details: Rows, truth: dict[str, Any]
) -> None:
    spoiled = {"abc", "待定", "#REF!", "2025-13-45 99:99:99", "上周二"}
    good = [r for r in orders if not spoiled & {r["买家实际支付金额"], r["订单创建时间"]}]
    counted = [r for r in good if r["订单状态"] != "交易关闭" and r["订单付款时间"]]
    expected = truth["taobao"]
    assert len(counted) == expected["orders"]
    assert sum(minor(r["买家实际支付金额"]) for r in counted) == expected["revenue_minor"]
    assert sum(minor(r["退款金额"]) for r in counted) == expected["refunded_minor"]
    assert sum(not r["订单付款时间"] for r in good) == expected["closed_or_unpaid"]
    whole = [r for r in good if r["订单状态"] == "交易关闭" and r["订单付款时间"]]
    assert len(whole) == expected["refunded"]
    assert all(r["退款金额"] == r["买家实际支付金额"] for r in whole)
    known = {r["订单编号"] for r in counted}
    quantities = [r["购买数量"] for r in details if r["订单编号"] in known]
    units = [int(q) for q in quantities if q != "一箱"]
    assert (len(units), sum(units)) == (expected["lines"], expected["units"])
    assert min(r["订单创建时间"] for r in counted) == expected["first_order"]
    assert max(r["订单创建时间"] for r in counted) == expected["last_order"]


def test_lines_of_an_order_add_up_to_what_was_paid(orders: Rows, details: Rows) -> None:
    goods: dict[str, int] = defaultdict(int)
    for row in details:
        if row["购买数量"] != "一箱":
            goods[row["订单编号"]] += minor(row["价格"]) * int(row["购买数量"])
    differing = [r for r in orders if goods[r["订单编号"]] != minor(r["买家应付货款"])]
    assert len(differing) == 1  # the one whose quantity nobody can read
    for row in orders:
        assert minor(row["总金额"]) == minor(row["买家应付货款"]) + minor(row["买家应付邮费"])


def test_totals_of_the_web_file_are_the_written_truth(web: Rows, truth: dict[str, Any]) -> None:
    expected = truth["shopify"]
    heads = [row for row in web if row["Id"]]
    counted = [r for r in heads if r["Financial Status"] in ("paid", "partially_refunded")]
    names = {r["Name"] for r in counted}
    lines = [int(r["Lineitem quantity"]) for r in web if r["Name"] in names]
    assert len(counted) == expected["orders"]
    assert (len(lines), sum(lines)) == (expected["lines"], expected["units"])
    assert sum(minor(r["Total"]) for r in counted) == expected["revenue_minor"]
    assert sum(r["Financial Status"] == "refunded" for r in heads) == expected["refunded"]
    unpaid = sum(r["Financial Status"] in ("voided", "pending") for r in heads)
    assert unpaid == expected["closed_or_unpaid"]
    assert all(not r["Total"] and not r["Phone"] for r in web if not r["Id"])


def test_some_people_of_the_web_shop_are_known_by_phone_and_said_yes_or_no(
    orders: Rows, web: Rows, truth: dict[str, Any]
) -> None:
    market = {row["联系手机"].lstrip("'") for row in orders}
    heads = [row for row in web if row["Id"]]
    shared = {row["Phone"].replace("+86 ", "") for row in heads} & market
    assert len(shared) == truth["shared_by_phone"] >= 100
    said = {row["Email"]: row["Accepts Marketing"] for row in heads}
    assert 0.5 < Counter(said.values())["yes"] / len(said) < 0.75
    assert set(said.values()) == {"yes", "no"}


def test_the_placeholder_phone_is_used_by_many_nicks(orders: Rows, truth: dict[str, Any]) -> None:
    used = [r["买家会员名"] for r in orders if r["联系手机"] == f"'{PLACEHOLDER_PHONE}"]
    assert len(used) == truth["problems"]["placeholder_phone"]["orders"]
    assert len(set(used)) == truth["problems"]["placeholder_phone"]["people"] == 60


def test_one_phone_has_two_nicks_of_one_name_or_two_names_of_a_family(
    orders: Rows, truth: dict[str, Any]
) -> None:
    nicks, names = defaultdict(set), defaultdict(set)
    for row in orders:
        phone = row["联系手机"]
        if len(phone) == 12 and phone != f"'{PLACEHOLDER_PHONE}":
            nicks[phone].add(row["买家会员名"])
            names[phone].add(row["收货人姓名"][0])
    twice = [phone for phone, those in nicks.items() if len(those) == 2]
    families = [phone for phone in twice if len(names[phone]) == 2]
    problems = truth["problems"]
    assert len(families) == problems["family_phones"]["phones"] == 30
    same = len(twice) - len(families)
    assert same == problems["same_phone_two_nicks"]["people"] == 40


def test_orders_without_key_name_nobody(orders: Rows, truth: dict[str, Any]) -> None:
    columns = ("买家会员名", "买家支付宝账号", "收货人姓名", "联系手机")
    nobody = [row for row in orders if not any(row[c] for c in columns)]
    assert len(nobody) == truth["problems"]["orders_without_key"]["orders"] == 150


def test_phones_in_scientific_notation_and_masked_names_are_as_many_as_said(
    orders: Rows, truth: dict[str, Any]
) -> None:
    problems = truth["problems"]
    lost = [row for row in orders if row["联系手机"] == "1.74E+10"]
    assert len(lost) == problems["scientific_phones"]["orders"]
    assert len({row["买家会员名"] for row in lost}) == problems["scientific_phones"]["people"]
    masked = [row for row in orders if row["收货人姓名"].endswith("**")]
    assert len(masked) == problems["masked_names"]["orders"]


def test_a_week_has_no_orders_and_no_other_day_is_empty(shop: Shop, truth: dict[str, Any]) -> None:
    gap = truth["problems"]["gap_in_dates"]
    days = {str(order.at.date()) for order in shop.orders}
    first = shop.orders[0].at.date()
    every = {str(first + timedelta(days=k)) for k in range(730)}
    empty = sorted(every - days)
    assert len(empty) == gap["days"] == 7
    assert (empty[0], empty[-1]) == (gap["first_day"], gap["last_day"])
    assert gap["orders_lost"] > 50


def test_fake_orders_come_in_bursts_to_one_address(orders: Rows, truth: dict[str, Any]) -> None:
    by_address = defaultdict(list)
    for row in orders:
        by_address[row["收货地址"]].append(row)
    bursts = [rows for rows in by_address.values() if len({r["买家会员名"] for r in rows}) > 10]
    assert len(bursts) == truth["problems"]["fake_orders"]["bursts"]
    assert sum(map(len, bursts)) == truth["problems"]["fake_orders"]["orders"]
    for rows in bursts:
        times = sorted(datetime.fromisoformat(row["订单创建时间"]) for row in rows)
        assert times[-1] - times[0] < timedelta(minutes=90)
        assert len({(row["宝贝标题"], row["买家实际支付金额"]) for row in rows}) == 1


def test_bulk_orders_and_broken_cells_are_where_the_truth_says(
    orders: Rows, details: Rows, truth: dict[str, Any]
) -> None:
    problems = truth["problems"]
    many = sorted(int(r["宝贝总数量"]) for r in orders if int(r["宝贝总数量"]) >= 50)
    assert many == problems["bulk_orders"]["units"]
    paid = [r for r in orders if not r["买家实际支付金额"].replace(".", "").isdigit()]
    dated = [r for r in orders if not r["订单创建时间"].startswith(("2024-", "2025-0", "2025-10"))]
    dated = [r for r in dated if "99:99" in r["订单创建时间"] or "上周" in r["订单创建时间"]]
    counted = [r for r in details if not r["购买数量"].isdigit()]
    assert (len(paid), len(dated), len(counted)) == (3, 2, 1)
    assert len(paid) + len(dated) + len(counted) == problems["broken_rows"]["rows"]


def test_some_products_have_no_category_and_the_rest_have_one(
    details: Rows, truth: dict[str, Any]
) -> None:
    category = {row["商家编码"]: row["类目"] for row in details}
    bare = sum(not value for value in category.values())
    # A product that nobody bought is not in the file.
    assert 0.7 * 22 <= bare <= truth["problems"]["products_without_category"] == 22
    assert len(set(category.values()) - {""}) >= 15


def test_notes_tell_skin_types(orders: Rows) -> None:
    notes = {row["买家会员名"]: row["订单备注"] for row in orders if row["订单备注"]}
    assert len(notes) > 300
    assert any("敏感肌" in note for note in notes.values())


def test_people_keep_the_planted_rhythm(shop: Shop, truth: dict[str, Any]) -> None:
    gaps = own_gaps(shop)
    for number, (expected, seen) in gaps.items():
        assert 0.5 * expected < sum(seen) / len(seen) < 1.7 * expected, number
    ratios = [sum(seen) / len(seen) / expected for expected, seen in gaps.values()]
    assert len(ratios) > 150
    assert sum(ratios) / len(ratios) == pytest.approx(1.0, abs=0.06)


def own_gaps(shop: Shop) -> dict[int, tuple[float, list[float]]]:
    """Gaps of regulars who need one unseasonal thing, with the planted mean."""
    times = defaultdict(list)
    for order in shop.orders:
        need = order.person.needs[0] if len(order.person.needs) == 1 else None
        if order.person.kind == "regular" and need and not need.product.family.months:
            times[order.person.number].append(order.at)
    planted_gap = {p.number: p.needs[0].gap_days for p in shop.people}
    gaps = {}
    for number, at in times.items():
        between = [(b - a).total_seconds() / 86_400 for a, b in itertools.pairwise(at)]
        if len(between) >= 4:
            gaps[number] = (planted_gap[number], between)
    return gaps


def test_sunscreen_is_bought_in_summer(shop: Shop) -> None:
    months = Counter(
        order.at.month
        for order in shop.orders
        for product, _ in order.lines
        if product.family.code == "SU" and order.person.since > 1
    )
    inside = sum(months[m] for m in SUMMER)
    assert inside > 2 * (sum(months.values()) - inside)


def test_own_rhythm_tells_the_next_purchase_better_than_recency(shop: Shop) -> None:
    """The planted rhythm is worth learning: a rule that only counts days since loses."""
    cut = shop.orders[-1].at - timedelta(days=45)
    past, later = defaultdict(list), set()
    for order in shop.orders:
        if order.at <= cut:
            past[order.person.number].append(order.at)
        elif order.at <= cut + timedelta(days=14):
            later.add(order.person.number)
    recency, rhythm, bought = [], [], []
    for number, at in past.items():
        since = (cut - at[-1]).total_seconds() / 86_400
        if len(at) < 4 or since > 120:
            continue
        gap = (at[-1] - at[0]).total_seconds() / 86_400 / (len(at) - 1)
        recency.append(-since)
        # Nearest to one own gap, counting from a week ahead.
        rhythm.append(-abs((since + 7) / gap - 1))
        bought.append(number in later)
    assert sum(bought) > 100
    assert area(rhythm, bought) > area(recency, bought) + 0.05


def area(scores: list[float], labels: list[bool]) -> float:
    """Area under the ROC curve, by ranks."""
    ranked = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = [rank for rank, k in enumerate(ranked, 1) if labels[k]]
    n, m = len(ranks), len(labels) - len(ranks)
    return (sum(ranks) - n * (n + 1) / 2) / (n * m)


def test_the_importer_reads_what_the_truth_says(folder: Path, truth: dict[str, Any]) -> None:
    from renwei.collect.reading import read, totals

    for platform, names in (("taobao", [LIST_FILE, DETAIL_FILE]), ("shopify", [WEB_FILE])):
        reading = read([folder / name for name in names])
        got, expected = totals(reading), truth[platform]
        assert reading.platform == platform
        for name in ("orders", "lines", "units", "revenue_minor", "refunded_minor"):
            assert getattr(got, name) == expected[name], name
        assert got.excluded.closed_or_unpaid == expected["closed_or_unpaid"]
        assert got.excluded.refunded == expected["refunded"]
        assert (got.first_order, got.last_order) == (
            expected["first_order"],
            expected["last_order"],
        )
        refused = [row.column for row in reading.refused]
        broken = truth["problems"]["broken_rows"]["columns"] if platform == "taobao" else []
        assert sorted(refused) == sorted(broken)


def test_dice_are_fair_and_repeat() -> None:
    n = 20_000
    dice = Dice(5)
    draws = [dice.u() for _ in range(n)]
    again = Dice(5)
    assert draws[:50] == [again.u() for _ in range(50)]
    assert all(0 <= x < 1 for x in draws)
    # Standard error of a uniform's mean is sqrt(1/12/n).
    assert sum(draws) / n == pytest.approx(0.5, abs=4 * (1 / 12 / n) ** 0.5)
    spread = [dice.spread() for _ in range(n)]
    assert sum(spread) / n == pytest.approx(0.0, abs=4 / n**0.5)
    assert sum(x * x for x in spread) / n == pytest.approx(1.0, abs=4 * (2 / n) ** 0.5)


def test_every_product_that_is_used_up_has_a_rhythm_and_tools_have_none() -> None:
    products = catalogue(Dice(1))
    for product in products:
        assert bool(product.rhythm_days) == bool(product.family.rhythm_days)
        assert 1_000 <= product.price_minor <= 30_000
    rhythm = {p.title: p.rhythm_days for p in products}
    assert rhythm["氨基酸洁面乳 120ml"] == 45
    assert rhythm["玻尿酸保湿面膜 5片装"] == 40
    assert rhythm["烟酰胺精华 30ml"] == 60
    assert rhythm["化妆刷套装 粉色"] == 0
