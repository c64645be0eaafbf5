"""The log of accepted messages: appended and on disk before the sender hears 250."""

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

from antiphon.sandbox.email.faults import Fault

LOG = "received.jsonl"
MESSAGES = "messages"
_TOGETHER = 500  # messages that share one fsync at most


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted message: envelope, and where its bytes lie in the file `messages`."""

    n: int
    at: datetime
    sender: str
    recipients: list[str]
    offset: int
    size: int
    fault: Fault | None = None


class MailLog:
    """Writes the log from one thread, which lets waiting messages share an fsync."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = open(folder / LOG, "ab+")  # noqa: SIM115
        self._messages = open(folder / MESSAGES, "ab+")  # noqa: SIM115
        self._count = _repaired(folder / LOG)
        self._waiting: SimpleQueue[tuple[str, list[str], bytes, Fault | None, Future[Received]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="mail-log", daemon=True)
        self._thread.start()

    async def append(self, sender: str, recipients: list[str], content: bytes, fault: Fault | None) -> Received:
        """Returns when the message is on disk. Raises OSError when it cannot be."""
        written: Future[Received] = Future()
        self._waiting.put((sender, recipients, content, fault, written))
        return await asyncio.wrap_future(written)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()
        self._log.close()
        self._messages.close()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            last = False
            while not self._waiting.empty() and len(batch) < _TOGETHER:
                more = self._waiting.get()
                if more is None:
                    last = True
                    break
                batch.append(more)
            # Whoever hung up meanwhile is not written for; from here on hanging up comes too late.
            batch = [one for one in batch if one[-1].set_running_or_notify_cancel()]
            try:
                entries = self._put(batch)
            except OSError as failed:
                for *_, written in batch:
                    written.set_exception(failed)
            else:
                for (*_, written), entry in zip(batch, entries, strict=True):
                    written.set_result(entry)
            if last:
                return

    def _put(self, batch: list[tuple[str, list[str], bytes, Fault | None, Future[Received]]]) -> list[Received]:
        offset = self._messages.seek(0, os.SEEK_END)
        entries: list[Received] = []
        for sender, recipients, content, fault, _ in batch:
            entries.append(
                Received(
                    n=self._count + len(entries) + 1, at=datetime.now(UTC), sender=sender, recipients=recipients,
                    offset=offset, size=len(content), fault=fault,
                )
            )
            offset += len(content)
        for file, data in (
            (self._messages, b"".join(content for _, _, content, _, _ in batch)),
            (self._log, b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)),
        ):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._count += len(entries)
        return entries


def _repaired(path: Path) -> int:
    """How many whole lines the log has; half a line, left by a crash before its 250, is cut off."""
    with path.open("rb+") as file:
        count = end = 0
        for line in file:
            if line.endswith(b"\n"):
                count += 1
                end += len(line)
        file.truncate(end)
    return count


def count_received(folder: Path) -> int:
    """How many messages the server accepted for good, by its own log on disk."""
    try:
        with (folder / LOG).open("rb") as file:
            return sum(1 for line in file if line.endswith(b"\n"))
    except FileNotFoundError:
        return 0


def read_received(folder: Path, position: int = 0) -> Iterator[tuple[int, Received, bytes]]:
    """Messages whose log lines begin at or after `position`: the position after each, its entry, its bytes."""
    decode = msgspec.json.Decoder(Received).decode
    try:
        log = (folder / LOG).open("rb")
    except FileNotFoundError:
        return
    with log, (folder / MESSAGES).open("rb") as messages:
        log.seek(position)
        while (line := log.readline()).endswith(b"\n"):
            position += len(line)
            entry = decode(line)
            messages.seek(entry.offset)
            yield position, entry, messages.read(entry.size)
