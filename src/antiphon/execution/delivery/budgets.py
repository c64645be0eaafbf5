"""Budgets: what messages may cost, spoken for when the gate lets them pass, paid when they are said.

What is reserved and spent of a budget in one of its periods is a row, and is never together more than its amount: the gate
locks it and reserves what passes at the price of the account they will probably take; just before speaking, when a message's
parts and account are known, what it costs beyond that is reserved as well, or it is refused. Everything that leaves the queue
frees what was reserved for it: by an entry beside, folded later, so that senders never wait for one another here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from antiphon.execution.delivery.costs import expected_micros
from antiphon.execution.delivery.model import Dispatch, Hold
from antiphon.execution.delivery.store import Claimed
from antiphon.execution.delivery.terms import Micros
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Notice, publish
from antiphon.foundation.postgres import Connection, Database, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("budgets.sql"))
FRESH = 0.5  # seconds for which a process knows which budgets there are
FOLD = 5_000  # entries folded at once
Scope = Literal["everything", "channel", "account", "campaign"]
Period = Literal["total", "day", "month"]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]


class BudgetWarned(Notice, frozen=True):
    """A budget has reached its mark."""

    budget_id: int
    name: str
    reserved_micros: int
    spent_micros: int
    amount_micros: int


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be spent on what, in all, a day or a month of a time zone."""

    id: int
    name: str
    scope: Scope
    channel: str | None
    account_id: int | None
    campaign_id: int | None
    period: Period
    zone: str
    amount_micros: Micros
    warn_at: Percent
    enabled: bool
    created_at: datetime
    updated_at: datetime

    def pays(self, dispatch: Dispatch, account_id: int | None) -> bool:
        """Whether a message of this dispatch through this account is paid by it."""
        match self.scope:
            case "everything":
                return True
            case "channel":
                return self.channel == dispatch.channel
            case "account":
                return self.account_id == account_id
            case "campaign":
                return self.campaign_id == dispatch.campaign_id


class BudgetItem(Budget, frozen=True, kw_only=True):
    """A budget and what is left of it in the period now."""

    account_name: str | None
    period_start: date
    reserved_micros: int
    spent_micros: int
    warned_at: datetime | None
    exhausted_at: datetime | None
    left_micros: int = 0


async def enabled(conn: Connection) -> list[Budget]:
    """Every budget that is switched on."""
    async with conn.cursor(row_factory=struct_row(Budget)) as cur:
        return await (await cur.execute(SQL.enabled_budgets)).fetchall()


