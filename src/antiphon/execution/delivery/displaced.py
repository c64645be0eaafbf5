"""What gave way to something more urgent, and is said after all when there is room again, once.

Room there is when what displaced it was not said (cancelled, refused, failed), or when the stretch a cap looks at has moved
on. Both are the same question, which the gate answers: would it pass now? It is asked again and again until the message means
nothing any more. A message that gave way twice is not asked about again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from antiphon.execution.delivery.gate.again import count_now
from antiphon.execution.delivery.gate.deciding import see
from antiphon.execution.delivery.model import Dispatch, Intents
from antiphon.execution.delivery.rules import urgency
from antiphon.execution.delivery.service import SEND_LOOP
from antiphon.execution.delivery.store import find_dispatches
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
SQL = load_queries(Path(__file__).with_name("displaced.sql"))
AT_ONCE = 5_000


async def look_for_room(ctx: Context, held: Held) -> bool:
    """One tick: those whose time it is are asked about; says whether more wait."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        if (await (await conn.execute(SQL.any_waits)).fetchone()) != (True,):
            return False
        await conn.execute(SQL.forget, {"now": now})
        rows = await (await conn.execute(SQL.due, {"now": now, "most": AT_ONCE})).fetchall()
        of: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for dispatch_id, delivery_id, person_id in rows:
            of[dispatch_id].append((delivery_id, person_id))
        again = 0
        for dispatch in sorted(await find_dispatches(conn, sorted(of)), key=lambda one: (urgency(one), one.id)):
            if dispatch.state == "active":
                again += await _give_back(ctx, conn, dispatch, of[dispatch.id], now)
        if again:
            await wake(conn, SEND_LOOP)
    if again:
        log.info("room for what was displaced", count=again)
    return len(rows) == AT_ONCE


async def _give_back(
    ctx: Context, conn: Connection, dispatch: Dispatch, waiting: Sequence[tuple[int, int]], now: datetime
) -> int:
    """Queue those of one dispatch that would pass now, beside all that others have planned; how many. Nobody gives way."""
    seen = await see(ctx, conn, dispatch, Intents(profile_ids=[person for _, person in waiting], due_at=now))
    if seen.crowded:
        if len(waiting) == 1:
            return 0
        half = len(waiting) // 2
        return sum([await _give_back(ctx, conn, dispatch, part, now) for part in (waiting[:half], waiting[half:])])
    judged = seen.judged
    ids = [one for place, (one, _) in enumerate(waiting) if judged.may(place) and not judged.moved[place]]
    if not ids:
        return 0
    said = await (await conn.execute(SQL.give_back, {"ids": bigints(ids), "now": now})).fetchall()
    if said:
        await count_now(ctx, conn, dispatch, [(delivery, person) for delivery, person in said])
    return len(said)


RETURNING = Loop("delivery.displaced", look_for_room, interval=10.0, buckets=1)
