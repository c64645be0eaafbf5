"""The live engine on PostgreSQL: people come in, wait, part ways, hear, and leave."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.execution.cast import stage
from tests.execution.journeys_cast import (
    GOLD,
    Small,
    add_journey,
    add_people,
    did,
    history,
    ids,
    inside,
    numbers,
    past,
    step,
    tick,
)

from antiphon.awareness.events import EventMatch, Journal
from antiphon.awareness.events.room import ROOM as EVENTS
from antiphon.execution.journeys import hearing, ticking
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.model import Again, Definition, EventEntry, ExitRule, Goal
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres.binary import micros

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


async def test_a_paused_journey_keeps_its_people_and_what_they_did(ctx: Context, clock: VirtualClock) -> None:
    definition = welcome(exits=[ExitRule(reason="angry", event=EventMatch(event="Complained"))])
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await add_journey(conn, definition, clock.now() - HOUR)
        await did(ctx, conn, (1, "Joined"), (2, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        await conn.execute("update journey set state = 'paused'")
        clock.advance(timedelta(seconds=1))
        await did(ctx, conn, (2, "Complained"), (3, "Joined"))
    clock.advance(2 * HOUR)
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 0), (2, 0)]
        await conn.execute("update journey set state = 'live'")
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == []
        assert await past(conn) == [(1, "finished"), (2, "angry")]
        assert (await (await conn.execute("select count(*) from journey_heard")).fetchone()) == (0,)


async def test_a_journey_that_fails_is_paused_and_the_others_go_on(
    ctx: Context, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Small):
        async def holds(self, tree: Any, profiles: Any, at: Any) -> Any:
            if tree.trait == "broken":
                raise RuntimeError("a plug-in's mistake")
            return await super().holds(tree, profiles, at)

    monkeypatch.setattr(ticking, "world_of", Broken)
    broken = Definition(
        start="ask", steps=[step("ask", "condition", condition=GOLD | {"trait": "broken"})],
        entries=[EventEntry(match=EventMatch(event="Joined"))],
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        first = await add_journey(conn, broken, clock.now())
        await add_journey(conn, welcome(), clock.now())
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(1, 0)]
        rows = await (await conn.execute("select id, state, held_reason from journey order by id")).fetchall()
        assert rows == [(first.journey_id, "paused", "step-failed"), (first.journey_id + 1, "live", None)]


async def test_a_finished_journey_lets_nobody_in_and_ends_when_empty(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        await add_journey(conn, welcome(), clock.now())
        await did(ctx, conn, (2, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        await conn.execute("update journey set state = 'finished', finished_at = %s", (clock.now(),))
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == [(2, 0)]
        assert (await (await conn.execute("select emptied_at from journey")).fetchone()) == (None,)
    for _ in range(2):
        clock.advance(4 * HOUR)
        await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await past(conn) == [(2, "finished")]
        assert (await (await conn.execute("select emptied_at from journey")).fetchone()) == (clock.now(),)
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert await inside(conn) == []
        assert (await (await conn.execute("select count(*) from journey_heard")).fetchone()) == (0,)


async def test_holdout_keys_and_exclusion(ctx: Context, clock: VirtualClock) -> None:
    held = welcome(holdout_percent=50, goal=Goal(event=EventMatch(event="Paid"), value="total"))
    order = EventEntry(match=EventMatch(event="Ordered"))
    keyed = Definition(start="w", steps=[step("w", "wait", seconds=60)], entries=[order], again=Again(rule="key", key=["order"], at_once=9))
    first = Definition(start="w", steps=[step("w", "wait", seconds=60)], entries=[EventEntry(match=EventMatch(event="A"))],
                       exclusive="one", priority=5)  # fmt: skip
    second = Definition(start="w", steps=[step("w", "wait", seconds=60)], entries=[EventEntry(match=EventMatch(event="B"))],
                        exclusive="one", priority=2, displaces=True)  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_people(conn, 40)
        plans = [await add_journey(conn, one, clock.now() - HOUR) for one in (held, keyed, first, second)]
        await did(ctx, conn, *((n, "Joined") for n in range(1, 41)), ago=60)
        await did(ctx, conn, *((n, "Paid", {"total": 3}) for n in range(1, 41)), ago=50)
        await did(ctx, conn, (1, "Ordered", {"order": 7}), (1, "Ordered", {"order": 7}), (1, "Ordered", {"order": 8}), (1, "Ordered"))
        await did(ctx, conn, (1, "A"), (2, "B"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        rows = await (await conn.execute(
            "select reason, converted, value::int, count(*)::int from journey_past where journey_id = %s group by 1, 2, 3 order by 1",
            (plans[0].journey_id,),
        )).fetchall()  # fmt: skip
        assert [row[:3] for row in rows] == [("goal", True, 3), ("holdout", True, 3)]
        assert sum(row[3] for row in rows) == 40 and all(row[3] > 8 for row in rows)
        rows = await (await conn.execute("select key from journey_run where journey_id = %s order by 1", (plans[1].journey_id,))).fetchall()
        assert rows == [("7",), ("8",)]
        await did(ctx, conn, (1, "B"), (2, "A"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select journey_id, profile_id from journey_run where journey_id > %s order by 1, 2", (plans[1].journey_id,)
        )).fetchall()  # fmt: skip
        assert rows == [(plans[3].journey_id, 1), (plans[3].journey_id, 2)]
        assert (1, "displaced") in await past(conn)
        assert (await numbers(conn))[(-1, "exclusive", "refused")] == 1


async def test_a_version_whose_kinds_are_gone_is_held_with_the_reason(ctx: Context, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        plan = await add_journey(conn, welcome(), clock.now())
        await conn.execute(
            "update journey_version set definition = replace(definition::text, '\"wait\"', '\"acme_wait\"')::jsonb where id = %s",
            (plan.version_id,),
        )
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.connection() as conn:
        assert (await (await conn.execute("select state, held_reason from journey")).fetchone()) == ("paused", "step-kind-unknown")
        row = await (await conn.execute("select action, who_kind from audit where subject like 'journey:%'")).fetchone()
        assert row is not None and row[0] == "journeys.pause"


async def test_many_doors_at_once_let_each_in_once(ctx: Context, clock: VirtualClock) -> None:
    """The API from several sides, and what people do, all at the same time."""
    async with ctx.db.transaction() as conn:
        await add_people(conn, 60)
        plan = await add_journey(conn, welcome(), clock.now())
        await did(ctx, conn, *((n, "Joined") for n in range(1, 61)))
    people = ids(*range(1, 61))
    at = np.full(60, micros(clock.now()), dtype=np.int64)

    async def call() -> int:
        async with ctx.db.transaction() as conn:
            return len((await enrol(ctx, conn, plan, people, [""] * 60, at, [None] * 60)).entered)

    entered = await asyncio.gather(*(call() for _ in range(4)), tick(ctx), *(call() for _ in range(2)))
    async with ctx.db.connection() as conn:
        assert [one for one, _ in await inside(conn)] == list(range(1, 61))
        assert (await numbers(conn))[(-1, "entered", "entered")] == 60
    assert sum(one or 0 for one in entered) in (0, 60)
