"""Events that journeys raise become events: off their table and into the journal, in one transaction of the journal's."""

from __future__ import annotations

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.execution.journeys.asking import SQL
from antiphon.execution.journeys.live.effects import RAISE_LOOP
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

BUCKETS = 64
MOST = 5_000


async def raise_events(ctx: Context, held: Held) -> bool:
    """One tick: what was raised is appended; once, since it leaves its table in the same transaction."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.any_raised, {"buckets": held.buckets})).fetchone()
    if row is None:
        return False
    async with ctx.get(Journal).transaction() as journal:
        await held.fence(journal.conn)
        params = {"buckets": held.buckets, "most": MOST}
        rows = await (await journal.conn.execute(SQL.take_raised, params, binary=True)).fetchall()
        await journal.append([(INTERNAL, None, payload) for _, payload in sorted(rows)])
        point("raised")
    return len(rows) == MOST


LOOPS = (Loop(RAISE_LOOP, raise_events, interval=1.0, buckets=BUCKETS),)
