"""The scans that answer leaves: one over the profiles, one for each event name, a bit for each leaf."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.awareness.events.values import number
from antiphon.awareness.segments.bitmaps import Places, bitmap
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.ranges import Range, search_sql, sets, values_sql
from antiphon.awareness.segments.sql import measure_sql, window_sql
from antiphon.awareness.segments.windows import bounds, fixed
from antiphon.awareness.segments.words import Words, words_sql

BITS = 64
"""Leaves of one scan at most."""
BYTE = 8
"""Leaves travel as the bits of bytes: the lake's engine works on many bytes at once."""
FEW = 8
"""Up to so many leaves a scan of people returns only those some leaf holds for; beyond, asking twice costs more."""


CARRIED = 3
"""Ranges of a column from which on its values are carried."""
MOST_CARRIED = 16_000_000
"""People of whom values are carried at most: a column of them has 128 MB."""


def from_postgres(sql: str) -> str:
    """Return the relation of a query that PostgreSQL answers."""
    return f"postgres_query('pg', {literal(sql)})"


@dataclass(frozen=True)
class Tables:
    """The relations to read.

    ``hot`` holds (profile_id, ts, name, properties) of events that are not in ``event`` yet. ``alias`` holds
    (from_id, to_id) of merged profiles; None when nobody was merged, which saves a join.
    ``postgres`` makes a relation of a query for PostgreSQL.
    """

    profile: str = "lake.profile"
    event: str = "lake.event"
    hot: str | None = None
    alias: str | None = None
    postgres: Callable[[str], str] = from_postgres


@dataclass(frozen=True)
class Question:
    """One scan: its SQL gives ``profile_id`` (unordered, at most once) and, of several leaves, columns of bits.

    ``shares`` says how many leaves there are in each such column, ``b0``, ``b1``, …; the first leaf is the lowest bit.
    ``ranges`` are leaves that are ranges of one column each, whose values come as ``v0``, ``v1``, …
    """

    sql: str
    leaves: tuple[int, ...]
    shares: tuple[int, ...] = ()
    ranges: tuple[tuple[Range, ...], ...] = ()

    def sets(self, answer: Mapping[str, NDArray[Any]]) -> list[BitMap]:
        """Return one set for each leaf."""
        ids = np.asarray(answer["profile_id"])
        if not self.shares and not self.ranges:
            return [bitmap(ids)]
        places = Places(ids)
        found = places.bits([(np.asarray(answer[f"b{i}"]), share) for i, share in enumerate(self.shares)])
        return found + [one for i, some in enumerate(self.ranges) for one in sets(places, answer[f"v{i}"], some)]


def zero_holds(node: EventCondition) -> bool:
    """Whether somebody with no such event satisfies ``node``.

    Such people are in no event row, so the lake is asked for those who do *not* satisfy it.
    """
    if node.op in ("did", "did_not"):
        return node.op == "did_not"
    if node.measure in ("avg", "min", "max"):
        return False
    value, high = (number(one) or 0 for one in (node.value, node.high))  # as they are compared: with nine places
    match node.op:
        case "eq":
            return value == 0
        case "ne":
            return value != 0
        case "lt":
            return value > 0
        case "le":
            return value >= 0
        case "gt":
            return value < 0
        case "ge":
            return value <= 0
        case "between":
            return value <= 0 <= high
        case _:
            raise AssertionError(node.op)


def starts(node: EventCondition, now: datetime) -> datetime | None:
    """Return the earliest instant ``node`` looks at, or None if it looks at all of history."""
    return bounds(fixed(node.window), now)[0]


def earliest(nodes: Sequence[EventCondition], now: datetime) -> datetime | None:
    found = [at for node in nodes if (at := starts(node, now)) is not None]
    return min(found) if found and len(found) == len(nodes) else None


def bits_sql(conditions: Sequence[str]) -> str:
    """Return up to eight conditions as one byte, the first the lowest bit."""
    return " | ".join(f"case when {one} then {1 << i}::utinyint else 0::utinyint end" for i, one in enumerate(conditions))


def apart(leaves: Sequence[tuple[int, EventCondition]], now: datetime) -> list[list[tuple[int, EventCondition]]]:
    """Part the leaves of one name where sharing a scan would read properties of events that need none of it."""
    deep = [leaf for leaf in leaves if leaf[1].where or leaf[1].property]
    plain = [leaf for leaf in leaves if leaf not in deep]
    first, second = earliest([node for _, node in deep], now), earliest([node for _, node in plain], now)
    if deep and plain and first is not None and (second is None or second < first):
        return [plain, deep]
    return [list(leaves)]


