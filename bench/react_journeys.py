"""The part of `react` that is journeys': events at a fixed rate while fifty journeys are live, and how soon each was answered.

One event in ten is of a name by which people come into one of the journeys, where the first step speaks; then they wait for an
event of another name, one in ten as well, and are spoken to again. From acceptance to the row of the ledger, queued, after a
warm-up of five seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from datetime import timedelta
from typing import Any

from bench.journeys import add_journey, step

from antiphon.awareness.events import EventMatch, Journal
from antiphon.awareness.events.room import ROOM as EVENTS
from antiphon.execution.journeys import hearing, ticking
from antiphon.execution.journeys.model import Again, Definition, EventEntry
from antiphon.foundation.context import Context
from antiphon.foundation.loops import LoopRunner

SAY: dict[str, Any] = {"channel": "email", "message_class": "transactional", "content": {"subject": "Thanks", "text": "Thanks"}}


def journey(number: int) -> Definition:
    """One of those that are live."""
    return Definition(
        start="thanks", entries=[EventEntry(match=EventMatch(event=f"Ordered {number}"))],
        again=Again(rule="always", at_once=1000), steps=[
            step("thanks", "message", {"next": "paid"}, **SAY),
            step("paid", "wait_event", {"happened": "more"}, match={"event": f"Paid {number}"}, timeout_seconds=86_400),
            step("more", "message", {}, **SAY),
        ],
    )  # fmt: skip


async def react_journeys(ctx: Context, args: argparse.Namespace) -> dict[str, float]:
    """Seconds from acceptance to the ledger, of people who come in and of people who are inside."""
    for number in range(args.journeys):
        plan = await add_journey(ctx, journey(number))
        async with ctx.db.transaction() as conn:
            await hearing.begin_hearing(ctx, conn, plan.journey_id)
    runner = LoopRunner(ctx, [next(loop for loop in EVENTS.loops if loop.name == "intake"), hearing.LOOP, ticking.LOOP])
    await runner.start()
    warm = ctx.clock.now() + timedelta(seconds=min(5, args.seconds / 3))
    journal, began, sent, asked = ctx.get(Journal), time.perf_counter(), 0, 0
    while (at := time.perf_counter() - began) < args.seconds:
        rows = []
        while sent < at * args.journey_rate:
            sent += 1
            turn, number = sent % 10, sent // 10 % args.journeys
            person = sent // 10 * 7919 % args.people + 1
            name = f"Ordered {number}" if turn == 0 else f"Paid {number}" if turn == 5 and sent > 5_000 else "Page Seen"
            if turn == 5:  # of somebody who ordered a good while ago
                person = (sent // 10 - 400) * 7919 % args.people + 1
                name = name.replace(str(number), str((sent // 10 - 400) % args.journeys))
            asked += name != "Page Seen"
            call = {"type": "track", "userId": f"u{person}", "event": name, "messageId": f"j{sent}", "properties": {"n": sent}}
            rows.append((1, None, json.dumps(call).encode()))
        async with journal.transaction() as inside:
            await inside.append(rows)
        await asyncio.sleep(0.02)
    deadline, said = time.perf_counter() + 30, 0
    while said < asked and time.perf_counter() < deadline:
        await asyncio.sleep(0.2)
        async with ctx.db.connection() as conn:
            row = await (await conn.execute("select count(*) from delivery where intent_key like 'journey:%'")).fetchone()
        assert row is not None
        said = row[0]
    await runner.stop()
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(
            "select percentile_cont(array[0.5, 0.95, 1]) within group (order by extract(epoch from d.queued_at - e.received_at)),"
            " count(*) from delivery d join event e on e.profile_id = d.profile_id"
            " and e.name = case split_part(d.intent_key, ':', 4) when 'thanks' then 'Ordered ' else 'Paid ' end"
            " || (split_part(d.intent_key, ':', 2)::bigint - %s)"
            " and e.received_at <= d.queued_at and e.received_at > d.queued_at - interval '20 seconds'"
            " where d.intent_key like 'journey:%%' and d.queued_at is not null and e.received_at > %s",
            (plan.journey_id - args.journeys + 1, warm),
        )).fetchone()  # fmt: skip
    assert row is not None
    p50, p95, most = row[0]
    return {
        "journey_events": sent, "journey_reactions": said, "journey_unanswered": asked - said, "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3), "most_s": round(float(most), 3), "measured": row[1],
    }  # fmt: skip
