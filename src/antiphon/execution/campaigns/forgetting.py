"""Forgetting in time what triggered campaigns have answered by its key: `answered_days`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import load_queries

SQL = load_queries(Path(__file__).with_name("forgetting.sql"))
AT_ONCE = 20_000


async def forget_answered(ctx: Context, held: Held) -> bool:
    """One tick: some of what is kept no longer."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        params = {"before": ctx.clock.now() - timedelta(days=ctx.settings.answered_days), "most": AT_ONCE}
        done = await conn.execute(SQL.prune_answered, params)
    return done.rowcount == AT_ONCE


FORGETTING = Loop("campaigns.forgetting", forget_answered, interval=60.0, buckets=1)
