"""Named queries: each statement lives in sql/*.sql under a name and a one-line purpose.

-- add_actor: Make an actor for an identifier.
INSERT INTO ...;
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_HEAD = re.compile(r"^-- ([a-z_]+): (.+)$", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    r"""The statements of a file, by name.

    Example:
        >>> parse("-- one: Say one.\nSELECT 1;\n")
        {'one': 'SELECT 1'}
    """
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {
        head.group(1): text[head.end() : end].strip().rstrip(";")
        for head, end in zip(heads, ends, strict=True)
    }


@cache
def queries(name: str) -> dict[str, str]:
    """The statements of sql/`name`.sql, read once."""
    return parse((files("renwei.stores") / "sql" / f"{name}.sql").read_text("utf-8"))
