"""The engine alone, in a world made of dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import TraitCondition
from antiphon.execution.journeys.contract import NEVER, OUT, Cause, Heard, Ints
from antiphon.execution.journeys.engine import Plan, advance, begin
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, ExitRule, Goal, Step

HOUR = 3_600_000_000


class Small:
    """A world that knows one trait."""

    live = False

    def __init__(self, gold: set[int]) -> None:
        self.gold = gold

    async def holds(self, tree: Any, profiles: Ints, at: Ints) -> Any:
        return np.isin(profiles, list(self.gold))


def a_plan(**more: Any) -> Plan:
    steps = [
        Step(key="pause", kind="wait", settings={"seconds": 3600}, next={"next": "gold"}),
        Step(key="gold", kind="condition", settings={"condition": {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}},
             next={"yes": "again"}),
        Step(key="again", kind="wait", settings={"seconds": 7200}),
    ]  # fmt: skip
    return Plan(1, 1, Definition(start="pause", steps=steps, **more), installed())


def people(plan: Plan, count: int = 4, at: int = HOUR) -> Any:
    ids = np.arange(1, count + 1)
    return begin(plan, ids + 100, ids, np.full(count, at), [None] * count)


def wake(those: Any, events: Mapping[int, Heard] | None = None) -> None:
    """Move each to their own instant: when they wake, or when they were heard."""
    those.events = list((events or {}).values())
    for place in range(len(those)):
        heard = (events or {}).get(int(those.profile[place]))
        those.cause[place] = Cause.HEARD if heard else Cause.WOKEN
        those.heard[place] = -1 if heard is None else those.events.index(heard)
        those.at[place] = heard.at if heard else those.wake[place]


async def test_waits_branches_and_ends() -> None:
    plan, world = a_plan(), Small({2, 3})
    those = people(plan)
    lines = await advance(plan, those, world)  # type: ignore[arg-type]
    assert [(line.did, line.how, len(line.places)) for line in lines] == [("rest", "rests", 4)]
    assert those.wake.tolist() == [2 * HOUR] * 4
    wake(those)
    lines = await advance(plan, those, world)  # type: ignore[arg-type]
    assert [(line.step, line.did, line.how, line.places.tolist()) for line in lines] == [
        (0, "next", "went", [0, 1, 2, 3]), (1, "yes", "went", [1, 2]), (1, "no", "went", [0, 3]), (2, "rest", "rests", [1, 2]),
    ]
    assert those.step.tolist() == [OUT, 2, 2, OUT]
    assert those.left == ["finished", None, None, "finished"]
    assert those.wake.tolist() == [NEVER, 4 * HOUR, 4 * HOUR, NEVER]


async def test_everybody_has_an_instant_of_their_own() -> None:
    plan = a_plan()
    those = people(plan)
    those.at += np.arange(4)
    await advance(plan, those, Small(set()))  # type: ignore[arg-type]
    assert those.wake.tolist() == [2 * HOUR + one for one in range(4)]


async def test_goal_and_exit_rules_come_first() -> None:
    paid = EventMatch(event="Paid")
    plan = a_plan(goal=Goal(event=paid), exits=[ExitRule(reason="angry", event=EventMatch(event="Complained"))])
    those = people(plan)
    await advance(plan, those, Small(set()))  # type: ignore[arg-type]
    say = {one: Heard(name=name, kind="track", at=HOUR + 5, received=HOUR + 5, profile=one, properties={})
           for one, name in ((1, "Paid"), (2, "Complained"), (3, "Something else"))}  # fmt: skip
    wake(those, say)
    those.cause[3], those.at[3] = Cause.WOKEN, those.wake[3]
    lines = await advance(plan, those, Small(set()))  # type: ignore[arg-type]
    assert those.left == ["goal", "angry", None, "finished"]
    assert those.step.tolist() == [OUT, OUT, 0, OUT]
    assert those.wake[2] == 2 * HOUR  # stays as they were
    assert ("goal", "goal") in [(line.did, line.how) for line in lines]


async def test_a_condition_as_goal_is_asked_when_they_move_on() -> None:
    plan = a_plan(goal=Goal(condition=TraitCondition(trait="plan", op="is", value="gold")))
    those = people(plan)
    await advance(plan, those, Small({1, 2, 3, 4}))  # type: ignore[arg-type]
    assert those.left == [None] * 4
    wake(those)
    await advance(plan, those, Small({1}))  # type: ignore[arg-type]
    assert those.left[0] == "goal"


async def test_a_kind_that_forgets_somebody_is_told() -> None:
    class Forgets:
        name, group = "forgets", "flow"
        Settings = installed()("wait").Settings

        def exits(self, settings: Any) -> tuple[str, ...]:
            return ("next",)

        def rests(self, settings: Any) -> bool:
            return False

        def hears(self, settings: Any) -> tuple[str, ...]:
            return ()

        async def run(self, settings: Any, here: Any) -> None:
            here.go(where=here.profile > 2)

    definition = Definition(start="a", steps=[Step(key="a", kind="forgets", settings={"seconds": 1})])
    plan = Plan(1, 1, definition, lambda _: Forgets())  # type: ignore[arg-type, return-value]
    with pytest.raises(RuntimeError, match="says nothing of 2 people"):
        await advance(plan, people(plan), Small(set()))  # type: ignore[arg-type]


async def test_a_cycle_without_a_wait_ends() -> None:
    tree = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
    steps = [Step(key="a", kind="condition", settings={"condition": tree}, next={"yes": "b", "no": "b"}),
             Step(key="b", kind="condition", settings={"condition": tree}, next={"yes": "a", "no": "a"})]  # fmt: skip
    plan = Plan(1, 1, Definition(start="a", steps=steps), installed())
    those = people(plan)
    await advance(plan, those, Small({1}))  # type: ignore[arg-type]
    assert those.left == ["endless"] * 4
