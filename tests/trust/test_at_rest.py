"""What lies on disk tells nobody who is in the team, nor lets anybody in."""

from __future__ import annotations

import base64
import hashlib
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from tests.trust.desk import OTHER, PASSWORD, Desk

from renwei.core.errors import Refused
from renwei.core.store import Paper
from renwei.trust import accounts, audit, keys
from renwei.trust.accounts import Newcomer

EMAIL, NAME, PHONE = "li.mei.wang@example.com", "Li Mei Wang 王丽梅", "+8613912345678"


def secrets_of(desk: Desk) -> list[str]:
    """Use everything once; returns every text that must lie nowhere in clear."""
    shop = desk.shop
    found = [EMAIL, EMAIL.upper(), EMAIL.partition("@")[0], NAME, PASSWORD, OTHER, PHONE[3:]]
    welcome = accounts.first_welcome(shop, desk.at)
    who = Newcomer(EMAIL.title(), NAME, PASSWORD, "zh")
    owner = accounts.use_welcome(shop, welcome, who, desk.at)
    session = desk.sign_in(EMAIL)
    desk.later(hours=1)
    assert desk.whose(session) == "owner"
    with suppress(Refused):
        desk.sign_in(EMAIL, "no such password here")
    with suppress(Refused):
        desk.sign_in("stranger.at.the.door@example.com", PASSWORD)
    made = [desk.call("keys create", scope=scope, name="site") for scope in ("ingest", "admin")]
    for one in made:
        assert keys.find_key(shop, one.key)
    desk.call("keys revoke", id=made[0].id)
    invited = desk.call("team invite", role="agent", email="zhao.new@example.com").path
    reset = desk.call("reset-password", email=EMAIL).path
    accounts.use_reset(shop, reset.removeprefix("/reset/"), OTHER, desk.at)
    audit.note(shop, owner, "portrait", desk.person(PHONE), phone=PHONE)
    found += [welcome, session, accounts.csrf_of(session), *(one.key for one in made)]
    found += [path.rpartition("/")[2] for path in (invited, reset)]
    return [*found, "stranger.at.the.door", "no such password here", "zhao.new@example.com"]


def readings(text: str) -> list[bytes]:
    plain = text.encode()
    plain_hash = hashlib.sha256(plain).hexdigest().encode()
    spelled = [plain, text.encode("utf-16-le"), plain.hex().encode(), base64.b64encode(plain)[:-4]]
    # A plain hash of an address or a phone is as good as the text: there are few of them.
    return [*spelled, plain_hash, hashlib.sha256(plain).digest()] if "@" in text else spelled


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("when", ["open", "closed"])
def test_no_key_password_token_or_email_lies_in_the_data_directory(desk: Desk, when: str) -> None:
    hidden = secrets_of(desk)
    folder = desk.folder / "data"
    if when == "closed":
        desk.shop.store.close()
    there = files(folder)
    assert {"state.db", "log.db"} <= set(there)
    if when == "open":
        assert there["state.db-wal"]
    hits = [
        (name, text)
        for name, data in there.items()
        for text in hidden
        if any(reading in data for reading in readings(text))
    ]
    assert hits == []


def test_the_search_would_find_what_lies_there(desk: Desk) -> None:
    desk.shop.store.papers.put("key", "careless", {"e": EMAIL}, by="x", at=desk.at)
    assert any(EMAIL.encode() in data for data in files(desk.folder / "data").values())


def test_a_stolen_directory_without_its_key_lets_nobody_in(desk: Desk, tmp_path: Path) -> None:
    from renwei.core.errors import Unavailable
    from renwei.stores.embedded import open_store

    secrets_of(desk)
    desk.shop.store.close()
    shutil.copytree(desk.folder / "data", tmp_path / "stolen")
    with pytest.raises(Unavailable, match="key_missing"):
        open_store(tmp_path / "stolen", keys=tmp_path / "other keys")


def test_an_account_that_left_leaves_nothing(desk: Desk) -> None:
    desk.hire("owner")
    gone = desk.hire("viewer", EMAIL)
    desk.sign_in(EMAIL)
    desk.call("team remove", account=EMAIL)
    papers = desk.shop.store.papers
    for kind in ("account", "account-email", "session", "tries", "known"):
        bodies = [papers.get(kind, name) for name in papers.names(kind)]
        assert gone.id not in repr(bodies), kind
    assert len(papers.names("account")) == len(papers.names("account-email")) == 1
    assert papers.names("known") == []
    again = desk.hire("agent", EMAIL)
    assert again.id != gone.id


def test_a_changed_password_leaves_no_older_hash(desk: Desk) -> None:
    desk.hire("owner")
    before = [p.version for p in papers_of(desk)]
    token = accounts.make_reset(desk.shop, "owner@example.com", desk.at).token
    accounts.use_reset(desk.shop, token, OTHER, desk.at)
    assert [p.version for p in papers_of(desk)] == before == [1]


def papers_of(desk: Desk) -> list[Paper]:
    papers = desk.shop.store.papers
    return [one for name in papers.names("account") for one in papers.history("account", name)]
