"""Clients of accounts that are called over HTTP: one for each, shared by all its batches, with room for so many requests at once.

Changed settings get a new client. The old one is closed once whoever had asked for a place with it has left it, so that a
request on its way is never cut off: its outcome would be unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from antiphon.execution.channels.model import Account
from antiphon.foundation.outbound import Outbound


class Called(Protocol):
    """Settings of an account that is called: seconds to wait for an answer, and requests at once, at most."""

    @property
    def timeout(self) -> float:
        """Seconds."""
        ...

    @property
    def connections(self) -> int:
        """Requests at once."""
        ...


class _Line(NamedTuple):
    version: int
    client: Outbound
    places: int
    room: asyncio.Semaphore


def plain(settings: Called) -> Outbound:
    """A client with nothing special about it."""
    return Outbound(timeout=settings.timeout, connections=settings.connections)


class Clients:
    """The clients of one provider in this process."""

    def __init__(self, make: Callable[[Any], Outbound] = plain) -> None:
        self._make = make
        self._lines: dict[int, _Line] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def place(self, account: Account) -> AsyncIterator[Outbound]:
        """The account's client, for one request, once there is room for it. A newer version's client serves older ones too."""
        line = self._lines.get(account.id)
        if line is None or line.version < account.version:
            if line is not None:
                self._retire(line)
            settings: Called = account.settings
            line = _Line(account.version, self._make(settings), settings.connections, asyncio.Semaphore(settings.connections))
            self._lines[account.id] = line
        async with line.room:  # asked for in the same step as the line was found: ahead of any retirement
            yield line.client

    async def close(self) -> None:
        """Close every connection, each after the requests it carries."""
        for line in self._lines.values():
            self._retire(line)
        self._lines.clear()
        await asyncio.gather(*self._retiring)

    def _retire(self, line: _Line) -> None:
        task = asyncio.get_running_loop().create_task(_close(line))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


async def _close(line: _Line) -> None:
    for _ in range(line.places):
        await line.room.acquire()  # first come, first served: behind everybody who waits
    await line.client.close()
