"""The catalogue on the command line, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from renwei.doors.cli.main import command_tree

Run = Callable[..., str]
FILE = "商品编码,商品名称,售价,库存,内部列\nA1,面霜,59.90,0,x\nA2,坏,便宜,1,x\nA3,面膜,5,9,x\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command of `renwei items` on a workspace of its own; what it printed."""
    monkeypatch.setenv("RENWEI_KEYS", str(tmp_path / "keys"))
    (tmp_path / "items.csv").write_text(FILE, encoding="utf-8")

    def typed(*words: str, lang: str = "en", fails: bool = False) -> str:
        told = ["items", *words, "--data", str(tmp_path / "data"), "--lang", lang]
        done = CliRunner().invoke(command_tree(lang), told)
        assert (done.exit_code != 0) == fails, done.output
        return done.output if not fails else str(done.exception)

    typed("import", str(tmp_path / "items.csv"))
    return typed


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_file_says_what_became_of_it(run: Run, tmp_path: Path, lang: str) -> None:
    said = run("import", str(tmp_path / "items.csv"), lang=lang)
    for part in ("A2", "便宜", "内部列"):
        assert part in said
    assert "items." not in said


@pytest.mark.parametrize(("lang", "sold_out"), [("en", "sold out"), ("zh", "已售罄")])
def test_a_list_shows_what_a_shop_owner_looks_for(run: Run, lang: str, sold_out: str) -> None:
    said = run("list", lang=lang)
    for part in ("A1", "面霜", "59.90", "A3", "面膜", sold_out):
        assert part in said
    assert "A3" not in run("list", "面霜", lang=lang)


def test_an_item_is_changed_removed_and_shown_with_its_history(run: Run) -> None:
    run("change", "A1", "--price", "49.90", "--stock", "3", "--attributes", '{"colour": "white"}')
    said = run("show", "A1", lang="zh")
    for part in ("¥59.90", "¥49.90", "colour white", "近 30 天最低价"):
        assert part in said
    assert "removed" in run("remove", "A1")
    assert "A1" not in run("list")
    gone = json.loads(run("show", "A1", "--json"))
    assert gone["item"]["gone"] is True
    assert [price["price_minor"] for price in gone["prices"]] == [5990, 4990]
    assert "Back" in run("put", "A1", "--title", "面霜")


def test_items_are_saved_as_json_text(run: Run) -> None:
    told: list[Any] = [{"id": "v1", "kind": "video"}, {"id": "", "title": "x"}]
    said = run("save", *(json.dumps(one) for one in told))
    assert "1 new" in said
    assert "no id" in said
    assert "v1" in run("list", "--kind", "video")


def test_what_cannot_be_is_refused_in_words(run: Run) -> None:
    assert run("show", "nothing", fails=True)
    assert run("change", "A1", "--price", "1.999", fails=True)
    assert run("save", "{", fails=True)
