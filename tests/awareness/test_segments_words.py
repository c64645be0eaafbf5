"""Texts asked for together are found for the conditions they are found for alone, in columns and in lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings, strategies as st

from antiphon.awareness.segments import listings
from antiphon.awareness.segments.compile import plan
from antiphon.awareness.segments.formula import solve
from antiphon.awareness.segments.listings import Listing
from antiphon.awareness.segments.model import And, Node, Not, Or, TraitColumn, TraitCondition
from antiphon.awareness.segments.scans import FEW, Tables
from antiphon.awareness.segments.sql import trait_sql
from antiphon.awareness.segments.words import words_of, words_sql

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAITS = {
    "plan": TraitColumn("t_plan", "text"),
    "tags": TraitColumn("t_tags", "text_list"),
    "age": TraitColumn("t_age", "number"),
}
WORDS = ["a", "A", "it's", "", "é", "never"]
TABLES = Tables(profile="profile")
words = st.sampled_from(WORDS)


def conditions(trait: str) -> st.SearchStrategy[TraitCondition]:
    return st.one_of(
        st.builds(TraitCondition, trait=st.just(trait), op=st.sampled_from(["is", "is_not"]), value=words),
        st.builds(TraitCondition, trait=st.just(trait), op=st.sampled_from(["in", "not_in"]), values=st.lists(words, max_size=4)),
    )


ages = st.builds(TraitCondition, trait=st.just("age"), op=st.sampled_from(["lt", "ge", "is"]), value=st.integers(0, 4))
trees = st.recursive(
    st.one_of(conditions("plan"), conditions("tags"), ages),
    lambda part: st.one_of(
        st.builds(And, st.lists(part, max_size=3)), st.builds(Or, st.lists(part, max_size=3)), st.builds(Not, part)
    ),
    max_leaves=4,
)


def people(engine: duckdb.DuckDBPyConnection) -> None:
    lists: list[Any] = [None, [], ["a"], ["a", "a", "A"], ["it's", None, "other"], [None], ["", "é"]]
    rows = [
        (i * 7, text, found, i % 5) for i, (text, found) in enumerate((t, f) for t in [*WORDS[:-1], "x", None] for f in lists)
    ]
    engine.execute("create table profile (profile_id bigint, t_plan varchar, t_tags varchar[], t_age double)")
    engine.executemany("insert into profile values (?, ?, ?, ?)", rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(conditions("plan"), min_size=1, max_size=20))
def test_words_together_are_the_conditions_alone(nodes: list[TraitCondition]) -> None:
    kept = [(node, one) for node in nodes if (one := words_of(node, TRAITS["plan"], NOW)) is not None]
    assert all(node.op in ("is", "in") for node, _ in kept)
    if not kept:
        return
    together = words_sql([one for _, one in kept])
    alone = ", ".join(f"coalesce({trait_sql(node, TRAITS['plan'], NOW)}, false)" for node, _ in kept)
    values: list[Any] = [*WORDS, "x", None]
    with duckdb.connect(config={"threads": "1"}) as engine:
        rows = engine.execute(f"select {together}, [{alone}] from (select unnest(?::varchar[]) as t_plan)", [values]).fetchall()
    assert [[bool(bits >> i & 1) for i in range(len(kept))] for bits, _ in rows] == [each for _, each in rows]


@pytest.mark.parametrize("most", [16_000_000, 3])
def test_many_trees_of_traits_together_are_the_trees_alone(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "ROWS", most)

    @settings(max_examples=40, deadline=None)
    @given(st.lists(trees, min_size=1, max_size=24))
    def check(some: list[Node]) -> None:
        together = answers(engine, dict(enumerate(some)))
        for i, tree in enumerate(some):
            assert together[i] == answers(engine, {0: tree})[0], tree

    with duckdb.connect(config={"threads": "1"}) as engine:
        people(engine)
        check()


def answers(engine: duckdb.DuckDBPyConnection, some: dict[int, Node]) -> dict[int, set[int]]:
    planned = plan(some, NOW, TRAITS)
    leaves: dict[int, Any] = {}
    for question in planned.questions(TABLES):
        sets = question.sets(engine.execute(question.sql).fetchnumpy())
        if sets is None:
            assert isinstance(question, Listing)
            (otherwise,) = question.otherwise
            sets = otherwise.sets(engine.execute(otherwise.sql).fetchnumpy())
        leaves |= zip(question.leaves, sets, strict=True)
    everyone = None if planned.everyone is None else leaves[planned.everyone]
    found = [leaves.get(i) for i in range(planned.leaves)]
    return {key: set(solve(formula, found, everyone, {})) for key, formula in planned.formulas.items()}  # type: ignore[arg-type]


def test_many_conditions_on_a_list_look_through_it_once() -> None:
    some: dict[int, Node] = {i: TraitCondition(trait="tags", op="is", value=f"tag {i}") for i in range(FEW + 1)}
    (question,) = plan(some, NOW, TRAITS).questions(TABLES)
    assert isinstance(question, Listing)
    assert question.sql.count("t_tags") == 1
