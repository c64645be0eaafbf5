"""Holding back, for rooms above, what they have handed in and is not said yet: by the keys it was handed in under, as a set.

Nothing is asked of anybody who does not use it: holding is a state of dispatches, which senders heed anyway, and calling off
is one statement over the people it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from antiphon.execution.delivery.service import SEND_LOOP
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints

SQL = load_queries(Path(__file__).with_name("withholding.sql"))
LEFT_JOURNEY = "left_journey"
"""Why something is not said any more that was meant for somebody in a journey."""


async def withhold(conn: Connection, prefix: str, state: Literal["active", "paused"]) -> int:
    """Pause, or go on with, everything handed in under keys that begin so; returns how many dispatches that changed. Honoured
    from the next claim on; what loses its meaning meanwhile expires when it goes on."""
    changed = len(await (await conn.execute(SQL.withhold, {"prefix": prefix, "state": state})).fetchall())
    if changed:
        await wake(conn, SEND_LOOP)
    return changed


async def call_off(conn: Connection, prefix: str, people: Sequence[tuple[int, int]], now: datetime) -> int:
    """What waits for these, (profile, passage) as in the suffix ``passage.turn`` of their intents, is not said any more;
    returns how many messages that were."""
    if not people:
        return 0
    params = {
        "prefix": prefix, "profiles": bigints([profile for profile, _ in people]), "runs": bigints([run for _, run in people]),
        "reason": LEFT_JOURNEY, "now": now,
    }  # fmt: skip
    row = await (await conn.execute(SQL.call_off, params)).fetchone()
    assert row is not None
    return int(row[0])
