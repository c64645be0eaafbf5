"""The lake's answer, one person's check and a naive reference are the same, for any tree, any people, at exact edges."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pyroaring import BitMap
from tests.awareness.segment_reference import Reference
from tests.awareness.segment_trees import (
    AROUND,
    CHANNELS,
    COMPARISONS,
    DAY,
    DID,
    EVENT_KINDS,
    INNER,
    NOW,
    NOWS,
    PERIODS,
    STATIC,
    TRAIT_OPS,
    TRAITS,
    Crowd,
    Trees,
)

from antiphon.awareness.events.properties import Properties
from antiphon.awareness.events.values import lower, number, plain
from antiphon.awareness.segments.bitmaps import bitmap, decode, encode, marked
from antiphon.awareness.segments.check import Checker, Person, Verdict
from antiphon.awareness.segments.compile import plan
from antiphon.awareness.segments.formula import solve
from antiphon.awareness.segments.model import EventCondition, Last, Node, Or, TraitCondition
from antiphon.awareness.segments.rules import validate
from antiphon.awareness.segments.scans import Question, Tables
from antiphon.awareness.traits import typed

COLUMNS = {
    "text": "varchar",
    "number": "double",
    "boolean": "boolean",
    "instant": "timestamptz",
    "date": "date",
    "text_list": "varchar[]",
}
# Tables of PostgreSQL as conditions read them, and their columns.
POSTGRES = {
    "consent_state": ["profile_id bigint", "channel varchar", "topic varchar", "state varchar"],
    "identity": ["profile_id bigint", "kind varchar", "value varchar", "created_at timestamptz"],
    "suppression": ["channel varchar", "address varchar"],
}


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake's engine alone, with tables of the lake's shape, and those of PostgreSQL beside them."""
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        columns = ", ".join(f'"{c.column.replace(chr(34), chr(34) * 2)}" {COLUMNS[c.type]}' for c in TRAITS.values())
        engine.execute(f"create table profile (profile_id bigint, {columns})")
        for table in ("event", "hot"):
            engine.execute(f"create table {table} (profile_id bigint, ts timestamptz, name varchar, properties varchar)")
        engine.execute("create table alias (from_id bigint, to_id bigint)")
        for table, made in POSTGRES.items():
            engine.execute(f"create table {table} ({', '.join(made)})")
        yield engine


def insert(engine: duckdb.DuckDBPyConnection, table: str, types: list[str], rows: list[list[Any]]) -> None:
    """Insert rows by one statement, a list a column."""
    asked = ", ".join(f"unnest(?::{kind}[])" if "[" not in kind else f"unnest(?::{kind}[], max_depth => 1)" for kind in types)
    engine.execute(
        f"insert into {table} select {asked}", [list(column) for column in zip(*rows, strict=True)] or [[]] * len(types)
    )


def fill(engine: duckdb.DuckDBPyConnection, people: list[Person], merged: bool, now: datetime) -> None:
    """Put people into the tables, their events spread over cold and hot, and over merged-away ids."""
    for table in ("profile", "event", "hot", "alias", *POSTGRES):
        engine.execute(f"delete from {table}")
    rows = [[person.id] + [typed(person.traits.get(name), column.type) for name, column in TRAITS.items()] for person in people]
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
    engine.execute("insert into event values (99, ?, 'Ordered', '{}'), (null, ?, 'Opened', '{}')", [now, now])  # nobody's
    held: dict[str, list[list[Any]]] = {table: [] for table in POSTGRES}
    for person in people:
        held["consent_state"] += [[person.id, *key, state] for key, state in person.consents.items()]
        for channel, address in person.addresses.items():
            held["identity"] += [[person.id, CHANNELS[channel], address, now], [person.id, CHANNELS[channel], "z", now]]
            held["identity"].append([person.id, CHANNELS[channel], f"an older one of {person.id}", now - DAY])
        held["suppression"] += [[channel, person.addresses[channel]] for channel in person.suppressed]
    for table, made in held.items():
        insert(engine, table, [column.split()[1] for column in POSTGRES[table]], made)
    engine.execute("insert into suppression values ('email', 'z'), ('sms', 'nobody')")


