"""Accounts as doors use them: sign in, who is it, sign out, links, roles.

One import for the doors; what each does stands in members, sessions, welcome and roles.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from renwei.core.errors import Refused
from renwei.core.shop import Shop
from renwei.trust import audit, members, passwords, sessions, throttle, welcome
from renwei.trust.members import Account, checked_language, checked_name
from renwei.trust.roles import ROLES, SCOPES, allows, masked, may
from renwei.trust.sessions import account_of, check_csrf, csrf_of
from renwei.trust.welcome import (
    Newcomer,
    check_reset,
    first_welcome,
    make_reset,
    make_welcome,
    role_of,
    use_reset,
    use_welcome,
)

__all__ = [
    "ROLES", "SCOPES", "Account", "Newcomer", "account_of", "after_restore", "allows",
    "change_password", "change_self", "check_csrf", "check_reset", "csrf_of", "demo_session",
    "first_welcome", "make_reset", "make_welcome", "masked", "may", "role_of", "sign_in",
    "sign_out", "start_session", "use_reset", "use_welcome",
]  # fmt: skip

_DEMO = "demo@localhost"


def sign_in(shop: Shop, email: str, password: str, at: datetime, *, address: str = "") -> str:
    """Let somebody in; returns the token of a new session.

    Unknown e-mail and wrong password are answered alike and take about as long.

    Args:
        shop: The workspace.
        email: As typed.
        password: As typed.
        at: Now.
        address: The network address it came from; many failures from one slow down.

    Raises:
        Refused: sign_in_failed, or too_many_tries with `retry_after_s`.
    """
    throttle.begin(shop, email, address, at)
    member = members.by_email(shop, email)
    if not passwords.matches(member.password if member else "", password) or member is None:
        audit.note(shop, "", "sign_in_failed", account=member.account.id if member else "")
        raise Refused("sign_in_failed")
    throttle.succeeded(shop, email, address, at)
    if passwords.is_old(member.password):
        _renew(shop, member, passwords.hash_of(password), at)
    audit.note(shop, member.account, "sign_in")
    return sessions.begin(shop, member, at)


def sign_out(shop: Shop, token: str) -> bool:
    """End a session; tells whether there was one."""
    return sessions.sign_out(shop, token)


def start_session(shop: Shop, account: Account, at: datetime) -> str:
    """Let in who has just used a one-time link; returns the token."""
    member = members.meant(shop, account.id)
    audit.note(shop, member.account, "sign_in")
    return sessions.begin(shop, member, at)


def demo_session(shop: Shop, at: datetime) -> str:
    """Let anybody in as owner of the demo shop, where everybody is invented.

    Raises:
        Refused: demo_only: this is no demo shop.
    """
    if shop.store.papers.get("label", "demo") is None:
        raise Refused("demo_only")
    with shop.store.together():
        member = members.by_email(shop, _DEMO)
        if member is None:
            account = Account("", _DEMO, "Demo", "owner", shop.settings.language)
            member = members.add(shop, account, "", at)
    return sessions.begin(shop, member, at)


def change_password(shop: Shop, token: str, old: str, new: str, at: datetime) -> str:
    """Change one's own password; every session ends, and a new one begins for who changed it.

    Raises:
        Refused: sign_in_failed, too_many_tries; signed_out where the session has ended.
        BadInput: A rule of passwords.
    """
    account = account_of(shop, token, at)
    if account is None:
        raise Refused("signed_out")
    throttle.begin(shop, account.email, "", at)
    member = members.meant(shop, account.id)
    if not passwords.matches(member.password, old):
        raise Refused("sign_in_failed")
    throttle.succeeded(shop, account.email, "", at)
    passwords.check_rules(new, account.email)
    changed = welcome.set_password(shop, member, passwords.hash_of(new), at)
    audit.note(shop, account, "password_changed")
    return sessions.begin(shop, changed, at)


def change_self(shop: Shop, account: str, at: datetime, *, name: str, language: str) -> Account:
    """Change one's own name and language.

    Raises:
        BadInput: name_bad, unknown_language.
    """
    called, speaks = checked_name(name), checked_language(language)
    with shop.store.together():
        member = members.meant(shop, account)
        own = replace(member.account, name=called, language=speaks)
        members.change(shop, replace(member, account=own), at)
    return own


def after_restore(shop: Shop) -> int:
    """End what an older file brought back to life: sessions and open links; how many."""
    return sessions.end_all(shop) + welcome.drop_links(shop)


def _renew(shop: Shop, old: members.Member, secret: str, at: datetime) -> None:
    """The same password under today's settings, unless it was changed meanwhile."""
    with shop.store.together():
        now = members.get(shop, old.account.id)
        if now is not None and now.password == old.password:
            members.change(shop, replace(now, password=secret), at)
