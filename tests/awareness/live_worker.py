"""A worker process that does nothing but follow live segments, with short leases: tests kill it."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from antiphon.awareness.events.journal import Journal, open_journal
from antiphon.awareness.segments.live.loop import LOOPS
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.postgres import Database
from antiphon.foundation.process import node_name


async def main(url: str, folder: str, lake: str) -> None:
    settings = Settings(data_dir=folder, secret="a secret of tests only, 32 bytes long")
    db = await Database.open(url)
    node = node_name("worker")
    ctx = Context(
        settings=settings, db=db, lake=LakeClient(lake), clock=SystemClock(), secret=b"x" * 32, node=node, kind="worker"
    )
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        leases = Leases(db, node, "worker", timedelta(seconds=1.5))
        await LoopRunner(ctx, LOOPS, leases).start()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
