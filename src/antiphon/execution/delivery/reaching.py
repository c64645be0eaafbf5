"""Whom a message could be said to, and what time it is where they are: by the gate's own rules, asked beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.consent import ChannelRegistry, digest_key
from antiphon.execution.delivery.gate.judge import BLOCKED
from antiphon.execution.delivery.gate.look import look
from antiphon.execution.delivery.model import Dispatch, NewDispatch
from antiphon.execution.delivery.rules.store import current_rules
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, load_queries
from antiphon.foundation.postgres.binary import bigints

SQL = load_queries(Path(__file__).with_name("reaching.sql"))
REACHED, GRANTED = 3, 1


async def reachable(ctx: Context, conn: Connection, new: NewDispatch, profile_ids: Sequence[int]) -> NDArray[np.bool_]:
    """Who has an address on the dispatch's channel that is not suppressed, and allows such a message there; neither caps nor
    quiet hours are asked, which pass. Raises ChannelUnknown."""
    now = ctx.clock.now()
    probe = _probe(new, now)
    facts = await look(
        conn, probe, profile_ids, (), identity=ctx.get(ChannelRegistry)[new.channel].identity, digest_key=digest_key(ctx),
        now=now, zoned=False, aspects=("paused_until",) if probe.rules.needs_consent else (),
    )  # fmt: skip
    found: NDArray[np.bool_] = facts.reach == REACHED
    for code, name in enumerate(BLOCKED[1:], 1):
        if name.removeprefix("suppressed_") in probe.rules.obeys:
            found &= facts.blocked != code
    if probe.rules.needs_consent:
        found &= facts.consent == GRANTED
        for place, until in facts.paused.items():
            found[place] &= datetime.fromisoformat(until) <= now
    return found


async def clocks(conn: Connection, profile_ids: Sequence[int]) -> tuple[list[str | None], list[str | None], str]:
    """(the time zone each named with their quiet hours, that of their trait, the installation's)."""
    row = await (await conn.execute(SQL.clocks, {"profile_ids": bigints(profile_ids)}, binary=True)).fetchone()
    assert row is not None
    return row[0] or [], row[1] or [], (await current_rules(conn)).zone.key


def _probe(new: NewDispatch, now: datetime) -> Dispatch:
    """A dispatch that is stored nowhere."""
    return Dispatch(
        id=0, key=new.key, channel=new.channel, message_class=new.message_class, topic=new.topic, account_id=new.account_id,
        template_version_id=None, content=None, campaign_id=None, occurrence="", track_opens=False, track_clicks=False,
        state="active", created_at=now,
    )  # fmt: skip
