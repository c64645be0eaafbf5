"""What one person's events come to: which of them a condition counts, and what they measure."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal, assert_never

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.filters import filter_holds, ordered
from antiphon.awareness.events.values import dig, number, plain
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.person import Happened
from antiphon.awareness.segments.windows import SinceEvent, bounds


def counted(node: EventCondition, events: Sequence[Happened], now: datetime) -> list[Happened]:
    """Return the events that ``node`` measures at ``now``."""
    found = named(node.name, node.where, events, now)
    if isinstance(node.window, SinceEvent):
        mark = moment(node.window.which, named(node.window.name, node.window.where, events, now))
        return [] if mark is None else [one for one in found if one.ts > mark]
    first, end = bounds(node.window, now)
    return [one for one in found if (first is None or one.ts >= first) and (end is None or one.ts < end)]


def named(name: str, where: Sequence[PropertyFilter], events: Sequence[Happened], now: datetime) -> list[Happened]:
    """Return the events of a name that happened until ``now`` and for which all conditions hold."""
    return [
        one for one in events if one.name == name and one.ts <= now and all(filter_holds(test, one.properties) for test in where)
    ]


def moment(which: Literal["first", "last"], events: Sequence[Happened]) -> datetime | None:
    """Return when the first or the last of some events was; None of none."""
    times = [one.ts for one in events]
    return (min if which == "first" else max)(times, default=None)


def measure(node: EventCondition, found: Sequence[Happened]) -> Fraction | None:
    """Return the exact measure of the events that count; None where there is nothing to average or compare."""
    if node.measure == "count":
        return Fraction(len(found))
    path = node.property or ""
    if node.measure == "distinct":
        return Fraction(len({plain(dig(one.properties, path)) for one in found} - {None}))
    numbers = [Fraction(exact) for one in found if (exact := number(dig(one.properties, path))) is not None]
    match node.measure:
        case "sum":
            return sum(numbers, Fraction(0))
        case "avg":
            return sum(numbers, Fraction(0)) / len(numbers) if numbers else None
        case "min":
            return min(numbers, default=None)
        case "max":
            return max(numbers, default=None)
        case _:
            assert_never(node.measure)


def compares(node: EventCondition, measured: Fraction | None) -> bool:
    """Whether the measure satisfies the node's comparison."""
    if measured is None:
        return False
    if node.op in ("did", "did_not"):
        return (measured > 0) == (node.op == "did")
    low, high = (Fraction(number(one) or 0) for one in (node.value, node.high))
    match node.op:
        case "between":
            return low <= measured <= high
        case "ne":
            return measured != low
        case _:
            return ordered(node.op, measured, low)
