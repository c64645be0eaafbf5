"""What can be wrong with how people come into a journey, and with the rules that end it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from zoneinfo import ZoneInfo

from antiphon.awareness.events import EventMatch
from antiphon.awareness.events.filters import BadFilter, check_filter
from antiphon.execution.journeys.contract import Surroundings
from antiphon.execution.journeys.findings import error, warning
from antiphon.execution.journeys.model import (
    ApiEntry,
    Definition,
    EventEntry,
    Finding,
    ImportEntry,
    ScheduleEntry,
    SegmentEntry,
)
from antiphon.foundation.recurrence import Recurrence, RecurrenceInvalid, check, first_wall

RESERVED = frozenset(
    {
        "finished", "goal", "endless", "holdout", "merged", "erased", "displaced", "stopped", "ended", "replaced", "rest",
        "taken_out", "jumped",
    }
)
"""Reasons to be out that the journey itself gives."""


def check_entries(definition: Definition, around: Surroundings) -> Iterator[Finding]:
    """What is wrong with the ways in, and with how often one may come in."""
    if not definition.entries:
        yield error("no_entry", "entries")
    for n, one in enumerate(definition.entries):
        place = f"entries[{n}]"
        match one:
            case SegmentEntry(segment_id=segment):
                if not around.has_segment(segment):
                    yield error("entry_segment_unknown", f"{place}.segment_id", segment=segment)
                elif not around.announces(segment):
                    if one.present and one.when == "entered":
                        yield warning("entry_segment_silent", f"{place}.segment_id")
                    else:
                        why = "the segment tells nobody who enters and leaves it"
                        yield error("entry_never_fires", f"{place}.segment_id", why=why)
            case EventEntry(match=meant):
                yield from check_match(meant, f"{place}.match", around)
            case ScheduleEntry():
                yield from _schedule(one, place, around)
            case ApiEntry() | ImportEntry():
                pass
    yield from _again(definition)


def _schedule(one: ScheduleEntry, place: str, around: Surroundings) -> Iterator[Finding]:
    if not around.has_segment(one.segment_id):
        yield error("entry_segment_unknown", f"{place}.segment_id", segment=one.segment_id)
    if one.start.tzinfo is not None:
        yield error("schedule_invalid", f"{place}.start", why="the first time is a wall time, without an offset")
        return
    rule = recurrence_of(one)
    try:
        check(rule)
        wall = first_wall(rule, around.now)
    except RecurrenceInvalid as wrong:
        field = (wrong.field or "rule").removeprefix("recurrence.").replace("starts", "start")
        yield error("schedule_invalid", f"{place}.{field}", why=str(wrong.facts["why"]))
        return
    if wall is None:
        yield error("entry_never_fires", f"{place}.start", why="its time has passed")
        return
    zone = ZoneInfo(one.zone)
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early != late:
        code = "wall_skipped" if early > late else "wall_twice"
        yield warning(code, f"{place}.start", zone=one.zone, at=wall.isoformat(" ", "minutes"))


def recurrence_of(one: ScheduleEntry) -> Recurrence:
    """A schedule as a rule: one that has none comes once."""
    return Recurrence(rule=one.rule or "FREQ=DAILY;COUNT=1", starts=one.start, zone=one.zone)


def check_match(match: EventMatch, place: str, around: Surroundings) -> Iterator[Finding]:
    """Whether the conditions on an event can be judged, and whether it ever came."""
    for n, one in enumerate(match.filters):
        try:
            check_filter(one, f"{place}.filters[{n}]")
        except BadFilter as bad:
            yield error("match_invalid", bad.field, why=bad.rule)
    if not around.has_event(match.event):
        yield warning("event_never_seen", f"{place}.event", event=match.event)


def _again(definition: Definition) -> Iterator[Finding]:
    again = definition.again
    if again.rule == "period" and not again.period_seconds:
        yield error("again_without_period", "again.period_seconds")
    if again.rule == "key":
        if not again.key:
            yield error("again_without_key", "again.key")
        for n, one in enumerate(definition.entries):
            if isinstance(one, SegmentEntry | ScheduleEntry | ImportEntry):
                yield warning("again_key_of_nothing", f"entries[{n}]")
    if definition.displaces and not definition.exclusive:
        yield warning("displaces_nothing", "displaces")


def check_rules(definition: Definition, around: Surroundings) -> Iterator[Finding]:
    """What is wrong with the rules for leaving and the goal."""
    reasons = [rule.reason for rule in definition.exits]
    for n, rule in enumerate(definition.exits):
        place = f"exits[{n}]"
        if rule.event is None and rule.condition is None:
            yield error("rule_empty", place)
        if rule.reason in RESERVED:
            yield error("reason_reserved", f"{place}.reason", reason=rule.reason)
        elif rule.reason in reasons[:n]:
            yield warning("reason_twice", f"{place}.reason", reason=rule.reason)
        if rule.event is not None:
            yield from check_match(rule.event, f"{place}.event", around)
        if rule.condition is not None:
            yield from around.check_tree(rule.condition, f"{place}.condition")
    goal = definition.goal
    if goal is None:
        return
    if goal.event is None and goal.condition is None:
        yield error("goal_empty", "goal")
    if goal.event is not None:
        yield from check_match(goal.event, "goal.event", around)
    elif goal.value is not None:
        yield warning("goal_value_of_nothing", "goal.value")
    if goal.condition is not None:
        yield from around.check_tree(goal.condition, "goal.condition")
