"""Journeys that send people into each other in the same tick: by a key, by jumps, within a set of which one is taken at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.journeys_cast import did, step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.journeys.chain import MOST
from antiphon.execution.journeys.hearing import LOOP as HEAR
from antiphon.execution.journeys.model import Again, EventEntry
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle

ALWAYS = Again(rule="always")
INTAKE = EVENTS[0]


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


def entered_by(name: str, **more: Any) -> dict[str, Any]:
    return {"entries": [EventEntry(match=EventMatch(event=name))], "again": ALWAYS} | more


async def test_a_key_is_the_same_whatever_the_way_in(on: Scene) -> None:
    """Once for each order: by the event, or sent by another journey."""
    order = entered_by("Ordered", again=Again(rule="key", key=["order"], at_once=5))
    paid = await on.journey(step("rest", "wait", seconds=60), **order)
    sends = await on.journey(step("go", "start_journey", journey_id=paid.journey_id))
    async with on.ctx.db.transaction() as conn:
        await did(on.ctx, conn, (1, "Ordered", {"order": "A-7"}))
    await on.go()
    await on.enter(sends, 1, 2, memory={"entry": {"order": "A-7"}})
    rows = await on.rows("select profile_id, key from journey_run order by 1")
    assert [(row["profile_id"], row["key"]) for row in rows] == [(1, "A-7"), (2, "A-7")]
    assert [one["w"]["entered"] for one in await on.told(1) if "entered" in (one.get("w") or {})] == [False]


@pytest.mark.parametrize("priority", [3, 5, 7])
async def test_a_jump_is_not_kept_out_by_the_journey_it_leaves(on: Scene, priority: int) -> None:
    other = await on.journey(step("rest", "wait", seconds=60), exclusive="offers", priority=priority, displaces=True)
    first = await on.journey(step("go", "jump", {"refused": "no"}, journey_id=other.journey_id), step("no", "end", reason="no"),
                             exclusive="offers")  # fmt: skip
    await on.enter(first, 1)
    await on.go()
    assert await on.over() == {1: "jumped"}
    assert [(one["d"], one["h"]) for one in await on.told(1)] == [("jumped", "left"), ("rest", "rests")]
    assert (await on.rows("select version_id from journey_run")) == [{"version_id": other.version_id}]


async def test_a_journey_may_begin_itself_anew_and_once_means_once(on: Scene) -> None:
    for again, passages in ((ALWAYS, 2), (Again(rule="once"), 1)):
        plan = await on.journey(
            step("rest", "wait", {"next": "back"}, seconds=60), step("back", "jump", {"refused": "no"}, journey_id=0),
            step("no", "end", reason="no"), again=again,
        )
        await on.do("update journey_version set definition = jsonb_set(definition, '{steps,1,settings,journey_id}', %s::jsonb) where id = %s",
                    json.dumps(plan.journey_id), plan.version_id)  # fmt: skip
        await on.enter(plan, 1)
        await on.go(seconds=60)
        await on.go()
        rows = await on.rows("select id from journey_run where journey_id = %s union all select run_id from journey_past where journey_id = %s",
                             plan.journey_id, plan.journey_id)  # fmt: skip
        assert len(rows) == passages
        (over,) = await on.rows("select reason from journey_past where journey_id = %s", plan.journey_id)
        assert over["reason"] == ("jumped" if passages == 2 else "no")


async def test_who_is_displaced_by_what_a_step_began_is_told_nothing_more(on: Scene) -> None:
    """The step before a message sends people into a journey that ends this one."""
    urgent = await on.journey(step("rest", "wait", seconds=60), exclusive="offers", priority=1, displaces=True)
    usual = await on.journey(
        step("go", "start_journey", {"next": "say"}, journey_id=urgent.journey_id),
        step("say", "message", channel="parrot", topic="news", content=TEXT), exclusive="offers",
    )  # fmt: skip
    await on.enter(usual, 1, 2)
    await on.go()
    assert await on.over() == {1: "displaced", 2: "displaced"}
    assert await on.rows("select 1 from delivery") == []
    assert [(one["s"], one["d"], one["h"]) for one in await on.told(1)][:2] == [(0, "next", "went"), (1, "displaced", "left")]
    counted = await on.rows("select did, sum(people)::int as people from journey_count where version_id = %s and how = 'left' group by 1",
                            usual.version_id)  # fmt: skip
    assert counted == [{"did": "displaced", "people": 2}]
    assert await on.where() == {1: 0, 2: 0}


async def a_while(on: Scene) -> None:
    """What was raised goes its whole way: into the journal, understood, heard."""
    await on.raised()
    await run_until_idle(on.ctx, [INTAKE, HEAR])
    await on.go(seconds=1)


async def test_journeys_that_raise_each_others_events_end_at_the_limit_with_the_reason(on: Scene) -> None:
    """Two that no check has seen: everybody goes round so often as is allowed, and the reason is in their history."""
    await on.journey(step("say", "raise_event", event="Ping"), **entered_by("Pong"))
    ping = await on.journey(step("say", "raise_event", event="Pong"), **entered_by("Ping"))
    await on.enter(ping, 1, 2)
    for _ in range(MOST + 5):
        await a_while(on)
    assert await on.where() == {}
    rows = await on.rows("select profile_id, count(*)::int as passages from journey_past group by 1 order by 1")
    assert [(row["profile_id"], row["passages"]) for row in rows] == [(1, MOST + 1), (2, MOST + 1)]
    assert (await on.told(1))[-1]["w"] == {"reason": "in_circles"}
    assert await on.rows("select 1 from journey_outgoing") == []


async def test_a_journey_that_waits_for_what_it_raises_ends_at_the_limit(on: Scene) -> None:
    steps = [
        step("wait", "wait_event", {"happened": "say"}, match={"event": "Ping"}), step("say", "raise_event", {"next": "wait"}, event="Ping"),
    ]
    plan = await on.journey(*steps)
    await on.enter(plan, 1)
    await on.go(seconds=1)
    async with on.ctx.db.transaction() as conn:
        await did(on.ctx, conn, (1, "Ping"))
    await on.go(seconds=1)
    for _ in range(MOST + 5):
        await a_while(on)
    told = await on.told(1)
    assert [one["d"] for one in told].count("happened") == MOST + 1
    assert [one.get("w") for one in told if one["d"] == "next"][-1] == {"reason": "in_circles"}
    assert await on.where() == {1: 0}


async def test_who_has_waited_may_hear_again_what_a_journey_raised(on: Scene) -> None:
    """With a wait in the circle it goes on for ever, as it should."""
    await on.journey(step("rest", "wait", {"next": "say"}, seconds=60), step("say", "raise_event", event="Ping"), **entered_by("Pong"))
    ping = await on.journey(step("say", "raise_event", event="Pong"), **entered_by("Ping"))
    await on.enter(ping, 1)
    for _ in range(MOST + 3):
        await a_while(on)
        await on.go(seconds=60)
    (row,) = await on.rows("select count(*)::int as passages from journey_past where profile_id = 1")
    assert row["passages"] > MOST + 1
    assert not [one for one in await on.told(1) if (one.get("w") or {}).get("reason")]
