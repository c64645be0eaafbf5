"""The only code that runs the SQL of preferences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.consent.model import Evidence
from antiphon.awareness.consent.preferences.model import Aspect, PreferenceCentre, Subject, Wish
from antiphon.foundation.postgres import Connection, Jsonb, dict_row, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))


class NewChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer said about one aspect, checked."""

    profile_id: int
    aspect: Aspect
    value: Any
    at: datetime
    source: str
    evidence: Evidence


class PreferenceChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer said about one aspect; null took a wish back."""

    id: int
    aspect: Aspect
    value: Any
    at: datetime
    source: str
    evidence: Evidence
    recorded_at: datetime


class PersonRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs of a customer."""

    language: str | None
    locale: str | None
    addresses: dict[str, str] | None


async def record_changes(conn: Connection, changes: Sequence[NewChange], *, only_changes: bool) -> list[int]:
    """Whose word was written, once for each row."""
    params = {
        "profile_ids": [c.profile_id for c in changes],
        "aspects": [c.aspect for c in changes],
        "values": [msgspec.json.encode(c.value).decode() for c in changes],
        "ats": [c.at for c in changes],
        "sources": [c.source for c in changes],
        "evidence": [msgspec.json.encode(c.evidence).decode() for c in changes],
        "only_changes": only_changes,
    }
    return [row[0] for row in await (await conn.execute(SQL.record_changes, params)).fetchall()]


async def list_current(conn: Connection, profile_ids: Sequence[int]) -> dict[int, list[Wish]]:
    """Each customer's wishes that stand."""
    found: dict[int, list[Wish]] = {}
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(SQL.list_current, {"profile_ids": list(profile_ids)})
        for row in await cur.fetchall():
            found.setdefault(row.pop("profile_id"), []).append(Wish(**row))
    return found


async def list_changes(
    conn: Connection, profile_ids: Sequence[int], *, before: int | None, limit: int
) -> list[PreferenceChangeRow]:
    async with conn.cursor(row_factory=struct_row(PreferenceChangeRow)) as cur:
        await cur.execute(SQL.list_changes, {"profile_ids": list(profile_ids), "before": before, "limit": limit})
        return await cur.fetchall()


async def rebuild(conn: Connection, profile_ids: Sequence[int]) -> None:
    """The latest words of these people, and of whoever they were merged into, as their statements tell them."""
    await conn.execute(SQL.forget_current, {"profile_ids": list(profile_ids)})
    await conn.execute(SQL.rebuild_current, {"profile_ids": list(profile_ids)})


async def export_changes(conn: Connection, profile_ids: Sequence[int]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(SQL.export_changes, {"profile_ids": list(profile_ids)})
        return await cur.fetchall()


async def erase(conn: Connection, profile_ids: Sequence[int]) -> None:
    await conn.execute(SQL.erase_current, {"profile_ids": list(profile_ids)})
    await conn.execute(SQL.erase_changes, {"profile_ids": list(profile_ids)})


async def count_recent(conn: Connection, profile_ids: Sequence[int], *, source: str, period: timedelta) -> int:
    params = {"profile_ids": list(profile_ids), "source": source, "period": period}
    row = await (await conn.execute(SQL.count_recent, params)).fetchone()
    assert row is not None
    return int(row[0])


async def find_centre(conn: Connection) -> PreferenceCentre:
    async with conn.cursor(row_factory=struct_row(PreferenceCentre)) as cur:
        row = await (await cur.execute(SQL.find_centre)).fetchone()
    assert row is not None
    return row


async def change_centre(conn: Connection, centre: PreferenceCentre) -> None:
    params = msgspec.structs.asdict(centre) | {"titles": Jsonb(dict(centre.titles))}
    await conn.execute(SQL.change_centre, params)


async def list_subjects(conn: Connection) -> list[Subject]:
    async with conn.cursor(row_factory=struct_row(Subject)) as cur:
        await cur.execute(SQL.list_subjects)
        return await cur.fetchall()


async def find_person(conn: Connection, profile_id: int, kinds: Sequence[str]) -> PersonRow | None:
    async with conn.cursor(row_factory=struct_row(PersonRow)) as cur:
        await cur.execute(SQL.find_person, {"profile_id": profile_id, "kinds": list(kinds)})
        return await cur.fetchone()
