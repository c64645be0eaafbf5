"""Leaves of many names, one leaf each, asked together.

A question about a rare event costs little more than being asked: the catalogue, and the opening of every file. Here one
question reads the rows of several names, each within the window of its leaf, and they are counted by person afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.events.properties import Properties, literal
from antiphon.awareness.segments.bitmaps import ascending
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.scans import BITS, Question, Tables, earliest, event_rows, event_scan, person_sql, starts
from antiphon.awareness.segments.tallies import ROWS, holds
from antiphon.awareness.segments.windows import bounds, fixed

REACHES = (timedelta(days=32), timedelta(days=128), timedelta(days=512))
"""Leaves are asked with those that look back about as far, so that none reads much more of its name than it needs."""


@dataclass(frozen=True)
class Names:
    """One question for leaves that count the events of a name each, and how to read its answer."""

    sql: str
    leaves: tuple[int, ...]
    nodes: tuple[EventCondition, ...]
    otherwise: tuple[Question, ...]

    def sets(self, answer: Mapping[str, NDArray[Any]]) -> list[BitMap] | None:
        """Return one set for each leaf; None when the answer does not do and ``otherwise`` is to be asked."""
        ids, asked = np.asarray(answer["profile_id"]), np.asarray(answer["asked"])
        if len(ids) > ROWS:
            return None
        ids = ids[np.argsort(asked, kind="stable")]
        ends = np.cumsum(np.bincount(asked, minlength=len(self.nodes)))
        return [_held(node, np.sort(some)) for node, some in zip(self.nodes, np.split(ids, ends[:-1]), strict=True)]


def _held(node: EventCondition, ids: NDArray[Any]) -> BitMap:
    """Return who satisfies the comparison, of the persons of some rows in order."""
    first = np.ones(len(ids), dtype=np.bool_)
    np.not_equal(ids[1:], ids[:-1], out=first[1:])
    places = np.flatnonzero(first)
    count = np.diff(places, append=len(ids))
    return ascending(ids[places[holds(node, count, count)]])


def together(
    events: Mapping[str, Sequence[tuple[int, EventCondition]]], tables: Tables, now: datetime
) -> tuple[list[Names], dict[str, Sequence[tuple[int, EventCondition]]]]:
    """Return questions for the names that one leaf alone counts, where there are several, and the names that are left."""
    reaches: dict[int, list[tuple[int, EventCondition]]] = {}
    for leaves in events.values():
        node = leaves[0][1]
        if len(leaves) == 1 and node.measure == "count" and not node.where:
            start = starts(node, now)
            reach = len(REACHES) if start is None else sum(now - start > one for one in REACHES)
            reaches.setdefault(reach, []).append(leaves[0])
    parts = [some[i : i + BITS] for some in reaches.values() for i in range(0, len(some), BITS)]
    asked = [names(part, tables, now) for part in parts if len(part) > 1]
    done = {leaf for one in asked for leaf in one.leaves}
    return asked, {name: leaves for name, leaves in events.items() if leaves[0][0] not in done}


def names(leaves: Sequence[tuple[int, EventCondition]], tables: Tables, now: datetime) -> Names:
    """Ask for the rows that the leaves count: whose, and which leaf's."""
    nodes = tuple(node for _, node in leaves)
    said = ", ".join(literal(node.name) for node in nodes)
    place = f"list_position([{said}], name)"  # a function is asked once for each name of the file's dictionary
    common = [f"name in ({said})", f"ts <= {literal(now)}", "profile_id is not null"]
    if (start := earliest(nodes, now)) is not None:
        common.append(f"ts >= {literal(start)}")
    windows = [bounds(fixed(node.window), now) for node in nodes]
    for compare, instants in ((">=", [first for first, _ in windows]), ("<", [end for _, end in windows])):
        if len(set(instants)) > 1 or (compare == "<" and instants[0] is not None):
            edges = ", ".join("null" if at is None else literal(at) for at in instants)
            common.append(f"coalesce(ts {compare} ([{edges}]::timestamptz[])[{place}], true)")
    rows = event_rows(" and ".join(common), Properties(), tables, (f"({place} - 1)::utinyint as asked",))
    return Names(
        f"select {person_sql(tables)}::uinteger as profile_id, e.asked from {rows} limit {ROWS + 1}",
        tuple(index for index, _ in leaves),
        nodes,
        tuple(event_scan(node.name, [(index, node)], tables, now) for index, node in leaves),
    )
