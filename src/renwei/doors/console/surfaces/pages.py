"""Surfaces, then pages made of them: looked at with two people's eyes, changed, undone.

The more special addresses come first.
"""

from __future__ import annotations

from renwei.doors.console.surfaces.layout import add_layout, keep, layout, layouts, undo_layout
from renwei.doors.console.surfaces.place import change, place, undo
from renwei.doors.console.surfaces.places import add, places

__all__ = [
    "add", "add_layout", "change", "keep", "layout", "layouts", "place", "places", "undo", "undo_layout",
]  # fmt: skip
