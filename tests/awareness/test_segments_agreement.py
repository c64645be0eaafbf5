"""The lake's answer and one person's check are the same, for any tree, any people, at exact window edges."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyroaring import BitMap

from antiphon.awareness.events.properties import Properties
from antiphon.awareness.events.values import lower, number, properties_of
from antiphon.awareness.segments.bitmaps import bitmap, decode, encode, leaf_bitmaps
from antiphon.awareness.segments.check import Checker, Happened, Person, Verdict
from antiphon.awareness.segments.compile import plan
from antiphon.awareness.segments.formula import solve
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
    PropertyFilter,
    RelativeInstant,
    TraitColumn,
    TraitCondition,
)
from antiphon.awareness.segments.rules import validate
from antiphon.awareness.segments.scans import Tables
from antiphon.awareness.traits import typed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

TRAITS = {
    "plan": TraitColumn("t_plan", "text"),
    'odd "one"': TraitColumn('t_"odd', "text"),
    "age": TraitColumn("t_age", "number"),
    "vip": TraitColumn("t_vip", "boolean"),
    "seen": TraitColumn("t_seen", "instant"),
    "born": TraitColumn("t_born", "date"),
    "tags": TraitColumn("t_tags", "text_list"),
}
COLUMNS = {
    "text": "varchar",
    "number": "double",
    "boolean": "boolean",
    "instant": "timestamptz",
    "date": "date",
    "text_list": "varchar[]",
}
WORDS = ["gold", "Gold", "o'neil", "ΣΑΣ", "σας", "İz", "i", "", "ol"]
NUMBERS: list[Any] = [0, 1, 2, 2.5, -1, 0.1, 0.3, 100, 1e-9, 12345678.123456789]
DATES = ["2026-06-01", "2026-05-31", "2026-05-30", "1990-02-28"]
INSTANTS = ["2026-06-01T12:00:00Z", "2026-05-31T12:00:00Z", "2026-05-31T12:00:00.000001Z", "2026-05-31T14:00:00+02:00"]
NAMES = ["Ordered", "Opened", "it's"]
# Values of properties, with those that are nearly numbers or nearly texts.
ODD: list[Any] = [None, True, False, "2.5", "1e3", " 2", "true", 10**19, 10**18, 2**64, 1e300, "-0.10", [], {}, [1], "0x1"]

OFFSETS = [timedelta(), DAY, 2 * DAY, 3 * DAY, timedelta(hours=1), timedelta(hours=2)]
NUDGES = [timedelta(), TICK, -TICK]

PATHS = ["total", "total", "sku", "a/b", "items.0.n", "items.1.n", "items.n", "missing"]
INNER = 7  # a segment others may refer to
STATIC = 8  # a static list
ORDER = ["lt", "le", "gt", "ge", "between"]
TRAIT_OPS = {
    "text": ["is", "is_not", "in", "not_in", "contains", "not_contains", "starts", "ends"],
    "number": ["is", "is_not", "in", "not_in", *ORDER],
    "boolean": ["is", "is_not"],
    "instant": ["is", "is_not", *ORDER],
    "date": ["is", "is_not", "in", "not_in", *ORDER],
    "text_list": ["is", "is_not", "in", "not_in"],
}
FILTER_OPS = ["is", "is_not", "in", "not_in", *ORDER, "contains", "starts", "ends", "set", "not_set"]
COMPARISONS = ["eq", "ne", *ORDER]
EVENT_KINDS = [("count", op) for op in ["did", "did_not", *COMPARISONS]] + [
    (measure, op) for measure in ("sum", "avg", "min", "max") for op in COMPARISONS
]


class Trees:
    """Trees of any kind, by the choices of ``random``."""

    def __init__(self, random: random.Random) -> None:
        self.random = random

    def tree(self, depth: int = 3) -> Node:
        kind = self.random.randrange(8 if depth else 5)
        match kind:
            case 0 | 1:
                return self.event()
            case 2:
                return self.trait()
            case 3:
                return Profiles(ids=[self.random.randrange(40) for _ in range(self.random.randrange(9))])
            case 4:
                return InSegment(id=self.random.choice([INNER, STATIC]))
            case 5:
                return Not(of=self.tree(depth - 1))
            case _:
                return (And if kind == 6 else Or)(of=[self.tree(depth - 1) for _ in range(self.random.randrange(4))])

    def plain(self) -> Node:
        """A tree that refers to no other."""
        return Or(of=[Not(of=self.event()), And(of=[self.trait(), self.trait()])][: self.random.randrange(3)])

    def relative(self) -> RelativeInstant:
        return RelativeInstant(
            amount=self.random.randrange(4),
            unit=self.random.choice(["hours", "days"]),
            direction=self.random.choice(["ago", "ahead"]),
        )

    def operand(self, kind: str) -> Any:
        match kind:
            case "number":
                return self.random.choice(NUMBERS)
            case "boolean":
                return self.random.choice([True, False])
            case "instant" | "date":
                return self.random.choice([*(INSTANTS if kind == "instant" else DATES), self.relative()])
            case _:
                return self.random.choice(WORDS)

    def trait(self) -> TraitCondition:
        name = self.random.choice(sorted(TRAITS))
        kind = TRAITS[name].type
        op: Any = self.random.choice([*TRAIT_OPS[kind], "set", "not_set"])
        if op in ("set", "not_set"):
            return TraitCondition(trait=name, op=op)
        if op in ("in", "not_in"):
            return TraitCondition(trait=name, op=op, values=[self.operand(kind) for _ in range(self.random.randrange(4))])
        if op == "between":
            return TraitCondition(trait=name, op=op, values=[self.operand(kind), self.operand(kind)])
        return TraitCondition(
            trait=name, op=op, value=self.operand(kind) or ("o" if kind == "text" and "is" not in op else self.operand(kind))
        )

    def filter(self) -> PropertyFilter:
        path, op = self.random.choice(PATHS), self.random.choice(FILTER_OPS)
        if op in ("set", "not_set"):
            return PropertyFilter(property=path, op=op)
        if op in ("contains", "starts", "ends"):
            return PropertyFilter(property=path, op=op, value=self.random.choice(["g", "O", "1", "ru", "σ", "2.5"]))
        values = self.random.choice([WORDS, NUMBERS, NUMBERS, [True, False], ["2.5", "1", "true", "100"]])
        if op in ORDER:
            values = NUMBERS
        if op == "between":
            return PropertyFilter(property=path, op=op, values=[self.random.choice(values) for _ in range(2)])
        if op in ("in", "not_in"):
            return PropertyFilter(
                property=path, op=op, values=[self.random.choice(values) for _ in range(self.random.randrange(4))]
            )
        return PropertyFilter(property=path, op=op, value=self.random.choice(values))

    def instant(self) -> datetime:
        return NOW - self.random.choice(OFFSETS) + self.random.choice(NUDGES)

    def window(self) -> Last | Dates | None:
        match self.random.randrange(4):
            case 0:
                return None
            case 1:
                ends = [self.instant() if self.random.randrange(2) else None for _ in range(2)]
                return Dates(since=ends[0], until=ends[1])
            case _:
                return Last(amount=self.random.randrange(1, 4), unit=self.random.choice(["hours", "days"]))

    def event(self) -> EventCondition:
        measure, op = self.random.choice(EVENT_KINDS)
        compared = op not in ("did", "did_not")
        return EventCondition(
            name=self.random.choice(NAMES),
            op=op,
            where=[self.filter() for _ in range(self.random.choice([0, 0, 0, 1, 1, 2]))],
            window=self.window(),
            measure=measure,
            property=None if measure == "count" else self.random.choice(PATHS),
            value=self.random.choice(NUMBERS) if compared else None,
            high=self.random.choice(NUMBERS) if op == "between" else None,
        )


class Crowd:
    """People by a seed: rich and plentiful, so that few trees find nobody and few find all."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def scalar(self) -> Any:
        return self.random.choice(self.random.choice([WORDS, NUMBERS, NUMBERS, ODD]))

    def some(self, most: int) -> range:
        return range(self.random.randint(0, most))

    def traits(self) -> dict[str, Any]:
        pick = self.random.choice
        made = {
            "plan": pick(WORDS), 'odd "one"': pick(WORDS), "age": pick(NUMBERS), "vip": pick([True, False]),
            "seen": pick(INSTANTS), "born": pick(DATES), "tags": [pick(WORDS) for _ in self.some(3)],
        }  # fmt: skip
        return {name: value for name, value in made.items() if self.random.random() < 0.8}

    def event(self) -> Happened:
        at = NOW - self.random.choice(OFFSETS) + self.random.choice(NUDGES)
        made = {
            "total": self.scalar(),
            "sku": self.scalar(),
            "a/b": self.scalar(),
            "items": [{"n": self.scalar()} for _ in self.some(2)],
        }
        kept = {name: value for name, value in made.items() if self.random.random() < 0.8}
        return Happened(at, self.random.choice(NAMES), properties_of(json.dumps(kept)))

    def people(self, listed: set[int]) -> list[Person]:
        return [
            Person(i, self.traits(), [self.event() for _ in self.some(12)], frozenset({STATIC} if i in listed else ()))
            for i in range(1, 31)
        ]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake's engine alone, with tables of the lake's shape."""
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        columns = ", ".join(f'"{c.column.replace(chr(34), chr(34) * 2)}" {COLUMNS[c.type]}' for c in TRAITS.values())
        engine.execute(f"create table profile (profile_id bigint, {columns})")
        for table in ("event", "hot"):
            engine.execute(f"create table {table} (profile_id bigint, ts timestamptz, name varchar, properties varchar)")
        engine.execute("create table alias (from_id bigint, to_id bigint)")
        yield engine


def insert(engine: duckdb.DuckDBPyConnection, table: str, types: list[str], rows: list[list[Any]]) -> None:
    """Insert rows by one statement, a list a column."""
    asked = ", ".join(
        f"unnest(?::{kind}[])" if "[" not in kind else f"unnest(?::{kind}[], max_depth => 1)" for kind in types
    )
    engine.execute(
        f"insert into {table} select {asked}", [list(column) for column in zip(*rows, strict=True)] or [[]] * len(types)
    )


def fill(engine: duckdb.DuckDBPyConnection, people: list[Person], merged: bool) -> None:
    """Put people into the tables, their events spread over cold and hot, and over merged-away ids."""
    for table in ("profile", "event", "hot", "alias"):
        engine.execute(f"delete from {table}")
    rows = [
        [person.id] + [typed(person.traits.get(name), column.type) for name, column in TRAITS.items()] for person in people
    ]
    insert(engine, "profile", ["bigint", *(COLUMNS[column.type] for column in TRAITS.values())], rows)
    happened: dict[str, list[list[Any]]] = {"event": [], "hot": []}
    for person in people:
        for i, event in enumerate(person.events):
            source = person.id + 100 if merged and i % 3 == 0 else person.id
            happened["hot" if i % 2 else "event"].append([source, event.ts, event.name, json.dumps(event.properties)])
    for table, made in happened.items():
        insert(engine, table, ["bigint", "timestamptz", "varchar", "varchar"], made)
    if merged:
        insert(engine, "alias", ["bigint", "bigint"], [[person.id + 100, person.id] for person in people])
    engine.execute("insert into event values (99, ?, 'Ordered', '{}'), (null, ?, 'Opened', '{}')", [NOW, NOW])  # nobody's


def everybody(
    engine: duckdb.DuckDBPyConnection,
    asked: dict[int, Node],
    segments: dict[int, Node | None],
    stored: dict[int, BitMap],
    merged: bool,
) -> dict[int, BitMap]:
    """Evaluate trees together, as the lake would."""
    planned = plan(asked, NOW, TRAITS, segments)
    sets = [BitMap()] * planned.leaves
    tables = Tables(profile="profile", event="event", hot="hot", alias="alias" if merged else None)
    for question in planned.questions(tables):
        answer = engine.execute(question.sql).fetchnumpy()
        for index, ids in zip(question.leaves, leaf_bitmaps(answer, len(question.leaves)), strict=True):
            sets[index] = ids
    everyone = None if planned.everyone is None else sets[planned.everyone]
    return {key: solve(formula, sets, everyone, stored) for key, formula in planned.formulas.items()}


def agree(
    engine: duckdb.DuckDBPyConnection, asked: list[Node], inner: Node, people: list[Person], listed: set[int], merged: bool
) -> Counter[tuple[str, bool]]:
    """Assert that both ways of asking agree on every tree and person; return which kinds of node held, and which not."""
    segments: dict[int, Node | None] = {INNER: inner, STATIC: None}
    for tree in [*asked, inner]:
        validate(tree, TRAITS, segments)
    fill(engine, people, merged)
    found = everybody(engine, dict(enumerate(asked)), segments, {STATIC: BitMap(listed)}, merged)
    checker = Checker(NOW, TRAITS, segments)
    reached: Counter[tuple[str, bool]] = Counter()
    for key, tree in enumerate(asked):
        verdicts = {person.id: checker.why(tree, person) for person in people}
        expected = {one for one, verdict in verdicts.items() if verdict.holds}
        assert set(found[key]) == expected, tree
        for verdict in verdicts.values():
            note(verdict, reached)
    return reached


def note(verdict: Verdict, reached: Counter[tuple[str, bool]]) -> None:
    """Count a verdict and its parts by kind and outcome."""
    words = [verdict.kind, verdict.node.get("measure", ""), verdict.node.get("op", "")]
    reached[" ".join(word for word in words if word), verdict.holds] += 1
    for part in verdict.parts:
        note(part, reached)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(choices=st.randoms(), seed=st.integers(0, 2**32), listed=st.sets(st.integers(1, 33)), merged=st.booleans())
def test_everybody_and_one_by_one_agree(
    engine: duckdb.DuckDBPyConnection, choices: random.Random, seed: int, listed: set[int], merged: bool
) -> None:
    trees = Trees(choices)
    agree(engine, [trees.tree() for _ in range(4)], trees.plain(), Crowd(seed).people(listed), listed, merged)


def test_every_kind_of_node_was_reached_both_ways(engine: duckdb.DuckDBPyConnection) -> None:
    """Many trees planned together; the generator is worth nothing for a kind of node that never held, or always did."""
    trees, listed = Trees(random.Random(7)), {2, 3, 5, 7, 11, 33}
    inner = Or(
        of=[
            TraitCondition(trait="vip", op="is", value=True),
            EventCondition(name="Ordered", window=Last(amount=1, unit="days")),
        ]
    )
    asked = [trees.tree() for _ in range(250)] + [trees.event() for _ in range(1000)] + [trees.trait() for _ in range(150)]
    reached = agree(engine, asked, inner, Crowd(7).people(listed), listed, merged=True)
    kinds = [f"event {measure} {op}" for measure, op in EVENT_KINDS]
    kinds += [f"trait {op}" for op in {op for ops in TRAIT_OPS.values() for op in ops} | {"set", "not_set"}]
    kinds += ["and", "or", "not", "segment", "profiles"]
    assert [(kind, holds) for kind in kinds for holds in (True, False) if not reached[kind, holds]] == []


def test_letters_are_lowered_as_the_lake_does(engine: duckdb.DuckDBPyConnection) -> None:
    rows = engine.execute(
        "select chr(i::int), lower(chr(i::int)) from range(1, 1114112) t(i) where i < 55296 or i > 57343"
    ).fetchall()
    assert [one for one, low in rows if lower(one) != low] == []


@given(
    st.one_of(
        st.decimals(-(10**20), 10**20, places=11).map(str),
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(10**20), 10**20),
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_numbers_are_read_as_the_lake_does(engine: duckdb.DuckDBPyConnection, value: Any) -> None:
    text = json.dumps({"n": value})
    properties = Properties()
    expression = properties.number("n")
    sql = f"select {expression} from {properties.select('select 1 as profile_id, 2 as ts, ? as properties')}"
    assert engine.execute(sql, [text]).fetchall() == [(number(msgspec.json.decode(text)["n"]),)]


@given(st.lists(st.integers(0, 2**32 - 1)), st.booleans())
def test_bitmaps_hold_what_they_were_given(ids: list[int], small: bool) -> None:
    given_ids = np.array([i % 1000 for i in ids] if small else ids, dtype=np.uint32)
    made = bitmap(given_ids)
    assert sorted(set(given_ids.tolist())) == list(made)
    assert decode(encode(made)) == made
