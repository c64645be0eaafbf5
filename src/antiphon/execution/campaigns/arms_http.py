"""Routes of a campaign's arms: how they do beside each other, and choosing one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.execution.campaigns import service
from antiphon.execution.campaigns.arms import ArmsInvalid
from antiphon.execution.campaigns.choosing import ArmsReport, read_arms
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.report import kept_or
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class ChosenArm(Body, frozen=True, kw_only=True):
    """The arm that everybody not told yet is told by."""

    arm: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


@get("/v1/campaigns/{campaign_id:int}/arms", permission="campaigns:read")
async def read_campaign_arms(ctx: Context, campaign_id: Id) -> ArmsReport:
    """A campaign's arms beside each other: what became of their messages, and figures with intervals that hold at every look."""
    async with ctx.db.connection() as conn:
        campaign = await service.find(conn, campaign_id)
        if not campaign.arms:
            raise ArmsInvalid(why="the campaign has no arms")
        return await kept_or(ctx, conn, campaign_id, "arms", ArmsReport, lambda: read_arms(ctx, conn, campaign))


@post("/v1/campaigns/{campaign_id:int}/arms/adopt", permission="campaigns:send", status=200, problems=(409,))
async def adopt_arm(ctx: Context, who: Principal, campaign_id: Id, data: ChosenArm) -> Campaign:
    """Choose an arm: the rest of an audience that waits is told by it at once, and everybody who comes later."""
    async with ctx.db.transaction() as conn:
        return await service.adopt(ctx, conn, who, campaign_id, data.arm)


ROUTES = [read_campaign_arms, adopt_arm]
