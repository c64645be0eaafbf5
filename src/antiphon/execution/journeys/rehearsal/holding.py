"""Of whom a segment's tree holds, each at an instant of their own, worked out in memory for many at once.

The same rules as the segments' own. What speaks of traits alone is asked of the lake once for everybody; counts of events and
first and last times are looked up in sorted columns; what is rare (sequences, sums, ages) is asked of the segments' own checker,
person by person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Protocol

import msgspec
import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments import Known, members
from antiphon.awareness.segments.language import (
    BUILT_IN,
    Ago,
    And,
    Checker,
    Condition,
    ConsentIs,
    Dates,
    Engagement,
    EventCondition,
    EventTime,
    Fixed,
    InSegment,
    Last,
    Lookalike,
    Lookalikes,
    Node,
    Not,
    Or,
    Person,
    Profiles,
    Reachable,
    SinceEvent,
    as_event,
    calendar_bounds,
    conditions,
    duration,
    evaluate,
    moves_with_time,
    of_traits,
    reads_properties,
    reads_since,
    sources,
)
from antiphon.execution.journeys.contract import NEVER, Bools, Ints
from antiphon.execution.journeys.rehearsal.past import Wanted
from antiphon.execution.journeys.rehearsal.traits import Traits
from antiphon.foundation.context import Context
from antiphon.foundation.postgres.binary import from_micros, micros

QUARTER = 900_000_000
"""Microseconds of a quarter of an hour: midnights of all time zones fall on them."""


class Seen(Protocol):
    """What a tree may ask of some people, by seat."""

    ids: Ints

    def counted(self, node: EventCondition, seats: Ints, first: Ints, end: Ints) -> Ints:
        """How many events of the condition's name, with its conditions, each has in ``[first, end)``."""

    def first_time(self, node: EventTime, seats: Ints, end: Ints) -> Ints:
        """The instant of the first (or last) event before ``end``; `NEVER` where there is none."""

    async def consents(self, channel: str, topic: str, seats: Ints, at: Ints) -> Ints:
        """Each one's latest word at their instant: 0 unknown, 1 granted, 2 pending, 3 withdrawn."""

    async def reachable(self, channel: str) -> Bools:
        """Which seats have an address on the channel that is not suppressed."""

    async def moved(self, names: Set[str], seats: Ints) -> Ints:
        """Places in ``seats`` of those of whom any of these traits is not all the time what it is today."""

    @property
    def traits(self) -> Traits:
        """Everybody's traits at any instant."""

    async def checked(self, checker: Checker, leaf: Node, seat: int, at: int) -> bool:
        """What the segments' own checker says of one person."""


class Trees:
    """What is known of segments and traits for a whole rehearsal: trees, and sets of people that do not change in it."""

    def __init__(self, ctx: Context, about: Known, now: datetime) -> None:
        self.ctx = ctx
        self.about = about
        self.now = now
        self._sets: dict[str, BitMap] = {}

    async def of_traits(self, node: Node) -> BitMap:
        """Whom a condition on traits means, as traits are now."""
        key = repr(node)
        if key not in self._sets:
            self._sets[key] = (await evaluate(self.ctx, {0: node}, self.now, self.about)).members[0]
        return self._sets[key]

    async def members(self, segment_id: int) -> BitMap:
        """Who is in a segment as of its last refresh."""
        key = f"segment {segment_id}"
        if key not in self._sets:
            async with self.ctx.db.connection() as conn:
                self._sets[key] = await members(conn, segment_id)
        return self._sets[key]

    async def alike(self, node: Lookalike) -> BitMap:
        """Who is like the members of a segment."""
        key = repr(node)
        if key not in self._sets:
            self._sets[key] = await self.ctx.get(Lookalikes).find(self.ctx, node.id, node.percent, self.now)
        return self._sets[key]

    def wants(self, tree: Node, wanted: Wanted, since: datetime) -> None:
        """Have the events read that a tree asks about from ``since`` on."""
        for leaf in conditions(tree, self.about.segments):
            if isinstance(leaf, Engagement):
                leaf = as_event(leaf)
            names = sources(leaf)
            if not names:
                continue
            begin = reads_since(leaf, since)
            wanted.since = None if begin is None or wanted.since is None else min(wanted.since, begin)
            if isinstance(leaf, EventCondition | EventTime) and not _is_rare(leaf):
                wanted.ask(leaf.name, None, leaf.where)
                continue
            wanted.names |= names
            if reads_properties(leaf):
                wanted.whole |= names


