"""A world of memory: what steps see is looked up in columns, what they do is noted there, and nothing leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.segments import Node
from antiphon.decisioning.experiments import OUTSIDE, Assignment, find_running, fractions_of
from antiphon.execution.journeys.chain import depths
from antiphon.execution.journeys.contract import NEVER, Bools, Here, Ints, Message, Request
from antiphon.execution.journeys.live.effects import tagged
from antiphon.execution.journeys.rehearsal.behaviour import Behaviour
from antiphon.execution.journeys.rehearsal.dialogue import Dialogue
from antiphon.execution.journeys.rehearsal.gate import dispatch_of
from antiphon.execution.journeys.rehearsal.saying import Voice
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.execution.journeys.rehearsal.tally import Gates, Tally
from antiphon.execution.journeys.running import running

ANSWER = 1_000_000
"""Microseconds after which another system answers."""


class Rehearsed:
    """The `World` of a rehearsal, for the people of one part of the population."""

    live = False

    def __init__(
        self,
        scene: Scene,
        behaviour: Behaviour,
        tally: Tally,
        gates: Gates,
        *,
        listens: frozenset[str] = frozenset(),
        goal: tuple[str, Mapping[str, Any]] | None = None,
        replies: Mapping[str, str] = MappingProxyType({}),
        answers: float = 1.0,
        seed: str = "",
    ) -> None:
        self.scene = scene
        self.tally = tally
        self.gates = gates
        self.answers = answers
        self.seed = seed
        self.dialogue = Dialogue(scene, replies)
        self.voice = Voice(scene, behaviour, tally, self.dialogue, listens=listens, goal=goal)
        self.answer_at: Ints = np.empty(0, dtype=np.int64)
        """By passage: when another system answers."""
        self._asked: dict[int, tuple[str, int, bool]] = {}
        self._assignments: dict[str, Assignment | None] = {}
        self._running: frozenset[int] | None = None

    @property
    def ctx(self) -> Any:
        return self.scene.ctx

    def make_room(self, passages: int) -> None:
        """Know of so many passages."""
        more = passages - len(self.answer_at)
        if more > 0:
            more = max(more, len(self.answer_at))
            self.answer_at = np.concatenate((self.answer_at, np.full(more, NEVER)))

    # what steps see

    async def traits(self, profiles: Ints, at: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        return await self.scene.traits.columns(names, self.scene.seats(profiles), at)

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        return await self.scene.holding.holds(tree, self.scene.seats(profiles), at)

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        return self.scene.inside(segment_id, self.scene.seats(profiles), at, await self.scene.members(segment_id))

    async def zones(self, profiles: Ints) -> Sequence[str]:
        return await self.scene.zones(self.scene.seats(profiles))

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        return await self.scene.reaches(channel, message, self.scene.seats(profiles), at)

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        return await self.scene.preferred(self.scene.seats(profiles))

    async def cost(self, channel: str) -> int:
        return await self.scene.gate.office.price(dispatch_of(Message(channel=channel), channel))

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        return self.voice.said(here, step)

    async def remembers(self, profiles: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        return self.dialogue.of(self.scene.seats(profiles), at)

    async def arms(self, here: Here, places: Ints, experiment: str) -> Sequence[str | None]:
        if experiment not in self._assignments:
            async with self.ctx.db.connection() as conn:
                self._assignments[experiment] = await find_running(conn, experiment)
        found = self._assignments[experiment]
        if found is None:
            return [None] * len(places)
        arms = found.assign(self.ctx.secret, here.profile[places])
        return [None if arm == OUTSIDE else found.arms[arm] for arm in arms.tolist()]

    def fractions(self, name: str, profiles: Ints) -> NDArray[np.float64]:
        return fractions_of(self.ctx.secret, name, profiles)

    # what steps do

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        return await self.voice.say(here, message, places)

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        seats = self.scene.seats(here.profile[places])
        await self.scene.traits.know(values)
        for name, column in values.items():
            await self.scene.traits.change(name, seats, here.at[places], column)

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        seats, at = self.scene.seats(here.profile[places]), here.at[places]
        before = (await self.scene.traits.columns([trait], seats, at))[trait]
        after = [tagged(value, add, remove) for value in before]
        changed = np.flatnonzero([one is not None for one in after])
        await self.scene.traits.change(trait, seats[changed], at[changed], [after[one] for one in changed.tolist()])

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        self.scene.gate.consents.say(channel, topic, self.scene.seats(here.profile[places]), here.at[places], state)

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        first = len(self.scene.said)
        self.scene.said.extend(properties)
        for ref, depth in enumerate(depths(here)[places].tolist(), first):
            self.scene.begun[ref] = depth + 1
        seats = self.scene.seats(here.profile[places])
        self.scene.happen(seats, here.at[places] + 1, name, np.arange(first, first + len(places)))

    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        where = here.places[places]
        runs, turn = here.people.run[where], here.people.turn[where]
        well = fractions_of(self.ctx.secret, f"{self.seed}/{here.step.key}/answers", here.profile[places]) < self.answers
        self.make_room(int(runs.max(initial=-1)) + 1)
        self.answer_at[runs] = here.at[places] + ANSWER
        for run, one, ok in zip(runs.tolist(), turn.tolist(), well.tolist(), strict=True):
            self._asked[run] = (here.step.key, one, ok)

    def answer(self, run: int, memory: dict[str, Any] | None) -> dict[str, Any]:
        """What one carries along once their answer is there."""
        step, turn, ok = self._asked.pop(run)
        answer = {"ok": ok, "status": 200 if ok else 500, "reason": None if ok else "http_500", "body": None, "turn": turn}
        carried = memory or {}
        return carried | {"answers": carried.get("answers", {}) | {step: answer}}

    async def start_journey(self, here: Here, places: Ints, journey_id: int, *, leaving: bool = False) -> Bools:
        if self._running is None:
            async with self.ctx.db.connection() as conn:
                self._running = frozenset(one.plan.journey_id for one in await running(self.ctx, conn) if one.enters)
        taken = np.full(len(places), journey_id in self._running)
        self.tally.started[journey_id] = self.tally.started.get(journey_id, 0) + int(taken.sum())
        return taken

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        return None

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        until, came = here.at[places].copy(), here.came[places]
        until[came] = self.gates.take(here.step.key, until[came], most, int(seconds * 1_000_000))
        return until
