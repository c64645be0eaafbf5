"""Leaves counted in arrays mean the people that the lake's own scans mean, and what arrays cannot hold is left to those."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from pyroaring import BitMap

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments import names, tallies
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.names import together
from antiphon.awareness.segments.scans import Question, Tables
from antiphon.awareness.segments.tallies import tally
from antiphon.awareness.segments.windows import Ago, Calendar, Dates, Last, Span

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
EDGES = [NOW - timedelta(days=days) + nudge for days in (0, 1, 2, 7) for nudge in (-TICK, timedelta(), TICK)]
NEAR, FAR = (1, 2, 3, 7, 8), (1, 2, 3, 7, 8, 900, 70000, 70001)
TABLES = Tables(profile="profile", event="event", hot="hot", alias="alias")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        for table in ("event", "hot"):
            engine.execute(f"create table {table} (profile_id bigint, ts timestamptz, name varchar, properties varchar)")
        engine.execute("create table alias (from_id bigint, to_id bigint)")
        engine.execute("insert into alias values (7, 3), (900, 70000)")
        yield engine


def answer(engine: duckdb.DuckDBPyConnection, question: Question) -> list[BitMap]:
    return question.sets(engine.execute(question.sql).fetchnumpy())


def fill(engine: duckdb.DuckDBPyConnection, pick: random.Random, numbers: list[Any], ids: Sequence[int] = FAR) -> None:
    for table in ("event", "hot"):
        people = [pick.choice(ids) for _ in range(60)]
        times, names = [pick.choice(EDGES) for _ in people], [pick.choice(["Did", "Other", "It's"]) for _ in people]
        properties = [f'{{"n": {pick.choice(numbers)}, "kind": "{pick.choice("abc")}"}}' for _ in people]
        engine.execute(f"delete from {table}")
        columns = "unnest(?::bigint[]), unnest(?::timestamptz[]), unnest(?::varchar[]), unnest(?::varchar[])"
        engine.execute(f"insert into {table} select {columns}", [people, times, names, properties])


def leaf(pick: random.Random) -> EventCondition:
    """A leaf of any counting kind."""
    windows = [
        None, Last(amount=pick.choice([1, 2, 7]), unit="days"), Dates(since=pick.choice(EDGES), until=pick.choice(EDGES)),
        Dates(until=pick.choice(EDGES)), Ago(begin=Span(7, "days"), end=Span(1, "days")), Calendar("month"), Calendar("day", "last"),
    ]  # fmt: skip
    measure: Any = pick.choice(["count", "count", "sum", "avg", "min", "max"])
    op: Any = pick.choice(["eq", "ne", "lt", "le", "gt", "ge", "between"] + ["did", "did_not"] * (measure == "count"))
    values: list[Any] = [0, 1, 2, 3.5, -1, 0.1, 10, 10**18]
    return EventCondition(
        name="Did",
        op=op,
        where=[PropertyFilter(property="kind", op="is", value=pick.choice("ab"))] * pick.choice([0, 0, 1]),
        window=pick.choice(windows),
        measure=measure,
        property=None if measure == "count" else "n",
        value=None if op in ("did", "did_not") else pick.choice(values),
        high=pick.choice(values) if op == "between" else None,
    )


@settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(choices=st.randoms(), ids=st.sampled_from([NEAR, FAR]))
def test_arrays_count_as_the_lake_does(engine: duckdb.DuckDBPyConnection, choices: random.Random, ids: Sequence[int]) -> None:
    fill(engine, choices, [0, 1, 2.5, -1, 0.1, 0.3, 1e-9, '"2.5"', '"x"', "null", 1234567.123456789], ids)
    asked = tally("Did", [(i, leaf(choices)) for i in range(20)], TABLES, NOW)
    found = asked.sets(engine.execute(asked.sql).fetchnumpy())
    (otherwise,) = asked.otherwise
    expected = answer(engine, otherwise)
    assert found is not None or any(node.measure == "avg" and 10**18 in (node.value, node.high) for node in asked.nodes)
    for node, ours, theirs in zip(asked.nodes, found or expected, expected, strict=True):
        assert ours == theirs, node


@pytest.mark.parametrize("wide", [10**18, 10**10, 4 * 10**9, -4 * 10**9])
def test_what_64_bits_do_not_hold_is_left_to_the_lake(engine: duckdb.DuckDBPyConnection, wide: int) -> None:
    fill(engine, random.Random(1), [wide])
    nodes = [EventCondition(name="Did", op="ge", value=1, measure=measure, property="n") for measure in ("sum", "avg")]
    asked = tally("Did", list(enumerate(nodes)), TABLES, NOW)
    assert asked.sets(engine.execute(asked.sql).fetchnumpy()) is None


def test_more_rows_than_may_be_held_are_left_to_the_lake(
    engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine, random.Random(1), [1])
    monkeypatch.setattr(tallies, "ROWS", 10)
    asked = tally("Did", [(0, EventCondition(name="Did")), (1, EventCondition(name="Did", op="did_not"))], TABLES, NOW)
    answer = engine.execute(asked.sql).fetchnumpy()
    assert len(answer["profile_id"]) == 11
    assert asked.sets(answer) is None


@settings(
    max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(choices=st.randoms(), ids=st.sampled_from([NEAR, FAR]))
def test_names_asked_together_are_counted_as_each_alone(
    engine: duckdb.DuckDBPyConnection, choices: random.Random, ids: Sequence[int]
) -> None:
    fill(engine, choices, [1], ids)
    nodes = [msgspec.structs.replace(leaf(choices), name=name, where=[]) for name in ("Did", "Other", "It's", "Never")]
    asked, left = together({node.name: [(i, node)] for i, node in enumerate(nodes)}, TABLES, NOW)
    counting = {i for i, node in enumerate(nodes) if node.measure == "count"}
    assert {i for one in asked for i in one.leaves} | {i for some in left.values() for i, _ in some} == {0, 1, 2, 3}
    for one in asked:
        assert set(one.leaves) <= counting
        found = one.sets(engine.execute(one.sql).fetchnumpy())
        assert found is not None
        for node, ours, alone in zip(one.nodes, found, one.otherwise, strict=True):
            assert [ours] == answer(engine, alone), node


def test_names_with_more_rows_than_may_be_held_are_asked_alone(
    engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine, random.Random(1), [1])
    monkeypatch.setattr(names, "ROWS", 10)
    (asked,), left = together({name: [(i, EventCondition(name=name))] for i, name in enumerate(["Did", "Other"])}, TABLES, NOW)
    assert asked.sets(engine.execute(asked.sql).fetchnumpy()) is None and not left
    assert [one.leaves for one in asked.otherwise] == [(0,), (1,)]
