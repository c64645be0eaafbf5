"""Background work of campaigns: start those that are due, hand audiences to the gate in chunks, note who is finished."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice

from pyroaring import BitMap

from antiphon.awareness.events import LANES
from antiphon.execution.campaigns import choosing, conversions, curve, keys, listening, running, service, store, trying
from antiphon.execution.campaigns.approval import is_needed
from antiphon.execution.campaigns.holding import keep_back
from antiphon.execution.campaigns.model import ApprovalNeeded, Campaign, CampaignState
from antiphon.execution.delivery import CHUNK, Intents, Verdict, is_waiting, submit_all
from antiphon.foundation.access import SYSTEM, audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection
from antiphon.foundation.recurrence import Turn, instant_of, turn
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
BUCKETS = 16
AT_ONCE = 10  # parts of an audience handed in before others have their turn


async def run_campaigns(ctx: Context, held: Held) -> bool:
    """One tick: one step of each campaign of our buckets, each in a transaction of its own."""
    async with ctx.db.connection() as conn:
        ids = await store.open_campaigns(conn, held.buckets, BUCKETS, ctx.clock.now())
    more = False
    for campaign_id in ids:
        mine = held.only([campaign_id % BUCKETS])
        async with ctx.db.connection() as conn:
            campaign = await store.find_campaign(conn, campaign_id)
        if campaign is not None and _is_due(ctx, campaign):
            await running.freshen(ctx, campaign)
            more = await _begin(ctx, mine, campaign_id) or more
        else:
            try:
                more = await _decide(ctx, mine, campaign_id) or more
            except LeaseLost:
                raise
            except AntiphonError as failed:
                await _hold(ctx, mine, campaign_id, failed)
    return more


def _is_due(ctx: Context, campaign: Campaign) -> bool:
    if campaign.state == "scheduled":
        return True
    return campaign.state == "running" and campaign.next_at is not None and campaign.next_at <= ctx.clock.now()


async def _begin(ctx: Context, held: Held, campaign_id: int) -> bool:
    """Start a campaign whose time has come, or a time of a recurring one. One that cannot is paused, where a person sees it."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        campaign = await store.lock_campaign(conn, campaign_id)
        if campaign is None or not _is_due(ctx, campaign):
            return False
        try:
            async with conn.transaction():
                return await _freeze(ctx, conn, campaign)
        except AntiphonError as failed:
            log.warning("a campaign cannot start", campaign=campaign_id, error=str(failed))
            back: CampaignState = "draft" if isinstance(failed, ApprovalNeeded) else "paused"
            await keep_back(ctx, conn, campaign_id, failed, back)
            return False


async def _hold(ctx: Context, held: Held, campaign_id: int, failed: AntiphonError) -> None:
    """What is wrong with one campaign keeps back that one alone."""
    log.warning("a campaign cannot go on", campaign=campaign_id, error=str(failed))
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        campaign = await store.lock_campaign(conn, campaign_id)
        if campaign is not None and campaign.state in ("sending", "running"):
            await keep_back(ctx, conn, campaign_id, failed)


async def _freeze(ctx: Context, conn: Connection, campaign: Campaign) -> bool:
    """Freeze whom it is for and what it says. False while one of its segments has not been worked out since it was changed."""
    now = ctx.clock.now()
    if campaign.kind == "recurring":
        return await _take_turn(ctx, conn, campaign)
    await running.ready_to_start(ctx, conn, campaign)
    if campaign.approval is None and await is_needed(conn, campaign):  # it has grown, or the rule has changed
        raise ApprovalNeeded
    if not await running.are_worked_out(conn, campaign):
        return False
    ready = await trying.freeze(
        ctx, conn, campaign, running.ONCE, planned_for=campaign.send_at or now, local_at=campaign.local_at
    )
    await running.give_budget(ctx, conn, SYSTEM, campaign)
    await store.move_campaign(
        conn, campaign.id, "sending", now=now, template_version_id=ready.template_version_id, account_id=ready.account_id,
        started_at=now,
    )  # fmt: skip
    return True


async def _take_turn(ctx: Context, conn: Connection, campaign: Campaign) -> bool:
    """The next time of a recurring campaign, by its rule for missed ones."""
    rule = campaign.recurrence
    assert rule is not None
    assert campaign.next_wall is not None
    now = ctx.clock.now()
    due: Turn = turn(rule, campaign.next_wall, now)
    if due.due:
        if not await running.are_worked_out(conn, campaign):
            return False
        wall = due.due[0]
        await trying.freeze(
            ctx, conn, campaign, wall.isoformat(timespec="minutes"), planned_for=instant_of(rule, wall),
            local_at=wall if rule.local else None,
        )  # fmt: skip
    if due.passed_over:
        after = {"times": due.passed_over, "rule": rule.missed}
        await audit(conn, SYSTEM, action="campaigns.pass_over", subject=f"campaign:{campaign.id}", after=after)
    following = due.following
    await store.wait_for(conn, campaign.id, following, None if following is None else instant_of(rule, following))
    return True


