"""One step in time: what came in, whom it touches, and what follows for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments.bitmaps import bitmap
from antiphon.awareness.segments.check import Person
from antiphon.awareness.segments.live import alone, answers, looks, people as of_people
from antiphon.awareness.segments.live.rows import Column, Rows, unix
from antiphon.awareness.segments.live.state import Condition, State, ids
from antiphon.awareness.segments.live.strands import Strand, Unfit, encode
from antiphon.awareness.segments.model import EventCondition, Node, TraitCondition
from antiphon.awareness.traits import typed

SLICE = 10_000
"""People looked at one by one are in memory so many at a time: midnight may concern nearly everybody."""

Said = tuple[int, int, int, datetime, str | None]
"""Lane, seq, profile, when, properties."""


@dataclass
class Batch:
    """What came in since the last step, up to ``lanes`` and ``mirror``. ``corrected``: those whose events of a name were read
    again. ``more``: there is more than was taken."""

    lanes: dict[int, int] = field(default_factory=dict)
    mirror: int = 0
    events: dict[str, list[Said]] = field(default_factory=dict)
    changed: BitMap = field(default_factory=BitMap)
    lists: dict[int, tuple[int, BitMap]] = field(default_factory=dict)
    corrected: dict[str, Column] = field(default_factory=dict)
    more: bool = False


@dataclass
class Touched:
    """Whom a step concerns, by the ids their rows have: of each strand, and, ``wholly``, in every respect."""

    strands: dict[str, Column] = field(default_factory=dict)
    wholly: BitMap = field(default_factory=BitMap)

    @property
    def everybody(self) -> BitMap:
        found = self.wholly.copy()
        for raw in self.strands.values():
            found |= bitmap(raw)
        return found

    def named(self, aliases: Mapping[int, int]) -> BitMap:
        """Whose events concern the step, as who they are now."""
        found = BitMap()
        for raw in self.strands.values():
            found |= bitmap(np.unique(canonical(raw, aliases)))
        return found


class UnfitStrand(Exception):
    """Events of ``name`` cannot be held: why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


@dataclass
class Tally:
    """How much a step looked at."""

    people: int = 0
    rows: int = 0


def by_name(state: State) -> dict[str, list[Condition]]:
    """The conditions on each strand."""
    found: dict[str, list[Condition]] = {}
    for condition in state.conditions.values():
        for name in looks.names(condition.node):
            found.setdefault(name, []).append(condition)
    return found


def touch(state: State, batch: Batch, now: datetime) -> Touched:
    """Take the rows that came in, and say whom they and the passing of time concern. Raises UnfitStrand."""
    touched = Touched(wholly=batch.changed.copy())
    for name, conditions in by_name(state).items():
        strand = state.strands[name]
        said = batch.events.get(name, [])
        new = [one for one in said if one[1] > strand.reach.get(one[0], 0)]
        raw: list[Column] = [np.array([one[2] for one in said], dtype=np.uint32)]
        try:
            strand.take(Rows.sort(encode(strand.wanted, strand.sayings, [(one[2], unix(one[3]), one[4]) for one in new])))
        except Unfit as why:
            raise UnfitStrand(name, str(why)) from why
        strand.reach = {lane: max(seq, strand.reach.get(lane, 0)) for lane, seq in batch.lanes.items()}
        spans = {span for one in conditions for span in looks.passed(one.node, one.as_of, now)}
        raw += [strand.between(*span) for span in spans]
        if name in batch.corrected:
            raw.append(batch.corrected[name])
        touched.strands[name] = np.unique(np.concatenate(raw))
    for condition in state.conditions.values():
        touched.wholly |= _passed_by(state, condition.node, condition.as_of, now)
    state.lanes, state.mirror = state.lanes | batch.lanes, max(state.mirror, batch.mirror)
    return touched


def _passed_by(state: State, node: Node, before: datetime, now: datetime) -> BitMap:
    """Those whose date an edge of a condition passes between two instants."""
    found = BitMap()
    if before < now and isinstance(node, TraitCondition):
        for operand in of_people.moving(node):
            column = state.traits[node.trait]
            edges = of_people.edge(operand, column, before), of_people.edge(operand, column, now)
            found |= bitmap(np.unique(state.watches[node.trait].between(min(edges), max(edges))))
    return found


