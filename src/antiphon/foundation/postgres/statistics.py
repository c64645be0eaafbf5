"""PostgreSQL remembers the commonest and the outermost values of every column: after an erasure it must look again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from antiphon.foundation.postgres.database import Connection
from antiphon.foundation.postgres.queries import load_queries

SQL = load_queries(Path(__file__).with_name("statistics.sql"))


async def renew_statistics(conn: Connection, schemas: Sequence[str] = ("public",)) -> None:
    """Sample every table of these schemas anew, each for itself. Of a table without rows what was remembered is forgotten,
    which sampling alone leaves as it was; servers before PostgreSQL 18 cannot, there it stays until rows come again."""
    can_clear = (await (await conn.execute(SQL.can_clear)).fetchone() or (False,))[0]
    for schema, table in await (await conn.execute(SQL.tables, {"schemas": list(schemas)})).fetchall():
        name = f'"{schema}"."{table}"'
        await conn.execute(f"analyze {name}")
        empty = await (await conn.execute(f"select not exists (select from {name})")).fetchone()
        if not can_clear or empty is None or not empty[0]:
            continue
        place = {"schema": schema, "table": table}
        for column, inherited in await (await conn.execute(SQL.collected, place)).fetchall():
            await conn.execute(SQL.clear, place | {"column": column, "inherited": inherited})
