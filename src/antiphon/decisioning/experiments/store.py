"""The only code that runs the SQL of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from antiphon.decisioning.experiments.model import UNIVERSAL, Holdout
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))


async def list_holdouts(conn: Connection) -> list[Holdout]:
    async with conn.cursor(row_factory=struct_row(Holdout)) as cur:
        return await (await cur.execute(SQL.list_holdouts)).fetchall()


async def find_holdout(conn: Connection, name: str) -> Holdout | None:
    """A holdout by its name."""
    async with conn.cursor(row_factory=struct_row(Holdout)) as cur:
        return await (await cur.execute(SQL.find_holdout, {"name": name})).fetchone()


async def universal_holdout(conn: Connection) -> Holdout | None:
    """The holdout of all marketing, when there is one and it holds anybody out."""
    found = await find_holdout(conn, UNIVERSAL)
    return found if found is not None and found.enabled and found.percent > 0 else None


async def put_holdout(conn: Connection, values: Mapping[str, Any]) -> None:
    await conn.execute(SQL.put_holdout, values)


async def delete_holdout(conn: Connection, name: str) -> bool:
    return (await conn.execute(SQL.delete_holdout, {"name": name})).rowcount > 0
