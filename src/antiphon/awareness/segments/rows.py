"""Rows of events of one name, cold and hot together, each with the profile it belongs to now."""

from collections.abc import Sequence
from datetime import datetime

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.events.properties import Properties, filter_sql, literal
from antiphon.awareness.segments.scans import Tables, event_rows, person_sql


def happened(
    name: str,
    where: Sequence[PropertyFilter],
    tables: Tables,
    now: datetime,
    *,
    first: datetime | None = None,
    end: datetime | None = None,
    ts: str = "e.ts",
    properties: Properties | None = None,
) -> str:
    """Return a select of (profile_id, ts) of the events until ``now`` for which all of ``where`` holds, in ``[first, end)``.

    ``ts`` is what is made of the instant. With ``properties`` their columns are selected, too.
    """
    wanted = properties or Properties()
    tests = [filter_sql(one, wanted) for one in where]
    pruned = [f"name = {literal(name)}", f"ts <= {literal(now)}", "profile_id is not null"]
    pruned += [f"ts >= {literal(first)}"] if first else []
    pruned += [f"ts < {literal(end)}"] if end else []
    rows = event_rows(" and ".join(pruned), wanted, tables)
    read = ", e.* exclude (profile_id, ts)" if properties is not None and properties.paths else ""
    kept = f" where {' and '.join(tests)}" if tests else ""
    return f"select {person_sql(tables)} as profile_id, {ts} as ts{read} from {rows}{kept}"
