"""Routes of imports: bring a file, look at it, import it, watch, fetch what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.params import Parameter
from litestar.response import Stream

from antiphon.awareness.imports import service, store
from antiphon.awareness.imports.model import ImportMap, NoErrors
from antiphon.awareness.imports.reading import file_chunks
from antiphon.awareness.imports.store import Import, UploadedFile
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.jobs import cancel_job
from antiphon.foundation.principal import Principal

PathId = Annotated[int, Parameter(ge=1, le=2**62)]


class PreviewAsked(Body, frozen=True, kw_only=True):
    """How to read the beginning of a file."""

    kind: Literal["customers", "events"] = "customers"
    encoding: Annotated[str, msgspec.Meta(max_length=40)] = "utf-8"
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=4)] | None = None
    sheet: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class NewImport(Body, frozen=True, kw_only=True):
    """A file and how it is read. A dry run checks every row and changes nothing."""

    file_id: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    map: ImportMap
    dry_run: bool = False


@post("/v1/imports/files", permission="imports:write", max_body=0, problems=(413,))
async def upload_file(
    ctx: Context,
    who: Principal,
    request: Request[Any, Any, Any],
    name: Annotated[str, Parameter(min_length=1, max_length=300, description="The file's name")],
) -> UploadedFile:
    """Bring a file: CSV, CSV packed by gzip, or a spreadsheet, of any size, as the body itself."""
    return await service.receive_file(ctx, who, name, request.stream())


@post("/v1/imports/files/{file_id:int}/preview", permission="imports:read", status=200)
async def preview_file(ctx: Context, file_id: PathId, data: PreviewAsked) -> service.Preview:
    """The beginning of a file as it would be read, with a first proposal of a map."""
    return await service.preview(ctx, file_id, kind=data.kind, encoding=data.encoding, delimiter=data.delimiter, sheet=data.sheet)


@post("/v1/imports", permission="imports:write", problems=(404,))
async def begin_import(ctx: Context, who: Principal, data: NewImport) -> Import:
    """Import a file in the background; watch it by its id."""
    return await service.begin_import(ctx, who, file_id=data.file_id, imported=data.map, dry_run=data.dry_run)


@get("/v1/imports", permission="imports:read")
async def list_imports(ctx: Context, limit: Limit = 50, cursor: Cursor = None) -> Page[Import]:
    """Imports, newest first."""
    at = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        found = await store.list_imports(conn, before=int(at[0] or 0) if at else 2**62, limit=limit + 1)
    more = len(found) > limit
    return Page(items=found[:limit], next=encode_cursor(found[limit - 1].id) if more else None)


@get("/v1/imports/{import_id:int}", permission="imports:read")
async def read_import(ctx: Context, import_id: PathId) -> Import:
    """One import: how far it is, and what became of its rows."""
    async with ctx.db.connection() as conn:
        return await store.find_import(conn, import_id)


@get("/v1/imports/{import_id:int}/errors", permission="imports:read", media_type="text/csv")
async def read_errors(ctx: Context, import_id: PathId) -> Stream:
    """The refused rows as CSV, each as it was, with its number and the reason. No cell begins a formula."""
    async with ctx.db.connection() as conn:
        path = await store.errors_of(conn, import_id)
    if path is None or not Path(path).is_file():
        raise NoErrors
    headers = {"content-disposition": f'attachment; filename="import-{import_id}-refused.csv"'}
    return Stream(file_chunks(Path(path)), media_type="text/csv; charset=utf-8", headers=headers)


@post("/v1/imports/{import_id:int}/cancel", permission="imports:write", status=200)
async def cancel_import(ctx: Context, who: Principal, import_id: PathId) -> Import:
    """Stop an import. What it has loaded stays; the same import again goes on without doubling anything."""
    async with ctx.db.transaction() as conn:
        found = await store.find_import(conn, import_id)
        await cancel_job(conn, found.job_id)
        await service.audit_cancel(conn, who, import_id)
        return await store.find_import(conn, import_id)


ROUTES = (upload_file, preview_file, begin_import, list_imports, read_import, read_errors, cancel_import)
