"""Upkeep of hot and cold events: days made ahead and dropped when safe, small files merged, old states and orphans removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from antiphon.awareness.events.lake import LAKE, SQL, move_events, read_watermark
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict, catalogue as lake_catalogue
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection, Jsonb, LockNotAvailable, renew_statistics
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)

FULL = 100_000
FLUSH_EVERY = timedelta(minutes=2)
"""Hot rows are copied when FULL of them wait, and otherwise this often: few large files, and a short hot part."""
KEEP_HOT = timedelta(days=2)
"""Days of events that stay in PostgreSQL after they were received, for fast answers about now."""
DAYS_AHEAD = 7
SMALL_FILE = 64 * 1024 * 1024
MERGE_AT = 12
"""Small files in one part of a table that make a merge worth while."""
MERGE_TIMEOUT = 1800.0
_MERGES = 40  # in one go, of 64 files each; after a large backlog the rest follows two minutes later


async def ensure_days(conn: Connection, day: date, ahead: int = DAYS_AHEAD) -> None:
    """Make the hot partitions of yesterday, this day and the days to come."""
    await conn.execute(SQL.ensure_days, {"day": day, "ahead": ahead})


async def drop_flushed_days(ctx: Context, held: Held | None = None, *, keep: timedelta = KEEP_HOT) -> list[date]:
    """Drop hot days that have been wholly in the lake for longer than any question may run. Returns those dropped."""
    oldest_kept = (ctx.clock.now() - keep).date()
    grace = timedelta(seconds=ctx.settings.lake_timeout * 2 + 60)
    async with ctx.db.connection() as conn:
        days = [(name, day) for name, day in await (await conn.execute(SQL.event_days)).fetchall() if day < oldest_kept]
    if not days:
        return []
    watermark = await read_watermark(ctx)
    dropped = []
    for name, day in days:
        try:
            async with ctx.db.transaction() as conn:
                if held is not None:
                    await held.fence(conn)
                if await _drop_day(conn, name, day, watermark, grace):
                    dropped.append(day)
        except LockNotAvailable:
            log.info("hot day is being read; it is dropped later", day=str(day))
    return dropped


async def _drop_day(conn: Connection, name: str, day: date, watermark: Mapping[int, int], grace: timedelta) -> bool:
    reached = await (await conn.execute(f'select lane, max(seq) from "{name}" group by lane')).fetchall()
    if any(seq > watermark.get(lane, 0) for lane, seq in reached):
        return False
    lanes = {str(lane): seq for lane, seq in reached}
    marked = await (await conn.execute(SQL.flushed_day, {"day": day})).fetchone()
    if marked is None or marked[0] != lanes:  # late rows begin the grace anew
        await conn.execute(SQL.mark_flushed, {"day": day, "lanes": Jsonb(lanes)})
        return False
    if marked[1] < grace:
        return False
    # Waiting for this lock would make writers of other days wait behind us: give up soon and come again.
    await conn.execute("set local lock_timeout = '200ms'")
    await conn.execute(f'lock table "{name}" in access exclusive mode')
    late = await (await conn.execute(f'select lane, max(seq) from "{name}" group by lane')).fetchall()
    if {str(lane): seq for lane, seq in late} != lanes:
        return False
    await conn.execute(f'drop table "{name}"')
    await conn.execute(SQL.forget_flushed, {"day": day})
    return True


async def compact(ctx: Context, table: str, *, files: int = MERGE_AT, rewrite: float | None = None) -> bool:
    """Merge a lake table's small files where there are many of them, sorted as the table is. Whether there were.

    `rewrite`: files of which more than this share was deleted are written anew.
    """
    crowded = await ctx.lake.run(LAKE.crowded_months, {"table": table, "small": SMALL_FILE, "files": files})
    if not crowded[0][0]:
        return False
    await ctx.lake.command(LAKE.flush_inlined, {"table": table}, timeout=MERGE_TIMEOUT)
    if rewrite is not None:
        await ctx.lake.command(LAKE.rewrite_deleted, {"table": table, "share": rewrite}, timeout=MERGE_TIMEOUT)
    await ctx.lake.command(LAKE.merge_files, {"table": table}, timeout=MERGE_TIMEOUT)
    return True


async def expire(ctx: Context, keep: float | None = None) -> None:
    """Forget states of the lake older than any question can be (``keep`` seconds), and remove their files.

    A file is removed one such period after the last state that names it was forgotten.
    """
    keep = ctx.settings.lake_timeout * 2 + 600 if keep is None else keep
    await ctx.lake.command(LAKE.expire_snapshots, {"keep": keep}, timeout=MERGE_TIMEOUT)
    await ctx.lake.command(LAKE.clean_up_files, {"keep": keep}, timeout=MERGE_TIMEOUT)


async def remove_orphans(ctx: Context, older_than: timedelta = timedelta(days=1)) -> None:
    """Remove files that no state names and that nobody can still be about to commit."""
    await ctx.lake.command(LAKE.remove_orphans, {"keep": older_than.total_seconds()}, timeout=MERGE_TIMEOUT)


_PUBLIC = ("lane", "seq", "received_at", "ts", "profile_id", "name", "kind", "source_id")
_BOUNDED = {"event": _PUBLIC, "event_by_profile": _PUBLIC, "profile": ("profile_id",)}
"""Columns whose bounds over whole tables are kept: no customer's words are in them."""


