"""Passages set aside: whoever was taken out by hand can be put back for a day, and what a merge ended is taken up again where
the merge is undone. Each is under way again at most once, at the step where it stood, until the instant that was told.

What they did meanwhile was not heard. Who comes back to a version from which everybody was moved since is moved as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id
from antiphon.execution.delivery import call_off
from antiphon.execution.journeys.entering import hold_entries, leave_journey
from antiphon.execution.journeys.errors import NobodyToPutBack, PutBackRefused
from antiphon.execution.journeys.live.effects import said_by
from antiphon.execution.journeys.moving import LOOP as MOVE_LOOP
from antiphon.execution.journeys.running import BUCKETS, RUN_LOOP, running
from antiphon.execution.journeys.service import find, locked
from antiphon.execution.journeys.shown import Queued
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries
from antiphon.foundation.postgres.binary import bigints
from antiphon.foundation.principal import Principal

SQL = load_queries(Path(__file__).with_name("aside.sql"))
UNDO = timedelta(days=1)
"""For so long somebody who was taken out can be put back."""
MERGED = timedelta(days=90)
"""For so long passages that a merge ended are taken up again where it is undone."""
TAKEN_OUT, PUT_BACK = "taken_out", "put_back"


async def set_aside(
    conn: Connection, passages: Sequence[tuple[int, int]], reason: Literal["taken_out", "merged"], now: datetime
) -> None:
    """Keep these, (profile, passage), as they stand; they end in the same transaction."""
    params = {
        "profiles": bigints([profile for profile, _ in passages]), "runs": bigints([run for _, run in passages]),
        "reason": reason, "now": now,
    }  # fmt: skip
    await conn.execute(SQL.forget_aside, {"taken_out": now - UNDO, "merged": now - MERGED})
    await conn.execute(SQL.set_aside, params)


async def take_out(
    ctx: Context, conn: Connection, who: Principal, journey_id: int, profile_id: int, *, queued: Queued
) -> tuple[int, datetime | None]:
    """Take a person out, wherever they stand; returns how many passages ended, and until when that can be undone. Raises
    JourneyUnknown, NoSuchProfile."""
    await find(conn, journey_id)
    real = await _real(conn, profile_id)
    now = ctx.clock.now()
    await hold_entries(conn, [real % BUCKETS])
    asked = {"profiles": [real], "journey_id": journey_id}
    passages = [(row[0], row[1]) for row in await (await conn.execute(SQL.runs_of, asked)).fetchall()]
    if passages:
        await set_aside(conn, passages, "taken_out", now)
    ended = await leave_journey(ctx, conn, np.array([real], dtype=np.int64), journey_id, TAKEN_OUT, {"by": who.name})
    said = await call_off(conn, said_by(journey_id), passages, now) if queued == "cancel" else 0
    after = {"profile": real, "ended": ended, "not_said": said}
    await audit(conn, who, action="journeys.take_out", subject=f"journey:{journey_id}", before=None, after=after)
    point("taken out")
    return ended, now + UNDO if ended else None


async def put_back(ctx: Context, conn: Connection, who: Principal, journey_id: int, profile_id: int) -> int:
    """Put a person back where they stood who was taken out; returns how many passages are under way again. Raises JourneyUnknown,
    JourneyStateConflict, NoSuchProfile, NobodyToPutBack, and PutBackRefused where they have come in again, or are elsewhere."""
    await locked(conn, journey_id, "put people back")
    real = await _real(conn, profile_id)
    now = ctx.clock.now()
    await hold_entries(conn, [real % BUCKETS])
    if await (await conn.execute(SQL.there, {"profile_id": real})).fetchone() is None:
        raise NoSuchProfile(id=profile_id)
    theirs = await every_id(conn, real)
    asked = {"profiles": theirs, "journey_id": journey_id, "since": now - UNDO}
    rows = await (await conn.execute(SQL.aside_of, asked)).fetchall()
    if not rows:
        raise NobodyToPutBack
    await _require_room(ctx, conn, journey_id, real, len(rows))
    back = await set_back(conn, [row[0] for row in rows], theirs, real, PUT_BACK, {"by": who.name}, now)
    since = {"journey_id": journey_id, "since": min(row[1] for row in rows)}
    again = await (await conn.execute(SQL.open_last_move, since)).fetchone()
    after = {"profile": real, "passages": back}
    await audit(conn, who, action="journeys.put_back", subject=f"journey:{journey_id}", before=None, after=after)
    await wake(conn, RUN_LOOP, *([MOVE_LOOP] if again is not None else []))
    point("put back")
    return back


async def set_back(
    conn: Connection, runs: Sequence[int], profiles: Sequence[int], into: int, did: str, facts: dict[str, Any], now: datetime
) -> int:
    """Passages of some people that were set aside are under way again, as ``into``'s; returns how many."""
    params = {"runs": bigints(runs), "profiles": list(profiles), "into": into, "did": did, "facts": Jsonb(facts), "now": now}
    return len(await (await conn.execute(SQL.set_back, params)).fetchall())


async def undoable_until(conn: Connection, journey_id: int, profiles: Sequence[int], now: datetime) -> dict[int, datetime]:
    """Until when passages of theirs can be put back, by passage."""
    asked = {"profiles": list(profiles), "journey_id": journey_id, "since": now - UNDO}
    return {run: at + UNDO for run, at in await (await conn.execute(SQL.aside_of, asked)).fetchall()}


async def _require_room(ctx: Context, conn: Connection, journey_id: int, profile_id: int, coming: int) -> None:
    """Rules that hold for who is inside hold for who comes back. Raises PutBackRefused."""
    every = await running(ctx, conn)
    mine = [one for one in every if one.plan.journey_id == journey_id]
    asked = {"profiles": [profile_id], "journey_id": journey_id}
    inside = len(await (await conn.execute(SQL.runs_of, asked)).fetchall())
    rules = [one.definition for one in mine if one.enters] or [one.definition for one in mine]
    if any(inside + coming > max(rule.again.at_once, coming) for rule in rules):
        raise PutBackRefused(why="they have come in again meanwhile")
    sets = {rule.exclusive for rule in rules if rule.exclusive}
    rivals = [one.plan.version_id for one in every if one.definition.exclusive in sets and one.plan.journey_id != journey_id]
    if rivals:
        row = await (await conn.execute(SQL.rivals_of, {"profile_id": profile_id, "versions": rivals})).fetchone()
        if row is not None and row[0]:
            raise PutBackRefused(why="they are in another journey of which one is taken at a time")


async def _real(conn: Connection, profile_id: int) -> int:
    real = await canonical(conn, profile_id)
    if real is None:
        raise NoSuchProfile(id=profile_id)
    return real
