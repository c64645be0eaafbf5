"""Events that proved to be something else are so wherever they are kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from antiphon.awareness.events import Renaming, compact, event_relation, move_events, rename_events
from antiphon.awareness.events.corrections import LOOPS
from antiphon.awareness.events.journal import INTERNAL, Journal, open_journal
from antiphon.awareness.events.loops import intake
from antiphon.awareness.events.upkeep import ensure_days, flush_inlined
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import Loop, run_until_idle

pytestmark = pytest.mark.store
OPENED, MACHINE = "Email Opened", "Email Opened By Machine"
ROW = (
    "insert into event (lane, seq, received_at, ts, profile_id, name, kind, message_id, source_id, properties)"
    " values (0, %s, %s, %s, %s, %s, 'track', %s, %s, '{}')"
)


async def write(ctx: Context, seq: int, profile: int, message: str, *, days: float = 0, source: int = 0, name: str = OPENED) -> None:
    async with ctx.db.transaction() as conn:
        now = ctx.clock.now()
        await ensure_days(conn, now.date())
        await conn.execute(ROW, (seq, now, now - timedelta(days=days), profile, name, message, source))


async def ask(ctx: Context, profile: int, *messages: str) -> None:
    async with ctx.db.transaction() as conn:
        await rename_events(conn, [Renaming(profile, OPENED, MACHINE, messages)], ctx.clock.now())


async def everywhere(ctx: Context) -> list[dict[str, str]]:
    """The name of each message's event in PostgreSQL, in the two tables of the lake, and as readers see it."""
    async with ctx.db.connection() as conn:
        hot = dict(await (await conn.execute("select message_id, name from event")).fetchall())
    cold = [dict(await ctx.lake.run(f"select message_id, name from lake.{table}")) for table in ("event", "event_by_profile")]
    return [hot, *cold, dict(await ctx.lake.run(f"select message_id, name from {event_relation(['message_id', 'name'])}"))]


async def waiting(ctx: Context) -> int:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select count(*) from event_correction")).fetchone()
    assert row is not None
    return int(row[0])


async def test_hot_and_cold_alike_also_of_a_month_that_was_compacted(ctx: Context, lake: LakeClient) -> None:
    for n in range(1, 40):
        await write(ctx, n, 1 + n % 3, f"m{n}", days=60 if n % 2 else 0)
        if n in (5, 20, 30):
            assert await move_events(ctx)
    for table in ("event", "event_by_profile"):
        await flush_inlined(ctx)
        await compact(ctx, table)
    await ask(ctx, 2, "m1", "m4", "m37")  # of an old month, of this, and hot alone
    await run_until_idle(ctx, LOOPS)
    hot, cold, by_profile, seen = await everywhere(ctx)
    machines = {"m1", "m4", "m37"}
    assert len(seen) == len(hot) == 39 and len(cold) == len(by_profile) == 30
    for kept in (hot, cold, by_profile, seen):
        assert {message for message, name in kept.items() if name == MACHINE} == machines & kept.keys()
        assert {name for message, name in kept.items() if message not in machines} == {OPENED}
    await move_events(ctx)
    assert {message for message, name in (await everywhere(ctx))[3].items() if name == MACHINE} == machines
    assert await waiting(ctx) == 0


async def test_it_is_theirs_under_any_id_and_nobody_elses(ctx: Context, lake: LakeClient) -> None:
    for seq, (profile, message, source) in enumerate([(1, "m", 0), (2, "m", 0), (3, "m", 0), (1, "m", 7), (1, "other", 0)], 1):
        await write(ctx, seq, profile, message, source=source)
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into profile (id) values (1), (2), (3)")
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 'test')")
    await move_events(ctx)
    await ask(ctx, 2, "m")
    await run_until_idle(ctx, LOOPS)
    said = await ctx.lake.run(f"select seq, name from {event_relation(['seq', 'name'])} order by seq")
    assert [name for _, name in said] == [MACHINE, MACHINE, OPENED, OPENED, OPENED]


async def test_an_event_that_is_not_understood_yet_is_waited_for(ctx: Context, lake: LakeClient, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await conn.execute("insert into profile (id) values (1)")
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        said = b'{"type":"track","event":"Email Opened","messageId":"m1","profileId":1}'
        async with journal.transaction() as lane:
            await lane.append([(INTERNAL, clock.now(), said)])
        clock.advance(timedelta(seconds=1))
        await ask(ctx, 1, "m1")
        await run_until_idle(ctx, LOOPS)
        assert await waiting(ctx) == 1
        await run_until_idle(ctx, [Loop("intake", intake, interval=1, buckets=64)])
        await run_until_idle(ctx, LOOPS)
    assert (await everywhere(ctx))[3] == {"m1": MACHINE} and await waiting(ctx) == 0


async def test_a_mover_that_read_them_before_moves_nothing(ctx: Context, lake: LakeClient) -> None:
    for n in range(1, 200):
        await write(ctx, n, 1, f"m{n}")
    await ask(ctx, 1, *(f"m{n}" for n in range(1, 200, 2)))

    async def moving() -> None:
        for _ in range(10):
            try:
                await move_events(ctx, batch=25)
            except Exception:
                await asyncio.sleep(0.01)

    await asyncio.gather(moving(), run_until_idle(ctx, LOOPS))
    while await move_events(ctx):
        pass
    names: dict[Any, str] = (await everywhere(ctx))[1]
    assert all(name == (MACHINE if int(message[1:]) % 2 else OPENED) for message, name in names.items()) and len(names) == 199
    assert await waiting(ctx) == 0


