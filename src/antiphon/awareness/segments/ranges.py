"""Ranges of one ordered column, asked together: each value is compared as often as it takes to find its place.

Of ten conditions on an age, each asked by itself, a scan compares every age ten times; a tree of comparisons over the
places where some condition begins or ends compares it four times and knows all ten answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from antiphon.awareness.events.properties import Value, literal
from antiphon.awareness.segments.model import TraitColumn, TraitCondition
from antiphon.awareness.segments.sql import identifier, operand

Cut: TypeAlias = tuple[Value, bool]
"""A place between values: just below the value, or when true just above it."""
WIDTHS = ((8, "utinyint"), (16, "usmallint"), (32, "uinteger"), (64, "ubigint"))


def width(bits: int) -> str:
    """Return the unsigned integer that holds so many bits, at most 64."""
    return next(name for most, name in WIDTHS if bits <= most)


@dataclass(frozen=True)
class Range:
    """The values of a column between two cuts; None where it is open. Null is in no range."""

    column: str
    begin: Cut | None
    end: Cut | None


def range_of(node: TraitCondition, column: TraitColumn, now: datetime) -> Range | None:
    """Return a condition as a range, None if it is none."""
    if column.type not in ("number", "instant", "date"):
        return None
    name, values = identifier(column.column), [operand(one, column.type, now) for one in node.values]
    value = operand(node.value, column.type, now) if node.value is not None else ""
    match node.op:
        case "is":
            return Range(name, (value, False), (value, True))
        case "lt":
            return Range(name, None, (value, False))
        case "le":
            return Range(name, None, (value, True))
        case "gt":
            return Range(name, (value, True), None)
        case "ge":
            return Range(name, (value, False), None)
        case "between":
            return Range(name, (values[0], False), (values[1], True))
        case _:
            return None


def search_sql(ranges: Sequence[Range]) -> str:
    """Return up to 64 ranges of one column as one unsigned integer, the first the lowest bit."""
    cuts = sorted({cut for one in ranges for cut in (one.begin, one.end) if cut is not None}, key=lambda cut: cut)
    place = {cut: i for i, cut in enumerate(cuts)}
    held = [  # by the number of cuts below the value
        sum(
            1 << i
            for i, one in enumerate(ranges)
            if (one.begin is None or place[one.begin] < below) and (one.end is None or below <= place[one.end])
        )
        for below in range(len(cuts) + 1)
    ]
    kind = width(len(ranges))

    def tree(first: int, last: int) -> str:
        if first == last:
            return f"{held[first]}::{kind}"
        middle = (first + last + 1) // 2
        value, above = cuts[middle - 1]
        test = f"{ranges[0].column} {'>' if above else '>='} {literal(value)}"
        return f"case when {test} then {tree(middle, last)} else {tree(first, middle - 1)} end"

    found = tree(0, len(cuts))
    return f"case when {ranges[0].column} is null then 0::{kind} else {found} end" if held[0] else found
