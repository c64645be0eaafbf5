"""Background work on events: intake by lane, days of journal and dedupe made and dropped, and the lake's upkeep."""

from __future__ import annotations

from datetime import date, timedelta

from antiphon.awareness.events import store
from antiphon.awareness.events.corrections import LOOPS as CORRECTIONS
from antiphon.awareness.events.intake import MOST, take_in
from antiphon.awareness.events.journal import LANES
from antiphon.awareness.events.upkeep import LAKE_LOOPS
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection, LockNotAvailable
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)


async def intake(ctx: Context, held: Held) -> bool:
    """Understand what the lanes held accepted.

    While little waits, what comes in a tenth of a second is taken together: a transaction costs as much for ten calls
    as for a thousand.
    """
    return await take_in(ctx, held) >= MOST // 3


async def keep_days(ctx: Context, held: Held) -> bool:
    """Make tomorrow's partitions; drop journal days that intake is past and message ids nobody asks for any more."""
    today = ctx.clock.now().date()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        for ahead in range(2):
            for parent in ("journal", "event", "message_seen"):
                await store.ensure_day(conn, parent, today + timedelta(days=ahead))
        unread = (await store.rows(conn, "oldest_unread"))[0]["min"]
        journal_keep = min(today, unread.date() if unread is not None else today)
    await _drop_before(ctx, "journal", journal_keep)
    await _drop_before(ctx, "message_seen", today - timedelta(days=ctx.settings.dedupe_days))
    return False


async def _drop_before(ctx: Context, parent: str, day: date) -> None:
    async with ctx.db.connection() as conn:
        rows = await store.rows(conn, "day_partitions", parent=parent)
    for row in rows:
        child = str(row["relname"])
        if date.fromisoformat(row["right"]) < day:
            try:
                async with ctx.db.transaction() as conn:
                    await _drop(conn, parent, child)
            except LockNotAvailable:
                log.info("a day is in use; it is dropped later", table=child)


async def _drop(conn: Connection, parent: str, child: str) -> None:
    """Partition DDL. Waiting for the lock would make everybody wait behind us: give up soon and come again."""
    await conn.execute("set local lock_timeout = '500ms'")
    if parent == "journal":  # nobody may have appended a late row that intake has not read
        await conn.execute(f'lock table "{child}" in access exclusive mode')
        unread = await (await conn.execute(
            f'select exists (select from "{child}" j join intake_cursor c on c.lane = j.lane where j.seq > c.seq)'
        )).fetchone()  # fmt: skip
        if unread is None or unread[0]:
            return
    await conn.execute(f'drop table "{child}"')
    log.info("day dropped", table=child)


LOOPS = (
    Loop("intake", intake, interval=0.1, buckets=LANES),
    Loop("events.days", keep_days, interval=60.0, buckets=1),
    *LAKE_LOOPS,
    *CORRECTIONS,
)
