"""One question to customers: made here, answered on a page that anybody can open."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from renwei.collect.questions import answering
from renwei.core.errors import RenweiError
from renwei.doors.console.frame import Visit, page
from renwei.doors.http.problems import sentence_of, status_of

OTHER = 6
"""So many own answers can be typed on the form."""


@page("GET /questions", scope="read")
def questions(visit: Visit) -> Response:
    """Questions with their answers, and the one worth asking next."""
    return visit.show(
        "questions/list.html",
        questions=visit.call("questions list").questions,
        suggested=visit.call("questions suggest"),
    )


@page("POST /questions", scope="write")
def ask(visit: Visit) -> Response:
    """Ask: a suggested question as it is, or one in own words."""
    fields = visit.fields
    choices = [fields.get(f"choice{k}", "").strip() for k in range(OTHER)]
    made = visit.call(
        "questions new",
        fact=fields.get("fact", "").strip(),
        text_en=fields.get("text_en", "").strip(),
        text_zh=fields.get("text_zh", "").strip(),
        choices=[choice for choice in choices if choice],
        sensitive=fields.get("sensitive") == "yes",
    )
    return RedirectResponse(f"/questions/{made.id}", 303)


@page("GET /questions/{question}", scope="read")
def question(visit: Visit) -> Response:
    """One question: its answers, its link and the code to scan."""
    name = visit.path["question"]
    base = str(visit.request.base_url).rstrip("/")
    person = visit.query.get("person", "").strip()
    link = visit.call("questions link", question=name, person=person, base=base)
    return visit.show(
        "questions/one.html",
        one=visit.call("questions show", question=name),
        link=link,
        # Drawn by ourselves from an address of our own: markup on purpose.
        code=Markup(link.code_svg),  # noqa: S704 # nosec B704
        person=person,
    )


@page("POST /questions/{question}/close", scope="write")
def close(visit: Visit) -> Response:
    """Take no more answers."""
    visit.call("questions close", question=visit.path["question"])
    return visit.back("/questions", "console.questions.closed")


@page("GET /q/{token}", scope="public")
def form(visit: Visit) -> Response:
    """The page a customer opens."""
    shop = visit.house.shop(visit.language)
    asked = answering.form_for(shop, visit.path["token"], visit.language)
    return visit.show("questions/form.html", form=asked, said="", fields={})


@page("POST /q/{token}", scope="public")
def answered(visit: Visit) -> Response:
    """Keep the answer; what cannot be is said beside what was typed."""
    fields, shop = visit.fields, visit.house.shop(visit.language)
    asked = answering.form_for(shop, visit.path["token"], visit.language)
    who = answering.Identity(
        phone=fields.get("phone", ""), email=fields.get("email", ""), nick=fields.get("nick", "")
    )
    try:
        thanks = answering.answer(
            shop,
            visit.path["token"],
            fields.get("choice", ""),
            who,
            consent=fields.get("consent", ""),
            at=visit.house.clock.now(),
            nonce=fields.get("nonce", ""),
        )
    except RenweiError as fault:
        said = sentence_of(fault, visit.language)
        return visit.show(
            "questions/form.html", status_of(fault), form=asked, said=said, fields=fields
        )
    return visit.show("questions/thanks.html", thanks=thanks, form=asked)
