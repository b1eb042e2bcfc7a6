"""Operations are found by their mark, a person by whatever they are known by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from renwei.core.chance import to_id
from renwei.core.clock import Frozen
from renwei.core.errors import Ambiguous, UnknownName
from renwei.core.finding import person
from renwei.core.operations import operation, operations_of
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop, silent
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Greet:
    name: str


def module(name: str, *functions: Any) -> ModuleType:
    made = ModuleType(name)
    for function in functions:
        function.__module__ = name
        setattr(made, function.__name__, function)
    return made


def greeting(name: str) -> Any:
    @operation(name, Greet, writes=True)
    def greet(shop: Shop, request: Greet) -> str:
        return f"hello {request.name}"

    return greet


def test_operations_are_found_by_their_mark_and_stay_functions() -> None:
    greet = greeting("greet")
    found = operations_of([module("rib.operations", greet, lambda: None)])
    assert list(found) == ["greet"]
    assert (found["greet"].writes, found["greet"].destroys, found["greet"].child) == (
        True,
        False,
        False,
    )
    assert found["greet"].call(None, Greet("Li")) == greet(None, Greet("Li")) == "hello Li"


def test_what_a_module_only_imports_is_not_its_operation() -> None:
    greet = greeting("greet")
    module("rib.operations", greet)
    other = ModuleType("other.operations")
    other.__dict__["greet"] = greet
    assert operations_of([other]) == {}


def test_two_operations_of_one_name_are_refused() -> None:
    first, second = module("a", greeting("greet")), module("b", greeting("greet"))
    with pytest.raises(ValueError, match="two operations are called 'greet'"):
        operations_of([first, second])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    store = open_store(tmp_path / "data", keys=tmp_path / "keys", clock=Frozen(AT))
    words = Words({"en": {"hello": "{n:count} people"}, "zh": {"hello": "{n:count} 人"}})
    shelf = ShelfFiles(tmp_path / "data" / "estimates")
    yield Shop(store, Frozen(AT), Settings(), words, shelf, HouseRules(store.people), language="zh")
    store.close()


def test_a_shop_says_its_sentences_in_its_language(shop: Shop) -> None:
    assert shop.say("hello", n=3107) == "3,107 人"
    silent("reading", 1, 0)
    shop.ready_estimates(AT)


def test_one_person_is_found_and_nobody_or_several_are_said_to_be_so(shop: Shop) -> None:
    people = shop.store.people
    one, other = people.actors([Named("nick", "taobao:li"), Named("nick", "douyin:li")], AT)
    people.actors([Named("phone", "+8613800138000")], AT)
    assert person(shop, to_id(one)) == one
    with pytest.raises(UnknownName) as nobody:
        person(shop, "13900139000")
    assert nobody.value.code == "unknown_person"
    with pytest.raises(Ambiguous) as several:
        person(shop, "li")
    assert sorted(several.value.values["matches"]) == sorted([to_id(one), to_id(other)])
