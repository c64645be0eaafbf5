"""Where people stand in a new version who stood in an older one: the step map, and what it would lose. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from antiphon.execution.journeys.contract import KindsHere
from antiphon.execution.journeys.errors import StepMapInvalid
from antiphon.execution.journeys.model import Definition, Step

Becomes = Literal["moves", "leaves", "lost"]
StepMap = Mapping[str, str | None]


class Way(Struct, frozen=True):
    """Where the people of one step go: the new step's number, and whether they come to it anew.

    ``comes`` is None where the step is the same with other settings: then only who waits for something they do comes to it
    anew, so that what it waits for, and how long, is what it is now; who waits for an instant waits on until then, or, with
    ``lasts``, until so many seconds after they came to it: an edit has changed how long the wait is."""

    onward: int
    comes: bool | None
    lasts: float | None = None


def becomes(key: str, new: Definition, step_map: StepMap) -> tuple[Becomes, str | None]:
    """What becomes of people at an old step, and at which new one they are."""
    if key in step_map:
        to = step_map[key]
        return ("leaves", None) if to is None else ("moves", to)
    return ("moves", key) if new.step(key) is not None else ("lost", None)


def check_map(new: Definition, step_map: StepMap) -> None:
    """Raise StepMapInvalid where it leads to no step."""
    for old, to in step_map.items():
        if to is not None and new.step(to) is None:
            raise StepMapInvalid(field=f"treatment.map.{old}", step=to)


def ways(
    old: Definition, new: Definition, step_map: StepMap, kinds: KindsHere | None = None
) -> tuple[dict[int, Way], list[int]]:
    """For an old version: steps by number with the way on from each, and those whose people leave. People at other steps, which
    the map does not know, go on where they are."""
    places = {step.key: n for n, step in enumerate(new.steps)}
    moves: dict[int, Way] = {}
    leaves: list[int] = []
    for n, step in enumerate(old.steps):
        what, to = becomes(step.key, new, step_map)
        if what == "leaves":
            leaves.append(n)
        elif to is not None and to in places:
            moves[n] = way_to(step, new, places[to], kinds)
    return moves, leaves


def way_to(old: Step, new: Definition, onward: int, kinds: KindsHere | None = None) -> Way:
    """The way of an old step's people to a new one."""
    to = new.steps[onward]
    comes = _comes(old, to)
    return Way(onward, comes, None if comes is not None or kinds is None else _lasts(old, to, kinds))


def _lasts(old: Step, new: Step, kinds: KindsHere) -> float | None:
    """How long people stay at a step from now on, where an edit has changed that; infinity for ever."""
    if new.kind not in kinds or (lasts := getattr(kinds(new.kind), "lasts", None)) is None:
        return None
    try:
        before, after = (lasts(msgspec.convert(one.settings, kinds(one.kind).Settings, strict=False)) for one in (old, new))
    except msgspec.ValidationError:
        return None
    return after if before is not None and after is not None and before != after else None


def _comes(old: Step, new: Step) -> bool | None:
    if old.key != new.key or old.kind != new.kind:
        return True
    return False if old.settings == new.settings else None


def inverse(step_map: StepMap, before: Definition, now: Definition) -> dict[str, str]:
    """The way back from ``now`` to ``before``: steps that have kept their key are their own way; of several that were led to one,
    the first. Steps that are new have no way back."""
    back: dict[str, str] = {}
    for step in before.steps:
        to = step_map.get(step.key, step.key)
        if to is not None and now.step(to) is not None and before.step(to) is None:
            back.setdefault(to, step.key)
    return back


def named(counts: Sequence[tuple[str, int]]) -> str:
    """Steps with how many people stand there, for people to read."""
    return ", ".join(f"{key} ({people})" for key, people in counts)
