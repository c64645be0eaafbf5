"""`send`'s part on SMPP: one-part messages through the whole path, from intents to receipts stored in the ledger.

    python -m bench.smpp [--people 20000] [--workers 2] [--runs 3] [--smoke]

The sandbox's SMSC, a process of its own, answers at once and sends a receipt for each; it takes a receipt for stored when we
acknowledge it. `smpp_channel_per_s` is the client alone: submissions to receipts acknowledged, without a database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from bench.run import last_line, median, table
from bench.send import SECRET, voices

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.execution.channels import Account, Message, Rendered, Signal
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.channels.sms.smpp import SmppChannel
from antiphon.execution.channels.sms.smpp.settings import SmppSettings
from antiphon.execution.content import Source
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.content.service import add_template, publish_template
from antiphon.execution.delivery import Intents, NewDispatch, chunks, open_dispatch, submit
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.postgres import migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context
from antiphon.sandbox.sms.log import count_received

TARGETS = {"smpp_per_s": "≥ 1,500"}
TEXT = "{{ first_name }}, your balance is {{ balance | default: 0 }}. Top up today and get twice the data for a week."
PATIENCE = 300.0  # seconds a run may take


@contextmanager
def smsc(folder: Path) -> Iterator[int]:
    """The sandbox's SMSC; its port."""
    child = subprocess.Popen(
        [sys.executable, "-m", "antiphon.sandbox.sms", "smsc", "--folder", str(folder)],
        stdout=subprocess.PIPE, preexec_fn=die_with_parent(),
    )  # fmt: skip
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait(120)


async def channel_rate(port: int, count: int) -> float:
    """Messages a second of the client alone, two batches of 25 on the way, to the last receipt acknowledged."""
    settings = SmppSettings(host="127.0.0.1", port=port, system_id="bench", sender="Antiphon", window=100)
    account = Account(id=1, channel="sms", provider="smpp", name="bench", settings=settings)
    channel, done, heard = SmppChannel(), asyncio.Event(), 0

    async def hear(_: Account, signals: Sequence[Signal]) -> None:
        nonlocal heard
        heard += sum(signal.kind == "delivered" for signal in signals)
        if heard >= count:
            done.set()

    async def speaking(_: Sequence[int]) -> None: ...

    now = datetime.now(UTC)

    def message(n: int) -> Message:
        text = f"Ann{n}, your balance is 17. Top up today and get twice the data for a week."
        return Message(delivery_id=n, address=f"+7900{n:07d}", content=Rendered(subject="", html=None, text=text), date=now)

    batches = iter([range(at, min(at + 25, count + 1)) for at in range(1, count + 1, 25)])

    async def voice() -> None:
        for batch in batches:
            wires = [channel.prepare(message(n), account) for n in batch]
            receipts = await channel.send(account, wires, speaking)
            assert all(one.outcome == "sent" for one in receipts), receipts[0]

    listening = asyncio.create_task(channel.listen(account, hear))
    await asyncio.sleep(0.5)
    began = time.perf_counter()
    await asyncio.gather(voice(), voice())
    await asyncio.wait_for(done.wait(), PATIENCE)
    rate = count / (time.perf_counter() - began)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await channel.close()
    return rate


async def seed(ctx: Context, people: int) -> None:
    """Customers with traits, a telephone and consent."""
    async with ctx.db.connection() as conn:
        for statement in (
            """insert into profile (id, traits) select i, jsonb_build_object('first_name', 'Ann' || i, 'balance', i %% 100)
            from generate_series(1, %(people)s::bigint) i""",
            """insert into identity (kind, value, profile_id) select 'phone', '+7900' || lpad(i::text, 7, '0'), i
            from generate_series(1, %(people)s::bigint) i""",
            """insert into consent_state (profile_id, channel, topic, state, at, consent_id)
            select i, 'sms', 'news', 'granted', now(), 0 from generate_series(1, %(people)s::bigint) i""",
        ):
            await conn.execute(statement, {"people": people})
        for name in ("profile", "identity", "consent_state"):
            await conn.execute(f"vacuum analyze {name}")


