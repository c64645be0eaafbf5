"""The world as it is: what steps see is read, and what they do is written, in the transaction that moves the people.

Everything is done at once, on the caller's connection; nothing is kept for later, so a tick that is rolled back did nothing.
Whoever moves passages holds their rows (``for update``): the answers of other systems are written to them by another loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.consent import ChannelUnknown
from antiphon.awareness.segments import Node, holds_for, members
from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.delivery import NewDispatch, NoAccount, default_account, expected_micros, reachable
from antiphon.execution.journeys.contract import Bools, Here, Ints, Message, Request
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.entering import enrol, leave_journey
from antiphon.execution.journeys.live import effects, facts
from antiphon.execution.journeys.running import running
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection


class Live:
    """The `World` of the live engine, for people of one version, in one transaction, at one instant."""

    live = True

    def __init__(self, ctx: Context, conn: Connection, plan: Plan, now: datetime) -> None:
        self.ctx = ctx
        self.conn = conn
        self.plan = plan
        self.now = now
        self._segments: dict[int, BitMap] = {}
        self._keys: dict[str, list[str]] = {}
        self._written = 0

    async def traits(self, profiles: Ints, at: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        return await facts.traits(self.conn, profiles, names)

    async def holds(self, tree: Node, profiles: Ints, at: Ints) -> Bools:
        return await holds_for(self.ctx, self.conn, tree, profiles, self.now)

    async def inside(self, segment_id: int, profiles: Ints, at: Ints) -> Bools:
        if segment_id not in self._segments:
            self._segments[segment_id] = await members(self.conn, segment_id)
        return facts.among(self._segments[segment_id], profiles)

    async def zones(self, profiles: Ints) -> Sequence[str]:
        return await facts.zones(self.conn, profiles)

    async def reaches(self, channel: str, message: Message, profiles: Ints, at: Ints) -> Bools:
        try:
            await default_account(self.ctx, self.conn, channel)
        except (NoAccount, ChannelUnknown):
            return np.zeros(len(profiles), dtype=np.bool_)
        new = NewDispatch(key="journey:asked", channel=channel, message_class=message.message_class, topic=message.topic)
        return await reachable(self.ctx, self.conn, new, profiles.tolist())

    async def preferred(self, profiles: Ints) -> Sequence[str | None]:
        return await facts.preferred(self.conn, profiles)

    async def cost(self, channel: str) -> int:
        return await expected_micros(
            self.ctx, self.conn, NewDispatch(key="journey:asked", channel=channel, message_class="service")
        )

    async def say(
        self, here: Here, message: Message, places: Ints, variables: Sequence[Mapping[str, Any]]
    ) -> Sequence[str | None]:
        told = await self._told_before(here, places)
        fresh = np.flatnonzero(~told)
        reasons: list[str | None] = [None] * len(places)
        if len(fresh):
            chosen = [variables[one] for one in fresh.tolist()]
            found = await effects.say(self.ctx, self.conn, here, message, places[fresh], chosen, self.now)
            for place, reason in zip(fresh.tolist(), found, strict=True):
                reasons[place] = reason
        return reasons

    async def _told_before(self, here: Here, places: Ints) -> Bools:
        """Of those whom an edit moved: to whom this step said it at this turn, under whatever version."""
        told = np.zeros(len(places), dtype=np.bool_)
        where = here.places[places]
        moved = np.flatnonzero(here.people.moved[where])
        if len(moved):
            people, whose = here.people, where[moved]
            keys = await facts.keys_of(self.conn, self.plan.journey_id, here.step.key)
            told[moved] = await facts.told(self.conn, keys, people.profile[whose], people.run[whose], people.turn[whose])
        return told

    async def said(self, here: Here, step: str) -> Mapping[str, Bools]:
        if step not in self._keys:
            self._keys[step] = await facts.keys_of(self.conn, self.plan.journey_id, step)
        people, where = here.people, here.places
        return await facts.said(self.conn, self._keys[step], people.profile[where], people.run[where], people.turn[where])

    async def remembers(self, profiles: Ints, at: Ints) -> Sequence[Mapping[str, Any]]:
        return await facts.remembers(self.conn, profiles, self.now)

    async def set_traits(self, here: Here, places: Ints, values: Mapping[str, Sequence[Any]]) -> None:
        await effects.set_traits(self.conn, here, places, values, self.now, self._next())

    async def tag(self, here: Here, places: Ints, trait: str, add: Sequence[str], remove: Sequence[str]) -> None:
        who = here.profile[places]
        await effects.hold(self.conn, who)
        before = (await facts.traits(self.conn, who, [trait]))[trait]
        after = [effects.tagged(value, add, remove) for value in before]
        changed = np.flatnonzero([one is not None for one in after])
        if len(changed):
            values = {trait: [after[one] for one in changed.tolist()]}
            await effects.set_traits(self.conn, here, places[changed], values, self.now, self._next())

    async def consent(self, here: Here, places: Ints, channel: str, topic: str, state: str) -> None:
        await effects.consent(self.conn, here, places, channel, topic, state, self.now)

    async def raise_event(self, here: Here, places: Ints, name: str, properties: Sequence[Mapping[str, Any]]) -> None:
        await effects.raise_event(self.conn, here, places, name, properties, self.now)

    async def ask(self, here: Here, places: Ints, request: Request, bodies: Sequence[Mapping[str, Any]]) -> None:
        await effects.ask(self.ctx, self.conn, here, places, request, bodies, self.now)

    async def start_journey(self, here: Here, places: Ints, journey_id: int, *, leaving: bool = False) -> Bools:
        entered = np.zeros(len(places), dtype=np.bool_)
        found = [one.plan for one in await running(self.ctx, self.conn) if one.plan.journey_id == journey_id and one.enters]
        if not found:
            return entered
        keys, memories = effects.entries_of(found[0].definition.again, here, places)
        enrolled = await enrol(
            self.ctx, self.conn, found[0], here.profile[places], keys, here.at[places], memories, moving=here.people.run,
            leaving=here.people.run[here.places[places]] if leaving else None,
        )  # fmt: skip
        entered[enrolled.entered] = True
        if self.plan.version_id in enrolled.rivals and len(enrolled.displaced):
            here.put_out.append((enrolled.displaced, "displaced", {"by": journey_id}))
        return entered

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        if journey_id == self.plan.journey_id:
            return  # they are being moved in it: an `end` is what is meant
        facts_said = {"by": self.plan.journey_id, "step": here.step.key}
        await leave_journey(self.ctx, self.conn, np.unique(here.profile[places]), journey_id, "stopped", facts_said)

    async def take_turns(self, here: Here, places: Ints, most: int, seconds: float) -> Ints:
        return await effects.take_turns(self.conn, here, places, most, seconds)

    async def arms(self, here: Here, places: Ints, experiment: str) -> Sequence[str | None]:
        return await effects.arms(self.ctx, self.conn, experiment, here.profile[places], self.now)

    def fractions(self, name: str, profiles: Ints) -> NDArray[np.float64]:
        return fractions_of(self.ctx.secret, name, profiles)

    def _next(self) -> int:
        """Traits written later in a tick are the later word."""
        self._written += 1
        return self._written
