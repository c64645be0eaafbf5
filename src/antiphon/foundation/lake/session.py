"""A connection to the lake that is held: several questions as one transaction, or one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.foundation.lake.protocol import Request, Shape, Statement, pack
from antiphon.foundation.lake.wire import ERRORS, Tables, Wire, ids_of, question


class _Held:
    """Questions over one connection."""

    def __init__(self, wire: Wire, timeout: float) -> None:
        self._wire = wire
        self._timeout = timeout

    async def run(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> list[tuple[Any, ...]]:
        (rows,) = await self._ask(sql, params, "rows", tables)
        return [tuple(row) for row in rows]

    async def columns(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> dict[str, NDArray[Any]]:
        (found,) = await self._ask(sql, params, "columns", tables)
        return dict(found)

    async def _ask(self, sql: str, params: Any, shape: Shape, tables: Tables | None) -> list[Any]:
        return await self._wire.ask(question([Statement(sql, pack(params), shape)], self._timeout, tables))


class LakeTransaction(_Held):
    """Statements that see one state of the lake and take effect together."""

    async def ids(self, sql: str, params: Any = None, *, tables: Tables | None = None) -> NDArray[np.uint32]:
        (found,) = await self._ask(sql, params, "ids", tables)
        return ids_of(found)


class LakeSession(_Held):
    """One connection held for a while: temporary tables made in one question are there for the next.

    Each question is a transaction of its own; `transaction` groups several.
    """

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LakeTransaction]:
        """Several questions as one; LakeConflict when somebody else changed the same rows first. The session goes on."""
        await self._wire.ask(Request("begin", timeout=self._timeout))
        try:
            yield LakeTransaction(self._wire, self._timeout)
        except tuple(ERRORS.values()):
            raise  # the process has rolled back already
        except Exception:
            await self._wire.ask(Request("rollback", timeout=self._timeout))
            raise
        await self._wire.ask(Request("commit", timeout=self._timeout))
