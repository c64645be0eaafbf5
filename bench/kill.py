"""`kill`: a campaign through kill -9s, counted from the mail server's own log.

    python -m bench.kill [--people 100000] [--kills 20] [--seed 1] [--smoke]

`antiphon serve` sends a campaign to the sandbox's mail server, which is a process of its own and logs each message before
it accepts it. At random instants a random process is killed: the supervisor with all under it, a worker, the api, the lake,
the database, or one of the database's own processes, which makes it restart under everybody. What is left is started
again. Then everybody is counted: nobody may be missing, nobody may have been written to twice. `unknown_per_kill` is the
most that one killed sending process left unknown.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.kill_cast import Cast, Server, Workers
from bench.run import last_line, say, table
from bench.send import seed
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.segments.lists import list_members
from antiphon.awareness.segments.service import publish
from antiphon.execution.campaigns import service
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content import Source
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.content.service import add_template, publish_template
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.faults import VARIABLE
from antiphon.foundation.postgres import Database, PostgresError
from antiphon.foundation.postgres.migrate import migration_files
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context
from antiphon.sandbox.email import read_received

SPEAKING = 50  # what one killed process may leave unknown
STATES = ("planned", "queued", "sent", "delivered", "bounced", "failed", "expired", "cancelled", "unknown", "suppressed")


class Blow(NamedTuple):
    """A kill: when, of what, and how many sending processes died or lost their database by it."""

    at: datetime
    kind: str
    senders: int


Plot = Callable[[Cast, int], Awaitable[list[Blow]]]
"""Kills this cast while it writes to so many people."""


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
        child.wait(120)


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


def at_random(kills: int, chance: random.Random) -> Plot:
    """So many kills at random instants, spread over the sending."""

    async def plot(cast: Cast, people: int) -> list[Blow]:
        cast.start()
        blows = []
        for number, point in enumerate(sorted(chance.sample(range(people // 20, people * 9 // 10), kills)), 1):
            await patiently(cast, SENT, lambda n, point=point: n >= point, 900)  # type: ignore[misc]
            await asyncio.sleep(chance.random() * 0.2)
            killed = cast.kill(chance)
            blows.append(Blow(datetime.now(UTC), killed.kind, killed.senders))
            say(f"kill {number} of {kills}: {killed.kind}")
            cast.start()
        return blows

    return plot


def at_places(places: Sequence[str]) -> Plot:
    """A process at a time, which kills itself when it passes a fault point for the second time (gate and claim: the first)."""

    async def plot(cast: Cast, people: int) -> list[Blow]:
        assert isinstance(cast, Workers)
        blows = []
        for place in places:
            times = 1 if "judge" in place or "claim" in place else 2
            child = cast.one(**{VARIABLE: f"{place}:{times}"})
            code = await asyncio.to_thread(child.wait, 300)
            assert code == -9, (place, code)
            blows.append(Blow(datetime.now(UTC), place, 1))
            say(f"killed at {place}")
        return blows

    return plot


SENT = "select count(*) from delivery where sent_at is not null"


async def play(cast: Cast, folder: Path, people: int, plot: Plot) -> dict[str, float]:
    """The whole run; figures counted from the ledger and from the mail server's log."""
    log = folder / "mail"
    with mail_server(log) as port:
        if cast.url() is None:
            cast.start()
        await patiently(cast, "select count(*) from migration", lambda n: n == len(migration_files()), 600)
        url = cast.url()
        assert url is not None
        settings = Settings(data_dir=str(folder), secret=SECRET, database_url=url)
        async with open_context(settings, "cli", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
            campaign = await plan(ctx, port, people)
        began = time.monotonic()
        blows = await plot(cast, people)
        cast.start()
        over = f"select count(*) from campaign where id = {campaign} and state = 'finished'"
        await patiently(cast, over, lambda n: n == 1, 1800)
        took = time.monotonic() - began
        states: dict[str, int] = {}
        for state in STATES:
            where = f"select count(*) from delivery where state = '{state}'"
            states[state] = await patiently(cast, where, lambda n: True, 300)
        left = await unknown_by(cast, blows)
        cast.stop()
    received = Counter(entry.recipients[0] for _, entry, _ in read_received(log, 0))
    accounted = sum(states.values())
    return {
        "recipients": people,
        "kills": len(blows),
        "killed_processes": sum(blow.senders for blow in blows),
        "sent": states["sent"],
        "unknown": states["unknown"],
        "lost": people - accounted + states["planned"] + states["queued"],
        "received": len(received),
        "duplicates": sum(count - 1 for count in received.values()),
        "sent_but_not_received": max(0, states["sent"] - len(received)),
        "unknown_per_kill": max((-(-n // max(1, blow.senders)) for blow, n in zip(blows, left, strict=True)), default=0),
        "seconds": round(took, 1),
    }


async def unknown_by(cast: Cast, blows: Sequence[Blow]) -> list[int]:
    """How many each kill left unknown: what was being spoken when it struck, and not before the one before it."""
    found = [0] * len(blows)
    url = cast.url()
    assert url is not None
    db = await Database.open(url, max_size=1)
    async with db.connection() as conn:
        rows = await (await conn.execute("select speaking_at from delivery where state = 'unknown'")).fetchall()
    await db.close()
    for (at,) in rows:
        found[min(bisect_left([blow.at for blow in blows], at), len(blows) - 1)] += 1
    return found


def verify(figures: dict[str, float]) -> None:
    """What must hold. Raises AssertionError."""
    assert figures["duplicates"] == 0, figures
    assert figures["lost"] == 0, figures
    assert figures["sent"] + figures["unknown"] == figures["recipients"], figures
    assert figures["sent"] <= figures["received"] <= figures["sent"] + figures["unknown"], figures
    assert figures["unknown_per_kill"] <= SPEAKING, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # the database is away on purpose
    if args.smoke:
        args.people, args.kills = 2_000, 2
    with tempfile.TemporaryDirectory(prefix="antiphon-kill-") as folder:
        cast = Server(Path(folder) / "data")
        try:
            figures = asyncio.run(play(cast, Path(folder), args.people, at_random(args.kills, random.Random(args.seed))))
        finally:
            cast.stop()
    table(figures, {"duplicates": "0", "lost": "0", "unknown_per_kill": "≤ 50"})
    verify(figures)
    last_line("kill", figures, seed=args.seed)


if __name__ == "__main__":
    main()
