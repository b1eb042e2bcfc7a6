"""One question, one link, one answer: on the profile at once, with what was agreed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renwei.collect.questions.answering import Answered, Form, Identity, answer, form_for
from renwei.collect.questions.answers import (
    LinkRequest,
    ListRequest,
    NewRequest,
    QuestionRequest,
    QuestionSeen,
    SuggestRequest,
)
from renwei.collect.questions.asked import HEALTH, NOT_SAID, templates, words_of_goods
from renwei.collect.questions.links import opened
from renwei.collect.questions.operations import (
    close_question,
    list_questions,
    new_question,
    question_link,
    show_question,
    suggest_question,
)
from renwei.core.chance import to_id
from renwei.core.clock import Frozen
from renwei.core.errors import BadInput, Refused, RenweiError, UnknownName
from renwei.core.nouns import NOBODY, ConsentState, Event, Item, Told
from renwei.core.permission import HouseRules
from renwei.core.shop import Settings, Shop
from renwei.core.store import Named
from renwei.core.words import Words
from renwei.stores.embedded import open_store
from renwei.stores.shelf import ShelfFiles

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
WORDS = Words.load(
    ["renwei.core", "renwei.collect", "renwei.collect.questions", "renwei.people", "renwei.app"]
)


class Stall:
    """A shop that asks."""

    def __init__(self, folder: Path) -> None:
        self.clock = Frozen(AT)
        self.store = open_store(folder / "data", keys=folder / "keys", clock=self.clock)
        self.shop = Shop(
            store=self.store,
            clock=self.clock,
            settings=Settings(name="Pebble", zone="Asia/Shanghai"),
            words=WORDS,
            shelf=ShelfFiles(folder / "data" / "estimates"),
            permits=HouseRules(people=self.store.people, counters=self.store.counters),
            language="en",
        )

    def ask(self, fact: str = "whom", **more: Any) -> QuestionSeen:
        return new_question(self.shop, NewRequest(fact=fact, **more))

    def person(self, phone: str = "+8613912345678") -> int:
        (actor,) = self.store.people.actors([Named("phone", phone)], AT)
        return self.store.people.persons_of([actor])[0]

    def token(self, question: str, person: int = NOBODY) -> str:
        who = to_id(person) if person else ""
        link = question_link(self.shop, LinkRequest(question=question, person=who))
        return link.path.removeprefix("/q/")

    def form(self, question: str, person: int = NOBODY, language: str = "en") -> Form:
        return form_for(self.shop, self.token(question, person), language)

    def say(self, token: str, choice: str, **more: Any) -> Answered:
        self.clock.advance(timedelta(seconds=1))
        given: dict[str, Any] = {"at": self.clock.now(), **more}
        return answer(self.shop, token, choice, **given)

    def fact(self, person: int, name: str) -> Any:
        return self.store.people.profile(person).facts.get(name)


@pytest.fixture
def stall(tmp_path: Path) -> Iterator[Stall]:
    made = Stall(tmp_path)
    yield made
    made.store.close()


def test_an_answer_by_a_persons_link_is_on_the_profile_at_once(stall: Stall) -> None:
    stall.ask("whom")
    person = stall.person()
    told = stall.say(stall.token("whom", person), "gift")
    assert (told.person, told.how) == (person, "link")
    fact = stall.fact(person, "whom")
    assert (fact.value, fact.told, fact.source) == ("gift", Told.TOLD, "form:whom")
    (event,) = stall.store.log.of([person], kinds=("answer",))
    assert event.body == {"question": "whom", "fact": "whom", "choice": "gift", "how": "link"}
    assert event.source == "form:whom"


def test_the_latest_answer_wins_and_the_earlier_ones_are_kept(stall: Stall) -> None:
    stall.ask("whom")
    person = stall.person()
    token = stall.token("whom", person)
    for choice in ("self", "gift", "child"):
        stall.say(token, choice)
    assert stall.fact(person, "whom").value == "child"
    events = stall.store.log.of([person], kinds=("answer",))
    assert [event.body["choice"] for event in events] == ["child", "gift", "self"]
    shown = show_question(stall.shop, QuestionRequest(question="whom"))
    counts = {one.value: one.people for one in shown.counts}
    assert (shown.answers, shown.people) == (3, 1)
    assert (counts["child"], counts["self"]) == (1, 0)


def test_rather_not_say_is_an_answer_that_needs_no_tick_and_takes_an_earlier_one_back(
    stall: Stall,
) -> None:
    stall.ask("skin")
    person = stall.person()
    token = stall.token("skin", person)
    version = stall.form("skin", person).consent_version
    stall.say(token, "dry", consent=version)
    told = stall.say(token, NOT_SAID)
    assert told.consent == ""
    assert stall.fact(person, "skin").value == NOT_SAID
    assert [c.state for c in stall.store.people.profile(person).consents] == [ConsentState.GIVEN]


def test_what_tells_of_health_is_kept_only_with_a_tick_of_its_own(stall: Stall) -> None:
    stall.ask("skin")
    person = stall.person()
    token = stall.token("skin", person)
    for consent in ("", "profiling/en/0", "sensitive/en/7", "sensitive/xx/0", "sensitive/en/-1"):
        with pytest.raises(Refused) as refused:
            stall.say(token, "sensitive", consent=consent)
        assert refused.value.code == "consent_needed"
    assert stall.fact(person, "skin") is None
    assert list(stall.store.log.read(kinds=("answer",))) == []
    stall.say(token, "sensitive", consent="sensitive/en/0")
    (said,) = stall.store.people.profile(person).consents
    assert (said.purpose, said.state) == ("sensitive", ConsentState.GIVEN)
    assert (said.source, said.text_version) == ("form:skin", "sensitive/en/0")


@pytest.mark.parametrize("fact", sorted(HEALTH))
def test_facts_of_health_are_sensitive_whatever_the_shop_says(stall: Stall, fact: str) -> None:
    asked = stall.ask(
        fact, text_en="How is it?", choices=["a|A|甲", "b|B|乙"], sensitive=False, purpose="care"
    )
    assert asked.sensitive
    assert asked.purpose == "sensitive"


def test_the_form_shows_the_wording_in_force_and_its_version(stall: Stall) -> None:
    stall.ask("skin")
    before = stall.form("skin", language="zh")
    assert before.consent_version == "sensitive/zh/0"
    assert before.consent_needed
    assert "text" not in before.consent_text
    body = {"text": "可以记下你的肤质吗？"}
    stall.store.papers.put("consent-text", "sensitive/zh", body, by="texts", at=AT)
    after = stall.form("skin", language="zh")
    assert (after.consent_text, after.consent_version) == (body["text"], "sensitive/zh/1")
    # A form that was opened before the wording changed may still come in.
    assert stall.say(after.token, "dry", consent=before.consent_version).again is False


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_form_is_whole_in_its_language_and_tells_nothing_of_the_person(
    stall: Stall, language: str
) -> None:
    stall.ask("skin")
    person = stall.person()
    stall.store.people.keep_many([(person, "name", "王小美")])
    form = stall.form("skin", person, language)
    assert not form.asks_identity
    assert stall.form("skin").asks_identity
    texts = [form.text, form.consent_text, *(choice.label for choice in form.choices)]
    assert all(texts)
    chinese = [any("\u4e00" <= c <= "\u9fff" for c in text) for text in texts]
    assert set(chinese) == {language == "zh"}
    assert form.choices[-1].value == NOT_SAID
    assert "王小美" not in repr(form)
    assert "139" not in repr(form)


@pytest.mark.parametrize(
    ("identity", "how", "kind", "value"),
    [
        (Identity(phone="139 1234 5678"), "phone", "phone", "+8613912345678"),
        (Identity(email=" Ann@Example.com "), "email", "email", "ann@example.com"),
        (Identity(nick="小美"), "nick", "nick", "form:小美"),
    ],
)
def test_the_link_of_everybody_takes_a_phone_an_email_or_a_nick(
    stall: Stall, identity: Identity, how: str, kind: str, value: str
) -> None:
    stall.ask("whom")
    told = stall.say(stall.token("whom"), "gift", identity=identity)
    assert told.how == how
    assert stall.store.people.find(Named(kind, value)) == told.person
    assert stall.fact(told.person, "whom").value == "gift"


def test_a_phone_that_is_known_finds_its_person_and_a_nick_its_account(stall: Stall) -> None:
    stall.ask("whom")
    person = stall.person()
    token = stall.token("whom")
    assert stall.say(token, "gift", identity=Identity(phone="13912345678")).person == person
    (actor,) = stall.store.people.actors([Named("nick", "douyin:mei")], AT)
    assert stall.say(token, "self", identity=Identity(nick="mei")).person == actor


def test_who_leaves_no_name_is_counted_and_nothing_more(stall: Stall) -> None:
    stall.ask("whom")
    people = len(stall.store.people.all_persons())
    told = stall.say(stall.token("whom"), "gift")
    assert (told.person, told.how) == (NOBODY, "nobody")
    assert len(stall.store.people.all_persons()) == people
    shown = show_question(stall.shop, QuestionRequest(question="whom"))
    assert (shown.unnamed, shown.people) == (1, 0)
    assert {one.value: one.people for one in shown.counts}["gift"] == 1


def test_a_person_link_ignores_whoever_else_is_named(stall: Stall) -> None:
    stall.ask("whom")
    person = stall.person()
    token = stall.token("whom", person)
    told = stall.say(token, "gift", identity=Identity(phone="13700000000"))
    assert told.person == person
    assert stall.store.people.find(Named("phone", "+8613700000000")) is None


def test_a_form_sent_twice_is_one_answer(stall: Stall) -> None:
    stall.ask("whom")
    form = stall.form("whom")
    first = stall.say(form.token, "gift", nonce=form.nonce)
    again = stall.say(form.token, "gift", nonce=form.nonce)
    assert (first.again, again.again) == (False, True)
    assert show_question(stall.shop, QuestionRequest(question="whom")).answers == 1


def test_no_link_can_be_made_up_or_carried_over(stall: Stall) -> None:
    stall.ask("whom")
    stall.ask("hair")
    ann, bea = stall.person(), stall.person("+8613700000001")
    token = stall.token("whom", ann)
    name, who, mark = token.split(".")
    forged = [
        f"hair.{who}.{mark}",
        f"{name}.{to_id(bea)}.{mark}",
        f"{name}.all.{mark}",
        f"{name}.{who}.",
        f"{name}.{who}",
        f"{name}.{who}.{'0' * 24}",
        f"{name}.{who}.{mark[:-1]}",
        "",
        "..",
    ]
    for one in forged:
        with pytest.raises(UnknownName) as refused:
            opened(stall.shop, one)
        assert refused.value.code == "unknown_link"


@given(st.text(max_size=80))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_as_a_link_is_refused_in_words(stall: Stall, text: str) -> None:
    with pytest.raises(RenweiError) as refused:
        form_for(stall.shop, text, "en")
    assert refused.value.code == "unknown_link"


def test_a_link_finds_its_person_after_a_merge_and_nobody_after_forgetting(stall: Stall) -> None:
    stall.ask("whom")
    ann, bea = stall.person(), stall.person("+8613700000001")
    token = stall.token("whom", bea)
    stall.store.people.merge(ann, bea, reason="same", at=AT)
    assert stall.say(token, "gift").person == ann
    stall.store.forget(ann, AT)
    with pytest.raises(UnknownName):
        stall.say(token, "self")


def test_who_was_forgotten_is_not_known_again_by_an_answer(stall: Stall) -> None:
    stall.ask("whom")
    person = stall.person()
    stall.store.forget(person, AT)
    told = stall.say(stall.token("whom"), "gift", identity=Identity(phone="13912345678"))
    assert (told.person, told.how) == (NOBODY, "nobody")


def test_a_closed_question_takes_no_answer_and_keeps_those_given(stall: Stall) -> None:
    stall.ask("whom")
    token = stall.token("whom")
    stall.say(token, "gift")
    close_question(stall.shop, QuestionRequest(question="whom"))
    assert form_for(stall.shop, token, "en").state == "closed"
    with pytest.raises(Refused) as refused:
        stall.say(token, "gift")
    assert refused.value.code == "question_closed"
    (shown,) = list_questions(stall.shop, ListRequest()).questions
    assert (shown.state, shown.answers) == ("closed", 1)
    assert stall.ask("whom").state == "open"
    assert stall.say(token, "self").again is False


@pytest.mark.parametrize("choice", ["", "GIFT", "gift ", "other", "x" * 5_000])
def test_only_the_choices_that_are_offered_are_taken(stall: Stall, choice: str) -> None:
    stall.ask("whom")
    with pytest.raises(UnknownName) as refused:
        stall.say(stall.token("whom"), choice)
    assert refused.value.code == "unknown_choice"
    assert len(refused.value.values["name"]) <= 64


@pytest.mark.parametrize(
    ("identity", "code"),
    [(Identity(phone="12"), "bad_phone"), (Identity(email="ann at home"), "bad_email")],
)
def test_what_is_no_contact_is_said_and_nothing_kept(
    stall: Stall, identity: Identity, code: str
) -> None:
    stall.ask("whom")
    with pytest.raises(BadInput) as refused:
        stall.say(stall.token("whom"), "gift", identity=identity)
    assert refused.value.code == code
    assert list(stall.store.log.read(kinds=("answer",))) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"fact": "9lives"}, "question_fact"),
        ({"fact": "mood"}, "question_text"),
        ({"fact": "mood", "text_en": "x" * 201}, "question_text"),
        ({"fact": "mood", "text_en": "How?", "choices": ["only|One|一"]}, "question_choices"),
        ({"fact": "mood", "text_en": "How?", "choices": ["a|A", "b|" + "x" * 41]}, "question_choices"),
        ({"fact": "mood", "text_en": "How?", "choices": [f"c{k}|C" for k in range(9)]}, "question_choices"),
        ({"fact": "whom", "purpose": "fun"}, "unknown_purpose"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused(
    stall: Stall, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        stall.ask(**fields)
    assert refused.value.code == code
    assert list_questions(stall.shop, ListRequest()).questions == []


def test_a_question_of_ones_own_needs_text_in_one_language_only(stall: Stall) -> None:
    asked = stall.ask("mood", text_zh="今天心情？", choices=["good|Good|好", "bad|Bad|差"])
    assert (asked.text_en, asked.text_zh) == ("今天心情？", "今天心情？")
    assert [one.value for one in asked.options] == ["good", "bad"]
    assert asked.counts[-1].value == NOT_SAID


def test_answers_typed_in_chinese_stand_for_themselves(stall: Stall) -> None:
    asked = stall.ask("mood", text_zh="今天心情？", choices=["很好", "一般", "Not so good"])
    assert [(one.value, one.zh) for one in asked.options] == [
        ("很好", "很好"),
        ("一般", "一般"),
        ("not_so_good", "Not so good"),
    ]
    person = stall.person()
    stall.say(stall.token("mood", person), "很好")
    assert stall.fact(person, "mood").value == "很好"
    for bad in (["|a", "b"], ["a\tb", "c"], ["x" * 41, "b"]):
        with pytest.raises(BadInput):
            stall.ask("mood", text_zh="今天心情？", choices=bad)


def test_the_code_holds_the_address_and_no_script(stall: Stall) -> None:
    stall.ask("whom")
    asked = LinkRequest(question="whom", base="https://shop.example/")
    link = question_link(stall.shop, asked)
    assert link.address == f"https://shop.example{link.path}"
    root = ET.fromstring(link.code_svg)  # noqa: S314 - our own text
    assert root.tag.endswith("svg")
    assert "script" not in link.code_svg
    plain = question_link(stall.shop, LinkRequest(question="whom"))
    assert (plain.code_svg, plain.address) == ("", "")


@pytest.mark.parametrize("base", ["javascript:alert(1)", "shop.example", "https://a b", "http://"])
def test_a_base_that_is_no_address_is_refused(stall: Stall, base: str) -> None:
    stall.ask("whom")
    with pytest.raises(BadInput) as refused:
        question_link(stall.shop, LinkRequest(question="whom", base=base))
    assert refused.value.code == "bad_base"


# Which question to ask.


def sell(stall: Stall, goods: list[tuple[str, str]], sales: list[tuple[int, int, int]]) -> None:
    """Goods by (title, category); sales by (person, place in the goods, amount)."""
    numbers = stall.store.items.upsert(
        [Item(0, "product", f"C{k}", title, kind) for k, (title, kind) in enumerate(goods)]
    )
    events = []
    for k, (person, place, amount) in enumerate(sales):
        key = stall.store.people.keyed(f"order|t||{k}")
        body = {
            "order": key[:8].hex(), "platform": "t", "shop": "", "status": "paid", "paid": None,
            "refunded": 0, "shipping": 0, "lines": [[numbers[place], 1, amount, amount]],
            "country": "",
        }  # fmt: skip
        at = AT - timedelta(days=1 + k)
        events.append(Event(person, "order", at, key, 0, amount, "CNY", body, source="i-1"))
    stall.store.log.append(events, AT)


GOODS = [("控油洁面", ""), ("保湿面霜", ""), ("送礼礼盒", ""), ("儿童牙刷", ""), ("毛巾", "")]


def test_the_question_asked_next_is_the_one_that_decides_over_most_money(stall: Stall) -> None:
    ann, bea = stall.person(), stall.person("+8613700000001")
    sell(stall, GOODS, [(ann, 0, 5_000), (bea, 1, 4_000), (ann, 2, 3_000), (bea, 4, 90_000)])
    told = suggest_question(stall.shop, SuggestRequest())
    assert told.best is not None
    assert (told.best.fact, told.best.decides_minor, told.best.people) == ("skin", 9_000, 2)
    assert told.best.share == pytest.approx(9_000 / 102_000, abs=1e-4)
    assert [(one.fact, one.decides_minor) for one in told.others] == [("whom", 3_000)]
    assert told.measure.startswith("Counted is")
    assert not told.best.asked
    stall.ask("skin")
    asked = suggest_question(stall.shop, SuggestRequest())
    assert asked.best is not None
    assert asked.best.asked
    assert "share its link" in asked.text


def test_who_has_answered_is_no_longer_counted_whatever_the_answer(stall: Stall) -> None:
    ann, bea = stall.person(), stall.person("+8613700000001")
    sell(stall, GOODS, [(ann, 0, 5_000), (bea, 1, 4_000), (ann, 2, 9_500)])
    stall.ask("skin")
    stall.say(stall.token("skin", ann), NOT_SAID)
    told = suggest_question(stall.shop, SuggestRequest())
    by_fact = {one.fact: one for one in [told.best, *told.others] if one}
    assert by_fact["skin"].decides_minor == 4_000
    assert by_fact["skin"].fill == 0.5


def test_goods_for_one_answer_only_make_no_question(stall: Stall) -> None:
    sell(stall, [("控油洁面", ""), ("毛巾", "")], [(stall.person(), 0, 5_000)])
    told = suggest_question(stall.shop, SuggestRequest())
    assert told.best is None
    assert told.text.startswith("None of the questions")


def test_orders_of_before_last_year_do_not_decide_what_to_ask(stall: Stall) -> None:
    sell(stall, GOODS, [(stall.person(), 0, 5_000), (stall.person(), 1, 4_000)])
    stall.clock.advance(timedelta(days=400))
    assert suggest_question(stall.shop, SuggestRequest()).best is None


def test_every_template_can_be_asked_and_is_whole_in_both_languages(stall: Stall) -> None:
    for fact, made in templates().items():
        asked = stall.ask(fact)
        assert [one.value for one in asked.options] == [one.value for one in made.choices]
        assert words_of_goods()[fact].keys() == {one.value for one in made.choices}
        for language in ("en", "zh"):
            form = stall.form(asked.id, language=language)
            chinese = any("\u4e00" <= c <= "\u9fff" for c in form.text)
            assert chinese == (language == "zh")
    stall.shop = replace(stall.shop, language="zh")
    assert len(list_questions(stall.shop, ListRequest()).questions) == len(templates())
