"""`waiting`: millions of people wait in twenty journeys: how much memory that takes, and how long a tick with nobody due.

    python -m bench.waiting [--people 10000000] [--ticks 50] [--smoke]

Memory is of our own process, which runs the loops of journeys; PostgreSQL's is stated apart. A tick looks for what is to be heard
and for who is due, in all buckets.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.journeys import DAY, SQL, add_journey, step
from bench.run import Memory, children, last_line, median, say, table
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.events import EventMatch
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.journeys import hearing, ticking
from antiphon.execution.journeys.model import Definition, EventEntry
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.leases import Leases
from antiphon.foundation.postgres import migrate
from antiphon.foundation.process import open_context

TARGETS = {"peak_mb": "≤ 500", "idle_tick_s": "≤ 0.1"}
JOURNEYS = 20
DEFINITION = Definition(start="pause", entries=[EventEntry(match=EventMatch(event="Joined"))], steps=[
    step("pause", "wait", {"next": "paid"}, seconds=DAY),
    step("paid", "wait_event", {"happened": "pause"}, match={"event": "Paid"}, timeout_seconds=30 * DAY),
])  # fmt: skip


async def seed(ctx: Context, people: int) -> None:
    plans = [await add_journey(ctx, DEFINITION) for _ in range(JOURNEYS)]
    about = {
        "journeys": [one.journey_id for one in plans], "versions": [one.version_id for one in plans], "now": ctx.clock.now(),
    }  # fmt: skip
    async with ctx.db.connection() as conn:
        await conn.execute("set maintenance_work_mem = '512MB'")
        indexes = await (await conn.execute(
            "select indexname, indexdef from pg_indexes where tablename = 'journey_run' and indexname <> 'journey_run_pkey'"
        )).fetchall()  # fmt: skip
        for name, _ in indexes:
            await conn.execute(f'drop index "{name}"')
        for first in range(1, people + 1, 200_000):
            await conn.execute(SQL.waiting, about | {"first": first, "last": min(first + 199_999, people)})
        for _, definition in indexes:
            await conn.execute(definition)
        await conn.execute("vacuum analyze journey_run")
        await conn.execute("checkpoint")


async def bench(args: argparse.Namespace, url: str, data_dir: str, server: int) -> dict[str, float]:
    await migrate(url)
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://mail.example.com", database_url=url)
    async with open_context(settings, "worker", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
        say(f"seeding {args.people:,} people …")
        await seed(ctx, args.people)
        leases = Leases(ctx.db, ctx.node, ctx.kind)
        await leases.beat()
        held = {}
        for loop in (hearing.LOOP, ticking.LOOP):
            await leases.declare(loop.name, loop.buckets)
            held[loop.name] = await leases.share(loop.name, loop.buckets)
        ticks = []
        with Memory(lambda: [os.getpid()]) as memory, Memory(lambda: children(server)) as postgres:
            for _ in range(args.ticks):
                began = time.perf_counter()
                for loop in (hearing.LOOP, ticking.LOOP):
                    assert not await loop.tick(ctx, held[loop.name])
                ticks.append(time.perf_counter() - began)
                await leases.beat()
                await asyncio.sleep(0.05)
        return {
            "peak_mb": memory.peak, "idle_tick_s": median(ticks), "idle_tick_worst_s": max(ticks), "postgres_mb": postgres.peak,
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=10_000_000)
    parser.add_argument("--ticks", type=int, default=50)
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.ticks = min(args.people, 300_000), 20
    with tempfile.TemporaryDirectory(prefix="antiphon-waiting-") as folder, start_postgres(Path(folder)) as server:
        figures = asyncio.run(bench(args, server.url, folder, server.pid))
    table(figures, TARGETS)
    last_line("waiting", figures, people=args.people, journeys=JOURNEYS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
