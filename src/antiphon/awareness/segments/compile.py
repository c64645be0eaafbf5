"""From trees to questions for the lake, and the formulas that put the answers together.

A tree is taken apart into *leaves*, the questions only the lake can answer (who has such a trait, who did such a thing
so often), and a *formula* over them. All leaves of all trees planned together share scans: one over the profiles, one
for each event name (events are sorted by name and time, so these read disjoint row groups), each giving one row a
person with one bit for each leaf. The formula is then worked out on bitmaps, where ``not`` is a difference and a
segment within a segment costs nothing.

Equal leaves of different trees are one leaf. Parts of a tree that speak of traits alone are one leaf, so that a scan
returns the people that matter and not every trait's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from antiphon.awareness.segments.formula import Every, Everyone, Except, Formula, Leaf, Listed, Some, Stored, bounded
from antiphon.awareness.segments.model import (
    And,
    Dates,
    EventCondition,
    InSegment,
    Last,
    Node,
    Not,
    Or,
    Profiles,
    TraitColumn,
    TraitCondition,
    duration,
    walk,
)
from antiphon.awareness.segments.sql import Properties, filter_sql, literal, measure_sql, negated, trait_sql, window_sql

BITS = 64
"""Leaves of one scan: they travel as the bits of one unsigned integer."""
FEW = 8
"""Up to so many leaves a scan returns only the people some leaf holds for; beyond, asking twice costs more."""


@dataclass(frozen=True)
class Tables:
    """The relations to read.

    ``hot`` holds (profile_id, ts, name, properties) of events that are not in ``event`` yet. ``alias`` holds
    (from_id, to_id) of merged profiles; None when nobody was merged, which saves a join.
    """

    profile: str = "lake.profile"
    event: str = "lake.event"
    hot: str | None = None
    alias: str | None = None


@dataclass(frozen=True)
class Question:
    """One scan: its SQL gives ``profile_id`` (unordered, at most once), and ``bits`` if it has several leaves."""

    sql: str
    leaves: tuple[int, ...]


@dataclass
class Plan:
    """What to ask the lake about a set of trees, and the formula of each tree over the answers."""

    now: datetime
    formulas: dict[int, Formula] = field(default_factory=dict)
    traits: list[tuple[int, str]] = field(default_factory=list)
    events: dict[str, list[tuple[int, EventCondition]]] = field(default_factory=dict)
    everyone: int | None = None
    leaves: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the events that are read."""
        return list(self.events)

    @property
    def properties(self) -> bool:
        """Whether any leaf looks into an event's properties."""
        return any(node.where or node.property for nodes in self.events.values() for _, node in nodes)

    @property
    def start(self) -> datetime | None:
        """The earliest instant that any leaf looks at; None if one looks at all of history."""
        return _earliest([node for nodes in self.events.values() for _, node in nodes], self.now)

    def questions(self, tables: Tables) -> list[Question]:
        """Return the scans that answer every leaf."""
        asked = []
        if self.everyone is not None:
            sql = f"select profile_id::uinteger as profile_id from {tables.profile}"
            asked.append(Question(sql, (self.everyone,)))
        for i in range(0, len(self.traits), BITS):
            asked.append(_trait_scan(self.traits[i : i + BITS], tables))
        for name, nodes in self.events.items():
            for together in _apart(nodes, self.now):
                for i in range(0, len(together), BITS):
                    asked.append(_event_scan(name, together[i : i + BITS], tables, self.now))
        return asked


def plan(
    trees: Mapping[int, Node],
    now: datetime,
    traits: Mapping[str, TraitColumn],
    segments: Mapping[int, Node | None] | None = None,
) -> Plan:
    """Plan the evaluation of ``trees`` together at ``now``. They must have passed ``rules.validate``.

    ``segments`` maps each segment referred to, directly or not, to its tree, or None when it is a static list.
    """
    planner = _Planner(now, traits, segments or {})
    for key, tree in trees.items():
        planner.add(key, tree)
    return planner.plan


class _Planner:
    """Numbers leaves, each once however many trees ask it."""

    def __init__(
        self, now: datetime, traits: Mapping[str, TraitColumn], segments: Mapping[int, Node | None]
    ) -> None:
        self.plan = Plan(now)
        self.traits = traits
        self.segments = segments
        self.known: dict[object, Leaf] = {}
        self.inner: dict[int, Formula] = {}

    def add(self, key: int, tree: Node) -> None:
        formula = self.formula(tree)
        self.plan.formulas[key] = formula
        if self.plan.everyone is None and not bounded(formula):
            self.plan.everyone = self.number()

    def number(self) -> int:
        self.plan.leaves += 1
        return self.plan.leaves - 1

    def formula(self, node: Node) -> Formula:
        if of_traits(node):
            return self.trait_leaf(node)
        match node:
            case EventCondition():
                return self.event_leaf(node)
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
            case TraitCondition():
                return self.trait_leaf(node)
            case _:
                assert_never(node)

    def parts(self, of: Sequence[Node], join: type[And] | type[Or]) -> tuple[Formula, ...]:
        """Return the formulas of the parts, those about traits alone fused into one."""
        plain = [part for part in of if of_traits(part)]
        rest = tuple(self.formula(part) for part in of if not of_traits(part))
        return (self.trait_leaf(join(plain)), *rest) if plain else rest

    def segment(self, ref: int) -> Formula:
        if ref not in self.inner:
            tree = self.segments[ref]
            self.inner[ref] = Stored(ref) if tree is None else self.formula(tree)
        return self.inner[ref]

    def trait_leaf(self, node: Node) -> Formula:
        predicate = self.predicate(node)
        if predicate == "true":
            return Everyone()
        if predicate not in self.known:
            self.known[predicate] = leaf = Leaf(self.number(), bounded=True)
            self.plan.traits.append((leaf.index, predicate))
        return self.known[predicate]

    def predicate(self, node: Node) -> str:
        """Return a tree of traits as one condition on the profile's columns; where null it does not hold."""
        match node:
            case TraitCondition():
                return trait_sql(node, self.traits[node.trait], self.plan.now)
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
            self.plan.events.setdefault(node.name, []).append((leaf.index, node))
        return Except(self.known[key]) if zero_holds(node) else self.known[key]


