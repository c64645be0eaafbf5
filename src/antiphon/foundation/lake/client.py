"""The lake asked from async code: a few connections, opened when needed, opened again when lost."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import errors
from antiphon.foundation.lake.protocol import (
    HEADER,
    IDS,
    REPLIES,
    Column,
    Reply,
    Request,
    Shape,
    Statement,
    arrays,
    column,
    frame,
    pack,
)

Tables = Mapping[str, Mapping[str, NDArray[Any]]]
Script = Sequence[str | tuple[str, Any]]
_VARIABLE = re.compile(r"getvariable\('([a-z_]+)'\)")
_VARIABLES: dict[str, str] = {}
_ERRORS: dict[str, type[AntiphonError]] = {
    kind.__name__: kind for kind in (errors.LakeUnavailable, errors.LakeTimeout, errors.LakeConflict, errors.LakeQueryFailed)
}


def transaction_variable(name: str, sql: str) -> str:
    """Name a value that is read first, in the same transaction, by every statement that says `getvariable('name')`.

    It lets a statement carry into PostgreSQL what only the lake knows (how far it has got). Returns the expression to write.
    """
    known = _VARIABLES.setdefault(name, sql)
    if known != sql:
        raise ValueError(f"transaction variable {name} is defined twice")
    return f"getvariable('{name}')"


class _Wire:
    """One connection to the lake process."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    async def open(cls, path: str) -> _Wire:
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, path)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    async def ask(self, request: Request) -> list[Any]:
        """The results, one for each statement: rows, or arrays by name."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._sock, frame(request))
            (size,) = HEADER.unpack(await self._read(HEADER.size))
            reply: Reply = REPLIES.decode(await self._read(size))
            buffers = [await self._read(size) for size in reply.buffers]
        except OSError as failed:
            raise errors.LakeUnavailable from failed
        if reply.error:
            raise _ERRORS.get(reply.error, errors.LakeQueryFailed)(reply.message)
        return [arrays(result, buffers) if isinstance(result, dict) else result for result in reply.results]

    async def _read(self, size: int) -> memoryview:
        """So many bytes, into memory they stay in."""
        view, got = np.empty(size, dtype=np.uint8).data, 0
        while got < size:
            count = await asyncio.get_running_loop().sock_recv_into(self._sock, view[got:])
            if count == 0:
                raise ConnectionResetError
            got += count
        return view

    @property
    def closed(self) -> bool:
        """Whether either side has closed it."""
        try:
            return self._sock.fileno() < 0 or self._sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self._sock.close()


class LakeTransaction:
    """Statements that see one state of the lake and take effect together."""

    def __init__(self, wire: _Wire, timeout: float) -> None:
        self._wire = wire
        self._timeout = timeout

    async def run(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> list[tuple[Any, ...]]:
        (rows,) = await self._ask(sql, params, "rows", tables)
        return [tuple(row) for row in rows]

    async def ids(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> NDArray[np.uint32]:
        (found,) = await self._ask(sql, params, "ids", tables)
        return _ids(found)

    async def columns(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> dict[str, NDArray[Any]]:
        (found,) = await self._ask(sql, params, "columns", tables)
        return dict(found)

    async def _ask(self, sql: str, params: Any, shape: Shape, tables: Tables | None) -> list[Any]:
        return await self._wire.ask(_request([Statement(sql, pack(params), shape)], self._timeout, tables))


class LakeSession:
    """One connection held for a while: temporary tables made in one question are there for the next.

    Each question is a transaction of its own; `transaction` groups several.
    """

    def __init__(self, wire: _Wire, timeout: float) -> None:
        self._wire = wire
        self._timeout = timeout

    async def run(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> list[tuple[Any, ...]]:
        (rows,) = await self._ask(sql, params, "rows", tables)
        return [tuple(row) for row in rows]

    async def columns(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> dict[str, NDArray[Any]]:
        (found,) = await self._ask(sql, params, "columns", tables)
        return dict(found)

    async def _ask(self, sql: str, params: Any, shape: Shape, tables: Tables | None) -> list[Any]:
        return await self._wire.ask(_request([Statement(sql, pack(params), shape)], self._timeout, tables))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LakeTransaction]:
        """Several questions as one; LakeConflict when somebody else changed the same rows first. The session goes on."""
        await self._wire.ask(Request("begin", timeout=self._timeout))
        try:
            yield LakeTransaction(self._wire, self._timeout)
        except tuple(_ERRORS.values()):
            raise  # the process has rolled back already
        except Exception:
            await self._wire.ask(Request("rollback", timeout=self._timeout))
            raise
        await self._wire.ask(Request("commit", timeout=self._timeout))


class LakeClient:
    """Asks the lake process. Safe to share between tasks; at most `size` questions run at once, others wait their turn."""

    def __init__(self, socket: Path | str, *, size: int = 4, timeout: float = 120.0) -> None:
        self._socket = str(socket)
        self._timeout = timeout
        self._idle: list[_Wire] = []
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
        return _ids(found)

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
        found = await self._ask(_request([Statement(s, pack(p), shape) for s, p in questions], self._limit(timeout), tables))
        return [_ids(one) for one in found] if shape == "ids" else found

    async def script(
        self, statements: Script, *, timeout: float | None = None, tables: Tables | None = None, attempts: int = 6
    ) -> None:
        """Statements in one transaction, tried again when another writer was first. Each must be safe to repeat."""
        made = [Statement(*((s, None) if isinstance(s, str) else (s[0], pack(s[1])))) for s in statements]
        request = _request(made, self._limit(timeout), tables)
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
        request = _request([Statement(sql, pack(params), "rows")], self._limit(timeout), None)
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
        return await self._ask(_request([Statement(sql, pack(params), shape)], self._limit(timeout), tables))

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
    async def _wire(self) -> AsyncIterator[_Wire]:
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

    def _keep(self, wire: _Wire) -> None:
        if self._closed:
            wire.close()
        elif not wire.closed:
            self._idle.append(wire)

    async def _connect(self) -> _Wire:
        while self._idle:
            wire = self._idle.pop()
            if not wire.closed:
                return wire
            wire.close()
        try:
            return await _Wire.open(self._socket)
        except OSError as failed:
            raise errors.LakeUnavailable from failed


def _request(statements: list[Statement], timeout: float, tables: Tables | None) -> Request:
    names = dict.fromkeys(name for s in statements for name in _VARIABLE.findall(s.sql))
    try:
        variables = [(name, _VARIABLES[name]) for name in names]
    except KeyError as missing:
        raise errors.LakeQueryFailed(f"transaction variable {missing} is not defined") from None
    packed: dict[str, dict[str, Column]] = {
        name: {key: column(np.asarray(values)) for key, values in columns.items()} for name, columns in (tables or {}).items()
    }
    return Request("run", statements, timeout, variables, packed)


def _ids(found: Mapping[str, NDArray[Any]]) -> NDArray[np.uint32]:
    return np.asarray(found[IDS], dtype=np.uint32)
