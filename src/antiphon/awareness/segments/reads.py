"""Queries of those who only look at segments: a process that keeps all members, and the console's views."""

from pathlib import Path

import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments.bitmaps import bitmap
from antiphon.awareness.segments.store import Place
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("reads.sql"))


async def places_after(conn: Connection, after: int, limit: int) -> list[Place]:
    """Where the members of segments in force are: those with the next ids, in order."""
    async with conn.cursor(row_factory=struct_row(Place)) as cursor:
        return await (await cursor.execute(SQL.places_after, {"after": after, "limit": limit})).fetchall()


async def merged_since(conn: Connection, since: int) -> tuple[int, BitMap]:
    """(the transaction to ask from next time, who was merged away since `since`); every merge is told at least once."""
    row = await (await conn.execute(SQL.merged_since, {"since": since}, binary=True)).fetchone()
    assert row is not None
    return int(row[0]), bitmap(np.frombuffer(row[1] or b"", dtype=">i8"))
