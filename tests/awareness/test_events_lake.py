"""Hot and cold events: a reader sees each event once, whatever moves, dies or merges meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from antiphon.awareness.events.lake import event_relation, move_events, read_watermark
from antiphon.awareness.events.upkeep import (
    LAKE_LOOPS,
    compact,
    drop_flushed_days,
    ensure_days,
    expire,
    flush_inlined,
    remove_orphans,
)
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.lake import LakeClient, LakeConflict, start_lake
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Database

INSERT = """
insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties)
select %(lane)s, s, %(at)s, %(at)s - (s %% 40) * interval '1 day', nullif(s %% 100, 0), 'Event ' || s %% 5, 'track', 'm' || s, 1,
    jsonb_build_object('n', s)
from generate_series(%(first)s::bigint, %(last)s::bigint) s
"""


async def write(db: Database, lane: int, first: int, last: int, at: datetime) -> None:
    async with db.transaction() as conn:
        await ensure_days(conn, at.date())
        await conn.execute(INSERT, {"lane": lane, "first": first, "last": last, "at": at})


async def count(ctx: Context) -> tuple[int, int]:
    """(rows, distinct events) as a reader sees them."""
    rows = await ctx.lake.run(f"select count(*), count(distinct (lane, seq)) from {event_relation(['lane', 'seq'])}")
    return rows[0][0], rows[0][1]


@pytest.mark.store
async def test_cold_and_hot_are_one_history(ctx: Context, lake: LakeClient) -> None:
    now = ctx.clock.now()
    assert await count(ctx) == (0, 0)
    await write(ctx.db, 0, 1, 500, now)
    assert await count(ctx) == (500, 500)
    assert await move_events(ctx, batch=300) == 300
    assert await read_watermark(ctx) == {0: 300}
    assert await count(ctx) == (500, 500)
    await write(ctx.db, 3, 1, 100, now)  # a new lane beyond the known ones
    assert await count(ctx) == (600, 600)
    assert await move_events(ctx, batch=1000) == 300
    assert await read_watermark(ctx) == {0: 500, 1: 0, 2: 0, 3: 100}
    await write(ctx.db, 1, 1, 10, now)  # a lane between them
    assert await count(ctx) == (610, 610)
    assert await move_events(ctx) == 10
    assert await move_events(ctx) == 0


async def test_narrowed_relations_agree_with_the_whole(ctx: Context, lake: LakeClient) -> None:
    now = ctx.clock.now()
    await write(ctx.db, 0, 1, 400, now)
    await move_events(ctx, batch=250)
    whole = await ctx.lake.run(f"select seq, ts, name, profile_id, properties from {event_relation()}")
    assert len(whole) == 400
    named = await ctx.lake.run(f"select seq from {event_relation(['seq'], names=['Event 1', 'ONeill'])}")
    assert sorted(r[0] for r in named) == sorted(r[0] for r in whole if r[2] == "Event 1")
    since = now - timedelta(days=10)
    recent = await ctx.lake.run(f"select seq from {event_relation(['seq'], since=since)}")
    assert sorted(r[0] for r in recent) == sorted(r[0] for r in whole if r[1] >= since)
    people = await ctx.lake.run(f"select seq from {event_relation(['seq'], profiles=[7, 8])}")
    assert sorted(r[0] for r in people) == sorted(r[0] for r in whole if r[3] in (7, 8))
    assert await ctx.lake.run(f"select seq from {event_relation(['seq'], names=[])}") == []
    with pytest.raises(ValueError, match="no drop"):
        event_relation(["drop"])


@pytest.mark.store
async def test_two_movers_conflict_instead_of_doubling(ctx: Context, lake: LakeClient) -> None:
    await write(ctx.db, 0, 1, 2000, ctx.clock.now())
    done = await asyncio.gather(*(move_events(ctx, batch=2000) for _ in range(4)), return_exceptions=True)
    assert [d for d in done if isinstance(d, int) and d] == [2000]
    assert all(isinstance(d, (int, LakeConflict)) for d in done)
    assert await count(ctx) == (2000, 2000)


async def test_kills_of_the_lake_while_moving_and_reading(ctx: Context, tmp_path: Path) -> None:
    """Movers and readers run while the lake process is killed again and again."""
    now, total, seen = ctx.clock.now(), 6000, []
    await write(ctx.db, 0, 1, total, now)
    socket = tmp_path / "s"
    process = await asyncio.to_thread(start_lake, ctx.db.url, tmp_path / "data", socket=socket)
    ctx.lake = LakeClient(socket)
    stop = asyncio.Event()

    async def moving() -> None:
        while not stop.is_set():
            try:
                await move_events(ctx, batch=random.randint(100, 900))
            except AntiphonError:
                await asyncio.sleep(0.02)

    async def reading() -> None:
        while not stop.is_set():
            try:
                seen.append(await count(ctx))
            except AntiphonError:
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(t) for t in (moving(), moving(), reading(), reading())]
    for _ in range(4):
        await asyncio.sleep(random.uniform(0.2, 0.8))
        os.kill(process.child.pid, signal.SIGKILL)
        process.child.wait()
        process = await asyncio.to_thread(start_lake, ctx.db.url, tmp_path / "data", socket=socket)
    for _ in range(1200):
        if (await read_watermark(ctx)).get(0) == total:
            break
        await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*tasks)
    assert set(seen) == {(total, total)}
    assert await count(ctx) == (total, total)
    assert await ctx.lake.run("select count(*), count(distinct seq) from lake.event") == [(total, total)]
    orphan = tmp_path / "data" / "lake" / "main" / "event" / "orphan.parquet"
    orphan.write_bytes(b"left by a kill")
    await remove_orphans(ctx, timedelta())
    assert not orphan.exists()
    assert await count(ctx) == (total, total)
    await ctx.lake.close()
    await asyncio.to_thread(process.close)


async def test_a_month_stays_under_fifty_files_and_sorted(ctx: Context, lake: LakeClient) -> None:
    now = ctx.clock.now()
    for n in range(30):
        await write(ctx.db, 0, n * 40 + 1, n * 40 + 40, now)
        await move_events(ctx)
        if n % 10 == 9:
            await compact(ctx, "event")
            await compact(ctx, "event_by_profile")
    files = await ctx.lake.run("select data_file from ducklake_list_files('lake', 'event')")
    months: dict[str, int] = {}
    for (name,) in files:
        months[name.rsplit("/", 1)[0]] = months.get(name.rsplit("/", 1)[0], 0) + 1
    assert months and max(months.values()) < 50
    assert await count(ctx) == (1200, 1200)
    while await compact(ctx, "event", files=2):
        pass
    for (name,) in await ctx.lake.run("select data_file from ducklake_list_files('lake', 'event')"):
        found = await ctx.lake.run(
            f"select name, ts from read_parquet('{name}', file_row_number = true) order by file_row_number"
        )
        assert found == sorted(found)
    await expire(ctx)
    assert await count(ctx) == (1200, 1200)


@pytest.mark.store
async def test_hot_days_are_dropped_only_when_safe(ctx: Context, lake: LakeClient, clock) -> None:
    start = clock.now()
    await write(ctx.db, 0, 1, 50, start)
    clock.advance(timedelta(days=5))
    assert await drop_flushed_days(ctx) == []  # not in the lake yet
    await move_events(ctx)
    assert await drop_flushed_days(ctx) == []  # its grace begins
    async with ctx.db.transaction() as conn:
        await conn.execute("update event_day_flushed set flushed_at = flushed_at - interval '1 hour'")
        await conn.execute(INSERT, {"lane": 0, "first": 51, "last": 51, "at": start})  # a late row
    assert start.date() not in await drop_flushed_days(ctx)
    await move_events(ctx)
    assert start.date() not in await drop_flushed_days(ctx)  # the grace began anew
    async with ctx.db.transaction() as conn:
        await conn.execute("update event_day_flushed set flushed_at = flushed_at - interval '1 hour'")
    assert start.date() in await drop_flushed_days(ctx)
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select count(*) from event")).fetchone() == (0,)
    assert await count(ctx) == (51, 51)


@pytest.mark.store
async def test_a_day_that_is_being_read_is_dropped_later(ctx: Context, lake: LakeClient, clock) -> None:
    start = clock.now()
    await write(ctx.db, 0, 1, 5, start)
    await move_events(ctx)
    clock.advance(timedelta(days=5))
    await drop_flushed_days(ctx)
    async with ctx.db.transaction() as conn:
        await conn.execute("update event_day_flushed set flushed_at = flushed_at - interval '1 hour'")
    async with ctx.db.transaction() as reader:
        await reader.execute("select count(*) from event")
        assert start.date() not in await drop_flushed_days(ctx)
    assert start.date() in await drop_flushed_days(ctx)


@pytest.mark.store
async def test_the_loop_moves_what_waits(ctx: Context, lake: LakeClient) -> None:
    await write(ctx.db, 0, 1, 120, ctx.clock.now())
    await run_until_idle(ctx, LAKE_LOOPS)
    assert await read_watermark(ctx) == {0: 120}
    assert await count(ctx) == (120, 120)


@pytest.mark.store
async def test_counters_leave_no_dead_rows_and_go_on_conflicting(ctx: Context, lake: LakeClient) -> None:
    now = ctx.clock.now()
    for n in range(6):
        await write(ctx.db, 0, n * 5 + 1, n * 5 + 5, now)
        await move_events(ctx)
        if n % 2:
            await flush_inlined(ctx)
    assert await read_watermark(ctx) == {0: 30}
    assert await count(ctx) == (30, 30)
    for table in ("watermark", "profile_turn"):
        files = await lake.run("select count(*) from ducklake_list_files('lake', $table)", {"table": table})
        assert files[0][0] <= 2
    await write(ctx.db, 0, 31, 60, now)
    done = await asyncio.gather(*(move_events(ctx) for _ in range(3)), return_exceptions=True)
    assert [d for d in done if isinstance(d, int) and d] == [30]
    assert await count(ctx) == (60, 60)
