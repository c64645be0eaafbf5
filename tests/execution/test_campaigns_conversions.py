"""Conversions: by code, by click, after the message, and against those held out; each once, whatever order they come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.cast import SEND, Parrot, add_account, add_people, add_published, stage
from tests.execution.test_campaigns_service import RUN, draft, segment_of, told
from tests.execution.test_campaigns_triggered import INTAKE, happen

from antiphon.execution.campaigns import conversions, service, store
from antiphon.execution.campaigns.conversions import Conversions, How, lift_of, wilson
from antiphon.execution.campaigns.goals import Goal, personal_code, read_code
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.personal import erase, export
from antiphon.execution.campaigns.triggers import Happened
from antiphon.execution.content import Source
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store
COUNT = LOOPS[2]
WEEK = 7 * 86_400.0


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 20)
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(1, 20) i"
            )
        yield parrot


async def sent(ctx: Context, goal: Goal, people: int = 10, **more: Any) -> Campaign:
    """A campaign to the first people, said."""
    version = await add_published(ctx, Source(format="text", subject="x", body="{{ campaign.code }}"))
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, people + 1))), version=version, goal=goal, **more)
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    await run_until_idle(ctx, [RUN])
    return campaign


async def click(conn: Connection, person: int, at: datetime | None) -> None:
    await conn.execute("update delivery set clicked_at = %s, clicks = 1 where profile_id = %s", (at, person))


async def counted(ctx: Context, campaign: Campaign) -> Conversions:
    await run_until_idle(ctx, [INTAKE, COUNT])
    async with ctx.db.connection() as conn:
        found = await conversions.read_conversions(conn, await service.find(conn, campaign.id))
        for one in found.by_how:  # every number is as long as the list it opens
            people = await conversions.list_conversions(conn, campaign.id, how=one.how, named=True, before=None, limit=1000)
            assert (len(people), len({p.profile_id for p in people})) == (one.conversions, one.people)
            assert sum(float(p.value or 0) for p in people) == one.value
    return found


def ways(found: Conversions) -> dict[How, int]:
    return {one.how: one.conversions for one in found.by_how}


async def test_how_conversions_come_about(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    """The timeline of a week's window: said at noon on the first; clicks and orders follow."""
    start = clock.now()
    goal = Goal(event="Order", value="total", code="spring", code_property="coupon", within_seconds=WEEK)
    campaign = await sent(ctx, goal)
    hours = [
        (1, "click", 1), (2, "order", 1, 10), (3, "order", 2, 20), (4, "order", 3, 30, "SPRING"), (5, "order", 15, 40),
        (6, "order", 16, 50, "spring"), (7 * 24 - 1, "click", 4), (7 * 24 + 2, "order", 4, 5), (7 * 24 + 3, "order", 5, 6),
        (14 * 24 - 2, "order", 4, 7), (15 * 24, "order", 4, 8),
    ]  # fmt: skip
    for hour, what, person, *rest in hours:
        clock.set(start + timedelta(hours=hour))
        if what == "click":
            async with ctx.db.transaction() as conn:
                await click(conn, int(person), clock.now())
        else:
            properties = {"total": rest[0]} | ({"coupon": rest[1]} if len(rest) > 1 else {})
            await happen(ctx, (int(person), "Order", properties))
            await run_until_idle(ctx, [INTAKE, COUNT])
    found = await counted(ctx, campaign)
    assert {one.how: (one.conversions, one.people, one.value) for one in found.by_how} == {
        "click": (3, 2, 22.0), "message": (1, 1, 20.0), "code": (2, 2, 80.0)
    }  # fmt: skip
    assert (found.conversions, found.value, found.lift) == (6, 122.0, None)


