"""kill -9 of workers while campaigns answer and count events: each answered once, each success counted once, in good time."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.execution.cast import add_account, add_people, add_published, stage
from tests.execution.test_campaigns_service import draft, segment_of, told

from antiphon.awareness.events import Journal
from antiphon.execution.campaigns import service
from antiphon.execution.campaigns.goals import Goal
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.execution.content import Source
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
PEOPLE, EVENTS, BATCH = 50, 900, 30


class Worker:
    """A process of loops, started anew each time it was killed."""

    def __init__(self, url: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.execution.answer_worker", url, str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert self._process.stdout is not None
        await asyncio.to_thread(self._process.stdout.readline)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


async def test_kills_lose_and_double_no_answer_and_no_conversion(ctx: Context, database_url: str, tmp_path: Path) -> None:
    ctx.clock = SystemClock()
    chance = random.Random(11)
    async with stage(ctx):
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, PEOPLE)
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(1, %s) i", (PEOPLE,)
            )
        version = await add_published(ctx, Source(format="text", subject="Order", body="{{ event.order_id }}"))
        common = {"version": version, "message_class": "transactional", "topic": None, "kind": "triggered"}
        keyed = await draft(ctx, None, **common, trigger=Trigger(event="Order", again="key", key=["order_id"]))
        each = await draft(ctx, None, **common, trigger=Trigger(event="Order", again="every"), goal=Goal(event="Paid", key="order_id"))
        for campaign in (keyed, each):
            await told(ctx, service.start, campaign)
        everybody = await segment_of(ctx, "all", [1])
        assert everybody
        workers = [Worker(database_url, tmp_path / f"w{n}") for n in range(2)]
        for worker in workers:
            await worker.start()
        try:
            for n in range(0, EVENTS, BATCH):
                rows = []
                for i in range(n, n + BATCH):
                    call = {"type": "track", "userId": f"u{i % PEOPLE + 1}", "event": "Order", "messageId": f"m{i}",
                            "properties": {"order_id": i // 2}}  # fmt: skip
                    rows.append((1, None, json.dumps(call).encode()))
                async with ctx.get(Journal).transaction() as journal:
                    await journal.append(rows)
                if n % (BATCH * 8) == 0:
                    victim = chance.choice(workers)
                    await asyncio.sleep(chance.random() * 0.8)
                    victim.kill()
                    await victim.start()
            answered = await counted(ctx, "select count(*) from delivery where campaign_id = %s", each.id, EVENTS)
            once = await counted(ctx, "select count(*) from delivery where campaign_id = %s", keyed.id, EVENTS // 2)
            paid = [
                (1, None, json.dumps({
                    "type": "track", "userId": f"u{i % PEOPLE + 1}", "event": "Paid", "messageId": f"p{i}-{again}",
                    "properties": {"order_id": i},
                }).encode())
                for again in range(2) for i in range(300)
            ]  # fmt: skip
            for n in range(0, len(paid), 100):
                async with ctx.get(Journal).transaction() as journal:
                    await journal.append(paid[n : n + 100])
                workers[n % 2].kill()
                await workers[n % 2].start()
            converted = await counted(ctx, "select count(*) from conversion where campaign_id = %s", each.id, 300)
        finally:
            for worker in workers:
                worker.kill()
    assert (answered, once, converted) == (EVENTS, EVENTS // 2, 300)


async def counted(ctx: Context, query: str, campaign: int, wanted: int) -> int:
    """Wait until a count is as wanted and stays so."""
    deadline = time.monotonic() + 240
    found = -1
    while time.monotonic() < deadline:
        async with ctx.db.connection() as conn:
            row = await (await conn.execute(query, (campaign,))).fetchone()
        assert row is not None
        found = row[0]
        if found >= wanted:
            await asyncio.sleep(1.5)
            async with ctx.db.connection() as conn:
                row = await (await conn.execute(query, (campaign,))).fetchone()
            assert row is not None
            return int(row[0])
        await asyncio.sleep(0.2)
    return int(found)
