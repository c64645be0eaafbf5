"""Lists of people as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator

from antiphon.execution.delivery import ledger
from antiphon.execution.delivery.ledger import Search
from antiphon.foundation.context import Context
from antiphon.foundation.sheets import lines

AT_ONCE = 2_000
COLUMNS = (
    "id", "profile_id", "customer", "address", "channel", "campaign_id", "message_class", "topic", "state", "reason",
    "sentence", "planned_at", "sent_at", "delivered_at", "bounced_at", "opened_at", "clicked_at", "unsubscribed_at",
    "complained_at",
)  # fmt: skip


async def people(ctx: Context, wanted: Search, *, named: bool) -> AsyncIterator[bytes]:
    """Everybody a search finds, a page at a time; a connection is held for each page only. ``named``: with their names."""
    yield lines([COLUMNS])
    before: int | None = None
    while True:
        async with ctx.db.connection() as conn:
            found = await ledger.search(conn, wanted, named=named, before=before, limit=AT_ONCE)
        if found:
            yield lines([[getattr(item, column) for column in COLUMNS] for item in found])
            before = found[-1].id
        if len(found) < AT_ONCE:
            return
