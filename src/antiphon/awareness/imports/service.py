"""The room's verbs: a file is received, previewed, and imported by a job."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from antiphon.awareness.imports import store
from antiphon.awareness.imports.compile import literal
from antiphon.awareness.imports.loading import RUN
from antiphon.awareness.imports.model import ENCODINGS, BadMap, ConsentNotYours, ImportMap, UnreadableFile, check_map, guess_map
from antiphon.awareness.imports.reading import is_spreadsheet, open_plain, prepare, sheets_of
from antiphon.awareness.imports.saying import check_said
from antiphon.awareness.imports.staging import legible
from antiphon.awareness.profiles import computed_traits
from antiphon.foundation.access import Principal, audit
from antiphon.foundation.context import Context
from antiphon.foundation.ids import random_token
from antiphon.foundation.jobs import enqueue
from antiphon.foundation.postgres import Connection

_PREVIEW_BYTES = 256 * 1024
_PREVIEW_ROWS = 20
CONSENT = "consent:write"


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a file as it is read: its columns, some rows, a first proposal of a map, and likely encodings."""

    columns: list[str]
    rows: list[list[str | None]]
    delimiter: str
    encoding: str
    encodings: list[str]
    sheets: list[str]
    map: dict[str, Any]


async def receive_file(ctx: Context, who: Principal, name: str, chunks: AsyncIterable[bytes]) -> store.UploadedFile:
    """Keep a file as it streams in, at flat memory."""
    folder = ctx.settings.data_path / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / random_token(16)
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        if size == 0:
            raise UnreadableFile(why="it is empty", field="file")
        return await _enter(ctx, who, name, path, size, digest.hexdigest())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def take_file(ctx: Context, who: Principal, source: Path) -> store.UploadedFile:
    """Enter a file of this machine where it lies; it is read there."""

    def digest() -> str:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    try:
        size, found = source.stat().st_size, await asyncio.to_thread(digest)
    except OSError as failed:
        raise UnreadableFile(why=failed.strerror or str(failed), field="file") from failed
    if size == 0:
        raise UnreadableFile(why="it is empty", field="file")
    return await _enter(ctx, who, source.name, source.absolute(), size, found)


async def _enter(ctx: Context, who: Principal, name: str, path: Path, size: int, digest: str) -> store.UploadedFile:
    async with ctx.db.transaction() as conn:
        file = await store.add_file(
            conn, name=name[:300], path=str(path), size=size, sha256=digest, by=who.name, at=ctx.clock.now()
        )
        await audit(conn, who, action="imports.upload", subject=f"import_file:{file.id}", after=file)
    return file


async def preview(
    ctx: Context, file_id: int, *, kind: Literal["customers", "events"], encoding: str, delimiter: str | None, sheet: str | None
) -> Preview:
    """The beginning of a file, read as asked. Raises NoSuchFile or UnreadableFile."""
    async with ctx.db.connection() as conn:
        path, _ = await store.find_file(conn, file_id)
    folder = ctx.settings.data_path / "imports" / f"preview-{random_token(8)}"
    try:
        sheets = await asyncio.to_thread(sheets_of, Path(path))
        head = await asyncio.to_thread(_head, Path(path), folder)
        plain = await asyncio.to_thread(prepare, head, folder, encoding=encoding, sheet=sheet, limit=_PREVIEW_ROWS + 1)
        imported = ImportMap(kind=kind, encoding=encoding, delimiter=delimiter)
        plain, dialect = await legible(ctx.lake, plain, imported, folder)
        rows = await ctx.lake.run(
            f"from read_csv({literal(str(plain))}, all_varchar=true, header=true, delim=$delim, quote='\"', escape='\"', "
            f"ignore_errors=true, null_padding=true, strict_mode=false) limit {_PREVIEW_ROWS}",
            {"delim": dialect.delimiter},
        )
        return Preview(
            columns=dialect.columns,
            rows=[[None if v is None else str(v)[:500] for v in row] for row in rows],
            delimiter=dialect.delimiter,
            encoding=encoding,
            encodings=await asyncio.to_thread(_encodings, Path(path)),
            sheets=sheets,
            map=guess_map(kind, dialect.columns),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _head(path: Path, folder: Path) -> Path:
    """The file's first bytes, whole lines only; a spreadsheet as it is."""
    if is_spreadsheet(path):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with open_plain(path) as source:
            data = source.read(_PREVIEW_BYTES)
    except (OSError, EOFError) as failed:
        raise UnreadableFile(why=str(failed), field="file") from failed
    if len(data) == _PREVIEW_BYTES and b"\n" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data[: data.rindex(b"\n") + 1]
    head = folder / "head.csv"
    head.write_bytes(data)
    return head


def _encodings(path: Path) -> list[str]:
    """Encodings the file's beginning can be in, likely ones first: people choose, because guesses go wrong."""
    if is_spreadsheet(path):
        return ["utf-8"]
    with open_plain(path) as source:
        data = source.read(_PREVIEW_BYTES)
    possible = []
    for encoding in ENCODINGS:
        try:
            data[: len(data) // 2 * 2].decode(encoding) if encoding == "utf-16" else data[:-8].decode(encoding)
        except UnicodeDecodeError as failed:
            if failed.start < len(data) - 16:
                continue
        if encoding == "utf-16" and b"\0" not in data:
            continue
        possible.append(encoding)
    return possible


async def begin_import(ctx: Context, who: Principal, *, file_id: int, imported: ImportMap, dry_run: bool) -> store.Import:
    """Leave a job that imports a file. Raises BadMap, NoSuchFile, ChannelUnknown, TopicUnknown or ConsentNotYours."""
    check_map(imported)
    if (imported.consents or imported.preferences) and not who.may(CONSENT):
        raise ConsentNotYours(permission=CONSENT)
    kept = msgspec.to_builtins(imported)
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        for name in sorted(imported.traits.keys() & await computed_traits(conn)):
            raise BadMap(f"{name} is computed from events, and cannot be imported", field=f"map.traits.{name}")
        await store.find_file(conn, file_id)
        await check_said(ctx, conn, imported)
        as_of = await store.as_of(conn, file_id, kept) or now
        job_id = await enqueue(conn, RUN, {}, by=who.name)
        import_id = await store.add_import(
            conn, file_id=file_id, kind=imported.kind, map=kept, dry_run=dry_run, as_of=as_of, job_id=job_id, by=who.name, at=now
        )
        found = await store.find_import(conn, import_id)
        await audit(
            conn,
            who,
            action="imports.begin",
            subject=f"import:{import_id}",
            after={"file_id": file_id, "dry_run": dry_run, "map": kept},
        )
    return found


async def audit_cancel(conn: Connection, who: Principal, import_id: int) -> None:
    """Note who stopped an import."""
    await audit(conn, who, action="imports.cancel", subject=f"import:{import_id}")
