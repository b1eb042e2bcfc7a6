"""What this rib can do: import, the list of imports, undo, health."""

from __future__ import annotations

from renwei.collect import importing, imports
from renwei.collect.answers import (
    ImportAnswer,
    ImportRequest,
    UndoAnswer,
    UndoRequest,
)
from renwei.core.operations import operation
from renwei.core.shop import Shop


@operation("import", ImportRequest, writes=True, child=True)
def bring(shop: Shop, request: ImportRequest) -> ImportAnswer:
    """Bring order files in."""
    return importing.bring(shop, request)


@operation("undo", UndoRequest, writes=True, destroys=True, child=True)
def undo(shop: Shop, request: UndoRequest) -> UndoAnswer:
    """Take an import back."""
    return imports.undo(shop, request.import_id)
