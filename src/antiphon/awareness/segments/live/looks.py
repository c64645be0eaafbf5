"""What a condition on events looks at, and when time alone moves it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from antiphon.awareness.events.filters import PropertyFilter
from antiphon.awareness.segments.kinds import EventTime, Sequence
from antiphon.awareness.segments.leaves import edges, reads_since, sources
from antiphon.awareness.segments.live import answers
from antiphon.awareness.segments.live.rows import unix
from antiphon.awareness.segments.live.strands import Filters, Wanted
from antiphon.awareness.segments.model import EventCondition, Node
from antiphon.awareness.segments.windows import SinceEvent

OF_EVENTS = (EventCondition, EventTime, Sequence)


def plain(node: Node) -> bool:
    """Whether it counts or measures events in a window that is everybody's: decided by columns, for all at once."""
    return isinstance(node, EventCondition) and answers.plain(node)


def names(node: Node) -> frozenset[str]:
    """The names of the events it looks at."""
    return sources(node) or frozenset() if isinstance(node, OF_EVENTS) else frozenset()


def wanted(node: Node, now: datetime) -> dict[str, Wanted]:
    """What it looks at, of the events of each name."""
    if isinstance(node, EventCondition) and answers.plain(node):
        first, _ = answers.interval(node, now)
        filters = (Filters(tuple(node.where)),) if node.where else ()
        numbers = () if node.property is None else (node.property,)
        return {node.name: Wanted(filters, numbers, start=None if first == answers.FIRST else first)}
    if not isinstance(node, OF_EVENTS):
        return {}
    since = reads_since(node, now)
    start = None if since is None else unix(since)
    paths = _paths(node)
    return {name: Wanted(paths=tuple(sorted(paths.get(name, ()))), start=start) for name in names(node)}


def _paths(node: EventCondition | EventTime | Sequence) -> dict[str, set[str]]:
    """The properties that are looked at, by the name of the event."""
    found: dict[str, set[str]] = {}

    def look(name: str, where: Iterable[PropertyFilter]) -> None:
        found.setdefault(name, set()).update(one.property for one in where)

    match node:
        case EventCondition():
            look(node.name, node.where)
            if node.property is not None:
                found[node.name].add(node.property)
            if isinstance(node.window, SinceEvent):
                look(node.window.name, node.window.where)
        case EventTime():
            look(node.name, node.where)
        case Sequence():
            for step in node.steps:
                look(step.name, step.where)
    return found


def passed(node: Node, before: datetime, now: datetime) -> list[tuple[int, int]]:
    """The times ``[first, end)`` whose events may begin or cease to count between two instants."""
    if before >= now or not isinstance(node, OF_EVENTS):
        return []
    if isinstance(node, EventCondition) and answers.plain(node):
        (first, end), (next_first, next_end) = answers.interval(node, before), answers.interval(node, now)
        return [span for span in ((first, next_first), (end, next_end)) if span[0] < span[1]]
    # An edge may be there at one instant and not at the other: then all that is between it and the nearest is looked at.
    was, will = sorted(unix(one) for one in edges(node, before)), sorted(unix(one) for one in edges(node, now))
    if len(was) == len(will):
        return [(low + 1, high + 1) for low, high in zip(was, will, strict=True) if low < high]
    return [(min(was[0], will[0]) + 1, max(was[-1], will[-1]) + 1)]
