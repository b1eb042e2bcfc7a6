from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.rooms import AT, HEADER, Room, Sale, digest, person, write

from renwei.collect.states import State
from renwei.core.errors import BadInput, NotATable
from renwei.core.nouns import NOBODY, ConsentState, consent_by
from renwei.core.orders import counted

DATA = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture
def room(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Room(tmp_path / "room")
    yield made
    made.close()


def book(n: int = 12) -> list[Sale]:
    return [Sale(k, day=k, **person(k % 5)) for k in range(n)]


def test_an_import_says_what_a_pivot_says_and_what_is_new(room: Room) -> None:
    sales = book()
    sales[3] = replace(sales[3], status="交易关闭")
    sales[4] = replace(sales[4], quantity=3, paid="179.70")
    answer = room.sell(sales)
    assert answer.import_id == "i-20261120-1"
    assert (answer.orders, answer.lines, answer.units) == (11, 11, 13)
    assert answer.revenue_minor == 10 * 5990 + 17970
    assert answer.excluded.closed_or_unpaid == 1
    assert (answer.added, answer.updated, answer.duplicates) == (12, 0, 0)
    assert room.events() == 12


def test_the_answer_has_the_promised_keys(room: Room) -> None:
    answer = json.loads(msgspec.json.encode(room.sell(book())))
    assert list(answer) == [
        "import_id", "platform", "encoding", "files", "orders", "customers", "lines", "units",
        "revenue_minor", "refunded_minor", "currency", "zone", "excluded", "first_order",
        "last_order", "added", "updated", "duplicates", "rejected", "warnings",
    ]  # fmt: skip
    assert set(answer["excluded"]) == {"closed_or_unpaid", "refunded"}


def test_importing_twice_adds_nothing_and_says_the_same_totals(room: Room) -> None:
    file = write(room.folder / "orders.csv", book())
    first = room.bring(file)
    before, persons = room.orders(), len(room.store.people.all_persons())
    second = room.bring(file)
    assert (second.added, second.updated, second.duplicates) == (0, 0, 12)
    assert room.orders() == before
    assert len(room.store.people.all_persons()) == persons
    assert (second.orders, second.customers, second.revenue_minor, second.units) == (
        first.orders,
        first.customers,
        first.revenue_minor,
        first.units,
    )


def test_an_overlapping_newer_export_adds_what_is_new_and_updates_states(room: Room) -> None:
    sales = book()
    room.sell(sales[:8])
    newer = [replace(sales[2], status="交易关闭", refund="59.90"), *sales[5:]]
    answer = room.sell(newer)
    assert (answer.added, answer.updated, answer.duplicates) == (4, 1, 3)
    states = [state for _, _, state, *_ in room.orders().values()]
    assert len(states) == 12
    assert sum(state != "paid" for state in states) == 1


def test_an_older_export_after_a_newer_one_changes_nothing(room: Room) -> None:
    sales = book(4)
    room.sell([replace(sale, refund="10.00") for sale in sales])
    before = room.orders()
    answer = room.sell(sales)
    assert (answer.added, answer.updated, answer.duplicates) == (0, 0, 4)
    assert room.orders() == before


def test_a_dry_run_previews_counts_and_writes_nothing(room: Room) -> None:
    sales = book()
    room.sell(sales[:8])
    newer = [replace(sales[2], refund="5.00"), *sales[5:]]
    file = write(room.folder / "newer.csv", newer)
    before = digest(room.folder / "data")
    answer = room.bring(file, dry_run=True)
    assert digest(room.folder / "data") == before
    assert (answer.added, answer.updated, answer.duplicates) == (4, 1, 3)
    assert isinstance(answer.preview, list)
    assert answer.preview[0].mapping["手机号"] == "phone"
    assert answer.import_id == ""


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.csv", b"", NotATable),
        ("page.csv", b"<!doctype html><html><body>login</body></html>", NotATable),
        ("prose.csv", "尊敬的客户，您好。\n请登录后台。\n".encode(), NotATable),
        ("recipe.csv", b"flour,sugar\n200,30\n100,20\n", NotATable),
        ("broken.xlsx", b"PK\x03\x04 not a workbook at all", BadInput),
        ("noise.parquet", b"PAR1\x00\x01\x02PAR1", BadInput),
        ("half.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99)[:40], BadInput),
    ],
)
def test_a_structural_fault_changes_nothing_at_all(
    room: Room, name: str, content: bytes, expected: type[BadInput]
) -> None:
    room.sell(book(3))
    good, bad = write(room.folder / "good.csv", book(6)), room.folder / name
    bad.write_bytes(content)
    before = digest(room.folder / "data")
    with pytest.raises(expected):
        room.bring(good, bad)
    assert digest(room.folder / "data") == before


