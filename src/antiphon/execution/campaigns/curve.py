"""How people reacted over time: what happened hour by hour, and what was known after 1, 24 and 48 hours, then and now.

By business time. What is known later of the same hours differs from what was known then: receipts come late, clicks turn out to
be machines'. So a one-off campaign's numbers are kept when their time comes, and shown beside what the ledger says of it now.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.report import SQL
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection, Jsonb

HOURS = (1, 24, 48)
LOOP = "campaigns.snapshots"
LONG_AGO = timedelta(days=400)
MOST_HOURS = timedelta(days=8)
Step = Literal["hour", "day"]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How often what happened, and what it cost."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    unsubscribed: int = 0
    complained: int = 0
    cost_micros: int = 0
    conversions: int = 0


class Numbers(Counts, frozen=True, kw_only=True):
    """What was known of a campaign."""

    value: float = 0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after so many hours: `then`, when it was kept at `then_at`, and `now`. Null before its time has come."""

    hours: int
    then_at: datetime | None
    then: Numbers | None
    now: Numbers | None


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after 1, 24 and 48 hours: of a one-off campaign since its `start`, of others since each `message`."""

    since: Literal["start", "message"]
    points: list[Known]


class Moment(Counts, frozen=True, kw_only=True):
    """What happened in one hour or day."""

    at: datetime
    failed: int = 0


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What happened when; hours or days in which nothing did are left out."""

    step: Step
    points: list[Moment]


async def read_timeline(ctx: Context, conn: Connection, campaign: Campaign, step: Step | None) -> Timeline:
    """What happened to a campaign's messages over time; by hour for a campaign of a week, by day for longer ones."""
    now = ctx.clock.now()
    if step is None:
        began = campaign.started_at or now
        step = "hour" if (campaign.finished_at or now) - began <= MOST_HOURS else "day"
    params = {"campaign_id": campaign.id, "step": step, "since": now - (LONG_AGO if step == "day" else 8 * MOST_HOURS)}
    moments: dict[datetime, dict[str, int]] = {}
    for at, kind, count, cost in await (await conn.execute(SQL.timeline, params)).fetchall():
        moment = moments.setdefault(at, {})
        moment[kind] = count
        moment["cost_micros"] = moment.get("cost_micros", 0) + cost
    return Timeline(step=step, points=[Moment(at=at, **counts) for at, counts in sorted(moments.items())])


async def read_curve(ctx: Context, conn: Connection, campaign: Campaign) -> Curve:
    """What was, and is, known after 1, 24 and 48 hours."""
    now = ctx.clock.now()
    if campaign.kind != "one_off" or campaign.started_at is None:
        found = await _since_message(conn, campaign) if campaign.started_at else {}
        points = [Known(hours=h, then_at=None, then=None, now=found.get(h)) for h in HOURS]
        return Curve(since="start" if campaign.kind == "one_off" else "message", points=points)
    kept = {
        hours: (at, msgspec.convert(numbers, Numbers, strict=False))
        for hours, at, numbers in await (await conn.execute(SQL.snapshots, {"campaign_id": campaign.id})).fetchall()
    }
    began = campaign.started_at
    come = [h for h in HOURS if began + timedelta(hours=h) <= now]
    found = await known_since_start(conn, campaign.id, {h: began + timedelta(hours=h) for h in come})
    return Curve(since="start", points=[
        Known(hours=h, then_at=kept[h][0] if h in kept else None, then=kept[h][1] if h in kept else None, now=found.get(h))
        for h in HOURS
    ])  # fmt: skip


async def known_since_start(conn: Connection, campaign_id: int, untils: dict[int, datetime]) -> dict[int, Numbers]:
    """What had happened by some instants, as the ledger has it now."""
    if not untils:
        return {}
    params = {"campaign_id": campaign_id, "hours": list(untils), "untils": list(untils.values())}
    rows = await (await conn.execute(SQL.known_since_start, params)).fetchall()
    converted = await (await conn.execute(SQL.conversions_since_start, params)).fetchall()
    return _numbers(rows, converted)


async def _since_message(conn: Connection, campaign: Campaign) -> dict[int, Numbers]:
    params = {"campaign_id": campaign.id, "hours": list(HOURS)}
    rows = await (await conn.execute(SQL.known_since_message, params)).fetchall()
    converted = await (await conn.execute(SQL.conversions_since_message, params)).fetchall()
    return _numbers(rows, converted)


def _numbers(rows: list[tuple[Any, ...]], converted: list[tuple[Any, ...]]) -> dict[int, Numbers]:
    worth = {hours: (count, float(value)) for hours, count, value in converted}
    fields = ("sent", "delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "complained", "cost_micros")
    return {
        hours: Numbers(**dict(zip(fields, counts, strict=True)), conversions=worth[hours][0], value=worth[hours][1])
        for hours, *counts in rows
    }


async def keep_snapshots(ctx: Context, held: Held) -> bool:
    """Keep what is known of campaigns whose 1st, 24th or 48th hour has passed; later where nobody was there to do it."""
    now = ctx.clock.now()
    async with ctx.db.connection() as conn:
        due = await (await conn.execute(SQL.snapshots_due, {"hours": list(HOURS), "now": now})).fetchall()
    for campaign_id, hours in due:
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            found = await known_since_start(conn, campaign_id, {hours: now})
            numbers = Jsonb(msgspec.to_builtins(found[hours]))
            await conn.execute(SQL.keep_snapshot, {"campaign_id": campaign_id, "hours": hours, "now": now, "numbers": numbers})
    return bool(due)

