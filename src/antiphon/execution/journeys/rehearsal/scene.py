"""What is known of one part of the population: read once, in columns, when it is first asked for.

Traits and consents are as they were at the instant that is asked for, as far as that is known (`traits`, `consents`); addresses
and wishes are as they are now. What a journey changes is noted beside them, and forgotten by `restart`, so that the same people
can be rehearsed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

import numpy as np

from antiphon.awareness.segments import ENTERED, LEFT, Node, PropertyFilter, zone_names
from antiphon.awareness.segments.language import (
    Checker,
    EventCondition,
    EventTime,
    Happened,
    Person,
    conditions,
    sources,
)
from antiphon.execution.delivery import CLASSES
from antiphon.execution.delivery.judging import (
    Facts,
    own_hours,
)
from antiphon.execution.journeys.contract import NEVER, Bools, Ints, Message
from antiphon.execution.journeys.rehearsal.columns import Log
from antiphon.execution.journeys.rehearsal.consents import GRANTED
from antiphon.execution.journeys.rehearsal.gate import Gate, dispatch_of
from antiphon.execution.journeys.rehearsal.holding import Holding, Trees, trait_names
from antiphon.execution.journeys.rehearsal.past import Past
from antiphon.execution.journeys.rehearsal.queries import SQL
from antiphon.execution.journeys.rehearsal.traits import Traits
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import bigints, from_micros


class Scene:
    """Some people (ids ascending; a seat is a place among them), their past, and what the rehearsal has them do."""

    def __init__(self, ctx: Context, ids: Ints, past: Past, gate: Gate, trees: Trees, since: datetime | None = None) -> None:
        """``since``: from when on traits are looked back at; without it they are as today."""
        self.ctx = ctx
        self.ids = ids
        self.past = past
        self.gate = gate
        self.trees = trees
        self.holding = Holding(trees, self)
        self.codes: dict[str, int] = dict(past.codes)
        self._names: list[str] = []
        self.traits = Traits(ctx, ids, since, merged=trees.about.merged)
        self._people: tuple[list[Any], list[Any], list[Any]] | None = None
        self.restart()

    def restart(self) -> None:
        """Forget what was rehearsed."""
        self.log = Log(len(self.ids))
        self.said: list[Mapping[str, Any]] = []
        """Properties of what was made up, by reference."""
        self.begun: dict[int, int] = {}
        """Of what the journey raised: after how many such events without a wait."""
        self.traits.restart()
        self.gate.restart()

    def seats(self, profiles: Ints) -> Ints:
        """Whose seat is whose."""
        found: Ints = np.searchsorted(self.ids, profiles)
        return found

    def code(self, name: str) -> int:
        """The number of an event's name."""
        return self.codes.setdefault(name, len(self.codes))

    def name_of(self, code: int) -> str:
        """The event's name of a number."""
        if len(self._names) < len(self.codes):
            self._names = list(self.codes)
        return self._names[code]

    def happen(self, seats: Ints, at: Ints, name: str, ref: Ints | int = -1) -> None:
        """Have these people do something; ``ref``: its properties in ``said``."""
        self.log.add(seats, at, self.code(name), ref)

    # what trees ask

    def counted(self, node: EventCondition, seats: Ints, first: Ints, end: Ints) -> Ints:
        """How many events of the condition each has in a stretch of time, recorded or made up."""
        found = self.past.happened(node.name, node.where).count(seats, first, end)
        if not self.log.empty and node.name in self.codes and not node.where:
            found = found + self.log.tally(seats, first, end, self.codes[node.name])
        return found

    def first_time(self, node: EventTime, seats: Ints, end: Ints) -> Ints:
        """The first (or last) time before ``end``, `NEVER` where there is none."""
        stream = self.past.happened(node.name, node.where)
        begin = np.full(len(seats), -NEVER, dtype=np.int64)
        place = stream.place(seats, begin) if node.which == "first" else stream.place(seats, end, after=False) - 1
        found: Ints = np.full(len(seats), NEVER, dtype=np.int64)
        good = (place >= 0) & stream.of(seats, np.maximum(place, 0))
        found[good] = stream.at[place[good]]
        found[found >= end] = NEVER
        if not self.log.empty and node.name in self.codes and not node.where:
            at = self.log.at[seats]
            mine = (self.log.kind[seats] == self.codes[node.name]) & (at < end[:, None])
            if node.which == "first":
                found = np.minimum(found, np.where(mine, at, NEVER).min(axis=1))
            else:
                latest = np.where(mine, at, -NEVER).max(axis=1)
                found = np.where(latest == -NEVER, found, np.where(found == NEVER, latest, np.maximum(found, latest)))
        return found

    async def consents(self, channel: str, topic: str, seats: Ints, at: Ints) -> Ints:
        """Each one's latest word at their instant."""
        now = (await self._facts(channel, topic)).consent[seats]
        return await self.gate.consents.of(channel, topic, seats, at, now)

    async def reachable(self, channel: str) -> Bools:
        """Who has an address on the channel that is not suppressed."""
        facts = await self._facts(channel, "")
        found: Bools = (facts.reach >= 2) & (facts.blocked == 0)
        return found

    async def moved(self, names: Set[str], seats: Ints) -> Ints:
        """Of whom any of these traits is not all the time what it is today: places."""
        return np.flatnonzero(np.isin(seats, await self.traits.moved(names)))

    async def checked(self, checker: Checker, leaf: Node, seat: int, at: int) -> bool:
        """What the segments' own checker says of one person."""
        about = self.trees.about
        names = sorted(trait_names(leaf, about.segments))
        await self.traits.know(names)
        traits = {name: self.traits.of(name, seat, at) for name in names}
        read = {name for one in conditions(leaf, about.segments) for name in sources(one) or ()}
        person = Person(int(self.ids[seat]), {k: v for k, v in traits.items() if v is not None}, self._events(seat, at, read))
        return checker.holds(leaf, person)

    def _events(self, seat: int, at: int, names: set[str]) -> list[Happened]:
        past, found = self.past, list[Happened]()
        first, last = np.searchsorted(past.seat, (seat, seat + 1)).tolist()
        for place in range(first, last):
            name = past.names[past.name[place]]
            if name in names and past.ts[place] <= at:
                found.append(Happened(from_micros(int(past.ts[place])), name, past.properties_at(place)))
        by_code = {self.codes[name]: name for name in names if name in self.codes}
        for column in range(int(self.log.count[seat])):
            kind, when, ref = (int(one[seat, column]) for one in (self.log.kind, self.log.at, self.log.ref))
            if kind in by_code and when <= at:
                found.append(Happened(from_micros(when), by_code[kind], dict(self.said[ref]) if ref >= 0 else {}))
        return found

    # what steps ask

    async def zones(self, seats: Ints) -> Sequence[str]:
        """Each one's clock: stated, else the trait's, else the installation's."""
        hours, traits, _ = await self._wishes()
        usual, there = self.gate.office.rules.zone.key, zone_names()
        return [_zone(hours[seat], traits[seat], usual, there) for seat in seats.tolist()]

    async def preferred(self, seats: Ints) -> Sequence[str | None]:
        """The channel each asked for."""
        liked = (await self._wishes())[2]
        return [liked[seat] for seat in seats.tolist()]

    async def _wishes(self) -> tuple[list[Any], list[Any], list[Any]]:
        if self._people is None:
            async with self.ctx.db.connection() as conn:
                row = await (await conn.execute(SQL.people, {"ids": bigints(self.ids)})).fetchone()
            assert row is not None
            hours, zones, liked = (list(one or ()) for one in row)
            self._people = (hours, zones, liked)
        return self._people

    async def reaches(self, channel: str, message: Message, seats: Ints, at: Ints) -> Bools:
        """Who has an address on the channel and allows this message there."""
        dispatch = dispatch_of(message, channel)
        facts = await self.gate.facts(dispatch)
        can = facts.reach == 3
        for code, reason in enumerate(("hard_bounce", "complaint", "manual"), 1):
            if reason in CLASSES[message.message_class].obeys:
                can &= facts.blocked != code
        found: Bools = can[seats]
        if CLASSES[message.message_class].needs_consent:
            found &= await self.consents(channel, message.topic or "", seats, at) == GRANTED
        return found

    async def _facts(self, channel: str, topic: str) -> Facts:
        return await self.gate.facts(dispatch_of(Message(channel=channel, topic=topic), channel))

    async def members(self, segment_id: int) -> Bools:
        """Who is a member of a segment as of its last refresh."""
        members = await self.trees.members(segment_id)
        found: Bools = np.isin(self.ids, np.asarray(members.to_array(), dtype=np.int64))
        return found

    def inside(self, segment_id: int, seats: Ints, at: Ints, now: Bools) -> Bools:
        """Who was a member at an instant, by what was told of entering and leaving around it; ``now``: who is one today."""
        filters = member_filter(segment_id)
        entered, left = (self.past.happened(name, filters) for name in (ENTERED, LEFT))
        begin, end = (_around(stream, seats, at) for stream in (entered, left))
        found = np.where(begin[0] > end[0], True, np.where(end[0] > begin[0], False, now[seats]))
        unknown = (begin[0] == -NEVER) & (end[0] == -NEVER)
        found[unknown & (end[1] < begin[1])] = True
        found[unknown & (begin[1] < end[1])] = False
        return np.asarray(found, dtype=np.bool_)


def member_filter(segment_id: int) -> list[PropertyFilter]:
    """Which of the events of entering and leaving are of one segment."""
    return [PropertyFilter(property="segment_id", op="is", value=segment_id)]


def _around(stream: Any, seats: Ints, at: Ints) -> tuple[Ints, Ints]:
    """The last instant of each seat until ``at`` (or -`NEVER`), and the first after it (or `NEVER`)."""
    place = stream.place(seats, at)
    before, after = np.full(len(seats), -NEVER), np.full(len(seats), NEVER)
    has = stream.of(seats, place)
    after[has] = stream.at[place[has]]
    has = (place > 0) & stream.of(seats, np.maximum(place - 1, 0))
    before[has] = stream.at[place[has] - 1]
    return before, after


def _zone(hours: str | None, trait: str | None, usual: str, there: Set[str]) -> str:
    stated = own_hours(hours) if hours else None
    return stated[1].key if stated else trait if trait in there and trait is not None else usual
