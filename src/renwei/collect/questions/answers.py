"""What the operations about questions are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from renwei.collect.questions.asked import PURPOSE, Choice


class ListRequest(msgspec.Struct, kw_only=True):
    """Every question."""


class QuestionRequest(msgspec.Struct, kw_only=True):
    """One question by its id."""

    question: str


class NewRequest(msgspec.Struct, kw_only=True):
    """A question to ask; a fact that many shops ask for needs nothing else."""

    fact: str
    text_en: str = ""
    text_zh: str = ""
    choices: list[str] = []
    sensitive: bool = False
    purpose: str = PURPOSE


class LinkRequest(msgspec.Struct, kw_only=True):
    """The link of everybody, or of one person; `base` is where the page can be reached."""

    question: str
    person: Annotated[str, msgspec.Meta(extra={"argument": True})] = ""
    base: str = ""


class SuggestRequest(msgspec.Struct, kw_only=True):
    """Which question to ask next."""

    at: datetime | None = None


class Count(msgspec.Struct, kw_only=True):
    """How many people gave one answer, as their latest."""

    value: str
    label: str
    people: int


class QuestionSeen(msgspec.Struct, kw_only=True):
    """One question. `answers` are all ever given, `people` those who gave them."""

    id: str
    fact: str
    text: str
    text_en: str
    text_zh: str
    options: list[Choice]
    sensitive: bool
    purpose: str
    state: str
    since: datetime
    path: str
    answers: int
    people: int
    unnamed: int
    counts: list[Count]


class QuestionsAnswer(msgspec.Struct, kw_only=True):
    """Every question, open ones first."""

    questions: list[QuestionSeen]


class LinkAnswer(msgspec.Struct, kw_only=True):
    """A link, and the code to scan where its address is whole. `person` is empty for everybody."""

    question: str
    person: str
    path: str
    address: str
    code_svg: str
    text: str


class SuggestedSeen(msgspec.Struct, kw_only=True):
    """A question that could be asked, and what its answer would decide over."""

    fact: str
    text: str
    people: int
    buyers: int
    fill: float
    goods: int
    decides_minor: int
    share: float
    asked: bool
    unlocks: str


class SuggestAnswer(msgspec.Struct, kw_only=True):
    """The one to ask next, why, and the others by the same measure."""

    at: datetime
    currency: str
    best: SuggestedSeen | None
    others: list[SuggestedSeen]
    measure: str
    text: str
