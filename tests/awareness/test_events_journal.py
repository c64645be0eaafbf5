"""The journal: durable, in commit order within a lane, fenced; and the days it is kept in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from antiphon.awareness.events import Entry, Journal
from antiphon.awareness.events.errors import JournalDown
from antiphon.awareness.events.intake import take_in
from antiphon.awareness.events.journal import SMALL, open_journal
from antiphon.awareness.events.loops import keep_days
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import LeaseLost, Leases
from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store


@pytest.fixture
async def journal(ctx: Context) -> AsyncIterator[Journal]:
    async with open_journal(ctx) as opened:
        yield opened


async def rows(db: Database, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    async with db.connection() as conn:
        return await (await conn.execute(sql, params)).fetchall()  # type: ignore[arg-type]


def some(count: int, tag: bytes = b"x") -> Entry:
    return Entry(1, None, [b'{"%s":%d}' % (tag, n) for n in range(count)])


async def test_small_and_large_batches_are_numbered_without_gaps(journal: Journal, db: Database) -> None:
    sizes = [1, 3, SMALL + 50, 2, 700]
    assert await asyncio.gather(*(journal.submit(some(size)) for size in sizes)) == sizes
    assert await journal.submit(some(5)) == 5
    total = sum(sizes) + 5
    found = await rows(db, "select count(*), min(seq), max(seq), count(distinct seq) from journal where lane = %s", journal.lane)
    assert found == [(total, 1, total, total)]


async def test_a_lost_lane_writes_nothing_and_another_goes_on(journal: Journal, db: Database) -> None:
    await journal.submit(some(2))
    first = journal.lane
    async with db.connection() as conn:
        await conn.execute("update lease set owner = 'thief', epoch = epoch + 1 where loop = 'journal' and bucket = %s", (first,))
    assert await journal.submit(some(3)) == 3
    assert journal.lane != first
    assert await rows(db, "select lane, count(*) from journal group by lane order by lane") == [(first, 2), (journal.lane, 3)]
    second = journal.lane
    async with db.connection() as conn:
        await conn.execute(
            "update lease set owner = 'thief', epoch = epoch + 1 where loop = 'journal' and bucket = %s", (second,)
        )
    assert await journal.submit(some(SMALL + 1)) == SMALL + 1
    async with db.connection() as conn:
        lane = journal.lane
        await conn.execute("update lease set owner = 'thief', epoch = epoch + 1 where loop = 'journal' and bucket = %s", (lane,))
    with pytest.raises(LeaseLost):
        async with journal.transaction() as j:
            await j.append([(0, None, b"{}")])
    async with journal.transaction() as j:
        await j.append([(0, None, b"{}")])
    assert await rows(db, "select count(*) from journal where lane in (%s, %s)", first, second) == [(5,)]


async def test_a_change_and_its_event_commit_together(journal: Journal, db: Database, ctx: Context) -> None:
    class Stop(Exception):
        pass

    await journal.submit(some(1))
    with pytest.raises(Stop):
        async with journal.transaction() as j:
            await j.conn.execute("insert into source (name) values ('never')")
            await j.append([(0, ctx.clock.now(), b"{}"), (0, None, b"{}")])
            raise Stop
    async with journal.transaction() as j:
        await j.conn.execute("insert into source (name) values ('kept')")
        await j.append([(0, None, b"{}")])
        await j.append([(0, None, b"{}")])
    await journal.submit(some(1))
    assert await rows(db, "select name from source where id > 0") == [("kept",)]
    assert await rows(db, "select array_agg(seq order by seq) from journal") == [([1, 2, 3, 4],)]


async def test_a_broken_connection_is_told_and_replaced(journal: Journal, db: Database) -> None:
    await journal.submit(some(1))
    assert journal._conn is not None
    async with db.connection() as conn:
        await conn.execute("select pg_terminate_backend(%s)", (journal._conn.info.backend_pid,))
    with pytest.raises(JournalDown):
        await journal.submit(some(1))
    assert await journal.submit(some(1)) == 1
    assert await rows(db, "select count(*) from journal") == [(2,)]


async def test_reception_never_runs_backwards_in_a_lane(journal: Journal, db: Database, clock: VirtualClock) -> None:
    await journal.submit(some(1))
    clock.advance(timedelta(hours=-3))
    await journal.submit(some(1))
    lane = journal.lane
    await journal.close()
    async with open_journal(journal.ctx) as again:
        assert again.lane == lane
        await again.submit(some(1))
    times = await rows(db, "select received_at from journal order by lane, seq")
    assert times == sorted(times)


async def test_closing_flushes_what_was_accepted(ctx: Context, db: Database) -> None:
    async with open_journal(ctx) as journal:
        waiting = [asyncio.create_task(journal.submit(some(1))) for _ in range(50)]
        await asyncio.sleep(0)
    assert sum(await asyncio.gather(*waiting)) == 50
    assert await rows(db, "select count(*) from journal") == [(50,)]


async def understand(ctx: Context) -> int:
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("intake", 64)
    held = await leases.share("intake", 64)
    total = 0
    while taken := await take_in(ctx, held):
        total += taken
    return total


async def test_days_are_made_ahead_and_dropped_when_read(journal: Journal, ctx: Context, clock: VirtualClock) -> None:
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.declare("events.days", 1)
    held = await leases.take_one("events.days")

    async def days(parent: str) -> list[str]:
        sql = (
            "select right(c.relname, 8) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where inhparent = %s::regclass order by 1"
        )
        return [row[0] for row in await rows(ctx.db, sql, parent)]

    event = b'{"type":"track","event":"X","userId":"u","messageId":"m%d"}'
    await journal.submit(Entry(1, None, [event % 1]))
    clock.advance(timedelta(days=2))
    await keep_days(ctx, held)
    assert await days("journal") == ["20260601", "20260603", "20260604"], "an unread day is kept"
    await journal.submit(Entry(1, None, [event % 1, event % 2]))
    assert await understand(ctx) == 3
    assert await rows(ctx.db, "select count(*) from event") == [(2,)]
    await keep_days(ctx, held)
    assert await days("journal") == ["20260603", "20260604"]
    assert await days("message_seen") == ["20260601", "20260603", "20260604"]
    clock.advance(timedelta(days=ctx.settings.dedupe_days))
    await keep_days(ctx, held)
    assert "20260601" not in await days("message_seen")


async def test_hot_questions_go_by_index(journal: Journal, ctx: Context) -> None:
    from antiphon.awareness.events.store import SQL

    event = b'{"type":"track","event":"X","userId":"u%d","messageId":"m%d"}'
    for first in range(0, 12_000, 4000):
        await journal.submit(Entry(1, None, [event % (n % 900, n) for n in range(first, first + 4000)]))
    await understand(ctx)
    async with ctx.db.connection() as conn:
        await conn.execute("analyze journal, event, identity, profile, intake_cursor")
        questions: list[tuple[str, dict[str, Any]]] = [
            ("pending_lanes", {"lanes": list(range(64))}),
            ("next_calls", {"lanes": list(range(64)), "most": 1000}),
            ("profile_events", {"ids": [5], "ts": ctx.clock.now() + timedelta(days=1), "lane": 0, "seq": 0, "limit": 50}),
        ]
        for name, params in questions:
            plan = "\n".join(r[0] for r in await (await conn.execute("explain " + SQL[name], params)).fetchall())  # type: ignore[operator]
            for line in plan.splitlines():
                assert "Seq Scan on journal" not in line and "Seq Scan on event" not in line, plan


async def test_nothing_is_written_of_a_profile_that_is_gone(journal: Journal, ctx: Context, db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("insert into profile (id) values (7)")
    said = b'{"type":"track","event":"Email Opened","profileId":%d}'
    async with journal.transaction() as j:
        await j.append([(0, None, said % 7), (0, None, said % 8)])
    await journal.submit(Entry(1, None, [said % 7]))  # only Antiphon itself may name a profile
    assert await understand(ctx) == 3
    assert await rows(db, "select profile_id, name from event") == [(7, "Email Opened")]
    assert await rows(db, "select code from reject order by 1") == [("no_identity",), ("no_such_profile",)]
