"""`react`: from the acceptance of an event to the ledger row that answers it; messages of the API; a report of a large campaign.

    python -m bench.react [--people 100000] [--rate 500] [--journey-rate 1000] [--journeys 50] [--seconds 30] [--campaigns 10]
                          [--recipients 1000000] [--smoke]

`p95_s` is journeys' (`bench.react_journeys`): events at the journey rate while so many are live.
Events of known people at a fixed rate, one in ten of a name that campaigns answer, into one lane, taken in and answered by one
worker in the same process. `react_p95_s` is from the instant the event was accepted to the instant its row was queued;
`react_committed_p95_s` until another connection could read it. `messages_per_s`: 64 callers, each waiting for its answer, a
template, keys. `report_s` is the whole report worked out anew over so many recipients, `report_kept_s` as it is answered then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.react_journeys import react_journeys
from bench.run import last_line, table
from bench.voices import SECRET

from antiphon.awareness.consent.room import ROOM as CONSENT
from antiphon.awareness.events import Journal
from antiphon.awareness.events.room import ROOM as EVENTS
from antiphon.awareness.segments.room import ROOM as SEGMENTS
from antiphon.execution.campaigns import desk, report, service, store
from antiphon.execution.campaigns.asked import Asked
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.messages import MessageBody, Recipient
from antiphon.execution.campaigns.report import Report
from antiphon.execution.campaigns.triggers import Trigger
from antiphon.execution.channels.room import ROOM as CHANNELS
from antiphon.execution.channels.service import add_account
from antiphon.execution.content import Source
from antiphon.execution.content.room import ROOM as CONTENT
from antiphon.execution.content.service import add_template, publish_template
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.loops import LoopRunner
from antiphon.foundation.postgres import migrate
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.process import open_context

TARGETS = {"p95_s": "≤ 2", "react_p95_s": "≤ 2", "react_committed_p95_s": "≤ 2"}
CALLERS = 64


async def seed(ctx: Context, people: int) -> int:
    """People with addresses, an account, a template; returns the template's id."""
    async with ctx.db.connection() as conn:
        for first in range(1, people + 1, 50_000):
            span = (first, min(first + 49_999, people))
            await conn.execute("insert into profile (id) select i from generate_series(%s::bigint, %s) i", span)
            await conn.execute(
                "insert into identity (kind, value, profile_id)"
                " select k, case k when 'email' then 'p' || i || '@example.com' else 'u' || i end, i"
                " from generate_series(%s::bigint, %s) i cross join (values ('email'), ('user_id')) k (k)",
                span,
            )
        await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), %s)", (people + 1,))
        await conn.execute("vacuum analyze")
    await add_account(ctx, SYSTEM, channel="email", name="sink", settings={
        "host": "127.0.0.1", "port": 25, "security": "none", "from_email": "news@shop.example.com",
    })  # fmt: skip
    source = Source(format="text", subject="{{ event.order_id }}", body="{{ order }}")
    row = await add_template(ctx, SYSTEM, channel="email", name="Order", source=source)
    await publish_template(ctx, SYSTEM, row.template_id)
    return row.template_id


async def react(ctx: Context, template: int, args: argparse.Namespace) -> dict[str, float]:
    """Events at a fixed rate, and how long until each was answered."""
    for n in range(args.campaigns):
        async with ctx.db.transaction() as conn:
            made = await service.add_campaign(ctx, conn, SYSTEM, {
                "name": f"c{n}", "description": "", "channel": "email", "segment_id": None, "excluded_segment_ids": [],
                "template_id": template, "account_id": None, "topic": None, "message_class": "transactional",
                "track_opens": False, "track_clicks": False, "send_at": None, "kind": "triggered",
                "trigger": Trigger(event="Order Completed" if n == 0 else f"Other {n}", again="key", key=["order_id"]),
            })  # fmt: skip
            await service.start(ctx, conn, SYSTEM, made.id)
    loops = [loop for loop in (*EVENTS.loops, *LOOPS) if loop.name in ("intake", "campaigns.listen")]
    runner = LoopRunner(ctx, loops)
    await runner.start()
    asked: dict[int, float] = {}
    seen: dict[int, float] = {}
    over = asyncio.Event()

    async def watch() -> None:
        last = 0
        while not over.is_set():
            async with ctx.db.connection() as conn:
                rows = await (await conn.execute(
                    "select id, (variables -> 'event' ->> 'order_id')::bigint from delivery where id > %s order by id", (last,)
                )).fetchall()  # fmt: skip
            now = time.perf_counter()
            for delivery_id, order in rows:
                last = delivery_id
                seen[order] = now
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    journal, began, order = ctx.get(Journal), time.perf_counter(), 0
    while (at := time.perf_counter() - began) < args.seconds:
        rows = []
        while order < at * args.rate:
            order += 1
            name = "Order Completed" if order % 10 == 0 else "Page Seen"
            call: dict[str, Any] = {
                "type": "track", "userId": f"u{order * 7919 % args.people + 1}", "event": name, "messageId": f"m{order}",
                "properties": {"order_id": order, "total": 10},
            }  # fmt: skip
            rows.append((1, None, json.dumps(call).encode()))
            if order % 10 == 0:
                asked[order] = time.perf_counter()
        async with journal.transaction() as inside:
            await inside.append(rows)
        await asyncio.sleep(0.02)
    deadline = time.perf_counter() + 30
    while len(seen) < len(asked) and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    over.set()
    await watching
    await runner.stop()
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(
            "select percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from d.queued_at - e.received_at))"
            " from delivery d join event e on e.name = 'Order Completed'"
            " and e.properties ->> 'order_id' = d.variables -> 'event' ->> 'order_id'"
        )).fetchone()  # fmt: skip
    assert row is not None
    waits = sorted(seen[one] - asked[one] for one in seen)
    return {
        "events": order, "answered": len(seen), "unanswered": len(asked) - len(seen), "react_p50_s": round(float(row[0][0]), 3),
        "react_p95_s": round(float(row[0][1]), 3), "react_committed_p95_s": round(waits[int(len(waits) * 0.95)], 3),
    }  # fmt: skip


