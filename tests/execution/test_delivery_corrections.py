"""What proves to have been a machine's counts nowhere: in segments of every kind, computed traits, and the customer's history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import numpy as np
import pytest
from tests.awareness.live_world import World
from tests.execution.cast import stage
from tests.execution.test_delivery_hearing import heard, person, rows, sent

from antiphon.awareness.events import move_events
from antiphon.awareness.events.corrections import LOOPS as CORRECTIONS
from antiphon.awareness.events.loops import intake
from antiphon.awareness.events.service import timeline
from antiphon.awareness.segments import EventCondition, service as segments
from antiphon.awareness.segments.together import holds_for
from antiphon.awareness.traits.computed import service as computed
from antiphon.awareness.traits.computed.loops import LOOPS as COMPUTED
from antiphon.awareness.traits.computed.model import Measured
from antiphon.execution.delivery import reclassifying
from antiphon.execution.delivery.hearing import Hearing
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import Loop, run_until_idle
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
OPENED = EventCondition(name="Email Opened")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
async def world(ctx: Context, lake: LakeClient, clock: VirtualClock) -> AsyncIterator[World]:
    async with stage(ctx):
        ear = Hearing(ctx)
        ctx.put(Hearing, ear)
        made = World(ctx, clock)
        await made.declare()
        yield made
        await ear.close()


async def settle(world: World) -> None:
    await run_until_idle(world.ctx, [Loop("intake", intake, interval=1, buckets=64)])
    await run_until_idle(world.ctx, [*CORRECTIONS, *COMPUTED])
    await world.mirror()
    await world.tick()


async def opens(ctx: Context, profile: int) -> object:
    return (await rows(ctx, "select traits -> 'opens' as opens from profile where id = %s", profile))[0]["opens"]


@pytest.mark.parametrize("cold", [False, True])
async def test_full_live_and_one_person_agree_whatever_is_judged_again(world: World, cold: bool) -> None:
    ctx = world.ctx
    ear = ctx.get(Hearing)
    people = [await person(ctx, first) for first in (1, 2, 3)]
    await computed.define(ctx, SYSTEM, name="opens", description="", definition=Measured(measure="count", event="Email Opened", default=0))
    openers = await world.segment("Openers", OPENED)
    deliveries = [await sent(ctx, who) for who in people]
    for who, delivery in zip(people, deliveries, strict=True):
        await ear.hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
        world.clock.advance(timedelta(minutes=1))
    await settle(world)

    async def agree(*expected: int) -> None:
        await settle(world)
        if cold:
            await move_events(ctx)
        assert openers in world.live.state.segments
        assert await world.members(openers) == list(expected)
        assert (await world.whole([openers]))[openers] == list(expected)
        assert (await world.checked([openers], people))[openers] == list(expected)
        async with ctx.db.connection() as conn:
            branch = await holds_for(ctx, conn, OPENED, np.array(people), world.clock.now())
        assert [who for who, holds in zip(people, branch, strict=True) if holds] == list(expected)
        assert [await opens(ctx, who) for who in people] == [int(who in expected) for who in people]
        await segments.refresh(ctx, [openers])
        assert await world.members(openers) == list(expected)

    await agree(*people)
    ids = [row["id"] for row in await rows(ctx, "select id from engagement order by profile_id")]
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[1], "machine")
    await agree(people[0], people[2])
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[0], "machine")
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[1], "person")
    await agree(people[1], people[2])
    world.clock.advance(timedelta(hours=1))
    await ear.hear(heard(ctx, "opened", deliveries[0], people[0], agent=FIREFOX))
    await agree(*people)
    await reclassifying.judge_by_hand(ctx, SYSTEM, ids[1], "machine")
    await agree(people[0], people[2])
    shown, _ = await timeline(ctx, people[1], None, 20)
    assert sorted(one.name for one in shown if one.name.startswith("Email")) == [
        "Email Open Retracted", "Email Open Retracted", "Email Opened By Machine", "Email Opened By Machine",
    ]  # fmt: skip


async def test_the_first_of_people_is_when_it_was(world: World) -> None:
    """Of two opens the first proves to be a machine's: what is told is the second."""
    ctx = world.ctx
    who = await person(ctx)
    delivery = await sent(ctx, who)
    for _ in range(2):
        await ctx.get(Hearing).hear(heard(ctx, "opened", delivery, who, agent=FIREFOX))
        world.clock.advance(timedelta(hours=1))
    await settle(world)
    (first, _) = await rows(ctx, "select id, at from engagement order by id")
    await reclassifying.judge_by_hand(ctx, SYSTEM, first["id"], "machine")
    await settle(world)
    found = await rows(ctx, "select name, ts from event where name like 'Email Opened%%' order by ts")
    assert [(one["name"], one["ts"] - first["at"]) for one in found] == [
        ("Email Opened By Machine", timedelta(0)), ("Email Opened", timedelta(hours=1)),
    ]  # fmt: skip
