"""The scans that answer leaves: one over the profiles, one for each event name, a bit for each leaf."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.awareness.segments.bitmaps import leaf_bitmaps
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.sql import measure_sql, window_sql
from antiphon.awareness.segments.windows import bounds, fixed

BITS = 64
"""Leaves of one scan: they travel as the bits of one unsigned integer."""
WIDTHS = ((8, "utinyint"), (16, "usmallint"), (32, "uinteger"), (BITS, "ubigint"))
FEW = 8
"""Up to so many leaves a scan returns only the people some leaf holds for; beyond, asking twice costs more."""


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
    """One scan: its SQL gives ``profile_id`` (unordered, at most once), and ``bits`` if it has several leaves."""

    sql: str
    leaves: tuple[int, ...]

    def sets(self, answer: Mapping[str, NDArray[Any]]) -> list[BitMap]:
        """Return one set for each leaf."""
        return leaf_bitmaps(answer, len(self.leaves))


def zero_holds(node: EventCondition) -> bool:
    """Whether somebody with no such event satisfies ``node``.

    Such people are in no event row, so the lake is asked for those who do *not* satisfy it.
    """
    if node.op in ("did", "did_not"):
        return node.op == "did_not"
    if node.measure in ("avg", "min", "max"):
        return False
    value, high = node.value or 0, node.high or 0
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
    """Return the conditions as one unsigned integer, no wider than it must be, the first the lowest bit."""
    kind = next(name for bits, name in WIDTHS if len(conditions) <= bits)
    return " | ".join(f"case when {one} then {1 << i}::{kind} else 0::{kind} end" for i, one in enumerate(conditions))


def apart(leaves: Sequence[tuple[int, EventCondition]], now: datetime) -> list[list[tuple[int, EventCondition]]]:
    """Part the leaves of one name where sharing a scan would read properties of events that need none of it."""
    deep = [leaf for leaf in leaves if leaf[1].where or leaf[1].property]
    plain = [leaf for leaf in leaves if leaf not in deep]
    first, second = earliest([node for _, node in deep], now), earliest([node for _, node in plain], now)
    if deep and plain and first is not None and (second is None or second < first):
        return [plain, deep]
    return [list(leaves)]


def trait_scan(leaves: Sequence[tuple[int, str]], tables: Tables) -> Question:
    conditions = [predicate for _, predicate in leaves]
    bits = f", {bits_sql(conditions)} as bits" if len(leaves) > 1 else ""
    where = f" where {' or '.join(conditions)}" if len(leaves) <= FEW and "true" not in conditions else ""
    sql = f"select profile_id::uinteger as profile_id{bits} from {tables.profile}{where}"
    return Question(sql, tuple(index for index, _ in leaves))


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
    else:
        sql = f"select {person}::uinteger as profile_id, {bits_sql(conditions)} as bits from {rows} group by 1" + (
            f" having {' or '.join(conditions)}" if len(nodes) <= FEW else ""
        )
    return Question(sql, tuple(index for index, _ in leaves))


def event_rows(where: str, properties: Properties, tables: Tables) -> str:
    """Return the cold and the hot rows as ``e``, pruned before anything is read out of their properties."""
    columns = "profile_id, ts" + (", properties" if properties.paths else "")
    rows = f"select {columns} from {tables.event} where {where}"
    if tables.hot:
        rows += f" union all select {columns} from {tables.hot} where {where}"
    merged = f" left join {tables.alias} a on a.from_id = e.profile_id" if tables.alias else ""
    return f"{properties.select(rows)} e{merged}"


def person_sql(tables: Tables) -> str:
    """Return who an event of ``event_rows`` is of: whoever they were merged into."""
    return "coalesce(a.to_id, e.profile_id)" if tables.alias else "e.profile_id"
