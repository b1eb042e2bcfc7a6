"""Operations of the workspace itself: settings, autonomy, and the diary."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from renwei.app.diary import Diary, day_of
from renwei.app.settings import KIND, NAME, SETTINGS, checked, load_settings
from renwei.core.errors import UnknownName
from renwei.core.nouns import Autonomy
from renwei.core.operations import operation
from renwei.core.shop import Shop

SURFACES = ("today",)
AUTONOMY = "autonomy"
_Argument = Annotated[str, msgspec.Meta(extra={"argument": True})]


class SettingsRequest(msgspec.Struct, kw_only=True):
    """All settings, one, or a new value of one."""

    key: _Argument = ""
    value: _Argument = ""


class Setting(msgspec.Struct, kw_only=True):
    """One setting: what it is, and since when."""

    key: str
    value: Any
    text: str
    since: datetime | None


class SettingsAnswer(msgspec.Struct, kw_only=True):
    """Settings in force, and every version of the document, newest first."""

    settings: list[Setting]
    history: list[dict[str, Any]]


class AutonomyRequest(msgspec.Struct, kw_only=True):
    """How far the program may go by itself."""

    surface: _Argument = ""
    level: _Argument = ""


class Dial(msgspec.Struct, kw_only=True):
    """The level of one surface and what it means."""

    surface: str
    level: str
    text: str
    since: datetime | None


class AutonomyAnswer(msgspec.Struct, kw_only=True):
    """Every dial."""

    dials: list[Dial]


class DiaryRequest(msgspec.Struct, kw_only=True):
    """Which day (default: today)."""

    at: datetime | None = None


@operation("settings", SettingsRequest, writes=True, scope="admin")
def settings(shop: Shop, request: SettingsRequest) -> SettingsAnswer:
    """Show settings, or change one; earlier values are kept."""
    papers = shop.store.papers
    if request.key and request.key not in SETTINGS:
        raise UnknownName.among("setting", request.key, SETTINGS)
    if request.key and request.value:
        value = checked(request.key, request.value)
        held = papers.get(KIND, NAME)
        body = dict(held.body) if held else {}
        if body.get(request.key) != value:
            body[request.key] = value
            papers.put(KIND, NAME, body, by="settings", at=shop.clock.now())
    return _shown(shop, request.key)


def _shown(shop: Shop, key: str) -> SettingsAnswer:
    history = shop.store.papers.history(KIND, NAME)
    in_force = asdict(load_settings(shop.store))
    names = [key] if key else list(SETTINGS)

    def since(name: str) -> datetime | None:
        first = None
        for paper in history:
            if paper.body.get(name) != in_force[name]:
                break
            first = paper.at
        return first

    return SettingsAnswer(
        settings=[
            Setting(key=n, value=in_force[n], text=shop.say(SETTINGS[n]), since=since(n))
            for n in names
        ],
        history=[{"version": p.version, "at": p.at, "by": p.by, **p.body} for p in history],
    )


@operation("autonomy", AutonomyRequest, writes=True, scope="admin")
def autonomy(shop: Shop, request: AutonomyRequest) -> AutonomyAnswer:
    """Show or turn the dial: off, suggest, prepare (a person presses send), act."""
    papers = shop.store.papers
    if request.surface and request.surface not in SURFACES:
        raise UnknownName.among("surface", request.surface, SURFACES)
    levels = [level.value for level in Autonomy]
    if request.level and request.level not in levels:
        raise UnknownName.among("level", request.level, levels)
    if request.level:
        body = {"level": request.level}
        papers.put(AUTONOMY, request.surface, body, by="autonomy", at=shop.clock.now())
    names = [request.surface] if request.surface else list(SURFACES)
    return AutonomyAnswer(dials=[_dial(shop, name) for name in names])


def _dial(shop: Shop, surface: str) -> Dial:
    paper = shop.store.papers.get(AUTONOMY, surface)
    level = str(paper.body["level"]) if paper else Autonomy.PREPARE.value
    text = shop.say(f"autonomy.{level}")
    return Dial(surface=surface, level=level, text=text, since=paper.at if paper else None)


@operation("diary", DiaryRequest, http="GET /v1/diary")
def diary(shop: Shop, request: DiaryRequest) -> Diary:
    """What was done for you on a day, and what was not dared."""
    return day_of(shop, (request.at or shop.clock.now()).astimezone(UTC))
