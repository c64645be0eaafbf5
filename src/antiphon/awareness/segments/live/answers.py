"""Whether a condition on events holds for some people, out of the rows of a strand: the same rule as `measures`, by column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

import numpy as np

from antiphon.awareness.events.values import number
from antiphon.awareness.segments.live.rows import AT, Column, unix
from antiphon.awareness.segments.live.strands import BITS, NOTHING, Filters, Wanted
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.windows import SinceEvent, bounds

UNIT = 10**9
FIRST = -(2**62)
"""Before every instant there is."""
_HALF = 32


def plain(node: EventCondition) -> bool:
    """Whether the columns of a strand are enough to decide the condition."""
    return not isinstance(node.window, SinceEvent) and node.measure != "distinct"


def interval(node: EventCondition, now: datetime) -> tuple[int, int]:
    """The instants looked at, ``[first, end)`` in microseconds: never beyond now."""
    assert not isinstance(node.window, SinceEvent)
    first, end = bounds(node.window, now)
    past = unix(now) + 1
    return FIRST if first is None else unix(first), past if end is None else min(past, unix(end))


def holds(node: EventCondition, now: datetime, kept: Wanted, columns: Mapping[str, Column], owner: Column, people: int) -> Column:
    """For each of so many people whether the condition holds. ``owner`` says whose each row is."""
    first, end = interval(node, now)
    at = columns[AT]
    counts = (at >= first) & (at < end)
    if node.where:
        bit = columns[BITS] >> columns[BITS].dtype.type(kept.bit(Filters(tuple(node.where))))
        counts &= (bit & columns[BITS].dtype.type(1)).astype(np.bool_)
    owner = owner[counts]
    if node.measure == "count":
        found = np.bincount(owner, minlength=people)
        if node.op in ("did", "did_not"):
            return np.asarray(found > 0 if node.op == "did" else found == 0)
        return _compared(node, found * UNIT, _clamped)
    values = columns[kept.number(node.property or "")][counts]
    real = values != NOTHING
    owner, values = owner[real], values[real]
    match node.measure:
        case "sum":
            total = _sums(owner, values, people)
            return _compared(node, total, int if total.dtype == object else _clamped)
        case "avg":
            many = np.bincount(owner, minlength=people)
            whole = many.astype(object)
            found = _compared(node, _sums(owner, values, people), lambda value: value * whole)  # Python's integers: exact
            return np.asarray((many > 0) & found)
        case "min" | "max":
            least = np.full(people, 2**63 - 1 if node.measure == "min" else NOTHING, dtype=np.int64)
            (np.minimum if node.measure == "min" else np.maximum).at(least, owner, values)
            return np.asarray((np.bincount(owner, minlength=people) > 0) & _compared(node, least, _clamped))
        case "distinct":
            raise AssertionError(node)
        case _:
            assert_never(node.measure)


def _sums(owner: Column, values: Column, people: int) -> Column:
    """Exact sums: where they might overflow, the halves of the numbers are added apart."""
    if not len(values) or int(np.abs(values).max()) * len(values) < 2**62:
        total = np.zeros(people, dtype=np.int64)
        np.add.at(total, owner, values)
        return total
    high, low = np.zeros(people, dtype=np.int64), np.zeros(people, dtype=np.int64)
    np.add.at(high, owner, values >> _HALF)
    np.add.at(low, owner, values & (2**_HALF - 1))
    return np.asarray(high.astype(object) * 2**_HALF + low.astype(object))


def _clamped(value: int) -> int:
    return max(-(2**63) + 1, min(2**63 - 1, value))


def _compared(node: EventCondition, found: Column, operand: Any) -> Column:
    """The comparison of what was found, in billionths, with the condition's numbers."""
    low = operand(int((number(node.value) or 0) * UNIT))
    match node.op:
        case "eq":
            kept = found == low
        case "ne":
            kept = found != low
        case "lt":
            kept = found < low
        case "le":
            kept = found <= low
        case "gt":
            kept = found > low
        case "ge":
            kept = found >= low
        case "between":
            kept = (found >= low) & (found <= operand(int((number(node.high) or 0) * UNIT)))
        case "did" | "did_not":
            raise AssertionError(node)
        case _:
            assert_never(node.op)
    return np.asarray(kept, dtype=np.bool_)
