"""What a tree must satisfy, and what it compiles to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from antiphon.awareness.events.properties import literal, pointer
from antiphon.awareness.segments.check import Checker, Person
from antiphon.awareness.segments.compile import Plan, plan
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.formula import Every, Except, Leaf, Some
from antiphon.awareness.segments.live.state import Arranger, State, leaves_of
from antiphon.awareness.segments.model import Node, TraitColumn, references, walk
from antiphon.awareness.segments.rules import MAX_DEPTH, refuse_cycle, validate
from antiphon.awareness.segments.scans import Tables
from antiphon.awareness.segments.sql import identifier

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TRAITS = {
    "plan": TraitColumn("t_plan", "text"),
    "age": TraitColumn("t_age", "number"),
    "born": TraitColumn("t_born", "date"),
    "seen": TraitColumn("t_seen", "instant"),
    "vip": TraitColumn("t_vip", "boolean"),
    "tags": TraitColumn("t_tags", "text_list"),
}
GOLD: dict[str, Any] = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
BOUGHT: dict[str, Any] = {"kind": "event", "name": "Order Completed"}
OFTEN = BOUGHT | {"op": "ge", "value": 2, "window": {"kind": "last", "amount": 90, "unit": "days"}}
UNREAD = {"kind": "event", "name": "Email Opened", "op": "did_not", "window": {"kind": "last", "amount": 30, "unit": "days"}}


def tree(value: Any) -> Node:
    return msgspec.convert(value, Node)  # type: ignore[no-any-return]


def compiled(*values: Any, segments: dict[int, Any] | None = None) -> Plan:
    return plan({i: tree(value) for i, value in enumerate(values)}, NOW, TRAITS, segments)


def nested(depth: int) -> dict[str, Any]:
    value = GOLD
    for _ in range(depth):
        value = {"kind": "not", "of": value}
    return value


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        (GOLD | {"trait": "colour"}, "tree.trait", "no profile has a trait"),
        ({"kind": "and", "of": [GOLD, GOLD | {"op": "lt"}]}, "tree.of[1].op", "does not apply to a text trait"),
        (GOLD | {"value": 3}, "tree.value", "must be text"),
        (GOLD | {"value": None}, "tree.value", "needs a value"),
        (GOLD | {"values": ["a"]}, "tree.values", "takes value"),
        (GOLD | {"op": "in"}, "tree.value", "takes values"),
        (GOLD | {"op": "set"}, "tree.value", "takes no value"),
        (GOLD | {"op": "contains", "value": ""}, "tree.value", "text to look for"),
        (GOLD | {"value": "x" * 1001}, "tree.value", "at most"),
        (GOLD | {"value": "\x00"}, "tree.value", "cannot be stored"),
        (GOLD | {"op": "in", "value": None, "values": ["x"] * 1001}, "tree.values", "at most"),
        (GOLD | {"trait": "age", "value": True}, "tree.value", "must be a number"),
        (GOLD | {"trait": "age", "value": 1e300}, "tree.value", "must be a number below"),
        (GOLD | {"trait": "vip", "value": "yes"}, "tree.value", "true or false"),
        (GOLD | {"trait": "born", "value": "yesterday"}, "tree.value", "a date such as"),
        (GOLD | {"trait": "seen", "value": "2026-01-01"}, "tree.value", "an instant such as"),
        (GOLD | {"trait": "seen", "value": "0001-01-01T00:00:00+14:00"}, "tree.value", "an instant such as"),
        (
            GOLD | {"trait": "seen", "op": "between", "value": None, "values": ["2026-01-01T00:00Z"]},
            "tree.values",
            "two values",
        ),
        (
            GOLD | {"trait": "seen", "value": {"amount": 5_000_000, "unit": "weeks"}},
            "tree.value.amount",
            "at most 36525 days",
        ),
        (nested(MAX_DEPTH), "tree" + ".of" * MAX_DEPTH, "nested deeper"),
        ({"kind": "or", "of": [GOLD] * 300}, "tree", "at most 300"),
        ({"kind": "segment", "id": 9}, "tree.id", "no segment 9"),
        ({"kind": "profiles", "ids": list(range(10_001))}, "tree.ids", "at most 10000"),
        (BOUGHT | {"name": ""}, "tree.name", "name of an event"),
        (BOUGHT | {"value": 1}, "tree.value", "did takes no value"),
        (BOUGHT | {"op": "ge"}, "tree.value", "must be a number"),
        (BOUGHT | {"op": "between", "value": 1}, "tree.high", "must be a number"),
        (BOUGHT | {"op": "ge", "value": 1, "high": 2}, "tree.high", "only between"),
        (BOUGHT | {"measure": "sum", "op": "ge", "value": 1}, "tree.property", "sum needs a property"),
        (BOUGHT | {"property": "total"}, "tree.property", "count takes no property"),
        (BOUGHT | {"measure": "sum", "property": "total"}, "tree.op", "compare the sum"),
        (BOUGHT | {"window": {"kind": "dates", "since": "2026-01-01T00:00:00"}}, "tree.window.since", "offset"),
        (BOUGHT | {"window": {"kind": "last", "amount": 5_256_000, "unit": "weeks"}}, "tree.window.amount", "at most"),
        (BOUGHT | {"where": [{"property": "", "op": "set"}]}, "tree.where[0].property", "name of a property"),
        (BOUGHT | {"where": [{"property": "a..b", "op": "set"}]}, "tree.where[0].property", "name of a property"),
        (BOUGHT | {"where": [{"property": "a", "op": "lt", "value": "x"}]}, "tree.where[0].value", "must be a number"),
        (
            BOUGHT | {"where": [{"property": "a", "op": "in", "values": ["x", 1]}]},
            "tree.where[0].values",
            "all text or all numbers",
        ),
        (BOUGHT | {"where": [{"property": "a", "op": "set"}] * 21}, "tree.where", "at most 20"),
    ],
)
def test_a_bad_tree_is_refused_with_its_field_and_rule(value: Any, field: str, rule: str) -> None:
    with pytest.raises(InvalidTree, match=rule) as refused:
        validate(tree(value), TRAITS, {})
    assert refused.value.field == field


@pytest.mark.parametrize(
    "value",
    [{"kind": "nobody"}, GOLD | {"extra": 1}, GOLD | {"op": "like"}, {"kind": "and"}, BOUGHT | {"window": {"kind": "x"}}],
)
def test_a_tree_of_another_shape_is_no_tree(value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        tree(value)


def test_cycles_are_found_through_others() -> None:
    segments = {1: tree({"kind": "segment", "id": 2}), 2: tree({"kind": "not", "of": {"kind": "segment", "id": 3}}), 3: None}
    refuse_cycle(4, tree({"kind": "segment", "id": 1}), segments)
    refuse_cycle(None, tree({"kind": "segment", "id": 1}), segments)
    for one in (1, 2):
        with pytest.raises(InvalidTree, match="itself"):
            refuse_cycle(one, tree({"kind": "segment", "id": 1}), segments)
    assert references(tree({"kind": "or", "of": [{"kind": "segment", "id": 5}, GOLD]})) == {5}


def test_a_deep_tree_is_walked_without_recursion() -> None:
    deep = tree(GOLD)
    for _ in range(100_000):
        deep = msgspec.convert({"kind": "not", "of": GOLD}, Node).__class__(of=deep)
    assert max(depth for _, depth, _ in walk(deep)) == 100_001
    with pytest.raises(InvalidTree, match="deeper"):
        validate(deep, TRAITS, {})


def test_literals_cannot_be_left() -> None:
    assert literal("it's'; drop") == "'it''s''; drop'"
    assert identifier('a"b') == '"a""b"'
    assert pointer("a/b.c~d.0") == "/a~1b/c~0d/0"
    assert literal(NOW) == "timestamptz '2026-06-01 12:00:00.000000+00'"


def test_traits_are_one_scan_and_each_event_name_is_one() -> None:
    planned = compiled(
        {"kind": "and", "of": [GOLD, OFTEN, UNREAD, {"kind": "not", "of": GOLD | {"value": "red"}}]}, UNREAD, OFTEN
    )
    questions = planned.questions(Tables())
    everyone, traits, orders, opened = (question.sql for question in questions)
    assert everyone == "select profile_id::uinteger as profile_id from lake.profile"
    assert traits.count("lake.profile") == 1
    assert "((\"t_plan\" = 'gold') and (not coalesce((\"t_plan\" = 'red'), false)))" in traits
    assert "name = 'Order Completed'" in orders
    assert "ts > timestamptz '2026-03-03 12:00:00.000000+00'" in orders
    assert orders.endswith("group by 1 having (count(*) >= 2)")
    assert "ts > timestamptz '2026-05-02 12:00:00.000000+00'" in opened
    assert "having" not in opened
    one, two, three = (planned.formulas[i] for i in range(3))
    assert isinstance(one, Every)
    assert one.of[1] == three
    assert one.of[2] == two == Except(Leaf(two.of.index, bounded=False))  # type: ignore[union-attr]


def test_everyone_is_asked_for_only_where_nothing_bounds_the_answer() -> None:
    assert compiled({"kind": "and", "of": [GOLD, UNREAD]}).everyone is None
    assert compiled({"kind": "or", "of": [GOLD, GOLD | {"value": "red"}]}).everyone is None
    for value in (
        UNREAD,
        OFTEN,
        {"kind": "and", "of": []},
        {"kind": "or", "of": [GOLD, UNREAD]},
        {"kind": "not", "of": OFTEN},
    ):
        assert compiled(value).everyone is not None, value
    assert compiled({"kind": "not", "of": GOLD}).everyone is None
    assert compiled({"kind": "or", "of": []}).everyone is None


def test_leaves_of_one_name_share_a_scan_and_its_bounds() -> None:
    planned = compiled(OFTEN, BOUGHT | {"window": {"kind": "last", "amount": 7, "unit": "days"}})
    (question,) = planned.questions(Tables(hot="hot", alias="merged"))[1:]
    assert len(question.leaves) == 2
    assert question.sql.count("from lake.event") == question.sql.count("from hot") == 1
    assert question.sql.count("ts >= timestamptz '2026-03-03 12:00:00.000001+00'") == 2
    assert "left join merged" in question.sql
    assert planned.start == datetime(2026, 3, 3, 12, 0, 0, 1, tzinfo=UTC)
    assert compiled(OFTEN, BOUGHT).start is None
    assert not planned.properties


def test_a_segment_in_a_segment_is_planned_once() -> None:
    segments = {1: tree(OFTEN), 2: None}
    inner = {"kind": "segment", "id": 1}
    planned = compiled({"kind": "or", "of": [inner, inner]}, inner, {"kind": "segment", "id": 2}, segments=segments)
    assert planned.leaves == 2  # the condition, and everyone
    either = planned.formulas[0]
    assert isinstance(either, Some)
    assert either.of[0] is either.of[1] is planned.formulas[1]


def test_segments_that_refer_to_segments_in_many_ways_are_looked_at_once() -> None:
    """Ten levels of thirty references each, which written out would be 30 ** 10 conditions."""
    segments: dict[int, Node | None] = {1: tree(GOLD)}
    for level in range(2, 12):
        segments[level] = tree({"kind": "or", "of": [{"kind": "segment", "id": level - 1}] * 30})
    top = segments[11]
    assert top is not None
    validate(top, TRAITS, segments)
    planned = plan({0: top}, NOW, TRAITS, segments)
    assert planned.leaves == 1 and planned.everyone is None
    arranger = Arranger(State(), segments)
    assert leaves_of(arranger.formula(top)) == {0}
    assert not Checker(NOW, TRAITS, segments).holds(top, Person(1, {}, []))
