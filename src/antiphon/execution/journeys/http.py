"""Routes of journeys' definitions: written, checked, published, rolled back, paused, finished."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.params import Parameter, QueryParameter

from antiphon.execution.journeys import definitions, diff, publishing, service
from antiphon.execution.journeys.checking import understood
from antiphon.execution.journeys.findings import spoken
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition, Finding, JourneyState
from antiphon.execution.journeys.moving import moves
from antiphon.execution.journeys.shown import Journey, JourneyItem, Moving, Preview, Queued, Treatment, Version, VersionHead
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, patch, post, put
from antiphon.foundation.principal import Principal
from antiphon.foundation.words import language_of

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Number = Annotated[int, Parameter(ge=1, le=2**31 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Description = Annotated[str, msgspec.Meta(max_length=4000)]
Revision = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class NewJourney(Body, frozen=True, kw_only=True):
    """A new draft: empty, a definition, or one that begins as another journey's draft (`copy_of`)."""

    name: Name
    description: Description = ""
    definition: Definition | None = None
    copy_of: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None


class JourneyChange(Body, frozen=True, kw_only=True):
    """What is to change of it; a journey nobody is in can be put away (`archived`), and taken out again."""

    name: Name | None = None
    description: Description | None = None
    archived: bool | None = None


class DraftBody(Body, frozen=True, kw_only=True):
    """A draft, and the revision it was made from: another one meanwhile is a conflict."""

    definition: Definition
    revision: Revision


class CheckBody(Body, frozen=True, kw_only=True):
    """A definition that is not saved; without one the draft is checked."""

    definition: Definition | None = None


class PublishBody(Body, frozen=True, kw_only=True):
    """The draft of this revision goes live; what becomes of the people inside."""

    revision: Revision
    treatment: Treatment
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class PreviewBody(Body, frozen=True, kw_only=True):
    """What would become of the people inside."""

    treatment: Treatment


