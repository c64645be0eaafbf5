"""`rehearse`: eight steps over 90 days of recorded history, without sending.

    python -m bench.rehearse [--people 100000] [--million 1000000] [--runs 3] [--smoke]

As BENCH says: entry (`Signed Up`, once for each person within the 90 days), message, wait 1 day, did-open branch, message, wait
2 days, goal check (an order since), exit; twenty-four other events a person, names by Zipf 1.1, people by Zipf; rates fitted on
their opens, an interval from twelve draws; a cap and quiet hours. From the call to the report. Memory is that of this process
and the lake's. `million_seconds` is one run over `--million` people.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
from bench.lake_data import NAMES, NOW, _names
from bench.run import Memory, children, last_line, median, say, table
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.events import EventMatch
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.delivery.rules.model import Clocks
from antiphon.execution.delivery.rules.service import add_cap, set_clocks
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, EventEntry, Goal, Step
from antiphon.execution.journeys.rehearsal.model import RehearsalAsked, RehearsalReport
from antiphon.execution.journeys.rehearsal.rehearsing import rehearse
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.lake import LakeClient, start_lake
from antiphon.foundation.postgres import load_queries, migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

TARGETS = {"seconds": "≤ 60", "peak_mb": "≤ 1000", "million_seconds": "≤ 600"}
SQL = load_queries(Path(__file__).with_name("journeys.sql"))
DAYS = 90
DAY = 86_400
EACH = 24
TEXT: dict[str, Any] = {"channel": "email", "topic": "news", "content": {"subject": "Hello", "text": "Hello"}}
ORDERED = {"kind": "event", "name": "Order Completed", "op": "did", "window": {"kind": "last", "amount": 3, "unit": "days"}}


def step(key: str, kind: str, onward: dict[str, str], **settings: Any) -> Step:
    return Step(key=key, kind=kind, settings=settings, next=onward)


EIGHT_STEPS = Definition(
    start="hello", entries=[EventEntry(match=EventMatch(event="Signed Up"))],
    goal=Goal(event=EventMatch(event="Order Completed"), ends=False),
    steps=[
        step("hello", "message", {"next": "day", "refused": "day"}, **TEXT),
        step("day", "wait", {"next": "opened"}, seconds=DAY),
        step("opened", "engagement", {"yes": "rest", "no": "again"}, step="hello", what="opened"),
        step("again", "message", {"next": "rest", "refused": "rest"}, **TEXT),
        step("rest", "wait", {"next": "goal"}, seconds=2 * DAY),
        step("goal", "condition", {"yes": "done", "no": "done"}, condition=ORDERED),
        step("done", "end", {}),
    ],
)  # fmt: skip


async def seed(ctx: Context, folder: Path, first: int, last: int) -> None:
    """People from one id to another, and what they did; written by another lake process than the one that is measured."""
    async with ctx.db.connection() as conn:
        for begin in range(first, last + 1, 50_000):
            span = {"first": begin, "last": min(begin + 49_999, last)}
            for statement in (SQL.people, SQL.addresses, SQL.consents):
                await conn.execute(statement, span)
        await conn.execute("vacuum analyze")
    since = NOW - timedelta(days=DAYS)
    micros = DAYS * DAY * 1_000_000
    at = f"timestamptz '{since.isoformat()}' + to_microseconds((hash(i, {{}}) % {micros})::bigint)"
    count = last - first + 1
    sql = (
        f"create or replace temp table made as "
        f"select i as profile_id, {at.format(1)} as ts, 'Signed Up' as name from range({first}, {last + 1}) r (i) union all "
        f"select {first} + (floor(pow(hash(i, 21) / 18446744073709551616.0, 1.5) * {count})::bigint * 7919 % {count}), "
        f"{at.format(2)}, $names[1 + (hash(i, 22) % {len(_names())})::int] from range({first * EACH}, {(last + 1) * EACH}) r (i)"
    )
    rows = (
        "select 0::smallint as lane, row_number() over () + (select coalesce(max(seq), 0) from lake.watermark) as seq,"
        " ts as received_at, ts, profile_id, name, 'track' as kind, 'm' || profile_id as message_id, 1 as source_id,"
        " '{\"total\": 10}' as properties from made"
    )
    (folder / "seeding").mkdir(exist_ok=True)
    lake = await asyncio.to_thread(start_lake, ctx.settings.database_url, folder / "seeding", lake_path=str(folder / "lake"))
    client = LakeClient(lake.socket)
    async with client.session(timeout=3600) as session:
        await session.run(sql, {"names": _names()})
        await session.run(f"insert into lake.event by name select * from ({rows}) order by name, ts")
        await session.run(f"insert into lake.event_by_profile by name select * from ({rows}) order by profile_id, ts")
    await client.close()
    await asyncio.to_thread(lake.close)


async def rules(ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        await add_cap(ctx, conn, SYSTEM, {
            "name": "4 in 7 days", "most": 4, "seconds": 7 * DAY, "classes": ["marketing"], "topics": [], "channels": [],
            "enabled": True,
        })  # fmt: skip
        clocks = {"timezone": "Europe/Berlin", "quiet": {"marketing": {"from": "21:00", "to": "08:00"}}, "windows": {}}
        await set_clocks(conn, SYSTEM, msgspec.convert(clocks, Clocks))


async def once(ctx: Context) -> tuple[float, RehearsalReport]:
    plan = Plan(0, 1, EIGHT_STEPS, installed())
    began = time.perf_counter()
    report = await rehearse(ctx, plan, RehearsalAsked(mode="history", days=DAYS))
    return time.perf_counter() - began, report


def ours(socket: Path) -> list[int]:
    """This process and the lake's; PostgreSQL's are not ours."""
    return [pid for pid in children(os.getpid()) if pid == os.getpid() or str(socket) in " ".join(psutil.Process(pid).cmdline())]


def check(report: RehearsalReport, people: int) -> None:
    ways = {(one.step, one.did): one.people for one in report.arrows}
    assert report.entered == people, report.entered
    assert report.finished.get("finished", 0) + report.inside == people, report.finished
    assert 0 < ways["opened", "yes"] < ways["opened", "yes"] + ways["opened", "no"], ways
    assert report.conversions is not None
    assert 0 < report.conversions.low < report.conversions.high


async def measure(args: argparse.Namespace, url: str, folder: Path) -> dict[str, float]:
    await migrate(url)
    lake = await asyncio.to_thread(start_lake, url, folder)
    settings = Settings(data_dir=str(folder), secret=SECRET, public_url="https://mail.example.com", database_url=url)
    figures: dict[str, float] = {}
    rooms = (CONSENT, CHANNELS, CONTENT)
    async with open_context(
        settings, "cli", rooms, database_url=url, lake_socket=str(lake.socket), clock=VirtualClock(NOW)
    ) as ctx:
        await add_account(ctx, SYSTEM, channel="email", name="sink", settings={
            "host": "127.0.0.1", "port": 25, "security": "none", "from_email": "news@shop.example.com",
        })  # fmt: skip
        await rules(ctx)
        await seed(ctx, folder, 1, args.people)
        with Memory(lambda: ours(lake.socket)) as memory:
            _, report = await once(ctx)  # warm-up
            took = []
            for run in range(args.runs):
                seconds, report = await once(ctx)
                check(report, args.people)
                say(f"  run {run + 1}: {seconds:.2f} s")
                took.append(seconds)
        figures["seconds"] = median(took)
        figures["peak_mb"] = round(memory.peak, 1)
        expected = report.conversions
        assert expected is not None
        say(f"  {expected.mean:,.0f} conversions of {report.entered:,}, between {expected.low:,.0f} and {expected.high:,.0f}")
        if args.million > args.people:
            await seed(ctx, folder, args.people + 1, args.million)
            with Memory(lambda: ours(lake.socket)) as memory:
                figures["million_seconds"], report = await once(ctx)
            check(report, args.million)
            figures["million_peak_mb"] = round(memory.peak, 1)
    await asyncio.to_thread(lake.close)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.million, args.runs = 5_000, 8_000, 1
    with tempfile.TemporaryDirectory(prefix="antiphon-rehearse-") as folder, start_postgres(Path(folder)) as server:
        figures = asyncio.run(measure(args, server.url, Path(folder)))
    table(figures, TARGETS)
    last_line("rehearse", figures, people=args.people, million=args.million, runs=args.runs, names=len(NAMES))


if __name__ == "__main__":
    main()
