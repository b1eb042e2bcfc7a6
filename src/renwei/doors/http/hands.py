"""Processes beside the server that decide for it while one Python is not enough.

A shop of a few requests a second has none of them, and their memory. When requests have been
waiting for each other for a while they are started, one for each processor; after two quiet
minutes they are gone. Whatever goes wrong with one, the server does the request itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from renwei.app.hand import READ_FIRST, SIZE, Handed, framed
from renwei.app.jobs import Said, child_env, raised
from renwei.doors.http.pool import in_thread

CROWD = 3
"""Requests that wait for others: so many are a crowd."""
PRESSED = 100
"""So many more of the last requests must have met a crowd than met none."""
REST_S, START_S, END_S = 120.0, 60.0, 5.0
LINES = 2
"""To each: while one decision waits for the disk, the next is made."""
SUPPORTED = os.name == "posix"
"""A socket can be handed to a child only there."""
_GONE = (OSError, EOFError, msgspec.MsgspecError)
Answer = TypeVar("Answer")


def processors() -> int:
    """How many hands a machine has room for: one each processor, none where there is one."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return found if found and found > 1 else 0


@dataclass(eq=False)
class _Hand:
    """One line to a process."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, message: object) -> Said:
        """One message and its answer.

        Raises:
            OSError, EOFError, MsgspecError: It is gone, or talks nonsense.
        """
        self.writer.write(framed(message))
        await self.writer.drain()
        return await self.hear()

    async def hear(self) -> Said:
        size = int.from_bytes(await self.reader.readexactly(SIZE), "big")
        return msgspec.msgpack.decode(await self.reader.readexactly(size), type=Said)


class Hands:
    """The hands of one server; all but `end` is called on its event loop.

    Args:
        directory: The workspace.
        most: So many at most; 0 is never any.
        pressed: How long a crowd must last, in requests; see PRESSED.
        rest_s: They are gone after so long without a request.
    """

    def __init__(
        self, directory: Path, most: int, *, pressed: int = PRESSED, rest_s: float = REST_S
    ) -> None:
        self._directory, self._most = directory, most if SUPPORTED else 0
        self._enough, self._rest_s = pressed, rest_s
        self._ready: set[_Hand] = set()
        self._free: asyncio.Queue[_Hand] = asyncio.Queue()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lines: set[socket.socket] = set()
        self._working: asyncio.Task[None] | None = None
        self._here = self._pressed = 0
        self._asked_s = 0.0

    @property
    def ready(self) -> int:
        """How many wait for work or are at it."""
        return len({hand.process.pid for hand in self._ready})

    def takes(self, operation: str) -> bool:
        """Whether an operation may be handed over, and there is anybody to hand it to."""
        return bool(self._ready) and operation in READ_FIRST

    async def here(self, operation: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do an operation in the server itself, and notice whether others wait for it."""
        if operation not in READ_FIRST:
            return await work()
        self._pressed = max(self._pressed + (1 if self._here >= CROWD else -1), 0)
        if self._pressed >= self._enough and self._most and self._working is None:
            self._working = asyncio.create_task(self._work())
        self._here += 1
        try:
            return await work()
        finally:
            self._here -= 1

    async def ask(self, handed: Handed) -> bytes | None:
        """The answer of an operation as JSON; None where the server must do it itself.

        Raises:
            RenweiError: Whatever the operation refuses.
        """
        self._asked_s = asyncio.get_running_loop().time()
        hand = await self._free.get()
        if hand not in self._ready:
            if not self._ready:
                # Nobody is left: whoever else waits must hear of it too.
                self._free.put_nowait(hand)
            return None
        try:
            said = await hand.ask(handed)
        except _GONE:
            self._end(hand)
            return None
        except BaseException:
            # Its answer is still to come, and is not the next one's.
            self._end(hand)
            raise
        self._free.put_nowait(hand)
        if said.error is not None:
            raised(said.error)
        return said.answer

    async def _work(self) -> None:
        """Call as many as there may be, and send them away when it has been quiet."""
        loop = asyncio.get_running_loop()
        self._free = asyncio.Queue()
        await asyncio.gather(*(self._call() for _ in range(self._most)))
        self._asked_s = loop.time()
        while self._ready and loop.time() - self._asked_s < self._rest_s:
            await asyncio.sleep(self._rest_s / 10)
        for hand in list(self._ready):
            self._end(hand)
        await in_thread(self.end)
        self._pressed, self._working = 0, None

    async def _call(self) -> None:
        pairs = [socket.socketpair() for _ in range(LINES)]
        self._lines |= {ours for ours, _ in pairs}
        try:
            process = await in_thread(_spawned, self._directory, [theirs for _, theirs in pairs])
        except OSError:
            return
        finally:
            for _, theirs in pairs:
                theirs.close()
        self._processes.add(process)
        await asyncio.gather(*(self._listen(process, ours) for ours, _ in pairs))

    async def _listen(self, process: subprocess.Popen[bytes], ours: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=ours)
        hand = _Hand(process, reader, writer)
        try:
            await asyncio.wait_for(hand.hear(), START_S)
        except (*_GONE, TimeoutError):
            self._end(hand)
            return
        self._ready.add(hand)
        self._free.put_nowait(hand)

    def _end(self, hand: _Hand) -> None:
        """Nothing more is handed to it; whoever waits for one is told by its coming back."""
        self._ready.discard(hand)
        hand.writer.close()
        self._free.put_nowait(hand)

    def end(self) -> None:
        """Let them end what they are at, and wait for it; also after the event loop."""
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for process in self._processes:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._lines.clear()
        self._processes.clear()


def _spawned(directory: Path, lines: Sequence[socket.socket]) -> subprocess.Popen[bytes]:
    numbers = [line.fileno() for line in lines]
    told = ",".join(map(str, numbers))
    # -P: a module that happens to lie in the working folder must not be taken for ours.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "renwei.app.hand", told, str(directory)],
        stdin=subprocess.DEVNULL,
        env=child_env(directory),
        pass_fds=numbers,
    )
