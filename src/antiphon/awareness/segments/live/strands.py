"""Strands: of the events of one name the columns that conditions look at, from the earliest any of them looks.

A row takes some twenty bytes: whose, when, a bit for each conjunction of filters it was held against, and the numbers
that are added up or compared. What it said beside that is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.filters import PropertyFilter, filter_holds
from antiphon.awareness.events.properties import Properties, filter_sql
from antiphon.awareness.events.values import dig, number, properties_of
from antiphon.awareness.segments.live.rows import AT, WHO, Column, Rows
from antiphon.awareness.segments.live.sayings import Sayings, TooMany

NOTHING = -(2**63)
"""Stands for no number."""
_UNFIT = NOTHING + 1
BITS, SAID = "bits", "said"
TOO_MANY = "what its events say differs too much to be held in memory"
MOST_FILTERS = 63
FRESH = 20_000
"""Rows beside the sorted ones before they are worked in, at least; and one in FOLD of them."""
FOLD = 50


class Unfit(Exception):
    """A strand cannot be kept: why."""


@dataclass(frozen=True)
class Filters:
    """Conditions on properties that hold together; equal where they say the same."""

    parts: tuple[PropertyFilter, ...] = field(compare=False)
    said: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", repr(self.parts))

    def hold(self, properties: dict[str, Any]) -> bool:
        return all(filter_holds(part, properties) for part in self.parts)


@dataclass(frozen=True)
class Wanted:
    """What is kept of the events of a name: the filters they are held against, the properties whose number is kept, those
    that are kept as they were said, and the earliest instant looked at (None: all of history)."""

    filters: tuple[Filters, ...] = ()
    numbers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    start: int | None = None

    def covers(self, other: Wanted) -> bool:
        """Whether all that ``other`` wants is kept."""
        return (
            set(other.filters) <= set(self.filters)
            and set(other.numbers) <= set(self.numbers)
            and set(other.paths) <= set(self.paths)
            and (self.start is None or (other.start is not None and self.start <= other.start))
        )

    def plus(self, other: Wanted) -> Wanted:
        """What is wanted by either."""
        filters = tuple(dict.fromkeys((*self.filters, *other.filters)))
        numbers = tuple(dict.fromkeys((*self.numbers, *other.numbers)))
        paths = tuple(sorted({*self.paths, *other.paths}))
        start = None if self.start is None or other.start is None else min(self.start, other.start)
        return Wanted(filters, numbers, paths, start)

    @property
    def deep(self) -> bool:
        """Whether properties are looked at."""
        return bool(self.filters or self.numbers or self.paths)

    @property
    def width(self) -> int:
        """Bytes a row takes, with its place in the order of time."""
        bits = _bits_type(len(self.filters))().itemsize if self.filters else 0
        return 4 + 8 + 4 + bits + 8 * len(self.numbers) + 4 * bool(self.paths)

    def bit(self, filters: Filters) -> int:
        return self.filters.index(filters)

    def number(self, path: str) -> str:
        """The name of the column of a property's number."""
        return f"n{self.numbers.index(path)}"


