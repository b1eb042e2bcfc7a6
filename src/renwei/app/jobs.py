"""Heavy work in a child process: import and learning must never hold up a server.

The child is spawned fresh (no forked locks or threads), runs at low priority with one
thread a library, and opens the workspace under its parent's lock. It reads one JSON object
on stdin and writes JSON lines on stdout: progress, then one answer or one error. When its
parent dies, its stdin closes and it stops at once; what it had committed stands, the rest
never happened.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from renwei.core import errors
from renwei.core.operations import Operation
from renwei.core.shop import Progress, Shop

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")


class Task(msgspec.Struct):
    """What the child is told."""

    operation: str
    directory: str
    language: str
    request: bytes


class Said(msgspec.Struct):
    """One line from the child; exactly one of the fields is meant."""

    progress: tuple[str, int, int] | None = None
    answer: bytes | None = None
    error: tuple[str, str, bytes] | None = None


def run_child(
    operation: Operation,
    shop: Shop,
    request: Any,
    *,
    begun: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Any:
    """Run an operation in a child process and return its answer.

    `begun` is told of the process, so that somebody else can end it.

    Raises:
        RenweiError: What the child raised, or Unavailable("child_died").
    """
    task = Task(
        operation.name,
        str(shop.store.directory),
        shop.language,
        msgspec.json.encode(request, enc_hook=plain),
    )
    # -P: a module that happens to lie in the working folder must not be taken for ours.
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "renwei.app.jobs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_env(shop.store.directory),
    )
    try:
        if begun is not None:
            begun(child)
        answer = _listen(child, task, shop.progress)
    except BaseException:
        child.kill()
        raise
    finally:
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
    return msgspec.json.decode(answer, type=answer_type(operation))


def child_env(directory: Path) -> dict[str, str]:
    """The environment of a child that works in a directory under its parent's lock."""
    from renwei.stores.lock import child_environment

    return os.environ | dict.fromkeys(_ONE_THREAD, "1") | child_environment(directory)


def _listen(child: subprocess.Popen[bytes], task: Task, progress: Progress) -> bytes:
    if child.stdin is None or child.stdout is None:
        raise errors.Unavailable("child_died", status=-1)
    # stdin stays open: its end tells the child that nobody waits any more.
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(msgspec.json.encode(task) + b"\n")
        child.stdin.flush()
    for line in child.stdout:
        said = msgspec.json.decode(line, type=Said)
        if said.progress:
            progress(*said.progress)
        elif said.error:
            raised(said.error)
        elif said.answer is not None:
            return base64.b64decode(said.answer)
    raise errors.Unavailable("child_died", status=child.wait())


def raised(error: tuple[str, str, bytes]) -> NoReturn:
    """Raise here what another process raised there."""
    kind, code, values = error
    found = getattr(errors, kind, errors.RenweiError)
    raise found(code, **msgspec.json.decode(values))


def answer_type(operation: Operation) -> Any:
    """The struct an operation returns, read from its annotation."""
    from typing import get_type_hints

    return get_type_hints(operation.call)["return"]


def plain(value: Any) -> Any:
    """Encode what msgspec does not know: paths as texts, anything else as Python shows it."""
    if isinstance(value, Path):
        return str(value)
    return repr(value)


def paths_back(kind: type, value: Any) -> Any:
    """Decode what msgspec does not know: paths."""
    return kind(value)


def main() -> None:
    """The child's life: read the task, do it, say what came of it."""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(15)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a library prints must not be taken for an answer
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def say(said: Said) -> None:
        out.write(msgspec.json.encode(said) + b"\n")
        out.flush()

    try:
        answer = _work(task, lambda what, done, of: say(Said(progress=(what, done, of))))
        say(Said(answer=base64.b64encode(msgspec.json.encode(answer, enc_hook=plain))))
    except errors.RenweiError as error:
        values = msgspec.json.encode(error.values, enc_hook=plain)
        say(Said(error=(type(error).__name__, error.code, values)))
        sys.exit(1)
    except Exception as broken:  # noqa: BLE001 - a worker's door: its parent must hear of it
        # The parent tells the person; the trace is for whoever asked for it.
        if os.environ.get("RENWEI_DEBUG"):
            traceback.print_exc()
        ours = [f for f in traceback.extract_tb(broken.__traceback__) if "renwei" in f.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
        values = msgspec.json.encode({"kind": type(broken).__name__, "where": where})
        say(Said(error=("Unavailable", "child_failed", values)))
        sys.exit(1)


def _work(task: Task, progress: Progress) -> Any:
    from renwei.app import build

    operation = build.operations()[task.operation]
    request: Any = msgspec.json.decode(task.request, type=operation.request, dec_hook=paths_back)
    with build.open_shop(
        Path(task.directory), language=task.language, progress=progress, child=True
    ) as shop:
        return operation.call(shop, request)


def _die_with_parent() -> None:
    # Unbuffered: a thread that waits inside a buffered reader would spoil a clean exit.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
