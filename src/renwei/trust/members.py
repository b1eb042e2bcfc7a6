"""Accounts as stored: who is in the team. E-mail, name and password hash are sealed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from renwei.core.chance import new_number, to_id
from renwei.core.clock import from_us, to_us
from renwei.core.errors import BadInput, Refused, UnknownName
from renwei.core.shop import Shop
from renwei.core.words import LANGUAGES
from renwei.trust import drawer
from renwei.trust.roles import ROLES

KIND, INDEX = "account", "account-email"
_EMAIL = re.compile(r"[^@\s\"<>(),;:\\\[\]]{1,64}@[^@\s\"<>(),;:\\\[\]]{1,190}")
_NAME = 100


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the team. `role` is one of ROLES, `language` "en" or "zh"."""

    id: str
    email: str
    name: str
    role: str
    language: str


@dataclass(frozen=True, slots=True)
class Member:
    """An account with what only this rib may know.

    `password` is an argon2 hash, "" where nobody can sign in by password. `epoch` grows with
    each change that ends all sessions.
    """

    account: Account
    password: str
    epoch: int
    made: datetime


def plain_email(text: str) -> str:
    """An e-mail address as it is compared.

    Example:
        >>> plain_email(" Mei@Example.COM ")
        'mei@example.com'
    """
    return unicodedata.normalize("NFKC", text).strip().lower()


def checked_email(text: str) -> str:
    """`plain_email`, or BadInput email_bad."""
    email = plain_email(text)
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise BadInput("email_bad", found=text[:100])
    return email


def checked_name(text: str) -> str:
    """A name as people write it, on one line, or BadInput name_bad."""
    name = " ".join(text.split())
    if not name or len(name) > _NAME or not name.isprintable():
        raise BadInput("name_bad", most=_NAME)
    return name


def checked_role(text: str) -> str:
    """One of ROLES, or BadInput unknown_role."""
    if text not in ROLES:
        raise BadInput("unknown_role", name=text[:100], known=", ".join(ROLES))
    return text


def checked_language(text: str) -> str:
    """One of the languages that the program speaks, or BadInput unknown_language."""
    if text not in LANGUAGES:
        raise BadInput("unknown_language", name=text[:100], known=", ".join(LANGUAGES))
    return text


def add(shop: Shop, account: Account, password: str, at: datetime) -> Member:
    """Store a new account; its id is made here. `password` is a hash.

    Raises:
        Refused: email_taken.
    """
    made = Member(replace(account, id=to_id(new_number(), "a")), password, 0, at)
    with shop.store.together():
        name = _name_of(shop, account.email)
        if shop.store.papers.get(INDEX, name) is not None:
            raise Refused("email_taken")
        drawer.put(shop, INDEX, name, {"account": made.account.id}, at)
        _keep(shop, made, at)
    return made


def change(shop: Shop, member: Member, at: datetime) -> None:
    """Store a changed account; the e-mail stays as it was."""
    _keep(shop, member, at)


def remove(shop: Shop, member: Member) -> None:
    """Take an account away, with everything that names it."""
    with shop.store.together():
        shop.store.papers.drop(INDEX, _name_of(shop, member.account.email))
        shop.store.papers.drop(KIND, member.account.id)


def get(shop: Shop, account: str) -> Member | None:
    """An account by id."""
    paper = shop.store.papers.get(KIND, account)
    return _member(shop, account, paper.body) if paper else None


def by_email(shop: Shop, email: str) -> Member | None:
    """An account by its e-mail."""
    paper = shop.store.papers.get(INDEX, _name_of(shop, email))
    return get(shop, str(paper.body["account"])) if paper else None


def everybody(shop: Shop) -> Iterator[Member]:
    """Every account, the oldest first."""
    papers = sorted(drawer.each(shop, KIND), key=lambda paper: int(paper.body["made"]))
    return (_member(shop, paper.name, paper.body) for paper in papers)


def meant(shop: Shop, text: str) -> Member:
    """The account that an id or an e-mail names.

    Raises:
        UnknownName: unknown_account.
    """
    found = get(shop, text.strip()) or by_email(shop, text)
    if found is None:
        raise UnknownName("unknown_account", name=text[:200])
    return found


def owners(shop: Shop) -> int:
    """How many owners there are."""
    return sum(paper.body["role"] == "owner" for paper in drawer.each(shop, KIND))


def _name_of(shop: Shop, email: str) -> str:
    return drawer.hashed(shop, "account", plain_email(email))


def _keep(shop: Shop, member: Member, at: datetime) -> None:
    account = member.account
    personal = {"email": account.email, "name": account.name, "password": member.password}
    body = {
        "role": account.role,
        "language": account.language,
        "epoch": member.epoch,
        "made": to_us(member.made),
        "sealed": drawer.seal(shop, personal),
    }
    drawer.put(shop, KIND, account.id, body, at)


def _member(shop: Shop, name: str, body: Mapping[str, Any]) -> Member:
    opened = drawer.unseal(shop, body["sealed"])
    account = Account(
        name, opened["email"], opened["name"], str(body["role"]), str(body["language"])
    )
    return Member(account, opened["password"], int(body["epoch"]), from_us(int(body["made"])))
