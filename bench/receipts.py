"""`receipts`: a provider's webhooks, arrays of ten, their signature verified, each applied to its ledger row before the 200.

    python -m bench.receipts [--seconds 10] [--runs 3] [--rows 600000] [--smoke]

As BENCH says: SendGrid's Event Webhook, ECDSA P-256 over the raw body; each array has ten receipts of ten different
messages, each receipt of another message than any before. `wrk -t1 -c32` on the same machine; one api process, one worker
(which resolves the customer events that receipts cause), the lake. Counted is what the ledger says afterwards.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from bench.run import last_line, median, table
from bench.serving import PEOPLE, SECRET, Server, cpu, serving
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from antiphon.execution.channels.email.news import TOKEN
from antiphon.execution.channels.seal import Seal
from antiphon.execution.delivery.tracking import Tracker
from antiphon.foundation.config import Settings
from antiphon.foundation.postgres import Database

WRK = shutil.which("wrk")
HERE = Path(__file__).parent
TEN = 10
KEY = ec.generate_private_key(ec.SECP256R1())
ACCOUNT = {"from_email": "shop@shop.example"}

LEDGER = """
    insert into delivery (id, profile_id, intent_key, dispatch_id, campaign_id, channel, account_id, message_class, topic,
                          address, state, reason, planned_at, due_at, queued_at, speaking_at, sent_at, attempts, bucket)
    select n, 1 + n %% %(people)s, 'bench:' || n, 1, 1, 'email', 1, 'marketing', 'news', 'p' || n || '@customers.example',
           'sent', 'accepted', now(), now(), now(), now(), now(), 1, (1 + n %% %(people)s) %% 64
    from generate_series(1, %(rows)s) n
"""


def public_key() -> str:
    """The verification key as SendGrid shows it."""
    der = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def preparing(rows: int) -> Any:
    """Fills the database: people, an account at SendGrid, a ledger of sent messages."""

    async def prepare(settings: Settings, url: str) -> str:
        db = await Database.open(url)
        seal = Seal(settings.secret_bytes())
        plain = json.dumps({**ACCOUNT, "webhook_key": public_key()})
        async with db.transaction() as conn:
            await conn.execute("insert into profile (id) select n from generate_series(1, %s) n", (PEOPLE,))
            await conn.execute(
                "insert into channel_account (channel, provider, name, settings, sealed, created_at, updated_at)"
                " values ('email', 'sendgrid', 'SendGrid', %s::text::jsonb, %s, now(), now())",
                (plain, seal.close({"api_key": "SG.bench"}, "email")),
            )
            await conn.execute(
                "insert into dispatch (key, channel, account_id, message_class, topic, content, created_at)"
                " values ('bench', 'email', 1, 'marketing', 'news', '{}', now())"
            )
            await conn.execute(LEDGER, {"people": PEOPLE, "rows": rows})
            await conn.execute("select setval(pg_get_serial_sequence('delivery', 'id'), %s)", (rows,))
        async with db.connection() as conn:
            await conn.execute("vacuum analyze delivery")
        await db.close()
        return ""

    return prepare


def write_bodies(path: Path, rows: int) -> int:
    """Arrays of ten receipts, signed; how many there are."""
    tracker = Tracker(SECRET.encode(), "http://bench")
    order = list(range(1, rows + 1))
    random.Random(1).shuffle(order)
    now = int(time.time())
    with path.open("wb") as file:
        for at in range(0, rows - rows % TEN, TEN):
            many = [
                {
                    "email": f"p{n}@customers.example", "timestamp": now, "smtp-id": f"<{n}@shop.example>", "event": "delivered",
                    "category": ["c1"], "sg_event_id": f"ZGVsaXZlcmVkLTAt{n:012}", "sg_message_id": f"m{n}.filterdrecv-bench-0",
                    "response": "250 OK", TOKEN: tracker.hook(n, 1 + n % PEOPLE),
                }
                for n in order[at : at + TEN]
            ]  # fmt: skip
            body = json.dumps(many, separators=(",", ":")).encode()
            signature = base64.b64encode(KEY.sign(str(now).encode() + body, ec.ECDSA(hashes.SHA256())))
            file.write(b"%d\t%b\t%b\n" % (now, signature, body))
    return rows // TEN


def load(server: Server, bodies: Path, start: int, seconds: float) -> dict[str, float]:
    """wrk with our bodies from `start` on."""
    env = os.environ | {"BODIES": str(bodies), "START": str(start), "TO": "/callbacks/1"}
    command = [WRK or "wrk", "-t1", "-c32", f"-d{seconds:g}s", "-s", str(HERE / "receipts.lua"), f"http://127.0.0.1:{server.port}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if result["errors"]:
        print("errors:", result, file=sys.stderr)
    return result


def delivered(url: str) -> int:
    """What the ledger says."""
    with psycopg.connect(url) as conn:
        row = conn.execute("select count(*) from delivery where state = 'delivered' and reason = 'receipt'").fetchone()
    return row[0] if row else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.receipts")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=600_000)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    if asked.smoke:
        asked.seconds, asked.runs, asked.rows = 2, 1, 100_000
    if WRK is None:
        print("SKIPPED: wrk is not installed (Debian package `wrk`)")
        last_line("receipts", {}, skipped="wrk is not installed")
        return 0
    filled = serving(preparing(asked.rows))
    with tempfile.TemporaryDirectory(prefix="antiphon-receipts-") as folder, filled as (server, postmaster):
        bodies = Path(folder) / "bodies"
        count = write_bodies(bodies, asked.rows)
        start = int(load(server, bodies, 0, 1 if asked.smoke else 5)["requests"]) + 64  # what was on its way at the end
        rates, slowest = [], []
        for _ in range(asked.runs):
            before, parts = delivered(server.url), server.parts()
            spent = cpu(parts, postmaster)
            result = load(server, bodies, start, asked.seconds)
            after = cpu(parts, postmaster)
            applied = delivered(server.url) - before
            taken = int(result["requests"] - result["refused"]) * TEN  # what is refused for the moment comes again elsewhere
            start += int(result["requests"]) + 64
            rates.append(applied / result["seconds"])
            slowest.append(result["p99_ms"])
            if applied < taken and start <= count:  # beyond, the same receipts came twice
                print(f"NOT ALL APPLIED: {applied} of {taken}", file=sys.stderr)
                return 1
            each = {part: round((after[part] - spent[part]) / max(1, applied) * 1e6, 1) for part in after}
            print(f"  {rates[-1]:>9,.0f} receipts/s  p50 {result['p50_ms']} ms  p99 {result['p99_ms']} ms  µs CPU each: {each}")
            if start > count:
                print("the prepared receipts are used up: take more --rows", file=sys.stderr)
                break
        figures = {"receipts_per_s": median(rates), "p99_ms": median(slowest)}
        table(figures, {"receipts_per_s": "target ≥ 5000"})
        last_line(
            "receipts", figures, ledger_rows=asked.rows, seconds=asked.seconds, runs=len(rates), client="wrk -t1 -c32",
            processes="api 1, worker 1, lake 1", signature="ECDSA P-256",
        )  # fmt: skip
    return 0


if __name__ == "__main__":

    sys.exit(main())
