"""What campaigns use of rooms below, told to them by a verb they know nothing of."""

from __future__ import annotations

from antiphon.awareness.segments import OtherUse, SegmentUsers
from antiphon.execution.campaigns.store import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, struct_row


async def of_segment(conn: Connection, segment_id: int) -> list[OtherUse]:
    """The campaigns that are for a segment, or for others than those in it."""
    async with conn.cursor(row_factory=struct_row(OtherUse)) as cur:
        return await (await cur.execute(SQL.using_segment, {"segment_id": segment_id})).fetchall()


def tell(ctx: Context) -> None:
    """Let segments say which campaigns use them."""
    if ctx.has(SegmentUsers):
        ctx.get(SegmentUsers).register("campaign", of_segment)
