"""One question to customers: made here, answered on a page that anybody can open."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from renwei.collect.questions import answering
from renwei.collect.questions.asked import OPEN
from renwei.core.errors import RenweiError
from renwei.doors.console import kept
from renwei.doors.console.frame import Visit, page
from renwei.doors.http.problems import sentence_of, status_of

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
OTHER = 6
"""So many own answers can be typed on the form."""


@page("GET /questions", scope="read")
def questions(visit: Visit) -> Response:
    """Questions with their answers, and the one worth asking next; that alone once it is known."""
    known = kept.known(visit, "questions suggest")
    alone = visit.partial and "shown" in visit.query
    if alone and not kept.is_newer(visit, known):
        return Response(status_code=204)
    questions = visit.call("questions list").questions
    return visit.show(
        "questions/next.html" if alone else "questions/list.html",
        questions=questions,
        known=known,
        shown=kept.shown(known),
        # Since the answer was worked out one may have been asked or closed.
        asked={one.fact for one in questions if one.state == OPEN},
    )


@page("POST /questions", scope="write")
def ask(visit: Visit) -> Response:
    """Ask: a suggested question as it is, or one in own words."""
    fields = visit.fields
    fact = fields.get("fact", "").strip()
    typed = (fields.get("text_en", ""), fields.get("text_zh", ""))
    made = visit.call(
        "questions new",
        fact=fact or named(typed),
        text_en=typed[0].strip(),
        text_zh=typed[1].strip(),
        choices=_choices(fields),
        sensitive=fields.get("sensitive") == "yes",
    )
    return RedirectResponse(f"/questions/{made.id}", 303)


@page("GET /questions/{question}", scope="read")
def question(visit: Visit) -> Response:
    """One question: its answers, its link and the code to scan."""
    name = visit.path["question"]
    base = str(visit.request.base_url).rstrip("/")
    person = visit.query.get("person", "").strip()
    # Who may not ask customers gets no link to send, and reads the answers.
    link = None
    if visit.may("write"):
        link = visit.call("questions link", question=name, person=person, base=base)
    return visit.show(
        "questions/one.html",
        one=visit.call("questions show", question=name),
        link=link,
        # Drawn by ourselves from an address of our own: markup on purpose.
        code=Markup(link.code_svg) if link else "",  # noqa: S704 # nosec B704
        person=person,
        only_here=is_only_here(visit.request.url.hostname or ""),
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


def is_only_here(host: str) -> bool:
    """Whether an address leads nowhere but to the machine it is opened on.

    Example:
        >>> is_only_here("127.0.0.1"), is_only_here("shop.example")
        (True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def named(texts: tuple[str, str]) -> str:
    """The name of a fact that was given none: the same for the same question.

    Example:
        >>> named(("Which scent?", "")), named(("", "喜欢什么香味？"))
        ('which_scent', 'q_56667b')
    """
    word = re.sub(r"[^a-z0-9]+", "_", texts[0].lower()).strip("_")[:40].rstrip("_")
    return word if _WORD.fullmatch(word) else _mark("".join(texts))


def _choices(fields: Mapping[str, str]) -> list[str]:
    """What was typed as "value|English|Chinese"; one language stands for both."""
    made = []
    for k in range(OTHER):
        zh, en = (fields.get(f"{name}{k}", "").replace("|", "/").strip() for name in ("zh", "en"))
        if zh or en:
            made.append(f"{named((en, zh))}|{en or zh}|{zh or en}")
    return made


def _mark(text: str) -> str:
    return "q_" + hashlib.blake2b(text.strip().encode(), digest_size=3).hexdigest()
