from __future__ import annotations

from pathlib import Path

import pytest
from tests.doors.conftest import ORDERS
from tests.doors.console.inside import Person, a_house, text_of
from tests.doors.console.test_imports import dropped

from renwei.collect.answers import Understood
from renwei.doors.console.imports.samples import HEAD_BYTES, LONGEST, samples


def understood(name: str, encoding: str = "utf-8", **more: object) -> Understood:
    told = {"layout": "generic", "delimiter": ",", "header_row": 1, "sheet": "", "rows": 1}
    mapping = {"a": "order", "b": "title"}
    return Understood(name=name, encoding=encoding, mapping=mapping, **(told | more))  # type: ignore[arg-type]


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_the_first_values_that_differ_stand_beside_a_column(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,面膜\n1,\n2,防晒\n3,精华\n4,last\n", "gb18030")
    found = samples([path], [understood("t.csv", "gb18030")])
    assert found == {"t.csv": {"a": "1 · 2", "b": "面膜 · 防晒"}}


def test_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "some bank,\n2026,\na,b\n1,x\n2,y\n")
    assert samples([path], [understood("t.csv")])["t.csv"] == {"a": "1", "b": "x"}


def test_a_long_value_is_cut_short(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1," + "长" * 100 + "\n2,y\n")
    assert len(samples([path], [understood("t.csv")])["t.csv"]["b"]) == LONGEST


def test_only_the_head_of_a_large_file_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "1,x\n" * HEAD_BYTES + "9,z\n")
    assert samples([path], [understood("t.csv")])["t.csv"] == {"a": "1", "b": "x"}


@pytest.mark.parametrize(
    "more",
    [{"sheet": "Sheet1"}, {"delimiter": ""}, {"encoding": "no such"}, {"name": "other.csv"}],
    ids=["a workbook", "no delimiter", "an unknown encoding", "a file of another name"],
)
def test_what_cannot_be_read_twice_has_no_samples(tmp_path: Path, more: dict[str, object]) -> None:
    path = written(tmp_path, "a,b\n1,x\n2,y\n")
    told = {"name": "t.csv", "encoding": "utf-8"} | more
    found = samples([path], [understood(**told)])  # type: ignore[arg-type]
    assert not any(found.values())


def test_a_guess_is_corrected_with_values_in_sight(tmp_path: Path) -> None:
    with a_house(tmp_path, empty=True) as house:
        looked = dropped(Person(house, "owner"), ("订单.csv", ORDERS.encode("gb18030")))
    assert "宝贝标题 保湿面膜 · 洁面乳" in text_of(looked)
