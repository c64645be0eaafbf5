"""What the room knows of one person: what campaigns counted of them, and when they were answered last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.awareness.profiles import canonical, every_id
from antiphon.execution.campaigns.conversions import SQL
from antiphon.execution.campaigns.keys import SQL as MESSAGES
from antiphon.execution.campaigns.listening import SQL as TRIGGERS
from antiphon.execution.delivery import forget_content
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, dict_row


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What campaigns know of a customer, for their own copy."""
    ids = await every_id(conn, await canonical(conn, profile_id) or profile_id)
    async with conn.cursor(row_factory=dict_row) as cur:
        conversions = await (await cur.execute(SQL.export_conversions, {"profile_ids": ids})).fetchall()
        answers = await (await cur.execute(TRIGGERS.export_last, {"profile_ids": ids})).fetchall()
    return {"conversions": conversions, "answered_last": answers}


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget it; that somebody did what a campaign is about stays, for its numbers."""
    ids = await every_id(conn, await canonical(conn, profile_id) or profile_id)
    texts = await (await conn.execute(MESSAGES.texts_of_one, {"profile_ids": ids})).fetchall()
    await forget_content(conn, [row[0] for row in texts])
    await conn.execute(MESSAGES.erase_texts, {"profile_ids": ids})
    await conn.execute(SQL.erase_conversions, {"profile_ids": ids})
    await conn.execute(TRIGGERS.erase_last, {"profile_ids": ids})
