"""The room's verbs: plan a campaign, ask what it would reach, try it, start, pause, resume and cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pyroaring import BitMap

from antiphon.awareness.consent import ChannelRegistry, topic_title
from antiphon.awareness.segments import SegmentNotFound, find_segment, members, refresh
from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.model import (
    Campaign,
    CampaignIncomplete,
    CampaignUnknown,
    NoSuchPart,
    NotPublished,
    Verb,
    WrongChannel,
    dispatch_key,
)
from antiphon.execution.channels import Channels
from antiphon.execution.delivery import (
    CHUNK,
    CLASSES,
    Dispatch,
    Handed,
    Intents,
    NewDispatch,
    Verdict,
    default_account,
    estimate as ask_gate,
    hold,
    open_dispatch,
    send_test,
)
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
LOOP = "campaigns.run"
OCCURRENCE = "1"  # of a one-off campaign


class Ready(NamedTuple):
    """What a campaign that can start will say, through what."""

    template_version_id: int
    account_id: int


async def find(conn: Connection, campaign_id: int) -> Campaign:
    """One campaign. Raises CampaignUnknown."""
    found = await store.find_campaign(conn, campaign_id)
    if found is None:
        raise CampaignUnknown(campaign=campaign_id)
    return found


async def _locked(conn: Connection, campaign_id: int, verb: Verb) -> Campaign:
    campaign = await store.lock_campaign(conn, campaign_id)
    if campaign is None:
        raise CampaignUnknown(campaign=campaign_id)
    campaign.require(verb)
    return campaign


async def add_campaign(ctx: Context, conn: Connection, who: Principal, values: Mapping[str, Any]) -> Campaign:
    """A new draft. Raises ChannelUnknown, WrongChannel; other fields may still be missing."""
    await _check(ctx, conn, values)
    now = ctx.clock.now()
    campaign_id = await store.insert_campaign(conn, {**values, "created_by": who.name, "now": now})
    campaign = await find(conn, campaign_id)
    await audit(conn, who, action="campaigns.add", subject=f"campaign:{campaign_id}", before=None, after=campaign)
    return campaign


async def change_campaign(
    ctx: Context, conn: Connection, who: Principal, campaign_id: int, values: Mapping[str, Any]
) -> Campaign:
    """Change a campaign that has not started. Raises as `add_campaign`, and CampaignStateConflict."""
    before = await _locked(conn, campaign_id, "change")
    await _check(ctx, conn, values)
    await store.update_campaign(conn, {**values, "id": campaign_id, "now": ctx.clock.now()})
    if before.state == "scheduled":
        await ready_to_start(ctx, conn, await find(conn, campaign_id))
    after = await find(conn, campaign_id)
    await audit(conn, who, action="campaigns.change", subject=f"campaign:{campaign_id}", before=before, after=after)
    await wake(conn, LOOP)
    return after


async def delete_campaign(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> None:
    """Remove a draft. Raises CampaignUnknown, CampaignStateConflict."""
    before = await _locked(conn, campaign_id, "delete")
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
    """Let a draft start, at its time or now: the loop freezes its audience in a moment. Raises CampaignIncomplete,
    CampaignStateConflict, NotPublished, NoAccount."""
    campaign = await _locked(conn, campaign_id, "start")
    await ready_to_start(ctx, conn, campaign)
    now = ctx.clock.now()
    await store.move_campaign(conn, campaign_id, "scheduled", now=now, send_at=campaign.send_at or now)
    await audit(conn, who, action="campaigns.start", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    await wake(conn, LOOP)
    return await find(conn, campaign_id)


async def freshen(ctx: Context, campaign: Campaign) -> None:
    """Work out the campaign's segments as of now. Where that fails their last members stand, if they ever had any."""
    ids = [s for s in (campaign.segment_id, *campaign.excluded_segment_ids) if s is not None]
    try:
        await refresh(ctx, ids)
    except AntiphonError as failed:
        log.warning("segments not refreshed", campaign=campaign.id, error=str(failed))


