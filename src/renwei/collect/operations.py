"""What this rib can do: import, the list of imports, replay, undo, health."""

from __future__ import annotations

from renwei.collect import health as report
from renwei.collect import history, importing, imports, replaying
from renwei.collect.answers import (
    HealthAnswer,
    HealthRequest,
    ImportAnswer,
    ImportRequest,
    ImportsAnswer,
    ImportsRequest,
    ReplayAnswer,
    ReplayRequest,
    ShowAnswer,
    ShowRequest,
    UndoAnswer,
    UndoRequest,
)
from renwei.core.operations import operation
from renwei.core.shop import Shop


@operation("import", ImportRequest, writes=True, child=True)
def bring(shop: Shop, request: ImportRequest) -> ImportAnswer:
    """Bring order files in."""
    return importing.bring(shop, request)


@operation("imports list", ImportsRequest, http="GET /v1/imports")
def list_imports(shop: Shop, request: ImportsRequest) -> ImportsAnswer:
    """Every import, newest first."""
    return history.list_all(shop)


@operation("imports show", ShowRequest, http="GET /v1/imports/{import_id}")
def show_import(shop: Shop, request: ShowRequest) -> ShowAnswer:
    """One import: totals, files, refused rows, warnings."""
    return history.show(shop, request.import_id)


@operation(
    "imports replay",
    ReplayRequest,
    writes=True,
    child=True,
    http="POST /v1/imports/{import_id}/replay",
)
def replay(shop: Shop, request: ReplayRequest) -> ReplayAnswer:
    """Try refused rows again."""
    return replaying.replay(shop, request)


@operation(
    "undo",
    UndoRequest,
    writes=True,
    destroys=True,
    child=True,
    http="POST /v1/imports/{import_id}/undo",
)
def undo(shop: Shop, request: UndoRequest) -> UndoAnswer:
    """Take an import back."""
    return imports.undo(shop, request.import_id)


@operation("health", HealthRequest, http="GET /v1/health")
def health(shop: Shop, request: HealthRequest) -> HealthAnswer:
    """What hurts most in the data, and the fix."""
    return report.examine(shop)