def _is_rare(leaf: Condition) -> bool:
    """Whether a leaf that reads events is asked person by person."""
    if isinstance(leaf, EventCondition):
        return isinstance(leaf.window, SinceEvent) or (leaf.measure != "count" and leaf.op not in ("did", "did_not"))
    return not isinstance(leaf, EventTime)


class Holding:
    """Answers trees for the people of one part of the population."""

    def __init__(self, trees: Trees, seen: Seen) -> None:
        self.trees = trees
        self.seen = seen
        self._masks: dict[str, Bools] = {}
        self._answers: dict[str, dict[bytes, bool]] = {}

    async def holds(self, tree: Node, seats: Ints, at: Ints) -> Bools:
        """Of whom it holds at their instant."""
        if of_traits(tree) and not any(moves_with_time(leaf) for leaf in conditions(tree, {})):
            return await self._traits(tree, seats, at)
        match tree:
            case And(of=of) | Or(of=of):
                found: Bools = np.full(len(seats), isinstance(tree, And))
                for part in of:
                    held = await self.holds(part, seats, at)
                    found = found & held if isinstance(tree, And) else found | held
                return found
            case Not(of=one):
                return ~await self.holds(one, seats, at)
            case InSegment(id=ref):
                inner = self.trees.about.segments[ref]
                if inner is not None:
                    return await self.holds(inner, seats, at)
                return self._mask(f"segment {ref}", await self.trees.members(ref))[seats]
            case _:
                return await self._leaf(tree, seats, at)

    async def _leaf(self, node: Condition, seats: Ints, at: Ints) -> Bools:
        match node:
            case Engagement():
                return await self._leaf(as_event(node), seats, at)
            case EventCondition() if not _is_rare(node):
                window = node.window
                assert not isinstance(window, SinceEvent)
                first, end = spans(window, at)
                return compared(node, self.seen.counted(node, seats, first, end))
            case EventTime():
                first, end = spans(node.window, at)
                found = self.seen.first_time(node, seats, at + 1)
                return mask((found != NEVER) & (found >= first) & (found < end))
            case ConsentIs(channel=channel, topic=topic, state=state):
                said = await self.seen.consents(channel, topic, seats, at)
                return mask(said == ("unknown", "granted", "pending", "withdrawn").index(state))
            case Reachable(channel=channel, topic=topic):
                can = (await self.seen.reachable(channel))[seats]
                return can if topic is None else can & (await self.seen.consents(channel, topic, seats, at) == 1)
            case Profiles(ids=ids):
                listed: Bools = np.isin(self.seen.ids[seats], np.asarray(ids, dtype=np.int64))
                return listed
            case Lookalike():
                return self._mask(repr(node), await self.trees.alike(node))[seats]
            case _:
                return await self._checked(node, seats, at)

    async def _traits(self, tree: Node, seats: Ints, at: Ints) -> Bools:
        key = repr(tree)
        if key not in self._masks:
            self._mask(key, await self.trees.of_traits(tree))
        found = self._masks[key][seats]
        names = trait_names(tree, {})
        other = await self.seen.moved(names, seats)
        if len(other):
            found[other] = await self._by_values(tree, key, sorted(names), seats[other], at[other])
        return found

    async def _by_values(self, tree: Node, key: str, names: Sequence[str], seats: Ints, at: Ints) -> Bools:
        """The same by what traits were at each instant, asked once for each values there are."""
        columns = await self.seen.traits.columns(names, seats, at)
        checker = Checker(self.trees.now, BUILT_IN | dict(self.trees.about.traits), self.trees.about.segments)
        answers, found = self._answers.setdefault(key, {}), np.zeros(len(seats), dtype=np.bool_)
        for place, one in enumerate(zip(*(columns[name] for name in names), strict=True)):
            said = msgspec.json.encode(one)
            if said not in answers:
                traits = {name: value for name, value in zip(names, one, strict=True) if value is not None}
                answers[said] = checker.holds(tree, Person(0, traits, []))
            found[place] = answers[said]
        return found

    def _mask(self, key: str, members: BitMap) -> Bools:
        if key not in self._masks:
            self._masks[key] = np.isin(self.seen.ids, np.asarray(members.to_array(), dtype=np.int64), assume_unique=True)
        return self._masks[key]

    async def _checked(self, node: Node, seats: Ints, at: Ints) -> Bools:
        """Person by person, each instant's checker made once."""
        checkers: dict[int, Checker] = {}
        found = np.zeros(len(seats), dtype=np.bool_)
        traits = BUILT_IN | dict(self.trees.about.traits)
        for place, (seat, when) in enumerate(zip(seats.tolist(), at.tolist(), strict=True)):
            if when not in checkers:
                checkers[when] = Checker(from_micros(when), traits, self.trees.about.segments)
            found[place] = await self.seen.checked(checkers[when], node, seat, when)
        return found


