"""The dialogue's memory: what customers said last on each channel, kept beside the ledger of what was said to them.

Fed by delivery's notice `Replied`; journeys' conditions and texts read it by `World.remembers`, whatever channel anybody used.
Words
stay with the profile they were said as; who asks reads those of everybody a person was, so a merge that is undone parts them
again.
"""

from __future__ import annotations

from pathlib import Path

from antiphon.awareness.profiles import hold_from_erasure
from antiphon.execution.delivery import Replied
from antiphon.execution.journeys.live.facts import MOST_TEXT
from antiphon.foundation.context import Context
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("memory.sql"))


async def remember(ctx: Context, conn: Connection, replied: Replied) -> None:
    """A customer wrote to us: the latest word on the channel stands. What strangers write is nobody's."""
    person = replied.profile_id
    if person is None or person <= 0 or not await hold_from_erasure(conn, [person]):
        return
    await conn.execute(SQL.remember, {
        "profile_id": person, "channel": replied.channel, "at": replied.at, "text": replied.text.replace("\0", "")[:MOST_TEXT],
        "delivery_id": replied.delivery_id,
    })  # fmt: skip


LISTENERS = (Listener("journeys.remember", Replied, remember),)
