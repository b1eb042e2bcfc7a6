"""`doctor`: looks at everything that can keep a workspace from working, and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from renwei.app.upkeep import looking
from renwei.app.upkeep.looking import Found
from renwei.app.upkeep.place import Place, bare
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.operations import operation

PORT = 8400
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


class DoctorRequest(msgspec.Struct, kw_only=True):
    """Which port the server would listen on."""

    port: int = PORT


class Line(msgspec.Struct, kw_only=True):
    """One thing looked at: `state` is ok, warn or fail; `fix` says what to do."""

    check: str
    state: str
    text: str
    fix: str = ""


class DoctorAnswer(msgspec.Struct, kw_only=True):
    """Every line; a line that fails is raised instead, so that scripts notice."""

    ok: bool
    lines: list[Line]


CHECKS: tuple[tuple[str, Callable[[Place], Found]], ...] = (
    ("directory", looking.directory),
    ("rights", looking.rights),
    ("disk", looking.disk),
    ("key", looking.key),
    ("clock", looking.clock),
    ("versions", looking.versions),
    ("work", looking.work),
    ("files", looking.files),
    ("estimates", looking.estimates),
    ("leftovers", looking.leftovers),
    ("backup", looking.last_backup),
)


@operation("doctor", DoctorRequest, scope="admin")
@bare
def doctor(place: Place, request: DoctorRequest) -> DoctorAnswer:
    """Check disk, rights, key, port, clock, files and versions; each line says what to do.

    Raises:
        Unavailable: `unwell`, with every line, where something fails.
    """
    checks = [*CHECKS, ("port", lambda place: looking.port(place, request.port))]
    lines = []
    for n, (name, check) in enumerate(checks):
        place.progress("doctor", n, len(checks))
        lines.append(_line(place, name, check))
        if name == "directory" and lines[-1].state == "fail":
            break
    bad = sum(line.state == "fail" for line in lines)
    if bad:
        text = "\n".join(said(line) for line in lines)
        raise Unavailable("unwell", n=bad, text=text, lines=msgspec.to_builtins(lines))
    return DoctorAnswer(ok=True, lines=lines)


def said(line: Line) -> str:
    """A line as people read it."""
    return f"{MARKS[line.state]} {line.text}" + (f"\n    {line.fix}" if line.fix else "")


def _line(place: Place, name: str, check: Callable[[Place], Found]) -> Line:
    try:
        found = check(place)
    except RenweiError as error:
        text = place.say(f"errors.{error.code}", **error.values)
        return Line(check=name, state="fail", text=text)
    values: dict[str, Any] = {"path": str(place.directory), **found.values}
    key = f"upkeep.doctor.{name}.{found.code}"
    fix = f"{key}_fix"
    return Line(
        check=name,
        state=found.state,
        text=place.say(key, **values),
        fix=place.say(fix, **values) if found.state != "ok" else "",
    )
