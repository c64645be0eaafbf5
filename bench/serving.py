"""An installation for benchmarks that speak HTTP: one api process, one worker, one lake process, an embedded database."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import psutil
import psycopg

from antiphon.awareness.events.service import add_source
from antiphon.cli.installation import opened_database
from antiphon.foundation.clock import SystemClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.postgres import Database
from antiphon.foundation.principal import SYSTEM

PEOPLE = 100_000
SECRET = "a secret of benchmarks only, 32 bytes"


class Server:
    """An installation of one api process, one worker and one lake process on an embedded database."""

    def __init__(self, url: str, port: int, key: str, process: subprocess.Popen[bytes]) -> None:
        self.url, self.port, self.key, self.process = url, port, key, process
        self.auth = "Basic " + b64encode(f"{key}:".encode()).decode()

    def parts(self) -> dict[str, list[psutil.Process]]:
        """Our processes and the database's, by what they are."""
        found: dict[str, list[psutil.Process]] = {"api": [], "worker": [], "lake": [], "other": []}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            part = next((p for p in ("worker", "lake", "api") if f" {p}" in line or f"{p}.process" in line), None)
            found[part or ("api" if "spawn_main" in line else "other")].append(process)
        return found


def cpu(processes: dict[str, list[psutil.Process]], server_pid: int) -> dict[str, float]:
    """Seconds of CPU used so far, by part; PostgreSQL's backends by the part they serve."""
    result = dict.fromkeys(processes, 0.0)
    for part, ones in processes.items():
        for one in ones:
            try:
                times = one.cpu_times()
                result[part] += times.user + times.system
            except psutil.Error:
                pass
    result["postgres"] = 0.0
    for one in [psutil.Process(server_pid), *psutil.Process(server_pid).children(recursive=True)]:
        try:
            times = one.cpu_times()
            result["postgres"] += times.user + times.system
        except psutil.Error:
            pass
    return result


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


async def prepare(settings: Settings, url: str) -> str:
    """100,000 known people, and a source; returns its write key."""
    db = await Database.open(url)
    async with db.transaction() as conn:
        await conn.execute(
            "insert into profile (id, traits) select n, jsonb_build_object('n', n) from generate_series(1, %s) n", (PEOPLE,)
        )
        await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), %s)", (PEOPLE,))
        await conn.execute(
            "insert into identity (kind, value, profile_id) select 'user_id', 'user-' || n, n from generate_series(1, %s) n",
            (PEOPLE,),
        )
    async with db.connection() as conn:
        await conn.execute("vacuum analyze profile, identity")
    ctx = Context(
        settings=settings, db=db, lake=None, clock=SystemClock(), secret=b"x" * 32, node="bench", kind="cli"  # type: ignore[arg-type]
    )  # fmt: skip
    async with db.transaction() as conn:
        issued = await add_source(ctx, conn, SYSTEM, "Bench")
    await db.close()
    return issued.write_key


@contextmanager
def serving(prepare: Callable[[Settings, str], Awaitable[str]] = prepare) -> Iterator[tuple[Server, int]]:
    """A server on a database that `prepare` has filled; it returns the key to call with. And the postmaster's id."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder:
        port = free_port()
        settings = Settings(data_dir=folder, port=port, secret=SECRET, log_level="warning")
        with opened_database(settings) as (url, _):
            key = asyncio.run(prepare(settings, url))
            env = os.environ | {
                "ANTIPHON_DATA_DIR": folder, "ANTIPHON_DATABASE_URL": url, "ANTIPHON_PORT": str(port),
                "ANTIPHON_SECRET": SECRET, "ANTIPHON_LOG_LEVEL": "warning",
            }  # fmt: skip
            command = [sys.executable, "-m", "antiphon", "serve", "--api", "1", "--workers", "1"]
            process = subprocess.Popen(command, env=env, preexec_fn=die_with_parent)
            with psycopg.connect(url, autocommit=True) as conn:
                row = conn.execute("select pg_backend_pid()").fetchone()
                postmaster = psutil.Process(row[0]).ppid() if row else 0
            try:
                wait_ready(port, process)
                yield Server(url, port, key, process), postmaster
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(180)


def wait_ready(port: int, process: subprocess.Popen[bytes], path: str = "/readyz") -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.2)
    raise SystemExit("the server did not become ready")