async def test_a_click_that_was_a_machines_takes_its_conversion_along(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    campaign = await sent(ctx, Goal(event="Order", within_seconds=3600))
    clock.advance(timedelta(hours=2))
    async with ctx.db.transaction() as conn:
        await click(conn, 1, clock.now())
    clock.advance(timedelta(minutes=30))
    await happen(ctx, (1, "Order", {}))
    assert ways(await counted(ctx, campaign)) == {"click": 1}
    async with ctx.db.transaction() as conn:
        await click(conn, 1, None)
    assert ways(await counted(ctx, campaign)) == {}


async def test_everybody_has_a_code_of_their_own(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    """Whoever orders with it: it counts as that of the message it was given in."""
    goal = Goal(event="Order", code="MAY", code_property="coupon", personal_codes=True)
    campaign = await sent(ctx, goal, people=3)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, variables -> 'campaign' ->> 'code', id from delivery")).fetchall()
    codes = {person: (code, delivery) for person, code, delivery in rows}
    assert codes[2][0] == personal_code(ctx.secret, campaign.id, "MAY", 2)
    await happen(ctx, (2, "Order", {"coupon": codes[2][0].lower()}), (9, "Order", {"coupon": codes[3][0]}),
                 (1, "Order", {"coupon": "MAY-AAAAAAAABBBB"}))  # fmt: skip
    assert ways(await counted(ctx, campaign)) == {"code": 2, "message": 1}
    async with ctx.db.connection() as conn:
        found = await conversions.list_conversions(conn, campaign.id, how="code", named=False, before=None, limit=9)
    assert {(one.profile_id, one.delivery_id) for one in found} == {(2, codes[2][1]), (9, codes[3][1])}


@given(person=st.integers(1, 2**32 - 1), campaign=st.integers(1, 10**9), flip=st.integers(0, 11))
def test_a_code_is_read_as_whose_it_is_and_no_other_is(person: int, campaign: int, flip: int) -> None:
    code = personal_code(b"secret", campaign, "May-1", person)
    assert read_code(b"secret", campaign, "May-1", code) == person
    assert read_code(b"secret", campaign + 1, "May-1", code) is None
    head, tail = code[:-12], code[-12:]
    other = "A" if tail[flip] != "A" else "B"
    assert read_code(b"secret", campaign, "May-1", head + tail[:flip] + other + tail[flip + 1 :]) is None


async def test_the_lift_over_those_held_out(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 380, first=21)
        await conn.execute(
            "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(21, 400) i"
        )
    campaign = await sent(ctx, Goal(event="Order", within_seconds=3600), people=400, holdout_percent=25)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, reason from delivery order by 1")).fetchall()
    held = [person for person, reason in rows if reason == "holdout"]
    rest = [person for person, reason in rows if reason != "holdout"]
    assert 60 < len(held) < 140
    assert not {f"p{person}@example.com" for person in held} & set(parrot.heard)
    clock.advance(timedelta(minutes=5))
    await happen(ctx, *((person, "Order", {}) for person in [*rest[:90], *held[:10]]))
    clock.advance(timedelta(hours=2))
    await happen(ctx, (held[20], "Order", {}), (rest[100], "Order", {}))
    found = await counted(ctx, campaign)
    assert ways(found) == {"message": 90, "holdout": 10}
    lift = found.lift
    assert lift is not None
    assert (lift.told, lift.told_converted, lift.held_out, lift.held_out_converted) == (len(rest), 90, len(held), 10)
    assert lift.low < lift.difference < lift.high
    assert found.conversions == 90


def test_the_interval_is_newcombes() -> None:
    """His own examples (table II of the paper, method 10): 56/70 − 48/80 and 9/10 − 3/10, and both ends of nothing."""
    for told_, held, converted, other, low, high in (
        (70, 80, 56, 48, 0.0524, 0.3339), (10, 10, 9, 3, 0.1705, 0.8090), (10, 20, 0, 0, -0.1611, 0.2775)
    ):  # fmt: skip
        lift = lift_of(told_, held, converted, other)
        assert (round(lift.low, 4), round(lift.high, 4)) == (low, high)
    assert wilson(0, 10)[0] == 0.0


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 10)), min_size=1, max_size=12),
    seed=st.integers(0, 999),
)  # fmt: skip
async def test_each_success_counts_once_in_any_order(
    ctx: Context, parrot: Parrot, orders: list[tuple[int, int, int]], seed: int
) -> None:
    """Repeated, reordered and cut into parts: the same conversions are kept, each with its earliest event."""
    goal = Goal(event="Order", key="id", value="total")
    begin = datetime(2026, 6, 1, 13, tzinfo=UTC)
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select max(id) from campaign")).fetchone()
    assert row is not None
    if row[0] is None:
        campaign = await sent(ctx, goal, people=3)
    else:
        async with ctx.db.transaction() as conn:
            campaign = await service.find(conn, row[0])
            await conn.execute("delete from conversion")
    events = [
        Happened(0, n, begin, begin + timedelta(minutes=at), person, "track", "Order", {"id": order, "total": at})
        for n, (person, order, at) in enumerate(orders)
    ]
    shuffled = events + events[: seed % 3]
    Random(seed).shuffle(shuffled)
    async with ctx.db.transaction() as conn:
        for at in range(0, len(shuffled), seed % 4 + 1):
            await conversions.keep(ctx, conn, campaign, goal, shuffled[at : at + seed % 4 + 1])
        rows = await (await conn.execute("select profile_id, seq, value from conversion")).fetchall()
    expected = {}
    for one in sorted(events, key=lambda e: (e.ts, e.lane, e.seq), reverse=True):
        expected[one.profile_id, one.properties["id"]] = (one.profile_id, one.seq, one.properties["total"])
    assert sorted((p, s, int(v)) for p, s, v in rows) == sorted(expected.values())


async def test_a_customer_can_be_exported_and_erased(ctx: Context, parrot: Parrot) -> None:
    campaign = await sent(ctx, Goal(event="Order", value="total"), people=2)
    await happen(ctx, (1, "Order", {"total": 5}), (2, "Order", {"total": 6}))
    assert ways(await counted(ctx, campaign)) == {"message": 2}
    async with ctx.db.transaction() as conn:
        told_ = await export(ctx, conn, 1)
        assert [one["value"] for one in told_["conversions"]] == [5]
        await erase(ctx, conn, 1)
        rows = await (await conn.execute("select profile_id from conversion order by 1")).fetchall()
        assert rows[0][0] < 0
        assert rows[1][0] == 2
        await store.move_campaign(conn, campaign.id, "finished", now=ctx.clock.now(), finished_at=ctx.clock.now())
    assert (await counted(ctx, campaign)).value == 11
