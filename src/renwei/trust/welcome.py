"""One-time links: the first owner's welcome, invitations to the team, a new password.

Only one link works at a time for each purpose: making another replaces it. Links are kept
as hashes for a while after they ended, so that whoever opens one late is told why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from renwei.core.clock import from_us, to_us
from renwei.core.errors import Refused
from renwei.core.shop import Shop
from renwei.core.store import Paper
from renwei.trust import audit, drawer, members, passwords, sessions, throttle
from renwei.trust.members import Account, Member

KIND = "welcome"
OPEN, RESET_OPEN = timedelta(hours=24), timedelta(hours=1)
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody tells of themselves on the page of a welcome link."""

    email: str
    name: str
    password: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it was made: the token stands nowhere else."""

    token: str
    until: datetime
    replaced: bool


def first_welcome(shop: Shop, at: datetime) -> str:
    """The token of a link that makes the first owner; "" where there is an owner already."""
    return "" if members.owners(shop) else make_welcome(shop, "owner", at)


def make_welcome(shop: Shop, role: str, at: datetime, *, email: str = "") -> str:
    """A token that makes one account of this role within 24 hours."""
    return invite(shop, role, at, email=email).token


def invite(shop: Shop, role: str, at: datetime, *, email: str = "") -> Link:
    """The same with its deadline; with an e-mail only that one can use it.

    Raises:
        BadInput: unknown_role, email_bad.
        Refused: email_taken.
    """
    members.checked_role(role)
    bound = ""
    if email:
        address = members.checked_email(email)
        if members.by_email(shop, address) is not None:
            raise Refused("email_taken")
        bound = drawer.hashed(shop, "account", address)
    return _make(shop, f"role:{role}:{bound}", {"role": role, "email": bound}, at, OPEN)


def role_of(shop: Shop, token: str, at: datetime) -> str:
    """The role that a welcome link makes, before it is used.

    Raises:
        Refused: welcome_unknown, welcome_expired or welcome_used.
    """
    return str(_working(shop, token, at, "role").body["role"])


def use_welcome(shop: Shop, token: str, who: Newcomer, at: datetime) -> Account:
    """Make the account of a welcome link; the link is used up only if that succeeds.

    Raises:
        Refused: welcome_unknown, welcome_expired, welcome_used, welcome_other, email_taken.
        BadInput: email_bad, name_bad, unknown_language, or a rule of passwords.
    """
    asked = _working(shop, token, at, "role")
    email = members.checked_email(who.email)
    if asked.body["email"] not in ("", drawer.hashed(shop, "account", email)):
        raise Refused("welcome_other")
    passwords.check_rules(who.password, email)
    language = members.checked_language(who.language)
    role = str(asked.body["role"])
    account = Account("", email, members.checked_name(who.name), role, language)
    secret = passwords.hash_of(who.password)

    def joined() -> Member:
        return members.add(shop, account, secret, at)

    made = _use(shop, token, at, joined).account
    audit.note(shop, made, "joined", role=role)
    return made


def make_reset(shop: Shop, email: str, at: datetime) -> Link:
    """A link that sets a new password within one hour.

    Raises:
        UnknownName: unknown_account.
    """
    account = members.meant(shop, email).account.id
    return _make(shop, f"reset:{account}", {"account": account}, at, RESET_OPEN)


def check_reset(shop: Shop, token: str, at: datetime) -> None:
    """Whether a reset link works, before it is used.

    Raises:
        Refused: welcome_unknown, welcome_expired or welcome_used.
    """
    _working(shop, token, at, "reset")


def use_reset(shop: Shop, token: str, password: str, at: datetime) -> Account:
    """Set a new password, end every session of the account, forget failed tries.

    Raises:
        Refused: welcome_unknown, welcome_expired, welcome_used.
        BadInput: A rule of passwords.
    """
    asked = _working(shop, token, at, "reset")
    member = members.get(shop, str(asked.body["account"]))
    if member is None:
        raise Refused("welcome_unknown")
    passwords.check_rules(password, member.account.email)
    secret = passwords.hash_of(password)

    def set_anew() -> Member:
        now = members.get(shop, member.account.id)
        if now is None:
            raise Refused("welcome_unknown")
        return set_password(shop, now, secret, at)

    changed = _use(shop, token, at, set_anew)
    throttle.clear(shop, changed.account.email)
    audit.note(shop, changed.account, "password_reset")
    return changed.account


def set_password(shop: Shop, member: Member, secret: str, at: datetime) -> Member:
    """Keep another password hash and end all sessions."""
    changed = replace(member, password=secret, epoch=member.epoch + 1)
    with shop.store.together():
        members.change(shop, changed, at)
        sessions.end_all(shop, member.account.id)
    return changed


def drop_links(shop: Shop) -> int:
    """No link works any more (after a restore); returns how many there were."""
    return sum(shop.store.papers.drop(KIND, paper.name) for paper in drawer.each(shop, KIND))


def _make(
    shop: Shop, purpose: str, body: dict[str, str], at: datetime, open_for: timedelta
) -> Link:
    token, replaced = drawer.new_token(), False
    whole = {
        **body,
        "purpose": purpose,
        "mark": drawer.mark(token),
        "until": to_us(at + open_for),
        "state": "open",
    }
    with shop.store.together():
        for paper in drawer.each(shop, KIND):
            if at - from_us(int(paper.body["until"])) > _KEPT:
                shop.store.papers.drop(KIND, paper.name)
            elif paper.body["purpose"] == purpose and paper.body["state"] == "open":
                replaced = replaced or at < from_us(int(paper.body["until"]))
                drawer.put(shop, KIND, paper.name, {**paper.body, "state": "replaced"}, at)
        drawer.put(shop, KIND, _name(shop, token), whole, at)
    return Link(token, at + open_for, replaced)


def _working(shop: Shop, token: str, at: datetime, sort: str) -> Paper:
    paper = shop.store.papers.get(KIND, _name(shop, token)) if drawer.is_token(token) else None
    if paper is None or not drawer.same(str(paper.body["mark"]), token):
        raise Refused("welcome_unknown")
    if not str(paper.body["purpose"]).startswith(f"{sort}:"):
        raise Refused("welcome_unknown")
    if paper.body["state"] == "used":
        raise Refused("welcome_used")
    if paper.body["state"] != "open" or at >= from_us(int(paper.body["until"])):
        raise Refused("welcome_expired")
    return paper


def _use(shop: Shop, token: str, at: datetime, act: Callable[[], Member]) -> Member:
    """Do what the link is for and close it, both or neither; of two at once only one."""
    with shop.store.together():
        paper = shop.store.papers.get(KIND, _name(shop, token))
        if paper is None or paper.body["state"] != "open":
            raise Refused("welcome_used")
        done = act()
        drawer.put(shop, KIND, paper.name, {**paper.body, "state": "used"}, at)
    return done


def _name(shop: Shop, token: str) -> str:
    return drawer.hashed(shop, KIND, token)
