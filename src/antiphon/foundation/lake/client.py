"""The lake asked from async code: a few connections, opened when needed, opened again when lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import errors
from antiphon.foundation.lake.protocol import Request, Shape, Statement, pack
from antiphon.foundation.lake.session import LakeSession, LakeTransaction
from antiphon.foundation.lake.wire import Tables, Wire, ids_of, question

Script = Sequence[str | tuple[str, Any]]


class LakeClient:
    """Asks the lake process. Safe to share between tasks; at most `size` questions run at once, others wait their turn."""

    def __init__(self, socket: Path | str, *, size: int = 4, timeout: float = 120.0) -> None:
        self._socket = str(socket)
        self._timeout = timeout
        self._idle: list[Wire] = []
        self._room = asyncio.Semaphore(size)
        self._closed = False

    async def run(
        self, sql: str, params: Any = None, *, timeout: float | None = None, tables: Tables | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a small result. `tables` are numpy columns the statement may read by name.

        Raises LakeTimeout, LakeUnavailable, LakeConflict or LakeQueryFailed.
        """
        (rows,) = await self._one(sql, params, "rows", timeout, tables)
        return [tuple(row) for row in rows]

    async def ids(
        self, sql: str, params: Any = None, *, timeout: float | None = None, tables: Tables | None = None
    ) -> NDArray[np.uint32]:
        """The first column of any number of rows, as profile ids."""
        (found,) = await self._one(sql, params, "ids", timeout, tables)
        return ids_of(found)

    async def columns(
        self, sql: str, params: Any = None, *, timeout: float | None = None, tables: Tables | None = None
    ) -> dict[str, NDArray[Any]]:
        """A result of any size, by column: numbers and instants as buffers (masked where null), text as objects."""
        (found,) = await self._one(sql, params, "columns", timeout, tables)
        return dict(found)

    async def many(
        self,
        questions: Sequence[tuple[str, Any]],
        *,
        shape: Shape = "ids",
        timeout: float | None = None,
        tables: Tables | None = None,
    ) -> list[Any]:
        """Several questions answered from one state of the lake, in one round trip. With shape `ids`, arrays of ids."""
        found = await self._ask(question([Statement(s, pack(p), shape) for s, p in questions], self._limit(timeout), tables))
        return [ids_of(one) for one in found] if shape == "ids" else found

    async def script(
        self, statements: Script, *, timeout: float | None = None, tables: Tables | None = None, attempts: int = 6
    ) -> None:
        """Statements in one transaction, tried again when another writer was first. Each must be safe to repeat."""
        made = [Statement(*((s, None) if isinstance(s, str) else (s[0], pack(s[1])))) for s in statements]
        request = question(made, self._limit(timeout), tables)
        for attempt in range(attempts):
            try:
                await self._ask(request, repeat=False)
                return
            except errors.LakeConflict:
                if attempt == attempts - 1:
                    raise
                await asyncio.sleep(random.uniform(0.02, 0.1) * 2**attempt)

    async def command(self, sql: str, params: Any = None, *, timeout: float | None = None) -> list[tuple[Any, ...]]:
        """A statement that must not be repeated when the connection breaks under it (maintenance, a commit of its own)."""
        request = question([Statement(sql, pack(params), "rows")], self._limit(timeout), None)
        return [tuple(row) for row in (await self._ask(request, repeat=False))[0]]

    @asynccontextmanager
    async def transaction(self, *, timeout: float | None = None) -> AsyncIterator[LakeTransaction]:
        """One lake transaction over several questions: committed at the end, rolled back on an error.

        LakeConflict at the end means that somebody else changed the same rows first; begin again.
        """
        limit = self._limit(timeout)
        async with self._wire() as wire:
            try:
                await wire.ask(Request("begin", timeout=limit))
                yield LakeTransaction(wire, limit)
                await wire.ask(Request("commit", timeout=limit))
            except BaseException:
                wire.close()  # what was begun is rolled back
                raise

    @asynccontextmanager
    async def session(self, *, timeout: float | None = None) -> AsyncIterator[LakeSession]:
        """A connection of one's own, with temporary tables that live as long as it; it is closed afterwards."""
        async with self._wire() as wire:
            try:
                yield LakeSession(wire, self._limit(timeout))
            finally:
                wire.close()

    async def ready(self) -> bool:
        """Whether the lake answers."""
        try:
            return await self.run("select 1", timeout=5) == [(1,)]
        except AntiphonError:
            return False

    async def close(self) -> None:
        """Close every connection; what runs is stopped."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _limit(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout

    async def _one(self, sql: str, params: Any, shape: Shape, timeout: float | None, tables: Tables | None) -> list[Any]:
        return await self._ask(question([Statement(sql, pack(params), shape)], self._limit(timeout), tables))

    async def _ask(self, request: Request, *, repeat: bool = True) -> list[Any]:
        """Ask; a question (never a change) is asked once more when the lake process was started anew meanwhile."""
        try:
            async with self._wire() as wire:
                return await wire.ask(request)
        except errors.LakeUnavailable:
            if not repeat:
                raise
        await asyncio.sleep(0.2)
        async with self._wire() as wire:
            return await wire.ask(request)

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[Wire]:
        """A connection, kept afterwards unless it broke or was left in the middle of something."""
        async with self._room:
            wire = await self._connect()
            try:
                yield wire
            except (errors.LakeTimeout, errors.LakeQueryFailed, errors.LakeConflict):
                self._keep(wire)  # the process has answered and rolled back: the connection is clean
                raise
            except BaseException:
                wire.close()
                raise
            self._keep(wire)

    def _keep(self, wire: Wire) -> None:
        if self._closed:
            wire.close()
        elif not wire.closed:
            self._idle.append(wire)

    async def _connect(self) -> Wire:
        while self._idle:
            wire = self._idle.pop()
            if not wire.closed:
                return wire
            wire.close()
        try:
            return await Wire.open(self._socket)
        except OSError as failed:
            raise errors.LakeUnavailable from failed
