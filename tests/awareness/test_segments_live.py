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
from antiphon.awareness.profiles import mark_dirty, service as profiles
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


async def test_values_beyond_all_measure_hold_nobody_up(world: World) -> None:
    """Numbers larger than any double, of thousands of digits, and instants past the last year: they are no values, and all goes on."""
    ann, bob = await world.person(visits=3, since="2026-01-01T00:00:00Z", plan="gold"), await world.person(visits=1)
    await world.mirror()
    trees = [
        TraitCondition(trait="visits", op="ge", value=1),
        TraitCondition(trait="visits", op="not_set"),
        TraitCondition(trait="since", op="gt", value="2020-01-01T00:00:00Z"),
        TraitCondition(trait="tags", op="not_set"),
        EventCondition(name="Bought", op="gt", measure="sum", property="total", value=5),
        EventCondition(name="Bought"),
    ]
    segments = [await world.segment(f"Segment {n}", tree) for n, tree in enumerate(trees)]
    await world.tick()
    async with world.ctx.db.transaction() as conn:
        for who, odd in ((ann, "1e400"), (bob, "-1e30000")):
            said = f'{{"visits": {odd}, "tags": [{odd}], "since": "9999-12-31T23:59:59-05:00", "vip": {odd}}}'
            await conn.execute("update profile set traits = traits || %s::jsonb where id = %s", (said, who))
            await mark_dirty(conn, [who])
    await world.do([(who, "Bought", world.clock.now(), {"total": 6}) for who in (ann, bob)])
    async with world.ctx.db.transaction() as conn:
        odd = '{"total": 1e30000, "deep": [1e400, {"x": -1e5000}]}'
        await conn.execute("update event set properties = %s::jsonb where profile_id = %s", (odd, bob))
    await world.tick()
    for _ in range(2):
        await world.mirror()
        await world.tick()
        found = {one: await world.members(one) for one in segments}
        assert found == await world.whole(segments) == await world.checked(segments, [ann, bob])
        assert [found[one] for one in segments] == [[], [ann, bob], [], [], [ann], [ann, bob]]
        await move_events(world.ctx)
    async with world.ctx.db.connection() as conn:
        shown = await profiles.show_profile(conn, bob)
    assert shown.traits["visits"] == float("-inf") and shown.traits["vip"] == float("-inf")


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