def everybody(
    engine: duckdb.DuckDBPyConnection,
    asked: dict[int, Node],
    segments: dict[int, Node | None],
    stored: dict[Any, BitMap],
    merged: bool,
    now: datetime,
) -> dict[int, BitMap]:
    """Evaluate trees together, as the lake would."""
    planned = plan(asked, now, TRAITS, segments, AROUND)
    sets = [BitMap()] * planned.leaves
    tables = Tables("profile", "event", "hot", "alias" if merged else None, postgres=lambda sql: f"({sql})")
    for question in planned.questions(tables):
        found = question.sets(engine.execute(question.sql).fetchnumpy())
        asked_instead = question.otherwise if found is None and not isinstance(question, Question) else ()
        parts = [(one.leaves, one.sets(engine.execute(one.sql).fetchnumpy())) for one in asked_instead]
        for leaves, ids in parts or [(question.leaves, found or [])]:
            for index, one in zip(leaves, ids, strict=True):
                sets[index] = one
    everyone = None if planned.everyone is None else sets[planned.everyone]
    return {key: solve(formula, sets, everyone, stored) for key, formula in planned.formulas.items()}


def agree(
    engine: duckdb.DuckDBPyConnection,
    asked: list[Node],
    inner: Node,
    people: list[Person],
    listed: set[int],
    merged: bool,
    now: datetime = NOW,
) -> Counter[tuple[str, bool]]:
    """Assert that all ways of asking agree on every tree and person; return which kinds of node held, and which not."""
    segments: dict[int, Node | None] = {INNER: inner, STATIC: None}
    for tree in [*asked, inner]:
        validate(tree, TRAITS, segments, AROUND)
    fill(engine, people, merged, now)
    stored: dict[Any, BitMap] = {STATIC: BitMap(listed)}
    stored |= {(INNER, share): BitMap(one.id for one in people if (INNER, share) in one.alike) for share in (10.0, 50.0)}
    found = everybody(engine, dict(enumerate(asked)), segments, stored, merged, now)
    checker, reference = Checker(now, TRAITS, segments), Reference(now, TRAITS, segments)
    reached: Counter[tuple[str, bool]] = Counter()
    for key, tree in enumerate(asked):
        verdicts = {person.id: checker.why(tree, person) for person in people}
        expected = {person.id for person in people if reference.holds(tree, person)}
        assert {one for one, verdict in verdicts.items() if verdict.holds} == expected, tree
        assert set(found[key]) == expected, tree
        for verdict in verdicts.values():
            note(verdict, reached)
    return reached


def note(verdict: Verdict, reached: Counter[tuple[str, bool]]) -> None:
    """Count a verdict and its parts by kind and outcome."""
    for label in labels(verdict.kind, verdict.node):
        reached[label, verdict.holds] += 1
    for part in verdict.parts:
        note(part, reached)


def labels(kind: str, node: dict[str, Any]) -> Iterator[str]:
    """The words by which a kind of node, and what is special about it, is counted."""
    yield " ".join([kind, *(str(node[key]) for key in ("measure", "op", "state", "which", "did") if key in node)])
    window = node.get("window")
    if window:
        also = " ".join(str(window[key]) for key in ("period", "which") if key in window)
        yield f"{kind} in {window['kind']} {also}".strip()
    for i, step in enumerate(node.get("steps", ())):
        last = i == len(node["steps"]) - 1
        if step["absent"]:
            yield f"sequence absent {'soon' if step['at_most'] else 'ever'} {'last' if last else 'between'}"
        else:
            yield from (f"sequence {key}" for key in ("at_least", "at_most") if step[key])
    if kind == "sequence" and node["at_most"]:
        yield "sequence whole at_most"
    if kind == "reachable":
        yield f"reachable {'about a topic' if node['topic'] else 'at all'}"


