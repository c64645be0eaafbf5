"""Ranges asked together hold for the values they hold for alone, and compare each value a few times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
from hypothesis import given, settings, strategies as st

from antiphon.awareness.segments.model import TraitColumn, TraitCondition
from antiphon.awareness.segments.ranges import range_of, search_sql
from antiphon.awareness.segments.scans import CARRIED, FEW, Tables, trait_scan
from antiphon.awareness.segments.sql import trait_sql

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TABLES = Tables(profile="profile")
AGE = TraitColumn("t_age", "number")
numbers = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 3, 1e300, -1e300])
conditions = st.one_of(
    st.builds(TraitCondition, trait=st.just("age"), op=st.sampled_from(["is", "lt", "le", "gt", "ge"]), value=numbers),
    st.builds(TraitCondition, trait=st.just("age"), op=st.just("between"), values=st.lists(numbers, min_size=2, max_size=2)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=20))
def test_ranges_together_are_the_conditions_alone(nodes: list[TraitCondition]) -> None:
    ranges = [range_of(node, AGE, NOW) for node in nodes]
    together = search_sql([one for one in ranges if one is not None])
    alone = ", ".join(f"coalesce({trait_sql(node, AGE, NOW)}, false)" for node in nodes)
    values: list[Any] = [None, -1e301, -1e300, -1, -0.5, 0, 0.25, 0.5, 1, 1.25, 1.5, 2, 2.5, 3, 4, 1e300, 1e301]
    with duckdb.connect(config={"threads": "1"}) as engine:
        rows = engine.execute(f"select {together}, [{alone}] from (select unnest(?::double[]) as t_age)", [values]).fetchall()
    assert [[bool(bits >> i & 1) for i in range(len(nodes))] for bits, _ in rows] == [each for _, each in rows]


@settings(max_examples=60, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=20), st.sampled_from([1, 3, 100_000]), st.booleans())
def test_values_carried_are_compared_as_the_lake_compares(nodes: list[TraitCondition], apart: int, shuffled: bool) -> None:
    leaves = [(i, trait_sql(node, AGE, NOW)) for i, node in enumerate(nodes)] + [(len(nodes) + i, "false") for i in range(FEW)]
    ranges = {i: one for i, node in enumerate(nodes) if (one := range_of(node, AGE, NOW)) is not None}
    carried, alone = trait_scan(leaves, TABLES, ranges, carry=True), trait_scan(leaves, TABLES)
    values: list[Any] = [None, -1e301, -1, 0, 0.25, 0.5, 1, 1.5, 2.5, 1e300, float("inf"), float("-inf"), float("nan")] * 6
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("create table profile as select unnest(?::double[]) as t_age", [values])
        engine.execute(f"alter table profile add column profile_id bigint default 0; update profile set profile_id = rowid * {apart}")
        found, expected = [
            dict(zip(one.leaves, one.sets(engine.execute(one.sql + " order by hash(profile_id)" * shuffled).fetchnumpy()), strict=True))
            for one in (carried, alone)
        ]
    assert found == expected
    assert (len(ranges) < CARRIED) == (not carried.ranges)


def test_instants_carried_are_compared_as_the_lake_compares() -> None:
    column = TraitColumn("t_at", "instant")
    texts = ["1969-12-31T23:59:59.999999Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z"]
    nodes = [TraitCondition(trait="at", op=op, value=text) for op in ("is", "lt", "le", "gt", "ge") for text in texts]
    leaves = [(i, trait_sql(node, column, NOW)) for i, node in enumerate(nodes)]
    ranges = {i: one for i, node in enumerate(nodes) if (one := range_of(node, column, NOW)) is not None}
    with duckdb.connect(config={"threads": "1"}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        engine.execute("create table profile as select unnest(?::timestamptz[]) as t_at", [[None, *texts, "0001-01-01T00:00:00Z"]])
        engine.execute("alter table profile add column profile_id bigint; update profile set profile_id = rowid")
        carried, alone = trait_scan(leaves, TABLES, ranges, carry=True), trait_scan(leaves, TABLES)
        found, expected = [
            dict(zip(one.leaves, one.sets(engine.execute(one.sql).fetchnumpy()), strict=True)) for one in (carried, alone)
        ]
    assert carried.ranges and found == expected


def test_a_value_is_compared_a_few_times_for_many_conditions() -> None:
    nodes = [TraitCondition(trait="age", op="ge", value=10 * i) for i in range(1, 16)]
    sql = search_sql([one for node in nodes if (one := range_of(node, AGE, NOW)) is not None])
    deepest = level = 0
    for word in sql.split():
        level += (word == "case") - word.startswith("end")
        deepest = max(deepest, level)
    assert deepest == 4


def test_only_ordered_traits_have_ranges() -> None:
    assert range_of(TraitCondition(trait="plan", op="is", value="gold"), TraitColumn("t_plan", "text"), NOW) is None
    assert range_of(TraitCondition(trait="age", op="not_set"), AGE, NOW) is None
