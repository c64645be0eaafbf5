"""Erasing people's events from the lake: rows, and then the files that held them."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.awareness.events.lake import LAKE
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict

_TABLES = ("event", "event_by_profile")
_TRIES = 20
_TIMEOUT = 1800.0


async def erase_cold(ctx: Context, ids: Sequence[int]) -> int:
    """Delete these profiles' events from the lake and write anew every file that held one; returns how many.

    It changes the movers' row, so that a mover which has read their hot rows before they were deleted fails.
    """
    wanted = ", ".join(str(int(one)) for one in ids) or "null"
    deleted: list[list[tuple[object, ...]]] = []
    for attempt in range(_TRIES):
        try:
            async with ctx.lake.transaction(timeout=_TIMEOUT) as lake:
                await lake.run(LAKE.claim_move)
                deleted = [await lake.run(f"delete from lake.{table} where profile_id in ({wanted})") for table in _TABLES]
            break
        except LakeConflict:
            if attempt == _TRIES - 1:
                raise
    for table in _TABLES:
        await ctx.lake.command(LAKE.flush_inlined, {"table": table}, timeout=_TIMEOUT)
        await ctx.lake.command(LAKE.rewrite_deleted, {"table": table, "share": 0.0}, timeout=_TIMEOUT)
    return int(str(deleted[0][0][0])) if deleted[0] else 0
