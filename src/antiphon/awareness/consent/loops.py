"""Suppressed addresses whose time is over leave the list by themselves."""

from __future__ import annotations

from antiphon.awareness.consent import service
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

MOST = 5000


async def run_out(ctx: Context, held: Held) -> bool:
    """Let go of a handful; whether there may be more."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        return await service.run_out(ctx, conn, MOST) == MOST


LOOPS = (Loop("consent.run_out", run_out, interval=30.0, buckets=1),)
