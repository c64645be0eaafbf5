"""The pool, transactions at the edge, and rows as frozen structs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from antiphon.foundation.errors import Unavailable

Connection = AsyncConnection[Any]
T = TypeVar("T")

IDLE_IN_TRANSACTION = 8_000  # ms; below the lease term, so that a stalled holder loses its locks before its lease
LOCK = 10_000  # ms

# Set on our own connections, never on the server: the lake's engine idles in a transaction while it scans.
_OPTIONS = (
    f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION} -c lock_timeout={LOCK} -c timezone=UTC -c jit=off"
)


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached now; try again."""


async def _binary(conn: Connection) -> None:
    conn.prepare_threshold = 3


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, url: str, name: str, pool: AsyncConnectionPool[Connection]) -> None:
        self.url = url
        self.name = name
        self._pool = pool

    @classmethod
    async def open(cls, url: str, *, name: str = "antiphon", min_size: int = 1, max_size: int = 8) -> Database:
        """Connect; DatabaseUnavailable when no connection can be had in 15 seconds."""
        conninfo = make_conninfo(url, application_name=name, options=_OPTIONS)
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo, min_size=min_size, max_size=max_size, open=False, timeout=15, configure=_binary, kwargs={"autocommit": True}
        )
        try:
            await pool.open(wait=True, timeout=15)
        except (PoolTimeout, psycopg.OperationalError) as failed:
            await pool.close()
            raise DatabaseUnavailable from failed
        return cls(url, name, pool)

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A pooled connection in autocommit."""
        try:
            async with self._pool.connection() as conn:
                yield conn
        except PoolTimeout as failed:
            raise DatabaseUnavailable from failed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A pooled connection inside one transaction: committed at the end, rolled back on an error."""
        async with self.connection() as conn, conn.transaction():
            yield conn

    async def dedicated(self) -> Connection:
        """A connection of one's own, in autocommit, outside the pool. The caller closes it."""
        try:
            conn = await AsyncConnection.connect(
                make_conninfo(self.url, application_name=self.name, options=_OPTIONS), autocommit=True
            )
        except psycopg.OperationalError as failed:
            raise DatabaseUnavailable from failed
        conn.prepare_threshold = 3
        return conn


def struct_row(struct: type[T]) -> Callable[[Any], Callable[[Sequence[Any]], T]]:
    """A row factory that makes each row a `struct` (a msgspec.Struct), columns matched by name.

    JSON columns become typed fields; a row that does not fit is a programming error and raises.
    """

    def factory(cursor: Any) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]

        def row(values: Sequence[Any]) -> T:
            return msgspec.convert(dict(zip(names, values, strict=True)), struct, strict=False)

        return row

    return factory
