"""The watch over chains: whoever was not said, or has not answered in time, is handed to the next hop. And over
verifications, whose time runs out."""

from __future__ import annotations

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.delivery import chains, service, verifications
from antiphon.execution.delivery.model import BUCKETS
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
AT_ONCE = 5_000


async def watch_chains(ctx: Context, held: Held) -> bool:
    """One tick: what is due leaves the watch and enters the gate in one transaction."""
    alike = {kind.name: kind.identity for kind in ctx.get(ChannelRegistry)}
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        taken, onwards = await chains.take_due(conn, held.buckets, ctx.clock.now(), most=AT_ONCE, alike=alike)
        for onward in onwards:
            await service.go_on(ctx, conn, onward)
    if onwards:
        log.info("next hops", count=sum(len(onward.origins) for onward in onwards))
    return taken > 0


async def run_out(ctx: Context, held: Held) -> bool:
    """One tick: verifications that ran out end, and what ended long ago is forgotten."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        return await verifications.run_out(ctx, conn, AT_ONCE) > 0


WATCHING = Loop(chains.WATCH_LOOP, watch_chains, interval=1.0, buckets=BUCKETS)
RUNNING_OUT = Loop("delivery.verifications", run_out, interval=5.0, buckets=1)
