"""Leaves that count the events of one name, worked out in arrays with a place for each person.

Aggregated in the lake, each row would be taken up once for each leaf. Here the rows leave the lake once, each with the
number of the *span* it lies in, which is all the leaves' windows need to know of its time. Windows that end together lie
in one another, so that their totals run: from the newest span back each row is added once, and where a leaf's window
begins its comparison is made.

Numbers are whole billionths in 64 bits, and sums of them exact; where a number or a sum could need more, or the rows are
too many to hold, the question is asked again as scans (`scans.event_scan`), which the lake works out with wide decimals.
"""

import operator
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.awareness.events.values import number
from antiphon.awareness.segments.bitmaps import Marks, ascending, marked
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.scans import (
    BITS,
    BYTE,
    Question,
    Tables,
    bits_sql,
    earliest,
    event_rows,
    event_scan,
    person_sql,
    zero_holds,
)
from antiphon.awareness.segments.windows import bounds, fixed

Leaves: TypeAlias = Sequence[tuple[int, EventCondition]]
Numbers: TypeAlias = NDArray[Any]
Total = Literal["count", "sum", "min", "max"]

ROWS = 16_000_000
"""Rows taken out of the lake for one name at most: some 300 MB."""
SPARSE = 4
"""Give a place to those people alone who have rows when the rows are fewer than 1 in so many ids."""
NARROW = 2**16 - 1
FEW = 32
"""Sort people instead of marking them when their rows are fewer than 1 in so many ids."""
UNIT = 10**9
"""Numbers are compared in billionths."""
_WIDE = -(2**63)
"""Stands for a number that does not fit 64 bits."""
_MOST = 2**62
_TOTAL: dict[str, Total] = {"count": "count", "sum": "sum", "avg": "sum", "min": "min", "max": "max"}
_ADD: dict[str, np.ufunc] = {"sum": np.add, "min": np.minimum, "max": np.maximum}
_START = {"sum": 0, "min": 2**63 - 1, "max": _WIDE}
_COMPARE = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class _Kind:
    """What leaves whose totals run together have in common: filters and property (by number), end of window (by span)."""

    total: Total
    keep: int | None
    value: int | None
    end: int


@dataclass(frozen=True)
class Tally:
    """One question for many counting leaves of a name, and how to read its answer."""

    sql: str
    leaves: tuple[int, ...]
    nodes: tuple[EventCondition, ...]
    kinds: tuple[_Kind, ...]
    begins: tuple[int, ...]
    otherwise: tuple[Question, ...]

    def sets(self, answer: Mapping[str, Numbers]) -> list[BitMap] | None:
        """Return one set for each leaf; None when the answer does not do and ``otherwise`` is to be asked."""
        ids = np.asarray(answer["profile_id"])
        if len(ids) > ROWS:
            return None
        rows = _Rows.of(ids, answer)
        found: dict[int, BitMap] = {}
        for kind in dict.fromkeys(self.kinds):
            together = [i for i, one in enumerate(self.kinds) if one == kind]
            together.sort(key=lambda i: -self.begins[i])
            try:
                running = rows.running(kind, [self.begins[i] for i in together])
                for i, (people, count, total) in zip(together, running, strict=True):
                    held = holds(self.nodes[i], count, total)
                    found[i] = marked(held) if people is None else ascending(people[held])
            except OverflowError:
                return None
        return [found[i] for i in range(len(self.nodes))]


Counting: TypeAlias = Question | Tally


def event_questions(name: str, leaves: Leaves, tables: Tables, now: datetime) -> list[Counting]:
    """Return the questions for some leaves of one name: a tally of those that it can count, if there are several."""
    counted = [leaf for leaf in leaves if leaf[1].measure in _TOTAL]
    if len(counted) < 2:
        counted = []
    rest = [leaf for leaf in leaves if leaf not in counted]
    asked: list[Counting] = [tally(name, counted[i : i + BITS], tables, now) for i in range(0, len(counted), BITS)]
    return asked + [event_scan(name, rest[i : i + BITS], tables, now) for i in range(0, len(rest), BITS)]


