"""Live segments on the real store: what is followed step by step is what is worked out whole, whatever happens."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from psycopg import OperationalError
from tests.awareness.live_world import DAY, HOUR, NAMES, TICK, Chance, World

from antiphon.awareness.events import move_events
from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.segments import EventCondition, InSegment, Last, TraitCondition, service, store
from antiphon.awareness.segments.live import LIVE, audit, writing
from antiphon.awareness.segments.live.loop import Live
from antiphon.awareness.segments.loops import refresh_due
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.leases import Held, LeaseLost

pytestmark = pytest.mark.store


@pytest.fixture
async def world(ctx: Context, lake: LakeClient, clock: VirtualClock) -> AsyncIterator[World]:
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        made = World(ctx, clock)
        await made.declare()
        yield made


async def test_a_rolling_window_is_entered_and_left_at_its_exact_edges(world: World) -> None:
    ann, bob = await world.person(), await world.person()
    await world.mirror()
    lately = await world.segment("Lately", EventCondition(name="Bought", window=Last(amount=1, unit="days")))
    await world.tick()
    assert await world.members(lately) == []
    await world.does(ann, "Bought")
    await world.tick()
    assert await world.members(lately) == [ann]
    world.clock.advance(DAY - TICK)
    await world.does(bob, "Bought")
    await world.tick()
    assert await world.members(lately) == [ann, bob]
    world.clock.advance(TICK)
    await world.tick()
    assert await world.members(lately) == [bob]
    assert await world.told() == [
        ("Segment Entered", lately, ann), ("Segment Entered", lately, bob), ("Segment Left", lately, ann),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_followed_is_what_is_worked_out_whole(world: World, seed: int) -> None:
    """Random trees and lives: events late, ahead and out of order, changes, merges and their undoing, erasures, new
    segments, moves to the lake, restarts, and time that stops exactly at edges."""
    chance = Chance(seed, world.clock.now())
    r = chance.random
    people = [await world.person(**chance.traits()) for _ in range(12)]
    merged: list[int] = []
    happen = [(r.choice(people), r.choice(NAMES), chance.instant(world.clock.now()), chance.said()) for _ in range(60)]
    await world.do(happen)
    await world.mirror()
    lists = [await world.segment("List", None)]
    segments: list[int] = []
    for n in range(8):
        segments.append(await world.segment(f"Segment {n}", chance.tree(2, people, [*segments, *lists])))
    for step in range(16):
        for _ in range(r.randint(0, 3)):
            await world.do([(r.choice(people + merged), r.choice(NAMES), chance.instant(world.clock.now()), chance.said())])
        match r.randint(0, 9):
            case 0:
                people.append(await world.person(**chance.traits()))
            case 1 | 2:
                await world.change(r.choice(people), **chance.traits())
            case 3 if len(people) > 4:
                gone, into = r.sample(people, 2)
                await world.merge(gone, into)
                people.remove(gone)
                merged.append(gone)
            case 4 if merged:
                people.append(merged.pop())
                await world.unmerge(people[-1])
            case 5 if step % 3 == 0 and len(people) > 4 and not merged:
                await world.erase(people.pop(r.randrange(len(people))))
            case 6:
                segments.append(await world.segment(f"Later {step}", chance.tree(2, people, segments)))
            case 7:
                await move_events(world.ctx)
            case 8 if step % 2:
                await world.live.reset()
            case 3:
                await service.list_members(
                    world.ctx, SYSTEM, lists[0], add=r.sample(people, 2), remove=r.sample(people, 2), replace=False
                )
            case 9:
                await world.says(r.choice(people), r.choice(["granted", "withdrawn"]))
                await world.has(r.choice(people))
            case _:
                pass
        if r.random() < 0.5:
            world.clock.advance(r.choice([TICK, HOUR, HOUR - TICK, DAY, 5 * HOUR, timedelta(minutes=15)]))
        if r.random() < 0.3:
            await world.tick()  # before the mirror knows
        await world.mirror()
        await world.tick()
        followed = set(world.live.state.segments)
        assert followed == set(segments), "all of these can be live"
        whole = await world.whole(segments)
        assert {one: await world.members(one) for one in segments} == whole, await world.tell(segments, whole, step)
    assert await world.checked(segments, sorted(people)) == whole


PLAN_A = TraitCondition(trait="plan", op="is", value="a")
BOUGHT = EventCondition(name="Bought", window=Last(amount=1, unit="days"))


@pytest.mark.parametrize("population", [300, 3000])
async def test_rows_read_grow_with_the_people_touched_and_not_with_the_population(world: World, population: int) -> None:
    async with world.ctx.db.transaction() as conn:
        await conn.execute("insert into profile (id) select generate_series(1, %s)", (population,))
        await conn.execute("insert into profile_dirty select id, nextval('profile_version') from profile")
        await conn.execute("select ensure_day('event', %s::date)", (world.clock.now().date(),))
        await conn.execute(
            "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties) "
            "select 41, n, %(now)s, %(now)s - (n %% 20) * interval '1 hour', 1 + n %% %(most)s, 'Bought', 'track', 'm' || n, 0, '{}' "
            "from generate_series(1, 10 * %(most)s) n", {"now": world.clock.now(), "most": population},
        )  # fmt: skip
        await conn.execute("insert into intake_cursor values (41, %s, now())", (10 * population,))
    await world.mirror()
    often = await world.segment("Often", EventCondition(name="Bought", op="ge", value=11, window=Last(amount=3, unit="days")))
    await world.tick()
    assert world.live.state.rows == 10 * population
    await world.do([(person, "Bought", world.clock.now(), {}) for person in (3, 5, 7)])
    await world.tick_once()
    assert await world.members(often) == [3, 5, 7]
    assert (world.live.tally.people, world.live.tally.rows) == (3, 33)
    await world.tick_once()
    assert (world.live.tally.people, world.live.tally.rows) == (0, 0)


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
