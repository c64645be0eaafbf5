"""Files that customers attach to their answers: kept beside their history, downloaded as files, never shown as our pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from litestar.params import Parameter
from litestar.response import Response

from antiphon.execution.delivery.heard import Attached, Heard, Row
from antiphon.foundation.context import Context
from antiphon.foundation.errors import NotFound
from antiphon.foundation.http import get
from antiphon.foundation.postgres import Connection, dict_row, load_queries

SQL = load_queries(Path(__file__).with_name("reply_files.sql"))
SHOWABLE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/csv"})
"""Types that are told to the browser; of all others it learns only that they are octets."""
Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class ReplyFileUnknown(NotFound):
    """There is no file {file}."""

    code = "reply-file-unknown"


async def keep(
    conn: Connection, known: Sequence[tuple[Heard, Row]], people: Sequence[tuple[Heard, int]]
) -> dict[int, list[Attached]]:
    """Keep what came with replies of customers; by `id` of the news. A stranger's is nobody's, and is not kept."""
    whose = [(heard, row.person) for heard, row in known if row.person_known] + list(people)
    kept: dict[int, list[Attached]] = {}
    for heard, person in whose:
        for file in heard.files:
            params: dict[str, Any] = {
                "profile_id": person, "delivery_id": heard.delivery_id, "channel": heard.channel, "name": file.name,
                "content_type": file.content_type, "size": len(file.octets), "octets": file.octets, "at": heard.at,
            }  # fmt: skip
            row = await (await conn.execute(SQL.keep, params)).fetchone()
            assert row is not None
            one = Attached(id=row[0], name=file.name, content_type=file.content_type, size=len(file.octets))
            kept.setdefault(id(heard), []).append(one)
    return kept


async def export(conn: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What a customer attached, for their own copy."""
    async with conn.cursor(row_factory=dict_row) as cur:
        return await (await cur.execute(SQL.export_reply_files, {"profile_ids": list(ids)})).fetchall()


@get("/v1/replies/files/{file_id:int}", permission="delivery:read", media_type="application/octet-stream")
async def download_reply_file(ctx: Context, file_id: Id) -> Response[bytes]:
    """A file that a customer attached to an answer, as it came. It is a stranger's: open it with care."""
    async with ctx.db.connection() as conn:
        row = await (await conn.execute(SQL.find, {"id": file_id})).fetchone()
    if row is None:
        raise ReplyFileUnknown(file=file_id)
    _, name, kind, octets = row
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "._- ") else "_" for one in name)
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, no-store",
    }
    return Response(bytes(octets), media_type=kind if kind in SHOWABLE else "application/octet-stream", headers=headers)


REPLY_FILE_ROUTES = [download_reply_file]