async def prepare(ctx: Context, port: int, connections: int) -> tuple[int, int]:
    """(account, template version)."""
    settings = {
        "host": "127.0.0.1", "port": port, "system_id": "bench", "sender": "Antiphon", "window": 100, "connections": connections
    }  # fmt: skip
    account = await add_account(ctx, SYSTEM, channel="sms", provider="smpp", name="smsc", settings=settings)
    draft = await add_template(ctx, SYSTEM, channel="sms", name="Balance", source=Source(format="text", subject="", body=TEXT))
    return account.id, (await publish_template(ctx, SYSTEM, draft.template_id)).id


async def run_once(ctx: Context, version: int, account: int, key: str, people: int) -> float:
    """Messages a second from the first intent to the last receipt in the ledger."""
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, NewDispatch(
            key=key, channel="sms", message_class="marketing", topic="news", account_id=account, template_version_id=version,
            campaign_id=abs(hash(key)) % 10**9, occurrence="1", purpose="offer",
        ))  # fmt: skip
    began = time.perf_counter()
    for part in chunks(Intents(profile_ids=range(1, people + 1))):
        async with ctx.db.transaction() as conn:
            verdict = await submit(ctx, conn, dispatch, part)
        assert not verdict.refused, verdict
    waiting = "select exists (select from delivery where dispatch_id = %s and state <> 'delivered')"
    counting = "select state, count(*) from delivery where dispatch_id = %s group by state"
    async with ctx.db.connection() as conn:
        while (await (await conn.execute(waiting, (dispatch.id,))).fetchone()) != (False,):
            if time.perf_counter() - began > PATIENCE:
                break
            await asyncio.sleep(0.1)
        took = time.perf_counter() - began
        found = dict(await (await conn.execute(counting, (dispatch.id,))).fetchall())
    assert found == {"delivered": people}, found
    return people / took


async def bench(people: int, workers: int, runs: int, url: str, data_dir: str) -> dict[str, float]:
    """The figures."""
    folder = Path(data_dir) / "sms"
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://m.example.com", database_url=url)
    await migrate(url)
    figures: dict[str, float] = {}
    async with open_context(settings, "cli", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
        with smsc(folder) as port:
            figures["smpp_channel_per_s"] = round(median([await channel_rate(port, people) for _ in range(runs)]), 1)
            before = count_received(folder)
            account, version = await prepare(ctx, port, 1)
            print(f"seeding {people:,} people …", file=sys.stderr)
            await seed(ctx, people)
            with voices(url, data_dir, workers):
                warm = min(people, 5_000)
                await run_once(ctx, version, account, "warm-up", warm)
                rates = []
                for n in range(runs):
                    rates.append(await run_once(ctx, version, account, f"run {n}", people))
                    print(f"run {n}: {rates[-1]:,.0f} messages/s", file=sys.stderr)
            figures["smpp_per_s"] = round(median(rates), 1)
            said = count_received(folder) - before
            assert said == warm + runs * people, (said, warm, runs, people)
    return figures


def measure(people: int, workers: int, runs: int) -> dict[str, float]:
    """All of it, with a PostgreSQL of its own unless one is given."""
    with tempfile.TemporaryDirectory(prefix="antiphon-smpp-") as folder:
        if external := os.environ.get("ANTIPHON_DATABASE_URL"):
            return uvloop.run(bench(people, workers, runs, external, folder))
        with start_postgres(Path(folder)) as server:
            return uvloop.run(bench(people, workers, runs, server.url, folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.runs = 2_000, 1
    figures = measure(args.people, args.workers, args.runs)
    table(figures, TARGETS)
    last_line("smpp", figures, people=args.people, workers=args.workers, runs=args.runs)


if __name__ == "__main__":
    main()