class RollbackBody(Body, frozen=True, kw_only=True):
    """The version to be live again; without a treatment people move back the way they came."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    treatment: Treatment | None = None


class FinishBody(Body, frozen=True, kw_only=True):
    """Whether the people inside go on to their end, or all leave now; and then, whether what waits to be said to them is said."""

    people: Literal["go_on", "end"] = "go_on"
    queued: Queued = "say"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, errors first; with none it can go live. ``exits``: the ways on of each step that is understood."""

    findings: list[Finding]
    errors: int
    exits: dict[str, list[str]]


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, newest first, and what became of the people inside each time one went live."""

    items: list[VersionHead]
    moves: list[Moving]


@get("/v1/journeys", permission="journeys:read")
async def list_journeys(
    ctx: Context,
    in_state: Annotated[JourneyState | None, QueryParameter(name="state")] = None,
    text: Annotated[str | None, Parameter(max_length=200, description="Part of the name")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[JourneyItem]:
    """Journeys, newest first; those that were put away only when asked for."""
    after = decode_cursor(cursor, int)
    before = int(after[0] or 0) if after else None
    async with ctx.db.connection() as conn:
        today = ctx.clock.now().date()
        rows = await definitions.list_journeys(conn, before=before, state=in_state, text=text, limit=limit + 1, today=today)
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@post("/v1/journeys", permission="journeys:write", problems=(404,))
async def add_journey(ctx: Context, who: Principal, data: NewJourney) -> Journey:
    """A new draft."""
    async with ctx.db.transaction() as conn:
        if data.copy_of is not None:
            return await service.copy_journey(ctx, conn, who, data.copy_of, name=data.name)
        draft = data.definition or Definition()
        return await service.add_journey(ctx, conn, who, name=data.name, description=data.description, draft=draft)


@get("/v1/journeys/{journey_id:int}", permission="journeys:read")
async def read_journey(ctx: Context, journey_id: Id) -> Journey:
    """One journey with its draft."""
    async with ctx.db.connection() as conn:
        return await service.find(conn, journey_id)


@patch("/v1/journeys/{journey_id:int}", permission="journeys:write", problems=(409,))
async def change_journey(ctx: Context, who: Principal, journey_id: Id, data: JourneyChange) -> Journey:
    """Another name or description; put it away, or take it out again."""
    async with ctx.db.transaction() as conn:
        if data.archived is False:
            await service.archive(ctx, conn, who, journey_id, away=False)
        if data.name is not None or data.description is not None:
            await service.rename(ctx, conn, who, journey_id, name=data.name, description=data.description)
        if data.archived:
            await service.archive(ctx, conn, who, journey_id, away=True)
        return await service.find(conn, journey_id)


@delete("/v1/journeys/{journey_id:int}", permission="journeys:write", problems=(409,))
async def delete_journey(ctx: Context, who: Principal, journey_id: Id) -> None:
    """Remove a draft that never went live."""
    async with ctx.db.transaction() as conn:
        await service.delete_journey(ctx, conn, who, journey_id)


@put("/v1/journeys/{journey_id:int}/draft", permission="journeys:write", problems=(409,))
async def save_draft(ctx: Context, who: Principal, journey_id: Id, data: DraftBody) -> Journey:
    """Save the draft, finished or not, over the revision it was made from."""
    async with ctx.db.transaction() as conn:
        return await service.save_draft(ctx, conn, who, journey_id, draft=data.definition, revision=data.revision)


@post("/v1/journeys/{journey_id:int}/check", permission="journeys:read", status=200)
async def check_journey(request: Request[Any, Any, Any], ctx: Context, journey_id: Id, data: CheckBody) -> Findings:
    """What is wrong with a definition. Writes nothing."""
    async with ctx.db.connection() as conn:
        one = await service.find(conn, journey_id)
        definition = data.definition or one.draft
        found = await service.check_definition(ctx, conn, definition, journey_id)
    shown = spoken(found, language_of(request.headers.get("accept-language")))
    exits = {key: list(step.exits) for key, step in understood(definition, installed()).items()}
    return Findings(findings=shown, errors=len(service.errors_of(found)), exits=exits)


@post("/v1/journeys/{journey_id:int}/publish/preview", permission="journeys:read", status=200)
async def preview_publish(request: Request[Any, Any, Any], ctx: Context, journey_id: Id, data: PreviewBody) -> Preview:
    """What publishing the draft would do to the people inside, step by step. Writes nothing."""
    async with ctx.db.connection() as conn:
        seen = await publishing.preview(ctx, conn, journey_id, data.treatment)
    shown = spoken(seen.findings, language_of(request.headers.get("accept-language")))
    return msgspec.structs.replace(seen, findings=shown)


@post("/v1/journeys/{journey_id:int}/publish", permission="journeys:publish", status=200, problems=(409,))
async def publish_journey(ctx: Context, who: Principal, journey_id: Id, data: PublishBody) -> Journey:
    """Freeze the draft as a version and let it go live.

    People inside stay on their version, leave, or move: to the step of the same key, or where the map leads. A map that says
    nothing of a step where people are is refused with the steps and how many people. They are moved in the background.
    """
    async with ctx.db.transaction() as conn:
        return await publishing.publish(
            ctx, conn, who, journey_id, revision=data.revision, note=data.note, treatment=data.treatment
        )


@post("/v1/journeys/{journey_id:int}/rollback/preview", permission="journeys:read", status=200, problems=(409,))
async def preview_rollback(ctx: Context, journey_id: Id, data: RollbackBody) -> Preview:
    """What going back to a version would do to the people inside, step by step; `map` is the way back. Writes nothing."""
    async with ctx.db.connection() as conn:
        return await publishing.preview_back(ctx, conn, journey_id, number=data.version, treatment=data.treatment)


@post("/v1/journeys/{journey_id:int}/rollback", permission="journeys:publish", status=200, problems=(409,))
async def roll_back(ctx: Context, who: Principal, journey_id: Id, data: RollbackBody) -> Journey:
    """Let an earlier version be live again."""
    async with ctx.db.transaction() as conn:
        return await publishing.roll_back(ctx, conn, who, journey_id, number=data.version, treatment=data.treatment)


@post("/v1/journeys/{journey_id:int}/pause", permission="journeys:publish", status=200, problems=(409,))
async def pause_journey(ctx: Context, who: Principal, journey_id: Id) -> Journey:
    """Nobody moves on until it is resumed, and nothing more is said of what was handed to delivery."""
    async with ctx.db.transaction() as conn:
        return await service.pause(ctx, conn, who, journey_id)


@post("/v1/journeys/{journey_id:int}/resume", permission="journeys:publish", status=200, problems=(409,))
async def resume_journey(ctx: Context, who: Principal, journey_id: Id) -> Journey:
    """Go on where it was paused."""
    async with ctx.db.transaction() as conn:
        return await service.resume(ctx, conn, who, journey_id)


@post("/v1/journeys/{journey_id:int}/finish", permission="journeys:publish", status=200, problems=(409,))
async def finish_journey(ctx: Context, who: Principal, journey_id: Id, data: FinishBody) -> Journey:
    """Nobody comes in any more; those inside go on to their end, or all leave now."""
    async with ctx.db.transaction() as conn:
        return await service.finish(ctx, conn, who, journey_id, people=data.people, queued=data.queued)


@get("/v1/journeys/{journey_id:int}/versions", permission="journeys:read")
async def list_versions(ctx: Context, journey_id: Id) -> Versions:
    """All that was ever live, newest first."""
    async with ctx.db.connection() as conn:
        await service.find(conn, journey_id)
        return Versions(items=await definitions.list_versions(conn, journey_id), moves=await moves(conn, journey_id))


@get("/v1/journeys/{journey_id:int}/versions/{number:int}", permission="journeys:read")
async def read_version(ctx: Context, journey_id: Id, number: Number) -> Version:
    """One version as it was frozen."""
    async with ctx.db.connection() as conn:
        return await service.version(conn, journey_id, number)


@get("/v1/journeys/{journey_id:int}/diff", permission="journeys:read")
async def read_diff(
    ctx: Context,
    journey_id: Id,
    before: Annotated[int | None, QueryParameter(name="from", ge=1, le=2**31 - 1, description="By default what is live")] = None,
    after: Annotated[int | None, QueryParameter(name="to", ge=1, le=2**31 - 1, description="By default the draft")] = None,
) -> diff.Difference:
    """What changed between two versions, or between what is live and the draft."""
    async with ctx.db.connection() as conn:
        one = await service.find(conn, journey_id)
        first = before or one.live_version
        old = Definition() if first is None else (await service.version(conn, journey_id, first)).definition
        new = one.draft if after is None else (await service.version(conn, journey_id, after)).definition
    return diff.difference(old, new)


ROUTES = [
    list_journeys, add_journey, read_journey, change_journey, delete_journey, save_draft, check_journey, preview_publish,
    publish_journey, preview_rollback, roll_back, pause_journey, resume_journey, finish_journey, list_versions, read_version,
    read_diff,
]  # fmt: skip
