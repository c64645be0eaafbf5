"""First and last times, and what happened since: conditions that look for one instant of each person's history."""

from collections.abc import Sequence
from datetime import datetime

from antiphon.awareness.events.properties import Properties, literal
from antiphon.awareness.segments.kinds import EventTime
from antiphon.awareness.segments.measures import moment, named
from antiphon.awareness.segments.model import EventCondition
from antiphon.awareness.segments.person import Happened
from antiphon.awareness.segments.rows import happened
from antiphon.awareness.segments.scans import Tables, zero_holds
from antiphon.awareness.segments.sql import measure_sql
from antiphon.awareness.segments.windows import SinceEvent, bounds, within

_EXTREME = {"first": "min", "last": "max"}


def time_sql(node: EventTime, tables: Tables, now: datetime) -> str:
    """Return the people whose first or last time falls in the window.

    Of what is later than the window a first time needs nothing, and a last time nothing of what is earlier.
    """
    first, end = bounds(node.window, now)
    rows = happened(
        node.name, node.where, tables, now,
        first=first if node.which == "last" else None, end=end if node.which == "first" else None,
    )  # fmt: skip
    at = f"{_EXTREME[node.which]}(ts)"
    tests = ([f"{at} >= {literal(first)}"] if first else []) + ([f"{at} < {literal(end)}"] if end else [])
    having = f" having {' and '.join(tests)}" if tests else ""
    return f"select profile_id::uinteger as profile_id from ({rows}) group by 1{having}"


def time_holds(node: EventTime, events: Sequence[Happened], now: datetime) -> tuple[bool, datetime | None]:
    """Return whether the time falls in the window, and the time."""
    at = moment(node.which, named(node.name, node.where, events, now))
    return at is not None and within(node.window, at, now), at


def since_sql(node: EventCondition, tables: Tables, now: datetime) -> str:
    """Return the people whose events since their mark satisfy ``node``; where none would do as well, those who do not."""
    window = node.window
    if not isinstance(window, SinceEvent):
        raise TypeError(window)
    marks = happened(window.name, window.where, tables, now)
    properties = Properties()
    test = measure_sql(node, "", properties)
    rows = happened(node.name, node.where, tables, now, properties=properties)
    having = "" if node.op in ("did", "did_not") else f" having {f'not {test}' if zero_holds(node) else test}"
    return (
        f"select x.profile_id::uinteger as profile_id from ({rows}) x "
        f"join (select profile_id, {_EXTREME[window.which]}(ts) as mark from ({marks}) group by 1) m "
        f"on m.profile_id = x.profile_id and x.ts > m.mark group by 1{having}"
    )
