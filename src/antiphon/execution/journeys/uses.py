"""What journeys use of rooms below, told to them by a verb they know nothing of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.awareness.segments import OtherUse, SegmentUsers
from antiphon.execution.journeys.definitions import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, struct_row
from antiphon.foundation.rooms import Resource


class Uses:
    """That journeys have told what they use."""


async def of_segment(conn: Connection, segment_id: int) -> list[OtherUse]:
    """The journeys that name a segment: as a way in, or in a condition."""
    number = int(segment_id)
    path = f'$.** ? (@.segment_id == {number} || (@.kind == "segment" && @.id == {number}))'
    async with conn.cursor(row_factory=struct_row(OtherUse)) as cur:
        return await (await cur.execute(SQL.using_segment, {"path": path})).fetchall()


@asynccontextmanager
async def open_uses(ctx: Context) -> AsyncIterator[Uses]:
    """Let segments say which journeys use them."""
    if ctx.has(SegmentUsers):
        ctx.get(SegmentUsers).register("journey", of_segment)
    yield Uses()


RESOURCES = (Resource(Uses, open_uses),)
