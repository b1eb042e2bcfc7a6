"""Faults as people read them: one clear sentence in their language, never a traceback."""

from __future__ import annotations

import difflib
import hashlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from renwei.app import build
from renwei.app.sentences import machine_fault, sentence_of
from renwei.core.errors import Ambiguous, RenweiError


class UnknownCommand(click.UsageError):
    """No such command, and what it may have meant."""

    def __init__(self, name: str, known: Sequence[str], ctx: click.Context) -> None:
        super().__init__(name, ctx)
        self.name = name
        near = difflib.get_close_matches(name, known, n=1)
        self.suggestion = near[0] if near else ""


def refused(fault: RenweiError, lang: str, *, as_json: bool) -> int:
    """Say a fault of ours; exit status 1."""
    sentence = sentence_of(fault, lang)
    if as_json:
        error = {"code": fault.code, "message": sentence, "values": fault.values}
        out({"error": error})
    click.echo(sentence, err=True)
    if isinstance(fault, Ambiguous):
        for match in fault.values.get("matches", []):
            click.echo(f"  {match}", err=True)
    return 1


def usage(wrong: click.UsageError, lang: str, *, as_json: bool) -> int:
    """Say what was typed wrongly; exit status 2."""
    code, values = _usage_code(wrong)
    words = build.words()
    sentence = words.say(f"cli.usage.{code}", values, lang)
    if values.get("suggestion"):
        sentence += " " + words.say("cli.did_you_mean", values, lang)
    if as_json:
        out({"error": {"code": f"usage_{code}", "message": sentence, "values": values}})
    click.echo(sentence, err=True)
    if wrong.ctx is not None:
        click.echo(words.say("cli.usage.help", {"command": wrong.ctx.command_path}, lang), err=True)
    return 2


def _usage_code(wrong: click.UsageError) -> tuple[str, dict[str, Any]]:
    if isinstance(wrong, UnknownCommand):
        return "command", {"name": wrong.name, "suggestion": wrong.suggestion}
    if isinstance(wrong, click.NoSuchOption):
        near = list(wrong.possibilities or [])
        return "option", {"name": wrong.option_name, "suggestion": near[0] if near else ""}
    if isinstance(wrong, click.MissingParameter):
        shown = wrong.param.make_metavar(wrong.ctx) if wrong.param and wrong.ctx else ""
        name = wrong.param.opts[0] if isinstance(wrong.param, click.Option) else shown
        return "missing", {"name": name}
    if isinstance(wrong, click.BadParameter):
        name = wrong.param.opts[0] if wrong.param else ""
        return "value", {"name": name, "detail": wrong.message}
    return "other", {"detail": wrong.format_message()}


def stopped(lang: str) -> int:
    """Interrupted by the person at the terminal."""
    click.echo(build.words().say("cli.stopped", {}, lang), err=True)
    return 1


def unexpected(broken: Exception, lang: str, *, as_json: bool) -> int:
    """A fault nobody foresaw: what the machine refused, else a short code for a report."""
    known = machine_fault(broken)
    if known is not None:
        return refused(known, lang, as_json=as_json)
    trace = "".join(traceback.format_exception(broken))
    code = hashlib.blake2b(trace.encode(), digest_size=4).hexdigest()
    ours = [f for f in traceback.extract_tb(broken.__traceback__) if "renwei" in f.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    values = {"id": code, "kind": type(broken).__name__, "where": where}
    sentence = build.words().say("cli.unexpected", values, lang)
    if as_json:
        out({"error": {"code": "unexpected", "message": sentence, "values": values}})
    click.echo(sentence, err=True)
    return 1


def out(value: Any) -> None:
    """One object on one line of stdout."""
    sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")
    sys.stdout.flush()