async def forget_ranges(ctx: Context) -> None:
    """Erased customers' words leave the catalogue's bounds and PostgreSQL's statistics of it.

    The lake's own copy of the bounds is read anew with its next files: what it still writes back goes the next time.
    """
    async with ctx.db.connection() as conn:
        await lake_catalogue.forget_ranges(conn, _BOUNDED)
        await renew_statistics(conn, (lake_catalogue.CATALOGUE,))


async def flush_inlined(ctx: Context) -> None:
    """Rows that came in tiny batches leave the catalogue for files, and the dead ones among them vanish.

    The counters that movers and copiers change each time would else be as many dead rows as there were moves.
    """
    for table in ("event", "event_by_profile", "profile", "watermark", "profile_turn"):
        await ctx.lake.command(LAKE.flush_inlined, {"table": table}, timeout=MERGE_TIMEOUT)
    for table in ("watermark", "profile_turn"):
        await ctx.lake.command(LAKE.rewrite_deleted, {"table": table, "share": 0.0}, timeout=MERGE_TIMEOUT)


_PERIODS = {
    "events.days": timedelta(minutes=1),
    "events.drop": timedelta(minutes=10),
    "events.compact": timedelta(minutes=2),
    "lake.flush": timedelta(hours=1),
    "lake.expire": timedelta(minutes=10),
    "lake.ranges": timedelta(hours=1),
    "lake.orphans": timedelta(days=1),
}


async def _do(ctx: Context, held: Held, task: str) -> None:
    match task:
        case "events.days":
            async with ctx.db.transaction() as conn:
                await held.fence(conn)
                await ensure_days(conn, ctx.clock.now().date())
        case "events.drop":
            await drop_flushed_days(ctx, held)
        case "events.compact":
            for table in ("event", "event_by_profile"):
                for _ in range(_MERGES):
                    if not await compact(ctx, table):
                        break
        case "lake.flush":
            await flush_inlined(ctx)
        case "lake.expire":
            await expire(ctx)
        case "lake.ranges":
            await forget_ranges(ctx)
        case "lake.orphans":
            await remove_orphans(ctx)


async def claim_task(ctx: Context, task: str, period: timedelta) -> bool:
    """Whether a periodic task of the lake is due now; it then counts as done."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.upkeep_due, {"task": task, "period": period})).fetchone()
    return row is not None


async def _pending(ctx: Context) -> int:
    async with ctx.db.connection() as conn:
        known = await read_watermark(ctx)
        params = {"lanes": list(known), "seqs": list(known.values()), "batch": FULL}
        rows = await (await conn.execute(SQL.lanes_reach, params)).fetchall()
    return sum(count for _, _, count in rows)


async def _tick(ctx: Context, held: Held) -> bool:
    waiting = await _pending(ctx)
    full = waiting >= FULL
    if full or (waiting and await claim_task(ctx, "events.flush", FLUSH_EVERY)):
        try:
            await move_events(ctx, held)
        except LakeConflict:
            return True
    for task, period in _PERIODS.items():
        if await claim_task(ctx, task, period):
            try:
                await _do(ctx, held, task)
            except LakeConflict:
                log.info("lake task met another writer; it is done later", task=task)
    return full


LAKE_LOOPS = (Loop("lake.events", _tick, interval=5.0, buckets=1),)
