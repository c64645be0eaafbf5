"""A worker process that takes events in and moves people in journeys, with short leases: tests kill it.

Its world notes in a table of the test's own what is said to whom; nothing there keeps it from being noted twice.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.execution.journeys_cast import Small

from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.channels import Channels
from antiphon.execution.channels.seal import Seal
from antiphon.execution.journeys import asking, hearing, ticking
from antiphon.execution.journeys.contract import Here, Ints, Message, Request
from antiphon.execution.journeys.live import effects
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.outbound import permit
from antiphon.foundation.postgres import Database
from antiphon.foundation.process import node_name

TABLE = "create table noted (run_id bigint, profile_id bigint, step text, turn int)"


class Noting(Small):
    """Notes what is said."""

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        people, where = here.people, here.places[places]
        await self.conn.execute(
            "insert into noted select r, p, %s, t from unnest(%s::bigint[], %s::bigint[], %s::int[]) u (r, p, t)",
            (here.step.key, people.run[where].tolist(), people.profile[where].tolist(), people.turn[where].tolist()),
        )
        return [None] * len(places)


    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        await effects.ask(self.ctx, self.conn, here, places, request, bodies, self.ctx.clock.now())


async def main(url: str, folder: str) -> None:
    settings = Settings(data_dir=folder, secret="a secret of tests only, 32 bytes long")
    db = await Database.open(url)
    node = node_name("worker")
    ctx = Context(settings=settings, db=db, lake=None, clock=SystemClock(), secret=b"x" * 32, node=node, kind="worker")  # type: ignore[arg-type]
    ticking.world_of = Noting  # type: ignore[assignment]
    ticking.CHUNK = 64
    hearing.READER.most = 40
    leases = Leases(db, node, "worker", timedelta(seconds=1.5))
    ctx.put(Channels, Channels({}, Seal(ctx.secret)))
    permit(["127.0.0.1"])
    asking.CLAIMED = timedelta(seconds=2)
    loops = [next(one for one in EVENTS if one.name == "intake"), hearing.LOOP, ticking.LOOP, asking.LOOPS[0]]
    await LoopRunner(ctx, loops, leases).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
