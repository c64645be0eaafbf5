"""The engine: a set of people moved through a journey's steps until all of them rest or have left.

Pure but for what it asks of a `World`. The live loops and a rehearsal call the same `advance`. People are worked on in groups,
all who stand at one step at a time, the earliest step first, so that a branch's ways join again before the next step is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.values import dig, number
from antiphon.awareness.segments import Node
from antiphon.execution.journeys.contract import NEVER, OUT, Bools, Cause, Here, Ints, KindOf, Line, People, StepKind, World
from antiphon.execution.journeys.model import Definition, Goal, Step

MOST_PASSES = 2_000
"""Groups worked on in one go before whoever still runs is let go as ``endless``: validation refuses what could get here."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step ready to run; ``next`` by number, for exits that lead somewhere."""

    step: Step
    kind: StepKind
    settings: Any
    next: dict[str, int]
    hears: frozenset[str]


class Plan:
    """A version of a journey ready to run. Steps are numbered as in its definition, which never changes."""

    def __init__(self, version_id: int, journey_id: int, definition: Definition, kind_of: KindOf) -> None:
        self.version_id = version_id
        self.journey_id = journey_id
        self.definition = definition
        self.number = {step.key: place for place, step in enumerate(definition.steps)}
        self.steps = [self._planned(step, kind_of) for step in definition.steps]
        self.start = self.number[definition.start]
        self.rank = self._ranks()
        rules = [rule.event.event for rule in definition.exits if rule.event is not None]
        goal = definition.goal
        self.leaves_on = frozenset(rules + ([goal.event.event] if goal is not None and goal.event is not None else []))
        """Names of events that can take people out wherever they are."""

    def _planned(self, step: Step, kind_of: KindOf) -> PlannedStep:
        kind = kind_of(step.kind)
        settings = msgspec.convert(step.settings, kind.Settings, strict=False)
        onward = {exit: self.number[key] for exit, key in step.next.items()}
        return PlannedStep(step, kind, settings, onward, frozenset(kind.hears(settings)))

    def _ranks(self) -> Ints:
        """An order in which a step comes after those that lead to it, as far as there are no cycles: depth first, reversed."""
        order: list[int] = []
        seen: set[int] = set()
        stack: list[tuple[int, list[int]]] = [(self.start, list(self.steps[self.start].next.values()))]
        seen.add(self.start)
        while stack:
            number, onward = stack[-1]
            while onward:
                child = onward.pop()
                if child not in seen:
                    seen.add(child)
                    stack.append((child, list(self.steps[child].next.values())))
                    break
            else:
                order.append(number)
                stack.pop()
        rank = np.full(len(self.steps), len(self.steps), dtype=np.int64)
        for place, number in enumerate(reversed(order)):
            rank[number] = place
        return rank

    def send(self, people: People, places: Ints, number: int, exit: str) -> None:
        """Put people where an exit leads: the next step, or out. A way back, around a cycle, is one more turn: what was said and
        asked there is said and asked again."""
        onward = self.steps[number].next.get(exit)
        if onward is None:
            self.let_go(people, places, "finished")
            return
        if self.rank[onward] <= self.rank[number]:
            people.turn[places] += 1
        self.place(people, places, onward)

    def place(self, people: People, places: Ints, number: int) -> None:
        """Put people at a step, where they arrive as of what moved them."""
        people.step[places] = number
        people.arrived[places] = (people.at if people.since is None else people.since)[places]
        people.cause[places] = Cause.CAME
        people.heard[places] = -1

    def let_go(self, people: People, places: Ints, reason: str) -> None:
        """People are out."""
        people.step[places] = OUT
        people.wake[places] = NEVER
        for place in places.tolist():
            people.left[place] = reason


def begin(
    plan: Plan, runs: Ints, profiles: Ints, at: Ints, memory: Sequence[dict[str, Any] | None], since: Ints | None = None
) -> People:
    """People who enter now: they come to the first step. ``since``: when they did what has them enter."""
    count = len(runs)
    entered = at if since is None else since
    return People(
        run=runs, profile=profiles, step=np.full(count, plan.start, dtype=np.int64), entered=entered.copy(),
        arrived=entered.copy(), at=at.copy(), wake=np.full(count, NEVER, dtype=np.int64), turn=np.zeros(count, dtype=np.int64),
        cause=np.full(count, Cause.CAME, dtype=np.int8), heard=np.full(count, -1, dtype=np.int64),
        moved=np.zeros(count, dtype=np.bool_), memory=list(memory), left=[None] * count, since=since,
    )  # fmt: skip


