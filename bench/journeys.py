"""`journeys`: a million people through a step, over a bare SQL statement that does the same; and through eight steps.

    python -m bench.journeys [--people 1000000] [--runs 3] [--part step|eight|both] [--smoke]

As BENCH says. A step: the wait is over, a two-way branch on a trait, to the next wait, its history row written; the statement
does the same update and insert for 20,000 rows at a time. Eight steps: entry, message, wait 1 day, did-open branch, message,
wait 2 days, goal check, exit, on a virtual clock; messages pass the gate into the ledger for a channel that never speaks, and
three in ten are marked as opened between ticks (not counted in the time). One worker, one connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from bench.run import last_line, median, say, table
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.journeys import ticking
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Step
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import load_queries, migrate
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

TARGETS = {"seconds_per_million_step": "≤ 20", "vs_sql_update": "≥ 0.4", "seconds_eight_steps": "≤ 300"}
SQL = load_queries(Path(__file__).with_name("journeys.sql"))
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = 86_400
CHUNK = 20_000


def step(key: str, kind: str, onward: dict[str, str], **settings: Any) -> Step:
    return Step(key=key, kind=kind, settings=settings, next=onward)


GOLD = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
ONE_STEP = Definition(start="first", steps=[
    step("first", "wait", {"next": "plan"}, seconds=3600),
    step("plan", "condition", {"yes": "gold", "no": "basic"}, condition=GOLD),
    step("gold", "wait", {}, seconds=DAY),
    step("basic", "wait", {}, seconds=2 * DAY),
])  # fmt: skip
HELLO: dict[str, Any] = {"channel": "email", "topic": "news", "content": {"subject": "Hello", "text": "Hello"}}
EIGHT_STEPS = Definition(start="hello", steps=[
    step("hello", "message", {"next": "day"}, **HELLO),
    step("day", "wait", {"next": "opened"}, seconds=DAY),
    step("opened", "engagement", {"yes": "rest", "no": "again"}, step="hello", what="opened"),
    step("again", "message", {"next": "rest"}, **HELLO),
    step("rest", "wait", {"next": "goal"}, seconds=2 * DAY),
    step("goal", "condition", {"yes": "done"}, condition=GOLD),
    step("done", "end", {}),
])  # fmt: skip


async def add_journey(ctx: Context, definition: Definition) -> Plan:
    """A live journey with one version."""
    now, body = ctx.clock.now(), msgspec.json.encode(definition).decode()
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute(
            "insert into journey (name, draft, state, created_at, created_by, changed_at, changed_by, started_at)"
            " values ('bench', %s::jsonb, 'live', %s, 'bench', %s, 'bench', %s) returning id", (body, now, now, now),
        )).fetchone()  # fmt: skip
        assert row is not None
        version = await (await conn.execute(
            "insert into journey_version (journey_id, number, definition, published_at, published_by)"
            " values (%s, 1, %s::jsonb, %s, 'bench') returning id", (row[0], body, now),
        )).fetchone()  # fmt: skip
        assert version is not None
        await conn.execute("update journey set live_version_id = %s where id = %s", (version[0], row[0]))
    return Plan(version[0], row[0], definition, installed())


async def seed(ctx: Context, people: int) -> None:
    async with ctx.db.connection() as conn:
        await conn.execute("insert into trait (name, column_name, type, first_seen) values ('plan', 't_plan', 'text', now())")
        for first in range(1, people + 1, 50_000):
            span = {"first": first, "last": min(first + 49_999, people)}
            for statement in (SQL.people, SQL.addresses, SQL.consents):
                await conn.execute(statement, span)
        await conn.execute("vacuum analyze")


async def stand(ctx: Context, plan: Plan, people: int) -> None:
    """Everybody at the first wait, due now, and nobody has a history."""
    async with ctx.db.connection() as conn:
        await conn.execute("truncate journey_run, journey_history, journey_past, journey_count")
        for first in range(1, people + 1, 50_000):
            span = {"first": first, "last": min(first + 49_999, people), "now": ctx.clock.now()}
            await conn.execute(SQL.standing, span | {"journey_id": plan.journey_id, "version_id": plan.version_id})
        await conn.execute("vacuum analyze journey_run")
        await conn.execute("checkpoint")


async def by_engine(ctx: Context) -> float:
    began = time.perf_counter()
    await run_until_idle(ctx, [ticking.LOOP], rounds=100_000)
    return time.perf_counter() - began


async def by_hand(ctx: Context, plan: Plan) -> float:
    """The same move, one bare statement for each 20,000."""
    paths = [
        json.dumps([
            {"s": 0, "d": "next", "h": "went"}, {"s": 1, "d": way, "h": "went"},
            {"s": number, "d": "rest", "h": "rests", "w": {"until": (ctx.clock.now() + timedelta(days=days)).isoformat()}},
        ])
        for way, number, days in (("yes", 2, 1), ("no", 3, 2))
    ]  # fmt: skip
    params = {
        "journey_id": plan.journey_id, "version_id": plan.version_id, "now": ctx.clock.now(), "most": CHUNK,
        "buckets": list(range(64)), "gold": paths[0], "basic": paths[1],
    }  # fmt: skip
    began = time.perf_counter()
    while True:
        async with ctx.db.transaction() as conn:
            if (await conn.execute(SQL.by_hand, params)).rowcount == 0:
                break
    return time.perf_counter() - began


async def check_step(ctx: Context, people: int) -> None:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(
            "select (select count(*) from journey_run where step = 2), (select count(*) from journey_run where step = 3),"
            " (select count(*) from journey_history)"
        )).fetchone()  # fmt: skip
    assert row is not None
    assert row[0] + row[1] == row[2] == people, row
    assert abs(row[0] / people - 0.3) < 0.01, row


async def one_step(ctx: Context, args: argparse.Namespace) -> dict[str, float]:
    plan = await add_journey(ctx, ONE_STEP)
    engine, hand = [], []
    await stand(ctx, plan, min(args.people, 100_000))  # warm-up
    await by_engine(ctx)
    for _ in range(args.runs):
        await stand(ctx, plan, args.people)
        hand.append(await by_hand(ctx, plan))
        await check_step(ctx, args.people)
        await stand(ctx, plan, args.people)
        engine.append(await by_engine(ctx))
        await check_step(ctx, args.people)
        say(f"engine {engine[-1]:.2f} s, by hand {hand[-1]:.2f} s")
    async with ctx.db.connection() as conn:
        await conn.execute("update journey set state = 'archived'")
        await conn.execute("truncate journey_run, journey_history, journey_past, journey_count cascade")
    per_million = 1_000_000 / args.people
    return {
        "seconds_per_million_step": median(engine) * per_million, "vs_sql_update": median(hand) / median(engine),
        "sql_seconds_per_million": median(hand) * per_million,
    }  # fmt: skip


async def eight_steps(ctx: Context, clock: VirtualClock, args: argparse.Namespace) -> dict[str, float]:
    plan = await add_journey(ctx, EIGHT_STEPS)
    took: dict[str, float] = {}
    began = time.perf_counter()
    for first in range(1, args.people + 1, CHUNK):
        ids = np.arange(first, min(first + CHUNK, args.people + 1), dtype=np.int64)
        async with ctx.db.transaction() as conn:
            at = np.full(len(ids), micros(ctx.clock.now()), dtype=np.int64)
            await enrol(ctx, conn, plan, ids, [""] * len(ids), at, [None] * len(ids))
    took["entry"] = time.perf_counter() - began
    took["hello"] = await by_engine(ctx)
    await mark_opened(ctx)
    clock.advance(timedelta(days=1))
    took["opened"] = await by_engine(ctx)
    clock.advance(timedelta(days=2))
    took["goal"] = await by_engine(ctx)
    for name, seconds in took.items():
        say(f"{name} {seconds:.1f} s")
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(
            "select (select count(*) from journey_run), (select count(*) from journey_past where reason = 'finished'),"
            " (select count(*) from delivery), (select count(*) from journey_history)"
        )).fetchone()  # fmt: skip
    assert row is not None
    assert row[:2] == (0, args.people), row
    assert abs(row[2] / args.people - 1.7) < 0.02, row
    assert row[3] == 3 * args.people, row
    return {"seconds_eight_steps": sum(took.values()) * 1_000_000 / args.people} | {
        f"seconds_{name}": seconds * 1_000_000 / args.people for name, seconds in took.items()
    }


async def mark_opened(ctx: Context) -> None:
    after = 0
    while True:
        async with ctx.db.connection() as conn:
            cursor = await conn.execute(SQL.opened, {"now": ctx.clock.now(), "after": after})
            rows = await cursor.fetchall()
        if not rows:
            return
        after = max(row[0] for row in rows)


async def bench(args: argparse.Namespace, url: str, data_dir: str) -> dict[str, float]:
    await migrate(url)
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://mail.example.com", database_url=url)
    async with open_context(settings, "worker", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
        clock = VirtualClock(START)
        ctx.clock = clock
        await add_account(ctx, SYSTEM, channel="email", name="sink", settings={
            "host": "127.0.0.1", "port": 25, "security": "none", "from_email": "news@shop.example.com",
        })  # fmt: skip
        await seed(ctx, args.people)
        figures: dict[str, float] = {}
        if args.part in ("step", "both"):
            figures |= await one_step(ctx, args)
        if args.part in ("eight", "both"):
            figures |= await eight_steps(ctx, clock, args)
        return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--part", choices=("step", "eight", "both"), default="both")
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.runs = min(args.people, 60_000), 1
    with tempfile.TemporaryDirectory(prefix="antiphon-journeys-") as folder, start_postgres(Path(folder)) as server:
        figures = asyncio.run(bench(args, server.url, folder))
    table(figures, TARGETS)
    last_line("journeys", figures, people=args.people, runs=args.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
