"""Imports files into a workspace and says when each step of storing begins."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.collect.rooms import Room


def main(folder: str, *files: str) -> None:
    room = Room(Path(folder))

    def say(what: str, done: int, of: int) -> None:
        if what == "storing":
            print(done, of, flush=True)

    room.refresh()
    print("ready", flush=True)
    from renwei.collect.answers import ImportRequest
    from renwei.collect.operations import bring

    room.shop.progress = say
    answer = bring(room.shop, ImportRequest(files=[Path(file) for file in files]))
    print("done", answer.import_id, answer.added, flush=True)
    room.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