async def reserve(ctx: Context, conn: Connection, dispatch: Dispatch, *, most: int, at: datetime) -> Hold | None:
    """Speak for at most so many messages of a dispatch that are said at ``at``; None where no budget pays for them.

    Of the hold, ``allowed`` messages may pass; what is queued for them takes ``budgets``, ``each_micros`` and ``at`` along. The
    budgets stay locked until the transaction ends, so give back at once (`keep`) what was not queued.
    """
    budgets = [budget.id for budget in await enabled(conn) if budget.pays(dispatch, dispatch.account_id)]
    if not budgets or most <= 0 or (each := await expected_micros(ctx, conn, dispatch)) <= 0:
        return None
    left = await _lock(conn, budgets, at)
    allowed = max(0, min([most, *(micros // each for micros in left.values())]))
    short = [one for one in budgets if left.get(one, 0) // each == allowed]
    await _add(conn, budgets, [allowed * each] * len(budgets), at, ctx.clock.now())
    return Hold(budgets=budgets, each_micros=each, allowed=allowed, at=at, short=short)


async def keep(conn: Connection, hold: Hold, queued: int, now: datetime, *, refused: bool) -> None:
    """Give back what was reserved for more messages than were queued, in the transaction that reserved it. ``refused``: somebody
    was not written to because there was no more."""
    spare = (hold.allowed - queued) * hold.each_micros
    if spare or refused:
        short = [refused and one in hold.short for one in hold.budgets]
        await _add(conn, hold.budgets, [-spare] * len(hold.budgets), hold.at, now, refused=short)


async def _lock(conn: Connection, budgets: Sequence[int], at: datetime) -> dict[int, int]:
    """Micros left of each, in order of their ids."""
    params = {"ids": list(budgets), "at": at}
    await conn.execute(SQL.open_use, params)
    return dict(await (await conn.execute(SQL.lock_use, params)).fetchall())


async def _add(
    conn: Connection, budgets: Sequence[int], micros: Sequence[int], at: datetime, now: datetime, refused: Sequence[bool] = ()
) -> None:
    refused = list(refused) or [False] * len(budgets)
    await conn.execute(
        SQL.reserve, {"ids": list(budgets), "micros": list(micros), "refused": refused, "at": at, "now": now}
    )


class Purse:
    """One process's knowledge of which budgets there are, and the last look before something is paid."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._budgets: list[Budget] = []
        self._read_at = 0.0

    async def _refresh(self) -> None:
        if time.monotonic() - self._read_at >= FRESH:
            async with self._db.connection() as conn:
                self._budgets = await enabled(conn)
            self._read_at = time.monotonic()

    async def pay(
        self, dispatch: Dispatch, account_id: int, rows: Sequence[Claimed], costs: Sequence[int], now: datetime
    ) -> set[int]:
        """The deliveries that cannot be paid for; what the others cost is reserved, all of it, when this returns."""
        await self._refresh()
        budgets = [budget.id for budget in self._budgets if budget.pays(dispatch, account_id)]
        short = [
            (row, cost) for row, cost in zip(rows, costs, strict=True)
            if cost > 0 and any(_missing(row, budget, cost) for budget in budgets)
        ]  # fmt: skip
        if not short:
            return set()
        unpaid: set[int] = set()
        async with self._db.transaction() as conn:
            by_period: dict[datetime, list[tuple[Claimed, int]]] = {}
            for row, cost in short:
                by_period.setdefault(row.reserved_at or now, []).append((row, cost))
            for at, group in sorted(by_period.items()):
                unpaid |= await self._pay_group(conn, sorted(budgets), group, at, now)
        return unpaid

    async def _pay_group(
        self, conn: Connection, budgets: Sequence[int], group: Sequence[tuple[Claimed, int]], at: datetime, now: datetime
    ) -> set[int]:
        left = await _lock(conn, budgets, at)
        budgets = [budget for budget in budgets if budget in left]  # one that was just deleted pays nothing
        added = dict.fromkeys(budgets, 0)
        refused = dict.fromkeys(budgets, False)
        paid: list[tuple[Claimed, int]] = []
        for row, cost in group:
            whole = max(cost, row.reserved_micros or 0)
            needs = {budget: _missing(row, budget, whole) for budget in budgets}
            lacking = [budget for budget, need in needs.items() if need > left[budget] - added[budget]]
            for budget in lacking:
                refused[budget] = True
            if not lacking:
                paid.append((row, whole))
                for budget, need in needs.items():
                    added[budget] += need
        params = {
            "ids": [row.delivery_id for row, _ in paid], "profile_ids": [row.profile_id for row, _ in paid],
            "epochs": [row.epoch for row, _ in paid], "micros": [cost for _, cost in paid], "budgets": list(budgets), "at": at,
        }  # fmt: skip
        ours = {one for (one,) in await (await conn.execute(SQL.charge_rows, params)).fetchall()} if paid else set()
        for row, whole in paid:
            if row.delivery_id not in ours:  # it has become somebody else's: the mark will say so
                for budget in budgets:
                    added[budget] -= _missing(row, budget, whole)
        await _add(conn, budgets, list(added.values()), at, now, refused=list(refused.values()))
        return {row.delivery_id for row, _ in group} - {row.delivery_id for row, _ in paid}


def _missing(row: Claimed, budget: int, cost: int) -> int:
    """How much of a cost is not reserved of a budget yet."""
    reserved = (row.reserved_micros or 0) if row.budgets and budget in row.budgets else 0
    return max(0, cost - reserved)


async def fold(conn: Connection, now: datetime) -> bool:
    """Fold entries into the budgets and days they are of, and tell of budgets that reached their mark. Whether there is more."""
    entries = await (await conn.execute(SQL.fold_entries, {"most": FOLD})).fetchone()
    costs = await (await conn.execute(SQL.fold_costs, {"most": FOLD})).fetchone()
    for budget_id, name, _, reserved, spent, amount in await (await conn.execute(SQL.warn, {"now": now})).fetchall():
        await publish(
            conn,
            BudgetWarned(budget_id=budget_id, name=name, reserved_micros=reserved, spent_micros=spent, amount_micros=amount),
        )
    return bool((entries and entries[0] == FOLD) or (costs and costs[0] == FOLD))


async def find(
    conn: Connection,
    now: datetime,
    *,
    id: int | None = None,
    campaign_id: int | None = None,
    before: int | None = None,
    limit: int = 1000,
) -> list[BudgetItem]:
    """Budgets and what is left of them now, newest first."""
    params: Mapping[str, object] = {"now": now, "id": id, "campaign_id": campaign_id, "before": before, "limit": limit}
    async with conn.cursor(row_factory=struct_row(BudgetItem)) as cur:
        rows = await (await cur.execute(SQL.all_budgets, params)).fetchall()
    return [
        msgspec.structs.replace(row, left_micros=max(0, row.amount_micros - row.reserved_micros - row.spent_micros))
        for row in rows
    ]
