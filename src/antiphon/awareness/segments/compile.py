"""From trees to questions for the lake, and the formulas that put the answers together.

A tree is taken apart into *leaves*, the questions only the lake can answer (who has such a trait, who did such a thing
so often), and a *formula* over them. All leaves of all trees planned together share scans: one over the profiles, one
for each event name (events are sorted by name and time, so these read disjoint row groups), each giving one row a
person with one bit for each leaf. The formula is then worked out on bitmaps, where ``not`` is a difference and a
segment within a segment costs nothing.

Equal leaves of different trees are one leaf. Parts of a tree that speak of traits alone are one leaf, so that a scan
returns the people that matter and not every trait's; but where there are so many of them that everybody is returned anyway,
each condition is a leaf, since conditions on one trait cost little more together than one.
"""

from collections.abc import Mapping, Sequence as Ordered
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, assert_never

from antiphon.awareness.events.properties import negated
from antiphon.awareness.segments.contact import contact_sql
from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.formula import Alike, Every, Everyone, Except, Formula, Leaf, Listed, Some, Stored, bounded
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Lookalike,
    Near,
    OfProfile,
    Reachable,
    Sequence,
    Share,
)
from antiphon.awareness.segments.leaves import reads_properties, reads_since, sources
from antiphon.awareness.segments.listings import Listing, listings
from antiphon.awareness.segments.model import (
    And,
    Condition,
    EventCondition,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    Surroundings,
    TraitColumn,
    TraitCondition,
    walk,
)
from antiphon.awareness.segments.moments import since_sql, time_sql
from antiphon.awareness.segments.names import Names, together
from antiphon.awareness.segments.people import profile_sql
from antiphon.awareness.segments.ranges import Range, range_of
from antiphon.awareness.segments.scans import BITS, FEW, MOST_CARRIED, Question, Tables, apart, trait_scan, zero_holds
from antiphon.awareness.segments.sequences import sequence_sql
from antiphon.awareness.segments.sql import trait_sql
from antiphon.awareness.segments.tallies import Leaves, Tally, event_questions
from antiphon.awareness.segments.windows import SinceEvent
from antiphon.awareness.segments.words import Words, words_of

Alone: TypeAlias = EventCondition | EventTime | Sequence | ConsentIs | Reachable
"""Leaves with a scan of their own."""
Asked: TypeAlias = Question | Tally | Listing | Names


