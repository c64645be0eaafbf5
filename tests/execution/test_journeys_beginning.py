"""Journeys that begin each other without a wait: found before they go live, and stopped at a limit where no check could see it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.execution.journeys_cast import step
from tests.execution.journeys_stage import Scene, scene

from antiphon.awareness.events import EventMatch
from antiphon.execution.journeys import publishing, service
from antiphon.execution.journeys.beginning import Other, circles_of_journeys
from antiphon.execution.journeys.chain import MOST
from antiphon.execution.journeys.errors import JourneyInvalid
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Again, ApiEntry, Definition, EventEntry, Step
from antiphon.execution.journeys.shown import Stay
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
ALWAYS = Again(rule="always")


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


def of(*steps: Step, **more: Any) -> Definition:
    usual: dict[str, Any] = {"again": ALWAYS, "entries": [ApiEntry()]}
    return Definition(start=steps[0].key, steps=list(steps), **usual | more)


def found(definition: Definition, *others: Definition) -> list[tuple[str, str, str]]:
    rest = [Other(n, f"journey {n}", one) for n, one in enumerate(others, start=2)]
    findings = circles_of_journeys(definition, installed(), rest, 1, "mine")
    return [(one.level, one.step, str(one.params["journeys"])) for one in findings]


def test_a_circle_of_two_and_of_three_is_an_error() -> None:
    two = of(step("go", "start_journey", journey_id=2))
    assert found(two, of(step("back", "jump", journey_id=1))) == [("error", "go", "mine (1) → journey 2 (2) → mine (1)")]
    three = found(two, of(step("on", "start_journey", journey_id=3)), of(step("back", "jump", journey_id=1)))
    assert three == [("error", "go", "mine (1) → journey 2 (2) → journey 3 (3) → mine (1)")]


def test_a_wait_anywhere_in_the_circle_ends_it() -> None:
    back = of(step("rest", "wait", {"next": "back"}, seconds=60), step("back", "jump", journey_id=1))
    assert found(of(step("go", "start_journey", journey_id=2)), back) == []
    waits = of(step("rest", "wait", {"next": "go"}, seconds=60), step("go", "start_journey", journey_id=2))
    assert found(waits, of(step("back", "jump", journey_id=1))) == []


def test_rules_of_entry_that_end_it_make_it_a_warning() -> None:
    back = of(step("back", "jump", journey_id=1), again=Again(rule="period", period_seconds=3600))
    assert [level for level, _, _ in found(of(step("go", "start_journey", journey_id=2)), back)] == ["warning"]


def test_events_that_are_raised_begin_journeys_too() -> None:
    heard = of(step("back", "jump", journey_id=1), entries=[EventEntry(match=EventMatch(event="Said"))])
    assert [level for level, _, _ in found(of(step("say", "raise_event", event="Said")), heard)] == ["error"]
    assert found(of(step("say", "raise_event", event="Other")), heard) == []
    own = of(step("say", "raise_event", event="Said"), entries=[EventEntry(match=EventMatch(event="Said"))])
    assert [(level, key) for level, key, _ in found(own)] == [("error", "say")]


@given(st.lists(st.lists(st.integers(1, 5), max_size=3), min_size=5, max_size=5), st.sets(st.integers(0, 4)))
def test_what_is_found_are_the_circles_there_are(begins: list[list[int]], waiting: set[int]) -> None:
    """Random journeys, each beginning some of the others, after a wait or at once: an error where one comes back to the first."""
    made = []
    for n, those in enumerate(begins):
        steps = [step("rest", "wait", {"next": "b0"} if those else {}, seconds=60)] if n in waiting or not those else []
        steps += [
            step(f"b{i}", "start_journey", {"next": f"b{i + 1}"} if i + 1 < len(those) else {}, journey_id=to) for i, to in enumerate(those)
        ]
        made.append(of(*steps))
    at_once = {n + 1: set() if n in waiting else set(those) for n, those in enumerate(begins)}
    expected = [f"b{i}" for i, to in enumerate(begins[0]) if 0 not in waiting and to != 1 and 1 in _reached(at_once, to)]
    assert [key for level, key, _ in found(made[0], *made[1:]) if level == "error"] == expected


def _reached(graph: dict[int, set[int]], first: int) -> set[int]:
    seen, todo = {first}, [first]
    while todo:
        for one in graph[todo.pop()]:
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return seen


async def test_neither_goes_live_against_the_other(on: Scene) -> None:
    async with on.ctx.db.transaction() as conn:
        first = await service.add_journey(on.ctx, conn, SYSTEM, name="first", description="", draft=of(step("rest", "wait", seconds=60)))
        draft = of(step("back", "jump", journey_id=first.id))
        second = await service.add_journey(on.ctx, conn, SYSTEM, name="second", description="", draft=draft)
        for one in (first, second):
            await publishing.publish(on.ctx, conn, SYSTEM, one.id, revision=1, note="", treatment=Stay())
        changed = of(step("go", "start_journey", journey_id=second.id))
        await service.save_draft(on.ctx, conn, SYSTEM, first.id, draft=changed, revision=1)
        findings = await service.check_definition(on.ctx, conn, changed, first.id)
        assert ("error", "journeys_circle") in {(one.level, one.code) for one in findings}
        with pytest.raises(JourneyInvalid, match="begin each other"):
            await publishing.publish(on.ctx, conn, SYSTEM, first.id, revision=2, note="", treatment=Stay())


@pytest.mark.parametrize("kind", ["start_journey", "jump"])
async def test_at_run_time_it_ends_at_the_limit_with_the_reason(on: Scene, kind: str) -> None:
    """Two that no check has seen: everybody goes round so often as is allowed, and both journeys are left in peace."""
    one = await on.journey(step("rest", "wait", seconds=60))
    two = await on.journey(step("go", kind, journey_id=one.journey_id), again=ALWAYS)
    await on.do(
        "update journey_version set definition = jsonb_set(definition, '{steps}', %s::jsonb) where id = %s",
        json.dumps([{"key": "rest", "kind": kind, "settings": {"journey_id": two.journey_id}, "next": {}}]), one.version_id,
    )
    await on.do("update journey_version set definition = jsonb_set(definition, '{again}', '{\"rule\": \"always\"}') where id = %s", one.version_id)
    await on.enter(two, 1, 2)
    for _ in range(MOST + 5):
        await on.go(seconds=1)
    assert await on.where() == {}
    rows = await on.rows("select profile_id, count(*) as passages from journey_past group by 1 order by 1")
    assert [(row["profile_id"], row["passages"]) for row in rows] == [(1, MOST + 1), (2, MOST + 1)]
    last = (await on.told(1))[-1]
    assert last["w"]["reason"] == "in_circles"
    assert {row["state"] for row in await on.rows("select state from journey")} == {"live"}


async def test_who_has_waited_begins_anew(on: Scene) -> None:
    """A circle with a wait in it goes on for ever, as it should."""
    first = await on.journey(step("rest", "wait", seconds=60), again=ALWAYS)
    second = await on.journey(step("rest", "wait", {"next": "go"}, seconds=60), step("go", "start_journey", journey_id=first.journey_id), again=ALWAYS)
    await on.do(
        "update journey_version set definition = jsonb_set(definition, '{steps}', %s::jsonb) where id = %s",
        json.dumps([{"key": "rest", "kind": "start_journey", "settings": {"journey_id": second.journey_id}, "next": {}}]), first.version_id,
    )
    await on.enter(second, 1)
    for _ in range(MOST + 5):
        await on.go(seconds=60)
        await on.go()
    assert await on.where() == {1: 0}
