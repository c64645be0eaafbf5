"""Lists of people as CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from antiphon.execution.delivery import ledger
from antiphon.execution.delivery.ledger import Search
from antiphon.foundation.context import Context

AT_ONCE = 2_000
COLUMNS = (
    "id", "profile_id", "customer", "address", "channel", "campaign_id", "message_class", "topic", "state", "reason",
    "sentence", "planned_at", "sent_at", "delivered_at", "bounced_at", "opened_at", "clicked_at", "unsubscribed_at",
    "complained_at",
)  # fmt: skip
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(cell: object) -> str:
    """A cell no spreadsheet takes for a formula: what could begin one is led by an apostrophe (OWASP, CSV injection)."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, int):
        return str(cell)
    text = str(cell).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text


def lines(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


async def people(ctx: Context, wanted: Search) -> AsyncIterator[bytes]:
    """Everybody a search finds, a page at a time; a connection is held for each page only."""
    yield lines([COLUMNS])
    before: int | None = None
    while True:
        async with ctx.db.connection() as conn:
            found = await ledger.search(conn, wanted, before=before, limit=AT_ONCE)
        if found:
            yield lines([[getattr(item, column) for column in COLUMNS] for item in found])
            before = found[-1].id
        if len(found) < AT_ONCE:
            return
