"""The room's verbs: templates are written, published, previewed and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
import nh3

from antiphon.awareness.profiles import secret_traits
from antiphon.execution.channels import Capabilities, Channels, ChannelUnknown, Rendered, Size
from antiphon.execution.content import check, store
from antiphon.execution.content.compile import CompiledTemplate, compile_source
from antiphon.execution.content.errors import (
    NothingToPublish,
    RenderFailed,
    TemplateHasErrors,
    TemplateInvalid,
    TemplateNameTaken,
    TemplateUnknown,
    TemplateVersionUnknown,
)
from antiphon.execution.content.model import Finding, Link, Part, Render, Sample, Source, TraitUse
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import UniqueViolation
from antiphon.foundation.principal import Principal

SAMPLE = 1_000  # profiles looked at for missing traits


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A template as one person would get it; ``html`` is cleaned of everything active, for showing in the console."""

    subject: str
    html: str | None
    text: str
    size: int
    parts: Size | None = None  # where the channel is paid by the part; links as long as they will be


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; ``ready`` is whether it may be published."""

    ready: bool
    findings: list[Finding]
    traits: list[TraitUse]
    links: list[Link]
    sampled: int
    parts: Size | None = None


async def add_template(ctx: Context, who: Principal, *, channel: str, name: str, source: Source) -> store.VersionRow:
    """A new template with its first draft. Raises `TemplateNameTaken`; a draft may still be wrong."""
    async with ctx.db.transaction() as conn:
        template_id = await store.insert_template(conn, channel=channel, name=name, now=ctx.clock.now())
        if template_id is None:
            raise TemplateNameTaken(name=name, field="name")
        version = await store.save_draft(conn, template_id, source, who=who.name, now=ctx.clock.now())
        await audit(conn, who, action="content.add", subject=f"template:{template_id}", before=None, after={"name": name})
        row = await store.find_version(conn, version)
    assert row is not None
    return row


async def change_template(
    ctx: Context, who: Principal, template_id: int, *, name: str, source: Source, archived: bool = False
) -> store.VersionRow:
    """Write the draft, a new one if the last was published. Raises `TemplateUnknown`, `TemplateNameTaken`."""
    async with ctx.db.transaction() as conn:
        if not await store.lock_template(conn, template_id):
            raise TemplateUnknown(template=template_id)
        old = await store.find_template(conn, template_id)
        try:
            await store.rename_template(conn, template_id, name=name, archived=archived, now=ctx.clock.now())
        except UniqueViolation as taken:
            raise TemplateNameTaken(name=name, field="name") from taken
        version = await store.save_draft(conn, template_id, source, who=who.name, now=ctx.clock.now())
        await audit(
            conn,
            who,
            action="content.change",
            subject=f"template:{template_id}",
            before={"name": old.name if old else None},
            after={"name": name, "version": version, "archived": archived},
        )
        row = await store.find_version(conn, version)
    assert row is not None
    return row


async def publish_template(ctx: Context, who: Principal, template_id: int) -> store.VersionRow:
    """Make the draft final and give its links their rows.

    Raises `TemplateUnknown`, `NothingToPublish`, `TemplateInvalid`, and `TemplateHasErrors` with what a check refuses.
    """
    async with ctx.db.transaction() as conn:
        if not await store.lock_template(conn, template_id):
            raise TemplateUnknown(template=template_id)
        draft = await store.find_draft(conn, template_id)
        if draft is None:
            raise NothingToPublish()
        compiled = compile_source(draft.source)
        template = await store.find_template(conn, template_id)
        carrier = _carrier(ctx, template.channel if template else "email")
        errors = [f for f in check.findings(draft.source, compiled, {}, carrier=carrier) if f.severity == "error"]
        if errors:
            raise TemplateHasErrors(errors="; ".join(f.detail for f in errors), field=errors[0].part)
        await store.publish_version(conn, draft.id, who=who.name, now=ctx.clock.now())
        if compiled.urls:
            await store.insert_links(conn, draft.id, compiled.urls)
        await audit(
            conn,
            who,
            action="content.publish",
            subject=f"template:{template_id}",
            before=None,
            after={"version": draft.id, "number": draft.number},
        )
        row = await store.find_version(conn, draft.id)
    assert row is not None
    return row


async def read_version(ctx: Context, version_id: int) -> store.VersionRow:
    """One version with its source. Raises `TemplateVersionUnknown`."""
    async with ctx.db.connection() as conn:
        row = await store.find_version(conn, version_id)
    if row is None:
        raise TemplateVersionUnknown(version=version_id)
    return row


async def preview(
    ctx: Context,
    who: Principal,
    source: Source,
    profile_id: int | None,
    traits: Mapping[str, Any] | None,
    extra: Mapping[str, Any],
    channel: str = "email",
) -> Preview:
    """A source as one person would get it. Raises `TemplateInvalid`, `RenderFailed`, `RenderLimit`."""
    compiled = _numbered(compile_source(source))
    person = dict(traits or {})
    if profile_id is not None:
        async with ctx.db.connection() as conn:
            known = await store.traits_of(conn, profile_id)
            secret = await secret_traits(conn, who)
        if known is None:
            raise RenderFailed(why=f"there is no customer {profile_id}", field="profile_id")
        person = {name: value for name, value in known.items() if name not in secret} | person
    rendered = compiled.render(Render(traits=person, now=ctx.clock.now(), extra=extra))
    sized = compiled.render(Render(traits=person, now=ctx.clock.now(), extra=extra), Sample(ctx.settings.base_url))
    return Preview(
        subject=rendered.subject,
        html=None if rendered.html is None else clean(rendered.html),
        text=rendered.text,
        size=_size(rendered),
        parts=_parts(ctx, channel, sized.text),
    )


_PARTS: Mapping[str, Part] = {part: part for part in get_args(Part)}


async def check_source(ctx: Context, source: Source, channel: str = "email") -> Checked:
    """Everything worth knowing before sending. What does not compile is a finding, not an error."""
    try:
        compiled = _numbered(compile_source(source))
    except TemplateInvalid as bad:
        finding = Finding(code=bad.code, severity="error", detail=bad.why, part=_PARTS.get(bad.part, "body"), line=bad.line)
        return Checked(ready=False, findings=[finding], traits=[], links=[], sampled=0)
    uses = check.used_traits(compiled)
    async with ctx.db.connection() as conn:
        shares = await store.missing_shares(conn, [use.name for use in uses], SAMPLE) if uses else {}
    found = check.findings(source, compiled, shares, carrier=_carrier(ctx, channel))
    size = None
    try:
        sized = compiled.render(Render(traits={}, now=ctx.clock.now()), Sample(ctx.settings.base_url))
        size = _parts(ctx, channel, sized.text)
        found += check.size_findings(size) if size is not None else []
    except RenderFailed as failed:
        found.append(Finding(code=failed.code, severity="error", detail=failed.detail))
    return Checked(
        ready=not any(f.severity == "error" for f in found),
        findings=found,
        traits=[msgspec.structs.replace(use, missing_share=shares.get(use.name)) for use in uses],
        links=list(compiled.links),
        sampled=SAMPLE,
        parts=size,
    )


def _numbered(compiled: CompiledTemplate) -> CompiledTemplate:
    """Its links named as if it were published, so that they are as long as they will be."""
    return compiled.with_links({url: n for n, url in enumerate(compiled.urls)})


def _carrier(ctx: Context, channel: str) -> Capabilities | None:
    """What a channel can do; None for one that is not installed (any more)."""
    try:
        return ctx.get(Channels).of(channel).manifest.capabilities
    except ChannelUnknown:
        return None


def _parts(ctx: Context, channel: str, text: str) -> Size | None:
    try:
        return ctx.get(Channels).measure(channel, text)
    except ChannelUnknown:
        return None


_BODY = re.compile(r"<(/?)body(?=[\s/>])", re.IGNORECASE)
_TAGS = nh3.ALLOWED_TAGS | {"style", "center", "font", "html", "head", "body", "section", "main", "header", "footer"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "class", "id", "align", "valign", "width", "height", "bgcolor", "border", "cellpadding", "cellspacing",
          "role", "dir", "lang", "title", "color", "face", "size"},
}  # fmt: skip


def clean(html: str) -> str:
    """HTML without anything active, for the console's preview (which also shows it in a sandboxed frame).

    The cleaner drops the body's own tag, and with it the mail's background and letters; a block in its place keeps them.
    """
    return nh3.clean(
        _BODY.sub(r"<\1div", html),
        tags=_TAGS,
        clean_content_tags={"script", "title"},
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer",
    )


def _size(rendered: Rendered) -> int:
    return len(rendered.text.encode()) + len((rendered.html or "").encode())
