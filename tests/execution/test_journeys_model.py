"""Random journeys, people, events and jumps of the clock: the live engine on PostgreSQL and a naive one tell the same histories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.journeys_cast import GOLD, Small, add_journey, add_people, step
from tests.execution.journeys_naive import Naive, Told

from antiphon.awareness.events import EventMatch, ReadEvent
from antiphon.execution.journeys import ticking
from antiphon.execution.journeys.hearing import put_heard
from antiphon.execution.journeys.model import Again, Definition, EventEntry, ExitRule, Goal, Step
from antiphon.execution.journeys.ticking import LOOP
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres.binary import from_micros, micros

pytestmark = pytest.mark.store
PEOPLE = 3
NAMES = ["Joined", "Clicked", "Paid", "Complained"]
TABLES = "journey_run, journey_past, journey_history, journey_count, journey_heard"


@dataclass
class Play:
    """A journey, and what happens: (person, name) does something, a number of seconds passes, or the engine ticks (None)."""

    definition: Definition
    acts: list[tuple[int, str] | float | None]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    count = draw(st.integers(2, 6))
    keys = [f"s{n}" for n in range(count)]
    steps: list[Step] = []
    for n, key in enumerate(keys):
        kind = draw(st.sampled_from(["wait_event", "wait", "condition", "split", "loop", "wait_event"]))
        anywhere, later = st.sampled_from([*keys, *keys, ""]), st.sampled_from([*keys[n + 1 :], *keys[n + 1 :], ""])
        about: dict[str, Any]
        match kind:
            case "wait":
                about, exits = {"seconds": draw(st.sampled_from([1, 60, 3600]))}, {"next": anywhere}
            case "wait_event":
                about, exits = {"match": {"event": draw(st.sampled_from(NAMES))}}, {"happened": anywhere, "timeout": anywhere}
                if draw(st.booleans()):
                    about["timeout_seconds"] = draw(st.sampled_from([30, 600]))
            case "condition":
                about, exits = {"condition": GOLD}, {"yes": later, "no": later}
            case "split":
                about = {"parts": [{"key": "a", "share": draw(st.integers(1, 3))}, {"key": "b", "share": draw(st.integers(0, 3))}]}
                exits = {"a": later, "b": later}
            case _:
                about, exits = {"times": draw(st.integers(1, 3))}, {"again": anywhere, "done": later}
        onward = {name: to for name, leads in exits.items() if (to := draw(leads))}
        steps.append(step(key, kind, onward, **about))
    again = draw(st.sampled_from([
        Again(), Again(rule="always", at_once=2), Again(rule="always"), Again(rule="period", period_seconds=100, at_once=2),
    ]))  # fmt: skip
    goal = draw(st.none() | st.booleans().map(lambda ends: Goal(event=EventMatch(event="Paid"), ends=ends)))
    exits_on = [ExitRule(reason="angry", event=EventMatch(event="Complained"))] if draw(st.booleans()) else []
    entries = [EventEntry(match=EventMatch(event=name)) for name in draw(st.sampled_from([["Joined"], ["Joined", "Clicked"]]))]
    return Definition(start="s0", steps=steps, entries=list(entries), again=again, goal=goal, exits=exits_on)


ACTS: list[tuple[int, str] | float | None] = [
    *((person, name) for person in range(1, PEOPLE + 1) for name in NAMES), 0.001, 1.0, 29.0, 29.0, 60.0, 600.0, 3600.0, *[None] * 8,
]  # fmt: skip
acts = st.lists(st.sampled_from(ACTS), min_size=20, max_size=60)


async def prepared(ctx: Context, definition: Definition) -> int:
    async with ctx.db.transaction() as conn:
        await conn.execute(f"truncate {TABLES}")
        await conn.execute("update journey set state = 'archived'")
        if (await (await conn.execute("select 1 from profile limit 1")).fetchone()) is None:
            await add_people(conn, PEOPLE)
        return (await add_journey(conn, definition, ctx.clock.now())).journey_id


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(play=st.builds(Play, definitions(), acts))
async def test_the_live_engine_tells_what_the_naive_one_tells(
    ctx: Context, clock: VirtualClock, play: Play
) -> None:
    before, ticking.world_of = ticking.world_of, Small  # type: ignore[assignment]
    try:
        await prepared(ctx, play.definition)
        naive = Naive(play.definition, lambda person: person % 2 == 0, lambda person: person % 10 / 10)
        seq = 0
        for act in [*((one, "Joined") for one in range(1, PEOPLE + 1)), *play.acts, None, 86_400.0, None]:
            now = micros(clock.now())
            match act:
                case None:
                    await run_until_idle(ctx, [LOOP])
                    naive.tick(now)
                case (person, name):
                    seq += 1
                    naive.do(person, name, now)
                    async with ctx.db.transaction() as conn:
                        await put_heard(conn, [ReadEvent(1, seq, clock.now(), clock.now(), person, "track", name, "{}")])
                case seconds:
                    clock.advance(timedelta(seconds=seconds))
        await compare(ctx, naive)
    finally:
        ticking.world_of = before


async def compare(ctx: Context, naive: Naive) -> None:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, step, wake_at from journey_run")).fetchall()
        assert sorted(((who, at, None if wake is None else micros(wake)) for who, at, wake in rows), key=repr) == naive.inside()
        rows = await (await conn.execute("select profile_id, reason, converted from journey_past")).fetchall()
        assert sorted(rows) == naive.past()
        rows = await (await conn.execute(
            "select h.profile_id, h.run_id, h.at, h.path from journey_history h order by run_id, at, n"
        )).fetchall()  # fmt: skip
        told: dict[int, dict[int, list[tuple[int, list[Told]]]]] = {}
        for who, run, at, path in rows:
            told.setdefault(who, {}).setdefault(run, []).append((micros(at), [(one["s"], one["d"], one["h"]) for one in path]))
        assert {who: list(runs.values()) for who, runs in told.items()} == naive.histories()
        rows = await (await conn.execute("select step, did, how, sum(people)::int from journey_count where step >= 0 group by 1, 2, 3")).fetchall()
        counted: dict[Told, int] = {}
        for passages in naive.histories().values():
            for one in (told for moves in passages for _, path in moves for told in path):
                counted[one] = counted.get(one, 0) + 1
        assert {(at, did, how): people for at, did, how, people in rows} == counted


def test_instants_are_the_same_in_both() -> None:
    assert from_micros(micros(from_micros(7))) == from_micros(7)
