"""The log of accepted messages: appended and on disk before the sender hears that they were accepted."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

import msgspec

from antiphon.sandbox.sms.faults import Fault

LOG = "received.jsonl"
_TOGETHER = 1000  # messages that share one fsync at most


class Received(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One accepted short message, as it came. ``content`` is hexadecimal, ``fields`` whatever else it said."""

    id: str
    at: datetime
    sender: str
    recipient: str
    coding: int = 0
    content: str = ""
    text: str = ""
    fields: dict[str, int | str] = {}
    fault: Fault | None = None


class SmsLog:
    """Writes the log from one thread, which lets waiting messages share an fsync."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _repair(folder / LOG)
        self._file = open(folder / LOG, "ab")  # noqa: SIM115
        self._waiting: SimpleQueue[tuple[list[Received], Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="sms-log", daemon=True)
        self._thread.start()

    async def append(self, *messages: Received) -> None:
        """Returns when they are on disk. Raises OSError when they cannot be."""
        written: Future[None] = Future()
        self._waiting.put((list(messages), written))
        await asyncio.wrap_future(written)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()
        self._file.close()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, last = [first], False
            while not self._waiting.empty() and len(batch) < _TOGETHER:
                more = self._waiting.get()
                if more is None:
                    last = True
                    break
                batch.append(more)
            batch = [one for one in batch if one[1].set_running_or_notify_cancel()]
            try:
                self._file.write(b"".join(msgspec.json.encode(each) + b"\n" for messages, _ in batch for each in messages))
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as failed:
                for _, written in batch:
                    written.set_exception(failed)
            else:
                for _, written in batch:
                    written.set_result(None)
            if last:
                return


def now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def _repair(path: Path) -> None:
    """Cut off half a line, left by a crash before its answer."""
    if path.exists():
        whole = path.read_bytes().rfind(b"\n") + 1
        with path.open("rb+") as file:
            file.truncate(whole)


def count_received(folder: Path) -> int:
    """How many short messages were accepted for good, by the log on disk."""
    try:
        with (folder / LOG).open("rb") as file:
            return sum(1 for line in file if line.endswith(b"\n"))
    except FileNotFoundError:
        return 0


def read_received(folder: Path, position: int = 0) -> Iterator[tuple[int, Received]]:
    """Messages whose log lines begin at or after `position`: the position after each, and the message."""
    decode = msgspec.json.Decoder(Received).decode
    try:
        log = (folder / LOG).open("rb")
    except FileNotFoundError:
        return
    with log:
        log.seek(position)
        while (line := log.readline()).endswith(b"\n"):
            position += len(line)
            yield position, decode(line)
