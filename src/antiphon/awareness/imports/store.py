"""The only code that runs this room's SQL in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
from pyroaring import BitMap

from antiphon.awareness.consent import Said
from antiphon.awareness.imports.model import NoSuchFile, NoSuchImport
from antiphon.awareness.imports.reasons import RefusedRows, reasons as reasons_read
from antiphon.awareness.profiles import stamp_of
from antiphon.foundation.postgres import Connection, Jsonb, dict_row, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file people brought in."""

    id: int
    name: str
    size: int
    sha256: str
    uploaded_by: str
    uploaded_at: datetime


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import as people see it: how far it is, and what became of its rows."""

    id: int
    file_id: int
    file: str
    size: int
    kind: Literal["customers", "events"]
    map: dict[str, Any]
    dry_run: bool
    as_of: datetime
    job_id: int
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int | None
    message: str
    error: str | None
    rows: int
    refused: int
    made: int
    changed: int
    unchanged: int
    said: int
    reasons: list[RefusedRows]
    has_errors: bool
    created_by: str
    created_at: datetime
    finished_at: datetime | None


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What an import's job works from."""

    id: int
    kind: Literal["customers", "events"]
    map: dict[str, Any]
    dry_run: bool
    as_of: datetime
    path: str
    name: str
    sha256: str


async def add_file(conn: Connection, *, name: str, path: str, size: int, sha256: str, by: str, at: datetime) -> UploadedFile:
    params = {"name": name, "path": path, "size": size, "sha256": sha256, "by": by, "at": at}
    async with conn.cursor(row_factory=struct_row(UploadedFile)) as cursor:
        found = await (await cursor.execute(SQL.add_file, params)).fetchone()
    assert found is not None
    return found


async def find_file(conn: Connection, file_id: int) -> tuple[str, str]:
    """(path, name). Raises NoSuchFile."""
    row = await (await conn.execute(SQL.find_file, {"id": file_id})).fetchone()
    if row is None:
        raise NoSuchFile(field="file_id")
    return row[2], row[1]


async def as_of(conn: Connection, file_id: int, imported: dict[str, Any]) -> datetime | None:
    row = await (await conn.execute(SQL.as_of, {"file_id": file_id, "map": Jsonb(imported)})).fetchone()
    return row[0] if row else None


async def add_import(
    conn: Connection,
    *,
    file_id: int,
    kind: str,
    map: dict[str, Any],
    dry_run: bool,
    as_of: datetime,
    job_id: int,
    by: str,
    at: datetime,
) -> int:
    params = {
        "file_id": file_id, "kind": kind, "map": Jsonb(map), "dry_run": dry_run, "as_of": as_of, "job_id": job_id, "by": by,
        "at": at,
    }  # fmt: skip
    row = await (await conn.execute(SQL.add_import, params)).fetchone()
    assert row is not None
    return int(row[0])


async def read_import(conn: Connection, job_id: int) -> Work:
    async with conn.cursor(row_factory=struct_row(Work)) as cursor:
        found = await (await cursor.execute(SQL.read_import, {"job_id": job_id})).fetchone()
    if found is None:
        raise NoSuchImport
    return found


async def begin_import(conn: Connection, import_id: int) -> None:
    """Say that it begins; not before everybody who is just being forgotten is."""
    await conn.execute(SQL.wait_for_erasures)
    await conn.execute(SQL.begin_import, {"id": import_id})


async def note_import(
    conn: Connection, import_id: int, *, rows: int, refused: int, made: int, changed: int, unchanged: int,
    said: int, reasons: dict[str, int], errors: str | None, state: str,
) -> None:  # fmt: skip
    params = {
        "id": import_id, "rows": rows, "refused": refused, "made": made, "changed": changed, "unchanged": unchanged, "said": said,
        "reasons": Jsonb(reasons), "errors": errors, "state": state,
    }  # fmt: skip
    await conn.execute(SQL.note_import, params)


async def list_imports(conn: Connection, *, before: int, limit: int, id: int | None = None) -> list[Import]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(SQL.list_imports, {"before": before, "limit": limit, "id": id})).fetchall()
    return [msgspec.convert(row | {"reasons": reasons_read(row["reasons"])}, Import, strict=False) for row in rows]


async def find_import(conn: Connection, import_id: int) -> Import:
    found = await list_imports(conn, before=2**62, limit=1, id=import_id)
    if not found:
        raise NoSuchImport
    return found[0]


async def errors_of(conn: Connection, import_id: int) -> str | None:
    row = await (await conn.execute(SQL.errors_of, {"id": import_id})).fetchone()
    if row is None:
        raise NoSuchImport
    return row[0] if row[0] is None else str(row[0])


async def topics(conn: Connection) -> set[str]:
    """The names of all topics."""
    return {row[0] for row in await (await conn.execute(SQL.topics)).fetchall()}


async def unsaid(conn: Connection, said: Sequence[Said]) -> list[Said]:
    """Of these, what is not in the ledgers yet, word by word: whoever imports a file again says nothing new."""
    consents = [(place, channel, topic) for place, one in enumerate(said) for channel, topic in one.consents]
    params = {
        "places": [place for place, _, _ in consents], "channels": [channel for _, channel, _ in consents],
        "topics": [topic for _, _, topic in consents],
        "ids": [said[place].profile_id for place, _, _ in consents], "ats": [said[place].at for place, _, _ in consents],
        "sources": [said[place].source for place, _, _ in consents],
    }  # fmt: skip
    known = {row[0] for row in await (await conn.execute(SQL.consents_said, params)).fetchall()} if consents else set()
    wishing = [place for place, one in enumerate(said) if one.wishes]
    params = {
        "places": wishing, "ids": [said[place].profile_id for place in wishing], "ats": [said[place].at for place in wishing],
        "sources": [said[place].source for place in wishing],
    }  # fmt: skip
    known |= {row[0] for row in await (await conn.execute(SQL.wishes_said, params)).fetchall()} if wishing else set()
    return [one for place, one in enumerate(said) if place not in known]


async def take_keys(conn: Connection, keys: Sequence[UUID]) -> set[UUID]:
    """Of these, the keys never taken before."""
    return {row[0] for row in await (await conn.execute(SQL.take_keys, {"keys": list(keys)})).fetchall()}


async def hold_imports(conn: Connection) -> None:
    """No import begins until the transaction ends; one that runs already is told by `is_running`."""
    await conn.execute(SQL.hold_imports)


async def is_running(conn: Connection) -> bool:
    """Whether an import is under way."""
    row = await (await conn.execute(SQL.is_running)).fetchone()
    return row is not None and row[0]


async def people_of(conn: Connection, import_id: int) -> BitMap:
    """Whom an import of customers made, or changed a trait of, as far as nothing said later has. Reads every profile: not in a
    transaction that holds anything."""
    row = await (await conn.execute(SQL.import_source, {"id": import_id})).fetchone()
    if row is None:
        raise NoSuchImport
    rows = await (await conn.execute(SQL.people_of, {"prefix": import_stamp(*row)})).fetchall()
    return BitMap([row[0] for row in rows])


def import_stamp(as_of: datetime, sha256: str) -> str:
    """What the stamps of an import's words begin with."""
    return stamp_of(as_of, f"import:{sha256[:16]}:")
