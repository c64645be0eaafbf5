"""Live segments and memory: what does not fit, what outgrows it, and what is made while other things change."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.awareness.live_world import TICK, World

from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.segments import And, EventCondition, Last, service, store
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

pytestmark = pytest.mark.store

BOUGHT = EventCondition(name="Bought", window=Last(amount=1, unit="days"))


@pytest.fixture
async def world(ctx: Context, lake: LakeClient, clock: VirtualClock) -> AsyncIterator[World]:
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        made = World(ctx, clock)
        await made.declare()
        yield made


async def test_what_grows_beyond_the_memory_is_given_up(world: World) -> None:
    """What fitted when it was taken up may not fit later: then it is not live any more, and the others are."""
    ann = await world.person()
    await world.mirror()
    world.ctx.settings = msgspec.structs.replace(world.ctx.settings, live_segments_mb=1)
    viewed = await world.segment("Viewed", EventCondition(name="Viewed", op="ge", value=50_000))
    bought = await world.segment("Bought", BOUGHT)
    await world.tick()
    assert set(world.live.state.segments) == {viewed, bought}
    await many(world, ann, 90_000)
    await world.tick()
    assert await world.members(viewed) == [ann], "until it is given up it is true"
    assert set(world.live.state.segments) == {bought}
    async with world.ctx.db.connection() as conn:
        row = await store.find_segment(conn, viewed)
    assert row.freshness == "periodic" and row.not_live is not None and "memory" in row.not_live


async def test_what_is_said_counts_as_memory(world: World) -> None:
    """Each different thing said takes much more than a row."""
    ann = await world.person()
    await world.do([(ann, "Viewed", world.clock.now() - n * TICK, {"kind": f"k{n}"}) for n in range(4_000)])
    await world.mirror()
    world.ctx.settings = msgspec.structs.replace(world.ctx.settings, live_segments_mb=1)
    kinds = EventCondition(name="Viewed", op="ge", value=1, measure="distinct", property="kind")
    viewed, bought = await world.segment("Viewed", kinds), await world.segment("Bought", BOUGHT)
    await world.tick()
    assert set(world.live.state.segments) == {bought}
    async with world.ctx.db.connection() as conn:
        assert "memory" in ((await store.find_segment(conn, viewed)).not_live or "")


async def test_what_was_made_for_a_segment_that_is_left_out_is_not_believed_later(world: World) -> None:
    ann = await world.person()
    await world.mirror()
    await world.does(ann, "Bought", total=9_300_000_000)
    huge = EventCondition(name="Bought", op="ge", value=1, measure="sum", property="total")
    viewed = EventCondition(name="Viewed")
    await world.segment("Left out", And(of=[viewed, huge]))
    opened = await world.segment("Followed", EventCondition(name="Email Opened"))
    await world.tick()
    await world.does(ann, "Viewed")
    await world.tick()
    assert set(world.live.state.segments) == {opened} and set(world.live.state.strands) == {"Email Opened"}
    later = await world.segment("Later", viewed)
    await world.tick()
    await world.does(ann, "Email Opened")
    await world.tick()
    assert await world.members(later) == [ann]


async def test_a_segment_archived_while_others_are_taken_up(world: World) -> None:
    """What is being made rests on what is followed: if that goes, it is made again, and nothing fails."""
    ann = await world.person()
    await world.mirror()
    first = await world.segment("First", BOUGHT)
    await world.tick()
    await world.segment("Second", BOUGHT, announce="never")
    await world.tick_once_without_waiting()
    await service.archive(world.ctx, SYSTEM, first)
    await world.does(ann, "Bought")
    await world.tick_once()
    await world.tick()
    (second,) = world.live.state.segments
    assert await world.members(second) == [ann]


async def many(world: World, person: int, count: int) -> None:
    """So many views of somebody, at once."""
    async with world.ctx.db.transaction() as conn:
        await conn.execute("select ensure_day('event', %s::date)", (world.clock.now().date(),))
        await conn.execute(
            "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties) "
            "select 41, n, %(now)s, %(now)s - n * interval '1 us', %(who)s, 'Viewed', 'track', 'v' || n, 0, '{}' "
            "from generate_series(1, %(count)s) n", {"now": world.clock.now(), "who": person, "count": count},
        )  # fmt: skip
        await conn.execute("insert into intake_cursor values (41, %s, now())", (count,))


async def test_what_does_not_fit_into_memory_is_periodic_and_says_so(world: World) -> None:
    ann = await world.person()
    await world.do([(ann, "Viewed", world.clock.now() - n * TICK, {}) for n in range(70_000)])
    await world.mirror()
    world.ctx.settings = msgspec.structs.replace(world.ctx.settings, live_segments_mb=1)
    one = await world.segment("Viewed", EventCondition(name="Viewed"))
    two = await world.segment("Bought", BOUGHT)
    huge = await world.segment("Huge", EventCondition(name="Bought", op="ge", value=1, measure="sum", property="total"))
    await world.tick()
    assert set(world.live.state.segments) == {two, huge}
    async with world.ctx.db.connection() as conn:
        row = await store.find_segment(conn, one)
        assert row.freshness == "periodic" and row.not_live is not None and "memory" in row.not_live
    await world.does(ann, "Bought", total=9_300_000_000)
    await world.tick()
    assert set(world.live.state.segments) == set(), "numbers beyond 63 bits are not held"
    async with world.ctx.db.connection() as conn:
        assert {(await store.find_segment(conn, id)).freshness for id in (two, huge)} == {"periodic"}
