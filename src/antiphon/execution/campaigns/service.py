"""The room's verbs: plan a campaign, try it, start, pause, resume and cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from antiphon.execution.campaigns import approval, store, trying
from antiphon.execution.campaigns.arms import number_of
from antiphon.execution.campaigns.checking import check_values
from antiphon.execution.campaigns.conversions import begin_counting
from antiphon.execution.campaigns.estimating import estimate
from antiphon.execution.campaigns.listening import begin_listening
from antiphon.execution.campaigns.model import Campaign, CampaignState, CampaignUnknown, Verb
from antiphon.execution.campaigns.running import ANSWERS, give_budget, instant_in_utc, ready_to_start, what_it_says
from antiphon.execution.content import under_subject
from antiphon.execution.delivery import Handed, hold, send_test
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal
from antiphon.foundation.recurrence import EARLIEST, Recurrence, check, first_wall, instant_of, preview

__all__ = [
    "LOOP", "add_campaign", "adopt", "archive", "cancel", "change_campaign", "delete_campaign", "estimate", "find", "next_runs",
    "pause", "resume", "start", "try_out",
]  # fmt: skip

LOOP = "campaigns.run"
UNSAID: Mapping[str, Any] = {
    "kind": "one_off", "local_at": None, "recurrence": None, "trigger": None, "purpose": "", "split": False, "hops": [],
    "usual_path": True, "holdout_percent": 0.0, "budget_micros": None, "goal": None, "arms": [], "arm_choice": None,
}  # fmt: skip
"""What a campaign is that says nothing of these."""


async def next_runs(ctx: Context, rule: Recurrence, count: int) -> list[datetime]:
    """The next times by a rule. Raises RecurrenceInvalid."""
    await asyncio.to_thread(check, rule)
    return await asyncio.to_thread(preview, rule, ctx.clock.now(), count)


async def find(conn: Connection, campaign_id: int) -> Campaign:
    """One campaign. Raises CampaignUnknown."""
    found = await store.find_campaign(conn, campaign_id)
    if found is None:
        raise CampaignUnknown(campaign=campaign_id)
    return found


async def locked(conn: Connection, campaign_id: int, verb: Verb) -> Campaign:
    """One campaign, held for a change. Raises CampaignUnknown, CampaignStateConflict."""
    campaign = await store.lock_campaign(conn, campaign_id)
    if campaign is None:
        raise CampaignUnknown(campaign=campaign_id)
    campaign.require(verb)
    return campaign


async def add_campaign(ctx: Context, conn: Connection, who: Principal, values: Mapping[str, Any]) -> Campaign:
    """A new draft. Raises ChannelUnknown, WrongChannel and what its parts raise; other fields may still be missing."""
    values = {**UNSAID, **values}
    await check_values(ctx, conn, values)
    now = ctx.clock.now()
    campaign_id = await store.insert_campaign(conn, {**values, "created_by": who.name, "author": who.subject, "now": now})
    campaign = await find(conn, campaign_id)
    await audit(conn, who, action="campaigns.add", subject=f"campaign:{campaign_id}", before=None, after=campaign)
    return campaign


async def change_campaign(
    ctx: Context, conn: Connection, who: Principal, campaign_id: int, values: Mapping[str, Any]
) -> Campaign:
    """Change a campaign that has not started; an approval of what it was is taken back. Raises as `add_campaign`, and
    CampaignStateConflict."""
    before = await locked(conn, campaign_id, "change")
    values = {**UNSAID, **values}
    await check_values(ctx, conn, values)
    state: CampaignState = "scheduled" if before.state == "scheduled" and before.approval is None else "draft"
    await store.update_campaign(
        conn, {**values, "id": campaign_id, "state": state, "author": who.subject, "now": ctx.clock.now()}
    )
    after = await find(conn, campaign_id)
    if state == "scheduled":
        await ready_to_start(ctx, conn, after)
        if after.kind != "one_off":  # it is no longer one that waits for its time
            await store.move_campaign(conn, campaign_id, "draft", now=ctx.clock.now())
            after = await find(conn, campaign_id)
    await audit(conn, who, action="campaigns.change", subject=f"campaign:{campaign_id}", before=before, after=after)
    await wake(conn, LOOP)
    return after


async def delete_campaign(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> None:
    """Remove a draft. Raises CampaignUnknown, CampaignStateConflict."""
    before = await locked(conn, campaign_id, "delete")
    await store.delete_campaign(conn, campaign_id)
    await audit(conn, who, action="campaigns.delete", subject=f"campaign:{campaign_id}", before=before, after=None)


async def archive(ctx: Context, conn: Connection, who: Principal, campaign_id: int, *, away: bool) -> Campaign:
    """Put a campaign out of the list, or back into it. Raises CampaignUnknown."""
    now = ctx.clock.now()
    if not await store.archive_campaign(conn, campaign_id, now if away else None, now):
        raise CampaignUnknown(campaign=campaign_id)
    action = "campaigns.archive" if away else "campaigns.unarchive"
    await audit(conn, who, action=action, subject=f"campaign:{campaign_id}", before=None, after=None)
    return await find(conn, campaign_id)


async def start(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Let a campaign start: a one-off at its time or now, a recurring one at its next time, a triggered one with the next event.

    Raises CampaignIncomplete, CampaignStateConflict, NotPublished, NoAccount, and ApprovalNeeded where others must agree first.
    """
    campaign = await locked(conn, campaign_id, "start")
    ready = await ready_to_start(ctx, conn, campaign)
    await approval.require(conn, campaign)
    now = ctx.clock.now()
    if campaign.kind == "one_off":
        local = campaign.local_at
        send_at = campaign.send_at or now if local is None else max(now, instant_in_utc(local) - EARLIEST)
        await store.move_campaign(conn, campaign_id, "scheduled", now=now, send_at=send_at)
    elif campaign.kind == "recurring":
        assert campaign.recurrence is not None
        wall = await asyncio.to_thread(first_wall, campaign.recurrence, now)
        await store.move_campaign(conn, campaign_id, "running", now=now, started_at=now)
        at = None if wall is None else instant_of(campaign.recurrence, wall)
        await store.wait_for(conn, campaign_id, wall, at)
    else:
        await store.move_campaign(
            conn, campaign_id, "running", now=now, started_at=now, template_version_id=ready.template_version_id,
            account_id=ready.account_id,
        )  # fmt: skip
        if campaign.arms:
            await trying.open_arms(ctx, conn, campaign, ANSWERS)
        await begin_listening(conn)
    if campaign.goal is not None:
        await begin_counting(conn, now)
    if campaign.kind != "one_off":
        await give_budget(ctx, conn, who, campaign)
    await audit(conn, who, action="campaigns.start", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    await wake(conn, LOOP)
    return await find(conn, campaign_id)


async def pause(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Say nothing more until it is resumed; what is on the way is brought to its end.

    Events that a triggered one answers are still taken: their messages wait, and are said later if they are not too old.
    """
    campaign = await locked(conn, campaign_id, "pause")
    await store.move_campaign(conn, campaign_id, "paused", now=ctx.clock.now())
    await store.hold_for(conn, campaign_id, None)
    await hold(conn, campaign_id, "paused")
    await audit(conn, who, action="campaigns.pause", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def resume(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Go on where it was paused; times a recurring one missed meanwhile are treated by its own rule."""
    campaign = await locked(conn, campaign_id, "resume")
    going: CampaignState = "sending" if campaign.kind == "one_off" else "running"
    state: CampaignState = going if campaign.started_at is not None else "scheduled"
    await store.move_campaign(conn, campaign_id, state, now=ctx.clock.now())
    await store.hold_for(conn, campaign_id, None)
    if campaign.kind == "triggered" and campaign.held_reason is not None:  # it did not listen: what happened since is past
        await begin_listening(conn)
    await hold(conn, campaign_id, "active")
    await wake(conn, LOOP)
    await audit(conn, who, action="campaigns.resume", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def cancel(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """End it for good. What was said was said; everybody else gets a row that says it was cancelled."""
    campaign = await locked(conn, campaign_id, "cancel")
    now = ctx.clock.now()
    over = now if campaign.started_at is None else None
    await store.move_campaign(conn, campaign_id, "cancelled", now=now, finished_at=over)
    await store.wait_for(conn, campaign_id, None, None)
    await hold(conn, campaign_id, "cancelled")
    await wake(conn, LOOP)
    await audit(conn, who, action="campaigns.cancel", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def adopt(ctx: Context, conn: Connection, who: Principal, campaign_id: int, arm: str) -> Campaign:
    """Choose an arm for everybody not decided on yet. Raises ArmUnknown, ArmChosen, CampaignStateConflict."""
    await trying.adopt(ctx, conn, who, await locked(conn, campaign_id, "adopt"), arm, why="person")
    return await find(conn, campaign_id)


async def try_out(
    ctx: Context, conn: Connection, who: Principal, campaign_id: int, *, address: str, as_profile: int | None,
    arm: str | None = None,
) -> Handed:  # fmt: skip
    """Send the campaign's message, or one of its arms', to an address of staff. Raises CampaignIncomplete, NotPublished and
    ArmUnknown."""
    campaign = await find(conn, campaign_id)
    chosen = campaign.arms[number_of(campaign.arms, arm)] if arm is not None else next(iter(campaign.arms), None)
    if chosen is not None:
        campaign = campaign.by_arm(chosen)
    ready = await what_it_says(ctx, conn, campaign)
    version = ready.template_version_id
    if chosen is not None and chosen.subject is not None:
        version = await under_subject(conn, version, chosen.subject, ctx.clock.now())
    handed = await send_test(
        ctx, conn, address=address, channel=campaign.channel, template_version_id=version,
        account_id=ready.account_id, as_profile=as_profile,
    )  # fmt: skip
    await audit(conn, who, action="campaigns.test", subject=f"campaign:{campaign_id}", before=None, after={"address": address})
    return handed
