"""The log of accepted messages: appended and on disk before the sender hears 250."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import msgspec

from antiphon.sandbox.appended import Appender, count_lines, read_lines, repair, write_through
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
    """The log and the messages' bytes, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._count = repair(folder / LOG)
        self._log = open(folder / LOG, "ab+")  # noqa: SIM115
        self._messages = open(folder / MESSAGES, "ab+")  # noqa: SIM115
        self._appender = Appender("mail-log", self._put, together=_TOGETHER)

    async def append(self, sender: str, recipients: list[str], content: bytes, fault: Fault | None) -> Received:
        """Returns when the message is on disk. Raises OSError when it cannot be."""
        return await self._appender.append((sender, recipients, content, fault))

    def close(self) -> None:
        """Write what waits, then stop."""
        self._appender.close()
        self._log.close()
        self._messages.close()

    def _put(self, batch: Sequence[tuple[str, list[str], bytes, Fault | None]]) -> list[Received]:
        offset = self._messages.seek(0, os.SEEK_END)
        entries: list[Received] = []
        for sender, recipients, content, fault in batch:
            entries.append(
                Received(
                    n=self._count + len(entries) + 1, at=datetime.now(UTC), sender=sender, recipients=recipients,
                    offset=offset, size=len(content), fault=fault,
                )
            )
            offset += len(content)
        write_through(self._messages, b"".join(content for _, _, content, _ in batch))
        write_through(self._log, b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))
        self._count += len(entries)
        return entries


def count_received(folder: Path) -> int:
    """How many messages the server accepted for good, by its own log on disk."""
    return count_lines(folder / LOG)


def read_received(folder: Path, position: int = 0) -> Iterator[tuple[int, Received, bytes]]:
    """Messages whose log lines begin at or after `position`: the position after each, its entry, its bytes."""
    decode = msgspec.json.Decoder(Received).decode
    lines = read_lines(folder / LOG, position)
    first = next(lines, None)
    if first is None:
        return
    with (folder / MESSAGES).open("rb") as messages:
        for after, line in chain((first,), lines):
            entry = decode(line)
            messages.seek(entry.offset)
            yield after, entry, messages.read(entry.size)
