"""Validation as one draws: everything that is wrong with a definition, or that its author should know. Pure.

What there is in the installation comes as `Around`. A definition with an error cannot go live; the engine relies on what is
checked here, and still survives what is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from antiphon.execution.journeys.contract import KindsHere, Surroundings
from antiphon.execution.journeys.entries_check import check_entries, check_rules
from antiphon.execution.journeys.findings import error, warning
from antiphon.execution.journeys.graph import circles, leading_to, reached
from antiphon.execution.journeys.model import Definition, Finding, Step
from antiphon.foundation.http.body import field_of
from antiphon.foundation.recurrence import strange_zones

SAID_BY_KINDS = frozenset({"refused_ends", "waits_for_ever", "loop_leads_nowhere"})
"""What kinds say themselves of ways that lead nowhere."""


_WELL_KNOWN = ("Europe/Berlin", "America/New_York", "Australia/Sydney")


class Understood(msgspec.Struct, frozen=True):
    """A step whose kind and settings are understood."""

    kind: Any
    settings: Any
    exits: tuple[str, ...]


def check(definition: Definition, kinds: KindsHere, around: Surroundings) -> list[Finding]:
    """All findings, errors first, in the definition's order. A step that is not understood is judged by its arrows alone."""
    found = [*_steps(definition, kinds, around)]
    known = understood(definition, kinds)
    found += _graph(definition, known, around)
    found += check_entries(definition, around)
    found += check_rules(definition, around)
    unique: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        unique.setdefault((one.code, one.place, one.step), one)
    return sorted(unique.values(), key=lambda one: one.level != "error")


def understood(definition: Definition, kinds: KindsHere) -> dict[str, Understood]:
    """The steps whose kind is here and whose settings are of its types, by key."""
    found: dict[str, Understood] = {}
    for step in definition.steps:
        if step.kind in kinds:
            kind = kinds(step.kind)
            try:
                settings = msgspec.convert(step.settings, kind.Settings, strict=False)
            except msgspec.ValidationError:
                continue
            found[step.key] = Understood(kind, settings, tuple(kind.exits(settings)))
    return found


def _steps(definition: Definition, kinds: KindsHere, around: Surroundings) -> Iterator[Finding]:
    keys = [step.key for step in definition.steps]
    if not keys:
        yield error("no_steps", "steps")
    elif not definition.start:
        yield error("start_missing", "start")
    elif definition.start not in keys:
        yield error("start_unknown", "start", to=definition.start)
    for n, step in enumerate(definition.steps):
        place = f"steps[{n}]"
        if step.key in keys[:n]:
            yield error("step_twice", f"{place}.key", step.key, key=step.key)
        for exit, to in step.next.items():
            if to not in keys:
                yield error("next_unknown", f"{place}.next.{exit}", step.key, exit=exit, to=to)
        yield from _settings(step, place, kinds, around)


def _settings(step: Step, place: str, kinds: KindsHere, around: Surroundings) -> Iterator[Finding]:
    if step.kind not in kinds:
        yield error("kind_unknown", f"{place}.kind", step.key, kind=step.kind)
        return
    kind = kinds(step.kind)
    try:
        settings = msgspec.convert(step.settings, kind.Settings, strict=False)
    except msgspec.ValidationError as wrong:
        rule, field = field_of(str(wrong))
        yield error("settings_invalid", f"{place}.settings" + (f".{field}" if field else ""), step.key, rule=rule)
        return
    said = [msgspec.structs.replace(one, step=one.step or step.key) for one in kind.check(settings, f"{place}.settings", around)]
    yield from said
    date = getattr(settings, "date", None)
    if isinstance(date, datetime) and date.tzinfo is None:
        yield from _strange_clocks(date, f"{place}.settings.date", step.key)
    exits = kind.exits(settings)
    for exit in step.next:
        if exit not in exits:
            yield error("exit_unknown", f"{place}.next.{exit}", step.key, exit=exit, exits=", ".join(exits) or "–")
    open_ways = [exit for exit in exits if exit not in step.next]
    if len(exits) > 1 and open_ways and not SAID_BY_KINDS & {one.code for one in said}:
        yield warning("exits_end", f"{place}.next", step.key, exits=", ".join(open_ways))


def _strange_clocks(wall: datetime, place: str, step: str) -> Iterator[Finding]:
    """Where clocks skip a wall time that is each person's own, or show it twice."""
    skipped, twice = strange_zones(wall)
    for code, zones in (("wall_skipped_somewhere", skipped), ("wall_twice_somewhere", twice)):
        if zones:
            zone = next((one for one in _WELL_KNOWN if one in zones), zones[0])
            yield warning(code, place, step, count=len(zones), zone=zone, at=wall.isoformat(" ", "minutes"))


def _graph(definition: Definition, known: Mapping[str, Understood], around: Surroundings) -> Iterator[Finding]:
    places = {step.key: n for n, step in reversed(list(enumerate(definition.steps)))}
    graph = {step.key: [to for to in step.next.values() if to in places] for step in definition.steps}
    if definition.start not in places:
        return
    inside = reached(graph, definition.start)
    for key, n in sorted(places.items(), key=lambda one: one[1]):
        if key not in inside:
            yield warning("unreachable", f"steps[{n}]", key)
    rests = {key for key, one in known.items() if one.kind.rests(one.settings)}
    strange = places.keys() - known.keys()  # of what is not understood nobody knows whether people rest there
    for circle in circles(graph, rests | strange):
        yield error("cycle_without_rest", f"steps[{places[circle[0]]}]", circle[0], steps=" → ".join([*circle, circle[0]]))
    yield from _endless(definition, known, graph, inside, places, strange)
    yield from _itself(definition, known, graph, rests, around, places)


def _endless(
    definition: Definition, known: Mapping[str, Understood], graph: Mapping[str, list[str]], inside: set[str],
    places: Mapping[str, int], strange: Collection[str],
) -> Iterator[Finding]:  # fmt: skip
    """Steps from which no way leads out, unless rules or a goal take people out."""
    steps = {step.key: step for step in definition.steps}
    ends = {
        key for key, one in known.items()
        if not one.exits or one.kind.name == "jump" or any(steps[key].next.get(exit) not in places for exit in one.exits)
    }  # fmt: skip
    stuck = inside - leading_to(graph, ends | set(strange))
    if stuck and not definition.exits and not (definition.goal is not None and definition.goal.ends):
        first = min(stuck, key=lambda key: places[key])
        names = ", ".join(sorted(stuck, key=lambda key: places[key])[:10])
        yield warning("no_way_out", f"steps[{places[first]}]", first, steps=names)


def _itself(
    definition: Definition, known: Mapping[str, Understood], graph: Mapping[str, list[str]], rests: Collection[str],
    around: Surroundings, places: Mapping[str, int],
) -> Iterator[Finding]:  # fmt: skip
    """A journey that begins itself again."""
    me = around.journey_id
    again = [key for key, one in known.items() if one.kind.name in ("jump", "start_journey") and one.settings.journey_id == me]
    if me is None or not again:
        return
    moving = {key: [] if key in rests else onward for key, onward in graph.items()}
    at_once = reached(moving, definition.start)
    for key in again:
        place = f"steps[{places[key]}].settings.journey_id"
        if key in at_once and definition.again.rule in ("always", "key"):
            yield error("jumps_to_itself", place, key)
        else:
            yield warning("jumps_to_itself_later", place, key)
