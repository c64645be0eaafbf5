"""Live segments when things go wrong: failures, leases, kills, what does not fit; and beside the full path."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import OperationalError
from tests.awareness.live_world import DAY, TICK, World

from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.segments import EventCondition, InSegment, Last, TraitCondition, service, store
from antiphon.awareness.segments.kinds import Age
from antiphon.awareness.segments.live import LIVE, audit, reading, writing
from antiphon.awareness.segments.live.loop import Live
from antiphon.awareness.segments.loops import refresh_due
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.leases import Held, LeaseLost

pytestmark = pytest.mark.store


PLAN_A = TraitCondition(trait="plan", op="is", value="a")
BOUGHT = EventCondition(name="Bought", window=Last(amount=1, unit="days"))


@pytest.fixture
async def world(ctx: Context, lake: LakeClient, clock: VirtualClock) -> AsyncIterator[World]:
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        made = World(ctx, clock)
        await made.declare()
        yield made


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failure_while_storing_tells_nothing_twice_and_forgets_nothing(
    world: World, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await world.person() for _ in range(5)]
    await world.mirror()
    bought = await world.segment("Bought", BOUGHT)
    quiet = await world.segment("Too", InSegment(id=bought), announce="never")
    await world.tick()
    await world.do([(person, "Bought", world.clock.now(), {}) for person in people[:3]])
    real = writing._write

    async def failing(ctx: Context, chunk: list[writing.Part], held: Held, now: datetime) -> None:
        if when == "after":  # it was stored, and nobody learnt that
            await real(ctx, chunk, held, now)
        raise OperationalError("the connection broke")

    monkeypatch.setattr(writing, "_write", failing)
    with pytest.raises(OperationalError):
        await world.tick()
    assert not world.live.state.segments, "nothing is believed any more"
    monkeypatch.setattr(writing, "_write", real)
    await world.tick()
    assert await world.members(bought) == await world.members(quiet) == people[:3]
    assert sorted(await world.told()) == [("Segment Entered", bought, person) for person in people[:3]]


async def test_midnight_in_the_middle_of_a_step_is_not_missed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day begins while a step reads: nobody is touched, and yet everybody is a day older."""
    ann = await world.person(born="1996-06-02")
    await world.mirror()
    thirty = await world.segment("Thirty", Age(trait="born", op="ge", value=30))
    world.clock.set(datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC))
    await world.tick()
    real = reading.read_batch

    async def late(*asked: Any) -> Any:
        world.clock.set(datetime(2026, 6, 2, 0, 0, 0, 5, tzinfo=UTC))
        return await real(*asked)

    monkeypatch.setattr(reading, "read_batch", late)
    await world.tick()
    monkeypatch.setattr(reading, "read_batch", real)
    await world.tick()
    assert await world.members(thirty) == [ann]


async def test_who_lost_the_lease_stores_nothing(world: World) -> None:
    ann = await world.person()
    await world.mirror()
    bought = await world.segment("Bought", BOUGHT)
    await world.tick()
    async with world.ctx.db.transaction() as conn:
        await conn.execute("update lease set owner = 'another', epoch = epoch + 1 where loop = %s", (LIVE,))
    await world.does(ann, "Bought")
    with pytest.raises(LeaseLost):
        await world.tick_once()
    assert await world.members(bought) == [] and await world.told() == []
    async with world.ctx.db.transaction() as conn:
        await conn.execute("update lease set expires = '-infinity' where loop = %s", (LIVE,))
    await world.tick()
    assert await world.members(bought) == [ann]
    assert await world.told() == [("Segment Entered", bought, ann)]


async def test_what_happened_while_nobody_followed_is_told_once(world: World) -> None:
    ann, bob = await world.person(), await world.person()
    await world.mirror()
    bought = await world.segment("Bought", BOUGHT)
    await world.does(bob, "Bought")
    await world.tick()
    await world.live.reset()
    world.clock.advance(DAY)
    await world.does(ann, "Bought")
    await world.tick()
    assert await world.members(bought) == [ann]
    assert await world.told() == [
        ("Segment Entered", bought, bob), ("Segment Entered", bought, ann), ("Segment Left", bought, bob),
    ]  # fmt: skip


async def test_a_live_segment_is_left_alone_by_the_loop_that_works_out_whole(world: World) -> None:
    ann = await world.person(plan="a")
    await world.mirror()
    one = await world.segment("Bought", BOUGHT)
    await world.tick()
    held = Held("segments.refresh", world.ctx.node, {})
    async with world.ctx.db.connection() as conn:
        await conn.execute("update segment set due_at = '-infinity'")
        row = await store.find_segment(conn, one)
        assert (row.freshness, row.evaluated_at) == ("live", world.clock.now())
        assert await store.due_segments(conn, range(64), 10) == []
        await conn.execute("update segment_pulse set beat = beat - interval '1 minute'")
        assert await store.due_segments(conn, range(64), 10) == [one], "nobody keeps it live: it is refreshed"
    await service.change(world.ctx, SYSTEM, one, name="Plan", description="", tree=PLAN_A, announce="changes")
    await world.tick()
    assert not world.live.state.segments, "another tree is first worked out whole"
    await service.refresh(world.ctx, [one])
    await world.tick()
    assert await world.members(one) == [ann]
    assert set(world.live.state.segments) == {one}
    assert not await refresh_due(world.ctx, held)


