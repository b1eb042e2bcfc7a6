"""Settings: one's own account, the shop, wordings, keys, team, keeping, who looked at whom."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from renwei.app.settings import KIND, NAME
from renwei.core.errors import BadInput, Refused
from renwei.core.nouns import Autonomy
from renwei.core.words import LANGUAGES
from renwei.doors.console import gate
from renwei.doors.console.frame import Visit, page
from renwei.doors.console.settings import shown
from renwei.doors.console.settings.wards import (
    audit,
    invite,
    keeping,
    kept,
    key,
    keys,
    purge,
    remove,
    revoke,
    role,
    team,
)
from renwei.doors.http.problems import sentence_of, status_of
from renwei.trust import accounts

__all__ = [
    "audit", "changed", "dial", "invite", "keeping", "kept", "key", "keys", "me", "me_changed",
    "password", "purge", "remove", "revoke", "role", "settings", "team", "undo", "wording",
    "wordings",
]  # fmt: skip

YEAR_S = 365 * 86_400


@page("GET /settings", scope="read")
def settings(visit: Visit) -> Response:
    """The shop's own settings and the dials; who may not turn them gets the own account."""
    if not visit.may("admin"):
        return RedirectResponse("/settings/me", 303)
    return _shop(visit, {}, "")


@page("POST /settings", scope="admin")
def changed(visit: Visit) -> Response:
    """Change what differs; each value is checked, and the earlier one kept."""
    typed = visit.fields
    before = {one.key: shown.text_of(one.key, one.value) for one in _settings(visit).settings}
    try:
        for name, value in typed.items():
            if value.strip() != before.get(name, ""):
                visit.call("settings", key=name, value=value.strip())
    except BadInput as fault:
        return _shop(visit, typed, sentence_of(fault, visit.language), status_of(fault))
    return visit.back("/settings", "console.settings.kept")


@page("POST /settings/undo", scope="admin")
def undo(visit: Visit) -> Response:
    """Take the last change back; that is a change too and can be undone."""
    papers, at = visit.house.shop().store.papers, visit.house.clock.now()
    by = visit.visitor.id if visit.visitor else ""
    papers.undo(KIND, NAME, by=by, at=at)
    return visit.back("/settings", "console.settings.undone")


@page("POST /settings/autonomy", scope="admin")
def dial(visit: Visit) -> Response:
    """Turn a dial."""
    fields = visit.fields
    visit.call("autonomy", surface=fields.get("surface", ""), level=fields.get("level", ""))
    return visit.back("/settings", "console.settings.kept")


@page("GET /settings/wordings", scope="write")
def wordings(visit: Visit) -> Response:
    """What people agree to, by purpose, in both languages."""
    return visit.show("settings/wordings.html", wordings=visit.call("texts").texts)


@page("POST /settings/wordings", scope="write")
def wording(visit: Visit) -> Response:
    """Write a new version of a wording."""
    fields = visit.fields
    named = {name: fields.get(name, "") for name in ("purpose", "language", "text")}
    visit.call("texts", **named)
    return visit.back("/settings/wordings", "console.settings.kept")


@page("GET /settings/me", scope="read")
def me(visit: Visit) -> Response:
    """The visitor's own name, language and password."""
    return visit.show("settings/me.html", said="")


@page("POST /settings/me", scope="read")
def me_changed(visit: Visit) -> Response:
    """Another name or language for oneself."""
    fields, who = visit.fields, visit.visitor
    chosen = fields.get("language", visit.language)
    if who is not None:
        shop, at = visit.house.shop(visit.language), visit.house.clock.now()
        try:
            accounts.change_self(shop, who.id, at, name=fields.get("name", ""), language=chosen)
        except BadInput as fault:
            said = sentence_of(fault, visit.language)
            return visit.show("settings/me.html", status_of(fault), said=said)
    answer = visit.back("/settings/me", "console.settings.kept")
    if chosen in LANGUAGES:
        answer.set_cookie("lang", chosen, max_age=YEAR_S, samesite="lax", httponly=True)
    return answer


@page("POST /settings/me/password", scope="read")
def password(visit: Visit) -> Response:
    """Another password; every other session of this account ends."""
    fields = visit.fields
    token = visit.visitor.token if visit.visitor else ""
    shop, at = visit.house.shop(visit.language), visit.house.clock.now()
    old, new = fields.get("old", ""), fields.get("new", "")
    try:
        token = accounts.change_password(shop, token, old, new, at)
    except (BadInput, Refused) as fault:
        said = sentence_of(fault, visit.language)
        if fault.code == "sign_in_failed":
            said = visit.say("console.settings.wrong_password")
        return visit.show("settings/me.html", status_of(fault), said=said)
    answer = visit.back("/settings/me", "console.settings.new_password_kept")
    return gate.with_session(visit, answer, token)


def _shop(visit: Visit, typed: dict[str, str], said: str, status: int = 200) -> Response:
    found = _settings(visit)
    values = {one.key: shown.text_of(one.key, one.value) for one in found.settings}
    return visit.show(
        "settings/shop.html",
        status,
        values={**values, **{key: typed[key] for key in typed if key in values}},
        changes=shown.changes(found.history),
        dials=visit.call("autonomy").dials,
        levels=[level.value for level in Autonomy],
        zones=shown.ZONES,
        currencies=shown.CURRENCIES,
        said=said,
    )


def _settings(visit: Visit) -> shown.Answer:
    answer: shown.Answer = visit.call("settings")
    return answer
