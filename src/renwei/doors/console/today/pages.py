"""Today: the list with its drafts, marks on its lines, why and why not, and the Excel file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response

from renwei.core.errors import Ambiguous, RenweiError, UnknownName
from renwei.doors.console import gate
from renwei.doors.console.amounts import hour, whole
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.kept import is_empty, ready, waiting
from renwei.doors.console.screen import sentence
from renwei.doors.console.today.morning import Ask, Mark, Morning, draw, drawn, morning_of
from renwei.trust import audit

LINES = 25
"""A morning's work; whoever says how many minutes there are gets as many as fit."""

MINUTES = (20, 40, 60, 120)
LEAST_MINUTES = 2
"""The quickest line takes so long."""
MARKS = ("done", "skip", "snooze")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@page("GET /", scope="read")
def today(visit: Visit) -> Response:
    """Whom to contact today; a list that is still being drawn says so and comes by itself."""
    if is_empty(visit.house):
        # Nothing to learn from, and nobody should wait for that.
        return visit.show("today/today.html", answer=None)
    morning = morning_of(visit.house)
    answer = drawn(visit.house, morning, _ask(visit))
    if answer is None:
        return waiting(visit)
    return ready(visit) or _shown(visit, morning, answer)


def begin(visit: Visit) -> None:
    """Begin to draw the list, so that it is there when somebody comes to see it."""
    with suppress(RenweiError):
        drawn(visit.house, morning_of(visit.house), _ask(visit))


@page("GET /today", scope="read")
def same(visit: Visit) -> Response:
    """The list's other name."""
    return RedirectResponse("/", 303)


@page("GET /today/why-not", scope="read")
def why_not(visit: Visit) -> Response:
    """Why somebody one misses is not on the list."""
    missed = visit.query.get("person", "").strip()
    if not missed:
        return RedirectResponse("/", 303)
    morning, ask = morning_of(visit.house), _ask(visit)
    gate.insist(visit.visitor, "today")
    said, found = "", None
    try:
        found = draw(visit.house, morning, ask, why_not=missed).why_not
    except (UnknownName, Ambiguous) as fault:
        said = sentence(visit, fault)
    if visit.partial:
        return visit.show("today/why_not.html", missed=missed, said=said, found=found)
    answer = drawn(visit.house, morning, ask)
    if answer is None:
        return waiting(visit)
    return _shown(visit, morning, answer, missed=missed, said=said, found=found)


@page("GET /today.xlsx", scope="write")
def sheet(visit: Visit) -> Response:
    """What is left of the list, as an Excel file; noted, as every export."""
    morning, ask = morning_of(visit.house), _ask(visit)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "today.xlsx"
        answer = draw(visit.house, morning, ask, out=out)
        content = out.read_bytes()
    _note_export(visit, answer)
    name = f"renwei-{morning.day.isoformat()}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=XLSX, headers=headers)


@page("GET /today/{decision}/why", scope="read")
def why(visit: Visit) -> Response:
    """What a line was chosen from, the odds, what guards removed, and on what consent."""
    answer = visit.call("why", decision=visit.path["decision"])
    if not visit.partial:
        return RedirectResponse(f"/decisions/{answer.decision_id}", 303)
    return visit.show("today/why.html", why=answer)


@page("POST /today/{decision}/{mark}", scope="write")
def marked(visit: Visit) -> Response:
    """done, skip, snooze or undo: the line changes where it stands."""
    fields, mark, decision = visit.fields, visit.path["mark"], visit.path["decision"]
    morning = morning_of(visit.house)
    text = fields.get("text", "").strip()
    if mark == "undo":
        standing = next((m for m in morning.marks.values() if m.decision == decision), None)
        text = standing.text if standing else ""
        answer = visit.call("done", decision=decision, undo=True)
    elif mark in MARKS:
        answer = visit.call(mark, decision=decision, **_details(mark, fields, text))
    else:
        raise UnknownName("unknown_mark", name=mark, known=", ".join(MARKS))
    return _after(visit, answer, text)


def _details(mark: str, fields: dict[str, str], text: str) -> dict[str, Any]:
    if mark == "done":
        return {"text": text}
    return {"days": fields["days"]} if mark == "snooze" and fields.get("days") else {}


