from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doors.console.inside import Person, a_house, text_of
from tests.doors.http.conftest import _PASSWORD as PASSWORD

from renwei.app.house import House
from renwei.app.texts import PURPOSES
from renwei.trust import keys


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with a_house(tmp_path, empty=True) as house:
        yield house


@pytest.fixture
def owner(house: House) -> Person:
    return Person(house, "owner")


def now(house: House, key: str) -> object:
    return house.call("settings", key=key).settings[0].value


def test_a_setting_is_changed_shown_in_the_history_and_taken_back(
    house: House, owner: Person
) -> None:
    owner.post("/settings", {"name": "花间", "holdout": "10%"})
    owner.post("/settings", {"name": "花间小铺"})
    assert (now(house, "name"), now(house, "holdout")) == ("花间小铺", 0.1)
    page = text_of(owner.get("/settings"))
    assert "花间 → 花间小铺" in page
    owner.post("/settings/undo")
    assert now(house, "name") == "花间"


def test_a_value_that_cannot_be_is_said_and_what_was_typed_stays(
    house: House, owner: Person
) -> None:
    answer = owner.post("/settings", {"zone": "Mars/Olympus", "name": "花间"})
    assert answer.status == 400
    page = answer.body.decode()
    assert 'value="Mars/Olympus"' in page
    assert 'value="花间"' in page
    assert now(house, "zone") != "Mars/Olympus"


def test_a_form_sent_unchanged_changes_nothing(house: House, owner: Person) -> None:
    page = owner.get("/settings").body.decode()
    form = page[page.index('action="/settings"') :].split("</form>")[0]
    fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', form))
    assert {"zone", "currency", "holdout", "minutes"} <= set(fields)
    owner.post("/settings", fields)
    assert house.call("settings").history == []


def test_the_dial_turns(house: House, owner: Person) -> None:
    owner.post("/settings/autonomy", {"surface": "today", "level": "suggest"})
    assert house.call("autonomy").dials[0].level == "suggest"
    assert owner.post("/settings/autonomy", {"surface": "x", "level": "act"}).status in (400, 404)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_wording_can_be_written_anew_and_the_old_one_is_kept(
    house: House, owner: Person, purpose: str, language: str
) -> None:
    for text in ("第一版 one", "第二版 two"):
        fields = {"purpose": purpose, "language": language, "text": text}
        assert owner.post("/settings/wordings", fields).status == 303
    held = house.call("texts", purpose=purpose, language=language).texts[0]
    assert (held.text, held.earlier) == ("第二版 two", ["第一版 one"])
    assert "第一版 one" in text_of(owner.get("/settings/wordings"))


def test_a_marketer_writes_wordings_but_turns_no_dial(house: House) -> None:
    marketer = Person(house, "marketer")
    assert marketer.get("/settings").headers["location"] == "/settings/me"
    assert marketer.get("/settings/wordings").status == 200
    assert marketer.post("/settings/autonomy", {"surface": "today", "level": "act"}).status == 403


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_whoever_signs_in_changes_the_own_name_and_language(house: House, role: str) -> None:
    person = Person(house, role)
    assert person.post("/settings/me", {"name": "小鹿", "language": "zh"}).status == 303
    page = person.get("/settings/me").body.decode()
    assert 'value="小鹿"' in page
    assert 'lang="zh-CN"' in page


def test_a_new_password_needs_the_old_one_and_signs_out_everywhere_else(house: House) -> None:
    person, elsewhere = Person(house, "agent"), None
    elsewhere = Person(house, cookies=dict(person.cookies))
    wrong = person.post("/settings/me/password", {"old": "not it", "new": "a new long one 8"})
    assert wrong.status == 401
    assert "nothing was changed" in text_of(wrong)
    short = person.post("/settings/me/password", {"old": PASSWORD, "new": "short"})
    assert short.status == 400
    done = person.post("/settings/me/password", {"old": PASSWORD, "new": "a new long one 8"})
    assert done.status == 303
    assert elsewhere.get("/people").status == 303


def test_a_key_is_shown_once_and_works_until_it_is_revoked(house: House, owner: Person) -> None:
    page = owner.post("/settings/keys", {"scope": "read", "name": "sheet"}).body.decode()
    found = re.search(r"rw_r_\w+", page)
    assert found
    assert found[0] not in owner.get("/settings/keys").body.decode()
    shop = house.shop()
    held = keys.find_key(shop, found[0])
    assert held
    owner.post(f"/settings/keys/{held.id}/revoke")
    assert keys.find_key(shop, found[0]) is None


def test_an_invitation_is_a_link_and_its_page_can_be_read_in_the_other_language(
    house: House, owner: Person
) -> None:
    answer = owner.post("/settings/team", {"role": "viewer", "email": ""})
    link = re.search(r"http://127\.0\.0\.1:8400(/welcome/[\w-]+)", answer.body.decode())
    assert link
    assert Person(house).get(link[1]).status == 200
    assert owner.get("/settings/team").status == 200


def test_the_last_owner_cannot_go(house: House, owner: Person) -> None:
    team = house.call("team list").team
    answer = owner.post(f"/settings/team/{team[0].id}/remove")
    assert answer.status in (400, 403, 409)
    assert len(house.call("team list").team) == 1


def test_retention_is_changed_and_purging_asks_before(house: House, owner: Person) -> None:
    assert owner.post("/settings/keeping", {"audit": "400"}).status == 303
    rules = {rule.key: rule.days for rule in house.call("retention").rules}
    assert rules["audit"] == 400
    assert owner.post("/settings/keeping", {"audit": "-5"}).status == 400
    assert "Nothing is past its time" in text_of(owner.post("/settings/keeping/purge"))
    assert owner.post("/settings/keeping/purge", {"yes": "yes"}).status == 303


def test_owners_find_the_commands_for_backup_and_doctor(house: House, owner: Person) -> None:
    page = text_of(owner.get("/settings/keeping"))
    assert f'renwei backup renwei-backup --data "{house.directory}"' in page
    assert "renwei doctor" in page


def test_the_audit_log_names_who_did_what(house: House, owner: Person) -> None:
    Person(house, "agent")
    page = text_of(owner.get("/settings/audit"))
    assert "agent" in page
    assert owner.get("/settings/audit?account=nobody").status in (200, 404)
