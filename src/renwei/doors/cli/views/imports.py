"""An import as a shop owner checks it: the numbers of her own pivot, then what was refused."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from renwei.core.words import Words, money
from renwei.doors.cli.views import plain

SHOWN = 12


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print one import."""
    said = msgspec.to_builtins(answer, enc_hook=str)
    if "orders" not in said:
        plain.show(name, answer, words, lang, console)
        return
    summary(said, words, lang, console)
    _preview(said.get("preview") or [], words, lang, console)
    _refused(said, words, lang, console)


def summary(said: dict[str, Any], words: Words, lang: str, console: Console) -> None:
    """The numbers she recognises."""

    def say(key: str, **values: Any) -> str:
        return words.say(f"pages.import.{key}", values, lang)

    currency = said["currency"]
    console.print(
        Text(
            say(
                "head",
                platform=said["platform"],
                encoding=said["encoding"],
                orders=said["orders"],
                customers=said["customers"],
                lines=said["lines"],
                units=said["units"],
            ),
            style="bold",
        )
    )
    excluded = said["excluded"]
    console.print(
        say(
            "money",
            revenue=money([said["revenue_minor"], currency]),
            refunded=money([said["refunded_minor"], currency]),
            closed=excluded["closed_or_unpaid"],
            back=excluded["refunded"],
        )
    )
    console.print(say("dates", first=said["first_order"], last=said["last_order"], **_zone(said)))
    if not said["import_id"]:
        console.print(say("dry"))
        return
    counts = {key: said[key] for key in ("added", "updated", "duplicates")}
    console.print(say("stored", **counts, import_id=said["import_id"]))


def _zone(said: dict[str, Any]) -> dict[str, Any]:
    return {"zone": said["zone"]}


def _preview(files: list[Any], words: Words, lang: str, console: Console) -> None:
    for file in files:
        console.print()
        console.print(Text(str(file.get("name", "")), style="bold"))
        for header, field in (file.get("mapping") or {}).items():
            console.print(f"  {header} → {field}", markup=False)


def _refused(said: dict[str, Any], words: Words, lang: str, console: Console) -> None:
    rejected, warnings = said.get("rejected") or [], said.get("warnings") or []
    if rejected:
        console.print()
        title = words.say("pages.import.refused", {"n": len(rejected)}, lang)
        console.print(Text(title, style="bold red"))
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("row", "column", "value", "code"):
            table.add_column(words.say(f"labels.{name}", {}, lang), overflow="fold")
        for row in rejected[:SHOWN]:
            why = words.say(f"refused.{row['code']}", row, lang)
            cells = (str(row["row"]), row["column"], row["value"], why)
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
        hint = {"import_id": said["import_id"]}
        console.print(Text(words.say("pages.import.refused_next", hint, lang), style="dim"))
    for warning in warnings[:SHOWN]:
        values = {**warning, **(warning.get("values") or {})}
        text = warning.get("text") or words.say(f"warnings.{warning['code']}", values, lang)
        console.print(Text("! " + text, style="yellow"))
