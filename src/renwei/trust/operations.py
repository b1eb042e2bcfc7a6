"""What this rib can do: keys, the team, new passwords, the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec

from renwei.core.errors import BadInput, Refused
from renwei.core.finding import person as find_person
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop
from renwei.core.store import Paper
from renwei.trust import audit, ended, keys, members, sessions, throttle, welcome
from renwei.trust.members import Member
from renwei.trust.roles import ROLES, SCOPES

WELCOME, RESET = "/welcome/{token}", "/reset/{token}"
_Scope = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(SCOPES)})]
_Role = Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(ROLES)})]
_READ = 5_000


class KeysCreateRequest(msgspec.Struct, kw_only=True):
    """What a new key may do, and what it is called."""

    scope: _Scope = "ingest"
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""


class KeyMade(msgspec.Struct, kw_only=True):
    """A new key; `key` is shown this once and kept nowhere."""

    id: str
    scope: str
    key: Annotated[str, PRIVATE]
    name: str
    created: datetime


class KeysListRequest(msgspec.Struct):
    """Nothing to say: every key."""


class KeyLine(msgspec.Struct, kw_only=True):
    """One key without the key itself; `last_used` is a day in UTC, or ""."""

    id: str
    scope: str
    name: str
    created: datetime
    last_used: str
    revoked: datetime | None


class KeysAnswer(msgspec.Struct, kw_only=True):
    """Every key, revoked ones too, the oldest first."""

    keys: list[KeyLine]


class KeysRevokeRequest(msgspec.Struct, kw_only=True):
    """Which key."""

    id: str


class TeamListRequest(msgspec.Struct):
    """Nothing to say: the whole team."""


class TeamMember(msgspec.Struct, kw_only=True):
    """Somebody of the team, by the account's id."""

    id: str
    email: Annotated[str, PRIVATE]
    name: Annotated[str, PRIVATE]
    role: str
    language: str
    since: datetime


class TeamAnswer(msgspec.Struct, kw_only=True):
    """The team, the oldest account first."""

    team: list[TeamMember]


class TeamInviteRequest(msgspec.Struct, kw_only=True):
    """The role of whoever uses the link; with an e-mail, only that one can."""

    role: _Role = "viewer"
    email: str = ""


class Invitation(msgspec.Struct, kw_only=True):
    """A one-time link: the path on the console, until when, and whether an earlier one ended."""

    path: Annotated[str, PRIVATE]
    role: str
    until: datetime
    replaced: bool


class TeamRoleRequest(msgspec.Struct, kw_only=True):
    """Whose role, by id or e-mail, and which."""

    account: str
    role: _Role


class TeamRemoveRequest(msgspec.Struct, kw_only=True):
    """Who leaves the team, by id or e-mail."""

    account: str


class Removed(msgspec.Struct, kw_only=True):
    """Who left, and how many sessions ended."""

    id: str
    sessions: int


class ResetRequest(msgspec.Struct, kw_only=True):
    """Whose password."""

    email: str


class ResetLink(msgspec.Struct, kw_only=True):
    """A one-time link on which a new password is set, and until when it works."""

    path: Annotated[str, PRIVATE]
    until: datetime


class AuditRequest(msgspec.Struct, kw_only=True):
    """Which lines: about a person, by an account or key, of one kind; `cursor` goes on."""

    person: str = ""
    account: str = ""
    what: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: str = ""


class AuditLine(msgspec.Struct, kw_only=True):
    """One line: when, who (account, key, or cli), what, and whom.

    `people` are ids; `count` counts also those who were forgotten since.
    """

    at: datetime
    by: str
    by_name: Annotated[str, PRIVATE]
    what: str
    text: str
    people: list[str]
    count: int
    values: dict[str, Any]


class AuditAnswer(msgspec.Struct, kw_only=True):
    """Newest first; `next` is the cursor of what follows, "" at the end."""

    lines: list[AuditLine]
    next: str


@operation("keys create", KeysCreateRequest, writes=True, http="POST /v1/keys", scope="admin")
def keys_create(shop: Shop, request: KeysCreateRequest) -> KeyMade:
    """Make an API key; it is shown once."""
    at = shop.clock.now()
    key, shown = keys.create(shop, request.scope, request.name, at)
    return KeyMade(id=key.id, scope=key.scope, key=shown, name=key.name, created=at)


@operation("keys list", KeysListRequest, http="GET /v1/keys", scope="admin")
def keys_list(shop: Shop, request: KeysListRequest) -> KeysAnswer:
    """Every key, with the day of its last use."""
    return KeysAnswer(keys=[_key_line(one) for one in keys.kept(shop)])


@operation(
    "keys revoke", KeysRevokeRequest, writes=True, http="DELETE /v1/keys/{id}", scope="admin"
)
def keys_revoke(shop: Shop, request: KeysRevokeRequest) -> KeyLine:
    """Let a key open nothing any more."""
    line = _key_line(keys.revoke(shop, request.id, shop.clock.now()))
    ended.note(shop, request.id)
    return line


@operation("team list", TeamListRequest, http="GET /v1/team", scope="admin")
def team_list(shop: Shop, request: TeamListRequest) -> TeamAnswer:
    """Who is in the team, in which role."""
    return TeamAnswer(team=[_line(member) for member in members.everybody(shop)])


@operation(
    "team invite", TeamInviteRequest, writes=True, http="POST /v1/team/invites", scope="admin"
)
def team_invite(shop: Shop, request: TeamInviteRequest) -> Invitation:
    """Make a one-time link with which somebody joins the team within a day."""
    link = welcome.invite(shop, request.role, shop.clock.now(), email=request.email)
    audit.note(shop, audit.current(), "invited", role=request.role)
    return Invitation(
        path=WELCOME.format(token=link.token),
        role=request.role,
        until=link.until,
        replaced=link.replaced,
    )