def tally(name: str, leaves: Leaves, tables: Tables, now: datetime) -> Tally:
    """Ask for the rows that the leaves look at: person, span, which filters hold (bits), and a number for each property."""
    nodes = tuple(node for _, node in leaves)
    properties = Properties()
    windows = [bounds(fixed(node.window), now) for node in nodes]
    start = earliest(nodes, now)
    instants = {at for window in windows for at in window if at is not None}
    edges = sorted(at for at in instants if at <= now and (start is None or at > start))
    filters = [" and ".join(filter_sql(one, properties) for one in node.where) for node in nodes]
    keeps = list(dict.fromkeys(one for one in filters if one))
    paths = list(dict.fromkeys(node.property for node in nodes if node.property))
    columns = [
        f"{person_sql(tables)}::uinteger as profile_id",
        " + ".join(["0::utinyint", *(f"(e.ts >= {literal(edge)})::utinyint" for edge in edges)]) + " as span",
        *(f"{bits_sql(keeps[i : i + BYTE])} as keep{i // BYTE}" for i in range(0, len(keeps), BYTE)),
        *(f"{_units(properties.number(path))} as v{i}" for i, path in enumerate(paths)),
    ]
    common = [f"name = {literal(name)}", f"ts <= {literal(now)}", "profile_id is not null"]
    if start is not None:
        common.append(f"ts >= {literal(start)}")
    source = event_rows(" and ".join(common), properties, tables)
    wanted = f" where {' or '.join(keeps)}" if all(filters) else ""
    return Tally(
        f"select {', '.join(columns)} from {source}{wanted} limit {ROWS + 1}",
        tuple(index for index, _ in leaves),
        nodes,
        tuple(
            _Kind(
                _TOTAL[node.measure],
                keeps.index(keep) if keep else None,
                paths.index(node.property) if node.property else None,
                len(edges) + 1 if end is None or end > now else bisect_right(edges, end),
            )
            for node, keep, (_, end) in zip(nodes, filters, windows, strict=True)
        ),
        tuple(0 if first is None else len(edges) + 1 if first > now else bisect_right(edges, first) for first, _ in windows),
        (event_scan(name, leaves, tables, now),),
    )


def _units(column: str) -> str:
    """Return a decimal as whole billionths, null where it is null; by its text, since decimals are multiplied slowly."""
    narrow = f"replace(try_cast({column} as decimal(18,9))::varchar, '.', '')::bigint"
    return f"case when {column} is not null then coalesce({narrow}, {_WIDE}) end"


