"""Before sending: whom a campaign would reach, who would be refused why, what it costs and how long it takes. The gate itself is
asked, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
from pyroaring import BitMap

from antiphon.awareness.segments import members
from antiphon.execution.campaigns import store, trying
from antiphon.execution.campaigns.arms import tried_first
from antiphon.execution.campaigns.foreseeing import foresee
from antiphon.execution.campaigns.model import Campaign, CampaignIncomplete, CampaignUnknown
from antiphon.execution.campaigns.report import ReasonCount
from antiphon.execution.campaigns.running import audience_of, freshen, held, part_of, probe
from antiphon.execution.delivery import (
    CHUNK,
    REASONS,
    Verdict,
    estimate as ask_gate,
    expected_micros,
    expected_pace,
    usual_path,
)
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

UNREACHED = ("no_address", "invalid_address", "suppressed_hard_bounce")
"""Refusals of people whom e-mail does not reach."""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Something to think of: `email_only` misses this share of the audience; `over_budget` stops before these; `nobody` would
    be reached."""

    code: Literal["email_only", "over_budget", "nobody"]
    share: float
    people: int


class ArmEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """How many of an audience are of an arm, how many of them it would reach, and what they cost by its channel."""

    arm: str
    people: int
    reached: int
    cost_micros: int


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate would say now: how many would be written to, and how many refused for which reason.

    `cost_micros` is what those reached cost by the first channel, `most_micros` with every hop, in the installation's currency.
    `seconds` is how long saying it takes at least; null where nothing is known of that. `held_out` are of the refused. `arms` is
    the same by arm, as people are shared out; `first` of the audience are told before an arm is chosen for the others.
    """

    audience: int
    reached: int
    refused: int
    refused_by: list[ReasonCount]
    held_out: int = 0
    currency: str = ""
    cost_micros: int = 0
    most_micros: int = 0
    budget_micros: int | None = None
    seconds: float | None = None
    warnings: list[Warned] = []
    arms: list[ArmEstimate] = []
    first: int | None = None


class Asked(NamedTuple):
    """What the gate said: of everybody, by arm, and how many are told before an arm is chosen."""

    whole: Verdict
    arms: dict[int, Verdict]
    first: int


async def estimate(ctx: Context, campaign_id: int) -> Verdict:
    """Whom the campaign would reach if it started now, and who would be refused why."""
    return (await ask(ctx, campaign_id)).whole


async def ask(ctx: Context, campaign_id: int) -> Asked:
    """The same by arm as well. Raises CampaignIncomplete."""
    async with ctx.db.connection() as conn:
        campaign = await store.find_campaign(conn, campaign_id)
    if campaign is None:
        raise CampaignUnknown(campaign=campaign_id)
    if campaign.segment_id is None and campaign.trigger is None:
        raise CampaignIncomplete(field="segment_id", what="it has no segment")
    if campaign.message_class == "marketing" and campaign.topic is None:
        raise CampaignIncomplete(field="topic", what="marketing needs a topic customers consented to")
    await freshen(ctx, campaign)
    async with ctx.db.connection() as conn:
        later = await further(conn, campaign)
        asked = probe(campaign, ctx.clock.now(), later)
        people, excluded = await _people(ctx, conn, campaign)
        whole, arms, first = Verdict(), dict[int, Verdict](), 0
        for start in range(0, len(people), CHUNK):
            part = held(ctx, campaign, part_of(people, excluded, start, start + CHUNK))
            if not campaign.arms:
                whole += await ask_gate(ctx, conn, asked, part)
                continue
            for number, verdict in (await trying.estimate(ctx, conn, campaign, part, later)).items():
                whole, arms[number] = whole + verdict, arms.get(number, Verdict()) + verdict
            first += int(tried_first(ctx.secret, campaign.id, campaign.arm_choice, part.profile_ids).sum())
    return Asked(whole, arms, first)


async def _people(ctx: Context, conn: Connection, campaign: Campaign) -> tuple[BitMap, BitMap]:
    """Whom it is for; of one that answers events, those it would have answered in the last seven days."""
    if campaign.trigger is None:
        return await audience_of(conn, campaign)
    asked = BitMap((await foresee(ctx, campaign.trigger))[1])
    if campaign.segment_id is not None:
        asked &= await members(conn, campaign.segment_id)
    excluded = BitMap()
    for segment_id in campaign.excluded_segment_ids:
        excluded |= await members(conn, segment_id)
    return asked, excluded & asked


async def full_estimate(ctx: Context, campaign_id: int) -> Estimate:
    """The same with what it costs, how long it takes, and what to think of. Raises CampaignIncomplete."""
    said = await ask(ctx, campaign_id)
    verdict = said.whole
    async with ctx.db.connection() as conn:
        campaign = await store.find_campaign(conn, campaign_id)
        if campaign is None:
            raise CampaignUnknown(campaign=campaign_id)
        first, later = await _prices(ctx, conn, campaign)
        later_channels = [channel for channel, _ in await further(conn, campaign)]
        pace = await expected_pace(conn, campaign.channel, campaign.account_id, ctx.clock.now())
        arms = [await _of_arm(ctx, conn, campaign, number, one) for number, one in sorted(said.arms.items())]
    refused = sorted(verdict.refused.items(), key=lambda item: -item[1])
    cost = sum(one.cost_micros for one in arms) if arms else verdict.passed * first
    return Estimate(
        audience=verdict.total,
        reached=verdict.passed,
        refused=verdict.total - verdict.passed,
        refused_by=[ReasonCount(reason=code, title=REASONS[code].title, people=people) for code, people in refused],
        held_out=verdict.refused.get("holdout", 0),
        currency=ctx.settings.currency,
        cost_micros=cost,
        most_micros=cost + verdict.total * later,
        budget_micros=campaign.budget_micros,
        seconds=pace.seconds(verdict.passed) if verdict.passed else 0.0,
        warnings=warnings(campaign, verdict.passed, verdict.refused, first, later_channels),
        arms=arms,
        first=said.first if campaign.arm_choice is not None and campaign.arm_choice.percent < 100 else None,
    )


async def _of_arm(ctx: Context, conn: Connection, campaign: Campaign, number: int, said: Verdict) -> ArmEstimate:
    arm = campaign.arms[number]
    each, _ = await _prices(ctx, conn, campaign.by_arm(arm))
    return ArmEstimate(arm=arm.key, people=said.total, reached=said.passed, cost_micros=said.passed * each)


async def _prices(ctx: Context, conn: Connection, campaign: Campaign) -> tuple[int, int]:
    """(what a message costs on the first channel, what all hops after it cost together)."""
    asked = probe(campaign, ctx.clock.now())
    later = 0
    for channel, account_id in await further(conn, campaign):
        later += await expected_micros(ctx, conn, msgspec.structs.replace(asked, channel=channel, account_id=account_id))
    return await expected_micros(ctx, conn, asked), later


async def further(conn: Connection, campaign: Campaign) -> list[tuple[str, int | None]]:
    """(channel, account) of each hop after the first: those it names, else the usual ones."""
    if campaign.hops or not campaign.usual_path:
        return [(hop.channel, hop.account_id) for hop in campaign.hops]
    return [(hop.channel, None) for hop in (await usual_path(conn, campaign.message_class, campaign.channel))[1]]


def warnings(
    campaign: Campaign, reached: int, refused: Mapping[str, int], each_micros: int, later: Sequence[str]
) -> list[Warned]:
    """What to think of before sending; ``later``: the channels after the first. Pure."""
    total = reached + sum(refused.values())
    found: list[Warned] = []
    missed = sum(refused.get(reason, 0) for reason in UNREACHED)
    if total and missed and {campaign.channel, *later} == {"email"}:
        found.append(Warned(code="email_only", share=missed / total, people=missed))
    if campaign.budget_micros is not None and reached * each_micros > campaign.budget_micros:
        unpaid = reached - campaign.budget_micros // each_micros
        found.append(Warned(code="over_budget", share=unpaid / reached, people=unpaid))
    if total and not reached:
        found.append(Warned(code="nobody", share=1.0, people=total))
    return found
