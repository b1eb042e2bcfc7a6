"""One command from arguments to answer: directory, lock, confirmation, work, output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from renwei.app import build
from renwei.app.showing import DEMO
from renwei.app.upkeep.place import Place, is_bare
from renwei.core.errors import Refused, Unavailable
from renwei.core.operations import Operation
from renwei.core.shop import Progress, Shop, silent
from renwei.doors.cli import derive, faults, views

LOOKS = frozenset({"person", "timeline", "export-person", "export"})
"""Commands that only read, and yet the audit log must tell of them."""


def run(operation: Operation, given: Mapping[str, Any], own: Mapping[str, Any], lang: str) -> None:
    """Do one operation and print its answer."""
    # `--yes` is the door's own word, but an operation may want to know it was said.
    request = derive.request(operation, {"yes": own["yes"]} | dict(given))
    directory = directory_of(own["data"], demo=operation.name == DEMO)
    if operation.destroys and not own["yes"]:
        _confirm(operation, given, lang)
    with shown_progress(lang) as progress:
        answer = answer_of(operation, request, directory, lang=lang, progress=progress)
    if own["as_json"]:
        faults.out(answer)
    else:
        views.show(operation.name, answer, build.words(), lang)


def answer_of(
    operation: Operation, request: Any, directory: Path, *, lang: str, progress: Progress = silent
) -> Any:
    """Do one operation on a directory, which is locked while it may be written.

    Raises:
        Unavailable: No workspace there yet, or another process is writing.
    """
    if is_bare(operation.call):
        return operation.call(Place(directory, lang, progress), request)
    if not operation.writes and not (directory / "state.db").exists():
        raise Unavailable("no_workspace", path=str(directory))
    with build.open_shop(
        directory, language=lang, progress=progress, write=operation.writes
    ) as shop:
        if operation.child:
            from renwei.app.jobs import run_child

            answer = run_child(operation, shop, request)
        else:
            answer = operation.call(shop, request)
        if operation.writes:
            _note(shop, operation, request, answer)
    if operation.name in LOOKS:
        # Reading needs no lock; telling of it does. Where nobody can write, nobody can note.
        with suppress(Unavailable), build.open_shop(directory) as shop:
            _note(shop, operation, request, answer)
    return answer


def _note(shop: Shop, operation: Operation, request: Any, answer: Any) -> None:
    """Tell the audit log whom a command showed or changed; "cli" is who sat at the machine."""
    from renwei.trust import audit

    audit.note_answer(shop, audit.CONSOLE, operation.name, request, answer)


def directory_of(given: Path | None, *, demo: bool = False) -> Path:
    """`--data`, else RENWEI_DATA, else the platform's folder for user data.

    The demo never goes where a shop's own data is: unless told, it has a folder beside it.
    """
    if given is not None:
        return given.absolute()
    named = os.environ.get("RENWEI_DATA")
    if named and not demo:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("renwei-demo" if demo else "renwei", appauthor=False))


def _confirm(operation: Operation, given: Mapping[str, Any], lang: str) -> None:
    """Ask before something that cannot be taken back; never wait without a terminal."""
    what = " ".join([operation.name, *(str(v) for v in given.values() if isinstance(v, str))])
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("needs_yes", command=f"renwei {what} --yes")
    question = build.words().say("cli.confirm", {"what": what}, lang)
    if not click.confirm(question, err=True):
        raise click.Abort


@contextmanager
def shown_progress(lang: str) -> Iterator[Progress]:
    """A bar on a terminal's stderr once work lasts; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}/{task.total:,}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def moved(what: str, done: int, of: int) -> None:
        if what not in tasks:
            text = build.words().say(f"progress.{what}", {}, lang)
            tasks[what] = bar.add_task(text, total=of or None, rate="")
        speed = bar.tasks[tasks[what]].speed
        rate = f"{speed:,.0f}/s" if speed else ""
        bar.update(tasks[what], completed=done, total=of or max(done, 1), rate=rate)

    with bar:
        yield moved
