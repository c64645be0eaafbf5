"""The only code that runs this room's SQL in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from antiphon.awareness.traits.model import NoSuchTrait, Trait, TraitType
from antiphon.foundation.postgres import Connection, dict_row, load_queries, struct_row
from antiphon.foundation.postgres.binary import bigints

SQL = load_queries(Path(__file__).with_name("queries.sql"))


async def list_traits(conn: Connection) -> list[Trait]:
    async with conn.cursor(row_factory=struct_row(Trait)) as cursor:
        return await (await cursor.execute(SQL.list_traits)).fetchall()


async def find_trait(conn: Connection, name: str) -> Trait:
    """The trait, held until the transaction ends. Raises NoSuchTrait."""
    async with conn.cursor(row_factory=struct_row(Trait)) as cursor:
        found = await (await cursor.execute(SQL.find_trait, {"name": name})).fetchone()
    if found is None:
        raise NoSuchTrait(name=name)
    return found


async def value_of(conn: Connection, profile_id: int, name: str) -> Any:
    row = await (await conn.execute(SQL.value_of, {"id": profile_id, "name": name})).fetchone()
    return row[0] if row else None


async def is_computed(conn: Connection, name: str) -> bool:
    row = await (await conn.execute(SQL.is_computed, {"name": name})).fetchone()
    return bool(row and row[0])


async def hold_registry(conn: Connection) -> None:
    await conn.execute(SQL.hold_registry)


async def add_traits(conn: Connection, traits: Sequence[tuple[str, TraitType, str]], at: datetime) -> None:
    names, types, columns = ([t[i] for t in traits] for i in range(3))
    await conn.execute(SQL.add_traits, {"names": names, "types": types, "columns": columns, "at": at})


async def describe_trait(conn: Connection, trait: Trait) -> None:
    names = ("name", "description", "personal", "locked", "allowed", "unit", "archived")
    await conn.execute(SQL.describe_trait, {name: getattr(trait, name) for name in names})


async def begin_retype(conn: Connection, name: str, kind: TraitType, column: str) -> None:
    await conn.execute(SQL.begin_retype, {"name": name, "type": kind, "column": column})


async def end_retype(conn: Connection, name: str, column: str) -> None:
    await conn.execute(SQL.end_retype, {"name": name, "column": column})


async def note_misfits(conn: Connection, misfits: Mapping[str, str], at: datetime) -> None:
    params = {"names": list(misfits), "values": [value[:200] for value in misfits.values()], "at": at}
    await conn.execute(SQL.note_misfits, params)


async def holders_of(conn: Connection, name: str, after: int, limit: int) -> list[int]:
    rows = await (await conn.execute(SQL.holders_of, {"name": name, "after": after, "limit": limit})).fetchall()
    return [row[0] for row in rows]


async def last_version(conn: Connection) -> int:
    row = await (await conn.execute(SQL.last_version)).fetchone()
    return int(row[0]) if row else 0


async def dirty_until(conn: Connection, version: int) -> bool:
    row = await (await conn.execute(SQL.dirty_until, {"version": version})).fetchone()
    return bool(row and row[0])


async def any_dirty(conn: Connection) -> bool:
    row = await (await conn.execute(SQL.any_dirty)).fetchone()
    return bool(row and row[0])


async def count_dirty(conn: Connection) -> int:
    row = await (await conn.execute(SQL.count_dirty)).fetchone()
    return int(row[0]) if row else 0


async def copied(conn: Connection, ids: NDArray[np.int64], versions: NDArray[np.int64]) -> None:
    params = {"ids": bigints(ids.tolist()), "versions": bigints(versions.tolist()), "low": int(ids.min()), "high": int(ids.max())}
    await conn.execute(SQL.copied, params)


async def note_mirrored(conn: Connection, ids: Iterable[int]) -> None:
    """Say whose row in the mirror was written, made or removed: whoever writes `lake.profile` says so once it is committed.

    Make it the last statement of the transaction: it waits for others who say so.
    """
    await conn.execute(SQL.note_mirrored, {"ids": BitMap(ids).serialize()}, binary=True)


async def forget_mirrored(conn: Connection, keep: timedelta) -> None:
    await conn.execute(SQL.forget_mirrored, {"keep": keep})


async def export_refusals(conn: Connection, profile_ids: Sequence[int]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(SQL.export_refusals, {"profile_ids": list(profile_ids)})).fetchall()
