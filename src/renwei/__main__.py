"""`python -m renwei`: the command line."""

from __future__ import annotations

from renwei.doors.cli.main import main

if __name__ == "__main__":
    main()
