"""What changed between two definitions: steps, their settings, arrows, entries and rules, however it is drawn. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from antiphon.execution.journeys.model import Definition, Step

What = Literal["added", "removed", "changed"]


class Field(Struct, frozen=True, kw_only=True):
    """A value that differs; ``path`` is a place in the step or the definition. What is not there is null."""

    path: str
    before: Any
    after: Any


class StepChange(Struct, frozen=True, kw_only=True):
    """A step that was added, removed or changed, with the fields that differ."""

    key: str
    what: What
    kind: str
    title: str
    fields: list[Field] = []


class ArrowChange(Struct, frozen=True, kw_only=True):
    """A way from a step that leads somewhere else now; null: nowhere, the journey ends there."""

    step: str
    exit: str
    what: What
    before: str | None
    after: str | None


class Difference(Struct, frozen=True, kw_only=True):
    """All that differs: nothing where both do the same."""

    steps: list[StepChange]
    arrows: list[ArrowChange]
    fields: list[Field]
    """Of the journey: where it begins, entries, rules, goal, holdout."""
    same: bool


def difference(before: Definition, after: Definition) -> Difference:
    """What changed from one to the other. Steps are the same by their key, whatever their order."""
    old, new = {step.key: step for step in before.steps}, {step.key: step for step in after.steps}
    steps = [
        *(_whole(step, "removed") for key, step in old.items() if key not in new),
        *(_whole(step, "added") for key, step in new.items() if key not in old),
    ]
    for key, step in new.items():
        if key in old and (fields := list(_fields(_of_step(old[key]), _of_step(step)))):
            steps.append(StepChange(key=key, what="changed", kind=step.kind, title=step.title, fields=fields))
    order = {key: n for n, key in enumerate(dict.fromkeys([*new, *old]))}
    steps.sort(key=lambda one: order[one.key])
    arrows = [arrow for key in dict.fromkeys([*old, *new]) for arrow in _arrows(key, old.get(key), new.get(key))]
    fields = list(_fields(_of_journey(before), _of_journey(after)))
    return Difference(steps=steps, arrows=arrows, fields=fields, same=not (steps or arrows or fields))


def _whole(step: Step, what: What) -> StepChange:
    return StepChange(key=step.key, what=what, kind=step.kind, title=step.title)


def _of_step(step: Step) -> dict[str, Any]:
    return {"kind": step.kind, "title": step.title, "settings": step.settings}


def _of_journey(one: Definition) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(one)
    return {name: value for name, value in plain.items() if name not in ("steps", "canvas")}


def _arrows(key: str, old: Step | None, new: Step | None) -> Iterator[ArrowChange]:
    before, after = old.next if old else {}, new.next if new else {}
    for exit in dict.fromkeys([*before, *after]):
        led, leads = before.get(exit), after.get(exit)
        if led != leads:
            what: What = "added" if led is None else "removed" if leads is None else "changed"
            yield ArrowChange(step=key, exit=exit, what=what, before=led, after=leads)


def _fields(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """The innermost values that differ; lists are compared by place."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _fields(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list):
        for n in range(max(len(before), len(after))):
            old = before[n] if n < len(before) else None
            yield from _fields(old, after[n] if n < len(after) else None, f"{path}[{n}]")
    else:
        yield Field(path=path, before=before, after=after)
