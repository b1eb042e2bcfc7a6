"""Consent as a column of an order file shows it: proof where it says yes, never more.

A box left empty is no withdrawal: it is kept as "unknown" with its time, so that a later yes
or an older yes that comes in afterwards is judged rightly. A no after a yes withdraws.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from renwei.core.nouns import NOBODY, Consent, ConsentState

PURPOSE, CHANNEL = "marketing", "email"
Observed = tuple[int, datetime, bool]
"""Actor, time of the order, whether marketing was accepted."""


def statements(
    observed: Iterable[Observed],
    person_of: Mapping[int, int],
    existing: Mapping[int, Sequence[Consent]],
    source: str,
) -> list[tuple[int, Consent]]:
    """What the file adds to what people said: changes, and the latest no.

    Args:
        observed: What each order shows; orders of nobody are passed over.
        person_of: Person of each actor.
        existing: Statements by person.
        source: What proves it, such as "import:i-20261120-1".

    Example:
        >>> from datetime import UTC
        >>> said = [(7, datetime(2026, 1, 1, tzinfo=UTC), True)]
        >>> [c.state.value for _, c in statements(said, {7: 7}, {}, "import:i-1")]
        ['given']
    """
    by_person: dict[int, set[tuple[datetime, bool, int]]] = defaultdict(set)
    for actor, at, said in observed:
        if actor != NOBODY:
            by_person[person_of[actor]].add((at, said, actor))
    found: list[tuple[int, Consent]] = []
    for person, marks in by_person.items():
        before = [
            one
            for one in existing.get(person, ())
            if one.purpose == PURPOSE and one.channel in (CHANNEL, "*")
        ]
        found += _of_one(marks, before, source)
    return found


def _of_one(
    marks: set[tuple[datetime, bool, int]], existing: Sequence[Consent], source: str
) -> list[tuple[int, Consent]]:
    held = {(one.at, one.state) for one in existing}
    actor = max(marks)[2]
    line = [(at, said, who) for at, said, who in marks]
    line += [(one.at, one.state is ConsentState.GIVEN, actor) for one in existing]
    # At the same moment a no comes after a yes: in doubt nobody is written to.
    line.sort(key=lambda mark: (mark[0], not mark[1]))
    added: list[tuple[int, Consent]] = []
    before: bool | None = None
    ever = False
    for number, (at, said, who) in enumerate(line):
        ever = ever or said
        state = ConsentState.GIVEN if said else _refusal(ever)
        # A run of the same word is kept by its first and, so that nothing older that comes
        # in later is taken for the last word, by its latest.
        is_told = said != before or number == len(line) - 1
        if is_told and (at, state) not in held:
            held.add((at, state))
            added.append((who, Consent(PURPOSE, CHANNEL, state, at, source)))
        before = said
    return added


def _refusal(ever: bool) -> ConsentState:
    return ConsentState.WITHDRAWN if ever else ConsentState.UNKNOWN
