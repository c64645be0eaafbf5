"""Background work: sweeping out sessions and attempts that have expired."""

from __future__ import annotations

from antiphon.foundation.access import store
from antiphon.foundation.access.signin import idle_term
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop


async def sweep(ctx: Context, held: Held) -> bool:
    """Delete expired sessions and old attempts."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await store.sweep(conn, idle_term(ctx))
    return False


LOOPS = (Loop("access.sweep", sweep, interval=3600.0, buckets=1),)