def _after(visit: Visit, answer: Any, text: str) -> Response:
    morning = morning_of(visit.house)
    mark = morning.marks.get(answer.person)
    held, line = _line(morning, visit.language, answer.person)
    if mark is not None:
        mark.text = text or mark.text
        mark.name = line.name if line else mark.name
    if not visit.partial:
        return visit.back(f"/#p-{answer.person}", "console.today.told", said=answer.text)
    if line is None:
        # An earlier list of the day had her: draw a new one.
        morning.lists.clear()
        return Response(headers={"HX-Refresh": "true"})
    return visit.show(
        "today/line.html", line=line, mark=mark, text=text, **_common(visit, morning, held)
    )


def _line(morning: Morning, language: str, person: str) -> tuple[Any, Any]:
    """A person's line and the list it stands on."""
    for ask, (answer, _) in morning.lists.items():
        for line in answer.people if ask[0] == language else ():
            if line.person == person:
                return answer, line
    return None, None


def _common(visit: Visit, morning: Morning, answer: Any) -> dict[str, Any]:
    return {
        "currency": answer.currency,
        "window_days": answer.window_days,
        "whole": whole(visit),
        "hour": hour(visit, morning.day),
    }


def _ask(visit: Visit) -> Ask:
    minutes = visit.query.get("minutes", "")
    if minutes.isdigit() and 0 < int(minutes) <= 1_440:
        return visit.language, int(minutes), lines_in(int(minutes))
    # A shop that said how much time it has gets as many lines as fit into it.
    settings = visit.house.shop().settings
    return visit.language, 0, lines_in(settings.minutes) if settings.minutes else LINES


def lines_in(minutes: int) -> int:
    """So many lines can be in a time at most; without a number chance would choose too many.

    Example:
        >>> lines_in(20), lines_in(1)
        (10, 1)
    """
    return max(minutes // LEAST_MINUTES, 1)


def _shown(visit: Visit, morning: Morning, answer: Any, **more: Any) -> Response:
    marks = morning.marks
    _note_shown(visit, morning, answer)
    shown = gate.shown(visit.visitor, answer)
    listed = {line.person for line in answer.people}
    elsewhere = [mark for mark in marks.values() if mark.person not in listed]
    _name(visit, elsewhere)
    done = [mark for mark in marks.values() if mark.done == "done"]
    values: dict[str, Any] = {"missed": "", "said": "", "found": None, **more}
    return visit.show(
        "today/today.html",
        answer=shown,
        marks=marks,
        elsewhere=sorted(elsewhere, key=lambda mark: mark.at),
        done=len(done),
        open=[line for line in shown.people if line.person not in marks],
        left=_left(visit, answer.left_out),
        minutes=_ask(visit)[1],
        choices=MINUTES,
        **_common(visit, morning, answer),
        **values,
    )


def _name(visit: Visit, marks: Sequence[Mark]) -> None:
    """Names of whom an earlier list of the day had."""
    for mark in marks:
        if not mark.name:
            try:
                mark.name = visit.house.call("person", visit.language, person=mark.person).name
            except RenweiError:
                mark.name = mark.person


def _left(visit: Visit, counts: dict[str, int]) -> list[tuple[str, int]]:
    """Why the others are not on the list, most frequent reason first."""
    found = []
    for word, n in sorted(counts.items(), key=lambda pair: -pair[1]):
        if word in ("people", "listed") or not n:
            continue
        key = f"console.today.left.{word}"
        text = visit.say(key)
        found.append((visit.say(f"reasons.removed_{word}", n=n) if text == key else text, n))
    return found


def _note_shown(visit: Visit, morning: Morning, answer: Any) -> None:
    """Tell the audit log once whom a list showed to somebody, not at every glance."""
    who = visit.visitor.id if visit.visitor else ""
    if (who, answer.at) not in morning.noted:
        morning.noted.add((who, answer.at))
        audit.note_answer(visit.house.shop(), who, "today", None, answer)


def _note_export(visit: Visit, answer: Any) -> None:
    if visit.visitor is not None and answer.people:
        persons = [line.person for line in answer.people]
        audit.note(visit.house.shop(), visit.visitor.id, "export", person=persons)