def of_traits(node: Node) -> bool:
    """Whether ``node`` speaks of traits alone."""
    return all(isinstance(part, TraitCondition | And | Or | Not) for _, _, part in walk(node))


def zero_holds(node: EventCondition) -> bool:
    """Whether somebody with no such event satisfies ``node``.

    Such people are in no event row, so the lake is asked for those who do *not* satisfy it.
    """
    if node.op in ("did", "did_not"):
        return node.op == "did_not"
    if node.measure in ("avg", "min", "max"):
        return False
    value, high = node.value or 0, node.high or 0
    match node.op:
        case "eq":
            return value == 0
        case "ne":
            return value != 0
        case "lt":
            return value > 0
        case "le":
            return value >= 0
        case "gt":
            return value < 0
        case "ge":
            return value <= 0
        case "between":
            return value <= 0 <= high
        case _:
            raise AssertionError(node.op)


def starts(node: EventCondition, now: datetime) -> datetime | None:
    """Return the earliest instant ``node`` looks at, or None if it looks at all of history."""
    match node.window:
        case Last(amount=amount, unit=unit):
            return now - duration(amount, unit)
        case Dates(since=since):
            return since
        case None:
            return None
        case _:
            assert_never(node.window)


def _earliest(nodes: Sequence[EventCondition], now: datetime) -> datetime | None:
    found = [at for node in nodes if (at := starts(node, now)) is not None]
    return min(found) if found and len(found) == len(nodes) else None


def _joined(parts: list[str], word: str, empty: str) -> str:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else "(" + f" {word} ".join(parts) + ")"


def _bits(conditions: Sequence[str]) -> str:
    """Return the conditions as one unsigned integer, the first the lowest bit."""
    return " | ".join(f"case when {one} then {1 << i}::ubigint else 0::ubigint end" for i, one in enumerate(conditions))


def _apart(leaves: Sequence[tuple[int, EventCondition]], now: datetime) -> list[list[tuple[int, EventCondition]]]:
    """Part the leaves of one name where sharing a scan would read properties of events that need none of it."""
    deep = [leaf for leaf in leaves if leaf[1].where or leaf[1].property]
    plain = [leaf for leaf in leaves if leaf not in deep]
    first, second = _earliest([node for _, node in deep], now), _earliest([node for _, node in plain], now)
    if deep and plain and first is not None and (second is None or second < first):
        return [plain, deep]
    return [list(leaves)]


def _trait_scan(leaves: Sequence[tuple[int, str]], tables: Tables) -> Question:
    conditions = [predicate for _, predicate in leaves]
    bits = f", {_bits(conditions)} as bits" if len(leaves) > 1 else ""
    where = f" where {' or '.join(conditions)}" if len(leaves) <= FEW else ""
    sql = f"select profile_id::uinteger as profile_id{bits} from {tables.profile}{where}"
    return Question(sql, tuple(index for index, _ in leaves))


def _event_scan(name: str, leaves: Sequence[tuple[int, EventCondition]], tables: Tables, now: datetime) -> Question:
    """Scan the events of one name once: per person, one bit for each leaf.

    What the leaves look at at most is a condition on (name, ts) itself, which prunes files and row groups.
    """
    nodes = [node for _, node in leaves]
    properties = Properties()
    alone = len(nodes) == 1
    common = [f"name = {literal(name)}", f"ts <= {literal(now)}", "profile_id is not null"]
    if alone:
        common += window_sql(nodes[0], now)
    elif (start := _earliest(nodes, now)) is not None:
        common.append(f"ts >= {literal(start)}")
    keeps = [
        " and ".join(([] if alone else window_sql(node, now)) + [filter_sql(one, properties) for one in node.where])
        for node in nodes
    ]
    conditions = [
        f"(not {test})" if zero_holds(node) else test
        for node, keep in zip(nodes, keeps, strict=True)
        for test in [measure_sql(node, "" if alone else keep, properties)]
    ]
    rows = _event_rows(" and ".join(common), properties, tables)
    person = "coalesce(a.to_id, e.profile_id)" if tables.alias else "e.profile_id"
    merged = f" left join {tables.alias} a on a.from_id = e.profile_id" if tables.alias else ""
    if alone:
        where = f" where {keeps[0]}" if keeps[0] else ""
        having = "" if nodes[0].op in ("did", "did_not") else f" having {conditions[0]}"
        sql = f"select {person}::uinteger as profile_id from {rows} e{merged}{where} group by 1{having}"
    else:
        sql = (
            f"select {person}::uinteger as profile_id, {_bits(conditions)} as bits from {rows} e{merged} group by 1"
            + (f" having {' or '.join(conditions)}" if len(nodes) <= FEW else "")
        )
    return Question(sql, tuple(index for index, _ in leaves))


def _event_rows(where: str, properties: Properties, tables: Tables) -> str:
    """Return the cold and the hot rows, pruned before anything is read out of their properties."""
    columns = "profile_id, ts" + (", properties" if properties.paths else "")
    rows = f"select {columns} from {tables.event} where {where}"
    if tables.hot:
        rows += f" union all select {columns} from {tables.hot} where {where}"
    return properties.select(rows)
