"""Routes of versions: what a tree would change before it is published, old versions, where a segment is used, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter

from antiphon.awareness.segments import store, versions
from antiphon.awareness.segments.explain import SegmentWhy, masked, why, why_tree
from antiphon.awareness.segments.model import Node
from antiphon.awareness.segments.shown import PathId, SegmentItem, item
from antiphon.awareness.segments.store import SegmentVersion
from antiphon.awareness.segments.versions import MembersDiff, SegmentUses
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Page, get, post
from antiphon.foundation.principal import Principal

Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
PathVersion = Annotated[int, Parameter(ge=1, le=2**31 - 1)]


class DiffBody(Body, frozen=True, kw_only=True):
    """A tree that is not saved, or a version, to compare with the published tree, or with the version `against`."""

    tree: Node | None = None
    version: Version | None = None
    against: Version | None = None
    sample: Annotated[int, msgspec.Meta(ge=0, le=50)] = 5


class WhyBody(Body, frozen=True, kw_only=True):
    """A tree that is not saved, and a customer."""

    tree: Node
    profile_id: Annotated[int, msgspec.Meta(ge=1, le=2**32 - 1)]


@post("/v1/segments/why", permission="segments:read", status=200, problems=(404,))
async def explain_tree(ctx: Context, who: Principal, data: WhyBody) -> SegmentWhy:
    """Why a customer would be in a segment with this tree, or would not, with the facts that decide."""
    return await masked(ctx, who, await why_tree(ctx, data.tree, data.profile_id))


@get("/v1/segments/{segment_id:int}/why/{profile_id:int}", permission="segments:read", problems=(404,))
async def explain(ctx: Context, who: Principal, segment_id: PathId, profile_id: PathId) -> SegmentWhy:
    """Why a customer is in a segment, or is not, with the facts that decided."""
    return await masked(ctx, who, await why(ctx, segment_id, profile_id))


@post("/v1/segments/{segment_id:int}/diff", permission="segments:read", status=200, problems=(404, 409))
async def compare(ctx: Context, who: Principal, segment_id: PathId, data: DiffBody) -> MembersDiff:
    """Who would enter, leave and stay, and what differs between the trees; both are worked out at this instant."""
    return await versions.compare(
        ctx, who, segment_id, tree=data.tree, version=data.version, against=data.against, sample=data.sample
    )


@get("/v1/segments/{segment_id:int}/versions", permission="segments:read", problems=(404,))
async def read_versions(ctx: Context, segment_id: PathId) -> Page[SegmentVersion]:
    """Every tree the segment had, latest first."""
    async with ctx.db.connection() as conn:
        await store.find_segment(conn, segment_id)
        return Page(items=await store.list_versions(conn, segment_id))


@post(
    "/v1/segments/{segment_id:int}/versions/{version:int}/restore",
    permission="segments:write",
    status=200,
    problems=(404, 409),
)
async def restore_version(ctx: Context, who: Principal, segment_id: PathId, version: PathVersion) -> SegmentItem:
    """Publish an old version's tree again, as the next version."""
    return item(await versions.restore_version(ctx, who, segment_id, version), ctx.clock.now())


@get("/v1/segments/{segment_id:int}/uses", permission="segments:read", problems=(404,))
async def read_uses(ctx: Context, segment_id: PathId) -> SegmentUses:
    """Which segments use this one, directly or through others, and which it uses itself."""
    return await versions.uses(ctx, segment_id)


ROUTES = (explain_tree, explain, compare, read_versions, restore_version, read_uses)
