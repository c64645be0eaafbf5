"""How a segment grew: its size and who came and went, stretch by stretch, without gaps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from antiphon.awareness.segments import reads, store
from antiphon.awareness.segments.reads import SegmentGrowth, Step
from antiphon.foundation.context import Context
from antiphon.foundation.errors import Invalid
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

MOST = 2000
"""Stretches in one answer."""
KEPT_BY_MINUTE = timedelta(days=3)

_STEPS: dict[Step, timedelta] = {
    "minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}  # fmt: skip


class UnknownTimeZone(Invalid):
    """There is no time zone of that name; they are called like Europe/London."""

    code = "unknown-time-zone"


async def growth(
    ctx: Context, segment_id: int, *, step: Step, zone: str, since: datetime | None, until: datetime | None
) -> list[SegmentGrowth]:
    """The series, oldest first, with a point for every stretch from its first change (or ``since``) until now (or ``until``).

    Minutes older than three days are told as hours. Raises SegmentNotFound, UnknownTimeZone.
    """
    if zone not in available_timezones() or zone == "localtime":
        raise UnknownTimeZone(field="timezone")
    end = min(ctx.clock.now(), until) if until else ctx.clock.now()
    earliest = end - _STEPS[step] * MOST
    since = max(since, earliest) if since else None
    async with ctx.db.connection() as conn:
        await store.find_segment(conn, segment_id)
        found = await reads.growth(conn, segment_id, step=step, zone=zone, since=since or earliest, until=until, limit=MOST)
        found.reverse()
        first = _floor(since, step, ZoneInfo(zone)) if since else found[0].at if found else None
        if first is None:
            return []
        size = await reads.size_before(conn, segment_id, first)
    return _without_gaps(found, first, end, size, step, ZoneInfo(zone))


def _without_gaps(
    found: list[SegmentGrowth], first: datetime, end: datetime, size: int, step: Step, zone: ZoneInfo
) -> list[SegmentGrowth]:
    by_instant = {one.at.astimezone(UTC): one for one in found}
    version = found[0].version if found else 1
    series: list[SegmentGrowth] = []
    at = first
    while at <= end and len(series) < MOST:
        point = by_instant.get(at.astimezone(UTC))
        if point is None:
            point = SegmentGrowth(at=at, version=version, size=size, entered=0, gone=0)
        size, version = point.size, point.version
        series.append(msgspec.structs.replace(point, at=at.astimezone(UTC)))
        at = _next(at, step, zone)
    return series


def _floor(at: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The beginning of the stretch an instant is in."""
    if step in ("minute", "hour"):
        seconds = int(_STEPS[step].total_seconds())
        shift = int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds()) if step == "hour" else 0
        stamp = int(at.timestamp()) + shift
        return datetime.fromtimestamp(stamp - stamp % seconds - shift, UTC)
    day = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if step == "week":
        day = (day.replace(tzinfo=None) - timedelta(days=day.weekday())).replace(tzinfo=zone)
    elif step == "month":
        day = day.replace(day=1)
    return day.astimezone(UTC)


def _next(at: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The beginning of the next stretch: days, weeks and months begin at midnight there."""
    if step in ("minute", "hour"):
        return at + _STEPS[step]
    here = at.astimezone(zone).replace(tzinfo=None)
    if step == "month":
        here = (here.replace(day=1) + timedelta(days=32)).replace(day=1)
    else:
        here += _STEPS[step]
    return here.replace(tzinfo=zone).astimezone(UTC)


async def keep_by_hour(ctx: Context, held: Held) -> bool:
    """Put the minutes of old growth together to hours."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await reads.fold_growth(conn, ctx.clock.now() - KEPT_BY_MINUTE)
    return False


LOOPS = (Loop("segments.keep_growth", keep_by_hour, interval=600.0, buckets=1),)
