"""`segment`: everybody worked out, from the call to the members stored, beside the query written by hand.

    python -m bench.segment [--profiles 5000000] [--events 50000000] [--hot 200000] [--runs 3] [--keep FOLDER] [--smoke]

As BENCH says: a trait equal to one of five values, at least two orders in 90 days, no e-mail opened in 30 days; warm. The
hand-written query (segment_by_hand.sql) runs in an engine of its own, alone, with the same memory and threads, into a sorted
array. `hundred_vs_one` takes segments_100.json together. `--keep` leaves the data in a folder and finds it there again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
from bench.lake_data import NOW, fill
from bench.run import Memory, last_line, median, say, table

from antiphon.awareness.events import read_watermark
from antiphon.awareness.segments import members, refresh, service, store
from antiphon.awareness.segments.model import Node
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.lake import LakeClient, start_lake
from antiphon.foundation.lake.engine import EngineSettings, open_engine
from antiphon.foundation.postgres import Database, migrate
from antiphon.foundation.principal import SYSTEM

HERE = Path(__file__).parent
SECRET = "a secret of benchmarks only, 32 bytes"
WINDOW = {"kind": "last", "unit": "days"}
TYPICAL = {
    "kind": "and",
    "of": [
        {"kind": "trait", "trait": "city", "op": "in", "values": [f"city-{n}" for n in range(1, 6)]},
        {"kind": "event", "name": "Order Completed", "op": "ge", "value": 2, "window": WINDOW | {"amount": 90}},
        {"kind": "event", "name": "Email Opened", "op": "did_not", "window": WINDOW | {"amount": 30}},
    ],
}


@contextmanager
def folder(keep: str | None) -> Iterator[Path]:
    """Where the data is: a folder of its own that goes away, or one that stays."""
    path = Path(keep).absolute() if keep else Path(tempfile.mkdtemp(prefix="antiphon-bench-"))
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        if not keep:
            shutil.rmtree(path, ignore_errors=True)


async def timed(runs: int, before: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[Any]]) -> float:
    """The median of some runs after a warm-up, in seconds."""
    taken = []
    for run in range(runs + 1):
        await before()
        began = time.perf_counter()
        await work()
        taken.append(time.perf_counter() - began)
        say(f"  {'warm-up' if run == 0 else f'run {run}'}: {taken[-1]:.3f} s")
    return median(taken[1:])


async def ours(ctx: Context, trees: dict[str, Node], runs: int) -> tuple[float, dict[str, int]]:
    """Seconds from call to membership stored for some segments together, and how many are in each."""
    ids = {}
    async with ctx.db.connection() as conn:
        await conn.execute("truncate segment, segment_version, segment_base, segment_delta, segment_growth cascade")
    for name, tree in trees.items():
        row = await service.publish(ctx, SYSTEM, name=name, description="", tree=tree, announce="never")
        ids[name] = row.id

    async def forget() -> None:
        async with ctx.db.transaction() as conn:
            await conn.execute("truncate segment_base, segment_delta, segment_growth")
            await conn.execute("update segment set delta_seq = 0, size = 0, evaluated_at = null")

    async def work() -> None:
        await refresh(ctx, list(ids.values()))

    seconds = await timed(runs, forget, work)
    async with ctx.db.connection() as conn:
        sizes = {name: (await store.find_segment(conn, one)).size for name, one in ids.items()}
    return seconds, sizes


async def by_hand(ctx: Context, url: str, path: Path, memory: str, runs: int, expected: np.ndarray[Any, Any]) -> float:
    """Seconds for the hand-written query, whose answer must be the same."""
    mark = await read_watermark(ctx)
    hot = " or ".join(f"lane = {lane} and seq > {seq}" for lane, seq in mark.items()) + f" or lane > {max(mark)}"
    text = (HERE / "segment_by_hand.sql").read_text().format(now=NOW.isoformat(), hot=hot)
    engine: duckdb.DuckDBPyConnection = await asyncio.to_thread(
        open_engine, EngineSettings(database_url=url, data_path=str(path / "lake"), state_path=str(path / "hand"), memory=memory)
    )
    found: list[np.ndarray[Any, Any]] = []

    async def nothing() -> None:
        found.clear()

    async def work() -> None:
        found.append(await asyncio.to_thread(lambda: engine.execute(text).fetchnumpy()["profile_id"]))

    seconds = await timed(runs, nothing, work)
    engine.close()
    assert np.array_equal(found[0], expected), "the hand-written query means somebody else"
    return seconds


async def measure(url: str, path: Path, args: argparse.Namespace) -> dict[str, float]:
    """All figures."""
    db = await Database.open(url)
    if not (path / "filled").exists():
        lake = start_lake(url, path, memory="4GB")
        client = LakeClient(lake.socket)
        await fill(client, db, profiles=args.profiles, events=args.events, hot=args.hot, say=say)
        await client.close()
        lake.close()
        (path / "filled").write_text(f"{args.profiles} {args.events} {args.hot}")
    lake = start_lake(url, path, memory=args.memory)
    settings = Settings(data_dir=str(path), secret=SECRET)
    client = LakeClient(lake.socket)
    ctx = Context(
        settings=settings, db=db, lake=client, clock=VirtualClock(NOW), secret=settings.secret_bytes(), node="bench", kind="cli"
    )
    figures: dict[str, float] = {}
    try:
        with Memory(lambda: [os.getpid(), lake.child.pid]) as memory:
            say("compiled")
            figures["seconds"], sizes = await ours(ctx, {"typical": msgspec.convert(TYPICAL, Node)}, args.runs)
            figures["members"] = sizes["typical"]
        figures["peak_mb"] = memory.peak
        async with db.connection() as conn:
            (one,) = await (await conn.execute("select id from segment")).fetchone() or (0,)
            expected = np.array(list(await members(conn, one)), dtype=np.uint32)
        say("by hand")
        figures["by_hand_seconds"] = await by_hand(ctx, url, path, args.memory, args.runs, expected)
        figures["vs_hand_written"] = figures["seconds"] / figures["by_hand_seconds"]
        if not args.only_one:
            say("a hundred together")
            hundred = json.loads((HERE / "segments_100.json").read_text())
            trees = {one["name"]: msgspec.convert(one["tree"], Node) for one in hundred}
            with Memory(lambda: [os.getpid(), lake.child.pid]) as memory:
                figures["hundred_seconds"], sizes = await ours(ctx, trees, args.runs)
            figures["hundred_peak_mb"] = memory.peak
            figures["hundred_vs_one"] = figures["hundred_seconds"] / figures["seconds"]
            empty = [name for name, size in sizes.items() if size in (0, args.profiles)]
            say(f"  members: {min(sizes.values()):,} to {max(sizes.values()):,}; nobody or everybody in: {empty or 'none'}")
    finally:
        await client.close()
        lake.close()
        await db.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.segment", description=__doc__)
    parser.add_argument("--profiles", type=int, default=5_000_000)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--hot", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", default="1GB", help="of the lake, and of the engine of the query by hand")
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("--only-one", action="store_true", help="leave out the hundred")
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.profiles, args.events, args.hot, args.runs = 50_000, 500_000, 5_000, 1
    with folder(args.keep) as path, start_postgres(path) as server:
        asyncio.run(migrate(server.url))
        figures = asyncio.run(measure(server.url, path, args))
    table(figures, {"vs_hand_written": "≤ 1.2", "hundred_vs_one": "≤ 10"})
    last_line(
        "segment", figures, profiles=args.profiles, events=args.events, hot=args.hot, runs=args.runs, lake_memory=args.memory
    )


if __name__ == "__main__":
    main()
