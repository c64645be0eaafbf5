"""The log of accepted messages: appended and on disk before the sender hears that they were accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from antiphon.sandbox.appended import Appender, count_lines, read_lines, repair, write_through
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
    """The log, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        repair(folder / LOG)
        self._file = open(folder / LOG, "ab")  # noqa: SIM115
        self._appender = Appender("sms-log", self._put, together=_TOGETHER)

    async def append(self, *messages: Received) -> None:
        """Returns when they are on disk. Raises OSError when they cannot be."""
        await self._appender.append(messages)

    def close(self) -> None:
        """Write what waits, then stop."""
        self._appender.close()
        self._file.close()

    def _put(self, batch: Sequence[Sequence[Received]]) -> list[None]:
        write_through(self._file, b"".join(msgspec.json.encode(each) + b"\n" for messages in batch for each in messages))
        return [None] * len(batch)


def now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def count_received(folder: Path) -> int:
    """How many short messages were accepted for good, by the log on disk."""
    return count_lines(folder / LOG)


def read_received(folder: Path, position: int = 0) -> Iterator[tuple[int, Received]]:
    """Messages whose log lines begin at or after `position`: the position after each, and the message."""
    decode = msgspec.json.Decoder(Received).decode
    for after, line in read_lines(folder / LOG, position):
        yield after, decode(line)
