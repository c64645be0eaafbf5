"""Routes for budgets and for what messages have cost."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.delivery import budgets_service
from antiphon.execution.delivery.budgets import Percent, Period, Scope
from antiphon.execution.delivery.budgets_service import BudgetShown, CostReport, Slice
from antiphon.execution.delivery.terms import Micros
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, post, put
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
By = Annotated[list[Slice] | None, QueryParameter(name="by", description="What to add up by: any of these")]


class ChangedBudget(Body, frozen=True, kw_only=True):
    """A budget as it shall be; what it is for and its period stay."""

    name: Name
    amount_micros: Micros
    warn_at: Percent = 80
    enabled: bool = True


class NewBudget(ChangedBudget, frozen=True, kw_only=True):
    """A budget of everything, a channel, an account or a campaign, in all, a day or a month of a time zone."""

    scope: Scope
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | None = None
    account_id: Positive | None = None
    campaign_id: Positive | None = None
    period: Period = "total"
    zone: Annotated[str, msgspec.Meta(max_length=60)] = "UTC"


@get("/v1/budgets", permission="delivery:read")
async def list_budgets(
    ctx: Context, campaign_id: MaybeId = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[BudgetShown]:
    """Budgets with what is reserved, spent and left of each in its period now, newest first."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        rows = await budgets_service.shown(
            ctx, conn, campaign_id=campaign_id, before=int(after[0] or 0) if after else None, limit=limit + 1
        )
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@get("/v1/budgets/{budget_id:int}", permission="delivery:read")
async def read_budget(ctx: Context, budget_id: Id) -> BudgetShown:
    """One budget and what is left of it."""
    async with ctx.db.connection() as conn:
        return await budgets_service.one(ctx, conn, budget_id)


@post("/v1/budgets", permission="delivery:budgets", problems=(404,))
async def add_budget(ctx: Context, who: Principal, data: NewBudget) -> BudgetShown:
    """Set a budget. It counts from now on: what was said before is not in it."""
    async with ctx.db.transaction() as conn:
        return await budgets_service.add(
            ctx, conn, who, name=data.name, scope=data.scope, channel=data.channel, account_id=data.account_id,
            campaign_id=data.campaign_id, period=data.period, zone=data.zone, amount_micros=data.amount_micros,
            warn_at=data.warn_at, enabled=data.enabled,
        )  # fmt: skip


@put("/v1/budgets/{budget_id:int}", permission="delivery:budgets")
async def change_budget(ctx: Context, who: Principal, budget_id: Id, data: ChangedBudget) -> BudgetShown:
    """Change a budget's name, amount, mark, or switch it off."""
    async with ctx.db.transaction() as conn:
        return await budgets_service.change(
            ctx, conn, who, budget_id, name=data.name, amount_micros=data.amount_micros, warn_at=data.warn_at,
            enabled=data.enabled,
        )  # fmt: skip


@delete("/v1/budgets/{budget_id:int}", permission="delivery:budgets")
async def remove_budget(ctx: Context, who: Principal, budget_id: Id) -> None:
    """Remove a budget; nothing is held to it any more."""
    async with ctx.db.transaction() as conn:
        await budgets_service.remove(ctx, conn, who, budget_id)


@get("/v1/delivery/costs", permission="delivery:read")
async def read_costs(
    ctx: Context,
    by: By = None,
    since: date | None = None,
    until: date | None = None,
    channel: Annotated[str | None, Parameter(max_length=40)] = None,
    account_id: MaybeId = None,
    campaign_id: MaybeId = None,
) -> CostReport:
    """What messages have cost, added up by day, channel, account, campaign or class. Days are UTC's."""
    async with ctx.db.connection() as conn:
        return await budgets_service.costs(
            ctx, conn, by=by or ["day"], since=since, until=until, channel=channel, account_id=account_id, campaign_id=campaign_id
        )


BUDGET_ROUTES = [list_budgets, read_budget, add_budget, change_budget, remove_budget, read_costs]
