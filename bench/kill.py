"""`kill`: a campaign through kill -9s, counted from the mail server's own log.

    python -m bench.kill [--people 20000] [--kills 5] [--seed 1] [--smoke]

`antiphon serve` sends a campaign to the sandbox's mail server, which is a process of its own and logs each message before
it accepts it. At random instants a random process (the whole server with its database, or one worker) is killed; what is
left is started again. Then everybody is counted: nobody may be missing, nobody may have been written to twice.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
from bench.run import last_line, table
from bench.send import free_port, seed
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.segments.service import list_members, publish
from antiphon.execution.campaigns import service
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content import Source
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.content.service import add_template, publish_template
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import running_url
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.postgres import Database, PostgresError
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context
from antiphon.sandbox.email import read_received

SPEAKING = 50  # what one killed process may leave unknown


class Cast(Protocol):
    """Processes that send, and how to kill one of them."""

    processes: int

    def start(self) -> None: ...
    def kill(self, chance: random.Random) -> int: ...
    def stop(self) -> None: ...
    def url(self) -> str | None: ...


class Workers:
    """Two processes that only send, on a database that stays."""

    processes = 2

    def __init__(self, url: str, folder: Path, lease: float = 2.0) -> None:
        self._url, self._folder, self._lease = url, folder, lease
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._running = [child for child in self._running if child.poll() is None]
        while len(self._running) < self.processes:
            args = [sys.executable, "-m", "bench.voices", self._url, str(self._folder), str(self._lease)]
            self._running.append(subprocess.Popen(args, preexec_fn=die_with_parent()))

    def kill(self, chance: random.Random) -> int:
        victim = chance.choice(self._running)
        victim.kill()
        victim.wait()
        return 1

    def stop(self) -> None:
        for child in self._running:
            child.terminate()
        for child in self._running:
            child.wait(30)

    def url(self) -> str | None:
        return self._url


class Server:
    """The whole of `antiphon serve`, its database included."""

    processes = 2

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._running is not None and self._running.poll() is None:
            return
        settings = {
            "DATA_DIR": str(self._folder), "PORT": str(free_port()), "SECRET": SECRET, "WORKER_PROCESSES": str(self.processes),
            "PUBLIC_URL": "https://mail.example.com", "LOG_LEVEL": "error",
        }  # fmt: skip
        env = os.environ | {f"ANTIPHON_{name}": value for name, value in settings.items()}
        env.pop("ANTIPHON_DATABASE_URL", None)
        self._running = subprocess.Popen(
            [sys.executable, "-c", "from antiphon.cli import main; main(['serve'])"],
            env=env, preexec_fn=die_with_parent(), start_new_session=True,
        )  # fmt: skip

    def kill(self, chance: random.Random) -> int:
        """Everything at once, or one worker, which the supervisor starts again."""
        assert self._running is not None
        server = psutil.Process(self._running.pid)
        parts = server.children(recursive=True)
        workers = [part for part in parts if "worker" in " ".join(part.cmdline())]
        if workers and chance.random() < 0.5:
            chance.choice(workers).kill()
            return 1
        for part in [server, *parts]:
            with suppress(psutil.NoSuchProcess):
                part.kill()
        self._running.wait()
        psutil.wait_procs(parts, 20)
        return self.processes

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait(60)

    def url(self) -> str | None:
        return running_url(self._folder)


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """The sandbox's, as a process of its own; its port."""
    child = subprocess.Popen(
        [sys.executable, "-m", "antiphon.sandbox.email", "--folder", str(folder)], stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),
    )  # fmt: skip
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(10)


async def plan(ctx: Context, port: int, people: int) -> int:
    """Customers, an account, a template, a segment and a campaign that has been told to start."""
    await seed(ctx, people)
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "from_email": "news@shop.example.com"}
    account = await add_account(ctx, SYSTEM, channel="email", name="sandbox", settings=settings)
    source = Source(format="text", subject="News for {{ first_name }}", body="Dear {{ first_name }},\nall is well.")
    draft = await add_template(ctx, SYSTEM, channel="email", name="News", source=source)
    await publish_template(ctx, SYSTEM, draft.template_id)
    segment = await publish(ctx, SYSTEM, name="everybody", description="", tree=None, announce="never")
    await list_members(ctx, SYSTEM, segment.id, add=range(1, people + 1), remove=[], replace=True)
    async with ctx.db.transaction() as conn:
        campaign = await service.add_campaign(ctx, conn, SYSTEM, {
            "name": "News", "description": "", "channel": "email", "segment_id": segment.id, "excluded_segment_ids": [],
            "template_id": draft.template_id, "account_id": account.id, "topic": "news", "message_class": "marketing",
            "track_opens": False, "track_clicks": False, "send_at": None,
        })  # fmt: skip
        await service.start(ctx, conn, SYSTEM, campaign.id)
    return campaign.id


