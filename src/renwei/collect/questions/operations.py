"""What can be done about questions: list, show, ask a new one, close, link, and what to ask next."""

from __future__ import annotations

import re
from datetime import UTC

from renwei.collect.questions.answers import (
    Count,
    LinkAnswer,
    LinkRequest,
    ListRequest,
    NewRequest,
    QuestionRequest,
    QuestionsAnswer,
    QuestionSeen,
    SuggestAnswer,
    SuggestedSeen,
    SuggestRequest,
)
from renwei.collect.questions.asked import (
    CLOSED,
    NOT_SAID,
    OPEN,
    Question,
    all_questions,
    compose,
    keep,
    question_named,
    templates,
)
from renwei.collect.questions.counted import Counted, counted
from renwei.collect.questions.links import PATH, code_of, token_of
from renwei.collect.questions.suggesting import Suggested, suggested
from renwei.core.chance import to_id
from renwei.core.errors import BadInput, UnknownName
from renwei.core.finding import person as find_person
from renwei.core.nouns import NOBODY
from renwei.core.operations import operation
from renwei.core.shop import Shop

PURPOSES = ("service", "care", "marketing", "profiling", "sensitive", "location")
_BASE = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")


@operation("questions list", ListRequest, http="GET /v1/questions")
def list_questions(shop: Shop, request: ListRequest) -> QuestionsAnswer:
    """Every question with the counts of its answers."""
    return QuestionsAnswer(questions=_seen(shop, all_questions(shop)))


@operation("questions show", QuestionRequest, http="GET /v1/questions/{question}")
def show_question(shop: Shop, request: QuestionRequest) -> QuestionSeen:
    """One question.

    Raises:
        UnknownName: There is none (code unknown_question).
    """
    return _seen(shop, [question_named(shop, request.question)])[0]


@operation("questions new", NewRequest, writes=True, http="POST /v1/questions")
def new_question(shop: Shop, request: NewRequest) -> QuestionSeen:
    """Ask a question, or change one that is there; its links stay.

    Raises:
        UnknownName: No such purpose (code unknown_purpose).
        BadInput: Fact, text or choices cannot be (codes question_fact, question_text,
            question_choices).
    """
    if request.purpose not in PURPOSES:
        raise UnknownName.among("purpose", request.purpose, PURPOSES)
    at = shop.clock.now()
    made = compose(
        request.fact,
        (request.text_en, request.text_zh),
        request.choices,
        sensitive=request.sensitive,
        purpose=request.purpose,
        at=at,
    )
    return _seen(shop, [keep(shop, made, at)])[0]


@operation(
    "questions close", QuestionRequest, writes=True, http="POST /v1/questions/{question}/close"
)
def close_question(shop: Shop, request: QuestionRequest) -> QuestionSeen:
    """Take no more answers; those given stay.

    Raises:
        UnknownName: There is none (code unknown_question).
    """
    import msgspec

    held = question_named(shop, request.question)
    if held.state != CLOSED:
        held = keep(shop, msgspec.structs.replace(held, state=CLOSED), shop.clock.now())
    return _seen(shop, [held])[0]


@operation("questions link", LinkRequest, http="GET /v1/questions/{question}/link", scope="write")
def question_link(shop: Shop, request: LinkRequest) -> LinkAnswer:
    """The link to a question, for everybody or for one person, and a code to scan.

    Raises:
        UnknownName: No such question or person (codes unknown_question, unknown_person).
        BadInput: `base` is no address (code bad_base).
    """
    question = question_named(shop, request.question)
    person = find_person(shop, request.person) if request.person else NOBODY
    base = request.base.strip().rstrip("/")
    if base and not _BASE.fullmatch(base):
        raise BadInput("bad_base", found=request.base[:100])
    path = PATH + token_of(shop, question, person)
    address = base + path if base else ""
    return LinkAnswer(
        question=question.id,
        person=to_id(person) if person != NOBODY else "",
        path=path,
        address=address,
        code_svg=code_of(address) if address else "",
        text=shop.say(f"question.link_{'person' if person != NOBODY else 'all'}"),
    )


@operation("questions suggest", SuggestRequest, http="GET /v1/questions/suggest")
def suggest_question(shop: Shop, request: SuggestRequest) -> SuggestAnswer:
    """Which one question to ask next, because its answer would decide over most.

    Raises:
        BadInput: No shop was open at that time (code bad_time).
    """
    at = request.at or shop.clock.now()
    if not 1970 < at.year < 2200:
        raise BadInput("bad_time", found=at.isoformat())
    at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    open_now = {one.fact for one in all_questions(shop) if one.state == OPEN}
    found = suggested(shop, at)
    seen = [_suggestion(shop, one, asked=one.fact in open_now) for one in found]
    best = seen[0] if seen else None
    key = "none" if best is None else "share" if best.asked else "ask"
    return SuggestAnswer(
        at=at,
        currency=found[0].currency if found else shop.settings.currency,
        best=best,
        others=seen[1:],
        measure=shop.say("question.measure"),
        text=shop.say(f"question.suggest_{key}", text=best.text if best else ""),
    )


def _suggestion(shop: Shop, one: Suggested, *, asked: bool) -> SuggestedSeen:
    return SuggestedSeen(
        fact=one.fact,
        text=templates()[one.fact].text(shop.language),
        people=one.people,
        buyers=one.buyers,
        fill=round(one.known / one.buyers, 4) if one.buyers else 0.0,
        goods=one.goods,
        decides_minor=one.decides,
        share=round(one.decides / one.revenue, 4) if one.revenue else 0.0,
        asked=asked,
        unlocks=shop.say(
            "question.unlocks",
            people=one.people,
            goods=one.goods,
            amount=[one.decides, one.currency],
            share=one.decides / one.revenue if one.revenue else 0.0,
        ),
    )


def _seen(shop: Shop, questions: list[Question]) -> list[QuestionSeen]:
    counts = counted(shop)
    return [_one(shop, one, counts.get(one.id, Counted())) for one in questions]


def _one(shop: Shop, question: Question, found: Counted) -> QuestionSeen:
    counts = found.by_choice
    labels = [(one.value, question.label(one.value, shop.language)) for one in question.choices]
    labels.append((NOT_SAID, shop.say(f"question.{NOT_SAID}")))
    labels += [(value, value) for value in counts if value not in dict(labels)]
    return QuestionSeen(
        id=question.id,
        fact=question.fact,
        text=question.text(shop.language),
        text_en=question.en,
        text_zh=question.zh,
        options=question.choices,
        sensitive=question.sensitive,
        purpose=question.purpose,
        state=question.state,
        since=question.since,
        path=PATH + token_of(shop, question),
        answers=found.answers,
        people=found.people,
        unnamed=found.unnamed,
        counts=[Count(value=v, label=label, people=counts.get(v, 0)) for v, label in labels],
    )
