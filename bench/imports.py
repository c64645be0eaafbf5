"""`import`: customers a second from a CSV to profiles, identities and the lake's mirror, committed.

    python -m bench import [--rows 1000000] [--runs 3] [--smoke]

As BENCH says: ten traits, e-mail and phone a row. `vs_copy` is the rate over that of COPY of the same rows into profile
and identity tables with the same keys by one connection, in the same run. Each run has a database of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from bench.data import CUSTOMER_MAP, customers_csv
from bench.run import Memory, children, last_line, median, processor_seconds, say, table
from psycopg.conninfo import make_conninfo

from antiphon.awareness.imports import begin_import, parse_map, store, take_file
from antiphon.awareness.imports.loading import JOBS
from antiphon.awareness.traits.loops import LOOPS as TRAIT_LOOPS
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.jobs import LOOPS as JOB_LOOPS, register_kinds
from antiphon.foundation.lake import start_lake
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.postgres import migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

SECRET = "a secret of benchmarks only, 32 bytes"


def spent(server: int, lake: int) -> dict[str, float]:
    """Seconds of processor used so far, by engine. PostgreSQL's ended backends are counted by their parent."""
    own = os.times()
    return {"worker": own.user + own.system, "lake": processor_seconds([lake]), "postgresql": processor_seconds(children(server))}


async def one_run(url: str, server: int, folder: Path, source: Path, rows: int) -> tuple[float, float]:
    """(seconds from the call until every customer is in the mirror, peak memory of our processes in MB)."""
    await migrate(url)
    settings = Settings(data_dir=str(folder), secret=SECRET)
    lake = await asyncio.to_thread(start_lake, url, folder)
    register_kinds(JOBS)
    try:
        async with open_context(
            settings, "worker", (), database_url=url, lake_socket=str(lake.socket), clock=SystemClock()
        ) as ctx:
            runner = LoopRunner(ctx, [*JOB_LOOPS, *TRAIT_LOOPS])
            await runner.start()
            before = spent(server, lake.child.pid)
            with Memory(lambda: [os.getpid(), *children(lake.child.pid)]) as memory:
                begun = time.monotonic()
                file = await take_file(ctx, SYSTEM, source)
                started = await begin_import(ctx, SYSTEM, file_id=file.id, imported=parse_map(CUSTOMER_MAP), dry_run=False)
                loaded = 0.0
                while True:
                    async with ctx.db.connection() as conn:
                        done = await store.find_import(conn, started.id)
                        row = await (
                            await conn.execute(
                                "select exists (select from profile_dirty) or exists (select from newcomer_unmirrored)"
                            )
                        ).fetchone()
                    if done.state == "done" and not loaded:
                        loaded = time.monotonic() - begun
                    if done.state in ("failed", "cancelled"):
                        raise RuntimeError(done.error)
                    if done.state == "done" and row is not None and not row[0]:
                        break
                    await asyncio.sleep(0.05)
                seconds = time.monotonic() - begun
            for name, used in spent(server, lake.child.pid).items():
                say(f"    {name:<12} {1e6 * (used - before[name]) / rows:6.1f} us of processor a customer")
            await runner.stop()
            (mirrored,) = (await ctx.lake.run("select count(*), count(distinct profile_id) from lake.profile"))[0][:1]
            if (done.made, mirrored) != (rows, rows):
                raise RuntimeError(f"{done.made} made, {mirrored} mirrored, {rows} expected")
            say(f"    {rows / seconds:,.0f} customers/s ({loaded:.1f} s loaded, {seconds:.1f} s mirrored, {memory.peak:.0f} MB)")
            return seconds, memory.peak
    finally:
        await asyncio.to_thread(lake.close)


def copy_baseline(url: str, source: Path) -> float:
    """Seconds of COPY of the same rows, made ready beforehand, into tables with the same keys."""
    folder = source.parent
    people, identities = folder / "people.csv", folder / "identities.csv"
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "2"}) as engine:
        engine.execute(f"create view v as select row_number() over () as id, * from read_csv('{source}', all_varchar=true)")
        engine.execute(
            "copy (select id, json_object('city', city, 'plan', plan, 'language', language, 'segment_code', segment_code, "
            "'age', age::double, "
            "'balance', balance::double, 'vip', vip = 'true', 'signup', signup, 'born', born, 'tags', string_split(tags, ';')), "
            f"'0001780000000000 import:0000000000000000:' || lpad(id::varchar, 12, '0') from v) to '{people}' (header false)"
        )
        engine.execute(
            f"copy (select 'email', email, id from v union all select 'phone', phone, id from v) to '{identities}' (header false)"
        )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create table bench_profile (like profile including all)")
        conn.execute("create table bench_identity (like identity including all)")
        begun = time.monotonic()
        for statement, path in (
            ("copy bench_profile (id, traits, stamp) from stdin (format csv)", people),
            ("copy bench_identity (kind, value, profile_id) from stdin (format csv)", identities),
        ):
            with conn.cursor() as cursor, cursor.copy(statement) as into, path.open("rb") as file:
                while block := file.read(1 << 20):
                    into.write(block)
        seconds = time.monotonic() - begun
        conn.execute("drop table bench_profile, bench_identity")
    return seconds


async def measure(server_url: str, server: int, folder: Path, rows: int, runs: int) -> dict[str, float]:
    source = folder / "customers.csv"
    customers_csv(source, rows)
    seconds: list[float] = []
    peaks: list[float] = []
    baseline = 0.0
    for number in range(runs):
        name = f"bench_{number}"
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(f"create database {name}")
        url = make_conninfo(server_url, dbname=name)
        took, peak = await one_run(url, server, folder / name, source, rows)
        seconds.append(took)
        peaks.append(peak)
        if number == runs - 1:
            baseline = await asyncio.to_thread(copy_baseline, url, source)
            say(f"    COPY alone: {rows / baseline:,.0f} customers/s")
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(f"drop database {name} with (force)")
    rate = rows / median(seconds)
    return {
        "customers_per_s": rate, "vs_copy": rate * baseline / rows, "copy_customers_per_s": rows / baseline,
        "peak_mb": max(peaks),
    }  # fmt: skip


def main(args: list[str] | None = None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m bench import")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="20,000 rows, once")
    asked = parser.parse_args(args)
    rows, runs = (20_000, 1) if asked.smoke else (asked.rows, asked.runs)
    say(f"import: {rows:,} customers, {runs} run(s)")
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, start_postgres(Path(folder) / "pg") as server:
        figures = asyncio.run(measure(server.url, server.pid, Path(folder), rows, runs))
    table(figures, {"customers_per_s": "≥ 40,000", "vs_copy": "≥ 0.5", "peak_mb": "≤ 1,500"})
    last_line("import", figures, rows=rows, runs=runs)
    return figures


if __name__ == "__main__":
    main()
