"""Routes of campaigns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import Parameter, QueryParameter

from antiphon.execution.campaigns import service, store
from antiphon.execution.campaigns.arms import MOST_ARMS, ArmChoice, CampaignArm
from antiphon.execution.campaigns.estimating import Estimate, full_estimate
from antiphon.execution.campaigns.goals import Goal
from antiphon.execution.campaigns.model import Campaign, CampaignClass, CampaignKind, CampaignState, Fallback
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.execution.delivery import Handed
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, post, put
from antiphon.foundation.principal import Principal
from antiphon.foundation.recurrence import Recurrence
from antiphon.foundation.words import detail_in, language_of

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Ref = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class CampaignBody(Body, frozen=True, kw_only=True):
    """What a campaign is to say to whom. A draft may lack segment, template and topic; starting it needs them. Without
    ``hops`` it goes the usual path of its class from its channel on, if ``usual_path``."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    description: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "email"
    segment_id: Ref | None = None
    excluded_segment_ids: Annotated[list[Ref], msgspec.Meta(max_length=50)] = []
    template_id: Ref | None = None
    account_id: Ref | None = None
    topic: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    message_class: CampaignClass = "marketing"
    track_opens: bool = True
    track_clicks: bool = True
    send_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    kind: CampaignKind = "one_off"
    local_at: Annotated[datetime, msgspec.Meta(tz=False)] | None = None
    recurrence: Recurrence | None = None
    trigger: Trigger | None = None
    purpose: Annotated[str, msgspec.Meta(max_length=40)] = ""
    split: bool = False
    hops: Annotated[list[Fallback], msgspec.Meta(max_length=5)] = []
    usual_path: bool = True
    holdout_percent: Annotated[float, msgspec.Meta(ge=0, le=50)] = 0
    budget_micros: Annotated[int, msgspec.Meta(ge=1, le=2**62)] | None = None
    goal: Goal | None = None
    arms: Annotated[list[CampaignArm], msgspec.Meta(max_length=MOST_ARMS)] = []
    arm_choice: ArmChoice | None = None

    def values(self) -> dict[str, Any]:
        """As the store takes them."""
        return msgspec.structs.asdict(self)


class TestBody(Body, frozen=True, kw_only=True):
    """Where a test goes, as which customer it is written, and by which of the campaign's arms (its first)."""

    address: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
    as_profile: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None
    arm: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None


@get("/v1/campaigns", permission="campaigns:read")
async def list_campaigns(
    ctx: Context,
    in_state: Annotated[CampaignState | None, QueryParameter(name="state")] = None,
    archived: bool = False,
    text: Annotated[str | None, Parameter(max_length=200, description="Part of the name")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Campaign]:
    """Campaigns, newest first."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        rows = await store.list_campaigns(
            conn, before=int(after[0] or 0) if after else None, state=in_state, archived=archived, text=text, limit=limit + 1
        )
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@post("/v1/campaigns", permission="campaigns:write")
async def add_campaign(ctx: Context, who: Principal, data: CampaignBody) -> Campaign:
    """A new draft."""
    async with ctx.db.transaction() as conn:
        return await service.add_campaign(ctx, conn, who, data.values())


@get("/v1/campaigns/{campaign_id:int}", permission="campaigns:read")
async def read_campaign(ctx: Context, request: Request[Any, Any, Any], campaign_id: Id) -> Campaign:
    """One campaign and how far it is.

    ``held_reason`` is in the language that is asked for.
    """
    async with ctx.db.connection() as conn:
        campaign = await service.find(conn, campaign_id)
    if campaign.held is None or campaign.held_reason is None:
        return campaign
    held, language = campaign.held, language_of(request.headers.get("accept-language"))
    said = detail_in(language, held.code, campaign.held_reason, held.facts, quoted=held.quoted)
    return msgspec.structs.replace(campaign, held_reason=said)


@put("/v1/campaigns/{campaign_id:int}", permission="campaigns:write", problems=(409,))
async def change_campaign(ctx: Context, who: Principal, campaign_id: Id, data: CampaignBody) -> Campaign:
    """Change a campaign that has not started."""
    async with ctx.db.transaction() as conn:
        return await service.change_campaign(ctx, conn, who, campaign_id, data.values())


@delete("/v1/campaigns/{campaign_id:int}", permission="campaigns:write", problems=(409,))
async def delete_campaign(ctx: Context, who: Principal, campaign_id: Id) -> None:
    """Remove a draft."""
    async with ctx.db.transaction() as conn:
        await service.delete_campaign(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/start", permission="campaigns:send", status=200, problems=(409,))
async def start_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Start a draft, or schedule it if its time is to come.

    Its audience and its template's newest published version are frozen at the moment it starts.
    """
    async with ctx.db.transaction() as conn:
        return await service.start(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/pause", permission="campaigns:send", status=200, problems=(409,))
async def pause_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Say nothing more until it is resumed."""
    async with ctx.db.transaction() as conn:
        return await service.pause(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/resume", permission="campaigns:send", status=200, problems=(409,))
async def resume_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Go on where it was paused."""
    async with ctx.db.transaction() as conn:
        return await service.resume(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/cancel", permission="campaigns:send", status=200, problems=(409,))
async def cancel_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """End it for good; nobody who has not been written to will be."""
    async with ctx.db.transaction() as conn:
        return await service.cancel(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/archive", permission="campaigns:write", status=200)
async def archive_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Put it away."""
    async with ctx.db.transaction() as conn:
        return await service.archive(ctx, conn, who, campaign_id, away=True)


@post("/v1/campaigns/{campaign_id:int}/unarchive", permission="campaigns:write", status=200)
async def unarchive_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Take it out again."""
    async with ctx.db.transaction() as conn:
        return await service.archive(ctx, conn, who, campaign_id, away=False)


@post("/v1/campaigns/{campaign_id:int}/test", permission="delivery:test", problems=(409,))
async def test_campaign(ctx: Context, who: Principal, campaign_id: Id, data: TestBody) -> Handed:
    """Send its message to an address of staff."""
    async with ctx.db.transaction() as conn:
        return await service.try_out(
            ctx, conn, who, campaign_id, address=data.address, as_profile=data.as_profile, arm=data.arm
        )


@post("/v1/campaigns/{campaign_id:int}/estimate", permission="campaigns:read", status=200)
async def estimate_campaign(ctx: Context, campaign_id: Id) -> Estimate:
    """Whom it would reach if it started now, who would be refused why, what it costs and how long it takes. Writes nothing."""
    return await full_estimate(ctx, campaign_id)


ROUTES = [
    list_campaigns, add_campaign, read_campaign, change_campaign, delete_campaign, start_campaign, pause_campaign,
    resume_campaign, cancel_campaign, archive_campaign, unarchive_campaign, test_campaign, estimate_campaign,
]  # fmt: skip
