"""What a step reads: events and changes since the last, and the people they concern. The only code that runs this SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from pyroaring import BitMap

from antiphon.awareness.segments import store
from antiphon.awareness.segments.check import Person
from antiphon.awareness.segments.contacts import contacts
from antiphon.awareness.segments.live.people import OF_CONTACT, person
from antiphon.awareness.segments.live.state import State
from antiphon.awareness.segments.live.tick import SLICE, Batch, Touched
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, load_queries

SQL = load_queries(Path(__file__).with_name("queries.sql"))
MOST_EVENTS = 20_000
"""Events of a lane in one step."""
MOST_CHANGED = 20_000
"""People whose profile changed in one step, about."""
BEHIND = 300_000
"""So many people whose profile changed are more than it takes to begin anew."""


class Behind(Exception):
    """More has happened than it pays to follow."""


class Candidate(NamedTuple):
    """A segment that might be live."""

    id: int
    name: str
    version: int
    revision: int
    announce: str
    evaluated: bool
    current: bool
    failed: bool
    freshness: str


@asynccontextmanager
async def snapshot(ctx: Context) -> AsyncIterator[Connection]:
    """A transaction that sees one state of everything. It holds nothing others wait for, and may think longer than they."""
    async with ctx.db.transaction() as conn:
        await conn.execute("set transaction isolation level repeatable read, read only")
        await conn.execute("set local idle_in_transaction_session_timeout = '60s'")
        yield conn


async def read_lanes(conn: Connection) -> dict[int, int]:
    return dict(await (await conn.execute(SQL.lanes)).fetchall())


async def mirror_reach(conn: Connection) -> int:
    row = await (await conn.execute(SQL.mirror_reach)).fetchone()
    return int(row[0]) if row else 0


async def candidates(conn: Connection, buckets: Sequence[int]) -> list[Candidate]:
    rows = await (await conn.execute(SQL.candidates, {"buckets": list(buckets)})).fetchall()
    return [Candidate(*row) for row in rows]


async def versions(conn: Connection) -> dict[int, int]:
    """Where every segment stands."""
    return dict(await (await conn.execute(SQL.versions)).fetchall())


async def traits_now(conn: Connection, names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(type, column) of some traits."""
    rows = await (await conn.execute(SQL.traits, {"names": list(names)})).fetchall()
    return {name: (kind, column) for name, kind, column in rows}


async def read_batch(conn: Connection, state: State, standing: dict[int, int]) -> Batch:
    """What came in since the state's places."""
    ends = await read_lanes(conn)
    reach = {lane: min(end, state.lanes.get(lane, 0) + MOST_EVENTS) for lane, end in ends.items()}
    batch = Batch(lanes=reach, mirror=state.mirror, more=reach != ends)
    if state.strands:
        params = {
            "lanes": list(reach), "afters": [state.lanes.get(lane, 0) for lane in reach], "ends": list(reach.values()),
            "names": list(state.strands), "deep": [name for name, strand in state.strands.items() if strand.wanted.deep],
        }  # fmt: skip
        for lane, seq, profile, name, at, properties in await (await conn.execute(SQL.new_events, params)).fetchall():
            batch.events.setdefault(name, []).append((lane, seq, profile, at, properties))
    cursor = await conn.execute(SQL.mirror_changes, {"after": state.mirror, "limit": 1000}, binary=True)
    for seq, ids in await cursor.fetchall():
        if len(batch.changed) >= MOST_CHANGED:
            batch.more = True
            break
        batch.changed |= BitMap.deserialize(bytes(ids))
        if len(batch.changed) > BEHIND:
            raise Behind
        batch.mirror = seq
    changed = [one for one, (seq, _) in state.lists.items() if standing.get(one, seq) != seq]
    batch.lists = await store.read_members(conn, changed) if changed else {}
    return batch


async def read_aliases(conn: Connection, touched: Touched) -> dict[int, int]:
    """Of everybody touched: who was whom."""
    if not await store.any_alias(conn):
        return {}
    found: dict[int, int] = {}
    for some in _slices(touched.everybody):
        found |= dict(await (await conn.execute(SQL.aliases, {"ids": some})).fetchall())
    return found


async def read_people(conn: Connection, state: State, ids: BitMap) -> AsyncIterator[list[Person]]:
    """Those of some people who are there, some at a time."""
    asked = any(isinstance(one.node, OF_CONTACT) for one in state.conditions.values())
    for some in _slices(ids):
        rows = await (await conn.execute(SQL.people, {"ids": some})).fetchall()
        reach = await contacts(conn, [row[0] for row in rows], state.around) if asked and rows else {}
        yield [person(row, reach.get(row[0])) for row in rows]


def _slices(ids: BitMap) -> Iterator[list[int]]:
    for start in range(0, len(ids), SLICE):
        yield list(ids[start : start + SLICE])


async def dirty(conn: Connection, most: int) -> BitMap:
    """Those who wait to be copied into the mirror, so many at most."""
    rows = await (await conn.execute(SQL.dirty, {"limit": most})).fetchall()
    return BitMap(row[0] for row in rows)
