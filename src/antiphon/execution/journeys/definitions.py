"""The only code that runs the statements on journeys' definitions: drafts, versions, and who stands where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.journeys.model import Definition, JourneyState
from antiphon.execution.journeys.shown import Journey, JourneyItem, Version, VersionHead
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("definitions.sql"))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How many people stand at a step of a version, how many of them wait for something they do, when the first goes on."""

    version_id: int
    step: int
    people: int
    listening: int
    next_at: datetime | None


def packed(definition: Definition) -> Jsonb:
    """A definition as it is stored."""
    return Jsonb(msgspec.to_builtins(definition))


async def insert_journey(
    conn: Connection, *, name: str, description: str, draft: Definition, by: str, now: datetime, author: str
) -> int:
    params = {"name": name, "description": description, "draft": packed(draft), "by": by, "now": now, "author": author}
    row = await (await conn.execute(SQL.insert_journey, params)).fetchone()
    assert row is not None
    return int(row[0])


async def find_journey(conn: Connection, journey_id: int) -> Journey | None:
    async with conn.cursor(row_factory=struct_row(Journey)) as cur:
        return await (await cur.execute(SQL.find_journey, {"id": journey_id})).fetchone()


async def lock_journey(conn: Connection, journey_id: int) -> Journey | None:
    await conn.execute(SQL.lock_journey, {"id": journey_id})
    return await find_journey(conn, journey_id)


async def list_journeys(
    conn: Connection, *, before: int | None, state: JourneyState | None, text: str | None, limit: int, today: date
) -> list[JourneyItem]:
    params = {"before": before, "state": state, "text": text, "limit": limit, "today": today}
    async with conn.cursor(row_factory=struct_row(JourneyItem)) as cur:
        return await (await cur.execute(SQL.list_journeys, params)).fetchall()


async def rename_journey(conn: Connection, journey_id: int, *, name: str, description: str, by: str, now: datetime) -> None:
    await conn.execute(SQL.rename_journey, {"id": journey_id, "name": name, "description": description, "by": by, "now": now})


async def save_draft(
    conn: Connection, journey_id: int, *, draft: Definition, revision: int, by: str, now: datetime, author: str, same: bool
) -> int | None:
    """The draft's new revision; None where somebody saved another meanwhile. ``same``: something is but drawn elsewhere."""
    params = {
        "id": journey_id, "draft": packed(draft), "revision": revision, "by": by, "now": now, "author": author, "same": same,
    }  # fmt: skip
    row = await (await conn.execute(SQL.save_draft, params)).fetchone()
    return None if row is None else int(row[0])


async def set_state(conn: Connection, journey_id: int, state: JourneyState, now: datetime) -> None:
    await conn.execute(SQL.set_state, {"id": journey_id, "state": state, "now": now})


async def set_live(conn: Connection, journey_id: int, version_id: int, *, back: bool) -> None:
    await conn.execute(SQL.set_live, {"id": journey_id, "version_id": version_id, "back": back})


async def delete_journey(conn: Connection, journey_id: int) -> None:
    await conn.execute(SQL.delete_journey, {"id": journey_id})


async def insert_version(
    conn: Connection, journey_id: int, *, definition: Definition, note: str, by: str, now: datetime,
    treatment: Mapping[str, Any] | None,
) -> tuple[int, int]:  # fmt: skip
    """The version's id and number."""
    params = {
        "journey_id": journey_id, "definition": packed(definition), "note": note, "by": by, "now": now,
        "treatment": None if treatment is None else Jsonb(dict(treatment)),
    }  # fmt: skip
    row = await (await conn.execute(SQL.insert_version, params)).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


async def list_versions(conn: Connection, journey_id: int) -> list[VersionHead]:
    async with conn.cursor(row_factory=struct_row(VersionHead)) as cur:
        return await (await cur.execute(SQL.list_versions, {"journey_id": journey_id})).fetchall()


async def find_version(conn: Connection, journey_id: int, number: int) -> Version | None:
    async with conn.cursor(row_factory=struct_row(Version)) as cur:
        return await (await cur.execute(SQL.find_version, {"journey_id": journey_id, "number": number})).fetchone()


async def some_versions(conn: Connection, journey_id: int, ids: Sequence[int] | None = None) -> dict[int, Version]:
    """Versions by id, in the order of their numbers."""
    params = {"journey_id": journey_id, "ids": None if ids is None else list(ids)}
    async with conn.cursor(row_factory=struct_row(Version)) as cur:
        return {one.id: one for one in await (await cur.execute(SQL.some_versions, params)).fetchall()}


async def people_by_step(conn: Connection, versions: Sequence[int]) -> list[Standing]:
    async with conn.cursor(row_factory=struct_row(Standing)) as cur:
        return await (await cur.execute(SQL.people_by_step, {"versions": list(versions)})).fetchall()


async def versions_of(conn: Connection, journey_id: int) -> list[int]:
    """Ids of all versions of a journey, in order."""
    return [row[0] for row in await (await conn.execute(SQL.versions_of, {"journey_id": journey_id})).fetchall()]


async def count_inside(conn: Connection, journey_id: int) -> int:
    row = await (await conn.execute(SQL.count_inside, {"journey_id": journey_id})).fetchone()
    return int(row[0]) if row else 0