@dataclass
class Plan:
    """What to ask the lake about a set of trees, and the formula of each tree over the answers."""

    now: datetime
    formulas: dict[int, Formula] = field(default_factory=dict)
    traits: list[tuple[int, str]] = field(default_factory=list)
    shared: dict[int, Range | Words] = field(default_factory=dict)
    events: dict[str, list[tuple[int, EventCondition]]] = field(default_factory=dict)
    others: list[tuple[int, Alone]] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    alike: set[tuple[int, float]] = field(default_factory=set)
    around: Surroundings = field(default_factory=Surroundings)
    everyone: int | None = None
    leaves: int = 0

    @property
    def reading(self) -> list[Condition]:
        """The leaves that read events."""
        counted = [node for nodes in self.events.values() for _, node in nodes]
        return [*counted, *(node for _, node in self.others if sources(node))]

    @property
    def names(self) -> list[str]:
        """The names of the events that are read."""
        return list(dict.fromkeys(name for node in self.reading for name in sorted(sources(node) or ())))

    @property
    def properties(self) -> list[str]:
        """The names of the events whose properties some leaf looks into."""
        return sorted({name for node in self.reading if reads_properties(node) for name in sources(node) or ()})

    @property
    def start(self) -> datetime | None:
        """The earliest instant that any leaf looks at; None if one looks at all of history."""
        found = [reads_since(node, self.now) for node in self.reading]
        return None if None in found else min((at for at in found if at), default=None)

    def questions(self, tables: Tables) -> list[Asked]:
        """Return the questions that answer every leaf."""
        return [*self.of_people(tables), *self.of_events(tables)]

    def of_people(self, tables: Tables) -> list[Asked]:
        """Return the questions that read no events."""
        asked: list[Asked] = []
        traits = list(self.traits)
        if self.everyone is not None:
            if len(traits) > FEW:
                traits.append((self.everyone, "true"))  # such a scan gives every profile anyway
            else:
                asked.append(trait_scan([(self.everyone, "true")], tables))
        listed, traits = listings(traits, self.shared, tables)
        asked += listed
        for i in range(0, len(traits), BITS):
            carry = self.around.people <= MOST_CARRIED
            asked.append(trait_scan(traits[i : i + BITS], tables, self.shared, carry=carry))
        return asked + [Question(self._alone(node, tables), (index,)) for index, node in self.others if not sources(node)]

    def of_events(self, tables: Tables) -> list[Asked]:
        """Return the questions that read events, the longest first."""
        rare, events = together(self.events, tables, self.now)
        counted = [part for name, nodes in events.items() for part in self._parts(name, nodes)]
        counted.sort(key=lambda part: -sum(reads_properties(node) for _, node in part[1]))
        asked: list[Asked] = [one for name, part in counted for one in event_questions(name, part, tables, self.now)]
        return [*asked, *rare, *(Question(self._alone(node, tables), (index,)) for index, node in self.others if sources(node))]

    def _parts(self, name: str, nodes: Leaves) -> list[tuple[str, Leaves]]:
        return [(name, part) for part in apart(nodes, self.now)]

    def _alone(self, node: Alone, tables: Tables) -> str:
        """Return the scan of a leaf that shares none."""
        match node:
            case EventCondition():
                return since_sql(node, tables, self.now)
            case EventTime():
                return time_sql(node, tables, self.now)
            case Sequence():
                return sequence_sql(node, tables, self.now)
            case ConsentIs() | Reachable():
                return contact_sql(node, self.around, tables)
            case _:
                assert_never(node)


def plan(
    trees: Mapping[int, Node],
    now: datetime,
    traits: Mapping[str, TraitColumn],
    segments: Mapping[int, Node | None] | None = None,
    around: Surroundings | None = None,
) -> Plan:
    """Plan the evaluation of ``trees`` together at ``now``. They must have passed ``rules.validate``.

    ``segments`` maps each segment referred to, directly or not, to its tree, or None when it is a static list.
    """
    planned = _planned(trees, now, traits, segments or {}, around or Surroundings(), fuse=True)
    if len(planned.traits) > FEW:
        return _planned(trees, now, traits, segments or {}, around or Surroundings(), fuse=False)
    return planned


def _planned(
    trees: Mapping[int, Node],
    now: datetime,
    traits: Mapping[str, TraitColumn],
    segments: Mapping[int, Node | None],
    around: Surroundings,
    *,
    fuse: bool,
) -> Plan:
    planner = _Planner(now, traits, segments, around, fuse=fuse)
    for key, tree in trees.items():
        planner.add(key, tree)
    return planner.plan


