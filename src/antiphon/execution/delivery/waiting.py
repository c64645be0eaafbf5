"""News that came too early: tried again as soon as its row may be there; and what is kept to match news is forgotten in time."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import timedelta

from antiphon.awareness.events import Journal
from antiphon.execution.delivery.doorway import count_refusals
from antiphon.execution.delivery.engagement import SQL as LOG
from antiphon.execution.delivery.hearing import WAITING_LOOP, take_in
from antiphon.execution.delivery.matching import SQL, take_waiting
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
AT_ONCE = 1_000
FORGET_AT_ONCE = 20_000
NO_MORE_NEWS = timedelta(days=30)


async def hear_waiting(ctx: Context, held: Held) -> bool:
    """One tick: what has its row by now is heard as if it came now; what never gets one is counted and let go."""
    async with ctx.get(Journal).transaction() as journal:
        await held.fence(journal.conn)
        news, done = await take_waiting(journal.conn, AT_ONCE), 0
        if news:
            fates = await take_in(ctx, journal, news)
            done = len(fates) - fates.count("waiting")
            log.info("heard what had come early", count=done)
        now = ctx.clock.now()
        expired = await (await journal.conn.execute(SQL.expire_waiting, {"now": now, "most": AT_ONCE})).fetchall()
        if expired:
            tally = Tally((account_id, "unknown_message") for (account_id,) in expired)
            await count_refusals(journal.conn, tally, {}, now)
    return len(expired) == AT_ONCE or (len(news) == AT_ONCE and done > 0)


async def forget_old(ctx: Context, held: Held) -> bool:
    """One tick: providers' ids and digests of news nobody tells any more, and opens and clicks that are kept no longer."""
    more = False
    engaged = timedelta(days=ctx.settings.engagement_days)
    for query, kept in (
        (SQL.prune_provider_messages, NO_MORE_NEWS), (SQL.prune_heard, NO_MORE_NEWS), (LOG.prune_engagement, engaged),
    ):  # fmt: skip
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            done = await conn.execute(query, {"before": ctx.clock.now() - kept, "most": FORGET_AT_ONCE})
            more = more or done.rowcount == FORGET_AT_ONCE
    return more


WAITING = Loop(WAITING_LOOP, hear_waiting, interval=0.3, buckets=1)  # the last early ones wait no longer than this
FORGETTING = Loop("delivery.forgetting", forget_old, interval=60.0, buckets=1)
