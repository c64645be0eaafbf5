"""The live engine's tick: what people did is heard, and who is due goes on, in sets, each chunk in one transaction.

A transaction first proves the lease of its buckets, takes people's rows, has the engine move them in the live world, which
writes what steps do, and writes where they stand, their history and the numbers. Before its commit nothing has happened, after
it everything. A journey that fails is paused with the reason, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import numpy as np

from antiphon.execution.journeys.entering import hold_entries
from antiphon.execution.journeys.listening import Row, in_rounds, keep_for, listen, rows_of, wake_up
from antiphon.execution.journeys.live import Live
from antiphon.execution.journeys.passages import take_due
from antiphon.execution.journeys.running import BUCKETS, RUN_LOOP, SQL, Running, hold, plans, running
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.loops import Loop
from antiphon.foundation.postgres import Connection, DatabaseUnavailable, PostgresError
from antiphon.foundation.postgres.binary import bigints, micros
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
CHUNK = 20_000
"""People of one version in one transaction."""
MOST_HEARD = 5_000
MOST_OF_BUCKET = 200
SLOTS = 16
_ITS_OWN = ("22", "42")
"""Classes of SQLSTATE that tell of a value or a statement, not of the database."""
world_of = Live
"""The world of a chunk; tests put another in its place."""


class _Failed(Exception):
    """One journey cannot go on."""

    def __init__(self, version: Running, why: Exception) -> None:
        super().__init__(str(why))
        self.version = version
        self.why = why


class _Later(_Failed):
    """One journey cannot go on now; it is tried again."""


@contextmanager
def _one_of(version: Running) -> Iterator[None]:
    """What fails inside is one journey's, unless the database or the lease is at fault."""
    try:
        yield
    except (LeaseLost, DatabaseUnavailable):
        raise
    except PostgresError as why:
        if (why.sqlstate or "")[:2] in _ITS_OWN:
            raise _Failed(version, why) from why
        raise
    except AntiphonError as why:  # the lake is away for a moment: nobody's journey is at fault
        raise (_Failed if why.permanent else _Later)(version, why) from why
    except Exception as why:
        raise _Failed(version, why) from why


@contextmanager
def _later() -> Iterator[None]:
    """What cannot be done now is left for the next tick."""
    try:
        yield
    except _Later as failed:
        log.warning("a journey waits", journey=failed.version.plan.journey_id, error=str(failed.why))


async def run_journeys(ctx: Context, held: Held) -> bool:
    """One tick: hear what was put down for our buckets, move on who is due."""
    async with ctx.db.connection() as conn:
        versions = await running(ctx, conn)
        broken = plans(ctx).broken
        if not versions and not broken and (await (await conn.execute(SQL.something_heard)).fetchone()) is None:
            return False
    for version_id, (journey_id, why) in broken.items():
        log.error("a journey's version cannot run here", journey=journey_id, version=version_id, error=repr(why))
        await _hold(ctx, held, journey_id, why)
    more = False
    try:
        with _later():
            more = await _hear(ctx, held, versions)
        for version in await _due(ctx, held, versions):
            if held.leaving():
                return False
            with _later():
                more = await _move(ctx, held, version) or more
    except _Failed as failed:
        log.error("a journey cannot go on", journey=failed.version.plan.journey_id, exc_info=failed.why)
        await _hold(ctx, held, failed.version.plan.journey_id, failed.why)
        return True
    finished = sorted({one.plan.journey_id for one in versions if one.state == "finished"})
    if finished:
        async with ctx.db.connection() as conn:
            await conn.execute(SQL.emptied, {"journey_ids": finished, "now": ctx.clock.now()})
    return more


async def _hold(ctx: Context, held: Held, journey_id: int, why: Exception) -> None:
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await hold(conn, journey_id, why)


async def _due(ctx: Context, held: Held, versions: Sequence[Running]) -> list[Running]:
    """The versions in which somebody is due."""
    moving = {one.plan.version_id: one for one in versions if one.state != "paused"}
    if not moving:
        return []
    params = {"versions": list(moving), "buckets": held.buckets, "now": ctx.clock.now()}
    async with ctx.db.connection() as conn:
        return [moving[row[0]] for row in await (await conn.execute(SQL.due_versions, params)).fetchall()]


