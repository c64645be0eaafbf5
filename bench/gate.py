"""`gate`: from a bitmap of people to rows of the ledger, judged by three rules and by all of them.

    python -m bench.gate [--people 1000000] [--ledger 10000000] [--runs 3] [--smoke]

As BENCH says: the ledger holds `--ledger` rows of the last 30 days; about 30 % are refused. Three rules are consent, one cap and
quiet hours; all are these and two more caps, suppression, what customers state themselves (frequency, quiet hours, channel,
pause), suitability, the universal holdout, a campaign's own holdout, exclusion, send windows and duplicates.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from bench.run import Memory, last_line, median, table
from bench.voices import SECRET
from pyroaring import BitMap

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.decisioning.experiments.holdouts import set_holdout
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.delivery import CHUNK, Content, Dispatch, Intents, NewDispatch, Verdict, open_dispatch, submit_all
from antiphon.execution.delivery.rules.model import Clocks
from antiphon.execution.delivery.rules.service import add_cap, set_clocks
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.postgres import load_queries, migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

TARGETS = {
    "seconds_three_rules": "≤ 15", "seconds_all_rules": "≤ 30", "peak_mb_1m": "≤ 1.2 × peak_mb_100k",
    "refused_share_three": "≈ 0.3",
}  # fmt: skip
SQL = load_queries(Path(__file__).with_name("gate.sql"))
ZONES = [
    "Europe/Berlin", "Europe/London", "America/New_York", "Asia/Shanghai", "Europe/Moscow", "Asia/Tokyo",
    "Australia/Sydney", "UTC",
]  # fmt: skip
SAY = Content(subject="News", text="News")


async def seed(ctx: Context, people: int, ledger: int) -> None:
    """Customers, and what they were written in the last 30 days."""
    async with ctx.db.connection() as conn:
        await conn.execute("set maintenance_work_mem = '512MB'")
        for first in range(1, people + 1, 100_000):
            span = {"first": first, "last": min(first + 99_999, people), "zones": ZONES}
            for statement in (SQL.people, SQL.addresses, SQL.user_ids, SQL.consents, SQL.suppressions, SQL.wishes):
                await conn.execute(statement, span)
        indexes = await (await conn.execute(SQL.indexes, {})).fetchall()
        for name, _ in indexes:
            await conn.execute(f'drop index "{name}"')
        for turn in range(-(-ledger // people)):
            for first in range(1, people + 1, 200_000):
                await conn.execute(SQL.ledger, {"first": first, "last": min(first + 199_999, people), "turn": turn})
        for _, definition in indexes:
            await conn.execute(definition)
        row = await (await conn.execute(SQL.kind)).fetchone()
        assert row is not None
        for first in range(1, ledger + 1, 200_000):
            await conn.execute(SQL.contacts, {"first": first, "last": first + 199_999, "kind": row[0]})
        await conn.execute("vacuum analyze")
        await conn.execute("checkpoint")


async def set_rules(ctx: Context, *, every: bool) -> None:
    """Consent is always asked for; one cap and quiet hours, or everything there is."""
    async with ctx.db.transaction() as conn:
        await conn.execute("delete from frequency_cap")
        for most, days in [(4, 7), *([(2, 1), (16, 30)] if every else [])]:
            await add_cap(ctx, conn, SYSTEM, {
                "name": f"{most} in {days} days", "most": most, "seconds": days * 86_400, "classes": ["marketing"], "topics": [],
                "channels": [], "enabled": True,
            })  # fmt: skip
        quiet = {"marketing": {"from": "21:00", "to": "08:00"}}
        windows = {"marketing": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "08:00", "to": "20:30"}]} if every else {}
        await set_clocks(conn, SYSTEM, msgspec.convert({"timezone": "Europe/Berlin", "quiet": quiet, "windows": windows}, Clocks))
        await set_holdout(
            ctx, conn, SYSTEM, "universal", title="", percent=5 if every else 0, period="quarter", enabled=every, redraw=False
        )


async def run_once(ctx: Context, people: BitMap, key: str, *, every: bool) -> tuple[float, Verdict]:
    """Seconds from the bitmap to the last row, and what was decided."""
    new = NewDispatch(
        key=key, channel="email", message_class="marketing", topic="news", content=SAY, campaign_id=abs(hash(key)) % 10**9,
        occurrence="1", purpose="promotion" if every else "",
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        dispatch: Dispatch = await open_dispatch(ctx, conn, new)
    excluded = people[::50] if every else BitMap()
    began = time.perf_counter()
    parts = (
        Intents(profile_ids=part.to_array(), excluded=(part & excluded).to_array() if every else ())
        for start in range(0, len(people), CHUNK)
        for part in (people[start : start + CHUNK],)
    )
    verdict = await submit_all(ctx, dispatch, parts)
    return time.perf_counter() - began, verdict


async def clear(ctx: Context, key: str) -> None:
    """Take a run's rows out again, so that each finds the same ledger."""
    async with ctx.db.connection() as conn:
        await conn.execute("truncate delivery_queue")
        await conn.execute(SQL.forget_contacts, {"key": key})
        await conn.execute(SQL.forget_deliveries, {"key": key})
        await conn.execute("vacuum analyze contact")
        await conn.execute("vacuum delivery_queue")
        await conn.execute("vacuum delivery")
        await conn.execute("checkpoint")


