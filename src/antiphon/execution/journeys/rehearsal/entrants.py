"""Who would come in: by recorded events, by entering segments, by a schedule, or as they did when the journey was live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.awareness.events import EventMatch
from antiphon.awareness.segments import ENTERED, LEFT
from antiphon.execution.journeys.contract import Bools, Ints
from antiphon.execution.journeys.entries import key_of
from antiphon.execution.journeys.entries_check import recurrence_of
from antiphon.execution.journeys.model import ApiEntry, Definition, EventEntry, ImportEntry, ScheduleEntry, SegmentEntry
from antiphon.execution.journeys.rehearsal.books import Entrants
from antiphon.execution.journeys.rehearsal.past import Past, Wanted
from antiphon.execution.journeys.rehearsal.scene import Scene, member_filter
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.recurrence import instant_of, next_wall

SECOND = 1_000_000
MOST_TIMES = 5_000


def matches(definition: Definition) -> list[EventMatch]:
    """The events by which people come in."""
    found: list[EventMatch] = []
    for entry in definition.entries:
        match entry:
            case EventEntry():
                found.append(entry.match)
            case SegmentEntry():
                found.append(told_of(entry))
            case _:
                pass
    return found


def told_of(entry: SegmentEntry) -> EventMatch:
    """The event that tells of entering, or leaving, a segment."""
    return EventMatch(event=ENTERED if entry.when == "entered" else LEFT, filters=member_filter(entry.segment_id))


def wants(definition: Definition, wanted: Wanted, *, carried: bool) -> None:
    """Have the events read by which people come in; ``carried``: with what they carry along."""
    for one in matches(definition):
        wanted.ask(one.event, one.kind, one.filters)
        if carried or definition.again.key:
            wanted.whole.add(one.event)
    for segment_id in segments_of(definition):
        for name in (ENTERED, LEFT):
            wanted.ask(name, None, member_filter(segment_id))


def segments_of(definition: Definition) -> set[int]:
    """Segments whose members at an instant are let in."""
    present = {one.segment_id for one in definition.entries if isinstance(one, SegmentEntry) and one.present}
    return present | {one.segment_id for one in definition.entries if isinstance(one, ScheduleEntry)}


def entrants_of(
    definition: Definition, scene: Scene, since: int, until: int, members: Mapping[int, Bools],
    recorded: Mapping[int, Sequence[int]], *, carried: bool,
) -> Entrants:  # fmt: skip
    """Everybody of a part who would come in between two instants. ``members``: who is in a segment now; ``recorded``: when
    people came in by a call or an import while the journey was live, by seat."""
    past = scene.past
    events = [_by_event(past, one, since, until) for one in definition.entries if isinstance(one, EventEntry | SegmentEntry)]
    place = np.unique(np.concatenate(events)) if events else np.empty(0, dtype=np.int64)
    place = place.astype(np.int64)
    seats, ats, begun = [past.seat[place]], [past.heard[place]], [np.minimum(past.ts[place], past.heard[place])]
    for entry in definition.entries:
        for at in _times(entry, since, until):
            who = np.flatnonzero(scene.inside(
                entry.segment_id, np.arange(len(scene.ids)), np.full(len(scene.ids), at), members[entry.segment_id]
            )) if isinstance(entry, ScheduleEntry | SegmentEntry) else np.empty(0, dtype=np.int64)  # fmt: skip
            seats.append(who)
            ats.append(np.full(len(who), at, dtype=np.int64))
            begun.append(np.full(len(who), at, dtype=np.int64))
    if any(isinstance(one, ApiEntry | ImportEntry) for one in definition.entries):
        pairs = [(seat, at) for seat, times in recorded.items() for at in times if since <= at < until]
        seats.append(np.array([seat for seat, _ in pairs], dtype=np.int64))
        ats.append(np.array([at for _, at in pairs], dtype=np.int64))
        begun.append(ats[-1])
    return _together(definition, past, place, seats, ats, begun, carried=carried)


def _together(
    definition: Definition, past: Past, place: Ints, seats: Sequence[Ints], ats: Sequence[Ints], begun: Sequence[Ints],
    *, carried: bool,
) -> Entrants:  # fmt: skip
    seat, at = np.concatenate(seats), np.concatenate(ats)
    order = np.lexsort((at, seat))
    event = np.concatenate((place, np.full(len(seat) - len(place), -1, dtype=np.int64)))[order]
    keys: Sequence[str] = ()
    if definition.again.key:
        keys = [key_of(definition.again.key, past.properties_at(one)) if one >= 0 else "" for one in event.tolist()]

    def memory(number: int) -> dict[str, Any] | None:
        one = int(event[number])
        properties = past.properties_at(one) if one >= 0 else {}
        return {"entry": properties} if properties else None

    return Entrants(seat[order], at[order], np.concatenate(begun)[order], keys, memory if carried else None)


def _by_event(past: Past, entry: EventEntry | SegmentEntry, since: int, until: int) -> Ints:
    match = entry.match if isinstance(entry, EventEntry) else told_of(entry)
    found = past.meant(match.event, match.kind, match.filters) & (past.heard >= since) & (past.heard < until)
    if isinstance(entry, EventEntry):
        found &= past.heard - past.ts <= int(entry.fresh_seconds * SECOND)
    return np.flatnonzero(found)


def _times(entry: Any, since: int, until: int) -> list[int]:
    """The instants at which members are let in."""
    if isinstance(entry, SegmentEntry):
        return [since] if entry.present and entry.when == "entered" else []
    if not isinstance(entry, ScheduleEntry):
        return []
    rule, found = recurrence_of(entry), list[int]()
    wall = next_wall(rule, None)
    for _ in range(MOST_TIMES):
        if wall is None or (at := micros(instant_of(rule, wall))) >= until:
            break
        if at >= since:
            found.append(at)
        wall = next_wall(rule, wall)
    return found


def unforeseen(definition: Definition, recorded: bool) -> list[str]:
    """Ways in of which nothing is known."""
    return [] if recorded else sorted({"api" if isinstance(one, ApiEntry) else "import" for one in definition.entries
                                       if isinstance(one, ApiEntry | ImportEntry)})  # fmt: skip
