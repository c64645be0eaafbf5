"""Who plays in the tests of journeys: journeys in the tables, people, what they do, and a world that knows who is gold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.events import ReadEvent
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.hearing import put_heard
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Step
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Connection

GOLD = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}


class Small:
    """A world in which those with an even id are gold, and nothing else is known."""

    live = True

    def __init__(self, ctx: Context, conn: Connection, plan: Plan, now: datetime) -> None:
        self.ctx = ctx
        self.conn = conn

    async def holds(self, tree: Any, profiles: Ints, at: Ints) -> Bools:
        held: Bools = profiles % 2 == 0
        return held

    def fractions(self, name: str, profiles: Ints) -> Any:
        return (profiles % 10) / 10


def step(key: str, kind: str, onward: Mapping[str, str] | None = None, **settings: Any) -> Step:
    return Step(key=key, kind=kind, settings=settings, next=dict(onward or {}))


async def add_people(conn: Connection, count: int) -> None:
    """Profiles 1 to count, with a user id each."""
    await conn.execute("insert into profile (id) select i from generate_series(1, %s) i", (count,))
    await conn.execute("select setval(pg_get_serial_sequence('profile', 'id'), %s)", (count + 1,))
    await conn.execute(
        "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(1, %s) i", (count,)
    )


async def add_journey(conn: Connection, definition: Definition, now: datetime, state: str = "live") -> Plan:
    """A journey with one published version; its plan."""
    body = msgspec.json.encode(definition).decode()
    who = (body, now, now, now)
    row = await (await conn.execute(
        "insert into journey (name, draft, created_at, created_by, changed_at, changed_by, started_at)"
        " values ('j', %s::jsonb, %s, 'test', %s, 'test', %s) returning id", who,
    )).fetchone()  # fmt: skip
    assert row is not None
    return await publish(conn, row[0], definition, now, 1, state)


async def publish(conn: Connection, journey_id: int, definition: Definition, now: datetime, number: int, state: str = "live") -> Plan:
    """Another version of a journey, live from now on."""
    row = await (await conn.execute(
        "insert into journey_version (journey_id, number, definition, published_at, published_by)"
        " values (%s, %s, %s::jsonb, %s, 'test') returning id",
        (journey_id, number, msgspec.json.encode(definition).decode(), now),
    )).fetchone()  # fmt: skip
    assert row is not None
    await conn.execute("update journey set live_version_id = %s, state = %s where id = %s", (row[0], state, journey_id))
    return Plan(row[0], journey_id, definition, installed())


_numbers = iter(range(1, 10**9))


async def did(ctx: Context, conn: Connection, *what: tuple[int, str] | tuple[int, str, Mapping[str, Any]], ago: float = 0) -> None:
    """People do things, now or some seconds ago, one after another; it is put down to be heard."""
    now = ctx.clock.now() - timedelta(seconds=ago)
    await put_heard(conn, [
        ReadEvent(1, next(_numbers), ctx.clock.now(), now + timedelta(microseconds=n), one[0], "track", one[1],
                  json.dumps(one[2] if len(one) > 2 else {}))
        for n, one in enumerate(what)
    ])  # fmt: skip


async def tick(ctx: Context) -> None:
    """Until nobody is due and nothing is to be heard."""
    from antiphon.execution.journeys.ticking import LOOP

    await run_until_idle(ctx, [LOOP])


async def history(conn: Connection, profile_id: int) -> list[list[tuple[int, str, str]]]:
    """The moves of a person, oldest first: each the steps passed, what they did and how."""
    rows = await (await conn.execute(
        "select path from journey_history where profile_id = %s order by at, n", (profile_id,)
    )).fetchall()  # fmt: skip
    return [[(one["s"], one["d"], one["h"]) for one in path] for (path,) in rows]


async def inside(conn: Connection) -> Sequence[tuple[int, int]]:
    """Who is inside, and at which step."""
    return await (await conn.execute("select profile_id, step from journey_run order by 1, id")).fetchall()


async def past(conn: Connection) -> Sequence[tuple[int, str]]:
    """Whose passages ended, and why."""
    return await (await conn.execute("select profile_id, reason from journey_past order by 1, run_id")).fetchall()


async def numbers(conn: Connection) -> dict[tuple[int, str, str], int]:
    """How many went which way."""
    rows = await (await conn.execute("select step, did, how, sum(people)::int from journey_count group by 1, 2, 3")).fetchall()
    return {(one, word, how): count for one, word, how, count in rows}


def ids(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)
