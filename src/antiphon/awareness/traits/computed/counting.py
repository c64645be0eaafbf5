"""From events to tallies: all of history once, then what is new, each event once; from tallies to people's traits.

The lake adds up, PostgreSQL keeps. What was read lies between two positions of each lane, and the transaction that keeps
it moves the lane's cursor: after a crash the same events are added up again, and none twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np

from antiphon.awareness.events import corrected_since, event_relation, read_watermark
from antiphon.awareness.events.properties import literal
from antiphon.awareness.profiles import hold_from_erasure, lock_profiles, stamp_of, write_computed
from antiphon.awareness.traits.computed import store
from antiphon.awareness.traits.computed.compile import READ, tally_sql, window_start
from antiphon.awareness.traits.computed.model import sources_of
from antiphon.awareness.traits.computed.store import Columns, ComputedRow, Reach
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held
from antiphon.foundation.postgres import Connection
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
MOST_EVENTS = 20_000
"""Events of a lane that one transaction counts at most, for few definitions; for many, fewer."""
MOST_ROWS = 20_000
"""Tallies, or people, that one transaction writes at most."""
MOST_CORRECTED = 5_000
"""Corrections heeded together."""
STAMP = "computed"
_FILL_TIMEOUT = 1800.0


async def count_new(ctx: Context, held: Held, rows: Sequence[ComputedRow]) -> bool:
    """Add the next new events to the tallies of these definitions; says whether more wait."""
    most = max(500, MOST_EVENTS // max(1, len(rows) // 2))
    async with ctx.db.connection() as conn:
        ends = await store.reach(conn, most)
    if not ends:
        return False
    today = ctx.clock.now().date()
    found = await _added(ctx, rows, ends, today)
    people = sorted({int(one) for columns in found.values() for one in np.unique(columns["profile_id"])})
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        alive = await hold_from_erasure(conn, people) if people else set()
        for row in rows:
            await _keep(conn, row, found[row.id], alive)
        await store.queue(conn, sorted(alive))
        await store.move_cursors(conn, [(end.lane, end.seq, end.received_at) for end in ends])
    return any(end.count >= most for end in ends)


async def _added(ctx: Context, rows: Sequence[ComputedRow], ends: Sequence[Reach], today: date) -> dict[int, Columns]:
    names = sorted({source.event for row in rows for source in sources_of(row.definition)})
    between = " or ".join(f"lane = {end.lane} and seq > {end.counted} and seq <= {end.seq}" for end in ends)
    wanted = ", ".join(literal(name) for name in names)
    hot = f"select {', '.join(READ)} from event where ({between}) and name in ({wanted}) and profile_id is not null"
    async with ctx.lake.transaction() as lake:
        await lake.run(f"create or replace temp table fresh as select * from postgres_query('pg', {literal(hot)})")
        found: dict[int, Columns] = {
            row.id: await lake.columns(tally_sql(row.definition, "fresh", today, row.anchor)) for row in rows
        }
        await lake.run("drop table if exists fresh")
    return found


async def _keep(conn: Connection, row: ComputedRow, added: Columns, alive: set[int]) -> None:
    there = np.isin(added["profile_id"], np.fromiter(alive, dtype=np.int64, count=len(alive)))
    if there.any():
        await store.tally(conn, row.id, row.definition, {name: column[there] for name, column in added.items()})


async def fill(ctx: Context, held: Held, row: ComputedRow, *, alone: bool) -> None:
    """Make the tallies of one definition from all of history up to the cursors; `alone` when no other needs those."""
    while True:
        async with ctx.db.transaction() as conn:
            await held.fence(conn)
            if not await store.drop_tallies(conn, row.id, MOST_ROWS):
                break
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        if alone:
            await store.start_cursors(conn)
        cursors = await store.read_cursors(conn)
    select = _all_of(row, cursors, ctx.clock.now().date())
    async with ctx.lake.transaction(timeout=_FILL_TIMEOUT) as lake:
        await lake.run(
            f"create or replace temp table filled as select *, row_number() over () as n from ({select} order by profile_id)"
        )
        total = int((await lake.run("select count(*) from filled"))[0][0])
        for first in range(0, total, MOST_ROWS):
            added = await lake.columns(f"select * exclude (n) from filled where n > {first} and n <= {first + MOST_ROWS}")
            async with ctx.db.transaction() as conn:
                await held.fence(conn)
                people = np.unique(added["profile_id"]).tolist()
                await _keep(conn, row, added, await hold_from_erasure(conn, people))
        await lake.run("drop table filled")
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await store.change_state(conn, row, "settling", ctx.clock.now())
    log.info("computed trait filled", name=row.name, tallies=total)


def _all_of(
    row: ComputedRow, cursors: Mapping[int, tuple[int, datetime]], today: date, people: Sequence[int] | None = None
) -> str:
    """A select of tallies: all that happened up to the cursors, of everybody or of some people."""
    names = sorted({source.event for source in sources_of(row.definition)})
    since = window_start(row.definition, today)
    start = None if since is None else datetime.combine(since, datetime.min.time(), UTC)
    reached = " or ".join(f"lane = {lane} and seq <= {seq}" for lane, (seq, _) in cursors.items()) or "false"
    events = event_relation(["lane", "seq", *READ], names=names, profiles=people, since=start)
    return tally_sql(row.definition, f"(select * from {events} where {reached})", today, row.anchor)


async def heed_corrections(ctx: Context, held: Held, rows: Sequence[ComputedRow]) -> bool:
    """Count again those whose events proved to be something else: all they did up to the cursors; says whether more wait.

    Nothing else moves the cursors meanwhile: whoever holds the lease counts.
    """
    async with ctx.db.connection() as conn:
        corrected = await corrected_since(conn, await store.corrected_place(conn), MOST_CORRECTED)
        if not corrected:
            return False
        cursors = await store.read_cursors(conn)
    today = ctx.clock.now().date()
    again: list[tuple[ComputedRow, list[int], Columns]] = []
    for row in rows:
        names = {source.event for source in sources_of(row.definition)}
        people = sorted({one.profile_id for one in corrected if one.name in names})
        if people:
            again.append((row, people, await ctx.lake.columns(_all_of(row, cursors, today, people), timeout=_FILL_TIMEOUT)))
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        alive = await hold_from_erasure(conn, sorted({one for _, people, _ in again for one in people})) if again else set()
        for row, people, added in again:
            await store.drop_tallies_of(conn, row.id, people)
            await _keep(conn, row, added, alive)
        await store.queue(conn, sorted(alive))
        await store.heed_corrections(conn, corrected[-1].seq)
    return len(corrected) == MOST_CORRECTED


async def work_out(ctx: Context, conn: Connection, ids: Sequence[int]) -> int:
    """Give these people the values their tallies tell; those merged away meanwhile are left. Returns how many changed."""
    if not ids:
        return 0
    alive = sorted(await lock_profiles(conn, ids))
    now = ctx.clock.now()
    patches = await store.changed_values(conn, alive, now.date()) if alive else []
    await write_computed(conn, patches, stamp=stamp_of(now, STAMP))
    return len(patches)


async def missed_events(ctx: Context, held: Held) -> bool:
    """Whether events left PostgreSQL before they were counted (nobody counted for days): all must be counted anew."""
    async with ctx.db.connection() as conn:
        oldest = await store.oldest_hot(conn)
        cursors = await store.read_cursors(conn)
    behind = {lane: seq for lane, (seq, at) in cursors.items() if oldest is not None and at.date() < oldest}
    if not behind:
        return False
    watermark = await read_watermark(ctx)
    passed = {lane: seq for lane, seq in behind.items() if watermark.get(lane, 0) > seq}
    if passed and await _dropped(ctx, passed):
        return True
    async with ctx.db.transaction() as conn:
        await held.fence(conn)
        await store.move_cursors(conn, [(lane, seq, ctx.clock.now()) for lane, seq in behind.items()])
    return False


async def _dropped(ctx: Context, passed: Mapping[int, int]) -> bool:
    """Whether the lake has events after these positions that PostgreSQL has no more."""
    cold = " or ".join(f"lane = {lane} and seq > {seq}" for lane, seq in passed.items())
    hot = f"select lane, seq from event where {cold}"
    rows = await ctx.lake.run(
        f"select count(*) from (select lane, seq from lake.event where {cold}) c "
        f"anti join postgres_query('pg', {literal(hot)}) h on h.lane = c.lane and h.seq = c.seq"
    )
    return bool(rows[0][0])
