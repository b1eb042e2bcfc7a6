"""Each page and each role: what opens, what is refused, and that nothing is left untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.doors.console.inside import ROLES, Person, a_house, text_of
from tests.doors.console.looking import KEY

from renwei.app.house import House
from renwei.doors.console.frame import Registered, registered
from renwei.trust import accounts

PAGES = registered()
ASKING = ("/report/rows", "/report/rows.xlsx")
"""Pages that say 400 until they are asked something."""
PLAIN = [p for p in PAGES if p.method == "GET" and "{" not in p.path and p.path not in ASKING]
POSTS = [one for one in PAGES if one.method == "POST"]
FORBIDDEN = [
    (one, role)
    for one in POSTS
    for role in ROLES
    if one.scope != "public" and not accounts.may(role, one.scope)
]
STRICT = ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A small shop that is only looked at."""
    with a_house(tmp_path_factory.mktemp("roles")) as house:
        yield house


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A shop with nothing in it."""
    with a_house(tmp_path_factory.mktemp("bare"), empty=True) as house:
        yield house


@pytest.fixture(scope="module")
def people(house: House) -> dict[str, Person]:
    """One person of each role, and a stranger."""
    return {role: Person(house, role) for role in ("", *ROLES)}


def filled(path: str) -> str:
    """A path with something in its braces."""
    return re.sub(r"\{[^}]+\}", "nothing-of-that-name", path)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("one", PLAIN, ids=lambda one: one.path)
def test_a_page_opens_for_whoever_may_and_for_nobody_else(
    people: dict[str, Person], one: Registered, role: str
) -> None:
    answer = people[role].get(one.path)
    allowed = one.scope == "public" or accounts.may(role, one.scope)
    assert answer.status in ((200, 204, 303) if allowed else (403,)), text_of(answer)
    if answer.status == 200 and "html" in answer.headers["content-type"]:
        assert not KEY.findall(text_of(answer))


@pytest.mark.parametrize("one", PAGES, ids=lambda one: f"{one.method} {one.path}")
def test_a_stranger_is_asked_to_sign_in_everywhere_but_at_public_pages(
    people: dict[str, Person], one: Registered
) -> None:
    answer = people[""].ask(one.method, filled(one.path))
    if one.scope == "public":
        assert "/sign-in?" not in answer.headers.get("location", "")
    else:
        assert answer.status == 303
        assert answer.headers["location"].startswith("/sign-in?to=")


@pytest.mark.parametrize(
    ("one", "role"), FORBIDDEN, ids=[f"{one.path} {role}" for one, role in FORBIDDEN]
)
def test_a_role_cannot_send_what_it_may_not(
    people: dict[str, Person], one: Registered, role: str
) -> None:
    answer = people[role].post(filled(one.path))
    assert answer.status == 403


@pytest.mark.parametrize("one", POSTS, ids=lambda one: one.path)
def test_nothing_is_taken_without_the_mark_of_our_form_or_from_elsewhere(
    people: dict[str, Person], one: Registered
) -> None:
    owner, path = people["owner"], filled(one.path)
    assert owner.raw(path, {}).status == 403
    assert owner.raw(path, {"csrf": "made up"}).status == 403
    assert owner.post(path, origin="https://evil.example").status == 403
    assert owner.post(path, sec_fetch_site="cross-site").status == 403


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("one", PLAIN, ids=lambda one: one.path)
def test_an_empty_shop_has_every_page_in_both_languages(
    bare: House, one: Registered, language: str
) -> None:
    person = Person(bare, "owner", language)
    answer = person.get(one.path)
    assert answer.status in (200, 204, 303), text_of(answer)
    if answer.status == 200 and "html" in answer.headers["content-type"]:
        assert not KEY.findall(text_of(answer))


@pytest.mark.parametrize("one", PLAIN, ids=lambda one: one.path)
def test_a_page_needs_no_inline_script_or_style(people: dict[str, Person], one: Registered) -> None:
    answer = people["owner"].get(one.path)
    policy = answer.headers["content-security-policy"]
    assert all(part in policy for part in STRICT)
    assert "unsafe" not in policy
    if answer.status == 200 and "html" in answer.headers["content-type"]:
        page = answer.body.decode()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert answer.headers["cache-control"] == "no-store"


def test_a_viewer_reads_no_name_and_no_number(people: dict[str, Person]) -> None:
    for one in PLAIN:
        answer = people["viewer"].get(one.path)
        if "html" not in answer.headers.get("content-type", "html"):
            continue
        assert not any(
            told in text_of(answer) for told in ("13800010001", "张小美", "陈鹿", "李强")
        ), one.path