async def patiently(cast: Cast, question: str, good: Callable[[int], bool], seconds: float) -> int:
    """Ask the database until the answer is good, through its absences. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        url = cast.url()
        if url is not None:
            with suppress(AntiphonError, PostgresError, OSError):
                db = await Database.open(url, max_size=1)
                try:
                    while time.monotonic() < until:
                        async with db.connection() as conn:
                            row = await (await conn.execute(question)).fetchone()  # type: ignore[call-overload]
                        if row is not None and good(row[0]):
                            return int(row[0])
                        await asyncio.sleep(0.02)
                finally:
                    await db.close()
        await asyncio.sleep(0.1)
    raise TimeoutError(question)


async def play(cast: Cast, folder: Path, people: int, kills: int, chance: random.Random) -> dict[str, float]:
    """The whole run; figures counted from the ledger and from the mail server's log."""
    log = folder / "mail"
    with mail_server(log) as port:
        cast.start()
        await patiently(cast, "select count(*) from campaign", lambda n: n >= 0, 120)
        url = cast.url()
        assert url is not None
        settings = Settings(data_dir=str(folder), secret=SECRET, database_url=url)
        async with open_context(settings, "cli", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
            campaign = await plan(ctx, port, people)
        began = time.monotonic()
        killed = 0
        sent = "select count(*) from delivery where sent_at is not null"
        points = sorted(chance.sample(range(people // 20, people * 9 // 10), kills))
        for point in points:
            await patiently(cast, sent, lambda n, point=point: n >= point, 300)  # type: ignore[misc]
            await asyncio.sleep(chance.random() * 0.2)
            killed += cast.kill(chance)
            cast.start()
        over = f"select count(*) from campaign where id = {campaign} and state = 'finished'"
        await patiently(cast, over, lambda n: n == 1, 300)
        took = time.monotonic() - began
        states: dict[str, int] = {}
        for state in ("sent", "unknown", "suppressed", "failed", "queued"):
            where = f"select count(*) from delivery where state = '{state}'"
            states[state] = await patiently(cast, where, lambda n: True, 30)
        cast.stop()
    received = Counter(entry.recipients[0] for _, entry, _ in read_received(log, 0))
    return {
        "recipients": people,
        "kills": kills,
        "killed_processes": killed,
        "sent": states["sent"],
        "unknown": states["unknown"],
        "lost": people - sum(states.values()),
        "received": len(received),
        "duplicates": sum(count - 1 for count in received.values()),
        "sent_but_not_received": max(0, states["sent"] - len(received)),
        "unknown_per_kill": round(states["unknown"] / killed, 1) if killed else 0.0,
        "seconds": round(took, 1),
    }


def verify(figures: dict[str, float]) -> None:
    """What must hold. Raises AssertionError."""
    assert figures["duplicates"] == 0, figures
    assert figures["lost"] == 0, figures
    assert figures["sent"] + figures["unknown"] == figures["recipients"], figures
    assert figures["sent"] <= figures["received"] <= figures["sent"] + figures["unknown"], figures
    assert figures["unknown"] <= SPEAKING * figures["killed_processes"], figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # the database is away on purpose
    if args.smoke:
        args.people, args.kills = 2_000, 1
    with tempfile.TemporaryDirectory(prefix="antiphon-kill-") as folder:
        cast = Server(Path(folder) / "data")
        try:
            figures = asyncio.run(play(cast, Path(folder), args.people, args.kills, random.Random(args.seed)))
        finally:
            cast.stop()
    table(figures, {"duplicates": "0", "lost": "0", "unknown_per_kill": "≤ 50"})
    verify(figures)
    last_line("kill", figures, seed=args.seed)


if __name__ == "__main__":
    main()
