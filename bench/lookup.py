"""`lookup`: which segments is this person in, over HTTP at a fixed rate, and within the process.

    python -m bench.lookup [--profiles 1000000] [--segments 500] [--rate 1000] [--seconds 60] [--runs 3] [--smoke]

As BENCH says: an open loop, each request timed from when it was due. Three in four ask by profile id, one by user id. The
segments hold from 0.1 to 50 in a hundred people, log-uniform, and while they are asked about fifty of them change each
second, by a hundred people in and a hundred out, so that the process has changes to read (they are lists, which nobody
else works on meanwhile). `inner` is from profile id to the
list of segments, in process; `memory_mb` is what keeping all members takes, over what the process is without them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import random
import time
from multiprocessing.connection import Connection as Answer
from threading import Event, Thread

import numpy as np
import psutil
import psycopg
from bench.open_loop import ask
from bench.run import Memory, children, last_line, median, say, table
from bench.serving import Server, cpu, serving
from pyroaring import BitMap

from antiphon.awareness.segments import Memberships
from antiphon.awareness.segments.bitmaps import bitmap, encode
from antiphon.foundation.access import SYSTEM, issue_key
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database

CHANGED_A_SECOND, CHANGED_PEOPLE = 50, 100
LARGER = 50_000_000
SEED = 7


class Fill:
    """Puts people and segments into a database."""

    def __init__(self, profiles: int, segments: int) -> None:
        self.profiles, self.segments = profiles, segments
        self.bytes = 0

    async def __call__(self, settings: Settings, url: str) -> str:
        """Returns an API key that may read segments."""
        db = await Database.open(url)
        async with db.transaction() as conn:
            await conn.execute("insert into profile (id) select n from generate_series(1, %s) n", (self.profiles,))
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'user-' || n, n "
                "from generate_series(1, %s) n", (self.profiles,),
            )  # fmt: skip
        rng = np.random.default_rng(SEED)
        shares = 0.001 * 500 ** rng.random(self.segments)
        for n, share in enumerate(shares, start=1):
            async with db.transaction() as conn:
                await self._segment(conn, n, bitmap(np.flatnonzero(rng.random(self.profiles) < share) + 1))
        async with db.transaction() as conn:
            issued = await issue_key(conn, SYSTEM, name="Bench", kind="api", permissions=["segments:read"])
        async with db.connection() as conn:
            await conn.execute("vacuum analyze profile, identity, segment, segment_base")
        await db.close()
        return issued.token

    async def _segment(self, conn: Connection, n: int, people: BitMap) -> None:
        data = encode(people)
        self.bytes += len(data)
        await conn.execute(
            "insert into segment (id, name, kind, created_at, updated_at, evaluated_at, evaluated_version, size, delta_seq, "
            "due_at) values (%s, %s, 'static', now(), now(), now(), 1, %s, 1, 'infinity')",
            (n, f"Segment number {n}", len(people)),
        )
        await conn.execute(
            "insert into segment_base (segment_id, seq, size, ids) values (%s, 1, %s, %s)", (n, len(people), data), binary=True
        )


class Churn:
    """Changes segments all the while, as their refreshes would."""

    def __init__(self, url: str, profiles: int, segments: int) -> None:
        self._url, self._profiles, self._segments = url, profiles, segments
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = random.Random(SEED)
        with psycopg.connect(self._url, autocommit=True) as conn:
            while not self._stop.wait(0.1):
                for segment in rng.sample(range(1, self._segments + 1), min(self._segments, CHANGED_A_SECOND // 10)):
                    entered, gone = (BitMap(rng.sample(range(1, self._profiles), CHANGED_PEOPLE)) for _ in range(2))
                    with conn.transaction():
                        conn.execute(
                            "update segment set delta_seq = delta_seq + 1, evaluated_at = now() where id = %s", (segment,)
                        )
                        conn.execute(
                            "insert into segment_delta (segment_id, seq, changes, entered, gone) "
                            "select id, delta_seq, %s, %s, %s from segment where id = %s",
                            (2 * CHANGED_PEOPLE, encode(entered), encode(gone - entered), segment),
                        )


async def inner(url: str, folder: str, profiles: int, count: int) -> dict[str, float]:
    """Milliseconds from profile id to the list, and what keeping the members takes."""
    settings = Settings(data_dir=folder, secret="a secret of benchmarks only, 32 bytes")
    db = await Database.open(url)
    ctx = Context(
        settings=settings, db=db, lake=None, clock=SystemClock(), secret=b"x" * 32, node="bench", kind="cli"  # type: ignore[arg-type]
    )  # fmt: skip
    kept = Memberships(ctx)
    gc.collect()
    before = psutil.Process().memory_full_info().uss
    began = time.perf_counter()
    await kept.look()
    seconds = time.perf_counter() - began
    gc.collect()
    memory = (psutil.Process().memory_full_info().uss - before) / 2**20
    rng = random.Random(SEED)
    taken = []
    for one in [rng.randint(1, profiles) for _ in range(count)]:
        at = time.perf_counter()
        await kept.told(one)
        taken.append((time.perf_counter() - at) * 1000)
    await kept.close()
    await db.close()
    return {
        "inner_p50_ms": float(np.percentile(taken, 50)), "inner_p99_ms": float(np.percentile(taken, 99)),
        "memory_mb": memory, "memory_50m_mb": memory * LARGER / profiles, "first_read_s": seconds,
    }  # fmt: skip


def _inner(url: str, folder: str, profiles: int, count: int, answer: Answer) -> None:
    answer.send(asyncio.run(inner(url, folder, profiles, count)))


def inner_alone(*args: object) -> dict[str, float]:
    """`inner` in a process of its own, so that nothing but the members is in its memory."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_inner, args=(*args, there))
    process.start()
    there.close()
    try:
        found: dict[str, float] = here.recv()
    finally:
        process.join()
    return found


