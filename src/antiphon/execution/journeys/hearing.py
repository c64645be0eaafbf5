"""Hearing: what people do that may mean something to a journey is put where `journeys.run` finds it, in the order of reading.

Each lane's events are read behind a cursor of journeys' own; the cursor and what was read move in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.awareness.events import LANES, LaneReader, ReadEvent
from antiphon.execution.journeys.chain import begun_of
from antiphon.execution.journeys.running import HEAR_LOOP, RUN_LOOP, SQL, running
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, instants, ints, jsonbs, micros, texts

READER = LaneReader("journeys")


async def begin_hearing(ctx: Context, conn: Connection, journey_id: int) -> None:
    """A journey begins: where none heard anything, with what is understood from now on."""
    others = await running(ctx, conn)
    if not any(one.names for one in others if one.plan.journey_id != journey_id):
        await READER.begin(conn)


async def hear(ctx: Context, held: Held) -> bool:
    """One tick: read what has happened in our lanes, and put down what journeys care about."""
    async with ctx.db.connection() as conn:
        if not await _names(ctx, conn):
            return False
        lanes, more = await READER.waiting(conn, held)
    if not lanes:
        return False
    async with ctx.db.transaction() as conn:
        await held.only(lanes).fence(conn)
        events, full = await READER.read_on(conn, lanes, await _names(ctx, conn))
        point("hearing")
        if events:
            await put_heard(conn, events)
            await wake(conn, RUN_LOOP)
    point("heard")
    return full or more


async def _names(ctx: Context, conn: Connection) -> set[str]:
    return {name for one in await running(ctx, conn) for name in one.names}


async def put_heard(conn: Connection, events: Sequence[ReadEvent]) -> None:
    """These are to be heard."""
    await conn.execute(SQL.put_heard, {
        "profiles": bigints([one.profile_id for one in events]), "lanes": ints([one.lane for one in events]),
        "seqs": bigints([one.seq for one in events]), "tss": instants([micros(one.ts) for one in events]),
        "received": instants([micros(one.received_at) for one in events]), "kinds": texts([one.kind for one in events]),
        "names": texts([one.name for one in events]), "properties": jsonbs([(one.text or "{}").encode() for one in events]),
        "begun": ints([begun_of(one.context) for one in events]),
    })  # fmt: skip


LOOP = Loop(HEAR_LOOP, hear, interval=0.3, buckets=LANES)