async def begin(ctx: Context, conn: Connection, campaign: Campaign) -> bool:
    """Freeze whom it is for and what it says, in the caller's transaction; the loop does the rest.

    False while one of its segments has not been worked out since it was last changed.
    """
    ready = await ready_to_start(ctx, conn, campaign)
    for segment_id in (campaign.segment_id, *campaign.excluded_segment_ids):
        assert segment_id is not None
        segment = await find_segment(conn, segment_id)
        if segment.tree is not None and segment.evaluated_version != segment.version:
            return False
    now = ctx.clock.now()
    people, excluded = await _audience(conn, campaign)
    await store.freeze_audience(
        conn,
        campaign.id,
        OCCURRENCE,
        members=people.serialize(),
        excluded=excluded.serialize(),
        size=len(people),
        now=now,
    )
    await store.move_campaign(
        conn,
        campaign.id,
        "sending",
        now=now,
        template_version_id=ready.template_version_id,
        account_id=ready.account_id,
        started_at=now,
    )
    return True


async def ready_to_start(ctx: Context, conn: Connection, campaign: Campaign) -> Ready:
    """What it will say and through what. Raises CampaignIncomplete, NotPublished, NoAccount."""
    if campaign.segment_id is None:
        raise CampaignIncomplete(field="segment_id", what="it has no segment")
    return await _ready(ctx, conn, campaign)


