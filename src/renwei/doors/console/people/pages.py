"""Customers: the list and audiences, one person, and what hands do to a person's page.

The more special addresses come first.
"""

from __future__ import annotations

from renwei.doors.console.people.crowd import attributes, audiences, drop, people, save
from renwei.doors.console.people.hands import (
    as_json,
    as_text,
    ask,
    correct,
    forget,
    give,
    merge,
    unmerge,
    withdraw,
)
from renwei.doors.console.people.person import following, person, timeline

__all__ = [
    "as_json", "as_text", "ask", "attributes", "audiences", "correct", "drop", "following", "forget", "give", "merge",
    "people", "person", "save", "timeline", "unmerge", "withdraw",
]  # fmt: skip
