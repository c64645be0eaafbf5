"""People are let in whom a schedule, a launch or an import brings: in chunks, each with its place in one transaction."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
from pyroaring import BitMap

from antiphon.awareness.imports import ImportFinished, people_of
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.model import Definition, ImportEntry
from antiphon.execution.journeys.running import plans
from antiphon.execution.journeys.sources import LOOP, SQL, begin_due, open_intake
from antiphon.foundation.context import Context
from antiphon.foundation.faults import point
from antiphon.foundation.leases import Held
from antiphon.foundation.loops import Loop
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros

CHUNK = 10_000
BUCKETS = 4
KEPT = timedelta(days=7)
"""How long the keys of entries are remembered."""


async def tick(ctx: Context, held: Held) -> bool:
    """Begin what is due, and let a chunk of each intake in; whether there may be more at once."""
    await _find_people(ctx, held)
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        begun = await begin_due(ctx, conn, held.buckets, BUCKETS)
    after, more = 0, False
    while True:
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            found = await _let_in(ctx, conn, held, after)
        if found is None:
            break
        after, more = found, True
    if not begun and not more and 0 in held.buckets:
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            await conn.execute(SQL.forget_keys, {"before": ctx.clock.now() - KEPT})
    return begun or more


async def _find_people(ctx: Context, held: Held) -> None:
    """Look for whom an import brought: it takes a while, and holds nothing meanwhile."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.next_unknown, {"divisor": BUCKETS, "buckets": held.buckets})).fetchone()
        if row is None:
            return
        people = await people_of(conn, int(row[1].removeprefix("import:")))
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        params = {"id": row[0], "members": people.serialize(), "size": len(people), "now": ctx.clock.now()}
        await conn.execute(SQL.know_intake, params)


async def _let_in(ctx: Context, conn: Connection, held: Held, after: int) -> int | None:
    """Let in a chunk of the next people after some; which they were."""
    asked = {"divisor": BUCKETS, "buckets": held.buckets, "after": after}
    row = await (await conn.execute(SQL.next_intake, asked)).fetchone()
    if row is None:
        return None
    intake, _, source, members, taken, size, version_id = row
    now = ctx.clock.now()
    people = BitMap.deserialize(bytes(members))
    some = np.array(people[taken : taken + CHUNK].to_array(), dtype=np.int64)
    rows = await (await conn.execute(SQL.who_they_are, {"people": some.tolist()})).fetchall()
    profiles = np.unique(np.array([row[1] for row in rows], dtype=np.int64))
    plan = (await plans(ctx).of(conn, [version_id])).get(version_id)
    entered = 0
    if plan is not None and len(profiles):
        count = len(profiles)
        memory = [{"entry": {"source": source}}] * count
        at = np.full(count, micros(now), dtype=np.int64)
        entered = len((await enrol(ctx, conn, plan, profiles, [""] * count, at, memory)).entered)
    point("let in")
    taken = min(size, taken + CHUNK)
    await conn.execute(
        SQL.note_intake, {"id": intake, "taken": taken, "entered": entered, "over": taken >= size, "now": now}
    )
    return int(intake)


async def hear_import(ctx: Context, conn: Connection, notice: ImportFinished) -> None:
    """An import of customers is over: whom it brought or changed comes into journeys that wait for it."""
    if notice.kind != "customers" or not notice.made + notice.changed:
        return
    rows = await (await conn.execute(SQL.import_entries)).fetchall()
    for journey_id, said in rows:
        definition = msgspec.convert(said, Definition, strict=False)
        if any(isinstance(one, ImportEntry) and one.source in ("", notice.name) for one in definition.entries):
            key = f"import:{notice.import_id}"
            await open_intake(conn, journey_id, "import", notice.name, key, None, ctx.clock.now())


LOOPS = (Loop(LOOP, tick, interval=5.0, buckets=BUCKETS),)
LISTENERS = (Listener("journeys.import", ImportFinished, hear_import),)
