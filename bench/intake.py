"""`intake`: events through HTTP, singly and in batches of 100, beside an echo and beside COPY; and all the way to people.

    python -m bench.intake [--seconds 15] [--runs 3] [--hold 60] [--rate 20000] [--smoke] [--only batch,single,resolved]

As BENCH says: `wrk -t1 -c32`; people uniform over 100,000 known and 5 % new; events of about 350 bytes, fifty names by
Zipf 1.1, five properties; one api process, one worker, the lake, all loops running.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from bench.run import Memory, last_line, table
from bench.serving import PEOPLE, Server, cpu, free_port, serving, wait_ready

from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.postgres.binary import COPY_HEAD, micros

WRK = shutil.which("wrk")
HERE = Path(__file__).parent
LOAD = round(os.getloadavg()[0], 1)
NAMES = ["Product Viewed", "Product Added", "Order Completed", "Cart Viewed", "Search Done"] + [
    f"Thing {n} Done" for n in range(45)
]


def fragments(count: int = 2000, seed: int = 1) -> list[tuple[str, str]]:
    """Heads and tails of `track` calls; between them go the user id and the message id."""
    rng = random.Random(seed)
    weights = [1 / (n + 1) ** 1.1 for n in range(len(NAMES))]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made = []
    for _ in range(count):
        said = {
            "type": "track", "event": rng.choices(NAMES, weights)[0], "timestamp": now,
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "properties": {
                "product_id": f"{rng.getrandbits(40):010x}", "category": f"category-{rng.randrange(40)}",
                "price": round(rng.uniform(1, 500), 2), "quantity": rng.randrange(1, 6), "currency": "EUR",
            },
        }  # fmt: skip
        made.append((json.dumps(said)[:-1] + ',"userId":"', '"}'))
    return made


class Load:
    """wrk with our bodies."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "fragments"
        self.file.write_text("".join(f"{head}\t{tail}\n" for head, tail in fragments()))
        self.runs = 0

    def run(self, port: int, batch: int, seconds: float, auth: str, to: str | None = None) -> dict[str, float]:
        """Requests made, errors, latency."""
        self.runs += 1
        env = os.environ | {
            "FRAGMENTS": str(self.file), "AUTH": auth, "BATCH": str(batch), "PEOPLE": str(PEOPLE),
            "RUN": f"r{self.runs}x{os.getpid()}x{time.time_ns() % 10**9}",
            "TO": to or ("/v1/batch" if batch > 1 else "/v1/track"),
        }  # fmt: skip
        command = [WRK or "wrk", "-t1", "-c32", f"-d{seconds:g}s", "-s", str(HERE / "calls.lua"), f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
        if result["errors"]:
            print("errors:", result, file=sys.stderr)
        return result


def rate(result: dict[str, float], batch: int) -> float:
    return result["requests"] * batch / result["seconds"]


def measure(server: Server, postmaster: int, load: Load, batch: int, seconds: float, runs: int) -> float:
    """Median of events accepted a second; says where the time went."""
    load.run(server.port, batch, 2 if seconds < 5 else 5, server.auth)
    rates = []
    for _ in range(runs):
        parts = server.parts()
        before = cpu(parts, postmaster)
        result = load.run(server.port, batch, seconds, server.auth)
        after = cpu(parts, postmaster)
        rates.append(rate(result, batch))
        events = result["requests"] * batch
        spent = {part: round((after[part] - before[part]) / events * 1e6, 1) for part in after}
        print(f"  {rates[-1]:>9,.0f} events/s  p50 {result['p50_ms']} ms  p99 {result['p99_ms']} ms  µs CPU an event: {spent}")
        settle(server)
    return statistics.median(rates)


def settle(server: Server, patience: float = 300) -> None:
    """Wait until everything accepted is understood."""
    with psycopg.connect(server.url, autocommit=True) as conn:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            row = conn.execute(
                "select count(*) from intake_cursor c where exists"
                " (select from journal j where j.lane = c.lane and j.seq > c.seq and j.received_at >= c.received_at)"
            ).fetchone()
            if row == (0,):
                return
            time.sleep(0.3)


def echo_rate(load: Load, batch: int, seconds: float, runs: int) -> float:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.echo", str(port)], preexec_fn=die_with_parent)
    try:
        wait_ready(port, process, "/")
        load.run(port, batch, 2, "x")
        return statistics.median(rate(load.run(port, batch, seconds, "x"), batch) for _ in range(runs))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def copy_rate(url: str, rows: int, runs: int) -> float:
    """Rows a second by COPY of pre-encoded rows into a table with the journal's columns and keys, by one connection."""
    from struct import Struct

    head, length = Struct(">hihiqiqii").pack, Struct(">i").pack
    made = fragments()
    rng = random.Random(2)
    received = micros(datetime.now(UTC))
    chunk = 20_000
    rates = []
    with psycopg.connect(url, autocommit=True) as conn:
        for _ in range(runs):
            conn.execute("drop table if exists bench_journal")
            conn.execute("create table bench_journal (like journal including all)")
            buffers = []
            for first in range(0, rows, chunk):
                parts = [COPY_HEAD]
                for n in range(first, first + chunk):
                    start, end = made[n % len(made)]
                    payload = f'{start}user-{rng.randrange(PEOPLE)}","messageId":"r-{n}{end}'.encode()
                    parts += [head(6, 2, 0, 8, n, 8, received, 4, 1), b"\xff\xff\xff\xff", length(len(payload)), payload]
                parts.append(b"\xff\xff")
                buffers.append(b"".join(parts))
            started = time.perf_counter()
            for buffer in buffers:
                with conn.cursor() as cursor, cursor.copy(
                    "copy bench_journal (lane, seq, received_at, source_id, sent_at, payload) from stdin (format binary)"
                ) as into:
                    into.write(buffer)
            rates.append(rows / (time.perf_counter() - started))
        conn.execute("drop table bench_journal")
    return statistics.median(rates)


async def hold(server: Server, postmaster: int, per_second: int, seconds: float) -> dict[str, float]:
    """Offer a fixed rate for a while, open loop; how long each event took from acceptance to its row."""
    made = [(head.encode(), tail.encode()) for head, tail in fragments()]
    rng = random.Random(3)
    run = f"h{time.time_ns() % 10**9}"
    sent = refused = 0
    late = 0.0
    head = f"POST /v1/batch HTTP/1.1\r\nhost: x\r\nauthorization: {server.auth}\r\ncontent-type: application/json\r\n"

    def body() -> bytes:
        parts = []
        for _ in range(100):
            nonlocal sent
            sent += 1
            start, end = made[rng.randrange(len(made))]
            who = f"new-{run}-{sent}" if rng.random() < 0.05 else f"user-{rng.randrange(PEOPLE) + 1}"
            parts.append(b'%s%s","messageId":"%s-%d%s' % (start, who.encode(), run.encode(), sent, end))
        return b'{"batch":[' + b",".join(parts) + b"]}"

    async def connection(k: int, of: int) -> None:
        nonlocal late, refused
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        period = of * 100 / per_second
        due = started + k * period / of
        while due < started + seconds:
            content = body()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = max(late, time.perf_counter() - due)
            writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            size = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(size)
            refused += b" 200 " not in answer.split(b"\r\n")[0]
            due += period
        writer.close()

    lags: list[tuple[float, int]] = []
    conn = await psycopg.AsyncConnection.connect(server.url, autocommit=True)
    places: dict[int, int] = dict(await (await conn.execute("select lane, seq from intake_cursor")).fetchall())
    counted = await (await conn.execute("select count(*) from event")).fetchone()
    parts = server.parts()
    before = cpu(parts, postmaster)
    started = time.perf_counter() + 0.2
    work = asyncio.gather(*(connection(k, 16) for k in range(16)))
    memory = Memory(lambda: [one.pid for ones in server.parts().values() for one in ones])
    memory.__enter__()
    while True:
        finished = work.done()
        for lane, seq in await (await conn.execute("select lane, seq from intake_cursor")).fetchall():
            if seq > places.get(lane, 0):
                rows = await (await conn.execute(
                    "select extract(epoch from clock_timestamp() - received_at)::float8, count(*) from journal"
                    " where lane = %s and seq > %s and seq <= %s group by received_at", (lane, places.get(lane, 0), seq),
                )).fetchall()  # fmt: skip
                lags += rows
                places[lane] = seq
        if finished and sum(n for _, n in lags) >= sent - refused * 100:
            break
        if time.perf_counter() > started + seconds + 60:
            break
        await asyncio.sleep(0.05)
    await work
    memory.__exit__()
    after = cpu(parts, postmaster)
    elapsed = time.perf_counter() - started
    rows_now = await (await conn.execute("select count(*) from event")).fetchone()
    resolved = (rows_now[0] if rows_now else 0) - (counted[0] if counted else 0)
    await conn.close()
    spent = {part: round((after[part] - before[part]) / max(1, sent) * 1e6, 1) for part in after}
    print(f"  offered {sent:,}, resolved {resolved:,}, refused {refused}, latest start {late:.2f} s, µs CPU an event: {spent}")
    lags.sort()
    total, seen = sum(n for _, n in lags), 0
    p95 = 0.0
    for lag, n in lags:
        seen += n
        if seen >= total * 0.95:
            p95 = lag
            break
    return {
        "resolved_events_per_s": resolved / max(elapsed, seconds), "resolved_lag_p95_s": p95, "resolved": resolved,
        "peak_mb": memory.peak,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench intake", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hold", type=float, default=60)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--copy-rows", type=int, default=400_000)
    parser.add_argument("--only", default="single,batch,resolved")
    parser.add_argument("--smoke", action="store_true", help="short, to see that it runs")
    args = parser.parse_args()
    if args.smoke:
        args.seconds, args.runs, args.hold, args.rate, args.copy_rows = 3, 1, 5, 5_000, 40_000
    if WRK is None:
        print("SKIPPED: wrk is not installed (Debian package `wrk`)")
        last_line("intake", {}, skipped="wrk is not installed")
        return
    wanted = set(args.only.split(","))
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, serving() as (server, postmaster):
        load = Load(Path(folder))
        if "resolved" in wanted:
            print(f"resolved: {args.rate:,} events/s offered for {args.hold:g} s")
            asyncio.run(hold(server, postmaster, min(args.rate, 5_000), 5))
            figures |= asyncio.run(hold(server, postmaster, args.rate, args.hold))
        if "batch" in wanted:
            print("batches of 100")
            figures["batch_events_per_s"] = measure(server, postmaster, load, 100, args.seconds, args.runs)
            figures["copy_rows_per_s"] = copy_rate(server.url, args.copy_rows, args.runs)
            figures["batch_vs_copy"] = figures["batch_events_per_s"] / figures["copy_rows_per_s"]
        if "single" in wanted:
            print("singly")
            figures["single_requests_per_s"] = measure(server, postmaster, load, 1, args.seconds, args.runs)
    if "single" in wanted:
        with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
            figures["echo_requests_per_s"] = echo_rate(Load(Path(folder)), 1, min(args.seconds, 10), args.runs)
        figures["single_vs_echo"] = figures["single_requests_per_s"] / figures["echo_requests_per_s"]
    report(figures, args)


def report(figures: dict[str, float], args: argparse.Namespace) -> None:
    """A table for people, and the line for machines."""
    table(figures, {
        "batch_events_per_s": ">= 40,000", "batch_vs_copy": ">= 0.2", "single_vs_echo": ">= 0.4",
        "resolved_events_per_s": ">= 20,000", "resolved_lag_p95_s": "<= 2",
    })  # fmt: skip
    last_line(
        "intake", figures, seconds=args.seconds, runs=args.runs, hold_s=args.hold, offered_per_s=args.rate,
        known_people=PEOPLE, load_before=LOAD, client="wrk -t1 -c32",
    )  # fmt: skip


if __name__ == "__main__":
    main()
