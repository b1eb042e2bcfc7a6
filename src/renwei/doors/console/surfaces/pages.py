"""Surfaces, then pages made of them: looked at with two people's eyes, changed, undone.

The more special addresses come first.
"""

from __future__ import annotations

from renwei.doors.console.surfaces.card import learn, model
from renwei.doors.console.surfaces.layout import add_layout, keep, layout, layouts, undo_layout
from renwei.doors.console.surfaces.lifted import lift
from renwei.doors.console.surfaces.place import change, place, undo
from renwei.doors.console.surfaces.places import add, places
from renwei.doors.console.surfaces.variety import slide, variety

__all__ = [
    "add", "add_layout", "change", "keep", "layout", "layouts", "learn", "lift", "model", "place",
    "places", "slide", "undo", "undo_layout", "variety",
]  # fmt: skip
