"""What is known of people in the reader's own words: "Skin: dry", not `skin` and `dry`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from renwei.collect.questions.asked import NOT_SAID, all_questions, templates
from renwei.doors.console.frame import Visit

LEANINGS = ("category", "item", "price", "hour", "keyword", "creator", "brand")
"""What orders and looks tell by themselves; everything else was said by somebody."""


class Called:
    """The names of facts and their values for one visitor.

    Names come from this folder's words, then from the question that asked; a value from the
    choice it was. What nobody named is shown as it was written.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        asked = {one.fact: one for one in reversed(all_questions(visit.house.shop()))}
        self._questions = {**templates(), **asked}

    def fact(self, name: str) -> str:
        """What a fact is called."""
        said = self._own(f"console.people.called.{name}")
        if said:
            return said
        question = self._questions.get(name)
        # A question of one's own whose fact got no name but a mark or the question itself.
        return question.text(self._visit.language) if question else name

    def value(self, name: str, value: Any) -> str:
        """A value as people say it."""
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self._visit.say(f"console.people.{'yes' if value else 'no'}")
        if value == NOT_SAID:
            return self._visit.say("console.people.not_said")
        question = self._questions.get(name)
        label = question.label(str(value), self._visit.language) if question else ""
        return label or self._own(f"console.people.values.{name}.{value}") or str(value)

    def leaning(self, kind: str, value: Any) -> str:
        """What somebody is inclined to: "usually buys masks"."""
        if kind in ("hour", "price"):
            return self._own(f"pages.person.{kind}_{value}") or str(value)
        return self._visit.say(f"preferences.{kind}", value=value)

    def thing(self, name: str, value: Any) -> str:
        """A fact with its value, or a leaning, as one phrase."""
        if name in LEANINGS and value not in (None, ""):
            return self.leaning(name, value)
        if value in (None, ""):
            return self.fact(name)
        said = {"name": self.fact(name), "value": self.value(name, value)}
        return self._visit.say("console.people.thing", **said)

    def entries(self, entries: Iterable[Any]) -> list[Any]:
        """What happened, with facts, answers, marks and kinds of lines in words."""
        return [self._entry(entry) for entry in entries]

    def _entry(self, entry: Any) -> Any:
        say, values = self._visit.say, entry.values
        text = ""
        if entry.kind == "fact" and values:
            said = {"name": self.fact(values["name"]), "value": self.value(**_pair(values))}
            text = say(f"timeline.fact_{values['told']}", **said)
        elif entry.kind == "answer":
            text = say("console.people.answered")
        elif entry.kind == "contact" and values.get("done"):
            about = self._own(f"today.what_{entry.item}") or entry.item
            text = self._own(f"console.people.marked.{values['done']}", about=about)
        elif entry.kind == "decision" and entry.item:
            about = self._own(f"today.what_{entry.item}")
            text = say("timeline.decision", about=about) if about else ""
        return _with_text(entry, text) if text else entry

    def _own(self, key: str, **values: Any) -> str:
        said = self._visit.say(key, **values)
        return "" if said == key else said


def _pair(values: dict[str, Any]) -> dict[str, Any]:
    return {"name": values["name"], "value": values["value"]}


def _with_text(entry: Any, text: str) -> Any:
    if isinstance(entry, msgspec.Struct):
        return msgspec.structs.replace(entry, text=text)
    # A masked answer is plain: dots read its keys.
    return type(entry)({**entry, "text": text})
