"""Every fault a user can meet, drawn as one tree.

    RenweiError
    ├── BadInput            the request or the file is wrong; nothing was changed
    │   ├── NotATable       a file is not what it claims to be
    │   ├── UnknownName     no such person, surface, decision, setting ... (with suggestions)
    │   └── Ambiguous       a name fits several; all are listed, nothing is done
    ├── Refused             understood, and not allowed (consent, autonomy, no confirmation)
    └── Unavailable         the machine cannot do it now (disk full, read-only, locked)

The English sentence is the message; the Chinese one is looked up by `code` at the door.
Doors map codes to exit codes and HTTP statuses; nothing here knows a door.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class RenweiError(Exception):
    """A fault with a stable code and the values its sentence needs.

    Args:
        code: Stable, lower case with underscores; the key `errors.<code>` in words.*.toml.
        values: What the sentence names: field, row, path, suggestion. JSON-able.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(f"{code} {values}" if values else code)
        self.code = code
        self.values = values


class BadInput(RenweiError):
    """What was given is wrong; nothing was changed."""


class NotATable(BadInput):
    """A file cannot be read as a table: empty, encrypted, not the format it claims to be."""


class UnknownName(BadInput):
    """Nothing goes by that name.

    Example:
        >>> UnknownName.among("surface", "todey", ["today", "home"]).values["suggestion"]
        'today'
    """

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """Build the error with the nearest known name as a suggestion."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1)
        return cls(
            f"unknown_{kind}",
            name=name,
            suggestion=near[0] if near else "",
            known=", ".join(names[:12]),
        )


class Ambiguous(BadInput):
    """A name fits several; they are listed and nothing is done."""


class Refused(RenweiError):
    """Understood, and not allowed."""


class Unavailable(RenweiError):
    """The machine cannot do it now; nothing acknowledged was lost."""