def test_a_missing_file_changes_nothing_at_all(room: Room) -> None:
    before = digest(room.folder / "data")
    with pytest.raises(BadInput):
        room.bring(room.folder / "nowhere.csv")
    assert digest(room.folder / "data") == before


def test_a_faulty_row_is_refused_kept_and_shown_in_words(room: Room) -> None:
    sales = book(5)
    sales[2] = replace(sales[2], quantity="一箱")
    answer = room.sell(sales)
    assert answer.orders == 4
    (refused,) = answer.rejected
    assert (refused.row, refused.column, refused.value) == (4, "数量", "一箱")
    shown = room.show(answer.import_id)
    assert shown.refused[0].cells == sales[2].row()
    assert "一箱" in shown.refused[0].text
    assert shown.refused[0].text != f"refused.{refused.code}"
    assert shown.totals["orders"] == 4


def test_formula_like_cells_stay_text_and_warn(room: Room) -> None:
    sales = [Sale(1, item='=cmd|"/c calc"!A1', name="=SUM(A1)"), Sale(2, nick="+1+2", phone="")]
    answer = room.sell(sales)
    titles = {item.title for item in room.store.items.all_items()}
    assert '=cmd|"/c calc"!A1' in titles
    assert "formula_cell" in {warning.code for warning in answer.warnings}


def test_lost_phones_and_masked_names_warn_and_name_nobody(room: Room) -> None:
    answer = room.sell(
        [
            Sale(1, phone="1.39E+10", nick="a", name="张**"),
            Sale(2, phone="1.39E+10", nick="b", name="李**"),
        ]
    )
    codes = {warning.code for warning in answer.warnings}
    assert {"phone_precision_lost", "masked_name"} <= codes
    assert answer.rejected == []
    assert len(room.store.people.all_persons()) == 2


def test_a_later_export_that_hides_the_buyer_takes_no_order_from_them(room: Room) -> None:
    sale = Sale(1, phone="13912345670")
    room.sell([sale, Sale(2, day=3, phone="13912345670")])
    # As platforms hide who bought once an order is some weeks old.
    masked = replace(sale, phone="139****5670", name="张**", address="某地**")
    room.sell([replace(masked, refund="10.00")])
    log = room.store.log
    changes = list(log.read(kinds=("order-change",)))
    assert len(changes) == 1
    own = log.of(room.store.people.actors_of(room.person("phone", "+8613912345670") or 0))
    assert sorted(one.seq for one in counted(own)) == sorted(
        one.seq for one in counted(list(log.read()))
    )
    assert sum(one.value_minor for one in counted(own)) == 2 * 5_990 - 1_000
    room.sell([replace(masked, status="交易关闭")])
    own = log.of(room.store.people.actors_of(room.person("phone", "+8613912345670") or 0))
    assert len(counted(own)) == 1


def test_a_placeholder_phone_joins_nobody_and_is_reported_with_its_count(room: Room) -> None:
    sales = [Sale(k, phone="13800138000", nick=f"n{k}", name=f"客户{k}") for k in range(40)]
    answer = room.sell(sales)
    (warning,) = [w for w in answer.warnings if w.code == "placeholder_identifier"]
    assert warning.count == 40
    assert len(room.store.people.all_persons()) == 40
    assert room.person("phone", "+8613800138000") is None