@operation("team role", TeamRoleRequest, writes=True, http="PUT /v1/team/{account}", scope="admin")
def team_role(shop: Shop, request: TeamRoleRequest) -> TeamMember:
    """Change somebody's role; their sessions end. There is always an owner."""
    role = members.checked_role(request.role)
    with shop.store.together():
        member = members.meant(shop, request.account)
        if member.account.role == role:
            return _line(member)
        _leave_an_owner(shop, member)
        changed = replace(
            member, account=replace(member.account, role=role), epoch=member.epoch + 1
        )
        members.change(shop, changed, shop.clock.now())
        sessions.end_all(shop, member.account.id)
        audit.note(shop, audit.current(), "role_changed", account=member.account.id, role=role)
    return _line(changed)


@operation(
    "team remove",
    TeamRemoveRequest,
    writes=True,
    destroys=True,
    http="DELETE /v1/team/{account}",
    scope="admin",
)
def team_remove(shop: Shop, request: TeamRemoveRequest) -> Removed:
    """Take somebody out of the team, at once. There is always an owner."""
    with shop.store.together():
        member = members.meant(shop, request.account)
        _leave_an_owner(shop, member)
        members.remove(shop, member)
        signed_out = sessions.end_all(shop, member.account.id)
        throttle.clear(shop, member.account.email)
        audit.note(shop, audit.current(), "removed", account=member.account.id)
    ended.note(shop, member.account.id)
    return Removed(id=member.account.id, sessions=signed_out)


@operation("reset-password", ResetRequest, writes=True, scope="admin")
def reset_password(shop: Shop, request: ResetRequest) -> ResetLink:
    """Make a one-time link on which a new password is set; for whoever sits at the machine."""
    link = welcome.make_reset(shop, request.email, shop.clock.now())
    audit.note(shop, audit.current(), "reset_link")
    return ResetLink(path=RESET.format(token=link.token), until=link.until)


@operation("audit", AuditRequest, http="GET /v1/audit", scope="admin")
def audit_list(shop: Shop, request: AuditRequest) -> AuditAnswer:
    """Who looked at or changed what, whom, and when; newest first."""
    wanted = request.account
    if "@" in wanted:
        wanted = members.meant(shop, wanted).account.id
    if request.person:
        return _about(shop, request, find_person(shop, request.person), wanted)
    _started(request.cursor)
    found: list[Paper] = []
    more = False
    for paper in audit.papers(shop, before=request.cursor):
        if _fits(paper.body, wanted, request.what):
            if len(found) == request.limit:
                more = True
                break
            found.append(paper)
    people = audit.people_of(shop, found)
    names = _names(shop)
    return AuditAnswer(
        lines=[_audit_line(shop, paper, people.get(paper.name, []), names) for paper in found],
        next=found[-1].name if more else "",
    )


def _about(shop: Shop, request: AuditRequest, person: int, wanted: str) -> AuditAnswer:
    """The lines of one person come from the person's own events."""
    until = _started(request.cursor)
    events = audit.views_of(shop, person, until=until, limit=_READ)
    fitting = [event for event in events if _fits(event.body, wanted, request.what)]
    if until is not None:
        fitting = [event for event in fitting if event.at < until]
    names, shown = _names(shop), fitting[: request.limit]
    lines = [
        AuditLine(
            at=event.at,
            by=str(event.body["by"]),
            by_name=names.get(str(event.body["by"]), ""),
            what=str(event.body["what"]),
            text=_text(shop, str(event.body["what"]), 1),
            people=audit.ids_of([person]),
            count=1,
            values={},
        )
        for event in shown
    ]
    more = len(fitting) > len(shown)
    return AuditAnswer(lines=lines, next=audit.cursor_of(shown[-1].at) if more else "")


def _started(cursor: str) -> datetime | None:
    if not cursor:
        return None
    try:
        return audit.time_of(cursor)
    except (ValueError, OverflowError):
        raise BadInput("bad_cursor", found=cursor[:40]) from None


def _fits(body: Any, account: str, what: str) -> bool:
    return (not account or body["by"] == account) and (not what or body["what"] == what)


def _audit_line(shop: Shop, paper: Paper, people: list[int], names: dict[str, str]) -> AuditLine:
    by, what = str(paper.body["by"]), str(paper.body["what"])
    return AuditLine(
        at=paper.at,
        by=by,
        by_name=names.get(by, ""),
        what=what,
        text=_text(shop, what, len(people)),
        people=audit.ids_of(people),
        count=len(people),
        values=dict(paper.body.get("values", {})),
    )


def _text(shop: Shop, what: str, n: int) -> str:
    key = f"audit.what.{what}"
    return shop.say(key if shop.words.has(key) else "audit.other", what=what, n=n)


def _names(shop: Shop) -> dict[str, str]:
    named = {member.account.id: member.account.name for member in members.everybody(shop)}
    named |= {one.id: one.name or one.id for one in keys.kept(shop)}
    return named | {audit.CONSOLE: shop.say("audit.cli")}


def _leave_an_owner(shop: Shop, member: Member) -> None:
    if member.account.role == "owner" and members.owners(shop) == 1:
        raise Refused("last_owner")


def _line(member: Member) -> TeamMember:
    account = member.account
    return TeamMember(
        id=account.id,
        email=account.email,
        name=account.name,
        role=account.role,
        language=account.language,
        since=member.made,
    )


def _key_line(one: keys.KeyKept) -> KeyLine:
    return KeyLine(
        id=one.id,
        scope=one.scope,
        name=one.name,
        created=one.created,
        last_used=one.used,
        revoked=one.revoked,
    )
