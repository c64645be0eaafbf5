"""Routes of templates."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar.params import Parameter

from antiphon.execution.content import service, store
from antiphon.execution.content.errors import TemplateUnknown
from antiphon.execution.content.model import MAX_SOURCE, Format, Source
from antiphon.execution.content.service import Checked, Preview
from antiphon.foundation.context import Context
from antiphon.foundation.http import (
    Body,
    Cursor,
    Limit,
    Page,
    Principal,
    decode_cursor,
    encode_cursor,
    get,
    post,
    put,
)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_SOURCE)]
Subject = Annotated[str, msgspec.Meta(max_length=2000)]
PathId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MAX_BODY = 4 * MAX_SOURCE


class TemplateSource(Body, frozen=True, kw_only=True):
    """What an author writes; `text` null makes the plain-text part from the body."""

    format: Format = "html"
    subject: Subject
    preheader: Subject = ""
    body: Text
    text: Text | None = None

    @property
    def source(self) -> Source:
        """As the room's own type."""
        return Source(format=self.format, subject=self.subject, preheader=self.preheader, body=self.body, text=self.text)


class NewTemplate(TemplateSource, frozen=True, kw_only=True):
    """A template with its first draft."""

    name: Name
    channel: Channel = "email"


class ChangedTemplate(TemplateSource, frozen=True, kw_only=True):
    """A template as it shall be; its draft is written."""

    name: Name
    archived: bool = False


class PreviewRequest(TemplateSource, frozen=True, kw_only=True):
    """A source, and the customer to show it as; `traits` are laid over that customer's own."""

    profile_id: Annotated[int, msgspec.Meta(ge=1, le=4294967295)] | None = None
    channel: Channel = "email"
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class CheckRequest(TemplateSource, frozen=True, kw_only=True):
    """A source to check, for a channel."""

    channel: Channel = "email"


class TemplateItem(msgspec.Struct, frozen=True, kw_only=True):
    """A template with the source it now has: the draft if there is one, else the latest published version."""

    template: store.TemplateRow
    version: store.VersionRow


@get("/v1/templates", permission="content:read")
async def list_templates(
    ctx: Context,
    channel: str | None = None,
    search: Annotated[str | None, Parameter(max_length=200)] = None,
    archived: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[store.TemplateRow]:
    """Templates, newest first."""
    place = decode_cursor(cursor, int)
    before = int(place[0] or 0) if place else None
    async with ctx.db.connection() as conn:
        rows = await store.list_templates(conn, channel=channel, search=search, before=before, archived=archived, limit=limit + 1)
    return Page(items=rows[:limit], next=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


@post("/v1/templates", permission="content:write", max_body=MAX_BODY, problems=(409,))
async def add_template(ctx: Context, who: Principal, data: NewTemplate) -> TemplateItem:
    """A new template with its first draft."""
    row = await service.add_template(ctx, who, channel=data.channel, name=data.name, source=data.source)
    return await _item(ctx, row.template_id)


@get("/v1/templates/{template_id:int}", permission="content:read")
async def read_template(ctx: Context, template_id: PathId) -> TemplateItem:
    """One template with its source."""
    return await _item(ctx, template_id)


@put("/v1/templates/{template_id:int}", permission="content:write", max_body=MAX_BODY, problems=(409,))
async def change_template(ctx: Context, who: Principal, template_id: PathId, data: ChangedTemplate) -> TemplateItem:
    """Write a template's draft. Published versions stay as they are."""
    await service.change_template(ctx, who, template_id, name=data.name, source=data.source, archived=data.archived)
    return await _item(ctx, template_id)


@post("/v1/templates/{template_id:int}/publish", permission="content:publish", status=200, problems=(409,))
async def publish_template(ctx: Context, who: Principal, template_id: PathId) -> TemplateItem:
    """Make the draft final, so that campaigns can send it."""
    await service.publish_template(ctx, who, template_id)
    return await _item(ctx, template_id)


@get("/v1/templates/{template_id:int}/versions", permission="content:read")
async def list_versions(ctx: Context, template_id: PathId) -> list[store.VersionHead]:
    """Every version of a template, newest first."""
    async with ctx.db.connection() as conn:
        rows = await store.list_versions(conn, template_id)
    if not rows:
        raise TemplateUnknown(template=template_id)
    return rows


@get("/v1/template-versions/{version_id:int}", permission="content:read")
async def read_version(ctx: Context, version_id: PathId) -> store.VersionRow:
    """One version with its source."""
    return await service.read_version(ctx, version_id)


@post("/v1/templates/preview", permission="content:read", status=200, max_body=MAX_BODY)
async def preview_template(ctx: Context, who: Principal, data: PreviewRequest) -> Preview:
    """A source as a chosen customer would get it, without what is personal if that is not for the asker."""
    return await service.preview(ctx, who, data.source, data.profile_id, data.traits, data.extra, data.channel)


@post("/v1/templates/check", permission="content:read", status=200, max_body=MAX_BODY)
async def check_template(ctx: Context, data: CheckRequest) -> Checked:
    """Missing traits, broken links and other faults of a source."""
    return await service.check_source(ctx, data.source, data.channel)


async def _item(ctx: Context, template_id: int) -> TemplateItem:
    async with ctx.db.connection() as conn:
        template = await store.find_template(conn, template_id)
        if template is None:
            raise TemplateUnknown(template=template_id)
        version = await store.find_version(conn, template.draft_id or template.published_id or 0)
    if version is None:
        raise TemplateUnknown(template=template_id)
    return TemplateItem(template=template, version=version)


ROUTES = [
    list_templates,
    add_template,
    read_template,
    change_template,
    publish_template,
    list_versions,
    read_version,
    preview_template,
    check_template,
]
