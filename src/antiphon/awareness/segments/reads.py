"""Queries of those who only look at segments: a process that keeps all members, and the console's views."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from pyroaring import BitMap

from antiphon.awareness.segments.bitmaps import bitmap
from antiphon.awareness.segments.model import Node
from antiphon.awareness.segments.store import Place
from antiphon.foundation.postgres import Connection, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("reads.sql"))

Step = Literal["minute", "hour", "day", "week", "month"]


class SegmentGrowth(Struct, frozen=True, kw_only=True):
    """A segment's size at the end of a stretch of time that begins at `at`, and who came and went in it."""

    at: datetime
    version: int
    size: int
    entered: int
    gone: int


class SegmentSizes(Struct, frozen=True, kw_only=True):
    """How large a segment was at the end of each of the last days, the oldest first; null before its first members."""

    segment_id: int
    sizes: list[int | None]


async def places_after(conn: Connection, after: int, limit: int) -> list[Place]:
    """Where the members of segments in force are: those with the next ids, in order."""
    async with conn.cursor(row_factory=struct_row(Place)) as cursor:
        return await (await cursor.execute(SQL.places_after, {"after": after, "limit": limit})).fetchall()


async def merged_since(conn: Connection, since: int) -> tuple[int, BitMap]:
    """(the transaction to ask from next time, who was merged away since `since`); every merge is told at least once."""
    row = await (await conn.execute(SQL.merged_since, {"since": since}, binary=True)).fetchone()
    assert row is not None
    return int(row[0]), bitmap(np.frombuffer(row[1] or b"", dtype=">i8"))


async def growth(
    conn: Connection, segment_id: int, *, step: Step, zone: str, since: datetime | None, until: datetime | None, limit: int
) -> list[SegmentGrowth]:
    """How a segment changed by minute, hour, day, week or month of a time zone, latest first; nothing where it did not."""
    params = {"id": segment_id, "step": step, "zone": zone, "since": since, "until": until, "limit": limit}
    async with conn.cursor(row_factory=struct_row(SegmentGrowth)) as cursor:
        return await (await cursor.execute(SQL.growth, params)).fetchall()


async def size_before(conn: Connection, segment_id: int, at: datetime) -> int:
    """The size a segment had just before an instant; 0 before its first members."""
    row = await (await conn.execute(SQL.size_before, {"id": segment_id, "at": at})).fetchone()
    return int(row[0]) if row else 0


async def sizes(conn: Connection, ids: Sequence[int], instants: Sequence[datetime]) -> list[SegmentSizes]:
    """The sizes of segments at these instants, ascending."""
    async with conn.cursor(row_factory=struct_row(SegmentSizes)) as cursor:
        return await (await cursor.execute(SQL.sizes, {"ids": list(ids), "instants": list(instants)})).fetchall()


async def fold_growth(conn: Connection, before: datetime) -> int:
    """Keep growth before an instant by the hour; how many hours were written."""
    return (await conn.execute(SQL.fold_growth, {"before": before})).rowcount


async def version_tree(conn: Connection, segment_id: int, version: int) -> Node | None:
    """The tree a segment had in a version."""
    row = await (await conn.execute(SQL.version_tree, {"id": segment_id, "version": version})).fetchone()
    return None if row is None else msgspec.convert(row[0], Node)


async def all_refs(conn: Connection) -> list[tuple[int, str, list[int]]]:
    """(id, name, what it refers to) of every segment in force that refers to any."""
    return await (await conn.execute(SQL.all_refs)).fetchall()


async def segment_names(conn: Connection, ids: Iterable[int]) -> dict[int, str]:
    """What some segments are called."""
    return dict(await (await conn.execute(SQL.segment_names, {"ids": list(ids)})).fetchall())
