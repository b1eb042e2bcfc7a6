"""A workspace for tests, its clock standing still, and people to hire."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from renwei.app import build
from renwei.core.clock import Frozen
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles
from renwei.trust import accounts
from renwei.trust.accounts import Account, Newcomer

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
PASSWORD = "three green parrots"
OTHER = "four blue parrots"


def open_at(folder: Path, clock: Frozen) -> Shop:
    store = open_store(folder / "data", keys=folder / "keys", clock=clock)
    return Shop(
        store=store,
        clock=clock,
        settings=Settings(zone="Asia/Shanghai", language="en"),
        words=build.words(),
        shelf=ShelfFiles(store.directory / "estimates"),
        permits=HouseRules(people=store.people, zone="Asia/Shanghai"),
        scrubbers=(),
    )


@dataclass
class Desk:
    """A workspace with a clock that stands still, and somebody who knows the passwords."""

    folder: Path
    shop: Shop
    clock: Frozen

    @property
    def at(self) -> datetime:
        return self.clock.now()

    def later(self, **by: float) -> datetime:
        self.clock.advance(timedelta(**by))
        return self.at

    def hire(self, role: str, email: str = "", password: str = PASSWORD) -> Account:
        token = accounts.make_welcome(self.shop, role, self.at)
        who = Newcomer(email or f"{role}@example.com", role.title(), password)
        return accounts.use_welcome(self.shop, token, who, self.at)

    def sign_in(self, email: str, password: str = PASSWORD, address: str = "") -> str:
        return accounts.sign_in(self.shop, email, password, self.at, address=address)

    def whose(self, token: str) -> str:
        account = accounts.account_of(self.shop, token, self.at)
        return account.role if account else ""

    def call(self, name: str, /, **fields: Any) -> Any:
        operation = build.operations()[name]
        return operation.call(self.shop, operation.request(**fields))

    def person(self, phone: str) -> int:
        actors = self.shop.store.people.actors([Named("phone", phone)], self.at, "test")
        return self.shop.store.people.persons_of(actors)[0]

    def in_language(self, language: str) -> Desk:
        return replace(self, shop=replace(self.shop, language=language))