async def _move(ctx: Context, held: Held, version: Running) -> bool:
    """A chunk of a version's people who are due; whether there may be more."""
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        if version.lets_in:
            await hold_entries(conn, held.buckets)
        passages = await take_due(conn, version.plan, held.buckets, now, CHUNK)
        if not len(passages):
            return False
        point("advancing")
        with _one_of(version):
            await wake_up(passages, np.arange(len(passages)), world_of(ctx, conn, version.plan, now), micros(now))
            point("advanced")
            await passages.write(conn, now, _slot(held))
        point("moved")
    return True


async def _hear(ctx: Context, held: Held, versions: Sequence[Running]) -> bool:
    """Hear some of what was put down for our buckets; whether there may be more."""
    going = sorted({one.plan.journey_id for one in versions if one.state != "paused"})
    async with ctx.db.connection() as conn:
        kept = await (await conn.execute(SQL.kept_journeys, {"journeys": going, "buckets": held.buckets})).fetchall()
    heard = False
    for (journey_id,) in kept:
        heard = await _hear_chunk(ctx, held, [one for one in versions if one.plan.journey_id == journey_id], journey_id) or heard
    return await _hear_chunk(ctx, held, versions, None) or heard


async def _hear_chunk(ctx: Context, held: Held, versions: Sequence[Running], kept_for: int | None) -> bool:
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        if kept_for is None:
            each = min(MOST_OF_BUCKET, max(1, MOST_HEARD // len(held.buckets)))
            cursor = await conn.execute(SQL.take_heard, {"buckets": held.buckets, "each": each})
        else:
            asked = {"buckets": held.buckets, "journey_id": kept_for, "most": MOST_HEARD}
            cursor = await conn.execute(SQL.take_kept, asked)
        rows = rows_of(await cursor.fetchall())
        if not rows:
            return False
        rows = await _refile(conn, rows)
        if any(one.doors or one.lets_in for one in versions):
            await hold_entries(conn, held.buckets)
        cares: dict[str, list[int]] = {}
        for version in versions:
            for name in version.names:
                cares.setdefault(name, []).append(version.plan.version_id)
        rounds, later = in_rounds(rows, cares)
        for one in rounds:
            await _tell(ctx, conn, versions, one, now, _slot(held))
        left = {(one.owner, one.id) for one in later}
        rows = [one for one in rows if (one.owner, one.id) not in left] if left else rows
        await conn.execute(SQL.forget_heard, {
            "profiles": bigints([one.owner for one in rows]), "ids": bigints([one.id for one in rows]),
        })  # fmt: skip
        point("listened")
    return True


async def _tell(
    ctx: Context, conn: Connection, versions: Sequence[Running], rows: Sequence[Row], now: datetime, slot: int
) -> None:
    """All versions hear what concerns them, one after another."""
    for version in versions:
        mine = [one for one in rows if one.event.name in version.names]
        if not mine:
            continue
        if version.state == "paused":
            await keep_for(conn, version, mine, now, slot)
            continue
        with _one_of(version):
            await listen(ctx, conn, version, world_of(ctx, conn, version.plan, now), mine, now, slot)
        point("listening")


async def _refile(conn: Connection, rows: Sequence[Row]) -> list[Row]:
    """What was done by who is part of another profile by now is heard with that one's; returns the rest."""
    strange = [one for one in rows if one.owner != one.event.profile]
    if strange:
        await conn.execute(SQL.refile_heard, {
            "profiles": bigints([one.owner for one in strange]), "ids": bigints([one.id for one in strange]),
            "intos": bigints([one.event.profile for one in strange]),
        })  # fmt: skip
    return [one for one in rows if one.owner == one.event.profile]


def _slot(held: Held) -> int:
    return held.buckets[0] * SLOTS // BUCKETS


LOOP = Loop(RUN_LOOP, run_journeys, interval=0.5, buckets=BUCKETS)
