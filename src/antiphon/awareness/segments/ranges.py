"""Ranges of one ordered column, asked together: each value is compared as often as it takes to find its place.

Of ten conditions on an age, each asked by itself, a scan compares every age ten times; a tree of comparisons over the
places where some condition begins or ends compares it four times and knows all ten answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import Value, literal
from antiphon.awareness.segments.bitmaps import Places
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


def values_sql(ranges: Sequence[Range]) -> str | None:
    """Return the values of one column as ``sets`` compares them: numbers, or of instants the microseconds since 1970.

    None for other types. Beyond two ranges values cost less to carry here than to compare there.
    """
    kinds = {type(cut[0]) for one in ranges for cut in (one.begin, one.end) if cut is not None}
    if kinds == {float}:
        return ranges[0].column
    return f"epoch_us({ranges[0].column})" if kinds == {datetime} else None


def sets(places: Places, values: NDArray[Any], ranges: Sequence[Range]) -> Iterator[BitMap]:
    """Yield who is in each range, of the values of one column, masked where null."""
    there = ~np.ma.getmaskarray(values)
    values = np.asarray(values)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.inf, values)  # as the lake's engine orders them
    values, present = places.spread(values), places.packed(places.spread(there))
    above: dict[Cut, NDArray[np.uint8]] = {}
    for cut in {cut for one in ranges for cut in (one.begin, one.end) if cut is not None}:
        least = _comparable(cut[0])
        above[cut] = places.packed(values > least if cut[1] else values >= least)
    for one in ranges:
        bits = present if one.begin is None else present & above[one.begin]
        yield places.set(bits if one.end is None else bits & ~above[one.end])


def _comparable(value: Value) -> float | int:
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert isinstance(value, float)
    return value
