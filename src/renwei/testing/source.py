"""check_source: candidates with faithful reasons, from the past alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from renwei.core.nouns import Ask
from renwei.core.ports import Source
from renwei.core.slate import Slate, to_grid


def check_source(
    source: Source, asks: Sequence[Ask], *, add_future: Callable[[], None] | None = None
) -> None:
    """Fail unless the source keeps the contract of `Source` (renwei.core.ports).

    Checked for every ask: columns fit and names are there, no item stands twice, the same
    question has the same answer, each reason has a code, and taking a named cause away never
    raises the score. With `add_future`, which must make something happen after every ask (to
    these people, to these items), nothing that was proposed before may change.

    Args:
        source: What is checked.
        asks: People and moments it must be able to answer about.
        add_future: Adds events later than every ask.at to what the source reads.

    Raises:
        AssertionError: What was promised and what was found.

    Example:
        >>> # check_source(Popular(log), [Ask(7, home, at)], add_future=lambda: log.append(...))
    """
    if not source.name or source.name != source.name.strip():
        raise AssertionError("a source needs a name: candidates are booked under it")
    before = [deepcopy(source.propose(ask)) for ask in asks]
    for ask, slate in zip(asks, before, strict=True):
        _check_columns(source, slate)
        if source.propose(ask) != slate:
            raise AssertionError(f"{source.name} answered the same question in two ways")
        _check_reasons(source, ask, slate)
    if add_future is None:
        return
    add_future()
    for ask, slate in zip(asks, before, strict=True):
        if source.propose(ask) != slate:
            raise AssertionError(
                f"{source.name} looks past ask.at: what happened later changed its answer about"
                f" person {ask.person} as of {ask.at}"
            )


def _check_columns(source: Source, slate: Slate) -> None:
    n = len(slate)
    must = {"scores": slate.scores, "sources": slate.sources, "codes": slate.codes}
    may = {"traits": slate.traits, "groups": slate.groups, **slate.costs}
    wrong = [name for name, column in must.items() if len(column) != n]
    wrong += [name for name, column in may.items() if len(column) not in {0, n}]
    if wrong:
        raise AssertionError(f"{source.name} has columns that do not fit {n} items: {wrong}")
    if len(set(slate.items)) < n:
        raise AssertionError(f"{source.name} names an item twice")
    if any(not isinstance(score, int) for score in slate.scores):
        raise AssertionError(f"{source.name} has scores off the grid: see to_grid")
    if {source.name} != {slate.source_names[k] for k in slate.sources} and n:
        raise AssertionError(f"{source.name} puts candidates forward under another name")
    if not all(slate.code_names[k] for k in slate.codes):
        raise AssertionError(f"{source.name} has no word of its own for an item")


def _check_reasons(source: Source, ask: Ask, slate: Slate) -> None:
    for item, score, code in zip(slate.items, slate.scores, slate.codes, strict=True):
        reason = source.reason(ask, item)
        if not reason.code:
            raise AssertionError(f"{source.name} gave item {item} a reason without a code")
        if len(reason.evidence) > 3:
            raise AssertionError(f"{source.name} named more than three causes for item {item}")
        if reason.code == slate.code_names[code] and not reason.evidence:
            continue
        without = to_grid([source.rescore(ask, item, reason)])[0]
        if without > score:
            raise AssertionError(
                f"{source.name} names {reason.code} as the cause of item {item}, but without it"
                f" the score rises from {score} to {without}"
            )
