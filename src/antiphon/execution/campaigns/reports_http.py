"""Routes of what became of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import Parameter

from antiphon.awareness.profiles import names_shown
from antiphon.execution.campaigns import conversions, curve, report, service
from antiphon.execution.campaigns.conversions import Conversion, Conversions, How
from antiphon.execution.campaigns.curve import Curve, Step, Timeline
from antiphon.execution.campaigns.report import Report
from antiphon.foundation.context import Context
from antiphon.foundation.http import Cursor, InvalidCursor, Limit, Page, decode_cursor, encode_cursor, get
from antiphon.foundation.postgres.binary import from_micros, micros
from antiphon.foundation.principal import Principal

EARLIEST, LATEST = 0, 250_000_000_000_000_000
"""Microseconds of the instants a place may name."""
Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@get("/v1/campaigns/{campaign_id:int}/report", permission="campaigns:read")
async def read_report(ctx: Context, campaign_id: Id) -> Report:
    """What became of its audience, in all and by channel. The people behind each number are `GET /v1/deliveries` with the same
    filter. A large campaign's numbers may be minutes old: `as_of`."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign_id)
        return await report.kept_or(
            ctx, conn, campaign_id, "report", Report, lambda: report.read_report(ctx, conn, found)
        )


@get("/v1/campaigns/{campaign_id:int}/report/timeline", permission="campaigns:read")
async def read_timeline(ctx: Context, campaign_id: Id, step: Step | None = None) -> Timeline:
    """What happened when, by hour or day: messages, reactions, conversions and what they cost."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign_id)
        return await report.kept_or(
            ctx, conn, campaign_id, f"timeline {step}", Timeline, lambda: curve.read_timeline(ctx, conn, found, step)
        )


@get("/v1/campaigns/{campaign_id:int}/report/curve", permission="campaigns:read")
async def read_curve(ctx: Context, campaign_id: Id) -> Curve:
    """What is known after 1, 24 and 48 hours: as it was known then, and as it is known now."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign_id)
        return await report.kept_or(ctx, conn, campaign_id, "curve", Curve, lambda: curve.read_curve(ctx, conn, found))


@get("/v1/campaigns/{campaign_id:int}/conversions", permission="campaigns:read")
async def read_conversions(ctx: Context, campaign_id: Id) -> Conversions:
    """Its goal's conversions by how they came about (code, click, message), and the lift over those held out."""
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign_id)
        return await report.kept_or(
            ctx, conn, campaign_id, "conversions", Conversions, lambda: conversions.read_conversions(conn, found)
        )


@get("/v1/campaigns/{campaign_id:int}/conversions/people", permission="campaigns:read")
async def list_conversions(
    ctx: Context, who: Principal, campaign_id: Id, how: How | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[Conversion]:
    """The conversions themselves, newest first."""
    after = decode_cursor(cursor, int, int, int)
    before = _place(after) if after else None
    async with ctx.db.connection() as conn:
        await service.find(conn, campaign_id)
        rows = await conversions.list_conversions(
            conn, campaign_id, how=how, named=await names_shown(conn, who), limit=limit + 1,
            before=before,
        )  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items=rows[:limit], next=encode_cursor(micros(last.ts), last.lane, last.seq) if last else None)


def _place(parts: tuple[int | str | float | None, ...]) -> tuple[datetime, int, int]:
    ts, lane, seq = (int(part or 0) for part in parts)
    if not (EARLIEST <= ts <= LATEST and 0 <= lane < 2**15):
        raise InvalidCursor(field="cursor")
    return from_micros(ts), lane, seq


ROUTES = [read_report, read_timeline, read_curve, read_conversions, list_conversions]
