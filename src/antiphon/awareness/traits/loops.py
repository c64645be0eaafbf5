"""The copier of changed profiles, and the upkeep of the mirror's files."""

from __future__ import annotations

from datetime import timedelta

from antiphon.awareness.events import claim_task, compact
from antiphon.awareness.traits import store
from antiphon.awareness.traits.mirror import BATCH, mirror_profiles
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeConflict
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

MIRROR = "traits.mirror"
_COMPACT_EVERY = timedelta(seconds=30)
_MUCH_DELETED = 0.2
KEEP_CHANGES = timedelta(days=1)
"""How long it is remembered whose row of the mirror changed."""
_FORGET_EVERY = timedelta(hours=1)


async def _tick(ctx: Context, held: Held) -> bool:
    async with ctx.db.connection() as conn:
        if not await store.any_dirty(conn):
            return False
        if await claim_task(ctx, "traits.changes", _FORGET_EVERY):
            await store.forget_mirrored(conn, KEEP_CHANGES)
    try:
        count = await mirror_profiles(ctx, held)
        if await claim_task(ctx, "traits.compact", _COMPACT_EVERY):
            await compact(ctx, "profile", rewrite=_MUCH_DELETED)
    except LakeConflict:
        return True
    return count == BATCH


LOOPS = (Loop(MIRROR, _tick, interval=1.0, buckets=1),)