class _Changed(Exception):
    """Somebody paused or cancelled the campaign meanwhile."""


async def _decide(ctx: Context, held: Held, campaign_id: int) -> bool:
    """Hand the next parts of an audience to the gate, each in a transaction in which its place moves as well."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        campaign = await store.lock_campaign(conn, campaign_id)
        if campaign is None or campaign.state not in ("sending", "running", "cancelled"):
            return False
        one = await _next_open(ctx, conn, campaign)
        if one is None:
            return False
        members, excluded = map(BitMap.deserialize, await store.read_audience(conn, campaign_id, one.occurrence))
        dispatch = None if campaign.arms else await running.campaign_dispatch(ctx, conn, campaign, one)
    if dispatch is None:
        await _try(ctx, held, campaign, one, members, excluded)
        return True
    taken = one.taken

    async def within(conn: Connection, part: Intents, verdict: Verdict | None) -> None:
        nonlocal taken
        if verdict is None:
            await held.fence(conn)
            found = await store.lock_campaign(conn, campaign_id)
            if found is None or found.state != campaign.state:
                raise _Changed
            return
        start, taken = taken, taken + len(part.profile_ids)
        await store.advance(conn, campaign_id, one.occurrence, start=start, to=taken)
        log.info("decided", campaign=campaign_id, occurrence=one.occurrence, done=taken, of=one.size, passed=verdict.passed)

    parts = (_part(ctx, campaign, one, members, excluded, start) for start in range(one.taken, one.size, CHUNK))
    with suppress(_Changed):
        await submit_all(ctx, dispatch, islice(parts, AT_ONCE), within=within)
    return True


async def _try(
    ctx: Context, held: Held, campaign: Campaign, one: store.Occurrence, members: BitMap, excluded: BitMap
) -> None:
    """The same for a campaign with arms: a part goes to the gate arm by arm, by what was chosen until then."""
    for start in islice(range(one.taken, one.size, CHUNK), AT_ONCE):
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            found = await store.lock_campaign(conn, campaign.id)
            if found is None or found.state != campaign.state:
                return
            part = _part(ctx, campaign, one, members, excluded, start)
            await trying.hand_in(ctx, conn, found, one.occurrence, part)
            await store.advance(conn, campaign.id, one.occurrence, start=start, to=start + len(part.profile_ids))


def _part(
    ctx: Context, campaign: Campaign, one: store.Occurrence, members: BitMap, excluded: BitMap, start: int
) -> Intents:
    """The intents of a part of an occurrence's audience."""
    part = running.part_of(members, excluded, start, min(start + CHUNK, one.size))
    return running.timed(running.coded(ctx, campaign, running.held(ctx, campaign, part)), one.planned_for, one.local_at)


async def _next_open(ctx: Context, conn: Connection, campaign: Campaign) -> store.Occurrence | None:
    """The occurrence that is to be decided on; those whose messages were all said are over, and with the last the campaign."""
    waiting = False
    for one in await store.open_occurrences(conn, campaign.id):
        if one.waits and campaign.state != "cancelled":
            waiting = True
            continue
        if one.taken < one.size:
            return one
        if await _is_waiting(ctx, conn, campaign, one):
            waiting = True
        else:
            await store.end_occurrence(conn, campaign.id, one.occurrence, ctx.clock.now())
    if campaign.kind == "triggered":
        waiting = await _is_waiting(ctx, conn, campaign, running.ANSWERS)
    if not waiting and (campaign.state != "running" or campaign.next_wall is None):
        now = ctx.clock.now()
        state: CampaignState = "cancelled" if campaign.state == "cancelled" else "finished"
        await store.move_campaign(conn, campaign.id, state, now=now, finished_at=now)
        log.info("campaign over", campaign=campaign.id, state=state)
    return None


async def _is_waiting(ctx: Context, conn: Connection, campaign: Campaign, one: store.Occurrence | str) -> bool:
    """Whether something of an occurrence is still to be said."""
    if not campaign.arms:
        return await is_waiting(conn, (await running.campaign_dispatch(ctx, conn, campaign, one)).id)
    name = one if isinstance(one, str) else one.occurrence
    return any([await is_waiting(conn, dispatch_id) for dispatch_id in await trying.spoken_by(conn, campaign, name)])


LOOPS = (
    Loop(service.LOOP, run_campaigns, interval=1.0, buckets=BUCKETS),
    Loop(listening.LOOP, listening.listen, interval=0.3, buckets=LANES),
    Loop(conversions.LOOP, conversions.count_conversions, interval=1.0, buckets=LANES),
    Loop(curve.LOOP, curve.keep_snapshots, interval=30.0, buckets=1),
    *choosing.LOOPS,
    Loop(keys.LOOP, keys.tidy, interval=60.0, buckets=1),
)
