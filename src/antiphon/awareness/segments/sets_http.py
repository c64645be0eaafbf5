"""Routes of sets: combinations of segments, how they overlap, and how one grew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.awareness.segments import growth, reads, sets
from antiphon.awareness.segments.reads import SegmentGrowth, SegmentSizes, Step
from antiphon.awareness.segments.sets import Combined, Overlap, SegmentId, SetOf
from antiphon.awareness.segments.shown import Name, PathId, SegmentItem, Text, item
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Page, get, post
from antiphon.foundation.principal import Principal


class CombineBody(Body, frozen=True, kw_only=True):
    """A combination of segments."""

    expression: SetOf
    sample: Annotated[int, msgspec.Meta(ge=0, le=50)] = 10


class SaveCombinationBody(Body, frozen=True, kw_only=True):
    """A combination of segments to keep: as a `rule` that follows them, or as a `static` list of those in it now."""

    expression: SetOf
    name: Name
    description: Text = ""
    kind: Literal["rule", "static"] = "rule"


class OverlapBody(Body, frozen=True, kw_only=True):
    """Segments to lay over each other."""

    ids: Annotated[list[SegmentId], msgspec.Meta(min_length=1, max_length=sets.MOST)]


@post("/v1/segments/combine", permission="segments:read", status=200, problems=(404,))
async def combine_segments(ctx: Context, who: Principal, data: CombineBody) -> Combined:
    """How many are in a union, intersection or difference of segments as of their last refreshes, and some of them."""
    return await sets.combine(ctx, who, data.expression, sample=data.sample)


@post("/v1/segments/combine/save", permission="segments:write", problems=(404, 409))
async def save_combination(ctx: Context, who: Principal, data: SaveCombinationBody) -> SegmentItem:
    """Make a segment of a combination."""
    row = await sets.save(ctx, who, data.expression, name=data.name.strip(), description=data.description, kind=data.kind)
    return item(row, ctx.clock.now())


@post("/v1/segments/overlap", permission="segments:read", status=200, problems=(404,))
async def read_overlap(ctx: Context, data: OverlapBody) -> Overlap:
    """How segments overlap, pair by pair, as of their last refreshes; for up to three, every region as well."""
    return await sets.overlap(ctx, data.ids)


@get("/v1/segments/{segment_id:int}/growth", permission="segments:read", problems=(404,))
async def read_growth(
    ctx: Context,
    segment_id: PathId,
    step: Step = "day",
    timezone: Annotated[str, Parameter(max_length=60, description="Days begin at midnight there")] = "UTC",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[SegmentGrowth]:
    """How the segment grew, oldest first: its size at the end of each stretch, and who came and went in it."""
    points = await growth.growth(ctx, segment_id, step=step, zone=timezone, since=_aware(since), until=_aware(until))
    return Page(items=points, total=len(points))


@get("/v1/segments/sizes", permission="segments:read")
async def read_sizes(
    ctx: Context,
    ids: Annotated[list[SegmentId], QueryParameter(min_items=1, max_items=100, description="Of these segments")],
    days: Annotated[int, Parameter(ge=2, le=90)] = 30,
) -> list[SegmentSizes]:
    """How large segments were at the end of each of the last days, for small pictures of many; those there are not are null."""
    now = ctx.clock.now()
    async with ctx.db.connection() as conn:
        return await reads.sizes(conn, sorted(set(ids)), [now - timedelta(days=days - 1 - n) for n in range(days)])


def _aware(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


ROUTES = (combine_segments, save_combination, read_overlap, read_growth, read_sizes)
