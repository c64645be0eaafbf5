"""What changed between two definitions: nothing where they do the same, each change at its place, the way back its mirror."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from tests.execution.test_journeys_yaml import definitions

from antiphon.execution.journeys.diff import ArrowChange, Field, difference
from antiphon.execution.journeys.model import ApiEntry, Canvas, Definition, Step

A = Step(key="a", kind="wait", settings={"seconds": 60}, next={"next": "b"})
B = Step(key="b", kind="end")


def of(*steps: Step, **more: object) -> Definition:
    return msgspec.structs.replace(Definition(start="a", steps=list(steps), entries=[ApiEntry()]), **more)


def test_steps_arrows_and_fields() -> None:
    slower = Step(key="a", kind="wait", settings={"seconds": 90}, title="Slower", next={"next": "c"})
    changed = difference(of(A, B), of(slower, Step(key="c", kind="end"), holdout_percent=10))
    assert [(one.key, one.what, [(f.path, f.before, f.after) for f in one.fields]) for one in changed.steps] == [
        ("a", "changed", [("title", "", "Slower"), ("settings.seconds", 60, 90)]), ("c", "added", []), ("b", "removed", []),
    ]  # fmt: skip
    assert changed.arrows == [ArrowChange(step="a", exit="next", what="changed", before="b", after="c")]
    assert changed.fields == [Field(path="holdout_percent", before=0, after=10)] and not changed.same


def test_order_and_drawing_are_no_change() -> None:
    assert difference(of(A, B), of(B, A, canvas=Canvas(places={"a": (1, 2)}))).same


def plain(one: Definition) -> object:
    """A definition without its drawing, whatever the order of its steps."""
    built = msgspec.to_builtins(one)
    return {name: value for name, value in built.items() if name not in ("canvas", "steps")} | {"steps": {s["key"]: s for s in built["steps"]}}


@settings(max_examples=100, deadline=None)
@given(definitions, definitions)
def test_there_is_a_difference_where_they_differ(one: Definition, other: Definition) -> None:
    one, other = (msgspec.structs.replace(d, steps=list({s.key: s for s in d.steps}.values())) for d in (one, other))
    changed, back = difference(one, other), difference(other, one)
    assert difference(one, one).same
    assert changed.same == (plain(one) == plain(other)) == back.same
    assert {(a.step, a.exit, a.before, a.after) for a in changed.arrows} == {(a.step, a.exit, a.after, a.before) for a in back.arrows}
    mirror = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(s.key, s.what) for s in changed.steps} == {(s.key, mirror[s.what]) for s in back.steps}