def test_people_are_one_across_imports_and_platforms(room: Room) -> None:
    room.sell([Sale(1, nick="mei", email="mei@example.com")])
    shopify = room.folder / "shopify.csv"
    shopify.write_text(
        "Name,Email,Financial Status,Paid at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,"
        "Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
        "Billing Name,Phone\n"
        "#1,mei@example.com,paid,2026-05-01 10:00:00 +0800,yes,CNY,88.00,0.00,0.00,88.00,"
        "2026-05-01 10:00:00 +0800,1,散粉,88.00,S-1,张小美,13912345670\n",
        "utf-8",
    )
    room.bring(shopify)
    who = room.person("email", "mei@example.com")
    assert who is not None
    assert who == room.person("phone", "+8613912345670")
    assert {"mei"} == {n.partition(":")[2] for n in room.store.people.open(who)["nick"]}


def test_an_undone_merge_stays_undone_when_the_file_comes_again(room: Room) -> None:
    sales = [Sale(1, nick="a"), Sale(2, nick="b", day=1)]
    room.sell(sales)
    (merge,) = [m for m in room.store.people.merges() if m.reason == "same_phone"]
    assert merge.values["orders"] == 1
    room.store.people.unmerge(merge.id, AT)
    persons = len(room.store.people.all_persons())
    room.sell(sales)
    room.sell([*sales, Sale(3, nick="b", day=2)])
    assert len(room.store.people.all_persons()) == persons == 2


def test_the_first_import_sets_what_its_file_shows_and_never_what_a_human_set(room: Room) -> None:
    room.store.papers.put("setting", "shop", {"currency": "HKD"}, by="human", at=AT)
    room.sell(book(3))
    paper = room.store.papers.get("setting", "shop")
    assert paper is not None
    assert paper.body["currency"] == "HKD"
    assert paper.body["language"] == "zh"


def test_an_english_file_makes_an_english_shop(room: Room) -> None:
    room.sell([Sale(k, item="Face cream") for k in range(3)])
    paper = room.store.papers.get("setting", "shop")
    assert paper is not None
    assert paper.body["language"] == "en"


CONSENT = (
    "Name,Email,Financial Status,Accepts Marketing,Currency,Total,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price\n"
)


def shopify_rows(folder: Path, name: str, said: list[tuple[int, str]]) -> Path:
    path = folder / name
    rows = [
        f"#{day},mei@shop.cn,paid,{word},CNY,88.00,2026-05-{day:02d} 10:00:00 +0800,1,散粉,88.00\n"
        for day, word in said
    ]
    path.write_text(CONSENT + "".join(rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(1, "yes")], ConsentState.GIVEN),
        ([(1, "no")], ConsentState.UNKNOWN),
        ([(1, "no"), (2, "yes")], ConsentState.GIVEN),
        ([(1, "yes"), (2, "no")], ConsentState.WITHDRAWN),
        ([(1, "yes"), (2, "no"), (3, "yes")], ConsentState.GIVEN),
    ],
)
@pytest.mark.parametrize("split", [0, 1, 2])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_column_of_consent_is_proof_whatever_order_the_files_come_in(
    room: Room,
    said: list[tuple[int, str]],
    expected: ConsentState,
    split: int,
    newest_first: bool,
) -> None:
    parts = [part for part in (said[:split], said[split:]) if part]
    for number, part in enumerate(reversed(parts) if newest_first else parts):
        room.bring(shopify_rows(room.folder, f"{number}.csv", part))
    who = room.person("email", "mei@shop.cn")
    assert who is not None
    (stated,) = room.store.people.consents_of([who])
    assert consent_by(stated, "marketing", "email", AT) is expected
    assert all(one.source.startswith("import:i-") for one in stated)


