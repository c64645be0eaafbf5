"""The copier of changed profiles, and the upkeep of the mirror's files."""

from __future__ import annotations

from datetime import timedelta

from antiphon.awareness.events import claim_task, compact
from antiphon.awareness.profiles import hand_over_late
from antiphon.awareness.traits import store
from antiphon.awareness.traits.mirror import BATCH, mirror_profiles
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

MIRROR = "traits.mirror"
_COMPACT_EVERY = timedelta(seconds=30)
_COMPACT_IDLE = timedelta(minutes=5)  # imports write the mirror past this loop
_MUCH_DELETED = 0.2
KEEP_CHANGES = timedelta(days=1)
"""How long it is remembered whose row of the mirror changed."""
_FORGET_EVERY = timedelta(hours=1)


async def _tick(ctx: Context, held: Held) -> bool:
    async with ctx.db.connection() as conn:
        late = await hand_over_late(conn)
        dirty = await store.any_dirty(conn)
        if await claim_task(ctx, "traits.changes", _FORGET_EVERY):
            await store.forget_mirrored(conn, KEEP_CHANGES)
    try:
        count = await mirror_profiles(ctx, held) if dirty else 0
        if await claim_task(ctx, "traits.compact", _COMPACT_EVERY if dirty else _COMPACT_IDLE):
            await compact(ctx, "profile", rewrite=_MUCH_DELETED)
    except LakeConflict:
        return True
    return count == BATCH or late > 0


LOOPS = (Loop(MIRROR, _tick, interval=1.0, buckets=1),)
