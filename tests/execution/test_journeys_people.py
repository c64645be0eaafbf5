"""What becomes of people in journeys when they merge, part, are erased, or do ten thousand things."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.journeys_cast import Small, add_journey, add_people, did, history, inside, past, step, tick
from tests.execution.test_delivery_plans import scans

from antiphon.awareness.events import EventMatch
from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.execution.journeys import merging, personal, ticking
from antiphon.execution.journeys.model import Again, Definition, EventEntry
from antiphon.execution.journeys.people import SQL as PEOPLE
from antiphon.execution.journeys.running import SQL
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store
ENTRY = [EventEntry(match=EventMatch(event="Joined"))]


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "world_of", Small)


def waiting(**more: Any) -> Definition:
    steps = [step("pause", "wait", {"next": "listen"}, seconds=3600),
             step("listen", "wait_event", {"happened": "listen"}, match={"event": "Clicked"}, timeout_seconds=86400 * 30)]  # fmt: skip
    return Definition(start="pause", steps=steps, entries=ENTRY, **more)


async def merge(conn: Connection, gone: int, into: int) -> None:
    await conn.execute(
        "insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, now(), 'test')", (gone, into, into)
    )
    await conn.execute("update profile set merged_into = %s where id = %s", (into, gone))


async def test_who_becomes_part_of_another_takes_journeys_along(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 6)
        await add_journey(conn, waiting(), clock.now())
        await did(ctx, conn, (1, "Joined"), (3, "Joined"), (4, "Joined"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await did(ctx, conn, (1, "Clicked"))  # heard before the merge, read after it
        await merge(conn, 1, 2)
        await merge(conn, 3, 4)
        await merging.merged(ctx, conn, ProfilesMerged([1, 3], [2, 4]))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(2, 0), (4, 0)]
        assert await past(conn) == [(3, "merged")]
        assert (await history(conn, 2))[-1] == [(0, "merged", "moved")]
        assert (await history(conn, 3))[-1] == [(0, "merged", "left")]
        row = await (await conn.execute("select bucket from journey_run where profile_id = 2")).fetchone()
        assert row == (2,)
    async with ctx.db.transaction() as conn:
        await conn.execute("delete from alias where from_id = 1")
        await conn.execute("update profile set merged_into = null where id = 1")
        await merging.parted(ctx, conn, MergeUndone(1, 2))
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 0), (4, 0)]
    clock.advance(timedelta(hours=1))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 1), (4, 1)]


@pytest.mark.parametrize(("priority", "displaces", "stays"), [(5, False, "theirs"), (3, True, "mine"), (3, False, "both"), (7, True, "theirs")])
async def test_who_becomes_one_person_is_in_one_journey_of_a_set(
    ctx: Context, clock: VirtualClock, priority: int, displaces: bool, stays: str
) -> None:
    """The same rule as for who comes in: the journey of the profile that is no more would be the one they enter."""
    other = msgspec.structs.replace(waiting(exclusive="offers"), entries=[EventEntry(match=EventMatch(event="Looked"))])
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        mine = await add_journey(conn, waiting(exclusive="offers", priority=priority, displaces=displaces), clock.now())
        theirs = await add_journey(conn, other, clock.now())
        await did(ctx, conn, (1, "Joined"), (2, "Looked"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await merge(conn, 1, 2)
        await merging.merged(ctx, conn, ProfilesMerged([1], [2]))
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select version_id from journey_run where profile_id = 2 order by 1")).fetchall()
        expected = {"mine": [mine], "theirs": [theirs], "both": [mine, theirs]}[stays]
        assert [row[0] for row in rows] == [one.version_id for one in expected]
        assert [why for _, why in await past(conn)] == ["merged"] * (2 - len(expected))


async def test_who_is_erased_in_mid_journey_is_in_no_table_and_does_not_come_back(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await add_journey(conn, waiting(again=Again(rule="always")), clock.now())
        await did(ctx, conn, (1, "Joined"), (2, "Joined"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await did(ctx, conn, (1, "Clicked"))
        await personal.erase(ctx, conn, 1)
        await conn.execute("delete from identity where profile_id = 1")
        await conn.execute("delete from profile where id = 1")
        await did(ctx, conn, (1, "Joined"), (1, "Clicked"))  # read before, put down after
    clock.advance(timedelta(hours=2))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(2, 1)]
        for table in ("journey_run", "journey_past", "journey_history", "journey_heard"):
            row = await (await conn.execute(f"select count(*) from {table} where profile_id = 1")).fetchone()
            assert row == (0,), table


async def test_ten_thousand_events_of_one_person(ctx: Context, clock: VirtualClock) -> None:
    """Each is heard, in order, and others are heard meanwhile."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await add_journey(conn, waiting(), clock.now() - timedelta(hours=9))
        await did(ctx, conn, (1, "Joined"), (2, "Joined"), ago=3 * 3600)
    await tick(ctx)
    clock.advance(timedelta(hours=1))
    await tick(ctx)
    clock.advance(timedelta(hours=1))
    async with ctx.db.transaction() as conn:
        await did(ctx, conn, *((1, "Clicked", {"n": n}) for n in range(10_000)), (2, "Clicked"), ago=1800)
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 1), (2, 1)]
        moves = await history(conn, 1)
        assert len(moves) == 10_002
        assert moves[-1] == [(1, "happened", "went"), (1, "rest", "rests")]
        row = await (await conn.execute("select memory #>> '{heard,listen,n}' from journey_run where profile_id = 1")).fetchone()
        assert row == ("9999",)
        assert len(await history(conn, 2)) == 3


async def test_hot_statements_read_only_what_they_need(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.connection() as conn:
        await add_people(conn, 1)
        await add_journey(conn, waiting(), clock.now())
        await conn.execute(
            "insert into journey_run (profile_id, journey_id, version_id, bucket, step, wake_at, entered_at, arrived_at)"
            " select n, n % 20 + 1, n % 20 + 1, n % 64, n % 8, now() + n * interval '1 second', now(), now()"
            " from generate_series(1, 40000) n"
        )
        await conn.execute(
            "insert into journey_history (profile_id, run_id, journey_id, version_id, at, path)"
            " select n % 4000, n, 1, 1, now(), '[]' from generate_series(1, 40000) n"
        )
        await conn.execute(
            "insert into journey_heard (bucket, profile_id, lane, seq, ts, received_at, kind, name, properties)"
            " select n % 64, n, 1, n, now(), now(), 'track', 'A', '{}' from generate_series(1, 20000) n"
        )
        for table in ("journey_run", "journey_history", "journey_heard"):
            await conn.execute(f"analyze {table}")
    buckets = list(range(32))
    now = clock.now()
    found = await scans(ctx.db, SQL.due_versions, {"versions": list(range(1, 21)), "buckets": buckets, "now": now})
    assert found["journey_run"] == {"journey_run_due"}
    found = await scans(ctx.db, SQL.take_due, {"version_id": 3, "buckets": buckets, "now": now, "each": 300})
    assert found["journey_run"] == {"journey_run_due"}
    found = await scans(ctx.db, SQL.take_heard, {"buckets": buckets, "each": 100})
    assert found["journey_heard"] == {"journey_heard_bucket"}
    found = await scans(ctx.db, PEOPLE.told, {"people": [7], "journey_id": 1})
    assert found["journey_history"] == {"journey_history_person"}
    after = {"version_id": 3, "after_step": 2, "profile_id": 0, "id": 0}
    found = await scans(ctx.db, PEOPLE.list_people, {"versions": [3], "step": 2, "limit": 10} | after)
    assert found["journey_run"] == {"journey_run_step"}
