"""The files that pages need: style, behaviour, and what the build copied from npm.

htmx and ECharts come from the npm registry when the wheel is built (`make assets`) and are
not committed. Without them every page still works: forms are plain forms, and each chart has
its table.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = Path(str(files("renwei.doors.console"))) / "files"


def mounted() -> Mount:
    """The route of the files."""
    return Mount("/files", StaticFiles(directory=FOLDER))


@functools.cache
def file(name: str) -> str:
    """The address of a file; it changes when the file does. "" when it is not there."""
    path = FOLDER / name
    if not path.is_file():
        return ""
    mark = hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest()
    return f"/files/{name}?{mark}"