async def advance(plan: Plan, people: People, world: World) -> list[Line]:
    """Move everybody until each rests or is out; what became of them, in order. ``people`` are changed in place.

    Who was heard (`Cause.HEARD`) is first judged by the goal and the rules for leaving, of what they did since they entered; who
    wakes is judged by their conditions. Someone heard whose step does not listen for that, or who did it before they came there,
    stays as they are.
    """
    lines = await _rules(plan, people, world)
    acting = _acting(plan, people)
    for _ in range(MOST_PASSES):
        places = np.flatnonzero(acting & (people.step != OUT))
        if not len(places):
            return lines
        steps = people.step[places]
        number = int(steps[np.argmin(plan.rank[steps])])
        here = Here(plan, number, people, places[steps == number], world)
        await plan.steps[number].kind.run(plan.steps[number].settings, here)
        here.finish()
        lines += here.lines
        acting[here.rested] = False
        for profiles, reason, facts in here.put_out:
            lines += _put_out(plan, people, profiles, reason, facts)
    places = np.flatnonzero(acting & (people.step != OUT))
    for number in np.unique(people.step[places]).tolist():
        stuck = places[people.step[places] == number]
        lines.append(Line(number, "endless", "left", stuck, people.at[stuck], {}))
        plan.let_go(people, stuck, "endless")
    return lines


def _put_out(plan: Plan, people: People, profiles: Ints, reason: str, facts: Mapping[str, Any]) -> list[Line]:
    """Let go of all passages of these people, wherever they stand."""
    places = np.flatnonzero(np.isin(people.profile, profiles) & (people.step != OUT))
    steps = people.step[places]
    lines = [
        Line(stand, reason, "left", places[steps == stand], people.at[places[steps == stand]], facts)
        for stand in np.unique(steps).tolist()
    ]
    plan.let_go(people, places, reason)
    return lines


def _acting(plan: Plan, people: People) -> Bools:
    """Who is to be worked on: all but those whose step does not listen for what was heard."""
    acting: Bools = people.step != OUT
    for place in np.flatnonzero(acting & (people.cause == Cause.HEARD)).tolist():
        event = people.events[people.heard[place]]
        acting[place] = event.at > people.arrived[place] and event.name in plan.steps[people.step[place]].hears
    return acting


async def _rules(plan: Plan, people: People, world: World) -> list[Line]:
    """The goal, and the rules for leaving: by what was heard, and by conditions, asked of everybody who moves on."""
    lines: list[Line] = []
    goal = plan.definition.goal
    if goal is not None:
        reached = await _meets(people, world, goal.event, goal.condition)
        fresh = reached[[not (people.memory[place] or {}).get("goal") for place in reached.tolist()]]
        for place in fresh.tolist():
            people.memory[place] = (people.memory[place] or {}) | {"goal": True} | _worth(goal, people, place)
        lines += _by_step(people, fresh, "goal", "goal")
        if goal.ends:
            plan.let_go(people, reached, "goal")
    for rule in plan.definition.exits:
        leaving = await _meets(people, world, rule.event, rule.condition)
        lines += _by_step(people, leaving, rule.reason, "left")
        plan.let_go(people, leaving, rule.reason)
    return lines


def _worth(goal: Goal, people: People, place: int) -> dict[str, Any]:
    """What reaching the goal is worth, where the event says."""
    if goal.value is None or people.heard[place] < 0:
        return {}
    value = number(dig(dict(people.events[people.heard[place]].properties), goal.value))
    return {} if value is None else {"goal_value": str(value)}


def _by_step(people: People, places: Ints, did: str, how: str) -> list[Line]:
    """A line for each step at which some of these people stand, with what they did where that was it."""
    steps = people.step[places]
    lines = []
    for stand in np.unique(steps).tolist():
        group = places[steps == stand]
        done = [people.events[one].name if one >= 0 else None for one in people.heard[group].tolist()]
        lines.append(Line(stand, did, how, group, people.at[group], {"event": done} if any(done) else {}))
    return lines


async def _meets(people: People, world: World, event: EventMatch | None, condition: Node | None) -> Ints:
    """Who is inside and just did this, or is moved on and is of that kind: places."""
    met = np.zeros(len(people), dtype=np.bool_)
    inside = people.step != OUT
    if event is not None:
        for place in np.flatnonzero(inside & (people.cause == Cause.HEARD)).tolist():
            done = people.events[people.heard[place]]
            met[place] = done.at > people.entered[place] and done.is_one_of(event)
    if condition is not None:
        asked = np.flatnonzero(inside & ~met & (people.cause != Cause.CAME))
        if len(asked):
            met[asked] = await world.holds(condition, people.profile[asked], people.at[asked])
    return np.flatnonzero(met)
