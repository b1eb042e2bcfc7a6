from __future__ import annotations

from pathlib import Path

import pytest

from renwei.collect.headers import corrections
from renwei.collect.reading import read, totals
from renwei.core.errors import BadInput, UnknownName

ROWS = "编号,谁,多少钱,时候,补充\nA1,小美,59.00,2026-05-01 10:00:00,送礼\nA2,阿杰,80.00,2026-05-02 11:00:00,\n"


def written(folder: Path) -> Path:
    path = folder / "orders.csv"
    path.write_text(ROWS, "utf-8")
    return path


def test_a_column_means_what_somebody_says_it_means(tmp_path: Path) -> None:
    told = corrections(["编号=order", "谁=nick", "多少钱=paid", "时候=created"])
    reading = read([written(tmp_path)], columns=told)
    assert {**told, **reading.files[0].mapping} == reading.files[0].mapping
    assert totals(reading).revenue_minor == 13_900
    assert sorted(i.value for o in reading.orders for i in o.identifiers) == [
        "generic:小美",
        "generic:阿杰",
    ]


def test_a_column_that_is_left_out_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "订单编号,买家昵称,手机号,实付金额,下单时间\nA1,小美,13900001111,59,2026-05-01 10:00\n",
        "utf-8",
    )
    kinds = {i.kind for o in read([path]).orders for i in o.identifiers}
    without = read([path], columns=corrections(["手机号="]))
    assert kinds == {"nick", "phone"}
    assert {i.kind for o in without.orders for i in o.identifiers} == {"nick"}
    assert "手机号" in without.files[0].unmapped


@pytest.mark.parametrize("wrong", ["nonsense", "=nick", " =nick"])
def test_a_correction_without_a_header_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="column_unclear"):
        corrections([wrong])


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        corrections(["买家=nik"])
    assert refused.value.values["suggestion"] == "nick"