async def pause(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Say nothing more until it is resumed; what is on the way is brought to its end."""
    campaign = await _locked(conn, campaign_id, "pause")
    await store.move_campaign(conn, campaign_id, "paused", now=ctx.clock.now())
    await hold(conn, campaign_id, "paused")
    await audit(conn, who, action="campaigns.pause", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def resume(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """Go on where it was paused."""
    campaign = await _locked(conn, campaign_id, "resume")
    state = "sending" if campaign.started_at is not None else "scheduled"
    await store.move_campaign(conn, campaign_id, state, now=ctx.clock.now())  # type: ignore[arg-type]
    await hold(conn, campaign_id, "active")
    await wake(conn, LOOP)
    await audit(conn, who, action="campaigns.resume", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def cancel(ctx: Context, conn: Connection, who: Principal, campaign_id: int) -> Campaign:
    """End it for good. What was said was said; everybody else gets a row that says it was cancelled."""
    campaign = await _locked(conn, campaign_id, "cancel")
    now = ctx.clock.now()
    over = now if campaign.started_at is None else None
    await store.move_campaign(conn, campaign_id, "cancelled", now=now, finished_at=over)
    await hold(conn, campaign_id, "cancelled")
    await wake(conn, LOOP)
    await audit(conn, who, action="campaigns.cancel", subject=f"campaign:{campaign_id}", before=campaign, after=None)
    return await find(conn, campaign_id)


async def try_out(
    ctx: Context, conn: Connection, who: Principal, campaign_id: int, *, address: str, as_profile: int | None
) -> Handed:
    """Send the campaign's message to an address of staff. Raises CampaignIncomplete, NotPublished."""
    campaign = await find(conn, campaign_id)
    ready = await _ready(ctx, conn, campaign)
    handed = await send_test(
        ctx, conn, address=address, channel=campaign.channel, template_version_id=ready.template_version_id,
        account_id=ready.account_id, as_profile=as_profile,
    )  # fmt: skip
    await audit(conn, who, action="campaigns.test", subject=f"campaign:{campaign_id}", before=None, after={"address": address})
    return handed


async def estimate(ctx: Context, campaign_id: int) -> Verdict:
    """Whom the campaign would reach if it started now, and who would be refused why: the gate itself, asked."""
    async with ctx.db.connection() as conn:
        campaign = await find(conn, campaign_id)
    if campaign.segment_id is None:
        raise CampaignIncomplete(field="segment_id", what="it has no segment")
    if campaign.message_class == "marketing" and campaign.topic is None:
        raise CampaignIncomplete(field="topic", what="marketing needs a topic customers consented to")
    await freshen(ctx, campaign)
    asked = Dispatch(
        id=0, key=dispatch_key(campaign.id, "estimate"), channel=campaign.channel, message_class=campaign.message_class,
        topic=campaign.topic, account_id=campaign.account_id, template_version_id=None, content=None,
        campaign_id=campaign.id, occurrence="estimate", track_opens=False, track_clicks=False, state="active",
        created_at=ctx.clock.now(),
    )  # fmt: skip
    async with ctx.db.connection() as conn:
        people, excluded = await _audience(conn, campaign)
        verdict = Verdict()
        for start in range(0, len(people), CHUNK):
            verdict += await ask_gate(ctx, conn, asked, part_of(people, excluded, start, start + CHUNK))
    return verdict


def part_of(people: BitMap, excluded: BitMap, start: int, end: int) -> Intents:
    """The intents of a part of an audience, by places in its order."""
    part = people[start:end]
    return Intents(profile_ids=part.to_array(), excluded=(excluded & part).to_array())


async def campaign_dispatch(ctx: Context, conn: Connection, campaign: Campaign, occurrence: str) -> Dispatch:
    """The dispatch a started campaign speaks by."""
    new = NewDispatch(
        key=dispatch_key(campaign.id, occurrence),
        channel=campaign.channel,
        message_class=campaign.message_class,
        topic=campaign.topic,
        account_id=campaign.account_id,
        template_version_id=campaign.template_version_id,
        campaign_id=campaign.id,
        occurrence=occurrence,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
    )
    return await open_dispatch(ctx, conn, new)


async def _audience(conn: Connection, campaign: Campaign) -> tuple[BitMap, BitMap]:
    """(members of the segment, those of them whom an excluded segment names)."""
    assert campaign.segment_id is not None
    people = await members(conn, campaign.segment_id)
    excluded = BitMap()
    for segment_id in campaign.excluded_segment_ids:
        excluded |= await members(conn, segment_id)
    return people, excluded & people


async def _check(ctx: Context, conn: Connection, values: Mapping[str, Any]) -> None:
    """What can be known to be wrong of an unfinished campaign."""
    channel = ctx.get(ChannelRegistry)[values["channel"]].name
    if values["topic"] is not None:
        await topic_title(conn, values["topic"])
    for field in ("segment_id", "excluded_segment_ids"):
        wanted = values[field] if isinstance(values[field], list) else [values[field]]
        for segment_id in wanted:
            await _check_segment(conn, segment_id, field)
    if values["template_id"] is not None:
        found = await store.published_version(conn, values["template_id"])
        if found is None:
            raise NoSuchPart(field="template_id", what="template", id=values["template_id"])
        if found[0] != channel:
            raise WrongChannel(field="template_id", what="template", channel=channel)
    if values["account_id"] is not None:
        account = await store.account_channel(conn, values["account_id"])
        if account is None:
            raise NoSuchPart(field="account_id", what="account", id=values["account_id"])
        if account != channel:
            raise WrongChannel(field="account_id", what="account", channel=channel)


async def _check_segment(conn: Connection, segment_id: int | None, field: str) -> None:
    if segment_id is None:
        return
    try:
        await find_segment(conn, segment_id)
    except SegmentNotFound:
        raise NoSuchPart(field=field, what="segment", id=segment_id) from None


async def _ready(ctx: Context, conn: Connection, campaign: Campaign) -> Ready:
    if campaign.template_id is None:
        raise CampaignIncomplete(field="template_id", what="it has no template")
    if CLASSES[campaign.message_class].needs_consent and campaign.topic is None:
        raise CampaignIncomplete(field="topic", what="marketing needs a topic customers consented to")
    found = await store.published_version(conn, campaign.template_id)
    version = campaign.template_version_id or (found[1] if found else None)
    if version is None:
        raise NotPublished(field="template_id")
    account_id = campaign.account_id or await default_account(ctx, conn, campaign.channel)
    if (await ctx.get(Channels).account(conn, account_id)).enabled:
        return Ready(version, account_id)
    raise CampaignIncomplete(field="account_id", what="its account is switched off")
