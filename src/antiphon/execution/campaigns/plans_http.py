"""Routes about when a campaign is said, and who agrees to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.execution.campaigns import approval, service, store
from antiphon.execution.campaigns.examples import EXAMPLES, Example
from antiphon.execution.campaigns.foreseeing import Foreseen, foresee
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.rules import Rule, When
from antiphon.execution.campaigns.store import Occurrence
from antiphon.execution.campaigns.triggers import Trigger, check_trigger
from antiphon.foundation import recurrence
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Limit, get, post, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class RecurrenceBody(Body, frozen=True, kw_only=True):
    """A rule to look ahead by."""

    recurrence: recurrence.Recurrence
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5


class TriggerBody(Body, frozen=True, kw_only=True):
    """A trigger to look back by."""

    trigger: Trigger


class NextRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The next times a campaign is said; of one in people's local time the wall times, as if they were UTC."""

    runs: list[datetime]


class DecisionBody(Body, frozen=True, kw_only=True):
    """What an approver says; a refusal says why."""

    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class RuleBody(Body, frozen=True, kw_only=True):
    """When campaigns must be approved by somebody else: `off`, for `over` more than `approval_over` people, or `always`."""

    approval: When
    approval_over: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0


class Occurrences(msgspec.Struct, frozen=True, kw_only=True):
    """When a campaign was said, newest first."""

    items: list[Occurrence]


@post("/v1/campaigns/recurrence", permission="campaigns:read", status=200)
async def preview_recurrence(ctx: Context, data: RecurrenceBody) -> NextRuns:
    """The next times by a rule that is not saved. Writes nothing."""
    return NextRuns(runs=await service.next_runs(ctx, data.recurrence, data.count))


@post("/v1/campaigns/trigger", permission="campaigns:read", status=200)
async def preview_trigger(ctx: Context, data: TriggerBody) -> Foreseen:
    """What a trigger that is not saved would have answered in the last seven days. Writes nothing."""
    check_trigger(data.trigger)
    return (await foresee(ctx, data.trigger))[0]


@get("/v1/campaigns/{campaign_id:int}/next-runs", permission="campaigns:read")
async def read_next_runs(
    ctx: Context, campaign_id: Id, count: Annotated[int, Parameter(ge=1, le=100)] = 5
) -> NextRuns:
    """The next times a recurring campaign is said; none of another."""
    async with ctx.db.connection() as conn:
        campaign = await service.find(conn, campaign_id)
    if campaign.recurrence is None or campaign.state in ("finished", "cancelled"):
        return NextRuns(runs=[])
    return NextRuns(runs=await service.next_runs(ctx, campaign.recurrence, count))


@get("/v1/campaigns/{campaign_id:int}/occurrences", permission="campaigns:read")
async def list_occurrences(ctx: Context, campaign_id: Id, limit: Limit = 50) -> Occurrences:
    """Each time a campaign was said: to how many, and how far it is."""
    async with ctx.db.connection() as conn:
        await service.find(conn, campaign_id)
        return Occurrences(items=await store.occurrences(conn, campaign_id, limit))


@post("/v1/campaigns/{campaign_id:int}/submit", permission="campaigns:write", status=200, problems=(404, 409))
async def submit_campaign(ctx: Context, who: Principal, campaign_id: Id) -> Campaign:
    """Ask for approval. Those who may approve, and did not write it, are told."""
    async with ctx.db.transaction() as conn:
        return await approval.ask(ctx, conn, who, campaign_id)


@post("/v1/campaigns/{campaign_id:int}/approve", permission="campaigns:approve", status=200, problems=(404, 409))
async def approve_campaign(ctx: Context, who: Principal, campaign_id: Id, data: DecisionBody) -> Campaign:
    """Agree to it as it is: whoever wrote any of it cannot. A change of it takes the approval back."""
    async with ctx.db.transaction() as conn:
        return await approval.decide(ctx, conn, who, campaign_id, approve=True, comment=data.comment)


@post("/v1/campaigns/{campaign_id:int}/refuse", permission="campaigns:approve", status=200, problems=(404, 409))
async def refuse_campaign(ctx: Context, who: Principal, campaign_id: Id, data: DecisionBody) -> Campaign:
    """Do not agree to it, and say why; also to one that was approved and has not started."""
    async with ctx.db.transaction() as conn:
        return await approval.decide(ctx, conn, who, campaign_id, approve=False, comment=data.comment)


@get("/v1/campaigns/rule", permission="campaigns:read")
async def read_rule(ctx: Context) -> Rule:
    """When campaigns must be approved."""
    async with ctx.db.connection() as conn:
        return await store.read_rule(conn)


@put("/v1/campaigns/rule", permission="campaigns:approve")
async def change_rule(ctx: Context, who: Principal, data: RuleBody) -> Rule:
    """Change when campaigns must be approved."""
    async with ctx.db.transaction() as conn:
        return await approval.change_rule(
            ctx, conn, who, Rule(approval=data.approval, approval_over=data.approval_over)
        )


@get("/v1/campaigns/examples", permission="campaigns:read")
async def list_examples() -> list[Example]:
    """Drafts to start from: order confirmations, an abandoned cart, a welcome, a weekly digest."""
    return list(EXAMPLES)


ROUTES = [
    list_examples, preview_recurrence, preview_trigger, read_next_runs, list_occurrences, submit_campaign, approve_campaign,
    refuse_campaign, read_rule, change_rule,
]  # fmt: skip
