"""Before sending: whom a campaign would reach, and who would be refused why. The gate itself, asked."""

from __future__ import annotations

from antiphon.execution.campaigns import store
from antiphon.execution.campaigns.model import CampaignIncomplete, CampaignUnknown
from antiphon.execution.campaigns.running import audience_of, freshen, held, part_of, probe
from antiphon.execution.delivery import CHUNK, Verdict, estimate as ask_gate
from antiphon.foundation.context import Context


async def estimate(ctx: Context, campaign_id: int) -> Verdict:
    """Whom the campaign would reach if it started now, and who would be refused why. Writes nothing."""
    async with ctx.db.connection() as conn:
        campaign = await store.find_campaign(conn, campaign_id)
    if campaign is None:
        raise CampaignUnknown(campaign=campaign_id)
    if campaign.segment_id is None:
        raise CampaignIncomplete(field="segment_id", what="it has no segment")
    if campaign.message_class == "marketing" and campaign.topic is None:
        raise CampaignIncomplete(field="topic", what="marketing needs a topic customers consented to")
    await freshen(ctx, campaign)
    asked = probe(campaign, ctx.clock.now())
    async with ctx.db.connection() as conn:
        people, excluded = await audience_of(conn, campaign)
        verdict = Verdict()
        for start in range(0, len(people), CHUNK):
            verdict += await ask_gate(ctx, conn, asked, held(ctx, campaign, part_of(people, excluded, start, start + CHUNK)))
    return verdict