class _Planner:
    """Numbers leaves, each once however many trees ask it."""

    def __init__(
        self,
        now: datetime,
        traits: Mapping[str, TraitColumn],
        segments: Mapping[int, Node | None],
        around: Surroundings,
        *,
        fuse: bool,
    ) -> None:
        self.plan = Plan(now, around=around)
        self.fuse = fuse
        self.traits = traits
        self.segments = segments
        self.known: dict[object, Leaf] = {}
        self.inner: dict[int, Formula] = {}
        self.bounded: dict[int, bool] = {}

    def add(self, key: int, tree: Node) -> None:
        formula = self.formula(tree)
        self.plan.formulas[key] = formula
        if self.plan.everyone is None and not bounded(formula, self.bounded):
            self.plan.everyone = self.number()

    def number(self) -> int:
        self.plan.leaves += 1
        return self.plan.leaves - 1

    def formula(self, node: Node) -> Formula:
        if self.fuse and of_traits(node):
            return self.trait_leaf(node)
        match node:
            case EventCondition():
                return self.event_leaf(node)
            case Engagement():
                return self.event_leaf(as_event(node))
            case EventTime() | Sequence() | Reachable():
                return self.alone_leaf(node)
            case ConsentIs():
                return Except(self.alone_leaf(node)) if node.state == "unknown" else self.alone_leaf(node)
            case Lookalike(id=ref, percent=percent):
                self.plan.alike.add((ref, percent))
                return Alike(ref, percent)
            case And(of=of):
                return Every(self.parts(of, And))
            case Or(of=of):
                return Some(self.parts(of, Or))
            case Not(of=one):
                return Except(self.formula(one))
            case InSegment(id=ref):
                return self.segment(ref)
            case Profiles(ids=ids):
                return Listed(tuple(sorted(set(ids))))
            case TraitCondition() | Age() | Anniversary() | Length() | Near() | Share():
                return self.trait_leaf(node)
            case _:
                assert_never(node)

    def parts(self, of: Ordered[Node], join: type[And] | type[Or]) -> tuple[Formula, ...]:
        """Return the formulas of the parts, those about traits alone fused into one where leaves are fused."""
        plain = [part for part in of if self.fuse and of_traits(part)]
        rest = tuple(self.formula(part) for part in of if not (self.fuse and of_traits(part)))
        return (self.trait_leaf(plain[0] if len(plain) == 1 else join(plain)), *rest) if plain else rest

    def segment(self, ref: int) -> Formula:
        if ref not in self.inner:
            tree = self.segments[ref]
            if tree is None:
                self.plan.stored.add(ref)
                self.inner[ref] = Stored(ref)
            else:
                self.inner[ref] = self.formula(tree)
        return self.inner[ref]

    def trait_leaf(self, node: Node) -> Formula:
        predicate = self.predicate(node)
        if predicate == "true":
            return Everyone()
        if predicate not in self.known:
            self.known[predicate] = leaf = Leaf(self.number(), bounded=True)
            self.plan.traits.append((leaf.index, predicate))
            if isinstance(node, TraitCondition):
                column = self.traits[node.trait]
                if found := range_of(node, column, self.plan.now) or words_of(node, column, self.plan.now):
                    self.plan.shared[leaf.index] = found
        return self.known[predicate]

    def predicate(self, node: Node) -> str:
        """Return a tree of traits as one condition on the profile's columns; where null it does not hold."""
        match node:
            case TraitCondition():
                return trait_sql(node, self.traits[node.trait], self.plan.now)
            case Age() | Anniversary() | Length() | Near() | Share():
                return profile_sql(node, self.traits, self.plan.now)
            case And(of=of):
                return _joined([self.predicate(part) for part in of], "and", "true")
            case Or(of=of):
                return _joined([self.predicate(part) for part in of], "or", "false")
            case Not(of=one):
                return negated(self.predicate(one))
            case _:
                raise AssertionError(node)

    def event_leaf(self, node: EventCondition) -> Formula:
        key = repr(node)
        if key not in self.known:
            self.known[key] = leaf = Leaf(self.number(), bounded=False)
            if isinstance(node.window, SinceEvent):
                self.plan.others.append((leaf.index, node))
            else:
                self.plan.events.setdefault(node.name, []).append((leaf.index, node))
        return Except(self.known[key]) if zero_holds(node) else self.known[key]

    def alone_leaf(self, node: Alone) -> Formula:
        key = repr(node)
        if key not in self.known:
            self.known[key] = leaf = Leaf(self.number(), bounded=False)
            self.plan.others.append((leaf.index, node))
        return self.known[key]


def of_traits(node: Node) -> bool:
    """Whether ``node`` speaks of the profile's row alone."""
    return all(isinstance(part, TraitCondition | OfProfile | And | Or | Not) for _, _, part in walk(node))


def _joined(parts: list[str], word: str, empty: str) -> str:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"
