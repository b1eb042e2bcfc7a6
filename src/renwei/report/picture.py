"""The report as a picture (SVG) for the group chat: verdict, numbers, days. Names nobody."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from unicodedata import east_asian_width

from renwei.core.clock import to_us
from renwei.core.shop import Shop
from renwei.report.answers import Figure, Point, ReportAnswer
from renwei.report.phrases import amount_text
from renwei.report.spans import local_text, zone_named

WIDTH, PAD = 720, 36
_INNER = WIDTH - 2 * PAD
_FONT = "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',system-ui,sans-serif"
_COLOURS = {"unusual": "#b3261e", "edge": "#8a5a00", "usual": "#1b6e3c"}
_CARDS = ("orders", "revenue", "aov", "items_per_order", "new", "returning")
_BARS = 150
_CLOSING = "，。；：！？、）”"
GREY = "#5c5c5c"


def picture(shop: Shop, answer: ReportAnswer) -> str:
    """Draw the report, 720 units wide and as high as it takes.

    The picture is self-contained: no script, no link, fonts by family only.
    """
    y = 62.0
    parts = [_text(PAD, y, answer.title, size=26, weight=700)]
    if shop.settings.name:
        parts.append(_text(WIDTH - PAD, y, shop.settings.name, size=16, colour=GREY, end=True))
    for line in _wrapped(answer.headline, 19):
        y += 30
        parts.append(_text(PAD, y, line, size=19))
    y += 22
    figures = {one.metric: one for one in answer.figures}
    for k, name in enumerate(_CARDS):
        parts += _card(figures[name], answer, PAD + (k % 3) * 220, y + (k // 3) * 96)
    y += 2 * 96 + 18
    parts += _bars(shop, answer, y)
    y += _BARS + 76
    for text in (answer.why, answer.action.text, *(note.text for note in answer.notes)):
        for line in _wrapped(text, 16):
            parts.append(_text(PAD, y, line, size=16))
            y += 24
        y += 8
    zone = zone_named(answer.zone)
    label = shop.say(
        "report.picture", made=local_text(to_us(answer.at), zone)[:16].replace("T", " ")
    )
    parts.append(_text(PAD, y + 10, label, size=12, colour=GREY))
    height = round(y + 36)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" font-family="{_FONT}">'
        f"<title>{escape(answer.headline)}</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
    )


def _card(figure: Figure, answer: ReportAnswer, x: float, y: float) -> Iterator[str]:
    value = amount_text(figure.unit, figure.value, answer.currency)
    yield f'<rect x="{x}" y="{y}" width="208" height="84" rx="10" fill="#f4f2ee"/>'
    yield _text(x + 14, y + 26, figure.label, size=14, colour=GREY)
    colour = _COLOURS.get(figure.verdict, "#222222")
    yield _text(x + 14, y + 62, value, size=26, weight=700, colour=colour)


def _bars(shop: Shop, answer: ReportAnswer, y: float) -> Iterator[str]:
    points = answer.series
    most = max([one.orders for one in points] + [one.orders_high or 0 for one in points] + [1])
    step = _INNER / max(len(points), 1)
    yield _text(PAD, y + 14, shop.say("report.chart"), size=14, colour=GREY)
    floor = y + _BARS + 20
    for k, one in enumerate(points):
        yield from _bar(one, PAD + k * step, (step, floor, (_BARS - 14) / most))
    if points:
        yield _text(PAD, floor + 18, points[0].day, size=12, colour=GREY)
        yield _text(WIDTH - PAD, floor + 18, points[-1].day, size=12, colour=GREY, end=True)


def _bar(one: Point, x: float, scale: tuple[float, float, float]) -> Iterator[str]:
    step, floor, unit = scale
    if one.orders_low is not None and one.orders_high is not None:
        top, height = floor - one.orders_high * unit, (one.orders_high - one.orders_low) * unit
        yield _box(x + step * 0.08, top, step * 0.84, height, "#dfe8e2")
    colour = "#9db8a6" if not one.complete else "#2d6a4f"
    yield _box(x + step * 0.3, floor - one.orders * unit, step * 0.4, one.orders * unit, colour)


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}" '
        f'fill="{colour}"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int,
    weight: int = 400,
    end: bool = False,
    colour: str = "#222222",
) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}"{anchor}>{escape(text)}</text>'
    )


def _wrapped(text: str, size: int) -> Iterator[str]:
    """Lines no wider than the picture; Chinese breaks anywhere, English at spaces."""
    room, line, width = _INNER / size, "", 0.0
    for word in _words(text):
        long = sum(1.0 if east_asian_width(c) in "WF" else 0.52 for c in word)
        if line and width + long > room:
            yield line.rstrip()
            line, width = "", 0.0
        line, width = line + word, width + long
    if line.strip():
        yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    held = ""
    for sign in text:
        if sign in _CLOSING:
            held += sign
            yield held
            held = ""
        elif east_asian_width(sign) in "WF":
            yield from filter(None, (held,))
            # Kept until the next sign is seen: a comma stays with what it follows.
            held = sign
        else:
            held += sign
            if sign == " ":
                yield held
                held = ""
    yield from filter(None, (held,))
