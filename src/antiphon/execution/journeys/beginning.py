"""Journeys that begin each other: which a definition begins before anybody has waited, and the circles this makes. Pure, but for
reading what is live.

A step of the kinds ``start_journey`` and ``jump`` begins a journey; one that raises an event begins those that are entered by
it. Only steps that people come to without a rest on the way count. At run time `MOST` is the limit, kept in what people carry
along: it stops what no check can see, such as plug-ins, or two versions that went live side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from antiphon.execution.journeys.chain import MOST
from antiphon.execution.journeys.checking import Understood, understood
from antiphon.execution.journeys.contract import KindsHere
from antiphon.execution.journeys.definitions import SQL
from antiphon.execution.journeys.findings import error, warning
from antiphon.execution.journeys.graph import reached
from antiphon.execution.journeys.model import Definition, EventEntry, Finding
from antiphon.foundation.postgres import Connection

BEGINNERS = frozenset({"start_journey", "jump"})
RAISER = "raise_event"
DRAFT = 0
"""The number of a draft that is no journey yet."""


class Begun(msgspec.Struct, frozen=True):
    """A journey that a step begins at once; ``surely`` where nothing but its rules of entry can keep it from that."""

    step: str
    place: str
    journey_id: int
    surely: bool


class Other(msgspec.Struct, frozen=True):
    """A journey that is live, or paused."""

    id: int
    name: str
    definition: Definition


async def lock_beginnings(conn: Connection) -> None:
    """One at a time publishes a journey that begins others; until the commit."""
    await conn.execute(SQL.lock_beginnings)


async def others_that_begin(conn: Connection, journey_id: int | None) -> list[Other]:
    """Live journeys, but this one, that begin others or raise events."""
    rows = await (await conn.execute(SQL.beginners, {"journey_id": journey_id})).fetchall()
    found = []
    for number, name, said in rows:
        try:
            found.append(Other(number, name, msgspec.convert(said, Definition, strict=False)))
        except msgspec.ValidationError:
            continue  # frozen by an older version, or for a plug-in that is gone: it does not run, either
    return found


def may_begin(definition: Definition) -> bool:
    """Whether it has a step that begins anything at all."""
    return any(step.kind in BEGINNERS or step.kind == RAISER for step in definition.steps)


def begun_at_once(definition: Definition, kinds: KindsHere, entered_by: Mapping[str, Sequence[tuple[int, bool]]]) -> list[Begun]:
    """What it begins before anybody has rested. ``entered_by``: by an event's name the journeys it lets people into, and whether
    it does so whatever its properties are."""
    known = understood(definition, kinds)
    graph = {step.key: _onward(step.next.values(), known.get(step.key)) for step in definition.steps}
    if definition.start not in graph:
        return []
    at_once = reached(graph, definition.start)
    found: list[Begun] = []
    for n, step in enumerate(definition.steps):
        one = known.get(step.key)
        if one is None or step.key not in at_once:
            continue
        if one.kind.name in BEGINNERS:
            found.append(Begun(step.key, f"steps[{n}].settings.journey_id", one.settings.journey_id, True))
        elif one.kind.name == RAISER:
            place = f"steps[{n}].settings.event"
            found += [Begun(step.key, place, id, plain) for id, plain in entered_by.get(one.settings.event, ())]
    return found


def _onward(ways: Iterable[str], one: Understood | None) -> list[str]:
    """Where people go on without a rest; of what is not understood nobody knows."""
    return [] if one is None or one.kind.rests(one.settings) else list(ways)


def circles_of_journeys(
    definition: Definition, kinds: KindsHere, others: Sequence[Other], journey_id: int | None, name: str
) -> list[Finding]:
    """A finding for each step from which a circle of journeys leads back here without a wait: an error where all go round for
    ever, since each of the journeys is entered always; else a warning. A circle of one is `checking`'s, unless by an event."""
    me = journey_id if journey_id is not None else DRAFT
    every = [Other(me, name, definition), *(one for one in others if one.id != me)]
    named = {one.id: f"{one.name} ({one.id})" if one.id else one.name for one in every}
    always = {one.id for one in every if one.definition.again.rule == "always"}
    entered_by: dict[str, list[tuple[int, bool]]] = {}
    for one in every:
        for way in one.definition.entries:
            if isinstance(way, EventEntry):
                entered_by.setdefault(way.match.event, []).append((one.id, not way.match.filters))
    begun = {one.id: begun_at_once(one.definition, kinds, entered_by) for one in every}
    found: list[Finding] = []
    for first in begun[me]:
        direct = first.place.endswith("journey_id")
        if first.journey_id == me and direct:
            continue
        sure = first.surely and {me, first.journey_id} <= always
        endless = _way_back(begun, first.journey_id, me, always) if sure else None
        way_back = endless or _way_back(begun, first.journey_id, me, None)
        if way_back is None:
            continue
        journeys = " → ".join(named[one] for one in [me, *way_back])
        if endless is not None:
            found.append(error("journeys_circle", first.place, first.step, journeys=journeys))
        else:
            found.append(warning("journeys_may_circle", first.place, first.step, journeys=journeys, most=MOST))
    return found


def _way_back(begun: Mapping[int, Sequence[Begun]], first: int, to: int, only: set[int] | None) -> list[int] | None:
    """Journeys from one to another, each beginning the next. ``only``: the sure ways through these journeys."""
    before: dict[int, int | None] = {first: None}
    todo = [first]
    while todo:
        one = todo.pop(0)
        if one == to:
            way: list[int] = []
            at: int | None = one
            while at is not None:
                way.append(at)
                at = before[at]
            return way[::-1]
        for onward in begun.get(one, ()):
            sure = only is None or (onward.surely and onward.journey_id in only and one in only)
            if sure and onward.journey_id not in before:
                before[onward.journey_id] = one
                todo.append(onward.journey_id)
    return None
