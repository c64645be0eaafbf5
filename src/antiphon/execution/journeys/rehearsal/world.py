"""A world of memory: what steps see is looked up in columns, what they do is noted there, and nothing leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from antiphon.awareness.segments import Node
from antiphon.decisioning.experiments import OUTSIDE, Assignment, find_running, fractions_of
from antiphon.execution.delivery import Dispatch, Hop, spoken, way_of
from antiphon.execution.journeys.contract import NEVER, Bools, Here, Ints, Message, Request
from antiphon.execution.journeys.live.gate import Turns, turns_of
from antiphon.execution.journeys.rehearsal.behaviour import WHAT, Behaviour
from antiphon.execution.journeys.rehearsal.dialogue import Dialogue
from antiphon.execution.journeys.rehearsal.gate import DAY, dispatch_of
from antiphon.execution.journeys.rehearsal.scene import Scene
from antiphon.execution.journeys.running import running

BECAME = ("sent", "delivered", "opened", "clicked", "replied", "failed")
TOLD = {"delivered": "Email Delivered", "opened": "Email Opened", "clicked": "Email Link Clicked", "replied": "Email Replied"}
ANSWER = 1_000_000
"""Microseconds after which another system answers."""


@dataclass
class Tally:
    """What was said, over all parts of the population."""

    said: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(day since 2000, channel): messages, and what they cost."""
    refused: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(step, channel, reason): people."""
    moved: int = 0
    written: list[tuple[Ints, Ints]] = field(default_factory=list)
    """(profiles, day since 2000) of messages: for collisions."""
    started: dict[int, int] = field(default_factory=dict)
    """Other journeys that people were sent into: how many."""

    def take(self) -> list[tuple[Ints, Ints]]:
        """To whom messages went on which days, since this was asked last."""
        found, self.written = self.written, []
        return found

    def say(self, channel: str, profiles: Ints, due: Ints, price: int) -> None:
        """Count messages."""
        days = due // DAY
        for day, count in zip(*(one.tolist() for one in np.unique(days, return_counts=True)), strict=True):
            row = self.said.setdefault((day, channel), [0, 0])
            row[0] += count
            row[1] += count * price
        self.written.append((profiles, days.astype(np.int32)))


class Gates:
    """The rate-limited gates of a journey, shared by everybody: the turns they remember. ``share``: of a sample, what part of the
    population it is; a gate lets that part of its most through."""

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self._given: dict[str, Turns] = {}

    def take(self, step: str, at: Ints, most: int, length: int) -> Ints:
        """When each may pass."""
        most = max(1, round(most * self.share))
        passes, self._given[step] = turns_of(self._given.get(step, []), at, most, length)
        return passes


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
        self.behaviour = behaviour
        self.tally = tally
        self.gates = gates
        self.answers = answers
        self.seed = seed
        self.dialogue = Dialogue(scene, replies)
        self.listens = listens
        """Names of events that anybody asks about: others are not made up."""
        self.goal = None if goal is None else goal[0]
        """The event that who converts by a message does."""
        self._goal_ref = -1
        if goal is not None:
            self._goal_ref = len(scene.said)
            scene.said.append(goal[1])
        self.answer_at: Ints = np.empty(0, dtype=np.int64)
        """By passage: when another system answers."""
        self._asked: dict[int, tuple[str, int, bool]] = {}
        self._became: dict[int, dict[str, Ints]] = {}
        self._assignments: dict[str, Assignment | None] = {}
        self._ways: dict[tuple[str, str, str, tuple[Hop, ...], bool], tuple[str, tuple[Hop, ...]]] = {}
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
        return await self.scene.traits(self.scene.seats(profiles), names)

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        return await self.scene.holding.holds(tree, self.scene.seats(profiles), at)

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        return self.scene.inside(segment_id, self.scene.seats(profiles), at, await self.scene.members(segment_id))

    async def zones(self, profiles: Ints) -> Sequence[str]:
        return await self.scene.zones(self.scene.seats(profiles))

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        return await self.scene.reaches(channel, message, self.scene.seats(profiles))

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        return await self.scene.preferred(self.scene.seats(profiles))

    async def cost(self, channel: str) -> int:
        return await self.scene.gate.office.price(dispatch_of(Message(channel=channel), channel))

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        at, runs = here.at, here.people.run[here.places]
        known = self._became.get(here.plan.number[step])
        if known is None:
            return {what: np.zeros(len(here), dtype=np.bool_) for what in BECAME}
        return {what: _of(known[what], runs) <= at if what in known else np.zeros(len(here), dtype=np.bool_) for what in BECAME}

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
        reasons: list[str | None] = [None] * len(places)
        at = here.at[places].copy()
        expires = None if message.expires_seconds is None else at + int(message.expires_seconds * 1_000_000)
        todo = np.arange(len(places))
        became = {what: np.full(len(places), NEVER, dtype=np.int64) for what in BECAME}
        message = await self._on_its_way(message)
        for hop, channel in enumerate([message.channel, *(one.channel for one in message.hops)]):
            if not len(todo):
                break
            dispatch = dispatch_of(message, channel, hop)
            seats = self.scene.seats(here.profile[places[todo]])
            verdicts = await self.scene.gate.judge(dispatch, seats, at[todo], None if expires is None else expires[todo])
            for place, reason in zip(todo.tolist(), verdicts.reasons, strict=True):
                if reason is not None:
                    key = (here.step.key, channel, reason)
                    self.tally.refused[key] = self.tally.refused.get(key, 0) + 1
                    reasons[place] = reasons[place] or reason
            self.tally.moved += int(verdicts.moved.sum())
            passed = np.flatnonzero(verdicts.passed)
            later = await self._speak(here, places, dispatch, todo[passed], seats[passed], verdicts.due[passed], became)
            refused = todo[~verdicts.passed]
            for place, when in later.items():
                at[place] = when
            todo = np.array(sorted({*refused.tolist(), *later}), dtype=np.int64)
        spoke = became["sent"] != NEVER
        became["failed"] = np.where(spoke, NEVER, here.at[places])
        self._note(here, places, became)
        return [None if said else reason for said, reason in zip(spoke.tolist(), reasons, strict=True)]

    def _note(self, here: Here, places: Ints, became: dict[str, Ints]) -> None:
        """Remember what becomes of what a step said at this turn: who replied or clicked has opened, and it was delivered."""
        became["opened"] = np.minimum.reduce([became[one] for one in ("opened", "clicked", "replied")])
        became["delivered"] = np.minimum(became["delivered"], became["opened"])
        runs, kept = here.people.run[here.places[places]], self._became.setdefault(here.number, {})
        for what, when in became.items():
            kept[what] = _put(kept.get(what), runs, when)

    async def _on_its_way(self, message: Message) -> Message:
        """The message with the channel and the hops it takes where its author named none."""
        if message.channel and (message.hops or not message.usual_path):
            return message
        asked = message.message_class, message.channel, message.purpose, message.hops, message.usual_path
        if asked not in self._ways:
            async with self.ctx.db.connection() as conn:
                self._ways[asked] = await way_of(
                    self.ctx, conn, message_class=message.message_class, channel=message.channel, purpose=message.purpose,
                    hops=message.hops, usual=message.usual_path,
                )  # fmt: skip
        channel, hops = self._ways[asked]
        return msgspec.structs.replace(message, channel=channel, hops=hops)

    async def _speak(
        self, here: Here, places: Ints, dispatch: Dispatch, chosen: Ints, seats: Ints, due: Ints, became: dict[str, Ints]
    ) -> dict[int, int]:
        """What becomes of messages that passed; of those that go on to a next hop for want of an answer, when."""
        if not len(chosen):
            return {}
        who, price = places[chosen], await self.scene.gate.office.price(dispatch)
        profiles, where = here.profile[who], here.places[who]
        self.tally.say(dispatch.channel, profiles, due, price)
        self.dialogue.say(seats, due, dispatch.channel)
        salt = (here.people.turn[where] * 1_000_003 + here.people.entered[where] // 1_000_000) & 0x0FFFFFFF
        found = self.behaviour.outcomes(dispatch.channel, here.step.key, seats, profiles, salt, due)
        for what in ("sent", "delivered", "opened", "clicked", "replied"):
            became[what][chosen] = np.minimum(became[what][chosen], due if what == "sent" else found.at[what])
        for what in WHAT:
            name, when = TOLD.get(what), found.at[what]
            told = self.goal if what == "converted" else spoken(name, dispatch.channel) if name else None
            if told is not None and told in self.listens:
                come = np.flatnonzero((when != NEVER) & ~found.recorded)
                self.scene.happen(seats[come], when[come], told, self._goal_ref if what == "converted" else -1)
        return _unanswered(dispatch, chosen, due, found.at)

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        seats = self.scene.seats(here.profile[places])
        for name, column in values.items():
            await self.scene.traits(seats[:1], [name])
            self.scene.set_trait(name, seats, column)

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        seats = self.scene.seats(here.profile[places])
        had = (await self.scene.traits(seats, [trait]))[trait]
        lists = [list(one) if isinstance(one, list) else [] for one in had]
        kept = [[text for text in one if text not in remove] for one in lists]
        self.scene.set_trait(trait, seats, [one + [text for text in add if text not in one] for one in kept])

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        await self.scene.consent(channel, topic, self.scene.seats(here.profile[places]), state)

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        first = len(self.scene.said)
        self.scene.said.extend(properties)
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

    async def start_journey(self, here: Here, places: Ints, journey_id: int) -> Bools:
        if self._running is None:
            async with self.ctx.db.connection() as conn:
                self._running = frozenset(one.plan.journey_id for one in await running(self.ctx, conn) if one.enters)
        taken = np.full(len(places), journey_id in self._running)
        self.tally.started[journey_id] = self.tally.started.get(journey_id, 0) + int(taken.sum())
        return taken

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        return None

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        return self.gates.take(here.step.key, here.at[places], most, int(seconds * 1_000_000))


def _of(column: Ints, runs: Ints) -> Ints:
    """The instants of passages, `NEVER` of those that came later."""
    found = np.full(len(runs), NEVER, dtype=np.int64)
    known = runs < len(column)
    found[known] = column[runs[known]]
    return found


def _put(column: Ints | None, runs: Ints, when: Ints) -> Ints:
    """Note instants of passages, in a column that grows as it must."""
    have, need = 0 if column is None else len(column), int(runs.max(initial=-1)) + 1
    if column is None or have < need:
        grown = np.full(max(need, 2 * have), NEVER, dtype=np.int64)
        if column is not None:
            grown[:have] = column
        column = grown
    column[runs] = when
    return column


def _unanswered(dispatch: Dispatch, chosen: Ints, due: Ints, outcomes: Mapping[str, Ints]) -> dict[int, int]:
    """Whose message goes on to the next hop, and when: no receipt, or no answer, in the time it was given."""
    if not dispatch.hops:
        return {}
    hop, later = dispatch.hops[0], dict[int, int]()
    for limit, answers in ((hop.receipt_within, ("delivered",)), (hop.answer_within, ("opened", "clicked", "replied"))):
        if limit is None:
            continue
        until = due + int(limit * 1_000_000)
        best = np.minimum.reduce([outcomes[one] for one in answers])
        for place in np.flatnonzero(best > until).tolist():
            one = int(chosen[place])
            later[one] = min(later.get(one, NEVER), int(until[place]))
    return later
