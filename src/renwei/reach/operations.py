"""What reach can do: today's list, marks on its lines, and why a line came about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from renwei.core.finding import person as find_person
from renwei.core.operations import operation
from renwei.core.shop import Shop
from renwei.reach.answers import (
    DoneRequest,
    HoldOutShown,
    Learned,
    MarkAnswer,
    Person,
    SkipRequest,
    SnoozeRequest,
    TodayAnswer,
    TodayRequest,
    WhyAnswer,
    WhyRequest,
)

LINES = 25
"""How long a list is when nobody says: what one person can do in a morning."""

LINES_BY_MINUTES = 1_000
"""With minutes given and no limit, the minutes alone are the limit."""


@operation("today", TodayRequest, writes=True, http="GET /v1/today", scope="read")
def today(shop: Shop, request: TodayRequest) -> TodayAnswer:
    """Whom to contact today, with what, when and why; every line is a recorded decision.

    Raises:
        UnknownName: `why_not` names nobody (code unknown_person).
        Unavailable: The Excel file cannot be written (code sheet_unwritable).
    """
    from renwei.reach.lines import lines
    from renwei.reach.listing import draw_up
    from renwei.reach.plan import Limits
    from renwei.reach.sheet import check_place
    from renwei.reach.why_not import why_not

    if request.out is not None:
        check_place(request.out)
    missed = find_person(shop, request.why_not) if request.why_not else None
    at = (request.at or shop.clock.now()).astimezone(UTC)
    minutes = request.minutes or shop.settings.minutes
    default = LINES_BY_MINUTES if minutes else LINES
    drawn = draw_up(shop, at, Limits(default if request.limit is None else request.limit, minutes))
    decisions = [drawn.decisions.row(row) for row in drawn.rows]
    people = lines(shop, drawn.basis, decisions, at)
    answer = TodayAnswer(
        at=at,
        zone=shop.settings.zone,
        currency=drawn.currency,
        holdout=HoldOutShown(share=shop.settings.holdout, people=drawn.held_out),
        people=people,
        window_days=round(drawn.basis.window_days),
        minutes=sum(line.minutes for line in people),
        left_out=drawn.counts,
        learned=[_learned(shop, one) for one in drawn.learnt],
        note="" if people else _note(shop, drawn.counts["people"]),
        why_not=why_not(shop, drawn, missed) if missed is not None else None,
    )
    if request.out is not None:
        answer.out = str(_export(shop, request.out, people, at))
    return answer


def _note(shop: Shop, people: int) -> str:
    return shop.say("today.nobody" if people else "today.no_orders")


def _learned(shop: Shop, one: object) -> Learned:
    from renwei.reach.outcomes_learnt import Learnt

    assert isinstance(one, Learnt)  # noqa: S101 - narrows the type for the reader of this file
    key = "sure" if one.sure else "unsure"
    values = {"kind": shop.say(f"today.kind_{one.kind}"), "n": one.contacted, "m": one.held_out}
    return Learned(
        kind=one.kind,
        contacted=one.contacted,
        held_out=one.held_out,
        effect=round(one.effect, 4),
        low=round(one.low, 4),
        high=round(one.high, 4),
        sure=one.sure,
        text=shop.say(f"today.learned_{key}", **values),
    )


def _export(shop: Shop, path: Path, people: list[Person], at: datetime) -> Path:
    from renwei.core.words import EXPONENTS
    from renwei.reach.sheet import write_sheet

    columns = "name what when channel consent reasons draft expected low high person decision_id"
    header = [(name, shop.say(f"today.column_{name}")) for name in columns.split()]
    scale = 10 ** EXPONENTS.get(shop.settings.currency, 2)
    rows = [
        [
            line.name,
            line.what,
            line.when[:16].replace("T", " "),
            line.channel,
            line.consent,
            "\n".join(reason.text for reason in line.reasons),
            line.draft,
            line.expected_value_minor.value / scale,
            line.expected_value_minor.low / scale,
            line.expected_value_minor.high / scale,
            line.person,
            line.decision_id,
        ]
        for line in people
    ]
    write_sheet(path, shop.say("today.sheet", day=at), header, rows)
    return path


@operation("done", DoneRequest, writes=True, http="POST /v1/decisions/{decision}/done")
def done(shop: Shop, request: DoneRequest) -> MarkAnswer:
    """Mark a line of a list as done; what was really sent is kept with the person.

    Raises:
        UnknownName: There is no such line (code unknown_decision).
    """
    from renwei.reach.history import DONE
    from renwei.reach.marks import mark

    return mark(shop, request.decision, DONE, undo=request.undo, wrote=request.text)


@operation("skip", SkipRequest, writes=True, http="POST /v1/decisions/{decision}/skip")
def skip(shop: Shop, request: SkipRequest) -> MarkAnswer:
    """Mark a line of a list as not wanted; the person is left alone for a month.

    Raises:
        UnknownName: There is no such line (code unknown_decision).
    """
    from renwei.reach.history import SKIP
    from renwei.reach.marks import mark

    return mark(shop, request.decision, SKIP, undo=request.undo)


@operation("snooze", SnoozeRequest, writes=True, http="POST /v1/decisions/{decision}/snooze")
def snooze(shop: Shop, request: SnoozeRequest) -> MarkAnswer:
    """Put a line off by some days.

    Raises:
        UnknownName: There is no such line (code unknown_decision).
    """
    from renwei.reach.history import SNOOZE
    from renwei.reach.marks import mark

    return mark(shop, request.decision, SNOOZE, days=request.days, undo=request.undo)


@operation("why", WhyRequest, http="GET /v1/decisions/{decision}")
def why(shop: Shop, request: WhyRequest) -> WhyAnswer:
    """How a decision came about: what was known, what was on offer, what was removed, the draw.

    Raises:
        UnknownName: There is no such decision (code unknown_decision).
    """
    from renwei.reach.why import explain

    return explain(shop, request.decision)
