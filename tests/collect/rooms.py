"""A workspace with a real store, and small order books written as files for it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from renwei.collect.answers import (
    HealthAnswer,
    HealthRequest,
    ImportAnswer,
    ImportRequest,
    ReplayAnswer,
    ReplayRequest,
    ShowAnswer,
    ShowRequest,
    UndoAnswer,
    UndoRequest,
)
from renwei.collect.imports import scrub
from renwei.collect.operations import bring, health, replay, show_import, undo
from renwei.collect.states import KINDS
from renwei.core.clock import Frozen, to_us
from renwei.core.nouns import NOBODY
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
WORDS = Words.load(["renwei.collect"])
HEADER = (
    "订单编号", "下单时间", "订单状态", "买家昵称", "收货人", "手机号", "邮箱", "收货地址",
    "商品名称", "商品编码", "类目", "数量", "单价", "实付金额", "退款金额",
)  # fmt: skip


@dataclass(frozen=True)
class Sale:
    """One order of one line; defaults make a good one."""

    number: int
    nick: str = ""
    name: str = "张小美"
    phone: str = "13912345670"
    email: str = ""
    address: str = "浙江省杭州市西湖区花园路1号"
    day: int = 0
    minute: int = 0
    status: str = "交易成功"
    item: str = "保湿面膜"
    category: str = "面膜"
    quantity: int | str = 1
    price: str = "59.90"
    paid: str = "59.90"
    refund: str = ""

    def row(self) -> list[str]:
        at = datetime(2026, 3, 1, 10, tzinfo=UTC) + timedelta(days=self.day, minutes=self.minute)
        return [
            f"2026{self.number:08d}", f"{at:%Y-%m-%d %H:%M:%S}", self.status, self.nick, self.name,
            self.phone, self.email, self.address, self.item, f"C-{self.item}", self.category,
            str(self.quantity), self.price, self.paid, self.refund,
        ]  # fmt: skip


def person(k: int, **more: Any) -> dict[str, Any]:
    """What tells buyer k from others."""
    surnames, given = "王李张刘陈杨赵黄周吴", "静敏丽婷雪慧颖倩丹莉"
    name = surnames[k % 10] + given[k // 10 % 10] + given[k // 100 % 10]
    made = {"nick": f"buyer_{k}", "name": name, "phone": f"139{k:05d}678", "address": f"某路{k}号"}
    return made | more


def write(path: Path, sales: Iterable[Sale], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(sale.row() for sale in sales)
    return path


class Room:
    """A workspace that can be closed and opened again."""

    def __init__(self, folder: Path, language: str = "en") -> None:
        self.folder, self.language = folder, language
        self.clock = Frozen(AT)
        self.files = 0
        folder.mkdir(exist_ok=True)
        self.open()

    def open(self) -> None:
        self.store = open_store(self.folder / "data", keys=self.folder / "keys")
        self.refresh()

    def refresh(self) -> None:
        paper = self.store.papers.get("setting", "shop")
        settings = replace(Settings(), **dict(paper.body)) if paper else Settings()
        self.shop = Shop(
            store=self.store,
            clock=self.clock,
            settings=settings,
            words=WORDS,
            shelf=ShelfFiles(self.folder / "data" / "estimates"),
            permits=HouseRules(people=self.store.people, counters=self.store.counters),
            language=self.language,
        )

    def close(self) -> None:
        self.store.close()

    def bring(self, *files: Path, dry_run: bool = False, as_: str = "") -> ImportAnswer:
        self.clock.advance(timedelta(minutes=1))
        self.refresh()
        return bring(self.shop, ImportRequest(files=list(files), dry_run=dry_run, as_=as_))

    def sell(self, sales: Sequence[Sale]) -> ImportAnswer:
        self.files += 1
        return self.bring(write(self.folder / f"orders_{self.files}.csv", sales))

    def undo(self, import_id: str) -> UndoAnswer:
        return undo(self.shop, UndoRequest(import_id))

    def replay(self, import_id: str, file: Path | None = None) -> ReplayAnswer:
        self.clock.advance(timedelta(minutes=1))
        return replay(self.shop, ReplayRequest(import_id, file))

    def show(self, import_id: str) -> ShowAnswer:
        return show_import(self.shop, ShowRequest(import_id))

    def health(self) -> HealthAnswer:
        return health(self.shop, HealthRequest())

    def forget(self, phone: str) -> set[int]:
        """Forget as the operation does: texts, then the store, then numbers; returns actors."""
        (found,) = self.store.people.search(phone)
        actors = set(self.store.people.actors_of(found))
        scrub(self.shop, self.store.people.tell_apart(found))
        self.store.forget(found, self.clock.now())
        scrub(self.shop, ())
        return actors

    def person(self, kind: str, value: str) -> int | None:
        return self.store.people.find(Named(kind, value))

    def orders(self, *, with_people: bool = False) -> dict[str, tuple[Any, ...]]:
        """Every order as it stands: by name, what it is worth and in which state."""
        made: dict[str, tuple[int, int]] = {}
        found: dict[str, tuple[Any, ...]] = {}
        people = self.store.people
        for event in self.store.log.read(kinds=KINDS):
            body = event.body
            name = str(body["order"])
            made.setdefault(name, (to_us(event.at), event.actor))
            at, actor = made[name]
            who = people.persons_of([actor])[0] if actor != NOBODY else NOBODY
            contacts = people.open(who).get("nick", []) if with_people and who else []
            found[name] = (
                at, event.value_minor, body["status"], body["paid"], body["refunded"],
                tuple(map(tuple, body["lines"])), sorted(contacts),
            )  # fmt: skip
        return found

    def events(self) -> int:
        return sum(1 for _ in self.store.log.read())


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder by content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }
