"""Questions as papers: text, choices and what is agreed to, every version kept."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from renwei.core.clock import EPOCH
from renwei.core.errors import BadInput, UnknownName
from renwei.core.shop import Shop

KIND: Final = "question"
OPEN, CLOSED = "open", "closed"
NOT_SAID: Final = "rather_not_say"
"""The choice that every question has; it is an answer like any other."""

PURPOSE, SENSITIVE = "profiling", "sensitive"
HEALTH: Final = frozenset(
    "skin skin_type allergy allergies health pregnant pregnancy condition diet disability age_under_14".split()  # noqa: SIM905
)
"""Facts that tell of somebody's health: they need a consent of their own, whatever was asked."""

MOST_CHOICES, LONGEST_LABEL, LONGEST_TEXT = 8, 40, 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Choice(msgspec.Struct, frozen=True):
    """One answer: its value on the profile and its label in both languages."""

    value: str
    en: str
    zh: str


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question. `purpose` is what the tick on the form agrees to."""

    id: str
    fact: str
    en: str
    zh: str
    choices: list[Choice]
    sensitive: bool
    purpose: str
    state: str
    since: datetime

    def text(self, language: str) -> str:
        """The question itself."""
        return self.zh if language == "zh" else self.en

    def label(self, value: str, language: str) -> str:
        """A choice as people read it; "" for the one that every question has."""
        for choice in self.choices:
            if choice.value == value:
                return choice.zh if language == "zh" else choice.en
        return ""


def all_questions(shop: Shop) -> list[Question]:
    """Every question, open ones first, newest first."""
    found = [one for name in shop.store.papers.names(KIND) if (one := _held(shop, name))]
    return sorted(found, key=lambda q: (q.state != OPEN, -q.since.timestamp()))


def question_named(shop: Shop, name: str) -> Question:
    """One question.

    Raises:
        UnknownName: There is none (code unknown_question).
    """
    found = _held(shop, name)
    if found is None:
        raise UnknownName.among("question", name, shop.store.papers.names(KIND))
    return found


def keep(shop: Shop, question: Question, at: datetime) -> Question:
    """Store a question, or a new version of it."""
    body: dict[str, Any] = msgspec.to_builtins(question, builtin_types=(datetime,))
    body["since"] = question.since.isoformat()
    shop.store.papers.put(KIND, question.id, body, by="questions", at=at)
    return question


def compose(
    fact: str,
    texts: tuple[str, str],
    choices: list[str],
    *,
    sensitive: bool,
    purpose: str,
    at: datetime,
) -> Question:
    """Make a question; where no text is given, the template of the fact.

    Args:
        fact: What is learnt, such as "skin": lower case letters, digits and underscores.
        texts: English and Chinese; one is enough, it then stands for both.
        choices: A label, "value|label" or "value|English|Chinese", two to eight.
        sensitive: Whether it needs a consent of its own; facts of health always do.
        purpose: What the tick agrees to where it is not sensitive.
        at: When it was asked first.

    Raises:
        BadInput: The fact's name, the text or the choices cannot be (codes question_fact,
            question_text, question_choices).
    """
    name = fact.strip().lower()
    if not _NAME.fullmatch(name):
        raise BadInput("question_fact", found=fact)
    template = templates().get(name)
    en, zh = (text.strip() for text in texts)
    if not en and not zh:
        if template is None:
            raise BadInput("question_text", fact=name, known=", ".join(sorted(templates())))
        en, zh = template.en, template.zh
    if max(len(en), len(zh)) > LONGEST_TEXT:
        raise BadInput("question_text", fact=name, known=", ".join(sorted(templates())))
    made = _choices(choices) if choices or template is None else template.choices
    health = sensitive or name in HEALTH or bool(template and template.sensitive)
    return Question(
        id=name.replace("_", "-"),
        fact=name,
        en=en or zh,
        zh=zh or en,
        choices=made,
        sensitive=health,
        purpose=SENSITIVE if health else purpose,
        state=OPEN,
        since=at,
    )


@cache
def templates() -> Mapping[str, Question]:
    """Questions that many shops ask, by fact; `state` and `since` say nothing."""
    return {
        name: Question(
            id=name,
            fact=name,
            en=made["en"],
            zh=made["zh"],
            choices=[Choice(c["value"], c["en"], c["zh"]) for c in made["choices"]],
            sensitive=bool(made["sensitive"]),
            purpose=SENSITIVE if made["sensitive"] else PURPOSE,
            state=CLOSED,
            since=EPOCH,
        )
        for name, made in _file().items()
    }


@cache
def words_of_goods() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """What goods that suit an answer are called: words by fact and choice, lower case."""
    return {
        name: {c["value"]: tuple(w.lower() for w in c["words"]) for c in made["choices"]}
        for name, made in _file().items()
    }


@cache
def _file() -> dict[str, Any]:
    text = files("renwei.collect.questions").joinpath("templates.toml").read_text("utf-8")
    return tomllib.loads(text)


def _choices(given: list[str]) -> list[Choice]:
    made: dict[str, Choice] = {}
    for text in given:
        parts = [part.strip() for part in text.split("|")]
        value = parts[0].lower().replace(" ", "_")
        # What is no plain word (an answer typed in Chinese) stands for itself.
        value = value if _NAME.fullmatch(value) else parts[0]
        labels = [part for part in parts[1:] if part] or [parts[0]]
        longest = max(map(len, (value, *labels)))
        if not value or not value.isprintable() or longest > LONGEST_LABEL:
            raise BadInput("question_choices", found=text, most=MOST_CHOICES)
        if value != NOT_SAID:
            made[value] = Choice(value, labels[0], labels[-1])
    if not 2 <= len(made) <= MOST_CHOICES:
        raise BadInput("question_choices", found=", ".join(given), most=MOST_CHOICES)
    return list(made.values())


def _held(shop: Shop, name: str) -> Question | None:
    paper = shop.store.papers.get(KIND, name) if name else None
    return msgspec.convert(dict(paper.body), Question) if paper else None
