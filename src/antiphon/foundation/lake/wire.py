"""What is said to the lake process: one connection, and questions made ready for it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import errors
from antiphon.foundation.lake.protocol import HEADER, IDS, REPLIES, Column, Reply, Request, Statement, arrays, column, frame

Tables = Mapping[str, Mapping[str, NDArray[Any]]]
_VARIABLE = re.compile(r"getvariable\('([a-z_]+)'\)")
_VARIABLES: dict[str, str] = {}
ERRORS: dict[str, type[AntiphonError]] = {
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


class Wire:
    """One connection to the lake process."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    async def open(cls, path: str) -> Wire:
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
            raise ERRORS.get(reply.error, errors.LakeQueryFailed)(reply.message)
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


def question(statements: list[Statement], timeout: float, tables: Tables | None) -> Request:
    """Statements as they travel, with the variables they name and the tables they read."""
    names = dict.fromkeys(name for s in statements for name in _VARIABLE.findall(s.sql))
    try:
        variables = [(name, _VARIABLES[name]) for name in names]
    except KeyError as missing:
        raise errors.LakeQueryFailed(f"transaction variable {missing} is not defined") from None
    packed: dict[str, dict[str, Column]] = {
        name: {key: column(np.asarray(values)) for key, values in columns.items()} for name, columns in (tables or {}).items()
    }
    return Request("run", statements, timeout, variables, packed)


def ids_of(found: Mapping[str, NDArray[Any]]) -> NDArray[np.uint32]:
    """The one column of a result of ids."""
    return np.asarray(found[IDS], dtype=np.uint32)
