"""Random lives of a journey: people come in, versions go live with random maps, are rolled back, while the engine and the mover
work at the same time and die now and then. Whatever happens, each passage is once inside or once over, stands at a step of its
version, is told each message at most once, and all of them end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.execution.cast import add_account, add_people, stage

from antiphon.execution.journeys import definitions, moving, publishing, service, ticking
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.errors import JourneyVersionUnknown, StepMapLosesPeople
from antiphon.execution.journeys.model import Again, ApiEntry, Definition, Step
from antiphon.execution.journeys.running import plans
from antiphon.execution.journeys.shown import Leave, Move, Stay, Treatment
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import Loop, run_until_idle
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
PEOPLE = 12
TEXT = {"channel": "parrot", "topic": "news", "content": {"subject": "Hi", "text": "Hello"}}


class Died(Exception):
    """A process, in the middle of something."""


def drawn(dice: random.Random) -> Definition:
    """Some of six steps in some order, so that edits lead people past what they were told: waits and messages, each leading to
    the next."""
    keys = dice.sample(["w0", "w1", "w2", "m0", "m1", "m2"], dice.randint(3, 6))
    steps = []
    for key, to in zip(keys, [*keys[1:], None], strict=True):
        if key.startswith("w"):
            settings: dict[str, Any] = {"seconds": dice.choice([60, 3600])}
            steps.append(Step(key=key, kind="wait", settings=settings, next={"next": to} if to else {}))
        else:
            steps.append(Step(key=key, kind="message", settings=TEXT, next={"next": to, "refused": to} if to else {}))
    return Definition(start=keys[0], steps=steps, entries=[ApiEntry()], again=Again(rule="always", at_once=100))


class Life:
    """One journey's."""

    def __init__(self, ctx: Context, clock: VirtualClock, dice: random.Random) -> None:
        self.ctx = ctx
        self.clock = clock
        self.dice = dice
        self.id = 0
        self.entered = 0

    async def begin(self) -> None:
        async with self.ctx.db.transaction() as conn:
            self.id = (await service.add_journey(self.ctx, conn, SYSTEM, name="j", description="", draft=drawn(self.dice))).id
        await self.publish(Stay())

    async def publish(self, treatment: Treatment | None = None) -> None:
        async with self.ctx.db.transaction() as conn:
            one = await service.find(conn, self.id)
            if treatment is None:
                one = await service.save_draft(self.ctx, conn, SYSTEM, self.id, draft=drawn(self.dice), revision=one.draft_revision)
                treatment = await self.treatment(conn, one.draft)
            await publishing.publish(self.ctx, conn, SYSTEM, self.id, revision=one.draft_revision, note="", treatment=treatment)

    async def treatment(self, conn: Connection, new: Definition) -> Treatment:
        """Any, with every step that people stand at led somewhere."""
        what = self.dice.random()
        if what < 0.2:
            return Stay()
        if what < 0.25:
            return Leave()
        seen = await publishing.preview(self.ctx, conn, self.id, Move())
        lost = {group.step for group in seen.steps if group.becomes == "lost"}
        others = {group.step for group in seen.steps if self.dice.random() < 0.4}
        keys = [step.key for step in new.steps]
        return Move(map={key: None if self.dice.random() < 0.1 else self.dice.choice([keys[0], *keys]) for key in sorted(lost | others)})

    async def roll_back(self) -> None:
        with suppress(StepMapLosesPeople, JourneyVersionUnknown):
            async with self.ctx.db.transaction() as conn:
                found = await definitions.list_versions(conn, self.id)
                number = self.dice.choice(found).number
                await publishing.roll_back(self.ctx, conn, SYSTEM, self.id, number=number, treatment=None)

    async def enter(self) -> None:
        who = np.array([self.dice.randint(1, PEOPLE) for _ in range(self.dice.randint(1, 5))], dtype=np.int64)
        async with self.ctx.db.transaction() as conn:
            live = (await service.find(conn, self.id)).live_version_id
            assert live is not None
            plan = (await plans(self.ctx).of(conn, [live]))[live]
            at = np.full(len(who), micros(self.clock.now()))
            found = await enrol(self.ctx, conn, plan, who, [""] * len(who), at, [None] * len(who))
        self.entered += len(found.entered)

    async def check(self) -> None:
        async with self.ctx.db.connection() as conn:
            runs = await (await conn.execute("select id, version_id, step from journey_run")).fetchall()
            over = await (await conn.execute("select run_id from journey_past")).fetchall()
            versions = await definitions.some_versions(conn, self.id)
        ids = Counter([row[0] for row in runs] + [row[0] for row in over])
        assert len(ids) == self.entered and set(ids.values()) <= {1}, "somebody is lost, or there twice"
        assert all(0 <= step < len(versions[version].definition.steps) for _, version, step in runs)

    async def once_each(self) -> None:
        """Nobody is told the same step's message twice in one passage and turn, under whatever versions. An intent's key is
        journey:{journey}:{version}:{step}:{run}.{turn}."""
        async with self.ctx.db.connection() as conn:
            rows = await (await conn.execute("select intent_key from delivery where state <> 'suppressed'")).fetchall()
        told = Counter(tuple(row[0].split(":")[3:]) for row in rows)
        assert len(told) > 10 and [what for what, times in told.items() if times > 1] == []


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Any]:
    async with stage(ctx) as bird:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, PEOPLE)
        yield bird


@pytest.mark.parametrize("seed", range(4))
async def test_random_lives_lose_and_double_nobody(ctx: Context, clock: VirtualClock, parrot: Any, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(moving, "CHUNK", 3)
    real = moving.point
    deadly = True

    def die(name: str) -> None:
        real(name)
        if deadly and dice.random() < 0.2:
            raise Died(name)

    monkeypatch.setattr(moving, "point", die)
    life = Life(ctx, clock, dice)
    await life.begin()
    for _ in range(25):
        what = dice.random()
        if what < 0.45:
            await life.enter()
        elif what < 0.65:
            await life.publish()
        elif what < 0.75:
            await life.roll_back()
        else:
            clock.advance(timedelta(seconds=dice.choice([1, 60, 1800])))
        await asyncio.gather(_work(ctx, ticking.LOOP), _work(ctx, moving.LOOPS[0]))
        await life.check()
    deadly = False
    for _ in range(40):
        clock.advance(timedelta(hours=1))
        await run_until_idle(ctx, [ticking.LOOP, *moving.LOOPS])
    await life.check()
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select (select count(*) from journey_run), (select count(*) from journey_past), (select count(*) from delivery)")).fetchone()
    assert row is not None and row[:2] == (0, life.entered) and life.entered > 10
    await life.once_each()


async def _work(ctx: Context, loop: Loop) -> None:
    """A few ticks of one loop; a death is somebody else's chance."""
    leases = Leases(ctx.db, f"{ctx.node}-{loop.name}", ctx.kind)
    await leases.beat()
    await leases.declare(loop.name, loop.buckets)
    for _ in range(4):
        held = await leases.share(loop.name, loop.buckets)
        with suppress(Died):
            if not await loop.tick(ctx, held):
                break
    await leases.leave([loop.name])
