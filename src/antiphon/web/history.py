"""The overview's past: the rooms' numbers each quarter of a minute, kept for a day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.foundation.context import Context
from antiphon.foundation.http import get
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Jsonb, load_queries
from antiphon.foundation.principal import Principal
from antiphon.foundation.rooms import House
from antiphon.web.live import LiveFeed, Overview, read_all, visible

SQL = load_queries(Path(__file__).with_name("queries.sql"))
PERIOD = 15.0  # seconds between two points
MOST = 240  # points of one answer


class OverviewPast(msgspec.Struct, frozen=True, kw_only=True):
    """The overview as it was, oldest first; `at` is the machine's time."""

    points: list[Overview]


async def note_overview(ctx: Context, held: Held) -> bool:
    """Keep one point, and drop what is older than a day."""
    if not held.buckets:
        return False
    numbers = await read_all(ctx, ctx.get(House).rooms)
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await conn.execute(SQL.note_overview, {"numbers": Jsonb(numbers)})
    return False


@get("/v1/overview/history", permission="live:read")
async def overview_history(
    ctx: Context,
    who: Principal,
    minutes: Annotated[int, Parameter(ge=1, le=1440, description="How far back")] = 60,
) -> OverviewPast:
    """The rooms' overview numbers over the last minutes: at most 240 points."""
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(SQL.read_overview, {"minutes": minutes, "most": MOST})).fetchall()
    rooms = ctx.get(LiveFeed).rooms
    return OverviewPast(points=[visible(_point(at, numbers), who, rooms) for at, numbers in rows])


def _point(at: datetime, numbers: dict[str, dict[str, float]]) -> Overview:
    return Overview(at=at, numbers=numbers)


LOOPS = (Loop("web.overview", note_overview, interval=PERIOD, buckets=1),)
