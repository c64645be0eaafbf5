"""Budgets and costs: never more is spent than there is, whoever hands in at once; what is not said is free again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from tests.execution.cast import Parrot, add_account, add_people, speak, stage

from antiphon.execution.channels import Account, Message, Receipt, Wire
from antiphon.execution.delivery import (
    Content,
    Intents,
    NewDispatch,
    budgets,
    budgets_service,
    hold,
    open_dispatch,
    steering,
    submit,
)
from antiphon.execution.delivery.budgets_service import BudgetShown
from antiphon.execution.delivery.loops import LOOPS
from antiphon.execution.delivery.terms import Terms
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store

FOLD = next(loop for loop in LOOPS if loop.name == "delivery.costs")
SAY = Content(subject="Hello", text="Hello")
NEWS = NewDispatch(key="news", channel="parrot", message_class="service", content=SAY, campaign_id=7)


@pytest.fixture
async def parrot(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parrot]:
    monkeypatch.setattr(budgets, "FRESH", 0.0)
    async with stage(ctx) as parrot:
        await steering.set_terms(ctx, SYSTEM, await add_account(ctx), Terms(price_micros=10))
        yield parrot


async def budget(ctx: Context, amount: int, **given: Any) -> int:
    plain: dict[str, Any] = {"name": "b", "scope": "everything"}
    async with ctx.db.transaction() as conn:
        return (await budgets_service.add(ctx, conn, SYSTEM, amount_micros=amount, **(plain | given))).id


async def look(ctx: Context, budget_id: int) -> BudgetShown:
    await run_until_idle(ctx, [FOLD])
    async with ctx.db.connection() as conn:
        return await budgets_service.one(ctx, conn, budget_id)


async def use(ctx: Context, budget_id: int) -> tuple[int, int, int]:
    """(reserved, spent, left) in its period now."""
    found = await look(ctx, budget_id)
    return found.reserved_micros, found.spent_micros, found.left_micros


async def hand_in(ctx: Context, count: int, *, first: int = 1, known: bool = False, **given: Any) -> dict[str, int]:
    async with ctx.db.transaction() as conn:
        people = list(range(first, first + count)) if known else await add_people(conn, count, first=first)
        dispatch = await open_dispatch(ctx, conn, msgspec.structs.replace(NEWS, **given))
        verdict = await submit(ctx, conn, dispatch, Intents(profile_ids=people))
    return {"passed": verdict.passed, **verdict.refused}


async def ask(ctx: Context, statement: str) -> list[tuple[Any, ...]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute(statement)).fetchall()


async def test_a_budget_is_exhausted_when_somebody_is_not_written_to_for_it_and_until_there_is_more(
    ctx: Context, parrot: Parrot
) -> None:
    one = await budget(ctx, 100, warn_at=80)
    async with ctx.db.transaction() as conn:
        people = await add_people(conn, 40, consent=None)
        await conn.execute("delete from identity where profile_id > 5")
    assert await hand_in(ctx, 40, known=True) == {"passed": 5, "no_address": 35}
    assert (await look(ctx, one)).exhausted_at is None, "there was enough for all who were to be written to"
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into identity (kind, value, profile_id) select 'email', 'q' || i || '@example.com', i"
                           " from unnest(%s::bigint[]) i", (people[5:20],))  # fmt: skip
    assert (await hand_in(ctx, 40, known=True, key="more"))["budget_exhausted"] == 15
    found = await look(ctx, one)
    assert found.exhausted_at is not None and found.warned_at is not None
    async with ctx.db.transaction() as conn:
        await budgets_service.change(ctx, conn, SYSTEM, one, name="b", amount_micros=1000, warn_at=80, enabled=True)
    found = await look(ctx, one)
    assert (found.exhausted_at, found.warned_at, found.left_micros) == (None, None, 900)


async def test_a_budget_stops_a_campaign_before_it_is_overrun(ctx: Context, parrot: Parrot) -> None:
    one = await budget(ctx, 255)
    assert await hand_in(ctx, 40) == {"passed": 25, "budget_exhausted": 15}
    assert await use(ctx, one) == (250, 0, 5)
    await speak(ctx)
    assert await use(ctx, one) == (0, 250, 5) and len(parrot.heard) == 25
    rows = await ask(ctx, "select state, reason, count(*), sum(cost_micros)::int from delivery group by 1, 2 order by 1")
    assert rows == [("sent", "accepted", 25, 250), ("suppressed", "budget_exhausted", 15, None)]
    assert (await look(ctx, one)).exhausted_at is not None and (await look(ctx, one)).warned_at is not None


async def test_handing_in_again_reserves_nothing_more(ctx: Context, parrot: Parrot) -> None:
    one = await budget(ctx, 1000)
    for again in (False, True, True):
        assert (await hand_in(ctx, 30, known=again))["passed"] == 30
        assert await use(ctx, one) == (300, 0, 700)


async def test_what_is_refused_or_cancelled_or_erased_is_free_again(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    from antiphon.execution.delivery import ledger

    one = await budget(ctx, 1000)
    await hand_in(ctx, 30)
    async with ctx.db.transaction() as conn:
        await ledger.erase(ctx, conn, 1)
    assert await use(ctx, one) == (290, 0, 710)
    parrot.answer = lambda wire: Receipt(
        delivery_id=wire.delivery_id, code="x", outcome="rejected" if wire.address.startswith("p2@") else "deferred", permanent=True
    )
    await speak(ctx)
    assert await use(ctx, one) == (280, 0, 720)  # one was refused for good; the others are put off, and paid for still
    async with ctx.db.transaction() as conn:
        await hold(conn, 7, "cancelled")
    await speak(ctx)
    assert await use(ctx, one) == (0, 0, 1000)


async def test_what_costs_more_than_the_gate_knew_is_paid_before_it_is_said_or_not_said(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Parrot.prepare

    def in_three_for_odd_ones(self: Parrot, message: Message, account: Account) -> Wire:
        odd = int(message.address[1 : message.address.index("@")]) % 2
        return msgspec.structs.replace(plain(self, message, account), parts=3 if odd else 1)

    monkeypatch.setattr(Parrot, "prepare", in_three_for_odd_ones)
    one = await budget(ctx, 400)
    assert await hand_in(ctx, 30) == {"passed": 30}  # 300 of it, as far as the gate knows; it would be 600
    await speak(ctx)
    assert await use(ctx, one) == (0, 300, 100)  # fifteen of one part, and five of three that found their 20 more
    assert await ask(ctx, "select reason, count(*), sum(parts)::int, sum(cost_micros)::int from delivery group by 1 order by 1") == [
        ("accepted", 20, 30, 300), ("budget_exhausted", 10, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize("given, mine", [
    ({"scope": "channel", "channel": "parrot"}, True), ({"scope": "channel", "channel": "email"}, False),
    ({"scope": "campaign", "campaign_id": 7}, True), ({"scope": "campaign", "campaign_id": 8}, False),
    ({"scope": "everything", "enabled": False}, False),
])  # fmt: skip
async def test_a_budget_pays_for_what_it_is_for(ctx: Context, parrot: Parrot, given: dict[str, Any], mine: bool) -> None:
    await budget(ctx, 100, **given)
    assert (await hand_in(ctx, 30))["passed"] == (10 if mine else 30)


async def test_an_accounts_budget_sends_the_rest_nowhere(ctx: Context, parrot: Parrot) -> None:
    """Routed messages know their account only when they are said: the last look holds the account's budget."""
    ((account,),) = await ask(ctx, "select id from channel_account")
    one = await budget(ctx, 100, scope="account", account_id=account)
    assert (await hand_in(ctx, 30))["passed"] == 30
    await speak(ctx)
    assert await use(ctx, one) == (0, 100, 0) and len(parrot.heard) == 10


