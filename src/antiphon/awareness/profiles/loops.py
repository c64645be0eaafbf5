"""Background work on profiles: the words by which they are found."""

from __future__ import annotations

from antiphon.awareness.profiles import store
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop

MOST = 2_000
"""Profiles a tick; at one tick a second an import of a million is searchable by every word in ten minutes."""


async def index_words(ctx: Context, held: Held) -> bool:
    """Bring the words of some changed profiles up to date. Deliberately slow: search by identity never waits for it."""
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        ids = [row["profile_id"] for row in await store.rows(conn, "take_unindexed", limit=MOST)]
        if not ids:
            ids = [
                one
                for span in await store.rows(conn, "take_newcomers", limit=MOST)
                for one in range(span["first_id"], span["last_id"] + 1)
            ]
        if ids:
            await store.run(conn, "index_words", ids=ids)
            await store.run(conn, "unindex_words", ids=ids)
    return False


LOOPS = (Loop("profiles.words", index_words, interval=1.0, buckets=1),)
