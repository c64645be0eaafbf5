"""A campaign that is said: what it says through what, whom each time it is said is for, and the dispatch it speaks by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments import find_segment, members, refresh
from antiphon.decisioning.experiments import held_out
from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.goals import personal_code
from antiphon.execution.campaigns.model import Campaign, CampaignIncomplete, NotPublished, dispatch_key
from antiphon.execution.campaigns.store import Occurrence
from antiphon.execution.channels import Channels
from antiphon.execution.delivery import (
    CLASSES,
    Dispatch,
    Hop,
    Intents,
    NewDispatch,
    add_budget,
    default_account,
    open_dispatch,
    usual_path,
)
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
ONCE = "1"
"""The occurrence of a one-off campaign."""
ANSWERS = "answers"
"""The occurrence of a triggered one: all its answers."""


class Ready(NamedTuple):
    """What a campaign that can start will say, through what; without an account each message is routed when it is said."""

    template_version_id: int
    account_id: int | None


async def freshen(ctx: Context, campaign: Campaign) -> None:
    """Work out the campaign's segments as of now. Where that fails their last members stand, if they ever had any."""
    ids = [s for s in (campaign.segment_id, *campaign.excluded_segment_ids) if s is not None]
    try:
        await refresh(ctx, ids)
    except AntiphonError as failed:
        log.warning("segments not refreshed", campaign=campaign.id, error=str(failed))


async def are_worked_out(conn: Connection, campaign: Campaign) -> bool:
    """Whether each of its segments has been worked out since it was last changed."""
    for segment_id in (campaign.segment_id, *campaign.excluded_segment_ids):
        assert segment_id is not None
        segment = await find_segment(conn, segment_id)
        if segment.tree is not None and segment.evaluated_version != segment.version:
            return False
    return True


async def freeze(
    ctx: Context, conn: Connection, campaign: Campaign, occurrence: str, *, planned_for: datetime, local_at: datetime | None
) -> Ready:
    """Keep whom an occurrence is for and what it says. Raises as `ready_to_start`."""
    ready = await ready_to_start(ctx, conn, campaign)
    people, excluded = await audience_of(conn, campaign)
    await store.freeze_audience(
        conn, campaign.id, occurrence, members=people.serialize(), excluded=excluded.serialize(), size=len(people),
        now=ctx.clock.now(), planned_for=planned_for, local_at=local_at, template_version_id=ready.template_version_id,
        account_id=ready.account_id,
    )  # fmt: skip
    return ready


async def ready_to_start(ctx: Context, conn: Connection, campaign: Campaign) -> Ready:
    """What it will say and through what. Raises CampaignIncomplete, NotPublished, NoAccount."""
    if campaign.kind != "triggered" and campaign.segment_id is None:
        raise CampaignIncomplete(field="segment_id", what="it has no segment")
    if campaign.kind == "triggered" and campaign.trigger is None:
        raise CampaignIncomplete(field="trigger", what="it has no event to answer")
    if campaign.kind == "recurring" and campaign.recurrence is None:
        raise CampaignIncomplete(field="recurrence", what="it has no times to be said at")
    await hops_of(conn, campaign)
    if not campaign.arms:
        return await what_it_says(ctx, conn, campaign)
    first, *_ = [await _arm_says(ctx, conn, campaign, n) for n in range(len(campaign.arms))]
    return first


async def _arm_says(ctx: Context, conn: Connection, campaign: Campaign, n: int) -> Ready:
    try:
        return await what_it_says(ctx, conn, campaign.by_arm(campaign.arms[n]))
    except AntiphonError as failed:
        if failed.field in ("template_id", "account_id"):
            failed.field = f"arms[{n}].{failed.field}"
        raise


async def what_it_says(ctx: Context, conn: Connection, campaign: Campaign) -> Ready:
    """Its template's version and its account. Raises CampaignIncomplete, NotPublished, NoAccount."""
    if campaign.template_id is None:
        raise CampaignIncomplete(field="template_id", what="it has no template")
    if CLASSES[campaign.message_class].needs_consent and campaign.topic is None:
        raise CampaignIncomplete(field="topic", what="marketing needs a topic customers consented to")
    found = await store.published_version(conn, campaign.template_id)
    version = campaign.template_version_id or (found[1] if found else None)
    if version is None:
        raise NotPublished(field="template_id")
    named = campaign.account_id
    account_id = named or await default_account(ctx, conn, campaign.channel)
    if (await ctx.get(Channels).account(conn, account_id)).enabled:
        return Ready(version, named)
    raise CampaignIncomplete(field="account_id", what="its account is switched off")


