"""What people do with budgets: set, change, remove them, and look at what is left and what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal
from zoneinfo import available_timezones

import msgspec

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import AccountUnknown
from antiphon.execution.delivery import budgets
from antiphon.execution.delivery.budgets import SQL, BudgetItem, Period, Scope
from antiphon.execution.delivery.errors import BudgetInvalid, BudgetUnknown
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, ForeignKeyViolation, struct_row
from antiphon.foundation.principal import Principal

Slice = Literal["day", "channel", "account", "campaign", "class"]
MOST = 5_000  # rows of a report


class BudgetShown(BudgetItem, frozen=True, kw_only=True):
    """A budget, what is left of it, and the currency of its micros."""

    currency: str


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was paid of one kind; what was not asked to add up by is null."""

    day: date | None
    channel: str | None
    account_id: int | None
    account_name: str | None
    campaign_id: int | None
    message_class: str | None
    messages: int
    parts: int
    micros: int


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """What messages have cost, dearest last day first. Messages that cost nothing are not in it."""

    currency: str
    messages: int
    parts: int
    micros: int
    rows: list[CostRow]
    more: bool


async def shown(
    ctx: Context, conn: Connection, *, campaign_id: int | None = None, before: int | None = None, limit: int = 100
) -> list[BudgetShown]:
    """Budgets and what is left of them, newest first."""
    found = await budgets.find(conn, ctx.clock.now(), campaign_id=campaign_id, before=before, limit=limit)
    return [_shown(ctx, item) for item in found]


async def one(ctx: Context, conn: Connection, budget_id: int) -> BudgetShown:
    """One budget. Raises BudgetUnknown."""
    found = await budgets.find(conn, ctx.clock.now(), id=budget_id)
    if not found:
        raise BudgetUnknown(budget=budget_id)
    return _shown(ctx, found[0])


async def add(
    ctx: Context,
    conn: Connection,
    who: Principal,
    *,
    name: str,
    scope: Scope,
    channel: str | None = None,
    account_id: int | None = None,
    campaign_id: int | None = None,
    period: Period = "total",
    zone: str = "UTC",
    amount_micros: int,
    warn_at: int = 80,
    enabled: bool = True,
) -> BudgetShown:
    """A new budget. Raises BudgetInvalid, ChannelUnknown, AccountUnknown."""
    named = {"channel": channel, "account": account_id, "campaign": campaign_id}
    if {kind for kind, value in named.items() if value is not None} != ({scope} - {"everything"}):
        raise BudgetInvalid(field="scope", rule="name what the scope says, and nothing else")
    if zone not in available_timezones():
        raise BudgetInvalid(field="zone", rule="there is no such time zone")
    if channel is not None:
        _ = ctx.get(ChannelRegistry)[channel]
    params = {
        "name": name, "scope": scope, "channel": channel, "account_id": account_id, "campaign_id": campaign_id, "period": period,
        "zone": zone, "amount_micros": amount_micros, "warn_at": warn_at, "enabled": enabled, "now": ctx.clock.now(),
    }  # fmt: skip
    try:
        async with conn.transaction():
            row = await (await conn.execute(SQL.insert_budget, params)).fetchone()
    except ForeignKeyViolation as missing:
        raise AccountUnknown(account=account_id, field="account_id") from missing
    assert row is not None
    made = await one(ctx, conn, row[0])
    await audit(conn, who, action="delivery.budget_add", subject=f"budget:{made.id}", after=made)
    return made


async def change(
    ctx: Context, conn: Connection, who: Principal, budget_id: int, *, name: str, amount_micros: int, warn_at: int, enabled: bool
) -> BudgetShown:
    """A budget as it shall be. A smaller amount stops what comes; what was spent stays spent. Raises BudgetUnknown."""
    before = await one(ctx, conn, budget_id)
    await conn.execute(
        SQL.update_budget,
        {
            "id": budget_id, "name": name, "amount_micros": amount_micros, "warn_at": warn_at, "enabled": enabled,
            "now": ctx.clock.now(),
        },
    )  # fmt: skip
    if amount_micros > before.amount_micros:
        await conn.execute(SQL.ease, {"id": budget_id})
    after = await one(ctx, conn, budget_id)
    await audit(conn, who, action="delivery.budget_change", subject=f"budget:{budget_id}", before=before, after=after)
    return after


async def remove(ctx: Context, conn: Connection, who: Principal, budget_id: int) -> None:
    """A budget is gone. Raises BudgetUnknown."""
    before = await one(ctx, conn, budget_id)
    await conn.execute(SQL.delete_budget, {"id": budget_id})
    await audit(conn, who, action="delivery.budget_remove", subject=f"budget:{budget_id}", before=before)


async def costs(
    ctx: Context,
    conn: Connection,
    *,
    by: Sequence[Slice] = ("day",),
    since: date | None = None,
    until: date | None = None,
    channel: str | None = None,
    account_id: int | None = None,
    campaign_id: int | None = None,
) -> CostReport:
    """What was paid, added up."""
    params = {
        "since": since, "until": until, "channel": channel, "account_id": account_id, "campaign_id": campaign_id,
    }  # fmt: skip
    async with conn.cursor(row_factory=struct_row(CostRow)) as cur:
        rows = await (await cur.execute(SQL.costs, params | {"by": list(by), "limit": MOST + 1})).fetchall()
        total = await (await cur.execute(SQL.costs, params | {"by": [], "limit": 1})).fetchone()
    return CostReport(
        currency=ctx.settings.currency, messages=total.messages if total else 0, parts=total.parts if total else 0,
        micros=total.micros if total else 0, rows=rows[:MOST], more=len(rows) > MOST,
    )  # fmt: skip


def _shown(ctx: Context, item: BudgetItem) -> BudgetShown:
    return BudgetShown(**msgspec.structs.asdict(item), currency=ctx.settings.currency)
