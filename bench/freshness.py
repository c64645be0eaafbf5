"""`freshness`: the hundred segments live, events arriving at a fixed rate; from acceptance to the membership change stored.

    python -m bench.freshness [--profiles 1000000] [--events 20000000] [--rate 1000] [--seconds 120] [--memory 700MB]
        [--keep FOLDER] [--quiet] [--smoke]

As BENCH says: people uniform over all, the fifty names by Zipf, `track` calls in batches of twenty over HTTP to one api
process; one worker, one lake process. A change counts from the answer 200 to the person's last call before it, to when
another connection can read it; those that time alone caused are left out. Segments announce their changes as events, as
they do unless told otherwise; with `--quiet` they do not. `cpu_share` is of two cores, of our processes and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import psutil
import psycopg
from bench.lake_data import NAMES, NOW, TRAITS, fill
from bench.run import Memory, children, last_line, say, table
from bench.segment import HERE, SECRET, folder
from bench.serving import Server, cpu, free_port, wait_ready
from pyroaring import BitMap

from antiphon.awareness.events.service import add_source
from antiphon.awareness.segments import service, store
from antiphon.awareness.segments.bitmaps import decode
from antiphon.awareness.segments.model import Node
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.lake import LakeClient, start_lake
from antiphon.foundation.postgres import Database, migrate
from antiphon.foundation.principal import SYSTEM

BATCH = 20
WARM = 5.0
LOOK = 0.05
"""Seconds between two looks at the stored members."""


async def prepare(url: str, path: Path, args: argparse.Namespace) -> str:
    """Customers, their history and the segments, in PostgreSQL and the lake; returns a write key."""
    db = await Database.open(url)
    lake = start_lake(url, path, memory="4GB")
    client = LakeClient(lake.socket)
    settings = Settings(data_dir=str(path), secret=SECRET)
    ctx = Context(
        settings=settings, db=db, lake=client, clock=VirtualClock(NOW), secret=settings.secret_bytes(), node="bench", kind="cli"
    )
    await fill(client, db, profiles=args.profiles, events=args.events, hot=0, say=say)
    await copy_people(client, db, args.profiles)
    say(f"{args.profiles:,} people in PostgreSQL")
    for one in json.loads((HERE / "segments_100.json").read_text()):
        await service.publish(
            ctx, SYSTEM, name=one["name"], description="", tree=msgspec.convert(one["tree"], Node),
            announce="never" if args.quiet else "changes",
        )  # fmt: skip
    async with db.transaction() as conn:
        await conn.execute("select setval(pg_get_serial_sequence('source', 'id'), 10)")
        issued = await add_source(ctx, conn, SYSTEM, "Calls")
    await client.close()
    lake.close()
    await db.close()
    return issued.write_key


async def copy_people(lake: LakeClient, db: Database, profiles: int) -> None:
    """The mirror's rows as profiles, each with a user id."""
    made = ", ".join(f"'{name}', t_{name}" for name in TRAITS)
    began, seen = NOW - timedelta(days=365), NOW - timedelta(hours=2)
    for first in range(1, profiles + 1, 50_000):
        some = f"profile_id >= {first} and profile_id < {first + 50_000}"
        sql = f"select profile_id, json_object({made})::varchar as traits from lake.profile where {some}"
        found = await lake.columns(sql)
        async with db.transaction() as conn, conn.cursor() as cursor:
            async with cursor.copy("copy profile (id, traits, created_at, first_seen, last_seen) from stdin") as copy:
                for person, traits in zip(found["profile_id"].tolist(), found["traits"], strict=True):
                    await copy.write_row((person, traits, began, began, seen))
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'user-' || id, id from profile "
                "where id >= %s and id < %s", (first, first + 50_000),
            )  # fmt: skip
    async with db.connection() as conn:
        await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), %s)", (profiles,))
        await conn.execute("vacuum analyze profile, identity")