def trait_scan(
    leaves: Sequence[tuple[int, str]],
    tables: Tables,
    shared: Mapping[int, Range | Words] | None = None,
    *,
    carry: bool = False,
) -> Question:
    """Scan the profiles once. ``shared`` tells which leaves are ranges or words of a column: those of one are asked together.

    With ``carry`` the values of a column with many ranges are carried here, some ten bytes a person, and compared here.
    """
    if len(leaves) <= FEW:
        conditions = [predicate for _, predicate in leaves]
        where = f" where {' or '.join(conditions)}" if "true" not in conditions else ""
        return _scan("profile_id", leaves, f"{tables.profile}{where}")
    ranges: dict[str, list[tuple[int, Range]]] = {}
    words: dict[str, list[tuple[int, Words]]] = {}
    for leaf, _ in leaves:
        match (shared or {}).get(leaf):
            case Range() as one:
                ranges.setdefault(one.column, []).append((leaf, one))
            case Words(many=False) as one:
                words.setdefault(one.column, []).append((leaf, one))
    carried = {column: some for column, some in ranges.items() if len(some) >= CARRIED and _values(some)} if carry else {}
    together = [
        (search_sql([one for _, one in some]), [leaf for leaf, _ in some])
        for column, some in ranges.items() if len(some) > 1 and column not in carried
    ]  # fmt: skip
    together += [(words_sql([one for _, one in some]), [leaf for leaf, _ in some]) for some in words.values()]
    done = {leaf for _, some in together for leaf in some} | {leaf for some in carried.values() for leaf, _ in some}
    return _scan("profile_id", [one for one in leaves if one[0] not in done], tables.profile, together, list(carried.values()))


def _values(some: Sequence[tuple[int, Range]]) -> str | None:
    return values_sql([one for _, one in some])


def _scan(
    person: str,
    leaves: Sequence[tuple[int, str]],
    source: str,
    more: Sequence[tuple[str, Sequence[int]]] = (),
    carried: Sequence[Sequence[tuple[int, Range]]] = (),
) -> Question:
    """Return the scan that gives each leaf's condition as a bit; ``more`` are columns of bits and their leaves.

    Of ``carried``, ranges of one column each, the values come.
    """
    parts = [leaves[i : i + BYTE] for i in range(0, len(leaves), BYTE)] if len(leaves) > 1 or more or carried else []
    columns = [(bits_sql([test for _, test in part]), [leaf for leaf, _ in part]) for part in parts] + list(more)
    said = "".join(f", {sql} as b{i}" for i, (sql, _) in enumerate(columns))
    said += "".join(f", {_values(some)} as v{i}" for i, some in enumerate(carried))
    order = [leaf for _, some in columns for leaf in some] + [leaf for some in carried for leaf, _ in some]
    sql = f"select {person}::uinteger as profile_id{said} from {source}"
    ranges = tuple(tuple(one for _, one in some) for some in carried)
    return Question(sql, tuple(order or [leaf for leaf, _ in leaves]), tuple(len(some) for _, some in columns), ranges)


def event_scan(name: str, leaves: Sequence[tuple[int, EventCondition]], tables: Tables, now: datetime) -> Question:
    """Scan the events of one name once: per person, one bit for each leaf.

    What the leaves look at at most is a condition on (name, ts) itself, which prunes files and row groups.
    """
    nodes = [node for _, node in leaves]
    properties = Properties()
    alone = len(nodes) == 1
    common = [f"name = {literal(name)}", f"ts <= {literal(now)}", "profile_id is not null"]
    if alone:
        common += window_sql(fixed(nodes[0].window), now)
    elif (start := earliest(nodes, now)) is not None:
        common.append(f"ts >= {literal(start)}")
    keeps = [
        " and ".join(([] if alone else window_sql(fixed(node.window), now)) + [filter_sql(one, properties) for one in node.where])
        for node in nodes
    ]
    conditions = [
        f"(not {test})" if zero_holds(node) else test
        for node, keep in zip(nodes, keeps, strict=True)
        for test in [measure_sql(node, "" if alone else keep, properties)]
    ]
    rows = event_rows(" and ".join(common), properties, tables)
    person = person_sql(tables)
    if alone:
        where = f" where {keeps[0]}" if keeps[0] else ""
        having = "" if nodes[0].op in ("did", "did_not") else f" having {conditions[0]}"
        sql = f"select {person}::uinteger as profile_id from {rows}{where} group by 1{having}"
        return Question(sql, (leaves[0][0],))
    having = f" having {' or '.join(conditions)}" if len(nodes) <= FEW else ""
    tests = [(index, test) for (index, _), test in zip(leaves, conditions, strict=True)]
    return _scan(person, tests, f"{rows} group by 1{having}")


def event_rows(where: str, properties: Properties, tables: Tables, more: Sequence[str] = ()) -> str:
    """Return the cold and the hot rows as ``e``, with ``more`` columns, pruned before anything is read out of properties."""
    columns = ", ".join(["profile_id", "ts", *more, *(["properties"] if properties.paths else [])])
    rows = f"select {columns} from {tables.event} where {where}"
    if tables.hot:
        rows += f" union all select {columns} from {tables.hot} where {where}"
    merged = f" left join {tables.alias} a on a.from_id = e.profile_id" if tables.alias else ""
    return f"{properties.select(rows)} e{merged}"


def person_sql(tables: Tables) -> str:
    """Return who an event of ``event_rows`` is of: whoever they were merged into."""
    return "coalesce(a.to_id, e.profile_id)" if tables.alias else "e.profile_id"
