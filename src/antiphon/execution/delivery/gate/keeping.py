"""Keeping contacts: they follow their person through merges, are forgotten with them, and when no cap looks back so far."""

from __future__ import annotations

from datetime import timedelta

from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.execution.delivery.gate.look import SQL
from antiphon.execution.delivery.rules.model import OWN_FREQUENCY
from antiphon.execution.delivery.rules.store import list_caps
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints

PRUNED_AT_ONCE = 20_000
REST = timedelta(hours=20)  # between the end of one round of pruning and the next
SPARE = timedelta(days=2)


async def fold_contacts(ctx: Context, conn: Connection, merged: ProfilesMerged) -> None:
    """What two were written is what the one they are now was written."""
    await conn.execute(SQL.fold_contacts, {"gone": bigints(merged.gone), "into": bigints(merged.into)})


async def part_contacts(ctx: Context, conn: Connection, undone: MergeUndone) -> None:
    """Each has their own again."""
    await conn.execute(SQL.part_contacts, {"survivor": undone.survivor, "revived": undone.revived})


async def prune(ctx: Context, held: Held) -> bool:
    """Forget what no cap looks back to: one part of the people a tick, then a rest."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        row = await (await conn.execute(SQL.pruning)).fetchone()
        assert row is not None
        after, done_at = row
        if after == 0 and done_at is not None and now - done_at < REST:
            return False
        longest = max([timedelta(seconds=cap.seconds) for cap in await list_caps(conn)] + list(OWN_FREQUENCY.values()))
        params = {"after": after, "most": PRUNED_AT_ONCE, "before": now - longest - SPARE, "now": now}
        found = await (await conn.execute(SQL.prune_contacts, params)).fetchone()
    return found is not None and found[0] is not None


LOOP = Loop("delivery.contacts", prune, interval=60.0, buckets=1)
LISTENERS = (
    Listener("delivery.fold_contacts", ProfilesMerged, fold_contacts),
    Listener("delivery.part_contacts", MergeUndone, part_contacts),
)
