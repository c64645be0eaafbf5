"""Logs of what a server accepted: lines of JSON, on disk before the sender hears that it was accepted."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Generic, TypeVar

Given = TypeVar("Given")
Kept = TypeVar("Kept")


class Appender(Generic[Given, Kept]):
    """Writes from one thread, so that those who wait share an fsync: ``put`` gets at most ``together`` things at once, has
    them on disk when it returns, and tells what it kept of each."""

    def __init__(self, name: str, put: Callable[[Sequence[Given]], Sequence[Kept]], *, together: int) -> None:
        self._put = put
        self._together = together
        self._waiting: SimpleQueue[tuple[Given, Future[Kept]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    async def append(self, given: Given) -> Kept:
        """Returns when it is on disk. Raises OSError when it cannot be."""
        written: Future[Kept] = Future()
        self._waiting.put((given, written))
        return await asyncio.wrap_future(written)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while not self._waiting.empty() and len(batch) < self._together:
                more = self._waiting.get()
                if more is None:
                    last = True
                    break
                batch.append(more)
            # Whoever hung up meanwhile is not written for; from here on hanging up comes too late.
            batch = [one for one in batch if one[1].set_running_or_notify_cancel()]
            try:
                kept = self._put([given for given, _ in batch])
            except OSError as failed:
                for _, written in batch:
                    written.set_exception(failed)
            else:
                for (_, written), one in zip(batch, kept, strict=True):
                    written.set_result(one)
            if last:
                return


def write_through(file: IO[bytes], data: bytes) -> None:
    """Append, down to the disk."""
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def repair(path: Path) -> int:
    """How many whole lines a log has; half a line, left by a crash before its answer, is cut off."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        count = end = 0
        for line in file:
            if line.endswith(b"\n"):
                count += 1
                end += len(line)
        file.truncate(end)
    return count


def count_lines(path: Path) -> int:
    """How many whole lines a log has."""
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.endswith(b"\n"))
    except FileNotFoundError:
        return 0


def read_lines(path: Path, position: int = 0) -> Iterator[tuple[int, bytes]]:
    """Whole lines that begin at or after `position`: the position after each, and the line."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(position)
        while (line := file.readline()).endswith(b"\n"):
            position += len(line)
            yield position, line
