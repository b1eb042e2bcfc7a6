"""Links to a question: one for everybody, or one a person, which nobody can make up.

A token is the question, the person (or nobody) and a keyed mark over both. Who has the link of
a person can answer in their name and learns nothing of them.
"""

from __future__ import annotations

import hmac
import io
from typing import Final

from renwei.collect.questions.asked import KIND, Question, question_named
from renwei.core.chance import from_id, to_id
from renwei.core.errors import UnknownName
from renwei.core.nouns import NOBODY
from renwei.core.shop import Shop

PATH: Final = "/q/"
_EVERYBODY: Final = "all"


def token_of(shop: Shop, question: Question, person: int = NOBODY) -> str:
    """The token of a question, for one person or for everybody."""
    who = to_id(person) if person != NOBODY else _EVERYBODY
    return f"{question.id}.{who}.{_mark(shop, question.id, who)}"


def opened(shop: Shop, token: str) -> tuple[Question, int]:
    """The question and the person of a token; NOBODY for the link of everybody.

    A person's number may have gone up in another's since (a merge); it still finds them. The
    link of somebody who was forgotten is no link any more.

    Raises:
        UnknownName: Not a token of this workspace (code unknown_link).
    """
    name, _, rest = token.strip().partition(".")
    who, _, mark = rest.partition(".")
    if not hmac.compare_digest(mark.encode(), _mark(shop, name, who).encode()):
        raise UnknownName("unknown_link")
    if shop.store.papers.get(KIND, name) is None:
        raise UnknownName("unknown_link")
    question = question_named(shop, name)
    if who == _EVERYBODY:
        return question, NOBODY
    number = from_id(who)
    if number is None or not shop.store.people.actors_of(number):
        raise UnknownName("unknown_link")
    return question, shop.store.people.persons_of([number])[0]


def _mark(shop: Shop, name: str, who: str) -> str:
    return shop.store.people.keyed(f"question-link|{name}|{who}").hex()[:24]


def code_of(address: str) -> str:
    """An address as a code to scan, as SVG, drawn by itself without style sheet or script."""
    import segno

    made = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        made, kind="svg", border=4, xmldecl=False, dark="#000", light="#fff", omitsize=True
    )
    return made.getvalue().decode()
