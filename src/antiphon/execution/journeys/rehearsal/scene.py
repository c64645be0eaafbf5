"""What is known of one part of the population: read once, in columns, when it is first asked for.

Traits, consents, addresses and wishes are as they are now. What a journey changes is noted beside them, and forgotten by
`restart`, so that the same people can be rehearsed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from antiphon.awareness.segments import ENTERED, LEFT, Node, PropertyFilter
from antiphon.awareness.segments.language import (
    BUILT_IN,
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
from antiphon.execution.journeys.rehearsal.gate import Gate, dispatch_of
from antiphon.execution.journeys.rehearsal.holding import Holding, Trees, trait_names
from antiphon.execution.journeys.rehearsal.past import Past
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import load_queries
from antiphon.foundation.postgres.binary import bigints, from_micros

SQL = load_queries(Path(__file__).with_name("queries.sql"))
CONSENT = ("unknown", "granted", "pending", "withdrawn")


class Scene:
    """Some people (ids ascending; a seat is a place among them), their past, and what the rehearsal has them do."""

    def __init__(self, ctx: Context, ids: Ints, past: Past, gate: Gate, trees: Trees) -> None:
        self.ctx = ctx
        self.ids = ids
        self.past = past
        self.gate = gate
        self.trees = trees
        self.holding = Holding(trees, self)
        self.codes: dict[str, int] = dict(past.codes)
        self._names: list[str] = []
        self._columns: dict[str, list[Any]] = {}
        self._people: tuple[list[Any], list[Any], list[Any]] | None = None
        self.restart()

    def restart(self) -> None:
        """Forget what was rehearsed."""
        self.log = Log(len(self.ids))
        self.said: list[Mapping[str, Any]] = []
        """Properties of what was made up, by reference."""
        self._traits: dict[str, dict[int, Any]] = {}
        self._words: dict[tuple[str, str], Ints] = {}
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

    async def consents(self, channel: str, topic: str) -> Ints:
        """Everybody's latest word."""
        if (channel, topic) in self._words:
            return self._words[channel, topic]
        return (await self._facts(channel, topic)).consent

    async def reachable(self, channel: str) -> Bools:
        """Who has an address on the channel that is not suppressed."""
        facts = await self._facts(channel, "")
        found: Bools = (facts.reach >= 2) & (facts.blocked == 0)
        return found

    def changed(self, trees: Node, seats: Ints) -> Ints:
        """Of whom the journey changed traits that a tree asks about: places."""
        names = trait_names(trees, {}) & self._traits.keys() if self._traits else set()
        if not names:
            return np.empty(0, dtype=np.int64)
        touched = np.array(sorted({seat for name in names for seat in self._traits[name]}), dtype=np.int64)
        return np.flatnonzero(np.isin(seats, touched))

    async def checked(self, checker: Checker, leaf: Node, seat: int, at: int) -> bool:
        """What the segments' own checker says of one person."""
        about = self.trees.about
        names = sorted(trait_names(leaf, about.segments))
        traits = {name: (await self.column(name))[seat] for name in names}
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

    async def column(self, name: str) -> Sequence[Any]:
        """A trait of everybody, as it is now or as the journey made it."""
        if name not in self._columns:
            await self._read([name])
        changed = self._traits.get(name)
        if not changed:
            return self._columns[name]
        column = list(self._columns[name])
        for seat, value in changed.items():
            column[seat] = value
        return column

    async def traits(self, seats: Ints, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """Traits of some."""
        await self._read([name for name in names if name not in self._columns])
        found: dict[str, Sequence[Any]] = {}
        for name in names:
            base, changed = self._columns[name], self._traits.get(name, {})
            found[name] = [changed[seat] if seat in changed else base[seat] for seat in seats.tolist()]
        return found

    def set_trait(self, name: str, seats: Ints, values: Sequence[Any]) -> None:
        """Note a trait the journey changed."""
        self._traits.setdefault(name, {}).update(zip(seats.tolist(), values, strict=True))

    async def _read(self, names: Sequence[str]) -> None:
        if not names:
            return
        plain = [name for name in names if name not in BUILT_IN]
        async with self.ctx.db.connection() as conn:
            if plain:
                params = {"ids": bigints(self.ids), "names": plain}
                row = await (await conn.execute(SQL.traits, params)).fetchone()
                decoded = [msgspec.json.decode(one) if one else {} for one in (row[0] if row and row[0] else [])]
                for name in plain:
                    self._columns[name] = [one.get(name) for one in decoded]
            if len(plain) < len(names):
                row = await (await conn.execute(SQL.moments, {"ids": bigints(self.ids)})).fetchone()
                for column, name in enumerate(("$created_at", "$first_seen", "$last_seen")):
                    self._columns[name] = [None if at is None else at.isoformat() for at in (row[column] if row else None) or []]

    async def zones(self, seats: Ints) -> Sequence[str]:
        """Each one's clock: stated, else the trait's, else the installation's."""
        hours, traits, _ = await self._wishes()
        usual = self.gate.office.rules.zone.key
        return [_zone(hours[seat], traits[seat], usual) for seat in seats.tolist()]

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

    async def reaches(self, channel: str, message: Message, seats: Ints) -> Bools:
        """Who has an address on the channel and allows this message there."""
        dispatch = dispatch_of(message, channel)
        facts = await self.gate.facts(dispatch)
        can = facts.reach == 3
        for code, reason in enumerate(("hard_bounce", "complaint", "manual"), 1):
            if reason in CLASSES[message.message_class].obeys:
                can &= facts.blocked != code
        if CLASSES[message.message_class].needs_consent:
            can &= self.gate.words.get((channel, message.topic or ""), facts.consent) == 1
        found: Bools = can[seats]
        return found

    async def _facts(self, channel: str, topic: str) -> Facts:
        return await self.gate.facts(dispatch_of(Message(channel=channel, topic=topic), channel))

    async def consent(self, channel: str, topic: str, seats: Ints, state: str) -> None:
        """Note a word the journey brought."""
        said = (await self.consents(channel, topic)).copy()
        said[seats] = CONSENT.index(state)
        self._words[channel, topic] = said
        self.gate.words[channel, topic] = said

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


def _zone(hours: str | None, trait: str | None, usual: str) -> str:
    stated = own_hours(hours) if hours else None
    return stated[1].key if stated else trait or usual
