"""The only code that runs the statements on the journal, events and rejects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))


async def read_lane(conn: Connection, lane: int) -> tuple[int, datetime | None]:
    """The last number and instant of a lane; the lane exists from now on."""
    await conn.execute(SQL.open_lane, {"lane": lane})
    row = await (await conn.execute(SQL.read_lane, {"lane": lane})).fetchone()
    assert row is not None
    return int(row[0]), row[1]


async def ensure_day(conn: Connection, parent: str, day: date) -> None:
    """The partition of a day exists."""
    await conn.execute(SQL.ensure_day, {"parent": parent, "day": day})


async def copy(conn: Connection, query: str, data: bytes) -> None:
    """Run a COPY of rows in binary format, head and tail included."""
    async with conn.cursor() as cursor, cursor.copy(SQL[query]) as into:
        await into.write(data)


async def run(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> int:
    """Run a named statement; returns how many rows it touched."""
    return (await conn.execute(SQL[query], params)).rowcount


async def fetch(conn: Connection, query: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a named query, in binary."""
    return await (await conn.execute(SQL[query], params, binary=True)).fetchall()


async def rows(conn: Connection, query: str, **params: Any) -> list[dict[str, Any]]:
    """The rows of a named query, by column."""
    cursor = await conn.execute(SQL[query], params)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def pending_lanes(conn: Connection, lanes: Sequence[int]) -> list[int]:
    """Lanes in which something waits, longest untouched first."""
    return [row[0] for row in await fetch(conn, "pending_lanes", {"lanes": list(lanes)})]
