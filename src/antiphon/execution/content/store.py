"""The only code that runs this room's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.content.model import Format, Source, VersionState
from antiphon.foundation.postgres import Connection, load_queries, struct_row

QUERIES = load_queries(Path(__file__).with_name("queries.sql"))


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A template; ``published_id`` is its latest published version, ``draft_id`` the one being written."""

    id: int
    channel: str
    name: str
    created_at: datetime
    updated_at: datetime
    archived: bool
    published_id: int | None
    draft_id: int | None


class VersionHead(msgspec.Struct, frozen=True, kw_only=True):
    """A version without its source."""

    id: int
    template_id: int
    number: int
    state: VersionState
    format: Format
    subject: str
    changed_by: str
    changed_at: datetime
    published_at: datetime | None


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version with its source."""

    id: int
    template_id: int
    number: int
    state: VersionState
    format: Format
    subject: str
    preheader: str
    body: str
    text: str | None
    changed_by: str
    changed_at: datetime
    published_at: datetime | None
    channel: str

    @property
    def source(self) -> Source:
        """What its author wrote."""
        return Source(format=self.format, subject=self.subject, body=self.body, text=self.text, preheader=self.preheader)


async def list_templates(
    conn: Connection, *, channel: str | None, search: str | None, before: int | None, archived: bool, limit: int
) -> list[TemplateRow]:
    """Templates, newest first, after a place in the list."""
    given = {"channel": channel, "search": search, "before": before, "archived": archived, "limit": limit}
    async with conn.cursor(row_factory=struct_row(TemplateRow)) as cur:
        await cur.execute(QUERIES.list_templates, given)
        return await cur.fetchall()


async def find_template(conn: Connection, template_id: int) -> TemplateRow | None:
    """One template, or None."""
    async with conn.cursor(row_factory=struct_row(TemplateRow)) as cur:
        await cur.execute(QUERIES.find_template, {"id": template_id})
        return await cur.fetchone()


async def lock_template(conn: Connection, template_id: int) -> bool:
    """Hold it until the transaction ends; whether it exists."""
    return await (await conn.execute(QUERIES.lock_template, {"id": template_id})).fetchone() is not None


async def insert_template(conn: Connection, *, channel: str, name: str, now: datetime) -> int | None:
    """The new id, or None if the name is taken."""
    row = await (await conn.execute(QUERIES.insert_template, {"channel": channel, "name": name, "now": now})).fetchone()
    return row[0] if row else None


async def rename_template(conn: Connection, template_id: int, *, name: str, archived: bool, now: datetime) -> None:
    """Change its name and whether it is archived."""
    await conn.execute(QUERIES.rename_template, {"id": template_id, "name": name, "archived": archived, "now": now})


async def list_versions(conn: Connection, template_id: int) -> list[VersionHead]:
    """All versions, newest first."""
    async with conn.cursor(row_factory=struct_row(VersionHead)) as cur:
        await cur.execute(QUERIES.list_versions, {"template": template_id})
        return await cur.fetchall()


async def find_version(conn: Connection, version_id: int) -> VersionRow | None:
    """One version, or None."""
    async with conn.cursor(row_factory=struct_row(VersionRow)) as cur:
        await cur.execute(QUERIES.find_version, {"id": version_id})
        return await cur.fetchone()


async def find_draft(conn: Connection, template_id: int) -> VersionRow | None:
    """The draft, or None."""
    async with conn.cursor(row_factory=struct_row(VersionRow)) as cur:
        await cur.execute(QUERIES.find_draft, {"template": template_id})
        return await cur.fetchone()


async def save_draft(conn: Connection, template_id: int, source: Source, *, who: str, now: datetime) -> int:
    """Write the draft; its id."""
    given = {
        "template": template_id,
        "format": source.format,
        "subject": source.subject,
        "preheader": source.preheader,
        "body": source.body,
        "text": source.text,
        "who": who,
        "now": now,
    }
    row = await (await conn.execute(QUERIES.save_draft, given)).fetchone()
    assert row is not None
    return int(row[0])


async def publish_version(conn: Connection, version_id: int, *, who: str, now: datetime) -> None:
    """Make it final."""
    await conn.execute(QUERIES.publish_version, {"id": version_id, "who": who, "now": now})


async def add_variant(conn: Connection, version_id: int, subject: str, *, now: datetime) -> int:
    """The version under another subject."""
    row = await (await conn.execute(QUERIES.add_variant, {"id": version_id, "subject": subject, "now": now})).fetchone()
    assert row is not None
    return int(row[0])


async def insert_links(conn: Connection, version_id: int, urls: Sequence[str]) -> None:
    """Keep the static links of a version."""
    await conn.execute(QUERIES.insert_links, {"version": version_id, "urls": list(urls)})


async def list_links(conn: Connection, version_id: int) -> dict[str, int]:
    """The id of each static link by its address."""
    rows = await (await conn.execute(QUERIES.list_links, {"version": version_id})).fetchall()
    return {url: link_id for link_id, url in rows}


async def find_urls(conn: Connection, ids: Sequence[int]) -> dict[int, str]:
    """The address of each link by its id."""
    rows = await (await conn.execute(QUERIES.find_urls, {"ids": list(ids)})).fetchall()
    return dict(rows)


async def traits_of(conn: Connection, profile_id: int) -> dict[str, Any] | None:
    """A person's traits, or None if there is no such person."""
    row = await (await conn.execute(QUERIES.traits_of, {"id": profile_id})).fetchone()
    return row[0] if row else None


async def missing_shares(conn: Connection, names: Sequence[str], sample: int) -> dict[str, float]:
    """For each trait, the share (0 to 1) of sampled profiles without it."""
    rows = await (await conn.execute(QUERIES.missing_shares, {"names": list(names), "sample": sample})).fetchall()
    return dict(rows)
