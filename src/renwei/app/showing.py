"""The demo: the main job on a generated shop, in its own directory, labelled everywhere."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec

from renwei.core.errors import Refused
from renwei.core.operations import PRIVATE, operation
from renwei.core.shop import Shop

DEMO = "demo"


class DemoRequest(msgspec.Struct):
    """How long today's list may be."""

    limit: int = 12


class DemoAnswer(msgspec.Struct):
    """What the generated shop shows: the import as a whole, what hurts, today's list."""

    label: str
    directory: str
    imported: Annotated[Any, PRIVATE]
    problems: Annotated[list[Any], PRIVATE]
    today: Annotated[Any, PRIVATE]
    next: list[str]


@operation("demo", DemoRequest, writes=True)
def demo(shop: Shop, request: DemoRequest) -> DemoAnswer:
    """Make the demo shop once, then answer what a shop owner would ask of it today.

    Raises:
        Refused: The directory already holds somebody's own data (code not_the_demo).
    """
    from renwei.app import build

    store, at = shop.store, shop.clock.now()
    marked = store.papers.get("label", DEMO)
    if marked is None:
        if store.log.position() or store.papers.names("import"):
            raise Refused("not_the_demo", path=str(store.directory))
        imported = _generate(shop)
        # Papers are no vault: what the rows and examples hold is asked of the import itself.
        body = {"import": msgspec.to_builtins(imported) | {"rejected": [], "warnings": []}}
        store.papers.put("label", DEMO, body, by="demo", at=at)
    else:
        imported = {**marked.body["import"], **_kept(shop, marked.body["import"]["import_id"])}
    settings = build.settings_of(store)
    again = build.renewed(shop, settings)
    ask: dict[str, Any] = {"at": at, "limit": request.limit}
    today, health = build.operations()["today"], build.operations()["health"]
    problems = health.call(again, health.request()).problems
    return DemoAnswer(
        label=shop.say("demo.label"),
        directory=str(store.directory),
        imported=imported,
        problems=problems[:3],
        today=today.call(again, today.request(**ask)),
        next=[shop.say(f"demo.next_{k}", directory=str(store.directory)) for k in range(1, 5)],
    )


def _kept(shop: Shop, import_id: str) -> dict[str, Any]:
    from renwei.app import build

    show = build.operations()["imports show"]
    shown = msgspec.to_builtins(show.call(shop, show.request(import_id=import_id)))
    keys = ("row", "column", "code", "value", "file")
    rejected = [{key: line[key] for key in keys} for line in shown["refused"]]
    return {"rejected": rejected, "warnings": shown["warnings"]}


def _generate(shop: Shop) -> Any:
    from renwei.app import build
    from renwei.app.demo import write_demo
    from renwei.app.jobs import run_child

    with tempfile.TemporaryDirectory() as folder:
        shop.progress("generating", 0, 0)
        files = write_demo(Path(folder), until=shop.clock.now())
        bring = build.operations()["import"]
        request: Any = bring.request(files=[str(path) for path in files])
        return run_child(bring, shop, request)