def absorb(
    state: State, touched: Touched, batch: Batch, there: BitMap, aliases: Mapping[int, int], now: datetime
) -> Tally:
    """Decide everybody concerned anew, once `decide_people` was told of all who are ``there`` of those wholly touched.

    ``aliases``: who was whom.
    """
    tally = Tally()
    named = touched.wholly | BitMap(aliases[one] for one in touched.wholly if one in aliases)
    nobody = named - there
    state.come = (state.everyone & nobody) | (there - state.everyone)
    state.everyone = (state.everyone | there) - nobody
    for condition in state.conditions.values():
        condition.forget(nobody)
    gone = ids(nobody - BitMap(aliases))  # neither there nor merged into somebody: erased, or never there
    if len(gone):
        for strand in state.strands.values():
            strand.forget(gone)
    whole = ids(there)
    for name, conditions in by_name(state).items():
        concerned = np.unique(np.concatenate((canonical(touched.strands[name], aliases), whole)))
        tally.people += len(concerned)
        counted = [(one, one.node) for one in conditions if isinstance(one.node, EventCondition) and looks.plain(one.node)]
        tally.rows += _decide_events(state.strands[name], counted, concerned, aliases, now)
    for condition in state.conditions.values():
        if isinstance(condition.node, looks.OF_EVENTS) and not looks.plain(condition.node):
            names = sorted(looks.names(condition.node))
            raws = [canonical(touched.strands[name], aliases) for name in names]
            tally.rows += _decide_alone(state, condition, names, np.unique(np.concatenate([*raws, whole])), aliases, now)
    lists = {one: state.lists[one][1] ^ held for one, (_, held) in batch.lists.items() if one in state.lists}
    state.lists |= {one: held for one, held in batch.lists.items() if one in state.lists}
    for condition in state.conditions.values():
        if not isinstance(condition.node, of_people.BY_THE_CLOCK):  # these are as of the last day that began somewhere
            condition.as_of = max(condition.as_of, now)
    state.settle(lists)
    return tally


def canonical(raw: Column, aliases: Mapping[int, int]) -> Column:
    """Who people are now."""
    if not aliases or not len(raw):
        return raw
    was = np.array(sorted(aliases), dtype=np.uint32)
    real = np.array([aliases[one] for one in was.tolist()], dtype=np.uint32)
    place = np.minimum(np.searchsorted(was, raw), len(was) - 1)
    return np.asarray(np.where(was[place] == raw, real[place], raw), dtype=np.uint32)


def decide_people(state: State, people: list[Person], now: datetime) -> None:
    """Decide the conditions on people themselves for some of them."""
    who = np.array([one.id for one in people], dtype=np.uint32)
    for condition in state.conditions.values():
        if not isinstance(condition.node, looks.OF_EVENTS):
            condition.decide(who, of_people.decide(condition.node, condition.known, people, now, state.traits))
    for trait, watch in state.watches.items():
        column = state.traits[trait]
        for one in people:
            value = typed(one.traits.get(trait), column.type)
            if value is not None:
                watch.note(one.id, of_people.value_of(value))


def _decide_events(
    strand: Strand,
    conditions: list[tuple[Condition, EventCondition]],
    concerned: Column,
    aliases: Mapping[int, int],
    now: datetime,
) -> int:
    """Decide the conditions on one strand for some people, of whom all rows are gathered once; returns how many."""
    if not len(concerned) or not conditions:
        return 0
    columns, person = _gather(strand, concerned, aliases)
    for condition, node in conditions:
        condition.decide(concerned, answers.holds(node, now, strand.wanted, columns, person, len(concerned)))
    return len(person)


def _decide_alone(
    state: State, condition: Condition, names: list[str], concerned: Column, aliases: Mapping[int, int], now: datetime
) -> int:
    """Decide a condition for some people one by one; returns how many rows were gathered."""
    rows = 0
    for start in range(0, len(concerned), SLICE):
        some = concerned[start : start + SLICE]
        gathered = {name: (state.strands[name], *_gather(state.strands[name], some, aliases)) for name in names}
        condition.decide(some, alone.holds(condition.node, now, gathered, some))
        rows += sum(len(owner) for _, _, owner in gathered.values())
    return rows


def _gather(strand: Strand, concerned: Column, aliases: Mapping[int, int]) -> tuple[dict[str, Column], Column]:
    """(columns, whose each row is as a place in ``concerned``) of all rows of some people, under every id they had."""
    present = set(concerned.tolist()) if aliases else set()
    also = [(was, real) for was, real in aliases.items() if real in present]
    raw = np.concatenate((concerned, np.array([was for was, _ in also], dtype=np.uint32)))
    whose = np.concatenate((concerned, np.array([real for _, real in also], dtype=np.uint32)))
    order = np.argsort(raw, kind="stable")
    columns, owner = strand.of(raw[order])
    return columns, np.searchsorted(concerned, whose[order])[owner]