def requests(server: Server, profiles: int, count: int, seed: int) -> list[bytes]:
    """Whole requests, three in four by id."""
    rng = random.Random(seed)
    rest = f" HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {server.key}\r\n\r\n"
    asked = []
    for _ in range(count):
        one = rng.randint(1, profiles)
        path = f"/v1/profiles/{one}/segments" if rng.random() < 0.75 else f"/v1/profiles/segments?kind=user_id&value=user-{one}"
        asked.append(f"GET {path}{rest}".encode())
    return asked


def over_http(server: Server, postmaster: int, args: argparse.Namespace) -> dict[str, float]:
    """Percentiles of each run, the median of runs; and the share of a core the api process took."""
    warm = 5 if not args.smoke else 2
    ask(server.port, requests(server, args.profiles, int(args.rate * warm), 0), args.rate)
    runs = []
    parts = {"api": server.parts()["api"]}
    used = cpu(parts, postmaster)["api"]
    for run in range(1, args.runs + 1):
        taken, failed = ask(server.port, requests(server, args.profiles, int(args.rate * args.seconds), run), args.rate)
        p50, p99, p999 = (float(np.percentile(taken, p)) * 1000 for p in (50, 99, 99.9))
        say(f"  run {run}: {len(taken)} answers, {failed} failed, p50 {p50:.2f} ms, p99 {p99:.2f} ms, p99.9 {p999:.2f} ms")
        runs.append((p50, p99, p999, float(failed)))
    names = ("p50_ms", "p99_ms", "p999_ms", "failed")
    used = cpu(parts, postmaster)["api"] - used
    figures = {name: median(run[n] for run in runs) for n, name in enumerate(names)}
    return figures | {"api_cpu_share": used / (args.seconds * args.runs)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lookup")
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.profiles, args.segments, args.seconds, args.runs = min(args.profiles, 20_000), min(args.segments, 100), 5, 1
    fill = Fill(args.profiles, args.segments)
    with serving(fill) as (server, postmaster):
        say(f"lookup: {args.segments} segments over {args.profiles:,} people")
        figures = inner_alone(server.url, "/nonexistent", args.profiles, 20_000 if args.smoke else 200_000)
        with Memory(lambda: children(server.process.pid)) as ours:
            with Churn(server.url, args.profiles, args.segments):
                figures = over_http(server, postmaster, args) | figures
        figures |= {"bitmap_mb": fill.bytes / 2**20, "peak_mb": ours.peak}
    table(figures, {"p99_ms": "<= 5", "inner_p99_ms": "<= 0.5", "peak_mb": "< 1500"})
    last_line(
        "lookup", figures, profiles=args.profiles, segments=args.segments, rate=args.rate, seconds=args.seconds, runs=args.runs,
        changed_a_second=CHANGED_A_SECOND, people_changed=2 * CHANGED_PEOPLE, by_identity=0.25, api_processes=1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
