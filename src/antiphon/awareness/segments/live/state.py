"""What is known at an instant: of each condition whom it holds for, and so who is in each segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import overload

import numpy as np
from pyroaring import BitMap

from antiphon.awareness.segments.bitmaps import bitmap
from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.formula import Every, Everyone, Except, Formula, Leaf, Listed, Some, Stored, solve
from antiphon.awareness.segments.kinds import Engagement
from antiphon.awareness.segments.live import looks
from antiphon.awareness.segments.live.people import OF_PEOPLE, Known, Watch, moving, traits_of
from antiphon.awareness.segments.live.rows import Column
from antiphon.awareness.segments.live.strands import Strand, Unfit
from antiphon.awareness.segments.model import (
    And,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    Surroundings,
    TraitColumn,
    TraitCondition,
)


@dataclass(eq=False)
class Condition:
    """A leaf of trees: whom it holds for, as of when, and who changed in the present tick."""

    node: Node
    members: BitMap
    as_of: datetime
    known: Known | None = None
    flips: BitMap = field(default_factory=BitMap)

    def decide(self, people: Column, holding: Column) -> None:
        """From now on it holds for those of ``people`` for whom ``holding`` is true, and not for the others."""
        asked, now_in = bitmap(people), bitmap(people[holding])
        was = self.members & asked
        entered, gone = now_in - was, was - now_in
        self.members |= entered
        self.members -= gone
        self.flips |= entered
        self.flips |= gone

    def forget(self, people: BitMap) -> None:
        """It holds for none of these, who are nobody now."""
        self.members -= people


@dataclass(eq=False)
class Following:
    """A segment that is live: what it is, whom it has, and what of that is stored."""

    id: int
    name: str
    version: int
    revision: int
    announced: bool
    formula: Formula
    closure: Mapping[int, int]
    """The version of every rule segment it is made of, itself included."""
    members: BitMap = field(default_factory=BitMap)
    seq: int = 0
    base: int = -1
    changes: int = 0
    deltas: int = 0
    entered: BitMap = field(default_factory=BitMap)
    gone: BitMap = field(default_factory=BitMap)
    stale: bool = True
    """What is stored is to be read again before anything is."""

    leaves: list[int] = field(init=False)
    lists: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.leaves = sorted(leaves_of(self.formula))
        self.lists = lists_of(self.formula)

    def stands(self, *, name: str, announce: str, evaluated: bool, revision: int) -> None:
        """What people changed of it, and whether somebody else changed its members."""
        self.name = name
        self.announced = announce == "everyone" or (announce == "changes" and evaluated)
        self.stale = self.stale or revision != self.revision
        self.revision = revision


@dataclass(eq=False)
class State:
    """All of it. ``lanes``, ``mirror`` and ``corrected``: how far events, changes of profiles and corrections of events were
    followed."""

    conditions: dict[int, Condition] = field(default_factory=dict)
    segments: dict[int, Following] = field(default_factory=dict)
    strands: dict[str, Strand] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    lists: dict[int, tuple[int, BitMap]] = field(default_factory=dict)
    traits: dict[str, TraitColumn] = field(default_factory=dict)
    around: Surroundings = field(default_factory=Surroundings)
    everyone: BitMap = field(default_factory=BitMap)
    come: BitMap = field(default_factory=BitMap)
    """Who began or ceased to be a profile in the present tick."""
    lanes: dict[int, int] = field(default_factory=dict)
    mirror: int = 0
    corrected: int = 0

    @property
    def rows(self) -> int:
        return sum(strand.count for strand in self.strands.values())

    @property
    def bytes(self) -> int:
        """What the events take, and the dates that are watched."""
        return sum(strand.bytes for strand in self.strands.values()) + sum(watch.bytes for watch in self.watches.values())

    def traits_of(self, segment: Following) -> set[str]:
        """The traits a segment names."""
        return {name for index in segment.leaves for name in traits_of(self.conditions[index].node)}

    def start_of(self, name: str) -> int | None:
        """The earliest event of a name that any condition still looks at; None for all of history."""
        found: list[int] = []
        for one in self.conditions.values():
            if name in looks.names(one.node):
                start = looks.wanted(one.node, one.as_of)[name].start
                if start is None:
                    return None
                found.append(start)
        return min(found, default=None)

    def drop(self, ids: Iterable[int]) -> None:
        """Follow these segments no more, nor what only they needed."""
        for one in ids:
            self.segments.pop(one, None)
        used = {leaf for segment in self.segments.values() for leaf in segment.leaves}
        self.conditions = {index: kept for index, kept in self.conditions.items() if index in used}
        names = {name for kept in self.conditions.values() for name in looks.names(kept.node)}
        self.strands = {name: strand for name, strand in self.strands.items() if name in names}
        moving_traits = {
            kept.node.trait
            for kept in self.conditions.values()
            if isinstance(kept.node, TraitCondition) and moving(kept.node)
        }
        self.watches = {trait: watch for trait, watch in self.watches.items() if trait in moving_traits}
        lists = {one for segment in self.segments.values() for one in segment.lists}
        self.lists = {one: kept for one, kept in self.lists.items() if one in lists}

    def solved(self, formula: Formula) -> BitMap:
        """Everybody a formula means now."""
        lists = {one: people for one, (_, people) in self.lists.items()}
        return solve(formula, _Leaves(self.conditions, None), self.everyone, lists)

    def settle(self, changed_lists: Mapping[int, BitMap]) -> None:
        """Carry the changes of the tick from the conditions to the segments."""
        for segment in self.segments.values():
            touched = self.come.copy()
            for index in segment.leaves:
                touched |= self.conditions[index].flips
            for one in segment.lists:
                touched |= changed_lists.get(one, BitMap())
            if not touched:
                continue
            lists = {one: self.lists[one][1] & touched for one in segment.lists}
            found = solve(segment.formula, _Leaves(self.conditions, touched), self.everyone & touched, lists)
            was = segment.members & touched
            entered, gone = found - was, was - found
            segment.members |= entered
            segment.members -= gone
            segment.entered, segment.gone = (
                (segment.entered | (entered - segment.gone)) - gone,
                (segment.gone | (gone - segment.entered)) - entered,
            )
        for condition in self.conditions.values():
            condition.flips = BitMap()
        self.come = BitMap()


class _Leaves(Sequence[BitMap]):
    """The members of conditions, of some people only."""

    def __init__(self, conditions: Mapping[int, Condition], only: BitMap | None) -> None:
        self._conditions = conditions
        self._only = only

    @overload
    def __getitem__(self, index: int) -> BitMap: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[BitMap]: ...
    def __getitem__(self, index: int | slice) -> BitMap | Sequence[BitMap]:
        assert isinstance(index, int)
        members = self._conditions[index].members
        return members if self._only is None else members & self._only

    def __len__(self) -> int:
        return len(self._conditions)


class Arranger:
    """Takes trees apart into conditions, each once, and formulas over them. Raises Unfit for what cannot be live."""

    def __init__(self, state: State, trees: Mapping[int, Node | None]) -> None:
        self._trees = trees
        self._known = {repr(condition.node): index for index, condition in state.conditions.items()}
        self._next = max(state.conditions, default=-1) + 1
        self._inner: dict[int, Formula] = {}
        self.new: dict[int, Node] = {}

    def formula(self, node: Node) -> Formula:
        match node:
            case And(of=of):
                return Every(tuple(self.formula(part) for part in of)) if of else Everyone()
            case Or(of=of):
                return Some(tuple(self.formula(part) for part in of))
            case Not(of=one):
                return Except(self.formula(one))
            case InSegment(id=ref):
                if ref not in self._inner:
                    tree = self._trees[ref]
                    self._inner[ref] = Stored(ref) if tree is None else self.formula(tree)
                return self._inner[ref]
            case Profiles(ids=ids):
                return Listed(tuple(sorted(set(ids))))
            case Engagement():
                return self.formula(as_event(node))
            case _:
                if not isinstance(node, OF_PEOPLE + looks.OF_EVENTS):
                    raise Unfit(f"it has a condition of the kind {type(node).__name__}")
                return self._leaf(node)

    def _leaf(self, node: Node) -> Leaf:
        said = repr(node)
        if said not in self._known:
            self._known[said] = self._next
            self.new[self._next] = node
            self._next += 1
        return Leaf(self._known[said], bounded=False)


def parts_of(formula: Formula) -> Iterable[Formula]:
    """The formula and all formulas in it, each once however often it is referred to."""
    seen: set[int] = set()
    todo = [formula]
    while todo:
        here = todo.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        yield here
        match here:
            case Every(of=of) | Some(of=of):
                todo += of
            case Except(of=one):
                todo.append(one)
            case _:
                pass


def leaves_of(formula: Formula) -> set[int]:
    """The numbers of the leaves of a formula."""
    return {part.index for part in parts_of(formula) if isinstance(part, Leaf)}


def lists_of(formula: Formula) -> set[int]:
    """The static lists a formula speaks of."""
    return {part.segment_id for part in parts_of(formula) if isinstance(part, Stored)}


def ids(people: Iterable[int]) -> Column:
    """People, sorted, as a column."""
    return np.array(sorted(people), dtype=np.uint32)
