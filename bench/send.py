"""`send`: e-mails through the whole path, from intents to receipts in the ledger, into Postfix's smtp-sink.

    python -m bench.send [--people 20000] [--workers 2] [--runs 3] [--memory 1000000] [--smoke]

As BENCH says: 4 KB of Liquid source, five tracked links, about 6 KB of MIME, distinct people; beside smtp-source with
messages of the same mean size, alone with the same sink. `--memory 0` leaves the run for memory at that many out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.run import Memory, last_line, median, table
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.execution.channels.email.dkim import generate_key
from antiphon.execution.channels.registry import Channels
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content import Source
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.content.service import add_template, publish_template
from antiphon.execution.delivery import Dispatch, Intents, NewDispatch, chunks, open_dispatch, submit
from antiphon.execution.delivery.store import Claimed
from antiphon.execution.delivery.writer import Writer
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.postgres import migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

SINK = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
SOURCE = shutil.which("smtp-source") or "/usr/sbin/smtp-source"

TARGETS = {
    "mails_per_s": "≥ 2,500",
    "signed_mails_per_s": "≥ 1,000",
    "vs_smtp_source": "≥ 0.2",
    "smpp_per_s": "≥ 1,500",
    "peak_mb_1m": "≤ 1.2 × peak_mb_10k",
}

BODY = (
    """<!doctype html><html><head><title>News</title></head><body style="font-family:sans-serif;margin:0">
<table width="600" align="center" cellpadding="0" cellspacing="0" style="border-collapse:collapse;background:#ffffff"><tr>
<td style="padding:24px;border-bottom:3px solid #1f4fd8">
<h1 style="font-size:22px;line-height:1.2;margin:0">Good news, {{ first_name | default: "dear customer" }}!</h1>
<p style="font-size:15px;line-height:1.5">You have been with us in {{ city | default: "your city" }} since
{{ since | default: "the beginning" }}, and your balance is {{ balance | default: 0 }}. {% if balance > 50 %}That is enough
for a whole month of our best plan.{% else %}A top-up today brings you twice the data.{% endif %}</p>
<p style="font-size:15px;line-height:1.5">{% if plan == "p1" %}You have our smallest plan; a larger one costs you nothing
for a month.{% elsif plan %}You have the plan {{ plan | upcase }}. See what else there is.{% endif %}</p></td></tr>
"""
    + "".join(
        f"""<tr><td style="padding:12px 24px;border:1px solid #dddddd"><table width="100%" cellpadding="0" cellspacing="0"
style="border-collapse:collapse"><tr><td width="160" style="padding:0 16px 0 0;vertical-align:top"><img width="160" height="120"
alt="" style="display:block;border:0;border-radius:6px" src="https://shop.example.com/img/{n}.png"></td><td
style="vertical-align:top"><h2 style="font-size:17px;line-height:1.3;margin:0 0 8px">Offer {n}: {name}</h2>
<p style="font-size:15px;line-height:1.5">{gigabytes} gigabytes and {gigabytes * 5} minutes for thirty days from the moment
you switch it on. Change without a fee, by the app or by one call.</p><p style="margin:0"><a
style="display:inline-block;padding:8px 16px;border-radius:4px;background:#1f4fd8;color:#ffffff;text-decoration:none"
href="https://shop.example.com/offers/{n}?from=mail">See offer {n}</a></p></td></tr></table></td></tr>
"""
        for n, name, gigabytes in ((1, "Light", 5), (2, "Middle", 10), (3, "Large", 25), (4, "Family", 60))
    )
    + """<tr><td style="padding:24px;color:#666666;font-size:12px">You get this, {{ first_name | default: "dear customer" }},
