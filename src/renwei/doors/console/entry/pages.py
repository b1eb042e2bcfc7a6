"""Coming in and going out: sign-in, the one-time link, language, the demo's door, jobs."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from renwei.app.work import Job
from renwei.core.errors import BadInput, RenweiError, UnknownName
from renwei.core.words import LANGUAGES
from renwei.doors.console import gate
from renwei.doors.console.entry.other import handed, leave_demo, left, to_demo
from renwei.doors.console.frame import Visit, page
from renwei.doors.http.problems import sentence_of, status_of
from renwei.trust import accounts

__all__ = [
    "enter_demo", "handed", "job", "language", "leave_demo", "left", "reset", "reset_sent", "sign_in", "sign_in_sent",
    "sign_out", "to_demo", "welcome", "welcomed",
]  # fmt: skip
YEAR_S = 365 * 86_400


@page("GET /sign-in", scope="public")
def sign_in(visit: Visit) -> Response:
    """The form; on the demo one click is enough."""
    to = gate.inside(visit.query.get("to", "/"))
    if visit.visitor:
        return RedirectResponse(to, 303)
    return visit.show("entry/sign_in.html", to=to, email="", said="")


@page("POST /sign-in", scope="public")
def sign_in_sent(visit: Visit) -> Response:
    """Let in whoever knows the password, or say one sentence for every other case."""
    fields = visit.fields
    to, email = gate.inside(fields.get("to", "/")), fields.get("email", "").strip()
    shop, at = visit.house.shop(visit.language), visit.house.clock.now()
    try:
        token = accounts.sign_in(
            shop, email, fields.get("password", ""), at, address=_address(visit)
        )
    except RenweiError as fault:
        said = sentence_of(fault, visit.language)
        return visit.show("entry/sign_in.html", status_of(fault), to=to, email=email, said=said)
    return gate.let_in(visit, token, to)


@page("POST /enter-demo", scope="public")
def enter_demo(visit: Visit) -> Response:
    """Into the demo shop, where there is nothing to protect."""
    token = accounts.demo_session(visit.house.shop(), visit.house.clock.now())
    return gate.let_in(visit, token, visit.fields.get("to", "/"))


@page("POST /sign-out", scope="public")
def sign_out(visit: Visit) -> Response:
    """End the session here and on the server."""
    if visit.visitor:
        accounts.sign_out(visit.house.shop(), visit.visitor.token)
    answer: Response = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(gate.SESSION)
    return answer


@page("GET /welcome/{token}", scope="public")
def welcome(visit: Visit) -> Response:
    """The one-time link: make the account it is for."""
    accounts.role_of(visit.house.shop(), visit.path["token"], visit.house.clock.now())
    return visit.show("entry/welcome.html", email="", name="", said="")


@page("POST /welcome/{token}", scope="public")
def welcomed(visit: Visit) -> Response:
    """Make the account and let its owner in."""
    fields = visit.fields
    email, name = fields.get("email", "").strip(), fields.get("name", "").strip()
    shop, at = visit.house.shop(visit.language), visit.house.clock.now()
    who = accounts.Newcomer(email, name, fields.get("password", ""), visit.language)
    try:
        account = accounts.use_welcome(shop, visit.path["token"], who, at)
    except BadInput as fault:
        said = sentence_of(fault, visit.language)
        values = {"email": email, "name": name, "said": said}
        return visit.show("entry/welcome.html", status_of(fault), **values)
    return gate.let_in(visit, accounts.start_session(shop, account, at), "/")


@page("GET /reset/{token}", scope="public")
def reset(visit: Visit) -> Response:
    """The one-time link for a new password."""
    accounts.check_reset(visit.house.shop(), visit.path["token"], visit.house.clock.now())
    return visit.show("entry/reset.html", said="")


@page("POST /reset/{token}", scope="public")
def reset_sent(visit: Visit) -> Response:
    """Set the new password and let its owner in."""
    shop, at = visit.house.shop(visit.language), visit.house.clock.now()
    password = visit.fields.get("password", "")
    try:
        account = accounts.use_reset(shop, visit.path["token"], password, at)
    except BadInput as fault:
        said = sentence_of(fault, visit.language)
        return visit.show("entry/reset.html", status_of(fault), said=said)
    return gate.let_in(visit, accounts.start_session(shop, account, at), "/")


@page("POST /language", scope="public")
def language(visit: Visit) -> Response:
    """Another language, from now on in this browser and wherever else one signs in."""
    chosen = visit.fields.get("language", "")
    answer = visit.back(gate.inside(visit.fields.get("to", "/")))
    if chosen in LANGUAGES:
        who = visit.visitor
        if who and not visit.house.demo:
            shop, at = visit.house.shop(), visit.house.clock.now()
            accounts.change_self(shop, who.id, at, name=who.name, language=chosen)
        answer.set_cookie("lang", chosen, max_age=YEAR_S, samesite="lax", httponly=True)
    return answer


@page("GET /jobs/{job}", scope="read")
def job(visit: Visit) -> Response:
    """How far a job is; once it has ended, on to where its page wants to be."""
    found = visit.house.jobs.get(visit.path["job"])
    if found is None or visit.visitor is None or found.by != visit.visitor.id:
        raise UnknownName("unknown_job", name=visit.path["job"])
    then = gate.inside(visit.query.get("then", "/"))
    if found.state == "running":
        name = "entry/job_part.html" if visit.partial else "entry/job.html"
        return visit.show(name, job=found, pace=_pace(visit, found))
    # Where it failed, the page that asked shows why, and what can be done there.
    to = then.replace("JOB", found.id)
    if visit.partial:
        return Response(headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


def _pace(visit: Visit, job: Job) -> int:
    """Rows a second in the present step; 0 while nothing can be said."""
    seconds = (visit.house.clock.now() - job.since).total_seconds()
    return round(job.done / seconds) if job.of and seconds >= 1 else 0


def _address(visit: Visit) -> str:
    client = visit.request.client
    return client.host if client else ""