async def messages(ctx: Context, template: int, args: argparse.Namespace) -> dict[str, float]:
    """Messages a second by the API's desk."""
    count = 0
    async with desk.open_desk(ctx) as open_desk:
        over = time.perf_counter() + args.seconds / 3

        async def call(caller: int) -> None:
            nonlocal count
            n = 0
            while time.perf_counter() < over:
                n += 1
                to = Recipient(user_id=f"u{(caller * 9973 + n) % args.people + 1}")
                body = MessageBody(to=to, template_id=template, variables={"order": n})
                await open_desk.hand_in(Asked("key:1", body, f"{caller}-{n}"))
                count += 1

        began = time.perf_counter()
        await asyncio.gather(*(call(n) for n in range(CALLERS)))
    return {"messages_per_s": round(count / (time.perf_counter() - began))}


async def large_report(ctx: Context, template: int, args: argparse.Namespace) -> dict[str, float]:
    """A report over many recipients, worked out and kept."""
    async with ctx.db.transaction() as conn:
        made = await service.add_campaign(ctx, conn, SYSTEM, {
            "name": "large", "description": "", "channel": "email", "segment_id": None, "excluded_segment_ids": [],
            "template_id": template, "account_id": None, "topic": None, "message_class": "transactional", "track_opens": True,
            "track_clicks": True, "send_at": None,
        })  # fmt: skip
        await store.move_campaign(conn, made.id, "finished", now=ctx.clock.now(), started_at=ctx.clock.now())
    async with ctx.db.connection() as conn:
        for first in range(1, args.recipients + 1, 100_000):
            await conn.execute(
                "insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, occurrence, channel, message_class,"
                " state, planned_at, due_at, queued_at, sent_at, delivered_at, opened_at, clicked_at, opens, clicks, bucket,"
                " cost_micros)"
                " select i, 'large', 1, %s, '1', 'email', 'marketing', 'delivered', now(), now(), now(), now(), now(),"
                " case when i %% 3 = 0 then now() + (i %% 50) * interval '1 hour' end,"
                " case when i %% 20 = 0 then now() + (i %% 50) * interval '1 hour' end, 1, 0, i %% 64, 100"
                " from generate_series(%s::bigint, %s) i",
                (made.id, first, min(first + 99_999, args.recipients)),
            )
        await conn.execute("vacuum analyze delivery")
        found = await service.find(conn, made.id)
        figures = {}
        for name in ("report_s", "report_kept_s"):
            began = time.perf_counter()
            told = await report.kept_or(
                ctx, conn, made.id, "report", Report, lambda: report.read_report(ctx, conn, found)
            )
            figures[name] = round(time.perf_counter() - began, 3)
            assert told.sent == args.recipients
    return figures


async def bench(args: argparse.Namespace, url: str, data_dir: str) -> dict[str, float]:
    await migrate(url)
    settings = Settings(data_dir=data_dir, secret=SECRET, public_url="https://mail.example.com", database_url=url)
    rooms = (CONSENT, EVENTS, SEGMENTS, CHANNELS, CONTENT)
    async with open_context(settings, "worker", rooms, database_url=url, lake_socket="") as ctx:
        template = await seed(ctx, args.people)
        return {
            **await react(ctx, template, args), **await messages(ctx, template, args), **await react_journeys(ctx, args),
            **await large_report(ctx, template, args),
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--journey-rate", type=int, default=1_000)
    parser.add_argument("--journeys", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--campaigns", type=int, default=10)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.people, args.seconds, args.recipients = 5_000, 6, 50_000
    with tempfile.TemporaryDirectory(prefix="antiphon-react-") as folder, start_postgres(Path(folder)) as server:
        figures = asyncio.run(bench(args, server.url, folder))
    table(figures, TARGETS)
    last_line(
        "react", figures, people=args.people, rate=args.rate, journey_rate=args.journey_rate, journeys=args.journeys,
        recipients=args.recipients,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
