"""Why two people are shown different things: from their two answers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]
Say = Callable[..., str]
SHARED = ("popular", "new")
"""Sources that say the same to everybody."""


@dataclass(frozen=True)
class Difference:
    """One thing that does not stand at the same place for both; 0 is nowhere.

    `why` are sentences, each with the side that it is about ("a", "b"; "" for both).
    """

    id: str
    title: str
    places: tuple[int, int]
    why: tuple[tuple[str, str], ...]


def of_items(
    answers: tuple[Answer, Answer],
    titles: Mapping[str, str],
    reason: Callable[[Any], str],
    say: Say,
) -> list[Difference]:
    """Items that one of them is not shown, or both at other places for other reasons.

    Args:
        answers: Of `recommend` with `explain`, as plain data.
        titles: Of items by id.
        reason: The sentence of an item's reason.
        say: Words by key.
    """
    shown = [{item["id"]: item for item in answer["items"]} for answer in answers]
    removed = [{one["id"]: one["text"] for one in answer.get("removed", ())} for answer in answers]
    found = []
    for code in _together(shown):
        here = [side.get(code) for side in shown]
        places = tuple(item["rank"] if item else 0 for item in here)
        if all(places) and _same(here):
            continue
        why = [*_gone(code, here, removed), *_spoken(here, reason, say)]
        title = titles.get(code, code)
        found.append(Difference(code, title, (places[0], places[1]), tuple(why)))
    return found


def of_modules(answers: tuple[Answer, Answer], say: Say) -> list[Difference]:
    """Modules that one of them is not shown, or both at other places.

    Args:
        answers: Of `page` with `explain`, as plain data.
        say: Words by key.
    """
    shown = [{one["name"]: one for one in answer["modules"]} for answer in answers]
    left = [{one["name"]: one["text"] for one in answer.get("left_out", ())} for answer in answers]
    found = []
    for name in _together(shown):
        here = [side.get(name) for side in shown]
        places = tuple(one["place"] if one else 0 for one in here)
        if places[0] == places[1]:
            continue
        why = list(_gone(name, here, left))
        for side, one, answer in zip("ab", here, answers, strict=True):
            if one and answer["control"]:
                why.append((side, say("console.surfaces.in_control")))
            elif one:
                why.append((side, say(f"reasons.{one['reason']['code']}")))
        title = next(one["title"] for one in here if one)
        found.append(Difference(name, title, (places[0], places[1]), tuple(why)))
    return found


def _together(shown: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names in the order in which somebody reads both lists at once."""
    left, right = (list(side) for side in shown)
    longest = max(len(left), len(right))
    in_turn = [side[k] for k in range(longest) for side in (left, right) if k < len(side)]
    return list(dict.fromkeys(in_turn))


def _same(here: Sequence[Any]) -> bool:
    """Whether both see it for the same reason: then only others pushed it about."""
    one, other = (item["reason"] for item in here)
    return bool(one["code"] == other["code"] and one["evidence"] == other["evidence"])


def _gone(
    code: str, here: Sequence[Any], removed: Sequence[Mapping[str, str]]
) -> list[tuple[str, str]]:
    """What took it out for the one who is not shown it."""
    sides = zip("ab", here, removed, strict=True)
    return [(side, gone[code]) for side, one, gone in sides if one is None and code in gone]


def _spoken(here: Sequence[Any], reason: Callable[[Any], str], say: Say) -> list[tuple[str, str]]:
    """What speaks for it with each who is shown it."""
    told = []
    for side, item in zip("ab", here, strict=True):
        if item is None:
            continue
        # What is popular in one's own place or at an hour (popular_here ...) is not said to both.
        shared = item["source"] in SHARED and "_" not in item["reason"]["code"]
        if shared and None in here and not item["explored"]:
            # It speaks to both alike; with the other, something else spoke louder.
            told.append(("", say("console.surfaces.louder", why=reason(item))))
        else:
            told.append((side, reason(item)))
    return told
