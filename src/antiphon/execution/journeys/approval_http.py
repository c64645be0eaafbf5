"""Routes of approval before a journey goes live."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.execution.journeys import approval
from antiphon.execution.journeys.approval import JourneyRule, When
from antiphon.execution.journeys.shown import Journey
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, get, post, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Revision = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class SubmitBody(Body, frozen=True, kw_only=True):
    """The revision of the draft that is to be approved."""

    revision: Revision


class ApprovalBody(Body, frozen=True, kw_only=True):
    """The revision that was read, and what an approver says; a refusal says why."""

    revision: Revision
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class JourneyRuleBody(Body, frozen=True, kw_only=True):
    """When journeys must be approved by somebody else before they go live: `off`, or `always`."""

    approval: When


@get("/v1/journeys/rule", permission="journeys:read")
async def read_journey_rule(ctx: Context) -> JourneyRule:
    """When journeys must be approved."""
    async with ctx.db.connection() as conn:
        return await approval.read_rule(conn)


@put("/v1/journeys/rule", permission="journeys:approve")
async def change_journey_rule(ctx: Context, who: Principal, data: JourneyRuleBody) -> JourneyRule:
    """Change when journeys must be approved."""
    async with ctx.db.transaction() as conn:
        return await approval.change_rule(ctx, conn, who, JourneyRule(approval=data.approval))


@post("/v1/journeys/{journey_id:int}/submit", permission="journeys:write", status=200, problems=(409,))
async def submit_journey(ctx: Context, who: Principal, journey_id: Id, data: SubmitBody) -> Journey:
    """Ask for approval of the draft. Those who may approve, and did not write it, are told."""
    async with ctx.db.transaction() as conn:
        return await approval.ask(ctx, conn, who, journey_id, revision=data.revision)


@post("/v1/journeys/{journey_id:int}/approve", permission="journeys:approve", status=200, problems=(409,))
async def approve_journey(ctx: Context, who: Principal, journey_id: Id, data: ApprovalBody) -> Journey:
    """Agree to the draft as it is: whoever wrote any of it cannot. A change of it takes the approval back."""
    async with ctx.db.transaction() as conn:
        return await approval.decide(ctx, conn, who, journey_id, revision=data.revision, approve=True, comment=data.comment)


@post("/v1/journeys/{journey_id:int}/refuse", permission="journeys:approve", status=200, problems=(409,))
async def refuse_journey(ctx: Context, who: Principal, journey_id: Id, data: ApprovalBody) -> Journey:
    """Do not agree to the draft, and say why; also to one that was approved and is not live yet."""
    async with ctx.db.transaction() as conn:
        return await approval.decide(ctx, conn, who, journey_id, revision=data.revision, approve=False, comment=data.comment)


ROUTES = [read_journey_rule, change_journey_rule, submit_journey, approve_journey, refuse_journey]