class Strand:
    """The rows of one name: those that are sorted, and a few that came since."""

    def __init__(self, name: str, wanted: Wanted, rows: Rows, reach: Mapping[int, int], sayings: Sayings | None = None) -> None:
        self.name = name
        self.sayings = sayings or Sayings(wanted.paths)
        self.wanted = wanted
        self.base = rows
        self.reach = dict(reach)
        """How far in each lane it holds what was said."""
        self.fresh = Rows.sort(encode(wanted, self.sayings, []))

    @property
    def count(self) -> int:
        return len(self.base) + len(self.fresh)

    @property
    def bytes(self) -> int:
        return self.base.bytes + self.fresh.bytes + self.sayings.bytes

    def take(self, rows: Rows) -> None:
        """Add rows that came in."""
        self.fresh = self.fresh.plus(rows) if len(self.fresh) else rows

    def of(self, people: Column) -> tuple[dict[str, Column], Column]:
        """(columns of the rows, whose each is as a place in ``people``) of some people, sorted and distinct."""
        old, owner = self.base.of(people)
        if not len(self.fresh):
            return {name: column[old] for name, column in self.base.columns.items()}, owner
        new, more = self.fresh.of(people)
        columns = {
            name: np.concatenate((column[old], self.fresh.columns[name][new])) for name, column in self.base.columns.items()
        }
        return columns, np.concatenate((owner, more))

    def between(self, first: int, end: int) -> Column:
        """The people with rows that happened in ``[first, end)``."""
        old = self.base.between(first, end)
        if not len(self.fresh):
            return old
        at = self.fresh.columns[AT]
        return np.concatenate((old, self.fresh.columns[WHO][(at >= first) & (at < end)]))

    def forget(self, people: Column) -> None:
        """Drop the rows of some people, sorted."""
        self.base, self.fresh = self.base.without(people), self.fresh.without(people)

    @property
    def crowded(self) -> bool:
        """Whether the rows that came since should be worked into the sorted ones."""
        return len(self.fresh) > max(FRESH, len(self.base) // FOLD)

    def fold(self, start: int | None) -> None:
        """Work in the rows that came since, without those before ``start``, which nobody looks at any more."""
        rows = self.base.plus(self.fresh)
        if start is not None:
            rows = rows.where(rows.columns[AT] >= start)
            self.wanted = replace(self.wanted, start=start)
        self.base = rows.settle()
        self.fresh = Rows.sort(encode(self.wanted, self.sayings, []))


def encode(wanted: Wanted, sayings: Sayings, events: Sequence[tuple[int, int, str | None]]) -> dict[str, Column]:
    """(profile, instant, properties) of events as columns. Raises Unfit."""
    columns: dict[str, Column] = {
        WHO: np.array([one[0] for one in events], dtype=np.uint32),
        AT: np.array([one[1] for one in events], dtype=np.int64),
    }
    if not wanted.deep:
        return columns
    said = [properties_of(one[2]) for one in events]
    if wanted.filters:
        kind = _bits_type(len(wanted.filters))
        columns[BITS] = np.array([_bits(wanted.filters, one) for one in said], dtype=kind)
    if wanted.paths:
        try:
            columns[SAID] = np.array([sayings.of(one) for one in said], dtype=np.uint32)
        except TooMany:
            raise Unfit(TOO_MANY) from None
    for path in wanted.numbers:
        columns[wanted.number(path)] = np.array([scaled(number(dig(one, path))) for one in said], dtype=np.int64)
    return columns


def scaled(value: Decimal | None) -> int:
    """A number as so many billionths. Raises Unfit where that takes more than 63 bits."""
    if value is None:
        return NOTHING
    whole = int(value.scaleb(9))
    if not _UNFIT < whole < 2**63:
        raise Unfit("its numbers are too large to be held in memory")
    return whole


def _bits(filters: Sequence[Filters], said: dict[str, Any]) -> int:
    return sum(1 << place for place, one in enumerate(filters) if one.hold(said))


def _bits_type(count: int) -> type[np.unsignedinteger[Any]]:
    if count > MOST_FILTERS:
        raise Unfit(f"more than {MOST_FILTERS} different conditions on its properties")
    return np.uint8 if count <= 8 else np.uint16 if count <= 16 else np.uint32 if count <= 32 else np.uint64


_SQL_TYPES = {1: "utinyint", 2: "usmallint", 4: "uinteger", 8: "ubigint"}


_TEXTS = "(select distinct said from live_rows)"
NUMBERED = (
    "create or replace temp table live_rows as {sql}",
    f"create or replace temp table live_texts as select said, row_number() over () - 1 as number from {_TEXTS}",
)
"""Rows whose ``said`` becomes a number, where properties are kept as they were said."""
NUMBERED_ROWS = "select r.* exclude (said), t.number::uinteger as said from live_rows r join live_texts t using (said)"
NUMBERED_TEXTS = "select said from live_texts order by number"


def said_sql(wanted: Wanted, properties: Properties) -> str:
    """What an event said, as `sayings` writes it."""
    values = ", ".join(f"{properties.json(path)}::json" for path in Sayings(wanted.paths).paths)
    return f"json_array({values})::varchar as said"


def strand_sql(name: str, wanted: Wanted, reach: Mapping[int, int], start: datetime | None) -> str:
    """The question to the lake for a strand's rows: of each lane those up to ``reach``."""
    properties = Properties()
    chosen = ["profile_id::uinteger as who", 'epoch_us(ts) as "at"']
    if wanted.filters:
        kind = _SQL_TYPES[_bits_type(len(wanted.filters))().itemsize]
        tests = [" and ".join(filter_sql(part, properties) for part in one.parts) for one in wanted.filters]
        cases = [f"case when {test} then {1 << i}::{kind} else 0::{kind} end" for i, test in enumerate(tests)]
        chosen.append(f"{' | '.join(cases)} as bits")
    for path in wanted.numbers:
        value = properties.number(path)
        exact = f"try_cast({value} * 1000000000 as bigint)"
        chosen.append(
            f"case when {value} is null then {NOTHING + 1} - 1 else coalesce({exact}, {_UNFIT}) end as {wanted.number(path)}"
        )
    if wanted.paths:
        chosen.append(said_sql(wanted, properties))
    bounds = " or ".join(f"(lane = {lane} and seq <= {seq})" for lane, seq in reach.items()) or "false"
    columns = ["profile_id", "ts", "lane", "seq"] + (["properties"] if properties.paths else [])
    source = event_relation(columns, names=[name], since=start)
    kept = ", ".join(["profile_id", "ts", *(["properties"] if properties.paths else [])])
    rows = f"select {kept} from {source} where profile_id is not null and ({bounds})"
    return f"select {', '.join(chosen)} from {properties.select(rows)}"


def loaded(
    name: str, wanted: Wanted, columns: Mapping[str, Any], reach: Mapping[int, int], sayings: Sayings | None = None
) -> Strand:
    """A strand of what the lake answered to `strand_sql`, ``said`` as a number. Raises Unfit."""
    plain: dict[str, Column] = {WHO: np.asarray(columns[WHO]).astype(np.uint32, copy=False), AT: _whole(columns[AT])}
    if wanted.filters:
        plain[BITS] = np.asarray(columns[BITS]).astype(_bits_type(len(wanted.filters)), copy=False)
    if wanted.paths:
        plain[SAID] = np.asarray(columns[SAID]).astype(np.uint32, copy=False)
    for path in wanted.numbers:
        plain[wanted.number(path)] = values = _whole(columns[wanted.number(path)])
        if (values == _UNFIT).any():
            raise Unfit("its numbers are too large to be held in memory")
    return Strand(name, wanted, Rows.sort(plain).settle(), reach, sayings)


def _whole(column: Any) -> Column:
    return np.asarray(column).astype(np.int64, copy=False)
