"""Background work of delivery: speaking, and settling what was spoken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon.execution.channels import Channels
from antiphon.execution.delivery import accounts, budgets, pace
from antiphon.execution.delivery.displaced import RETURNING
from antiphon.execution.delivery.model import BUCKETS
from antiphon.execution.delivery.sender import Sender
from antiphon.execution.delivery.service import SEND_LOOP
from antiphon.execution.delivery.settling import settle_sent
from antiphon.execution.delivery.watching import RUNNING_OUT, WATCHING
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop


@asynccontextmanager
async def open_sender(ctx: Context) -> AsyncIterator[Sender]:
    """A worker's voice."""
    yield Sender(ctx, ctx.get(Channels))


async def fold_costs(ctx: Context, held: Held) -> bool:
    """Fold what was paid and freed into budgets and days; forget what nobody asks for any more."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        more = await budgets.fold(conn, now)
        if not more:
            await accounts.forget(conn, now)
            await pace.forget(conn, now)
    return more


async def send_due(ctx: Context, held: Held) -> bool:
    """Say what is due to the people of the buckets held."""
    return await ctx.get(Sender).work(held)


LOOPS = (
    Loop(SEND_LOOP, send_due, interval=0.5, buckets=BUCKETS),
    Loop("delivery.settle", settle_sent, interval=2.0, buckets=BUCKETS),
    WATCHING,
    RUNNING_OUT,
    RETURNING,
    Loop("delivery.costs", fold_costs, interval=2.0, buckets=1),
)
