"""Routes of segments: the builder's catalogue and preview, segments, their members, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.awareness.segments import lists, lookup_http, service, sets_http, store, versions_http
from antiphon.awareness.segments.catalogue import Catalogue, Catalogues
from antiphon.awareness.segments.errors import SegmentNotFound
from antiphon.awareness.segments.membership import members
from antiphon.awareness.segments.model import Node
from antiphon.awareness.segments.service import CustomerCard, SegmentPreview
from antiphon.awareness.segments.shown import Name, PathId, SegmentItem, Text, item
from antiphon.awareness.segments.store import Announce, State
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, post, put
from antiphon.foundation.principal import Principal

MOST_SHOWN = 100
Ids = Annotated[list[Annotated[int, msgspec.Meta(ge=1, lt=2**32)]], msgspec.Meta(max_length=100_000)]


class SegmentBody(Body, frozen=True, kw_only=True):
    """A segment as people write it. Without a tree it is a static list, whose members are put in by hand.

    `announce` says which entering and leaving become events of the customer: `changes` (all but the members it has when
    it is made), `everyone` (these, too), or `never`.
    """

    name: Name
    description: Text = ""
    tree: Node | None = None
    announce: Announce = "changes"


class PreviewBody(Body, frozen=True, kw_only=True):
    """A tree that is not saved."""

    tree: Node
    sample: Annotated[int, msgspec.Meta(ge=0, le=50)] = 10


class NamedPeople(Body, frozen=True, kw_only=True):
    """People by identities of one kind, such as `email`."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    values: Annotated[list[Annotated[str, msgspec.Meta(max_length=320)]], msgspec.Meta(max_length=20_000)]


class ListBody(Body, frozen=True, kw_only=True):
    """Profiles to add to a static list, by id or by identity, and to remove from it; `replace` leaves those added alone in it."""

    add: Ids = []
    named: NamedPeople | None = None
    remove: Ids = []
    replace: bool = False


class ListChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The list's size now, how many ids and identities were nobody's, and some of those identities as they were given."""

    size: int
    unknown: int
    unknown_values: list[str] = []


@get("/v1/segments", permission="segments:read")
async def list_segments(
    ctx: Context,
    search: Annotated[str | None, Parameter(max_length=200, description="Part of the name or description")] = None,
    in_state: Annotated[State, QueryParameter(name="state")] = "active",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[SegmentItem]:
    """Segments by name."""
    after = decode_cursor(cursor, str, int)
    like = None if not search else "%" + search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    place = (str(after[0]), int(after[1] or 0)) if after else None
    async with ctx.db.connection() as conn:
        rows = await store.list_segments(conn, state=in_state, search=like, after=place, limit=limit + 1)
        total = await store.count_segments(conn, state=in_state, search=like)
    more = encode_cursor(rows[limit - 1].name.lower(), rows[limit - 1].id) if len(rows) > limit else None
    now = ctx.clock.now()
    return Page(items=[item(row, now) for row in rows[:limit]], next=more, total=total)


@post("/v1/segments", permission="segments:write", problems=(409,))
async def create_segment(ctx: Context, who: Principal, data: SegmentBody) -> SegmentItem:
    """Make a segment. It is in force at once; its members follow within seconds (`refreshing`)."""
    row = await service.publish(
        ctx, who, name=data.name.strip(), description=data.description, tree=data.tree, announce=data.announce
    )
    return item(row, ctx.clock.now())


@get("/v1/segments/catalogue", permission="segments:read")
async def read_catalogue(ctx: Context) -> Catalogue:
    """What a segment can be built from: traits with types and frequent values, event names and properties."""
    return await ctx.get(Catalogues).read()


@post("/v1/segments/preview", permission="segments:read", status=200)
async def preview_segment(ctx: Context, who: Principal, data: PreviewBody) -> SegmentPreview:
    """How many a tree means now, and some of them, evenly chosen."""
    return await service.preview(ctx, who, data.tree, sample=data.sample)


@get("/v1/segments/{segment_id:int}", permission="segments:read", problems=(404,))
async def read_segment(ctx: Context, segment_id: PathId) -> SegmentItem:
    """One segment."""
    async with ctx.db.connection() as conn:
        return item(await store.find_segment(conn, segment_id), ctx.clock.now())


@put("/v1/segments/{segment_id:int}", permission="segments:write", problems=(404, 409))
async def change_segment(ctx: Context, who: Principal, segment_id: PathId, data: SegmentBody) -> SegmentItem:
    """Change a segment; another tree becomes its next version."""
    row = await service.change(
        ctx, who, segment_id, name=data.name.strip(), description=data.description, tree=data.tree, announce=data.announce
    )
    return item(row, ctx.clock.now())


@delete("/v1/segments/{segment_id:int}", permission="segments:write", problems=(404, 409))
async def archive_segment(ctx: Context, who: Principal, segment_id: PathId) -> None:
    """Archive a segment: it is kept, but worked out no more."""
    await service.archive(ctx, who, segment_id)


@post("/v1/segments/{segment_id:int}/restore", permission="segments:write", status=200, problems=(404, 409))
async def restore_segment(ctx: Context, who: Principal, segment_id: PathId) -> SegmentItem:
    """Bring an archived segment back."""
    return item(await service.restore(ctx, who, segment_id), ctx.clock.now())


@post("/v1/segments/{segment_id:int}/refresh", permission="segments:write", status=200, problems=(404, 409))
async def refresh_segment(ctx: Context, segment_id: PathId) -> SegmentItem:
    """Work out the members now, and answer when they are stored."""
    async with ctx.db.connection() as conn:
        await store.find_segment(conn, segment_id)
    rows = await service.refresh(ctx, [segment_id], timeout=60)
    if not rows:
        raise SegmentNotFound(id=segment_id)
    return await read_again(ctx, segment_id)


async def read_again(ctx: Context, segment_id: int) -> SegmentItem:
    """The segment as it is stored now."""
    async with ctx.db.connection() as conn:
        return item(await store.find_segment(conn, segment_id), ctx.clock.now())


@get("/v1/segments/{segment_id:int}/members", permission="segments:read", problems=(404,))
async def read_members(
    ctx: Context, who: Principal, segment_id: PathId, cursor: Cursor = None, limit: Limit = 50
) -> Page[CustomerCard]:
    """The members as of the last refresh, by id."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        await store.find_segment(conn, segment_id)
        people = await members(conn, segment_id)
    first = people.rank(int(after[0] or 0)) if after else 0
    ids = list(people[first : first + limit])
    more = encode_cursor(ids[-1]) if ids and first + limit < len(people) else None
    return Page(items=await service.cards(ctx, who, ids), next=more, total=len(people))


@put("/v1/segments/{segment_id:int}/members", permission="segments:write", problems=(404, 409))
async def change_members(ctx: Context, who: Principal, segment_id: PathId, data: ListBody) -> ListChanged:
    """Change the members of a static list."""
    named, nobody = {}, list[str]()
    if data.named is not None:
        named = await lists.whose(ctx, data.named.kind, data.named.values)
        nobody = [value for value in dict.fromkeys(data.named.values) if value not in named]
    add = [*data.add, *named.values()]
    row, unknown = await lists.list_members(ctx, who, segment_id, add=add, remove=data.remove, replace=data.replace)
    return ListChanged(size=row.size, unknown=unknown + len(nobody), unknown_values=nobody[:MOST_SHOWN])


ROUTES = (
    list_segments, create_segment, read_catalogue, preview_segment, read_segment, change_segment, archive_segment,
    restore_segment, refresh_segment, read_members, change_members,
    *sets_http.ROUTES, *versions_http.ROUTES, *lookup_http.ROUTES,
)  # fmt: skip