because you agreed to our news. <a href="https://shop.example.com/account">Your account</a> |
<a href="{{ unsubscribe_url }}">Unsubscribe</a></td></tr></table></body></html>"""
)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def sink(port: int) -> Iterator[None]:
    """Postfix's sink, as an unprivileged user when we are root."""
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    child = subprocess.Popen(
        [SINK, *user, "-c", f"127.0.0.1:{port}", "500"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent(),
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > until or child.poll() is not None:
                raise SystemExit("the mail sink did not start")
            time.sleep(0.05)
        yield
    finally:
        child.kill()
        child.wait()


@contextmanager
def voices(url: str, data_dir: str, count: int) -> Iterator[list[int]]:
    """Worker processes; their ids."""
    children = [
        subprocess.Popen([sys.executable, "-m", "bench.voices", url, data_dir], preexec_fn=die_with_parent())
        for _ in range(count)
    ]
    try:
        yield [child.pid for child in children]
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(180)


async def seed(ctx: Context, people: int) -> None:
    """Customers with traits, an address and consent."""
    async with ctx.db.connection() as conn:
        for first in range(1, people + 1, 50_000):
            span = {"first": first, "last": min(first + 49_999, people)}
            await conn.execute(
                "insert into profile (id, traits) select i, jsonb_build_object('first_name', 'Ann' || i, 'city',"
                " 'Town' || i %% 97, 'since', 2000 + i %% 25, 'balance', i %% 100, 'plan', 'p' || i %% 9)"
                " from generate_series(%(first)s::bigint, %(last)s) i", span,
            )  # fmt: skip
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'email', 'c' || i || '@example.com', i"
                " from generate_series(%(first)s::bigint, %(last)s) i", span,
            )  # fmt: skip
            await conn.execute(
                "insert into consent_state (profile_id, channel, topic, state, at, consent_id)"
                " select i, 'email', 'news', 'granted', now(), 0 from generate_series(%(first)s::bigint, %(last)s) i", span,
            )  # fmt: skip
        for table in ("profile", "identity", "consent_state"):
            await conn.execute(f"vacuum analyze {table}")


async def prepare(ctx: Context, port: int) -> tuple[int, int]:
    """(account, template version)."""
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "from_email": "news@shop.example.com", "connections": 10}
    account = await add_account(ctx, SYSTEM, channel="email", name="sink", settings=settings)
    source = Source(format="html", subject="News for {{ first_name }}", body=BODY)
    draft = await add_template(ctx, SYSTEM, channel="email", name="News", source=source)
    return account.id, (await publish_template(ctx, SYSTEM, draft.template_id)).id


async def signing(ctx: Context, port: int) -> int:
    """An account of the same sink that signs with RSA-2048."""
    settings = {
        "host": "127.0.0.1", "port": port, "security": "none", "from_email": "news@shop.example.com", "connections": 10,
        "dkim": True, "dkim_selector": "bench", "dkim_key": generate_key("rsa"),
    }  # fmt: skip
    return (await add_account(ctx, SYSTEM, channel="email", name="signed", settings=settings)).id


async def dispatch_of(ctx: Context, version: int, account: int, key: str) -> Dispatch:
    async with ctx.db.transaction() as conn:
        return await open_dispatch(ctx, conn, NewDispatch(
            key=key, channel="email", message_class="marketing", topic="news", account_id=account,
            template_version_id=version, campaign_id=abs(hash(key)) % 10**9, occurrence="1", track_opens=True, track_clicks=True,
        ))  # fmt: skip


async def mean_size(ctx: Context, version: int, account_id: int) -> int:
    """Mean octets of the MIME of a hundred people."""
    dispatch = await dispatch_of(ctx, version, account_id, "size")
    channels = ctx.get(Channels)
    async with ctx.db.connection() as conn:
        account = await channels.account(conn, account_id)
        rows = await (await conn.execute("select id, traits from profile order by id limit 100")).fetchall()
    write = await Writer(ctx).of(dispatch, account)
    now = ctx.clock.now()
    sizes = []
    for i, traits in rows:
        row = Claimed(i, i, dispatch.id, i % 64, 1, 0, None, now, f"c{i}@example.com", None, traits)
        sizes.append(len(channels["smtp"].prepare(write(row, now), account).payload))
    return round(sum(sizes) / len(sizes))


async def run_once(ctx: Context, version: int, account: int, key: str, people: int) -> float:
    """Mails a second from the first intent to the last receipt."""
    dispatch = await dispatch_of(ctx, version, account, key)
    began = time.perf_counter()
    for part in chunks(Intents(profile_ids=range(1, people + 1))):
        async with ctx.db.transaction() as conn:
            verdict = await submit(ctx, conn, dispatch, part)
        assert not verdict.refused, verdict
    async with ctx.db.connection() as conn:
        while True:
            row = await (
                await conn.execute("select exists (select from delivery_queue where dispatch_id = %s)", (dispatch.id,))
            ).fetchone()
            if row is not None and not row[0]:
                break
            await asyncio.sleep(0.02)
        took = time.perf_counter() - began
        found = await (
            await conn.execute("select state, count(*) from delivery where dispatch_id = %s group by state", (dispatch.id,))
        ).fetchall()
    assert dict(found) == {"sent": people}, found
    return people / took