async def bench(args: argparse.Namespace, url: str, data_dir: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    await migrate(url)
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://mail.example.com", database_url=url)
    async with open_context(settings, "cli", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
        await add_account(ctx, SYSTEM, channel="email", name="sink", settings={
            "host": "127.0.0.1", "port": 25, "security": "none", "from_email": "news@shop.example.com",
        })  # fmt: skip
        print(f"seeding {args.people:,} people and {args.ledger:,} rows …", file=sys.stderr)
        await seed(ctx, args.people, args.ledger)
        everybody, tenth = BitMap(range(1, args.people + 1)), BitMap(range(1, max(CHUNK, args.people // 10) + 1))
        await set_rules(ctx, every=False)
        with Memory(lambda: [os.getpid()]) as memory:
            await run_once(ctx, tenth, "warm-up", every=False)
            await clear(ctx, "warm-up")
            memory.peak = 0.0
            await run_once(ctx, tenth, "tenth", every=False)
            figures["peak_mb_100k"] = round(memory.peak, 1)
            await clear(ctx, "tenth")
            for name, every in (("three", False), ("all", True)):
                await set_rules(ctx, every=every)
                took: list[float] = []
                for n in range(args.runs):
                    memory.peak = 0.0
                    seconds, verdict = await run_once(ctx, everybody, f"{name} {n}", every=every)
                    took.append(seconds)
                    figures["peak_mb_1m"] = max(figures.get("peak_mb_1m", 0.0), round(memory.peak, 1))
                    print(f"{name} rules, run {n}: {seconds:.2f} s, {verdict}", file=sys.stderr)
                    await clear(ctx, f"{name} {n}")
                figures[f"seconds_{name}_rules"] = round(median(took), 2)
                figures[f"refused_share_{name}"] = round(sum(verdict.refused.values()) / verdict.total, 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--ledger", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.ledger, args.runs = 40_000, 400_000, 1
    about = {"people": args.people, "ledger": args.ledger, "runs": args.runs}
    with tempfile.TemporaryDirectory(prefix="antiphon-gate-") as folder:
        if external := os.environ.get("ANTIPHON_DATABASE_URL"):
            figures = asyncio.run(bench(args, external, folder))
        else:
            with start_postgres(Path(folder)) as server:
                figures = asyncio.run(bench(args, server.url, folder))
    table(figures, TARGETS)
    last_line("gate", figures, **about)


if __name__ == "__main__":
    main()
