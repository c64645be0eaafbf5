"""Live segments on the real store: what is followed step by step is what is worked out whole, whatever happens."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from tests.awareness.live_chance import Chance
from tests.awareness.live_world import DAY, HOUR, NAMES, TICK, World

from antiphon.awareness.events import Renaming, move_events
from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.segments import EventCondition, Last, TraitCondition, service
from antiphon.awareness.segments.live import reading, tick
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient

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


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate])
@given(choices=st.randoms(use_true_random=False))
async def test_what_is_followed_is_what_is_worked_out_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, choices: random.Random
) -> None:
    """Whatever trees and lives are drawn: events late, ahead and out of order, changes, merges and their undoing, erasures,
    events that prove to be something else, new segments, moves to the lake, restarts, and time that stops exactly at edges."""
    for module in (tick, reading):
        monkeypatch.setattr(module, "SLICE", 3)
    await world.forget_segments()
    chance = Chance(choices, world.clock.now())
    r = chance.random
    people = [await world.person(**chance.traits()) for _ in range(12)]
    merged: list[int] = []
    happen = [(r.choice(people), r.choice(NAMES), chance.instant(world.clock.now()), chance.said()) for _ in range(60)]
    await world.do(happen)
    await world.mirror()
    lists = [await world.segment("List", None)]
    segments: list[int] = []
    for n in range(8):
        segments.append(await world.publish(f"Segment {n}", chance.tree(2, people, [*segments, *lists])))
    await service.refresh(world.ctx, segments)
    for step in range(14):
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
            case 5 if step % 3 == 0 and len(people) > 4:
                gone_with = await world.erase(people.pop(r.randrange(len(people))))
                merged = [one for one in merged if one not in gone_with]
            case 6:
                segments.append(await world.segment(f"Later {step}", chance.tree(2, people, segments)))
            case 7:
                await move_events(world.ctx)
            case 8 if step % 2:
                await world.live.reset()
            case 3:
                await lists.list_members(
                    world.ctx, SYSTEM, lists[0], add=r.sample(people, 2), remove=r.sample(people, 2), replace=False
                )
            case 9:
                await world.says(r.choice(people), r.choice(["granted", "withdrawn"]))
                await world.has(r.choice(people))
            case _:
                pass
        for _ in range(r.choice([0, 0, 1, 3])):
            whose, was, message = await world.some_event(r)
            await world.rename([Renaming(whose, was, r.choice(["Something Else", *NAMES]), (message,))])
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
    ours = {one: [person for person in members if person in people] for one, members in whole.items()}
    assert await world.checked(segments, sorted(people)) == ours


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
