"""Routes of events: the Segment surface, the stream as the console sees it, rejects and sources."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.params import Parameter

from antiphon.awareness.events import service
from antiphon.awareness.events.errors import NoSuchReject
from antiphon.awareness.events.model import (
    EventNameShown,
    EventShown,
    IssuedWriteKey,
    Live,
    Rejects,
    SourceShown,
    masked_events,
)
from antiphon.awareness.events.receive import PATHS, Receiver, receive_call
from antiphon.awareness.profiles import names_of, secret_traits
from antiphon.foundation.context import Context
from antiphon.foundation.http import PUBLIC, Body, Cursor, Limit, Page, get, hot, post
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import Principal

PathId = Annotated[int, Parameter(ge=1, le=4294967295)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=4294967295)]
RowId = Annotated[int, Parameter(ge=1, le=2**53)]
Words = Annotated[str | None, Parameter(max_length=255)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")]


class NewSource(Body, frozen=True, kw_only=True):
    """Something that will send events: a site, an app, a billing system."""

    name: Name


class ReplayRejects(Body, frozen=True, kw_only=True):
    """Which rejects to replay; all that wait when `ids` is absent."""

    ids: Annotated[list[int], msgspec.Meta(min_length=1, max_length=5000)] | None = None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many rejects were put back into the journal."""

    replayed: int


def _operation(call: str) -> Operation:
    batch = call == "batch"
    calls: dict[str, Schema | Reference] = {"batch": Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT))}
    answer = Schema(type=OpenAPIType.OBJECT, properties={"success": Schema(type=OpenAPIType.BOOLEAN)})
    said = {
        "200": "Durable", "400": "The call breaks a rule; `field` names the field", "401": "No write key in force",
        "413": "An event may be 32 KB, a batch 500 KB", "503": "Not taken; send it again after Retry-After",
    }  # fmt: skip
    return Operation(
        tags=["events"],
        operation_id=f"events_{call}",
        summary=f"Take {'many calls' if batch else f'one {call} call'} of the Segment HTTP spec",
        security=[{"write_key": []}],
        request_body=RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(
                    schema=Schema(
                        type=OpenAPIType.OBJECT, properties=calls if batch else None, required=["batch"] if batch else None
                    )
                )
            },
        ),
        responses={
            code: OpenAPIResponse(
                description=text,
                content={"application/json": OpenAPIMediaType(schema=answer)} if code == "200" else None,
            )
            for code, text in said.items()
        },
    )


def _receiver(call: str) -> object:
    shown = len(call) > 1 and call != "import"  # the others are the same by a name some libraries use
    document = {"POST": _operation(call)} if shown else None
    swift = None if PATHS[call] == "metrics" else partial(Receiver, call)
    return hot(f"/v1/{call}", permission=PUBLIC, document=document, swift=swift)(receive_call)


async def _named(conn: Connection, who: Principal, items: list[EventShown]) -> list[EventShown]:
    names = await names_of(conn, who, [one.profile_id for one in items if one.profile_id])
    return [msgspec.structs.replace(one, customer=names.get(one.profile_id or 0)) for one in items]


@get("/v1/events", permission="events:read")
async def list_events(
    ctx: Context,
    who: Principal,
    name: Words = None,
    kind: Words = None,
    source: MaybeId = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[EventShown]:
    """The latest events of all customers, newest first; a filter looks through the latest 20,000 of each lane."""
    async with ctx.db.connection() as conn:
        items, following = await service.recent_events(conn, cursor, limit, name=name, kind=kind, source=source)
        items = await _named(conn, who, items)
        secret = await secret_traits(conn, who)
    return Page(items=masked_events(items, secret), next=following)


@get("/v1/events/live", permission="events:read")
async def live_events(ctx: Context, who: Principal, name: Words = None, after: Cursor = None, limit: Limit = 50) -> Live:
    """What arrived since `after`: ask again each second or so."""
    async with ctx.db.connection() as conn:
        items, place = await service.live_events(conn, after, limit, name=name)
        items = await _named(conn, who, items)
        secret = await secret_traits(conn, who)
    return Live(items=masked_events(items, secret), after=place)


@get("/v1/events/names", permission="events:read")
async def list_names(ctx: Context, q: Words = None, limit: Limit = 100) -> list[EventNameShown]:
    """Names of events seen, latest first, with the types of their properties."""
    async with ctx.db.connection() as conn:
        return await service.event_names(conn, q, limit)


@get("/v1/profiles/{profile_id:int}/timeline", permission="profiles:read")
async def read_timeline(
    ctx: Context, who: Principal, profile_id: PathId, cursor: Cursor = None, limit: Limit = 50
) -> Page[EventShown]:
    """Everything that happened with a customer, newest first, merged profiles included.

    Beside events it has merges (kind `merge`) and, for those with `consent:read`, the consent ledger (kind `consent`).
    """
    items, following = await service.timeline(ctx, profile_id, cursor, limit, consents=who.may("consent:read"))
    async with ctx.db.connection() as conn:
        secret = await secret_traits(conn, who)
    return Page(items=masked_events(items, secret), next=following)


@get("/v1/rejects", permission="events:read")
async def list_rejects(
    ctx: Context, code: Words = None, waiting: bool | None = None, cursor: Cursor = None, limit: Limit = 50
) -> Rejects:
    """Calls that could not be understood, newest first, each with its reason."""
    async with ctx.db.connection() as conn:
        return await service.list_rejects(conn, cursor, limit, code, waiting)


@post("/v1/rejects/{reject_id:int}/replay", permission="events:manage", status=200)
async def replay_reject(ctx: Context, who: Principal, reject_id: RowId) -> Replayed:
    """Put one reject back into the journal."""
    if not (replayed := await service.replay_rejects(ctx, who, [reject_id])):
        raise NoSuchReject
    return Replayed(replayed=replayed)


@post("/v1/rejects/replay", permission="events:manage", status=200)
async def replay_rejects(ctx: Context, who: Principal, data: ReplayRejects) -> Replayed:
    """Put rejects back into the journal."""
    return Replayed(replayed=await service.replay_rejects(ctx, who, data.ids))


@get("/v1/sources", permission="events:read")
async def list_sources(ctx: Context) -> list[SourceShown]:
    """What sends events, with its write keys (never the keys themselves)."""
    async with ctx.db.connection() as conn:
        return await service.list_sources(conn)


@post("/v1/sources", permission="events:manage", problems=(409,))
async def add_source(ctx: Context, who: Principal, data: NewSource) -> IssuedWriteKey:
    """A new source and its write key, shown this once."""
    async with ctx.db.transaction() as conn:
        return await service.add_source(ctx, conn, who, data.name)


@post("/v1/sources/{source_id:int}/keys", permission="events:manage")
async def add_write_key(ctx: Context, who: Principal, source_id: PathId) -> IssuedWriteKey:
    """Another write key of a source, shown this once; revoke the old one among the keys."""
    async with ctx.db.transaction() as conn:
        return await service.add_write_key(conn, who, source_id)


ROUTES = (
    *(_receiver(call) for call in PATHS),
    list_events, live_events, list_names, read_timeline, list_rejects, replay_reject, replay_rejects, list_sources,
    add_source, add_write_key,
)  # fmt: skip