def test_somebody_forgotten_does_not_come_back_with_the_file(room: Room) -> None:
    sales = [
        *book(6),
        Sale(99, nick="secret", name="赵无名", phone="13966554433", address="暗巷9号"),
    ]
    sales[2] = replace(sales[2], quantity="一箱")
    broken = replace(sales[-1], number=98, quantity="两箱")
    file = write(room.folder / "orders.csv", [*sales, broken])
    first = room.bring(file)
    assert len(first.rejected) == 2
    revenue = sum(value for _, value, *_ in room.orders().values())
    room.forget("13966554433")
    persons = len(room.store.people.all_persons())
    answer = room.bring(file)
    assert answer.added == 0
    assert len(room.store.people.all_persons()) == persons
    assert room.store.people.search("13966554433") == []
    assert room.store.people.search("secret") == []
    assert sum(value for _, value, *_ in room.orders().values()) == revenue
    for import_id in (first.import_id, answer.import_id):
        shown = room.show(import_id)
        assert [line.value for line in shown.refused] == ["一箱"]
    # Nor under a new account with the same phone.
    room.sell([Sale(100, nick="secret_2", name="赵无名", phone="13966554433")])
    assert room.store.people.search("secret_2") == []
    held = [e.actor for e in room.store.log.read() if e.source.startswith("i-20261120-3")]
    assert held == [NOBODY]


def test_nothing_personal_lies_in_events_or_papers(room: Room) -> None:
    room.sell([Sale(1, nick="geheim", name="赵无名", phone="13966554433", email="z@geheim.cn")])
    seen = json.dumps([dict(e.body) for e in room.store.log.read()], default=str)
    for kind in ("import", "setting"):
        for name in room.store.papers.names(kind):
            paper = room.store.papers.get(kind, name)
            assert paper is not None
            seen += json.dumps(dict(paper.body), ensure_ascii=False, default=str)
    for secret in ("geheim", "赵无名", "13966554433", "202600000001", "花园路"):
        assert secret not in seen


@st.composite
def histories(draw: st.DrawFn) -> list[list[Sale]]:
    """An order book in overlapping files: each order in some of its states in each file."""
    files: list[list[Sale]] = [[] for _ in range(draw(st.integers(1, 4)))]
    for number in range(draw(st.integers(1, 6))):
        base = Sale(number, day=number, **person(draw(st.integers(0, 3))))
        forms = [
            replace(base, status="等待买家付款"),
            base,
            replace(base, refund="10.00"),
            replace(base, refund="20.00"),
            replace(base, status="交易关闭"),
        ]
        places = draw(st.sets(st.integers(0, len(files) - 1), min_size=1))
        for place in sorted(places):
            files[place].append(draw(st.sampled_from(forms)))
    return [file for file in files if file]


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories(), st.randoms(use_true_random=False))
def test_any_split_in_any_order_gives_the_same_orders(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Sale]], dice: st.DrawFn
) -> None:
    folder = tmp_path_factory.mktemp("split")
    shuffled = [*files, *files]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    ends = []
    for number, way in enumerate((files, shuffled)):
        room = Room(folder / str(number))
        for sales in way:
            room.sell(sales)
        titles = {item.number: item.code for item in room.store.items.all_items()}
        # Keys differ from workspace to workspace; what the orders are must not.
        ends.append(
            sorted(
                (at, value, status, paid, refunded, [(titles[i], q) for i, q, *_ in lines], who)
                for at, value, status, paid, refunded, lines, who in room.orders(
                    with_people=True
                ).values()
            )
        )
        room.close()
    assert ends[0] == ends[1]


