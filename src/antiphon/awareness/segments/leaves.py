"""What a condition looks at, and how time alone moves its answer: what an engine that re-checks only some people must know.

Three things can change a person's answer to a condition: their profile (traits, consents, addresses), a new event of
theirs, and time. For the last, `edges` says which of their events must be looked for.
"""

from datetime import UTC, datetime
from typing import assert_never

from antiphon.awareness.segments.engagement import as_event
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Lookalike,
    Near,
    Reachable,
    Sequence,
    Share,
)
from antiphon.awareness.segments.model import Condition, EventCondition, Profiles, RelativeInstant, TraitCondition
from antiphon.awareness.segments.windows import TICK, Ago, Calendar, Dates, Fixed, Last, SinceEvent, bounds, duration
from antiphon.awareness.segments.zones import local_days


def sources(leaf: Condition) -> frozenset[str] | None:
    """Return the names of the events a condition reads, empty for none; None when anything may change its answer."""
    match leaf:
        case EventCondition():
            also = {leaf.window.name} if isinstance(leaf.window, SinceEvent) else set()
            return frozenset({leaf.name, *also})
        case EventTime():
            return frozenset({leaf.name})
        case Sequence():
            return frozenset(step.name for step in leaf.steps)
        case Engagement():
            return sources(as_event(leaf))
        case Lookalike():
            return None
        case TraitCondition() | Age() | Anniversary() | Length() | Near() | Share() | ConsentIs() | Reachable() | Profiles():
            return frozenset()
        case _:
            assert_never(leaf)


def edges(leaf: Condition, now: datetime) -> tuple[datetime, ...]:
    """Return the instants that sweep over events as time goes by; each is never earlier at a later ``now``.

    When nothing but time passes from t0 to t1, the answer for a person can change only if one of their events named in
    ``sources`` has an instant in ``(edge(t0), edge(t1)]`` for one of these edges. ``now`` is among them, for events dated ahead.
    """
    match leaf:
        case EventCondition():
            return (now,) if isinstance(leaf.window, SinceEvent) else _swept(leaf.window, now)
        case EventTime():
            return _swept(leaf.window, now)
        case Sequence():
            waits = {step.at_most.length for step in leaf.steps if step.absent and step.at_most is not None}
            # TRICKY: equal ones stay: two edges that meet at one instant are still two at the next
            return (*_swept(leaf.window, now), *(now - wait for wait in sorted(waits)))
        case Engagement():
            return edges(as_event(leaf), now)
        case _:
            return ()


def _swept(window: Fixed | None, now: datetime) -> tuple[datetime, ...]:
    match window:
        case None | Dates():
            return (now,)
        case Last(amount=amount, unit=unit):
            return now, now - duration(amount, unit)
        case Ago() | Calendar():
            first, end = bounds(window, now)
            return now, *(at - TICK for at in (first, end) if at is not None and at <= now)
        case _:
            assert_never(window)


def moves_with_time(leaf: Condition) -> bool:
    """Whether time alone can change the answer for people without any event: ages, anniversaries, traits beside now."""
    match leaf:
        case Age() | Anniversary() | Lookalike():
            return True
        case TraitCondition():
            return any(isinstance(one, RelativeInstant) for one in [leaf.value, *leaf.values])
        case _:
            return False


def moved(leaf: Condition, before: datetime, now: datetime) -> bool:
    """Whether the answer of a condition that moves with time may have changed for anybody between two instants.

    Ages and anniversaries change only when the date does somewhere.
    """
    match leaf:
        case Age() | Anniversary():
            days = [at.astimezone(UTC).date() for at in (before, now)]
            return days[0] != days[1] or local_days(before) != local_days(now)
        case _:
            return moves_with_time(leaf) and before != now


def reads_since(leaf: Condition, now: datetime) -> datetime | None:
    """Return the earliest instant of events that a condition looks at; None if it looks at all of history."""
    match leaf:
        case EventCondition():
            return None if isinstance(leaf.window, SinceEvent) else bounds(leaf.window, now)[0]
        case EventTime():
            return bounds(leaf.window, now)[0] if leaf.which == "last" else None
        case Sequence():  # what must be absent comes after what is in the window
            return bounds(leaf.window, now)[0]
        case Engagement():
            return reads_since(as_event(leaf), now)
        case _:
            return None


def reads_properties(leaf: Condition) -> bool:
    """Whether a condition looks into the properties of events."""
    match leaf:
        case EventCondition():
            marked = isinstance(leaf.window, SinceEvent) and bool(leaf.window.where)
            return bool(leaf.where) or leaf.property is not None or marked
        case EventTime():
            return bool(leaf.where)
        case Sequence():
            return any(step.where for step in leaf.steps)
        case Engagement():
            return reads_properties(as_event(leaf))
        case _:
            return False