@contextmanager
def serving(path: Path, url: str, key: str, memory: str) -> Iterator[Server]:
    """One api process, one worker and one lake process on that data."""
    port = free_port()
    env = os.environ | {
        "ANTIPHON_DATA_DIR": str(path), "ANTIPHON_DATABASE_URL": url, "ANTIPHON_PORT": str(port), "ANTIPHON_SECRET": SECRET,
        "ANTIPHON_LOG_LEVEL": "warning", "ANTIPHON_LAKE_MEMORY": memory,
    }  # fmt: skip
    command = [sys.executable, "-m", "antiphon", "serve", "--api", "1", "--workers", "1"]
    process = subprocess.Popen(command, env=env, preexec_fn=die_with_parent)
    try:
        wait_ready(port, process)
        yield Server(url, port, key, process)
    finally:
        process.terminate()
        process.wait(180)


def set_clock(url: str) -> None:
    """Business time goes on where the data end."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "update business_clock set \"offset\" = "
            "greatest(%s, (select max(received_at) from event)) + '1 minute' - clock_timestamp()",
            (NOW,),
        )


async def until_live(db: Database, segments: int) -> float:
    """Wait until every segment is live; the seconds it took."""
    began = time.perf_counter()
    while time.perf_counter() - began < 600:
        async with db.connection() as conn:
            row = await (await conn.execute(
                "select count(*) filter (where freshness = 'live' and exists ("
                "select from segment_pulse p where p.bucket = segment.id % 64 and p.beat > clock_timestamp() - interval '5 s')), "
                "string_agg(distinct not_live, '; ') from segment"
            )).fetchone()  # fmt: skip
        if row and row[0] == segments:
            return time.perf_counter() - began
        await asyncio.sleep(0.5)
    raise SystemExit(f"only {row[0] if row else 0} of {segments} segments are live: {row[1] if row else ''}")


class Traffic:
    """Calls at a fixed rate, and when each person's were accepted."""

    def __init__(self, server: Server, profiles: int, rate: float, seed: int) -> None:
        self.server, self.profiles, self.rate = server, profiles, rate
        self.random = random.Random(seed)
        self.accepted: dict[int, deque[float]] = {}
        self.sent = self.failed = 0
        weights = [1 / rank**1.1 for rank in range(1, len(NAMES) + 1)]
        self._reach = np.cumsum(weights) / sum(weights)
        self._auth = b64encode(f"{server.key}:".encode()).decode()

    async def run(self, seconds: float) -> None:
        lines = [await asyncio.open_connection("127.0.0.1", self.server.port) for _ in range(8)]
        free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for line in lines:
            free.put_nowait(line)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for n in range(int(seconds * self.rate / BATCH)):
                await asyncio.sleep(max(0.0, began + n * BATCH / self.rate - time.perf_counter()))
                group.create_task(self._send(free, n))
        for _, writer in lines:
            writer.close()

    async def _send(self, free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]], n: int) -> None:
        people = [self.random.randint(1, self.profiles) for _ in range(BATCH)]
        body = json.dumps({"batch": [self._call(one) for one in people]}).encode()
        line = await free.get()
        reader, writer = line
        writer.write(
            f"POST /v1/batch HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {self._auth}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        free.put_nowait(line)
        now = time.perf_counter()
        if b" 200 " not in head.split(b"\r\n")[0]:
            self.failed += BATCH
            return
        self.sent += BATCH
        for one in people:
            self.accepted.setdefault(one, deque(maxlen=8)).append(now)

    def _call(self, person: int) -> dict[str, object]:
        r = self.random
        properties = {
            "total": r.randrange(50_000) / 100, "category": f"category-{r.randrange(40)}", "sku": f"sku-{r.randrange(5000)}",
            "quantity": r.randint(1, 5), "note": "x" * 250,
        }  # fmt: skip
        name = NAMES[int(np.searchsorted(self._reach, r.random()))]
        call = {"type": "track", "userId": f"user-{person}", "event": name, "messageId": f"{r.getrandbits(96):x}"}
        return call | {"properties": properties}


class Watcher:
    """Looks at the stored members all the while, and tells how old the news was."""

    def __init__(self, db: Database, traffic: Traffic) -> None:
        self.db, self.traffic = db, traffic
        self.known: dict[int, tuple[int, BitMap]] = {}
        self.ages: list[float] = []
        self.by_time = 0
        self._stop = False

    async def first(self) -> None:
        async with self.db.connection() as conn:
            self.known = await store.read_members(conn, [place.id for place in await store.places(conn)])

    async def run(self) -> None:
        while not self._stop:
            began = time.perf_counter()
            async with self.db.connection() as conn:
                places = await store.places(conn)
                moved = {one.id: self.known[one.id][0] for one in places if one.delta_seq > self.known[one.id][0]}
                fresh = await store.changes(conn, moved) if moved else []
            seen = time.perf_counter()
            for one, seq, entered, gone in fresh:
                before = self.known[one][1]
                people = decode(entered) if gone is None else (before | decode(entered)) - decode(gone)
                self._age(people ^ before, seen)
                self.known[one] = (seq, people)
            await asyncio.sleep(max(0.0, began + LOOK - time.perf_counter()))

    def _age(self, changed: BitMap, seen: float) -> None:
        for person in changed:
            ages = [seen - at for at in self.traffic.accepted.get(person, ()) if at <= seen]
            if ages:
                self.ages.append(min(ages))
            else:
                self.by_time += 1

    def stop(self) -> None:
        self._stop = True


async def measure(server: Server, postmaster: int, args: argparse.Namespace) -> dict[str, float]:
    db = await Database.open(server.url)
    live_after = await until_live(db, 100)
    say(f"all segments are live after {live_after:.1f} s")
    traffic = Traffic(server, args.profiles, args.rate, args.seed)
    watcher = Watcher(db, traffic)
    await watcher.first()
    watching = asyncio.create_task(watcher.run())
    await traffic.run(WARM)
    watcher.ages.clear()
    traffic.sent = watcher.by_time = 0
    before, began = cpu(server.parts(), postmaster), time.perf_counter()
    own = psutil.Process().cpu_times()
    with Memory(lambda: children(server.process.pid)) as ours, Memory(lambda: children(postmaster)) as theirs:
        await traffic.run(args.seconds)
    taken = time.perf_counter() - began
    after, me = cpu(server.parts(), postmaster), psutil.Process().cpu_times()
    await asyncio.sleep(5)
    until = time.perf_counter() + 120
    while not watcher.ages and time.perf_counter() < until:  # noqa: ASYNC110 (a busy machine is slow to show the first change)
        await asyncio.sleep(0.2)
    watcher.stop()
    await watching
    await db.close()
    used = {part: (after[part] - before.get(part, 0.0)) / taken for part in after}
    ages = np.array(watcher.ages)
    figures = {f"{name}_s": float(np.percentile(ages, p)) for name, p in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100))}
    figures |= {
        "cpu_share": sum(used.values()) / 2, "changes_per_s": len(ages) / taken, "changes_by_time": float(watcher.by_time),
        "events_per_s": traffic.sent / taken, "failed": float(traffic.failed), "live_after_s": live_after,
        "peak_mb": ours.peak, "postgres_mb": theirs.peak, "client_cores": (me.user + me.system - own.user - own.system) / taken,
    }  # fmt: skip
    return figures | {f"{part}_cores": value for part, value in used.items() if part != "other"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.freshness", description=__doc__)
    parser.add_argument("--profiles", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--memory", default="700MB", help="of the lake process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("--quiet", action="store_true", help="segments announce nothing")
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.profiles, args.events, args.rate, args.seconds = 20_000, 300_000, 200, 10
    with folder(args.keep) as path, start_postgres(path) as server:
        asyncio.run(migrate(server.url))
        filled = path / "filled-live"
        if not filled.exists():
            filled.write_text(asyncio.run(prepare(server.url, path, args)))
        set_clock(server.url)
        with psycopg.connect(server.url, autocommit=True) as conn:
            row = conn.execute("select pg_backend_pid()").fetchone()
            postmaster = psutil.Process(row[0]).ppid() if row else 0
        with serving(path, server.url, filled.read_text(), args.memory) as running:
            figures = asyncio.run(measure(running, postmaster, args))
    table(figures, {"p95_s": "≤ 2", "peak_mb": "< 1500"})
    last_line(
        "freshness", figures, profiles=args.profiles, events=args.events, rate=args.rate, seconds=args.seconds,
        lake_memory=args.memory, announced=not args.quiet, batch=BATCH, look_s=LOOK,
    )  # fmt: skip


if __name__ == "__main__":
    main()