async def test_a_refresh_of_a_live_segment_waits_until_it_is_followed(world: World) -> None:
    ann = await world.person()
    await world.mirror()
    bought = await world.segment("Bought", BOUGHT)
    await world.tick()
    await world.does(ann, "Bought")
    world.clock.advance(TICK)
    asked = asyncio.create_task(service.refresh(world.ctx, [bought]))
    await asyncio.sleep(0.3)
    assert not asked.done()
    await world.tick_once()
    (row,) = await asked
    assert (row.size, row.evaluated_at) == (1, world.clock.now())


async def test_an_audit_finds_what_should_not_be(world: World) -> None:
    ann, bob = await world.person(), await world.person()
    await world.mirror()
    bought = await world.segment("Bought", BOUGHT)
    await world.does(ann, "Bought")
    await world.tick()
    await _audit(world)
    for condition in world.live.state.conditions.values():
        condition.members.add(bob)
    world.live.state.segments[bought].members.add(bob)
    with pytest.raises(audit.Drifted):
        await _audit(world)
    await world.tick()
    assert await world.members(bought) == [ann]


async def _audit(world: World) -> None:
    world.live.audit.due = 0.0
    await world.tick_once()
    assert world.live.audit.running is not None
    await asyncio.wait([world.live.audit.running])
    await world.tick_once()
    await world.tick_once()
    assert world.live.audit.running is None


async def test_workers_share_the_segments_and_each_is_told_once(world: World) -> None:
    ann = await world.person()
    await world.mirror()
    segments = [await world.segment(f"Bought {n}", BOUGHT) for n in range(4)]
    segments.append(await world.segment("Nested", InSegment(id=segments[0])))
    await world.tick_once()
    await world.live.reset()
    assert world.held is not None
    some = [one % 64 for one in segments[::2]]
    shares = [(Live(), world.held.only(some)), (Live(), world.held.only([b for b in world.held.buckets if b not in some]))]
    await world.does(ann, "Bought")
    for _ in range(2):
        for live, held in shares:
            while await live.tick(world.ctx, held) or await live.built():
                pass
    assert [set(live.state.segments) for live, _ in shares] == [set(segments[::2]), set(segments[1::2])]
    assert [await world.members(one) for one in segments] == [[ann]] * 5
    assert sorted(await world.told()) == [("Segment Entered", one, ann) for one in segments]


async def test_workers_that_are_killed_tell_each_change_once(world: World, settings: Settings, database_url: str) -> None:
    """kill -9 at random instants: who enters and leaves is told as it is stored, and in the end all is as it should be."""
    r = random.Random(5)
    world.clock.set(datetime.now(UTC) - timedelta(seconds=1))
    people = [await world.person() for _ in range(40)]
    await world.mirror()
    segments = [
        await world.segment(f"Bought {n} times", EventCondition(name="Bought", op="eq", value=n)) for n in range(1, 6)
    ]  # fmt: skip
    for _ in range(6):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("live_worker.py")), database_url, settings.data_dir, world.ctx.lake._socket,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert worker.stdout is not None and await worker.stdout.readline() == b"ready\n"
        until = asyncio.get_running_loop().time() + r.uniform(1.0, 3.5)
        while asyncio.get_running_loop().time() < until:
            world.clock.set(datetime.now(UTC))
            await world.do([(person, "Bought", world.clock.now(), {}) for person in r.sample(people, 2)])
            await asyncio.sleep(0.05)
        worker.kill()
        await worker.wait()
    world.clock.set(datetime.now(UTC))
    async with world.ctx.db.connection() as conn:
        await conn.execute("update lease set expires = '-infinity' where loop = %s", (LIVE,))
    await world.tick()
    members = {one: await world.members(one) for one in segments}
    assert members == await world.whole(segments)
    told = await world.told()
    inside: dict[int, set[int]] = {one: set() for one in segments}
    for what, segment, person in told:
        assert (person in inside[segment]) == (what == "Segment Left"), "nobody enters or leaves twice"
        inside[segment] ^= {person}
    assert {one: sorted(people) for one, people in inside.items()} == members
    async with world.ctx.db.connection() as conn:
        rows = await (await conn.execute("select sum(entered + gone) from segment_growth")).fetchall()
    assert rows == [(len(told),)] and len(told) > 40