async def hops_of(conn: Connection, campaign: Campaign) -> tuple[Hop, ...]:
    """The channels after the first: those it names, else those of the usual path of its class. Raises NotPublished."""
    if not campaign.hops and campaign.usual_path:
        return (await usual_path(conn, campaign.message_class, campaign.channel))[1]
    hops: list[Hop] = []
    for n, one in enumerate(campaign.hops):
        version = None
        if one.template_id is not None:
            found = await store.published_version(conn, one.template_id)
            if found is None or found[1] is None:
                raise NotPublished(field=f"hops[{n}].template_id")
            version = found[1]
        hops.append(Hop(
            channel=one.channel, account_id=one.account_id, template_version_id=version,
            receipt_within=one.receipt_within, answer_within=one.answer_within,
        ))  # fmt: skip
    return tuple(hops)


async def audience_of(conn: Connection, campaign: Campaign) -> tuple[BitMap, BitMap]:
    """(members of the segment, those of them whom an excluded segment names)."""
    assert campaign.segment_id is not None
    people = await members(conn, campaign.segment_id)
    excluded = BitMap()
    for segment_id in campaign.excluded_segment_ids:
        excluded |= await members(conn, segment_id)
    return people, excluded & people


def part_of(people: BitMap, excluded: BitMap, start: int, end: int) -> Intents:
    """The intents of a part of an audience, by places in its order."""
    part = people[start:end]
    return Intents(profile_ids=part.to_array(), excluded=(excluded & part).to_array())


def coded(ctx: Context, campaign: Campaign, intents: Intents) -> Intents:
    """The intents with each person's own code, where the campaign's goal gives them one."""
    goal = campaign.goal
    if goal is None or not goal.personal_codes or goal.code is None:
        return intents
    codes = [
        {"campaign": {"code": personal_code(ctx.secret, campaign.id, goal.code, person)}} for person in intents.profile_ids
    ]
    given = intents.variables or [{}] * len(codes)
    return msgspec.structs.replace(intents, variables=[{**a, **b} for a, b in zip(given, codes, strict=True)])


def held(ctx: Context, campaign: Campaign, intents: Intents) -> Intents:
    """The intents with those of the campaign's own holdout: the same people each time it is said."""
    if campaign.holdout_percent <= 0:
        return intents
    ids = np.asarray(intents.profile_ids, dtype=np.int64)
    out = ids[held_out(ctx.secret, f"campaign:{campaign.id}", campaign.holdout_percent, ids)]
    return msgspec.structs.replace(intents, held_out=out.tolist())


def timed(intents: Intents, due_at: datetime | None, local_at: datetime | None) -> Intents:
    """The intents at their time: an instant, or a wall time in each person's own zone."""
    if local_at is not None:
        return msgspec.structs.replace(intents, local_at=local_at)
    return msgspec.structs.replace(intents, due_at=due_at)


def probe(campaign: Campaign, now: datetime, hops: Sequence[tuple[str, int | None]] = ()) -> Dispatch:
    """A dispatch as the campaign's, stored nowhere: to ask the gate by. ``hops``: (channel, account) of those after it."""
    return Dispatch(
        id=0, key=dispatch_key(campaign.id, "estimate"), channel=campaign.channel, message_class=campaign.message_class,
        topic=campaign.topic, account_id=campaign.account_id, template_version_id=None, content=None,
        campaign_id=campaign.id, occurrence="estimate", track_opens=False, track_clicks=False, state="active",
        created_at=now, purpose=campaign.purpose, split=campaign.split,
        hops=tuple(Hop(channel=channel, account_id=account_id) for channel, account_id in hops),
    )  # fmt: skip


async def campaign_dispatch(ctx: Context, conn: Connection, campaign: Campaign, one: Occurrence | str) -> Dispatch:
    """The dispatch an occurrence of a campaign without arms speaks by."""
    name = one if isinstance(one, str) else one.occurrence
    version = None if isinstance(one, str) else one.template_version_id
    account = None if isinstance(one, str) else one.account_id
    new = await new_dispatch(
        conn, campaign, name, version=version or campaign.template_version_id, account=account or campaign.account_id
    )
    return await open_dispatch(ctx, conn, new)


async def new_dispatch(
    conn: Connection, campaign: Campaign, occurrence: str, *, version: int | None, account: int | None
) -> NewDispatch:
    """What an occurrence of a campaign says and how. Raises NotPublished."""
    return NewDispatch(
        key=dispatch_key(campaign.id, occurrence),
        channel=campaign.channel,
        message_class=campaign.message_class,
        topic=campaign.topic,
        account_id=account,
        template_version_id=version,
        campaign_id=campaign.id,
        occurrence=occurrence,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        purpose=campaign.purpose,
        split=campaign.split,
        hops=await hops_of(conn, campaign),
    )


async def give_budget(ctx: Context, conn: Connection, who: Principal, campaign: Campaign) -> None:
    """What it may spend becomes a budget of its own, when it begins for good."""
    if campaign.budget_micros is not None:
        await add_budget(
            ctx, conn, who, name=campaign.name, scope="campaign", campaign_id=campaign.id, amount_micros=campaign.budget_micros
        )


def instant_in_utc(wall: datetime) -> datetime:
    """A wall time read as UTC."""
    return wall.replace(tzinfo=UTC)
