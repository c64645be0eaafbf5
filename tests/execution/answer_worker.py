"""A worker process that takes events in and lets campaigns answer and count them, with short leases: tests kill it."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from antiphon.awareness.consent import ChannelKind, ChannelRegistry
from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.campaigns import listening
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.channels import Channels
from antiphon.execution.channels.seal import Seal
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.postgres import Database
from antiphon.foundation.process import node_name


async def main(url: str, folder: str) -> None:
    settings = Settings(data_dir=folder, secret="a secret of tests only, 32 bytes long")
    db = await Database.open(url)
    node = node_name("worker")
    ctx = Context(settings=settings, db=db, lake=None, clock=SystemClock(), secret=b"x" * 32, node=node, kind="worker")  # type: ignore[arg-type]
    ctx.put(ChannelRegistry, ChannelRegistry((ChannelKind("parrot", "email", "Parrot"),)))
    ctx.put(Channels, Channels({}, Seal(ctx.secret)))
    listening.READER.most = 40
    leases = Leases(db, node, "worker", timedelta(seconds=1.5))
    loops = [one for one in (*EVENTS, *LOOPS) if one.name in ("intake", "campaigns.listen", "campaigns.convert")]
    await LoopRunner(ctx, loops, leases).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
