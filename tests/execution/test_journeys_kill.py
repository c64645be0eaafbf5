"""kill -9 of workers while people come into a journey, wait, and go on: nobody is lost, nobody moves twice, nothing is said twice."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.execution.cast import stage
from tests.execution.http_emulator import Asked, Said, http_server
from tests.execution.journey_worker import TABLE
from tests.execution.journeys_cast import GOLD, add_journey, add_people, step

from antiphon.awareness.events import EventMatch, Journal
from antiphon.execution.journeys import hearing
from antiphon.execution.journeys.model import Again, Definition, EventEntry
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.context import Context
from antiphon.foundation.faults import JOURNEYS, VARIABLE

pytestmark = pytest.mark.store
PEOPLE = 40
HELLO = {"channel": "email", "message_class": "service", "content": {"subject": "Hello", "text": "Hello"}}
ORDERED = Definition(
    start="hello", entries=[EventEntry(match=EventMatch(event="Ordered"))], again=Again(rule="key", key=["order"], at_once=1000),
    steps=[
        step("hello", "message", {"next": "pause"}, **HELLO),
        step("pause", "wait", {"next": "gold"}, seconds=0.3),
        step("gold", "condition", {"yes": "more", "no": "paid"}, condition=GOLD),
        step("more", "message", {"next": "paid"}, **HELLO),
        step("paid", "wait_event", {"happened": "thanks"}, match={"event": "Paid"}),
        step("thanks", "message", **HELLO),
    ],
)  # fmt: skip


class Worker:
    """A process of loops, which dies when it is told or at a fault point."""

    def __init__(self, url: str, folder: Path) -> None:
        self._command = [sys.executable, "-m", "tests.execution.journey_worker", url, str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, place: str = "") -> None:
        env = os.environ | ({VARIABLE: place} if place else {})
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], env=env)
        assert self._process.stdout is not None
        await asyncio.to_thread(self._process.stdout.readline)

    async def died(self) -> None:
        """Wait until it died where it was to die."""
        assert self._process is not None
        assert await asyncio.to_thread(self._process.wait, 30) == -9

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


async def tell(ctx: Context, what: str, orders: range) -> None:
    """Everybody does something, for each of these orders."""
    rows = [
        (1, None, json.dumps({
            "type": "track", "userId": f"u{person}", "event": what, "messageId": f"{what}-{order}-{person}", "properties": {"order": order},
        }).encode())
        for order in orders for person in range(1, PEOPLE + 1)
    ]  # fmt: skip
    async with ctx.get(Journal).transaction() as journal:
        await journal.append(rows)


async def until(ctx: Context, query: str, wanted: Callable[[Any], bool]) -> Any:
    """Wait until a number is as wanted; returns what it is in the end."""
    deadline = time.monotonic() + 240
    while True:
        async with ctx.db.connection() as conn:
            row = await (await conn.execute(query)).fetchone()
        assert row is not None
        if wanted(row[0]) or time.monotonic() > deadline:
            return row[0]
        await asyncio.sleep(0.1)


async def prepare(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute(TABLE)
        await add_people(conn, PEOPLE)
        plan = await add_journey(conn, ORDERED, ctx.clock.now())
        await hearing.begin_hearing(ctx, conn, plan.journey_id)


async def verify(ctx: Context, orders: int) -> None:
    """Everybody went each way once; all who are even heard one message more."""
    passages = PEOPLE * orders
    waiting = "select count(*) from journey_run where step = 4"
    assert await until(ctx, waiting, lambda n: n >= passages) == passages
    await tell(ctx, "Paid", range(1))
    assert await until(ctx, "select count(*) from journey_past", lambda n: n >= passages) == passages
    async with ctx.db.connection() as conn:
        async def rows(query: str) -> Any:
            return await (await conn.execute(query)).fetchall()

        assert await rows("select count(*) from journey_run") == [(0,)]
        assert await rows("select count(*) from journey_heard") == [(0,)]
        assert await rows("select count(distinct (profile_id, key)) from journey_past where reason = 'finished'") == [(passages,)]
        said = dict(await rows("select step, count(*) from noted group by 1"))
        assert said == {"hello": passages, "more": passages // 2, "thanks": passages}
        assert await rows("select 1 from noted group by run_id, step having count(*) > 1") == []
        ways = await rows(
            "select profile_id % 2 = 0, string_agg(s, ' ' order by at, n, o) as way from ("
            " select profile_id, run_id, at, n, o, one ->> 's' as s from journey_history, jsonb_array_elements(path) with ordinality e (one, o)"
            ") h group by profile_id, run_id, 1"
        )
        assert len(ways) == passages
        assert set(ways) == {(True, "0 1 1 2 3 4 4 5"), (False, "0 1 1 2 4 4 5")}
        counted = dict(await rows("select step, sum(people)::int from journey_count where how in ('went', 'entered') group by 1"))
        assert counted == {-1: passages, 0: passages, 1: passages, 2: passages, 3: passages // 2, 4: passages, 5: passages}


async def test_dying_at_every_fault_point_loses_and_doubles_nobody(ctx: Context, database_url: str, tmp_path: Path) -> None:
    ctx.clock, ctx.kind = SystemClock(), "test"  # no worker, that would have its share of the buckets
    async with stage(ctx):
        await prepare(ctx)
        worker = Worker(database_url, tmp_path)
        try:
            for order, place in enumerate(JOURNEYS):
                await tell(ctx, "Ordered", range(order, order + 1))
                await worker.start(f"{place}:{1 + order % 2}")
                await worker.died()
            await worker.start()
            await verify(ctx, len(JOURNEYS))
        finally:
            worker.kill()


async def test_two_workers_race_and_are_killed_at_random(ctx: Context, database_url: str, tmp_path: Path) -> None:
    ctx.clock, ctx.kind = SystemClock(), "test"  # no worker, that would have its share of the buckets
    chance = random.Random(5)
    async with stage(ctx):
        await prepare(ctx)
        workers = [Worker(database_url, tmp_path / f"w{n}") for n in range(2)]
        try:
            for worker in workers:
                await worker.start()
            for order in range(8):
                await tell(ctx, "Ordered", range(order, order + 1))
                await asyncio.sleep(chance.random() * 0.7)
                if order % 2:
                    victim = chance.choice(workers)
                    victim.kill()
                    await victim.start()
            await verify(ctx, 8)
        finally:
            for worker in workers:
                worker.kill()


ASKING = ("asked",)
"""Where an answer is there, and not written down yet."""


async def test_what_is_asked_of_others_is_answered_once_whatever_is_killed(ctx: Context, database_url: str, tmp_path: Path) -> None:
    """Workers die at the point between the answer and its writing, and at random, while another system answers slowly: everybody goes
    on once, by the answer, and whoever was asked about twice was so under one id, with one body."""
    ctx.clock, ctx.kind = SystemClock(), "test"
    chance = random.Random(7)
    asked: dict[str, list[bytes]] = {}

    async def answer(one: Asked) -> Said:
        asked.setdefault(one.headers["webhook-id"], []).append(one.body)
        await asyncio.sleep(chance.random() * 0.3)
        return Said(body=json.dumps({"id": one.headers["webhook-id"]}).encode())

    async with stage(ctx), http_server(answer) as server:
        hook = step("hook", "webhook", {"ok": "fine", "failed": "lost"}, url=f"http://127.0.0.1:{server.port}/", give_up_seconds=600)
        definition = Definition(
            start="hook", entries=[EventEntry(match=EventMatch(event="Ordered"))], again=Again(rule="key", key=["order"], at_once=1000),
            steps=[hook, step("fine", "message", {"next": "end"}, **HELLO), step("end", "end", reason="fine"), step("lost", "end", reason="lost")],
        )
        async with ctx.db.transaction() as conn:
            await conn.execute(TABLE)
            await add_people(conn, PEOPLE)
            plan = await add_journey(conn, definition, ctx.clock.now())
            await hearing.begin_hearing(ctx, conn, plan.journey_id)
        workers = [Worker(database_url, tmp_path / f"w{n}") for n in range(2)]
        try:
            for order, place in enumerate(ASKING):
                await tell(ctx, "Ordered", range(order, order + 1))
                await workers[0].start(f"{place}:2")
                await workers[0].died()
            for worker in workers:
                await worker.start()
            for order in range(len(ASKING), 5):
                await tell(ctx, "Ordered", range(order, order + 1))
                await asyncio.sleep(0.2 + chance.random())
                victim = chance.choice(workers)
                victim.kill()
                await victim.start()
            passages = PEOPLE * 5
            assert await until(ctx, "select count(*) from journey_past", lambda n: n >= passages) == passages
        finally:
            for worker in workers:
                worker.kill()
        async with ctx.db.connection() as conn:
            rows = await (await conn.execute("select reason, count(*), count(distinct (profile_id, key)) from journey_past group by 1")).fetchall()
            assert rows == [("fine", passages, passages)]
            assert await (await conn.execute("select count(*) from journey_run")).fetchone() == (0,)
            assert await (await conn.execute("select state, count(*) from journey_ask group by 1")).fetchall() == [("answered", passages)]
            said = await (await conn.execute("select count(*), count(distinct run_id) from noted")).fetchone()
            assert said == (passages, passages)
    assert len(asked) == passages and all(len(set(bodies)) == 1 for bodies in asked.values())
    assert any(len(bodies) > 1 for bodies in asked.values())  # somebody did die in mid-answer
