"""The reaction curve, then and now; what happened when; by channel; and how a large report is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import SEND, add_account, add_people, stage
from tests.execution.test_campaigns_service import RUN, draft, segment_of, told

from antiphon.execution.campaigns import curve, report, service
from antiphon.execution.campaigns.curve import Curve, Timeline
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.report import Report
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store
SNAPSHOTS = LOOPS[3]


@pytest.fixture
async def campaign(ctx: Context) -> AsyncIterator[Campaign]:
    """Ten people were written to at noon."""
    async with stage(ctx):
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 10)
        made = await draft(ctx, await segment_of(ctx, "all", list(range(1, 11))))
        await told(ctx, service.start, made)
        await run_until_idle(ctx, [RUN, SEND])
        await run_until_idle(ctx, [RUN])
        yield made


async def mark(ctx: Context, column: str, people: range, at: Any) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute(f"update delivery set {column} = %s where profile_id = any(%s)", (at, list(people)))


async def read(ctx: Context, campaign: Campaign) -> tuple[Curve, Timeline]:
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign.id)
        return await curve.read_curve(ctx, conn, found), await curve.read_timeline(ctx, conn, found, None)


def shown(found: Curve) -> list[tuple[int, int | None, int | None]]:
    """(hours, opened as known then, opened as known now)."""
    return [(p.hours, p.then.opened if p.then else None, p.now.opened if p.now else None) for p in found.points]


async def test_what_was_known_then_and_what_is_known_now(ctx: Context, campaign: Campaign, clock: VirtualClock) -> None:
    """Three open in the first hour; of two of them it is heard only later, and one turns out to be a machine."""
    start = clock.now()
    await mark(ctx, "opened_at", range(1, 2), start + timedelta(minutes=20))
    clock.set(start + timedelta(hours=1))
    await run_until_idle(ctx, [SNAPSHOTS])
    assert shown((await read(ctx, campaign))[0]) == [(1, 1, 1), (24, None, None), (48, None, None)]
    await mark(ctx, "opened_at", range(2, 4), start + timedelta(minutes=30))
    await mark(ctx, "opened_at", range(4, 7), start + timedelta(hours=5))
    clock.set(start + timedelta(hours=24))
    await run_until_idle(ctx, [SNAPSHOTS])
    await mark(ctx, "opened_at", range(3, 5), None)
    clock.set(start + timedelta(hours=60))
    await run_until_idle(ctx, [SNAPSHOTS])
    found, timeline = await read(ctx, campaign)
    assert shown(found) == [(1, 1, 2), (24, 6, 4), (48, 4, 4)]
    assert found.points[2].then_at == start + timedelta(hours=60), "nobody was there to keep it in time, and it says so"
    assert (timeline.step, [(p.at.hour, p.sent, p.opened) for p in timeline.points]) == ("hour", [(12, 10, 2), (17, 0, 2)])


async def test_a_timeline_ends_with_what_the_ledger_says(ctx: Context, campaign: Campaign, clock: VirtualClock) -> None:
    start = clock.now()
    await mark(ctx, "clicked_at", range(1, 6), start + timedelta(days=2))
    await mark(ctx, "unsubscribed_at", range(1, 3), start + timedelta(days=3))
    await mark(ctx, "cost_micros", range(1, 11), 500)
    clock.advance(timedelta(days=4))
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign.id)
        days = await curve.read_timeline(ctx, conn, found, "day")
        told_ = await report.read_report(ctx, conn, found)
    assert [(p.at.day, p.sent, p.clicked, p.unsubscribed, p.cost_micros) for p in days.points] == [
        (1, 10, 0, 0, 5000), (3, 0, 5, 0, 0), (4, 0, 0, 2, 0)
    ]  # fmt: skip
    assert (sum(p.sent for p in days.points), sum(p.clicked for p in days.points)) == (told_.sent, told_.clicked)
    assert told_.cost_micros == 5000


async def test_somebody_reached_by_a_later_channel_counts_once(ctx: Context, campaign: Campaign) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute("update delivery set state = 'failed', reason = 'refused', sent_at = null where profile_id <= 3")
        await conn.execute(
            "insert into delivery (profile_id, intent_key, dispatch_id, campaign_id, occurrence, channel, message_class, state,"
            " planned_at, due_at, queued_at, sent_at, bucket, hop, origin_id, cost_micros)"
            " select profile_id, intent_key || ':hop1', dispatch_id, campaign_id, occurrence, 'sms', message_class, 'sent',"
            " planned_at, due_at, queued_at, now(), bucket, 1, id, 9 from delivery where profile_id <= 2"
        )
        await conn.execute("update campaign set hops = '[{\"channel\": \"parrot\"}]'")
        found = await report.read_report(ctx, conn, await service.find(conn, campaign.id))
    assert (found.audience, found.sent, found.failed) == (10, 9, 1)
    assert [(h.hop, h.channel, h.messages, h.sent, h.failed, h.cost_micros) for h in found.by_hop] == [
        (0, "parrot", 10, 7, 3, 0), (1, "sms", 2, 2, 0, 18)
    ]  # fmt: skip


async def test_what_takes_long_is_worked_out_seldom(
    ctx: Context, campaign: Campaign, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "QUICK", -1.0)
    asked = 0

    async def work() -> Report:
        nonlocal asked
        asked += 1
        async with ctx.db.connection() as conn:
            return await report.read_report(ctx, conn, await service.find(conn, campaign.id))

    async def read_it() -> Report:
        async with ctx.db.connection() as conn:
            return await report.kept_or(ctx, conn, campaign.id, "report", Report, work)

    first = await read_it()
    async with ctx.db.transaction() as conn:
        await conn.execute("update campaign_report set took_ms = 1000")
    clock.advance(timedelta(seconds=40))
    assert await read_it() == first
    assert asked == 1
    clock.advance(timedelta(seconds=11))
    assert (await read_it()).as_of == clock.now()
    assert asked == 2
