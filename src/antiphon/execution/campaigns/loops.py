"""Background work of campaigns: start those that are due, hand audiences to the gate in chunks, note who is finished."""

from __future__ import annotations

import msgspec
from pyroaring import BitMap

from antiphon.execution.campaigns import service, store
from antiphon.execution.campaigns.model import Campaign, CampaignState
from antiphon.execution.delivery import CHUNK, is_waiting, submit
from antiphon.foundation.access import SYSTEM, audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
BUCKETS = 16


async def run_campaigns(ctx: Context, held: Held) -> bool:
    """One tick: one step of each campaign of our buckets, each in a transaction of its own."""
    async with ctx.db.connection() as conn:
        ids = await store.open_campaigns(conn, held.buckets, BUCKETS, ctx.clock.now())
    more = False
    for campaign_id in ids:
        mine = held.only([campaign_id % BUCKETS])
        async with ctx.db.connection() as conn:
            campaign = await store.find_campaign(conn, campaign_id)
        if campaign is not None and campaign.state == "scheduled":
            await service.freshen(ctx, campaign)
            more = await _begin(ctx, mine, campaign_id) or more
        else:
            more = await _decide(ctx, mine, campaign_id) or more
    return more


async def _begin(ctx: Context, held: Held, campaign_id: int) -> bool:
    """Start a campaign whose time has come. One that cannot start is paused, where a person finds it."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        campaign = await store.lock_campaign(conn, campaign_id)
        if campaign is None or campaign.state != "scheduled":
            return False
        try:
            async with conn.transaction():
                return await service.begin(ctx, conn, campaign)
        except AntiphonError as failed:
            log.warning("a campaign cannot start", campaign=campaign_id, error=str(failed))
            await store.move_campaign(conn, campaign_id, "paused", now=ctx.clock.now())
            await audit(conn, SYSTEM, action="campaigns.pause", subject=f"campaign:{campaign_id}", after={"why": str(failed)})
            return False


async def _decide(ctx: Context, held: Held, campaign_id: int) -> bool:
    """Hand the next part of an audience to the gate; its place moves in the same transaction."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        campaign = await store.lock_campaign(conn, campaign_id)
        if campaign is None or campaign.state not in ("sending", "cancelled"):
            return False
        progress = await store.find_progress(conn, campaign_id)
        if progress is None or progress.taken >= progress.size:
            await _finish(ctx, conn, campaign, progress)
            return False
        members, excluded = map(BitMap.deserialize, await store.read_audience(conn, campaign_id, progress.occurrence))
        until = min(progress.taken + CHUNK, progress.size)
        dispatch = await service.campaign_dispatch(ctx, conn, campaign, progress.occurrence)
        intents = service.part_of(members, excluded, progress.taken, until)
        verdict = await submit(ctx, conn, dispatch, msgspec.structs.replace(intents, due_at=campaign.send_at))
        await store.advance(conn, campaign_id, progress.occurrence, start=progress.taken, to=until)
    log.info("decided", campaign=campaign_id, done=until, of=progress.size, passed=verdict.passed)
    return True


async def _finish(ctx: Context, conn: Connection, campaign: Campaign, progress: store.Progress | None) -> None:
    """Everybody is decided; when nothing waits to be said any more the campaign is over."""
    if progress is not None:
        dispatch = await service.campaign_dispatch(ctx, conn, campaign, progress.occurrence)
        if await is_waiting(conn, dispatch.id):
            return
    now = ctx.clock.now()
    state: CampaignState = "cancelled" if campaign.state == "cancelled" else "finished"
    await store.move_campaign(conn, campaign.id, state, now=now, finished_at=now)
    log.info("campaign over", campaign=campaign.id, state=state)


LOOPS = (Loop(service.LOOP, run_campaigns, interval=1.0, buckets=BUCKETS),)
