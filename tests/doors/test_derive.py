from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from renwei.core.operations import Operation
from renwei.core.words import Words
from renwei.doors.cli import derive
from renwei.doors.cli.language import chosen


class Asked(msgspec.Struct):
    files: list[Path]
    at: datetime | None = None
    limit: int | None = None
    as_: str = ""
    dry_run: bool = False
    key: Annotated[str, msgspec.Meta(extra={"argument": True})] = ""


def parsed(*argv: str) -> Asked:
    operation = Operation("try", Asked, lambda shop, request: request)
    words = Words({"en": {"operations.try.limit": "How many."}, "zh": {}})
    seen: list[Any] = []
    command = click.Command(
        "try",
        params=[p for p in derive.parameters(operation, words, "en") if p.name != "key"],
        callback=lambda **given: seen.append(derive.request(operation, given)),
    )
    result = CliRunner().invoke(command, list(argv))
    if result.exit_code:
        raise click.UsageError(result.output)
    asked = seen[0]
    assert isinstance(asked, Asked)
    return asked


def test_fields_without_default_are_arguments_and_the_rest_options() -> None:
    asked = parsed("a.csv", "b.csv", "--limit", "5", "--as", "taobao", "--dry-run")
    assert asked.files == [Path("a.csv"), Path("b.csv")]
    assert (asked.limit, asked.as_, asked.dry_run) == (5, "taobao", True)


def test_what_is_not_given_keeps_its_default() -> None:
    asked = parsed("a.csv")
    assert (asked.at, asked.limit, asked.as_, asked.dry_run) == (None, None, "", False)


def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_keeps_it() -> None:
    assert parsed("a", "--at", "2011-11-09").at == datetime(2011, 11, 9, tzinfo=UTC)
    there = parsed("a", "--at", "2011-11-09T12:00:00+08:00").at
    assert there is not None
    assert there.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize("argv", [["a", "--at", "yesterday"], ["a", "--limit", "x"], []])
def test_wrong_usage_is_refused(argv: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parsed(*argv)


def test_help_says_what_an_option_is() -> None:
    operation = Operation("try", Asked, lambda shop, request: request)
    words = Words({"en": {"operations.try.limit": "How many."}, "zh": {}})
    options = {p.name: p for p in derive.parameters(operation, words, "en")}
    limit = options["limit"]
    assert isinstance(limit, click.Option)
    assert limit.help == "How many."
    assert isinstance(options["key"], click.Argument)


@pytest.mark.parametrize(
    ("argv", "env", "language"),
    [
        (["today", "--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        ([], {"RENWEI_LANG": "zh"}, "zh"),
        ([], {"LANG": "zh_TW.UTF-8"}, "zh"),
        ([], {"LC_ALL": "C.UTF-8", "LANG": "zh_CN"}, "zh"),
        ([], {"LANG": "fr_FR"}, "en"),
        ([], {}, "en"),
    ],
)
def test_the_language_is_the_option_else_the_environment(
    argv: list[str], env: dict[str, str], language: str
) -> None:
    assert chosen(argv, env) == language
