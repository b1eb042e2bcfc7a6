"""What somebody does to a person's page: consent, merges, taking everything along, forgetting."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from renwei.doors.console.frame import Visit, page
from renwei.doors.console.people.called import Called
from renwei.doors.console.today.morning import morning_of


@page("POST /people/{person}/consent/give", scope="write")
def give(visit: Visit) -> Response:
    """Note a yes with where it was said and to which wording."""
    names = ("purpose", "channel", "source", "text_version")
    fields = {name: visit.fields.get(name, "").strip() for name in names}
    answer = visit.call("consent give", person=visit.path["person"], **fields)
    return visit.back(f"/people/{answer.person}#consent", "console.people.given")


@page("POST /people/{person}/consent/withdraw", scope="write")
def withdraw(visit: Visit) -> Response:
    """Note a no; it counts at once."""
    sent = {name: visit.fields.get(name, "").strip() for name in ("purpose", "channel", "source")}
    fields = {name: value for name, value in sent.items() if value}
    answer = visit.call("consent withdraw", person=visit.path["person"], **fields)
    return visit.back(f"/people/{answer.person}#consent", "console.people.withdrawn")


@page("POST /people/{person}/correct", scope="write")
def correct(visit: Visit) -> Response:
    """Say what is really so; it counts at once and can be taken back."""
    fields = visit.fields
    answer = visit.call(
        "correct",
        person=visit.path["person"],
        name=fields.get("name", "").strip(),
        value=fields.get("value", "").strip(),
        remove="remove" in fields,
        undo="undo" in fields,
        by=visit.visitor.id if visit.visitor else "",
    )
    # What was corrected may stand on today's list: it is drawn anew when it is next looked at.
    morning_of(visit.house).lists.clear()
    done = "undone" if "undo" in fields else "removed" if "remove" in fields else "kept"
    thing = Called(visit).thing(fields.get("name", "").strip(), fields.get("value", "").strip())
    to = f"/people/{answer.person}#known"
    return visit.back(to, f"console.people.correction_{done}", thing=thing)


@page("POST /people/{person}/merge", scope="write")
def merge(visit: Visit) -> Response:
    """Make somebody else part of this person."""
    gone = visit.fields.get("gone", "").strip()
    answer = visit.call("merge", kept=visit.path["person"], gone=gone)
    return visit.back(f"/people/{answer.kept}#merges", "console.people.merged")


@page("POST /people/{person}/unmerge", scope="write")
def unmerge(visit: Visit) -> Response:
    """Two people again."""
    visit.call("unmerge", merge=visit.fields.get("merge", ""))
    return visit.back(f"/people/{visit.path['person']}#merges", "console.people.unmerged")


@page("GET /people/{person}/export.json", scope="write")
def as_json(visit: Visit) -> Response:
    """Everything held of the person, as data."""
    answer = visit.call("export-person", person=visit.path["person"])
    content = msgspec.json.format(msgspec.json.encode(answer.data), indent=1)
    return _download(content, f"{answer.person}.json", "application/json")


@page("GET /people/{person}/export.txt", scope="write")
def as_text(visit: Visit) -> Response:
    """Everything held of the person, to be read, in both languages."""
    answer = visit.call("export-person", person=visit.path["person"])
    return _download(answer.text.encode(), f"{answer.person}.txt", "text/plain; charset=utf-8")


@page("GET /people/{person}/forget", scope="admin")
def ask(visit: Visit) -> Response:
    """What forgetting means, before it is done."""
    answer = visit.call("person", person=visit.path["person"])
    return visit.show("people/forget.html", p=answer)


@page("POST /people/{person}/forget", scope="admin")
def forget(visit: Visit) -> Response:
    """Destroy everything held of the person, and show what was destroyed."""
    if visit.fields.get("sure") != "yes":
        return ask(visit)
    return visit.show(
        "people/receipt.html", receipt=visit.call("forget", person=visit.path["person"])
    )


def _download(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