def source_rate(port: int, count: int, size: int) -> float:
    """smtp-source's mails a second into the same sink."""
    began = time.perf_counter()
    subprocess.run(
        [SOURCE, "-s", "20", "-d", "-m", str(count), "-l", str(size), f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL
    )
    return count / (time.perf_counter() - began)


async def bench(args: argparse.Namespace, url: str, data_dir: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    port = free_port()
    await migrate(url)
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://mail.example.com", database_url=url)
    async with open_context(settings, "cli", (CONSENT, CHANNELS, CONTENT), database_url=url, lake_socket="") as ctx:
        with sink(port):
            account, version = await prepare(ctx, port)
            most = max(args.people, args.memory)
            print(f"seeding {most:,} people …", file=sys.stderr)
            await seed(ctx, most)
            size = await mean_size(ctx, version, account)
            figures["mime_bytes"] = size
            rates = []
            with voices(url, data_dir, args.workers) as pids, Memory(lambda: [os.getpid(), *pids]) as memory:
                await run_once(ctx, version, account, "warm-up", min(args.people, 8_000))
                memory.peak = 0.0
                await run_once(ctx, version, account, "ten", min(args.people, 10_000))
                figures["peak_mb_10k"] = round(memory.peak, 1)
                for n in range(args.runs):
                    rates.append(await run_once(ctx, version, account, f"run {n}", args.people))
                    print(f"run {n}: {rates[-1]:,.0f} mails/s", file=sys.stderr)
                figures["mails_per_s"] = round(median(rates), 1)
                signed = await signing(ctx, port)
                await run_once(ctx, version, signed, "signed warm-up", min(args.people, 2_000))
                rates = [await run_once(ctx, version, signed, f"signed {n}", args.people) for n in range(args.runs)]
                figures["signed_mails_per_s"] = round(median(rates), 1)
                print(f"signed: {figures['signed_mails_per_s']:,.0f} mails/s", file=sys.stderr)
                if args.memory:
                    memory.peak = 0.0
                    figures["mails_per_s_memory_run"] = round(await run_once(ctx, version, account, "memory", args.memory), 1)
                    figures[f"peak_mb_{_short(args.memory)}"] = round(memory.peak, 1)
            bare = [source_rate(port, args.people, size) for _ in range(args.runs)]
            figures["smtp_source_per_s"] = round(median(bare), 1)
            figures["vs_smtp_source"] = round(figures["mails_per_s"] / figures["smtp_source_per_s"], 3)
    return figures


def _short(count: int) -> str:
    return f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1000}k"


def _smpp(args: argparse.Namespace) -> dict[str, float]:
    """The part on SMPP, on a database of its own."""
    from bench.smpp import measure  # it stands on this module

    if os.environ.get("ANTIPHON_DATABASE_URL"):
        print("send: SMPP is SKIPPED on a given database: `python -m bench.smpp` with an empty one measures it")
        return {}
    return measure(args.people, args.workers, args.runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", type=int, default=1_000_000, help="people of the run that measures memory; 0 for none")
    parser.add_argument("--smoke", action="store_true", help="a short form that only shows that it works")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.runs, args.memory = 2_000, 1, 0
    about = {"people": args.people, "workers": args.workers, "runs": args.runs}
    figures = _smpp(args)
    if not (Path(SINK).exists() and Path(SOURCE).exists()):
        print("send: SKIPPED, smtp-sink and smtp-source are missing: install Debian's package postfix")
        last_line("send", figures, skipped="Debian's package postfix is missing", **about)
        return
    with tempfile.TemporaryDirectory(prefix="antiphon-send-") as folder:
        if external := os.environ.get("ANTIPHON_DATABASE_URL"):
            figures |= asyncio.run(bench(args, external, folder))
        else:
            with start_postgres(Path(folder)) as server:
                figures |= asyncio.run(bench(args, server.url, folder))
    table(figures, TARGETS)
    last_line("send", figures, **about)


if __name__ == "__main__":
    main()
