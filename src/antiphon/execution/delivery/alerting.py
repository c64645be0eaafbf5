"""Telling staff what needs them: an account was paused because it refuses its own sender, a budget has reached its mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from antiphon.decisioning.experiments import ExperimentAlarmed
from antiphon.execution.delivery.accounts import AccountPaused
from antiphon.execution.delivery.budgets import BudgetWarned
from antiphon.execution.delivery.errors import NoAccount
from antiphon.execution.delivery.model import Content, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
SQL = load_queries(Path(__file__).with_name("accounts.sql"))

PAUSED = Content(
    subject="Antiphon: the account {{ account }} is paused",
    text=(
        "The account {{ account }} refuses its own sender and is paused:\n\n{{ reason }}\n\n"
        "What names it waits; everything else goes through other accounts. See what is wrong with it, then resume it in the "
        "console, under Channels.\n"
    ),
)
WARNED = Content(
    subject="Antiphon: {{ percent }} % of the budget {{ budget }} are used",
    text=(
        "Of the budget {{ budget }}, {{ amount }} {{ currency }}, {{ spent }} are spent and {{ reserved }} are reserved for "
        "messages that wait. When it is used up, nothing more is sent that it pays for.\n"
    ),
)
ALARMED = Content(
    subject="Antiphon: look at the experiment {{ experiment }}",
    text=(
        "{% if metric != '' %}In the experiment {{ experiment }} the arm {{ arm }} harms the guardrail {{ metric }}: all that is "
        "likely is worse than in the first arm.\n\nStop it, unless what it gains is worth it.{% else %}The arms of the "
        "experiment {{ experiment }} have not the sizes they should have: people are lost or doubled on their way into an arm."
        "\n\nDo not "
        "believe its figures before it is known why.{% endif %}\n\nSee the console, under Experiments.\n"
    ),
)


async def tell_of_paused(ctx: Context, conn: Connection, notice: AccountPaused) -> None:
    """Owners and developers hear of a paused account."""
    new = NewDispatch(key="staff:account-paused", channel="email", message_class="staff", content=PAUSED)
    suffix = f"{notice.account_id}:{ctx.clock.now():%Y%m%d%H%M%S}"
    await _tell(ctx, conn, new, ("owner", "developer"), suffix, {"account": notice.name, "reason": notice.reason})


async def tell_of_budget(ctx: Context, conn: Connection, notice: BudgetWarned) -> None:
    """Owners and marketers hear of a budget's mark."""
    new = NewDispatch(key="staff:budget-warned", channel="email", message_class="staff", content=WARNED)
    used = notice.reserved_micros + notice.spent_micros
    facts = {
        "budget": notice.name, "percent": 100 * used // notice.amount_micros if notice.amount_micros else 100,
        "amount": _shown(notice.amount_micros), "spent": _shown(notice.spent_micros), "reserved": _shown(notice.reserved_micros),
        "currency": ctx.settings.currency,
    }  # fmt: skip
    await _tell(ctx, conn, new, ("owner", "marketer"), f"{notice.budget_id}:{ctx.clock.now():%Y%m%d%H%M%S}", facts)


async def tell_of_experiment(ctx: Context, conn: Connection, notice: ExperimentAlarmed) -> None:
    """Owners and marketers hear of an experiment's alarm."""
    new = NewDispatch(key="staff:experiment-alarmed", channel="email", message_class="staff", content=ALARMED)
    suffix = f"{notice.experiment_id}:{notice.kind}:{notice.metric}:{notice.arm}:{ctx.clock.now():%Y%m%d%H%M%S}"
    facts = {"experiment": notice.name, "metric": notice.metric or "", "arm": notice.arm or ""}
    await _tell(ctx, conn, new, ("owner", "marketer"), suffix, facts)


async def _tell(
    ctx: Context, conn: Connection, new: NewDispatch, roles: Sequence[str], suffix: str, facts: dict[str, Any]
) -> None:
    people = await (await conn.execute(SQL.staff_of, {"roles": list(roles)})).fetchall()
    for person_id, email in people:
        try:
            await submit_one(ctx, conn, new, suffix=f"{suffix}:{person_id}", variables=facts, address=email)
        except NoAccount as failed:
            log.warning("staff could not be told", dispatch=new.key, error=str(failed))
            return


def _shown(micros: int) -> str:
    return f"{micros / 1_000_000:,.2f}"


ALERTS = (
    Listener("delivery.tell_of_paused", AccountPaused, tell_of_paused),
    Listener("delivery.tell_of_budget", BudgetWarned, tell_of_budget),
    Listener("delivery.tell_of_experiment", ExperimentAlarmed, tell_of_experiment),
)
