"""Ranges asked together hold for the values they hold for alone, and compare each value a few times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
from hypothesis import given, settings, strategies as st

from antiphon.awareness.segments.model import TraitColumn, TraitCondition
from antiphon.awareness.segments.ranges import range_of, search_sql
from antiphon.awareness.segments.sql import trait_sql

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
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