def wanted() -> list[str]:
    """All that must be reached with people in and people out."""
    whichs = [f"{period} {which}" for period in PERIODS for which in ("this", "last")]
    windows = ["last", "ago", "dates", *(f"calendar {one}" for one in whichs)]
    return [
        *(f"event {measure} {op}" for measure, op in EVENT_KINDS),
        *(f"event in {one}" for one in [*windows, "since_event first", "since_event last"]),
        *(f"trait {op}" for op in {op for ops in TRAIT_OPS.values() for op in ops} | {"set", "not_set"}),
        *(f"{kind} {op}" for kind in ("age", "length") for op in COMPARISONS),
        *("near within", "near beyond", "anniversary", "share", "lookalike", "and", "or", "not", "segment", "profiles"),
        *(f"consent {state}" for state in ("granted", "withdrawn", "pending", "unknown")),
        *("reachable about a topic", "reachable at all"),
        *(f"event_time {which}" for which in ("first", "last")),
        *(f"event_time in {kind}" for kind in ("last", "ago", "dates")),
        *(f"engagement {op} {did}" for did in DID for op in ("did", "did_not")),
        *(f"engagement in {kind}" for kind in ("last", "ago", "dates")),
        *(f"sequence in {kind}" for kind in ("last", "ago", "dates")),
        *("sequence", "sequence at_least", "sequence at_most", "sequence whole at_most"),
        *(f"sequence absent {when} {place}" for when in ("soon", "ever") for place in ("last", "between")),
    ]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    choices=st.randoms(use_true_random=False),
    seed=st.integers(0, 2**32),
    listed=st.sets(st.integers(1, 33)),
    merged=st.booleans(),
    now=st.sampled_from(NOWS),
)
def test_everybody_and_one_by_one_agree(
    engine: duckdb.DuckDBPyConnection, choices: random.Random, seed: int, listed: set[int], merged: bool, now: datetime
) -> None:
    trees = Trees(choices, now)
    agree(engine, [trees.tree() for _ in range(4)], trees.plain(), Crowd(seed, now).people(listed), listed, merged, now)


@pytest.mark.parametrize("now", NOWS, ids=str)
def test_every_kind_of_condition_agrees(engine: duckdb.DuckDBPyConnection, now: datetime) -> None:
    trees, listed = Trees(random.Random(now.toordinal()), now), {2, 3}
    asked = [trees.leaf() for _ in range(60)]
    agree(engine, asked, trees.plain(), Crowd(now.toordinal(), now).people(listed), listed, merged=False, now=now)


def test_every_kind_of_node_was_reached_both_ways(engine: duckdb.DuckDBPyConnection) -> None:
    """Many trees planned together; the generator is worth nothing for a kind of node that never held, or always did."""
    trees, listed = Trees(random.Random(18)), {2, 3, 5, 7, 11, 33}
    inner = Or(
        of=[
            TraitCondition(trait="vip", op="is", value=True),
            EventCondition(name="Ordered", window=Last(amount=1, unit="days")),
        ]
    )
    asked = [*(trees.tree() for _ in range(60)), *trees.each(3)]
    reached = agree(engine, asked, inner, Crowd(18).people(listed), listed, merged=True)
    assert [(kind, holds) for kind in wanted() for holds in (True, False) if not reached[kind, holds]] == []


def test_a_number_that_is_nothing_with_nine_places_is_nothing(engine: duckdb.DuckDBPyConnection) -> None:
    """Also to those who did nothing at all, who are in no row."""
    asked: list[Node] = [
        EventCondition(name="Ordered", op=op, measure=measure, property=prop, value=value, high=value + 1 if op == "between" else None)
        for measure, prop in (("count", None), ("sum", "total"), ("distinct", "sku"))
        for op in COMPARISONS for value in (4.9e-10, -4.9e-10, 5e-10)
    ]  # fmt: skip
    people = [msgspec.structs.replace(one, events=one.events if one.id % 3 else []) for one in Crowd(18).people(set())]
    agree(engine, asked, Or(of=[]), people, set(), merged=False)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_values_are_told_apart_as_the_lake_does(engine: duckdb.DuckDBPyConnection, seed: int) -> None:
    properties = Properties()
    expression = properties.plain("n")
    value = Crowd(seed).scalar()
    sql = f"select {expression} from {properties.select('select 1 as profile_id, 2 as ts, ? as properties')}"
    text = json.dumps({"n": value})
    assert engine.execute(sql, [text]).fetchall() == [(plain(msgspec.json.decode(text)["n"]),)]


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


@pytest.mark.parametrize(("size", "share"), [(0, 0), (1, 1), (65536, 1), (65537, 0.5), (200_001, 0.3), (200_001, 0.001)])
def test_marks_become_the_set_they_mark(size: int, share: float) -> None:
    marks = np.random.default_rng(5).random(size) < share
    made = marked(marks)
    assert np.array_equal(np.array(made, dtype=np.int64), np.flatnonzero(marks))
    assert encode(made) == encode(BitMap(np.flatnonzero(marks).tolist()))
