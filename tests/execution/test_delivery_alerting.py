"""Staff are told what needs them, each once, through the gate like everybody else."""

from __future__ import annotations

import pytest
from tests.execution.cast import add_account, stage

from antiphon.decisioning.experiments import ExperimentAlarmed
from antiphon.execution.delivery import alerting
from antiphon.execution.delivery.accounts import AccountPaused
from antiphon.execution.delivery.budgets import BudgetWarned
from antiphon.foundation.access import store as access
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store


async def test_those_concerned_are_told(ctx: Context) -> None:
    async with stage(ctx), ctx.db.transaction() as conn:
        for role in ("owner", "developer", "marketer", "agent"):
            await access.add_person(conn, f"{role}@example.com", role.title(), role, None)
        notice = AccountPaused(account_id=1, name="SES", reason="550 sender denied")
        await alerting.tell_of_paused(ctx, conn, notice)  # no account for e-mail: nothing but a line in the log
        assert await (await conn.execute("select count(*) from delivery")).fetchone() == (0,)
        await add_account(ctx, "email", host="127.0.0.1", port=25, security="none", from_email="a@example.com")
        for _ in range(2):
            await alerting.tell_of_paused(ctx, conn, notice)
            await alerting.tell_of_budget(ctx, conn, BudgetWarned(
                budget_id=1, name="All", reserved_micros=3_000_000, spent_micros=1_500_000, amount_micros=5_000_000
            ))  # fmt: skip
        rows = await (await conn.execute(
            "select address, message_class, state, coalesce(variables ->> 'account', variables ->> 'percent') from delivery order by id"
        )).fetchall()  # fmt: skip
    assert rows == [
        ("owner@example.com", "staff", "queued", "SES"), ("developer@example.com", "staff", "queued", "SES"),
        ("owner@example.com", "staff", "queued", "90"), ("marketer@example.com", "staff", "queued", "90"),
    ]  # fmt: skip


async def test_an_experiments_alarms_are_told(ctx: Context) -> None:
    async with stage(ctx), ctx.db.transaction() as conn:
        await access.add_person(conn, "owner@example.com", "Owner", "owner", None)
        await add_account(ctx, "email", host="127.0.0.1", port=25, security="none", from_email="a@example.com")
        for kind, metric, arm in (("guardrail", "Returns", "loud"), ("ratio", None, None), ("ratio", None, None)):
            await alerting.tell_of_experiment(ctx, conn, ExperimentAlarmed(3, "Greeting", kind, metric, arm))
        rows = await (await conn.execute("select address, variables ->> 'experiment', variables ->> 'arm' from delivery order by id")).fetchall()
    assert rows == [("owner@example.com", "Greeting", "loud"), ("owner@example.com", "Greeting", "")]
