"""What a reader must know beside the numbers, and the one thing to do next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from renwei.core.clock import to_us
from renwei.report.answers import Action, Figure, Note
from renwei.report.figures import Read
from renwei.report.noise import LOOKS
from renwei.report.phrases import amount_text
from renwei.report.rows import LATE, RETURNS, SINCE, behind
from renwei.report.spans import DAY, STEP
from renwei.report.window import DATA_ENDS, NO_DATA, PARTIAL

_LATELY = timedelta(days=14)
_FEW = 0.005


def notes(about: Read) -> list[Note]:
    """What a reader must know: where it stops, what is missing, what came late."""
    shop, found = about.shop, about.window
    notes = []
    if found.state == PARTIAL:
        text = shop.say("report.note.partial", until=ending(about))
        notes.append(Note(code="partial", text=text))
    if found.state == DATA_ENDS:
        text = shop.say("report.note.data_ends", last=clock(about), brought=_brought(about))
        notes.append(Note(code="data_ends", text=text))
    if found.stale:
        text = shop.say("report.note.last_whole", last=clock(about), brought=_brought(about))
        notes.append(Note(code="last_whole", text=text))
    left = _left_out(about)
    if left:
        text = shop.say("report.note.missing_days", n=len(left), days=_listed(left))
        notes.append(Note(code="missing_days", text=text))
    notes += _late(about)
    back = _rate_of_refunds(about)
    if back and found.state != NO_DATA and found.at - found.end < timedelta(days=30):
        notes.append(
            Note(code="refunds_to_come", text=shop.say("report.note.refunds_to_come", share=back))
        )
    return notes


def _left_out(about: Read) -> list[date]:
    last, step = len(about.spans) - 1, STEP[about.window.period]
    looked = [last, *(last - step * k for k in range(1, LOOKS + 1))]
    gone = sorted(k for k in looked if k >= 0 and not about.valid[k])
    return [about.spans.days[k] for k in gone]


def _late(about: Read) -> list[Note]:
    """Refunds of earlier orders that became known in this span, and credit notes."""
    found, notes = about.window, []
    span = to_us(found.start), to_us(found.until)
    for metric in (LATE, SINCE, RETURNS):
        rows = behind(
            about.book, about.ledger, metric, span, at_us=to_us(found.at), currency=about.currency
        )
        if len(rows.at):
            amount = amount_text("money", int(rows.amount.sum()), about.currency)
            text = about.shop.say(f"report.note.{metric}", n=len(rows.at), amount=amount)
            notes.append(Note(code=metric, text=text, rows=about.ref(metric)))
    return notes


def _rate_of_refunds(about: Read) -> float:
    """The share of the orders of the eight weeks before that were paid back, in part or whole."""
    end = to_us(about.window.start)
    since = end - 56 * 86_400_000_000
    mask = about.ledger.within(since, end)
    part = int((about.ledger.counted.refunded[mask] > 0).sum())
    whole = len(about.ledger.uncounted(since, end, refunded=True))
    n = int(mask.sum()) + whole
    return (part + whole) / n if n else 0.0


def action(about: Read, off: list[Figure], *, contacted: bool) -> Action:
    """The one thing to do, tied to the operation that does it."""
    found = about.window
    if found.state == NO_DATA:
        return _do(about, "first_import", "import")
    if found.state == DATA_ENDS or found.stale:
        return _do(about, "import", "import", last=clock(about))
    return _mend(about) or _serve(about, off, contacted=contacted)


def _mend(about: Read) -> Action | None:
    """What the numbers lack, if they lack something."""
    recent = [day for day in _left_out(about) if about.window.day - day <= _LATELY]
    if recent:
        return _do(about, "missing_days", "import", days=_listed(recent))
    waiting = _refused(about)
    if waiting:
        name, n = waiting
        made = _do(about, "refused", "imports show", n=n)
        made.fields = {"import_id": name}
        return made
    return None


def _serve(about: Read, off: list[Figure], *, contacted: bool) -> Action:
    low = [one for one in off if one.usual is not None and (one.value or 0) < one.usual]
    if any(one.metric in ("returning", "orders", "revenue") for one in low):
        return _do(about, "fewer", "today")
    if any(one.metric == "new" for one in off if one not in low):
        return _do(about, "more_new", "today")
    past = about.window.end + about.window.length <= about.window.at
    return _do(about, "carry_on" if contacted or past else "nobody_yet", "today")


def _do(about: Read, code: str, operation: str, **values: Any) -> Action:
    text = about.shop.say(f"report.action.{code}", **values)
    return Action(code=code, text=text, operation=operation)


def _listed(days: list[date]) -> str:
    return ", ".join(day.isoformat() for day in days)


def _refused(about: Read) -> tuple[str, int] | None:
    """The newest import of the last fortnight, if it refused so many rows that it shows."""
    papers = about.shop.store.papers
    for name in sorted(papers.names("import"), reverse=True):
        paper = papers.get("import", name)
        if paper is None or about.window.at - paper.at > _LATELY or paper.at > about.window.at:
            continue
        if paper.body.get("state") != "done":
            continue
        refused = int(paper.body.get("refused") or 0)
        orders = int(paper.body.get("totals", {}).get("orders") or 0)
        return (name, refused) if refused > _FEW * orders else None
    return None


def _brought(about: Read) -> str:
    papers = about.shop.store.papers
    times = [
        datetime.fromisoformat(str(paper.body["began"]))
        for name in papers.names("import")
        if (paper := papers.get("import", name)) and paper.body.get("state") == "done"
    ]
    before = [at for at in times if at <= about.window.at]
    return moment(about, max(before)) if before else "–"


def clock(about: Read) -> str:
    """When the data ends."""
    last = about.window.data_until
    return moment(about, last) if last else "–"


def ending(about: Read) -> str:
    """Where the counting stops: of a day its hour is enough."""
    text = moment(about, about.window.until)
    return text[11:] if about.window.period == DAY else text


def moment(about: Read, at: datetime) -> str:
    """A time on the shop's clock."""
    return at.astimezone(about.window.zone).strftime("%Y-%m-%d %H:%M")
