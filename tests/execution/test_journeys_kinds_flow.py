"""Steps that steer the journey: loops, gates, other journeys, the end; and cycles without a loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tests.execution.cast import speak
from tests.execution.journeys_cast import step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.execution.journeys.live.gate import turns_of
from antiphon.execution.journeys.model import Again
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

MINUTE = 60_000_000


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


async def test_a_loop_goes_back_so_often_and_says_it_each_time(on: Scene) -> None:
    plan = await on.journey(
        step("hello", "message", {"next": "rest"}, channel="parrot", topic="news", content=TEXT),
        step("rest", "wait", {"next": "back"}, seconds=60),
        step("back", "loop", {"again": "hello", "done": "done"}, times=2), step("done", "end", reason="done"),
    )  # fmt: skip
    await on.enter(plan, 1)
    for _ in range(3):
        await on.go(minutes=1)
    assert await on.over() == {1: "done"}
    assert [did for number, did in await on.way(1) if number == 2] == ["again", "again", "done"]
    await speak(on.ctx)
    assert on.parrot.heard == ["p1@example.com"] * 3
    keys = [row["intent_key"].rsplit(".", 1)[1] for row in await on.rows("select intent_key from delivery order by id")]
    assert keys == ["0", "1", "2"]


async def test_a_loop_in_a_loop_counts_anew(on: Scene) -> None:
    plan = await on.journey(step("inner", "loop", {"again": "inner", "done": "outer"}, times=2),
                            step("outer", "loop", {"again": "inner", "done": "done"}, times=1), step("done", "end", reason="done"))  # fmt: skip
    await on.enter(plan, 1)
    assert [did for number, did in await on.way(1) if number == 0] == ["again", "again", "done"] * 2
    assert await on.over() == {1: "done"}


async def test_a_way_back_without_a_loop_is_a_turn_too(on: Scene) -> None:
    await on.know(plan="text")
    plan = await on.journey(
        step("hello", "message", {"next": "rest"}, channel="parrot", topic="news", content=TEXT),
        step("rest", "wait", {"next": "ask"}, seconds=60),
        step("ask", "condition", {"no": "hello"}, condition={"kind": "trait", "trait": "plan", "op": "set"}),
    )  # fmt: skip
    await on.enter(plan, 1)
    await on.go(minutes=1)
    await on.go(minutes=1)
    assert len(await on.rows("select 1 from delivery")) == 3
    await on.do("""update profile set traits = '{"plan": "gold"}' where id = 1""")
    await on.go(minutes=1)
    assert await on.over() == {1: "finished"}


async def test_a_gate_lets_so_many_through(on: Scene) -> None:
    plan = await on.journey(step("gate", "gate", {"next": "on"}, most=2, seconds=60), step("on", "end", reason="on"))
    await on.enter(plan, 1, 2, 3, 4, 5)
    assert len(await on.over()) == 2
    await on.go(seconds=59)
    assert len(await on.over()) == 2
    await on.enter(plan, 6)
    await on.go(seconds=1)
    assert len(await on.over()) == 4
    await on.go(minutes=1)
    assert len(await on.over()) == 6


async def test_whoever_was_kept_back_meanwhile_passes_no_faster(on: Scene) -> None:
    """Turns come while nobody is moved: a paused journey, a process that is away. All pass, in their order, two a minute."""
    plan = await on.journey(step("gate", "gate", {"next": "on"}, most=2, seconds=60), step("on", "end", reason="on"))
    await on.enter(plan, 1, 2, 3, 4, 5, 6)
    await on.do("update journey set state = 'paused'")
    await on.go(seconds=3600)
    await on.do("update journey set state = 'live'")
    gone = []
    for _ in range(5):
        await on.go(seconds=30)
        gone.append(sorted(await on.over()))
    assert gone == [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]


async def test_two_processes_at_one_gate(on: Scene) -> None:
    """Whoever gives turns holds the gate: of two at once the other gives later ones."""
    from tests.execution.journeys_cast import ids

    from antiphon.execution.journeys.contract import Here
    from antiphon.execution.journeys.engine import begin
    from antiphon.execution.journeys.live import Live
    from antiphon.foundation.postgres.binary import micros

    plan = await on.journey(step("gate", "gate", {"next": "on"}, most=3, seconds=60), step("on", "end"))
    now = micros(on.clock.now())

    async def one(first: int) -> list[int]:
        async with on.ctx.db.transaction() as conn:
            people = begin(plan, ids(*range(first, first + 4)), ids(*range(first, first + 4)), ids(*[now] * 4), [None] * 4)
            world = Live(on.ctx, conn, plan, on.clock.now())
            turns = await world.take_turns(Here(plan, 0, people, np.arange(4), world), np.arange(4), 3, 60)
            await asyncio.sleep(0.05)
            return [(one - now) // MINUTE for one in turns.tolist()]

    given_turns = await asyncio.gather(*(one(first) for first in (1, 11, 21)))
    assert sorted(turn for turns in given_turns for turn in turns) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


@given(
    st.lists(st.lists(st.integers(0, 300), max_size=12), max_size=6), st.integers(1, 5), st.integers(1, 60), st.integers(1, 5),
)  # fmt: skip
def test_no_stretch_sees_more_than_the_most(visits: list[list[int]], most: int, length: int, wider: int) -> None:
    kept: list[list[int]] = []
    passes: list[int] = []
    clock = 0
    for group in visits:
        at = np.sort(np.array(group, dtype=np.int64) + clock)
        clock = int(at.max(initial=clock))
        found, kept = turns_of(kept, at, most, length)
        assert (found >= at).all()
        passes += found.tolist()
        assert sum(many for _, many in kept) <= most
    passes.sort()
    assert all(after - before >= length for before, after in zip(passes, passes[most:], strict=False))
    late, kept = turns_of(kept, np.full(wider, clock + 10_000), most + wider, length)
    assert (late == clock + 10_000).all()  # a gate that has been made wider, long after


async def test_other_journeys_are_started_stopped_and_jumped_to(on: Scene) -> None:
    other = await on.journey(step("rest", "wait", seconds=3600))
    start = await on.journey(step("start", "start_journey", {"next": "rest"}, journey_id=other.journey_id), step("rest", "wait", seconds=60),
                             again=Again(rule="always"))  # fmt: skip
    await on.enter(start, 1, 2, memory={"entry": {"a": 1}})
    rows = await on.rows("select profile_id, memory from journey_run where journey_id = %s order by 1", other.journey_id)
    assert [(row["profile_id"], row["memory"]) for row in rows] == [
        (1, {"entry": {"a": 1}, "begun": 1}), (2, {"entry": {"a": 1}, "begun": 1})
    ]
    assert (await on.told(1))[0]["w"] == {"journey": other.journey_id, "entered": True}
    jump = await on.journey(step("jump", "jump", {"refused": "no"}, journey_id=other.journey_id), step("no", "end", reason="refused"))
    await on.enter(jump, 1, 3)
    assert {row["profile_id"]: row["reason"] for row in await on.rows(
        "select profile_id, reason from journey_past where journey_id = %s", jump.journey_id)} == {1: "refused", 3: "jumped"}  # fmt: skip
    stop = await on.journey(step("stop", "stop_journey", journey_id=other.journey_id))
    await on.enter(stop, 1, 3)
    assert {row["profile_id"]: row["reason"] for row in await on.rows(
        "select profile_id, reason from journey_past where journey_id = %s", other.journey_id)} == {1: "stopped", 3: "stopped"}  # fmt: skip
    gone = await on.journey(step("jump", "jump", {"refused": "no"}, journey_id=999_999), step("no", "end", reason="refused"))
    await on.enter(gone, 4)
    assert (await on.over())[4] == "refused"


async def test_an_end_has_a_reason(on: Scene) -> None:
    await on.enter(await on.journey(step("end", "end", reason="bored")), 1)
    assert await on.over() == {1: "bored"}
