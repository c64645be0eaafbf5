"""The live engine on PostgreSQL: people come in, wait, part ways, hear, and leave."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import stage
from tests.execution.journeys_cast import (
    GOLD,
    Small,
    add_journey,
    add_people,
    did,
    history,
    inside,
    numbers,
    past,
    step,
    tick,
)

from antiphon.awareness.events import EventMatch, Journal
from antiphon.awareness.events.room import ROOM as EVENTS
from antiphon.execution.journeys import hearing, ticking
from antiphon.execution.journeys.model import Again, Definition, EventEntry, ExitRule, Goal
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "world_of", Small)


def welcome(**more: Any) -> Definition:
    steps = [
        step("pause", "wait", {"next": "gold"}, seconds=3600),
        step("gold", "condition", {"yes": "thanks"}, condition=GOLD),
        step("thanks", "wait", seconds=7200),
    ]
    return Definition(start="pause", steps=steps, entries=[EventEntry(match=EventMatch(event="Joined"))], **more)


async def test_from_an_event_to_the_end(ctx: Context, clock: VirtualClock) -> None:
    """Through the journal and intake, as in life."""
    async with stage(ctx):
        async with ctx.db.transaction() as conn:
            await add_people(conn, 3)
            plan = await add_journey(conn, welcome(), clock.now())
            await hearing.begin_hearing(ctx, conn, plan.journey_id)
        calls = [{"type": "track", "userId": f"u{n}", "event": "Joined", "messageId": f"m{n}", "properties": {"from": "web"}}
                 for n in (1, 2)]  # fmt: skip
        async with ctx.get(Journal).transaction() as journal:
            await journal.append([(1, None, json.dumps(call).encode()) for call in calls])
        intake = next(loop for loop in EVENTS.loops if loop.name == "intake")
        loops = [intake, hearing.LOOP, ticking.LOOP]
        await run_until_idle(ctx, loops)
        async with ctx.db.connection() as conn:
            assert await inside(conn) == [(1, 0), (2, 0)]
            row = await (await conn.execute("select memory, entered_at, wake_at from journey_run where profile_id = 1")).fetchone()
            assert row is not None and row[0] == {"entry": {"from": "web"}}
            assert row[2] == clock.now() + HOUR
        clock.advance(HOUR)
        await run_until_idle(ctx, loops)
        async with ctx.db.connection() as conn:
            assert await inside(conn) == [(2, 2)]
            assert await past(conn) == [(1, "finished")]
        clock.advance(2 * HOUR)
        await run_until_idle(ctx, loops)
        async with ctx.db.connection() as conn:
            assert await inside(conn) == []
            assert await past(conn) == [(1, "finished"), (2, "finished")]
            assert await history(conn, 2) == [
                [(0, "rest", "rests")], [(0, "next", "went"), (1, "yes", "went"), (2, "rest", "rests")], [(2, "next", "went")],
            ]  # fmt: skip
            assert await numbers(conn) == {
                (-1, "entered", "entered"): 2, (0, "rest", "rests"): 2, (0, "next", "went"): 2, (1, "yes", "went"): 1,
                (1, "no", "went"): 1, (2, "rest", "rests"): 1, (2, "next", "went"): 1,
            }  # fmt: skip


async def test_once_means_once(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
        await add_journey(conn, welcome(), clock.now())
        await did(ctx, conn, (1, "Joined"), (1, "Joined"), (2, "Joined"))
    await tick(ctx)
    clock.advance(4 * HOUR)
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await did(ctx, conn, (1, "Joined"), (3, "Joined"))  # nobody is called 3
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(2, 2)]
        assert await past(conn) == [(1, "finished")]
        found = await numbers(conn)
        assert found[(-1, "again", "refused")] == 2 and found[(-1, "unknown", "refused")] == 1


async def test_goal_exit_and_the_order_of_things(ctx: Context, clock: VirtualClock) -> None:
    """What was done before they came does not count, what was done after does, though all is heard at once."""
    definition = welcome(
        goal=Goal(event=EventMatch(event="Paid"), value="total"),
        exits=[ExitRule(reason="angry", event=EventMatch(event="Complained"))], again=Again(rule="always"),
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_people(conn, 4)
        await add_journey(conn, definition, clock.now() - HOUR)
        await did(ctx, conn, (1, "Paid"), (1, "Joined"), (2, "Joined"), (2, "Paid", {"total": 12.5}), (3, "Joined"), (3, "Complained"),
                  (3, "Joined"), ago=60)  # fmt: skip
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 0), (3, 0)]
        rows = await (await conn.execute("select profile_id, reason, converted, value from journey_past order by 1")).fetchall()
        assert [(one[0], one[1], one[2], None if one[3] is None else float(one[3])) for one in rows] == [
            (2, "goal", True, 12.5), (3, "angry", False, None),
        ]  # fmt: skip
        row = await (await conn.execute("select entered_at, wake_at from journey_run where profile_id = 1")).fetchone()
        assert row is not None and row[0] < clock.now() - timedelta(seconds=59) and row[1] == clock.now() + HOUR
