"""What the room knows of one person, and how it forgets them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from antiphon.awareness.profiles import canonical, every_id, hold_for_erasure
from antiphon.execution.journeys.memory import SQL as MEMORY
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, dict_row, load_queries

SQL = load_queries(Path(__file__).with_name("personal.sql"))


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """The journeys a customer is or was in, and what was decided there."""
    who = {"profile_ids": await every_id(conn, await canonical(conn, profile_id) or profile_id)}
    async with conn.cursor(row_factory=dict_row) as cur:
        return {
            "inside": await (await cur.execute(SQL.export_runs, who)).fetchall(),
            "ended": await (await cur.execute(SQL.export_past, who)).fetchall(),
            "aside": await (await cur.execute(SQL.export_aside, who)).fetchall(),
            "history": await (await cur.execute(SQL.export_history, who)).fetchall(),
            "dialogue": await (await cur.execute(MEMORY.export_dialogue, who)).fetchall(),
            "raised": await (await cur.execute(MEMORY.export_raised, who)).fetchall(),
            "asked": await (await cur.execute(MEMORY.export_asked, who)).fetchall(),
        }


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget it; how many went which way stays, for the journeys' numbers."""
    ids = await every_id(conn, await canonical(conn, profile_id) or profile_id)
    await hold_for_erasure(conn, ids)  # nobody lets them in meanwhile
    words = (MEMORY.erase_dialogue, MEMORY.erase_asked, MEMORY.erase_raised)
    for statement in (SQL.erase_heard, SQL.erase_runs, SQL.erase_aside, SQL.erase_past, SQL.erase_history, *words):
        await conn.execute(statement, {"profile_ids": ids})
