"""The only code that runs the statements on computed traits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from antiphon.awareness.traits.computed.model import Affinity, Definition, State, decode_definition
from antiphon.foundation.postgres import Connection, Jsonb, load_queries
from antiphon.foundation.postgres.binary import bigints, jsonbs, texts

SQL = load_queries(Path(__file__).with_name("queries.sql"))
Columns = Mapping[str, NDArray[Any]]


class ComputedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A computed trait as it is kept; `anchor` is the day on which an affinity's weight is whole."""

    id: int
    name: str
    description: str
    definition: Definition
    state: State
    progress: int
    anchor: date
    filled_at: datetime | None
    created_at: datetime
    created_by: str


class Reach(msgspec.Struct, frozen=True):
    """`count` events of one lane to be counted: after `counted`, up to `seq`."""

    lane: int
    seq: int
    received_at: datetime
    counted: int
    count: int


async def _rows(conn: Connection, query: str, **params: Any) -> list[tuple[Any, ...]]:
    return await (await conn.execute(SQL[query], params)).fetchall()


async def _run(conn: Connection, query: str, **params: Any) -> int:
    return (await conn.execute(SQL[query], params)).rowcount


async def list_computed(conn: Connection) -> list[ComputedRow]:
    cursor = await conn.execute(SQL.list_computed)
    names = [column.name for column in cursor.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
    return [ComputedRow(**(row | {"definition": decode_definition(row["definition"])})) for row in found]


async def hold_definitions(conn: Connection) -> None:
    await conn.execute(SQL.hold_definitions)


def _kept(definition: Definition) -> Jsonb:
    return Jsonb(msgspec.to_builtins(definition))


async def add_computed(conn: Connection, name: str, description: str, definition: Definition, at: datetime, by: str) -> int:
    params = {"name": name, "description": description, "definition": _kept(definition), "anchor": at.date(), "at": at, "by": by}
    return int((await _rows(conn, "add_computed", **params))[0][0])


async def describe_computed(conn: Connection, computed_id: int, description: str) -> None:
    await _run(conn, "describe_computed", id=computed_id, description=description)


async def redefine(conn: Connection, computed_id: int, definition: Definition, at: datetime) -> bool:
    return bool(await _run(conn, "redefine", id=computed_id, definition=_kept(definition), anchor=at.date()))


async def change_state(conn: Connection, row: ComputedRow, state: State, at: datetime | None = None) -> bool:
    """False when somebody changed it meanwhile."""
    params = {"id": row.id, "definition": _kept(row.definition), "before": row.state, "state": state, "at": at}
    return bool(await _run(conn, "change_state", **params))


async def refill(conn: Connection) -> None:
    await conn.execute(SQL.refill)


async def note_progress(conn: Connection, row: ComputedRow, progress: int) -> None:
    await _run(conn, "note_progress", id=row.id, definition=_kept(row.definition), state=row.state, progress=progress)


async def drop_computed(conn: Connection, computed_id: int) -> None:
    await _run(conn, "drop_computed", id=computed_id)


async def drop_tallies(conn: Connection, computed_id: int, limit: int) -> int:
    return await _run(conn, "drop_tallies", id=computed_id, limit=limit)


async def tally(conn: Connection, computed_id: int, definition: Definition, added: Columns) -> None:
    """Add tallies: columns as `compile.COLUMNS`, of profiles that are held from erasure."""
    params = {
        "id": computed_id,
        "measure": "affinity" if isinstance(definition, Affinity) else definition.measure,
        "profiles": bigints(added["profile_id"].tolist()),
        "counts": bigints(added["count"].tolist()),
        "weights": texts([None if one is None else repr(one) for one in _plain(added["weight"])]),
        "saids": jsonbs([None if one is None else one.encode() for one in _plain(added["said"])]),
    } | {f"{name}s": texts(_plain(added[name])) for name in ("day", "item", "number", "key")}
    await conn.execute(SQL.tally, params)


def _plain(column: NDArray[Any]) -> list[Any]:
    """The values, None where null."""
    found: list[Any] = column.tolist()  # a masked array tells None itself
    return found


async def expire(conn: Connection, computed_id: int, since: date, limit: int) -> int:
    return int((await _rows(conn, "expire", id=computed_id, since=since, limit=limit))[0][0])


async def queue(conn: Connection, ids: Sequence[int]) -> None:
    if ids:
        await conn.execute(SQL.queue, {"ids": bigints(ids)})


async def take_queued(conn: Connection, limit: int) -> tuple[list[int], bool]:
    """Canonical ids of the next people, and whether more may wait."""
    rows = await _rows(conn, "take_queued", limit=limit)
    return sorted({row[0] for row in rows}), len(rows) == limit


async def next_people(conn: Connection, after: int, limit: int) -> list[int]:
    return [row[0] for row in await _rows(conn, "next_people", after=after, limit=limit)]


async def changed_values(conn: Connection, ids: Sequence[int], today: date) -> list[tuple[int, bytes]]:
    """(profile, the traits that change as a JSON object) of those whose values are not what the profile says."""
    rows = await (await conn.execute(SQL.changed_values, {"ids": bigints(ids), "today": today})).fetchall()
    return [(one, patch.encode()) for one, patch in rows]


async def affinities(conn: Connection, ids: Sequence[int]) -> list[tuple[int, str, str, str, float]]:
    """(definition, its name and description, value, weight) of one person, the strongest first in each."""
    return [(a, b, c, d, float(e or 0)) for a, b, c, d, e in await _rows(conn, "affinities", ids=list(ids))]


async def reach(conn: Connection, most: int) -> list[Reach]:
    return [Reach(*row) for row in await _rows(conn, "reach", most=most)]


async def read_cursors(conn: Connection) -> dict[int, tuple[int, datetime]]:
    return {lane: (seq, at) for lane, seq, at in await _rows(conn, "read_cursors")}


async def start_cursors(conn: Connection) -> None:
    await conn.execute(SQL.start_cursors)


async def move_cursors(conn: Connection, ends: Sequence[tuple[int, int, datetime]]) -> None:
    lanes, seqs, received = ([end[i] for end in ends] for i in range(3))
    await _run(conn, "move_cursors", lanes=lanes, seqs=seqs, received=received)


async def corrected_place(conn: Connection) -> int:
    return int((await _rows(conn, "corrected_place"))[0][0])


async def heed_corrections(conn: Connection, seq: int) -> None:
    await _run(conn, "heed_corrections", seq=seq)


async def drop_tallies_of(conn: Connection, computed_id: int, ids: Sequence[int]) -> None:
    await conn.execute(SQL.drop_tallies_of, {"id": computed_id, "ids": bigints(list(ids))})


async def oldest_hot(conn: Connection) -> date | None:
    found: date | None = (await _rows(conn, "oldest_hot"))[0][0]
    return found


async def newcomers(conn: Connection, after: int, names: Sequence[str], limit: int) -> list[int]:
    return [row[0] for row in await _rows(conn, "newcomers", after=after, names=list(names), limit=limit)]


async def read_newcomers(conn: Connection) -> tuple[int, int, int] | None:
    """(mark, mark before, highest id there is); None when that was a moment ago."""
    rows = await _rows(conn, "read_newcomers")
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def move_newcomers(conn: Connection, mark: int, before: int, *, again: bool) -> None:
    await _run(conn, "move_newcomers", mark=mark, before=before, again=again)


async def recent_doers(conn: Connection, names: Sequence[str], limit: int) -> list[int]:
    return [row[0] for row in await _rows(conn, "recent_doers", names=list(names), limit=limit)]


async def erase(conn: Connection, ids: Sequence[int]) -> None:
    await _run(conn, "erase_tallies", ids=list(ids))
    await _run(conn, "erase_queued", ids=list(ids))
