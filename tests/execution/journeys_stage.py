"""A stage for the tests of journeys' steps: customers who can be written to, journeys they enter, and the live engine's loops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import numpy as np
from tests.execution import cast
from tests.execution.cast import Parrot, stage
from tests.execution.journeys_cast import add_journey

from antiphon.awareness.traits import observe_traits
from antiphon.execution.journeys.asking import LOOPS as ASKING
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.entering import Enrolled, enrol
from antiphon.execution.journeys.model import Definition, Step
from antiphon.execution.journeys.raising import LOOPS as RAISING
from antiphon.execution.journeys.ticking import LOOP
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import dict_row
from antiphon.foundation.postgres.binary import micros

PEOPLE = 6
TEXT = {"subject": "Hello", "text": "Hello {{ first_name }}"}


class Scene:
    """A context, its clock, and what a test does with journeys."""

    def __init__(self, ctx: Context, clock: VirtualClock, parrot: Parrot) -> None:
        self.ctx = ctx
        self.clock = clock
        self.parrot = parrot

    async def journey(self, *steps: Step, **more: Any) -> Plan:
        """A live journey of these steps, which begins with the first."""
        async with self.ctx.db.transaction() as conn:
            definition = Definition(start=steps[0].key, steps=list(steps), **more)
            return await add_journey(conn, definition, self.clock.now())

    async def enter(
        self, plan: Plan, *people: int, memory: dict[str, Any] | None = None, keys: Sequence[str] | None = None, go: bool = True
    ) -> Enrolled:
        """People come in, and go on as far as they get."""
        who = np.array(people, dtype=np.int64)
        async with self.ctx.db.transaction() as conn:
            found = await enrol(
                self.ctx, conn, plan, who, list(keys or [""] * len(who)), np.full(len(who), micros(self.clock.now())),
                [memory] * len(who),
            )  # fmt: skip
        if go:
            await self.go()
        return found

    async def go(self, **later: float) -> None:
        """Whoever is due goes on, ``later`` (a timedelta's words)."""
        if later:
            self.clock.advance(timedelta(**later))
        await run_until_idle(self.ctx, [LOOP])

    async def ask(self) -> None:
        """Other systems are asked, and their answers heard."""
        await run_until_idle(self.ctx, [ASKING[0]])
        await self.go()

    async def raised(self) -> None:
        """Raised events reach the journal."""
        await run_until_idle(self.ctx, list(RAISING))

    async def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        """Rows of a query."""
        async with self.ctx.db.connection() as conn, conn.cursor(row_factory=dict_row) as cur:
            return await (await cur.execute(query, params)).fetchall()

    async def do(self, query: str, *params: Any) -> None:
        """Run a statement."""
        async with self.ctx.db.connection() as conn:
            await conn.execute(query, params)

    async def know(self, **types: Any) -> None:
        """Traits of these types are known."""
        async with self.ctx.db.transaction() as conn:
            await observe_traits(conn, types, self.clock.now())

    async def way(self, person: int) -> list[tuple[int, str]]:
        """The steps a person passed and what they did there, over all their moves."""
        return [(one["s"], one["d"]) for one in await self.told(person)]

    async def told(self, person: int) -> list[dict[str, Any]]:
        """A person's history, every line of it."""
        rows = await self.rows("select path from journey_history where profile_id = %s order by at, run_id, ctid", person)
        return [line for row in rows for line in row["path"]]

    async def where(self) -> dict[int, int]:
        """At which step each person rests."""
        return {row["profile_id"]: row["step"] for row in await self.rows("select profile_id, step from journey_run")}

    async def over(self) -> dict[int, str]:
        """Why each person's passage ended."""
        return {row["profile_id"]: row["reason"] for row in await self.rows("select profile_id, reason from journey_past")}

    async def trait(self, name: str) -> dict[int, Any]:
        """Everybody's trait."""
        return {row["id"]: row["value"] for row in await self.rows("select id, traits -> %s as value from profile order by id", name)}


@asynccontextmanager
async def scene(ctx: Context, clock: VirtualClock, *flock: Parrot) -> AsyncIterator[Scene]:
    """Six customers with an address and a consent to news by the parrot, and an account of it."""
    async with stage(ctx, *flock) as parrot:
        async with ctx.db.transaction() as conn:
            await cast.add_people(conn, PEOPLE)
            await conn.execute("select setval('profile_id_seq', 1000)")
        await cast.add_account(ctx)
        for bird in flock:
            await cast.add_account(ctx, bird.manifest.name)
        yield Scene(ctx, clock, parrot)