def mask(found: Any) -> Bools:
    """A comparison's answer."""
    return np.asarray(found, dtype=np.bool_)


def compared(node: EventCondition, count: Ints) -> Bools:
    """Whether a count satisfies a condition's comparison."""
    low, high = node.value or 0, node.high or 0
    answers: Mapping[str, Any] = {
        "did": lambda: count > 0, "did_not": lambda: count == 0, "eq": lambda: count == low, "ne": lambda: count != low,
        "lt": lambda: count < low, "le": lambda: count <= low, "gt": lambda: count > low, "ge": lambda: count >= low,
        "between": lambda: (count >= low) & (count <= high),
    }  # fmt: skip
    found: Bools = answers[node.op]()
    return found


def spans(window: Fixed | None, at: Ints) -> tuple[Ints, Ints]:
    """The window of each instant as ``[first, end)``; nothing later than the instant is in it."""
    first, end = np.full(len(at), -NEVER), at + 1
    match window:
        case None:
            pass
        case Last(amount=amount, unit=unit):
            first = at - _micros(duration(amount, unit)) + 1
        case Ago(begin=begin, end=until):
            if begin is not None:
                first = at - _micros(begin.length) + 1
            if until is not None and until.amount:
                end = np.minimum(end, at - _micros(until.length) + 1)
        case Dates(since=since, until=before):
            if since is not None:
                first = np.full(len(at), micros(since))
            if before is not None:
                end = np.minimum(end, micros(before))
        case _:
            quarters, place = np.unique(at // QUARTER, return_inverse=True)
            both = [calendar_bounds(window, from_micros(one * QUARTER)) for one in quarters.tolist()]
            first = np.array([micros(one) for one, _ in both], dtype=np.int64)[place]
            end = np.minimum(end, np.array([micros(one) for _, one in both], dtype=np.int64)[place])
    return first, end


def _micros(length: Any) -> int:
    return int(length.total_seconds() * 1_000_000)


def trait_names(tree: Node, segments: Mapping[int, Node | None]) -> set[str]:
    """The traits a tree asks about."""
    found: set[str] = set()
    for leaf in conditions(tree, segments):
        for name in ("trait", "zone", "latitude", "longitude"):
            value = getattr(leaf, name, None)
            if isinstance(value, str) and value:
                found.add(value)
    return found