@dataclass(frozen=True)
class _Rows:
    """The rows, from the oldest span to the newest; ``ends`` says for each span where it ends."""

    ids: Numbers
    columns: Mapping[str, Numbers]
    ends: Numbers

    @classmethod
    def of(cls, ids: Numbers, answer: Mapping[str, Numbers]) -> "_Rows":
        spans = np.asarray(answer["span"])
        order = np.argsort(spans, kind="stable")
        columns = {name: column[order] for name, column in answer.items() if name not in ("profile_id", "span")}
        return cls(ids[order].astype(np.int64), columns, np.cumsum(np.bincount(spans, minlength=1)))

    def before(self, span: int) -> int:
        """Return how many rows are older than a span."""
        return 0 if span == 0 else int(self.ends[min(span, len(self.ends)) - 1])

    def running(self, kind: _Kind, begins: Sequence[int]) -> Iterator[tuple[Numbers | None, Numbers, Numbers]]:
        """Yield how many and what total each person has from each of ``begins`` (newest first) to the end of the kind.

        The places of the arrays are ids, or if these are few, ``people`` in their order. Raises OverflowError.
        """
        chosen, ids, values = self._kept(kind)
        people, size = None, int(self.ids.max(initial=0)) + 1
        if len(ids) * SPARSE < size:
            people, ids = _places(ids, size)
            size = len(people)
        count = np.zeros(size, dtype=np.uint16 if len(ids) <= NARROW else np.uint32)
        total = np.full(size, _START[kind.total], dtype=np.int64) if kind.total != "count" else count
        end = self._place(chosen, kind.end)
        for begin in begins:
            first = min(end, self._place(chosen, begin))
            np.add.at(count, ids[first:end], np.uint32(1))
            if kind.total != "count":
                _ADD[kind.total].at(total, ids[first:end], values[first:end])
            end = first
            yield people, count, total

    def _place(self, chosen: Numbers | None, span: int) -> int:
        """Return how many of the chosen rows are older than a span."""
        return self.before(span) if chosen is None else int(np.searchsorted(chosen, self.before(span)))

    def _kept(self, kind: _Kind) -> tuple[Numbers | None, Numbers, Numbers]:
        """Return which rows count (None: all), their persons and their numbers."""
        chosen = None
        if kind.keep is not None:
            chosen = np.flatnonzero(np.asarray(self.columns[f"keep{kind.keep // BYTE}"]) & np.uint8(1 << kind.keep % BYTE))
        if kind.value is None:
            ids = self.ids if chosen is None else self.ids[chosen]
            return chosen, ids, ids
        column = self.columns[f"v{kind.value}"]
        if isinstance(column, np.ma.MaskedArray):
            there = ~np.ma.getmaskarray(column)
            chosen = np.flatnonzero(there) if chosen is None else chosen[there[chosen]]
        ids, values = self.ids, np.asarray(column)
        if chosen is not None:
            ids, values = ids[chosen], values[chosen]
        _refuse_wide(ids, values)
        return chosen, ids, values


def _refuse_wide(ids: Numbers, values: Numbers) -> None:
    """Raise OverflowError where a number or anybody's sum of them may not fit."""
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    if least == _WIDE:
        raise OverflowError
    if max(-least, most) * len(values) > _MOST and np.bincount(ids, np.abs(values), minlength=1).max() > _MOST:
        raise OverflowError


def _places(ids: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Return who is among ``ids``, ascending, and for each of ``ids`` its place among them."""
    if len(ids) * FEW < size:
        people, places = np.unique(ids, return_inverse=True)
        return people.astype(np.uint32), places
    marks = np.zeros(size, dtype=np.bool_)
    marks[ids] = True
    people = np.flatnonzero(marks)
    places = np.empty(size, dtype=np.int64)
    places[people] = np.arange(len(people))
    return people.astype(np.uint32), places[ids]


def holds(node: EventCondition, count: Numbers, total: Numbers) -> Marks:
    """Mark who satisfies the comparison; where somebody with no event does, who does not (as ``zero_holds`` says)."""
    if node.op in ("did", "did_not"):
        return count > 0
    low, high = (int(UNIT * (number(one) or 0)) for one in (node.value, node.high))
    if node.measure == "count":
        if low % UNIT == high % UNIT == 0:
            held = _compared(node.op, count, low // UNIT, high // UNIT)
        else:
            held = _compared(node.op, count * np.int64(UNIT), low, high)
    elif node.measure == "avg":
        if max(abs(low), abs(high)) * int(count.max(initial=0)) > _MOST:
            raise OverflowError
        weight = count.astype(np.int64)
        held = _compared(node.op, total, low * weight, high * weight if node.op == "between" else 0) & (count > 0)
    else:
        held = _compared(node.op, total, low, high)
        if node.measure != "sum":
            held &= count > 0
    return ~held if zero_holds(node) else held


def _compared(op: str, measured: Numbers, low: int | Numbers, high: int | Numbers) -> Marks:
    if op == "between":
        return (measured >= low) & (measured <= high)
    found: Marks = _COMPARE[op](measured, low)
    return found