async def test_a_days_budget_is_whole_again_the_next_day_of_its_zone(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    one = await budget(ctx, 100, period="day", zone="Asia/Tokyo")
    clock.set(datetime(2026, 6, 1, 14, 59, tzinfo=UTC))  # 23:59 in Tokyo
    assert (await hand_in(ctx, 15))["passed"] == 10
    assert (await look(ctx, one)).period_start == date(2026, 6, 1)
    clock.advance(timedelta(minutes=2))
    assert (await hand_in(ctx, 15, first=100, key="next"))["passed"] == 10
    found = await look(ctx, one)
    assert (found.period_start, found.reserved_micros, found.left_micros) == (date(2026, 6, 2), 100, 0)


async def test_costs_are_reported(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await hand_in(ctx, 20)
    await speak(ctx)
    clock.advance(timedelta(days=1))
    await hand_in(ctx, 10, first=100, key="other", campaign_id=None, message_class="transactional")
    await speak(ctx)
    for _ in range(2):  # before and after it is folded
        async with ctx.db.connection() as conn:
            by_day = await budgets_service.costs(ctx, conn)
            by_all = await budgets_service.costs(ctx, conn, by=["campaign", "class", "account"], since=date(2026, 6, 1))
            of_one = await budgets_service.costs(ctx, conn, by=["channel"], campaign_id=7)
        assert (by_day.currency, by_day.messages, by_day.micros) == ("EUR", 30, 300)
        assert [(row.day, row.micros) for row in by_day.rows] == [(date(2026, 6, 2), 100), (date(2026, 6, 1), 200)]
        assert [(row.campaign_id, row.message_class, row.account_name, row.micros) for row in by_all.rows] == [
            (7, "service", "parrot of tests", 200), (None, "transactional", "parrot of tests", 100),
        ]  # fmt: skip
        assert [(row.channel, row.messages) for row in of_one.rows] == [("parrot", 20)]
        await run_until_idle(ctx, [FOLD])


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_never_more_is_spent_than_there_is(ctx: Context, parrot: Parrot, clock: VirtualClock, data: st.DataObject) -> None:
    """Many hand in at once, some is said, put off, refused or cancelled in between: reserved and spent stay within."""
    async with ctx.db.transaction() as conn:
        for table in ("delivery_queue", "delivery", "budget", "budget_entry", "dispatch"):
            await conn.execute(f"delete from {table}")
        await conn.execute("update account_health set state = 'working', until = null")
        row = await (await conn.execute("select count(*) from profile")).fetchone()
        if row == (0,):
            await add_people(conn, 200)
    total = data.draw(st.integers(0, 600), label="total")
    mine = data.draw(st.integers(0, 600), label="campaign")
    every, own = await budget(ctx, total), await budget(ctx, mine, scope="campaign", campaign_id=7)
    outcomes = data.draw(st.lists(st.sampled_from(["sent", "rejected", "deferred", "unknown"]), min_size=1, max_size=6))
    turn = 0

    def answer(wire: Wire) -> Receipt:
        nonlocal turn
        turn += 1
        outcome = outcomes[turn % len(outcomes)]
        return Receipt(delivery_id=wire.delivery_id, outcome=outcome, code="x", permanent=outcome == "rejected")  # type: ignore[arg-type]

    parrot.answer = answer
    for step in range(data.draw(st.integers(1, 3), label="steps")):
        counts = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=4), label="counts")
        await asyncio.gather(*(
            hand_in(ctx, count, first=1 + 25 * n, known=True, key=f"{step}:{n}", campaign_id=7 + n % 2)
            for n, count in enumerate(counts)
        ))  # fmt: skip
        if data.draw(st.booleans(), label="speak"):
            await asyncio.gather(speak(ctx))
        if data.draw(st.booleans(), label="cancel"):
            async with ctx.db.transaction() as conn:
                await hold(conn, 8, "cancelled")
            await speak(ctx)
        clock.advance(timedelta(minutes=data.draw(st.integers(0, 10))))
        for one, amount, where in ((every, total, "true"), (own, mine, "campaign_id = 7")):
            found = await look(ctx, one)
            assert found.reserved_micros >= 0 and found.spent_micros >= 0
            assert found.reserved_micros + found.spent_micros <= amount
            ((said,),) = await ask(ctx, f"select coalesce(sum(cost_micros), 0)::bigint from delivery where {where}")
            assert found.spent_micros == said
            ((waits,),) = await ask(
                ctx, f"select count(*) * 10 from delivery_queue q join delivery d on d.id = q.delivery_id where {where}"
            )
            assert found.reserved_micros == waits


def test_no_statement_takes_rows_from_the_queue_unseen() -> None:
    """The release is a trigger of the table: no statement may go around it."""
    source = Path(budgets.__file__).parent
    assert not [path for path in source.rglob("*.sql") if "truncate" in path.read_text().lower()]
