"""The report in sentences: what changed, is it noise, where does it come from, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from renwei.core.clock import to_us
from renwei.core.shop import Shop
from renwei.report import contacts as reached
from renwei.report.advice import action, clock, ending, notes
from renwei.report.answers import (
    Cause,
    ContactsSeen,
    Figure,
    ReportAnswer,
    ReportRequest,
)
from renwei.report.book import read_book
from renwei.report.figures import Read, causes, day_before, figures, next_day, points, read
from renwei.report.phrases import amount_text, comparable, day_title, difference_text, joined
from renwei.report.spans import checked, zone_named
from renwei.report.window import COMPLETE, NO_DATA, covered_until, window


@dataclass(frozen=True)
class Told:
    """Figures, causes and contacts before they are put into sentences."""

    figures: dict[str, Figure]
    metric: str
    causes: list[Cause]
    best: Cause | None
    contacts: ContactsSeen | None

    @property
    def off(self) -> list[Figure]:
        """Numbers outside of what is usual, the rarest first."""
        found = [f for f in self.figures.values() if f.verdict in ("edge", "unusual")]
        return sorted(found, key=lambda f: -(f.one_in or 0))


def tell(shop: Shop, request: ReportRequest) -> ReportAnswer:
    """Make the report.

    Raises:
        UnknownName: No such period (code unknown_period).
        BadInput: The day is none, or lies ahead (codes bad_day, day_ahead).
    """
    at = checked(request.at or shop.clock.now())
    book, zone = read_book(shop.store), zone_named(shop.settings.zone)
    currency = book.main_currency(shop.settings.currency)
    placed = book.as_of(to_us(at), currency).at
    found = window(request, at, zone, placed, covered_until(shop, book, at, zone))
    about = read(shop, book, found)
    told = _told(about)
    answer = ReportAnswer(
        period=found.period,
        day=found.day.isoformat(),
        title=day_title(shop, found.day, found.period),
        state=found.state,
        since=found.start,
        until=found.until,
        at=at,
        zone=shop.settings.zone,
        currency=currency,
        headline=_headline(about, told),
        sentences=[],
        why=_why(about, told),
        action=action(about, told.off, contacted=bool(told.contacts and told.contacts.people)),
        figures=list(told.figures.values()),
        causes=told.causes,
        contacts=told.contacts,
        notes=notes(about),
        series=points(about),
        previous=day_before(found),
        next=next_day(found),
    )
    answer.sentences = _sentences(about, told, answer)
    return answer


def _told(about: Read) -> Told:
    found = {one.metric: one for one in figures(about)}
    metric = "revenue"
    if found["revenue"].verdict == "usual" and found["orders"].verdict in ("edge", "unusual"):
        metric = "orders"
    empty = about.window.state == NO_DATA or about.window.until <= about.window.start
    parts, best = ([], None) if empty else causes(about, metric)
    return Told(found, metric, parts, best, None if empty else _contacts(about))


def _headline(about: Read, told: Told) -> str:
    shop, found = about.shop, about.window
    title = day_title(shop, found.day, found.period)
    if found.state == NO_DATA:
        return shop.say("report.headline.no_data")
    if found.until <= found.start:
        return shop.say("report.headline.after_data", title=title, last=clock(about))
    orders, revenue = told.figures["orders"], told.figures["revenue"]
    key = "whole" if found.state == COMPLETE else "so_far"
    head = shop.say(
        f"report.headline.{key}",
        title=title,
        until=ending(about),
        orders=about.amount("orders", orders.value),
        revenue=about.amount("revenue", revenue.value),
    )
    return joined(shop, head, _verdict(about, told))


def _verdict(about: Read, told: Told) -> str:
    shop, found = about.shop, about.window
    what = comparable(shop, found.day, found.period)
    orders = told.figures["orders"]
    if orders.verdict == "not_enough":
        return shop.say("report.verdict.not_enough", spans=orders.spans, what=what)
    if not told.off:
        return shop.say("report.verdict.usual", what=what)
    rare = [one for one in told.off if one.verdict == "unusual"]
    if rare:
        labels = shop.say("report.and").join(one.label for one in rare)
        key = f"report.verdict.unusual_{found.period}"
        return shop.say(key, labels=labels, n=max(one.one_in or 0 for one in rare))
    return shop.say("report.verdict.edge", label=told.off[0].label, what=what)


def _sentences(about: Read, told: Told, answer: ReportAnswer) -> list[str]:
    shop = about.shop
    said = [answer.headline]
    if about.window.state == NO_DATA or about.window.until <= about.window.start:
        return [*said, answer.action.text]
    said += [one.text for one in told.off]
    value = {name: one.value for name, one in told.figures.items()}
    if value["orders"]:
        said.append(
            shop.say(
                "report.people",
                new=round(value["new"] or 0),
                returning=round(value["returning"] or 0),
                aov=about.amount("aov", value["aov"]),
                items=about.amount("items_per_order", value["items_per_order"]),
            )
        )
    if value["refunded"] or value["refunded_orders"]:
        said.append(
            shop.say(
                "report.refunds",
                amount=amount_text("money", value["refunded"], about.currency),
                n=round(value["refunded_orders"] or 0),
            )
        )
    said.append(answer.why)
    if told.contacts is not None and not _says_so(told.contacts, answer):
        said.append(told.contacts.text)
    return [*said, answer.action.text]


def _says_so(seen: ContactsSeen, answer: ReportAnswer) -> bool:
    """Whether what to do says already that nobody was contacted."""
    return answer.action.code == "nobody_yet" and seen.difference is None


def _why(about: Read, told: Told) -> str:
    shop = about.shop
    figure = told.figures[told.metric]
    if figure.verdict in ("not_enough", "untested"):
        return shop.say("report.why.unknown")
    if figure.verdict == "usual" or figure.usual is None or figure.value is None:
        return shop.say("report.why.nothing")
    change = difference_text(figure.unit, figure.value - figure.usual, about.currency)
    if told.best is None:
        return shop.say("report.why.spread", label=figure.label, change=change)
    best = told.best
    return shop.say(
        f"report.why.{'mostly' if best.share >= 0.5 else 'partly'}",
        label=figure.label,
        change=change,
        dimension=shop.say(f"report.dimension.{best.dimension}"),
        group=best.label,
        part=difference_text(best.unit, best.change, about.currency),
    )


def _contacts(about: Read) -> ContactsSeen:
    shop, found = about.shop, about.window
    made = reached.contacts(shop, about.book, found.start, found.until)
    people = list({one.person: (one.person, one.at) for one in made}.values())
    span = reached.window_of(shop)
    ordered = reached.ordered_since(about.ledger, people, to_us(found.at), span)
    effect = reached.effect(shop, about.book, about.ledger, found.at)
    difference = effect.difference
    text = shop.say(
        f"report.contacts.{'some' if people else 'none'}", n=len(people), ordered=ordered
    )
    if difference is not None:
        _, low, high = difference
        sure = "clear" if low > 0 or high < 0 else "unclear"
        middle, low_text, high_text = (f"{100 * end:+.0f}" for end in difference)
        told = shop.say(
            f"report.contacts.{sure}",
            a=effect.ordered,
            b=effect.contacted,
            c=effect.held_ordered,
            d=effect.held_out,
            days=span.days,
            middle=middle,
            low=low_text,
            high=high_text,
        )
        text = joined(shop, text, told)
    rounded = [round(end, 4) for end in difference] if difference else [None] * 3
    return ContactsSeen(
        people=len(people),
        ordered=ordered,
        ended_contacted=effect.contacted,
        ended_ordered=effect.ordered,
        held_out=effect.held_out,
        held_ordered=effect.held_ordered,
        difference=rounded[0],
        low=rounded[1],
        high=rounded[2],
        text=text,
        rows=about.ref("contacted"),
    )