states = st.builds(
    State,
    status=st.sampled_from(["unpaid", "paid", "closed", "refunded"]),
    paid_us=st.sampled_from([None, 1, 2]),
    value=st.sampled_from([100, 200]),
    shipping=st.sampled_from([0, 5]),
    refunded=st.sampled_from([0, 10, 20]),
    country=st.sampled_from(["", "CN"]),
    lines=st.sampled_from([(), ((1, 1, 100, 100),), ((1, 1, 100, 100), (2, 1, 5, 5))]),
    rough=st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(states, states, states)
def test_states_join_in_any_order_and_never_go_back(a: State, b: State, c: State) -> None:
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(a) == a
    joined = a.join(b)
    assert joined.refunded >= max(a.refunded, b.refunded)
    assert len(joined.lines) >= max(len(s.lines) for s in (a, b) if s.rough == joined.rough)
    assert bool(joined.lines) == bool(a.lines or b.lines)
    rank = ["unpaid", "paid", "closed", "refunded"].index
    assert rank(joined.status) == max(rank(a.status), rank(b.status))


@pytest.mark.parametrize("layout", ["taobao", "shopify"])
def test_the_given_exports_import_to_the_cent(room: Room, layout: str) -> None:
    folder = DATA / "orders"
    if not folder.is_dir():
        pytest.skip("shared/data/orders is missing")
    expected = json.loads((folder / "expected.json").read_text())[layout]
    answer = room.bring(*(folder / name for name in expected["files"]))
    for name in ("orders", "customers", "lines", "units", "revenue_minor", "currency"):
        assert getattr(answer, name) == expected[name], name
    assert answer.excluded.closed_or_unpaid == expected["closed_or_unpaid"]
    assert answer.excluded.refunded == expected["refunded"]
    assert (answer.first_order, answer.last_order) == (
        expected["first_order"],
        expected["last_order"],
    )
    counted = [o for o in room.orders().values() if o[2] == "paid"]
    assert len(counted) == expected["orders"]
    assert sum(value for _, value, *_ in counted) == expected["revenue_minor"]


@pytest.mark.parametrize(
    ("address", "province"),
    [
        ("浙江省杭州市西湖区花园路1号", "浙江"),
        ("广西壮族自治区南宁市青秀区1号", "广西"),
        ("上海市浦东新区1号", "上海"),
        ("北京路1号", None),
        ("西湖区花园路1号", None),
        ("1 Garden Road, Leeds", None),
    ],
)
def test_the_province_of_an_address_is_a_fact_and_the_rest_is_not(
    room: Room, address: str, province: str | None
) -> None:
    room.bring(write(room.folder / "orders.csv", [Sale(1, nick="a", address=address)]))
    (who,) = room.store.people.all_persons()
    facts = room.store.people.profile(who).facts
    found = facts.get("province")
    assert (found.value if found else None) == province
    assert not any(
        "花园" in str(fact.value) or "Garden" in str(fact.value) for fact in facts.values()
    )


def test_a_country_is_a_fact_with_its_source_and_survives_the_undo_of_the_first(
    room: Room,
) -> None:
    file = room.folder / "uci.csv"
    file.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850.0,France\n"
        "536366,85123A,WHITE HEART,6,2011-02-01 08:26:00,2.55,17850.0,Belgium\n",
        "utf-8",
    )
    first, second = room.bring(file), room.bring(file)
    (who,) = room.store.people.all_persons()
    facts = room.store.people.profile(who).facts
    assert (facts["country"].value, facts["country"].source) == (
        "Belgium",
        f"import:{first.import_id}",
    )
    room.undo(first.import_id)
    assert room.store.people.profile(who).facts["country"].value == "Belgium"
    room.undo(second.import_id)
    assert list(room.store.people.all_persons()) == []


def test_import_names_count_the_days_imports(room: Room) -> None:
    names = [room.sell([Sale(k)]).import_id for k in range(3)]
    room.clock.advance(timedelta(days=1))
    names.append(room.sell([Sale(9)]).import_id)
    assert names == ["i-20261120-1", "i-20261120-2", "i-20261120-3", "i-20261121-1"]


def test_the_header_of_these_tests_is_understood_whole(room: Room) -> None:
    file = write(room.folder / "o.csv", book(2))
    preview = room.bring(file, dry_run=True).preview
    assert isinstance(preview, list)
    assert set(preview[0].mapping) == set(HEADER)
