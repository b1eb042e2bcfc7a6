"""`doctor`: looks at everything that can keep a workspace from working, and says what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from renwei.app.sentences import machine_fault
from renwei.app.upkeep.place import Place, bare
from renwei.core.errors import RenweiError, Unavailable
from renwei.core.operations import operation

if TYPE_CHECKING:
    from renwei.app.upkeep.looking import Found

PORT = 8400
Look = Callable[[Place], "Found"]
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


CHECKS = (
    "directory",
    "rights",
    "disk",
    "versions",
    "key",
    "clock",
    "work",
    "files",
    "estimates",
    "leftovers",
    "backup",
)
"""Functions of `renwei.app.upkeep.looking`, in the order in which they are told."""


@operation("doctor", DoctorRequest, scope="admin")
@bare
def doctor(place: Place, request: DoctorRequest) -> DoctorAnswer:
    """Check disk, rights, key, port, clock, files and versions; each line says what to do.

    Raises:
        Unavailable: `unwell`, with every line, where something fails.
    """
    from renwei.app.upkeep import looking

    looks: dict[str, Look] = {name: getattr(looking, name) for name in CHECKS}
    looks["port"] = functools.partial(looking.port, number=request.port)
    lines: list[Line] = []
    for name, look in looks.items():
        place.progress("doctor", len(lines), len(looks))
        line = _line(place, name, look)
        # What keeps several looks from looking is one thing to mend, not several.
        if line.fix or line.state == "ok" or line.text not in {one.text for one in lines}:
            lines.append(line)
        if name == "directory" and line.state == "fail":
            break
    bad = sum(line.state == "fail" for line in lines)
    if bad:
        text = "\n".join(said(line) for line in lines)
        raise Unavailable("unwell", n=bad, text=text, lines=msgspec.to_builtins(lines))
    return DoctorAnswer(ok=True, lines=lines)


def said(line: Line) -> str:
    """A line as people read it."""
    return f"{MARKS[line.state]} {line.text}" + (f"\n    {line.fix}" if line.fix else "")


def _line(place: Place, name: str, look: Look) -> Line:
    try:
        found = look(place)
    except (RenweiError, OSError) as broken:
        error = broken if isinstance(broken, RenweiError) else machine_fault(broken)
        if error is None:
            raise
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
