"""Routes of customers: search, page, merges, export and erasure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import Parameter, QueryParameter

from antiphon.awareness.profiles import deciding, service
from antiphon.awareness.profiles.errors import SameProfile
from antiphon.awareness.profiles.model import ComparedPeople, ProfileShown, ProfileSummary, ProposalShown
from antiphon.awareness.profiles.privacy import masked, masked_names, secret_traits
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import Forbidden
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, delete, encode_cursor, get, post
from antiphon.foundation.principal import Principal

PathId = Annotated[int, Parameter(ge=1, le=4294967295)]
ProposalId = Annotated[int, Parameter(ge=1, le=2**53)]
Words = Annotated[str | None, Parameter(max_length=200, description="An id, e-mail, phone, name, or a word of a trait")]


class JobLeft(msgspec.Struct, frozen=True, kw_only=True):
    """Work that goes on; watch it at `/v1/jobs/{job_id}`."""

    job_id: int


class MergeInto(Body, frozen=True, kw_only=True):
    """Another profile that is the same person."""

    profile_id: Annotated[int, msgspec.Meta(ge=1, le=4294967295)]


class NewIdentity(Body, frozen=True, kw_only=True):
    """An identity: its kind, as `loyalty_card`, and its value."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class UndoneMerge(msgspec.Struct, frozen=True, kw_only=True):
    """The profile that is a person of its own again, and the one it was part of."""

    profile_id: int
    survivor_id: int


@get("/v1/profiles", permission="profiles:read")
async def list_profiles(
    ctx: Context, who: Principal, q: Words = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[ProfileSummary]:
    """Customers that fit the words, best first; without words the newest."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        secret = await secret_traits(conn, who)
        if q and q.strip():
            return Page(items=masked_names(await service.find_profiles(conn, q, limit, secret), secret))
        before = int(after[0] or 0) if after else None
        items = await service.list_profiles(conn, before, limit)
        total = await service.count_profiles(conn)
    following = encode_cursor(items[-1].id) if len(items) == limit else None
    return Page(items=masked_names(items, secret), next=following, total=total)


@get("/v1/profiles/{profile_id:int}", permission="profiles:read")
async def show_profile(ctx: Context, who: Principal, profile_id: PathId) -> ProfileShown:
    """A customer: traits, identities, groups and merges. The id of a merged-away profile shows its survivor."""
    async with ctx.db.connection() as conn:
        return masked(await service.show_profile(conn, profile_id), await secret_traits(conn, who))


@post("/v1/profiles/{profile_id:int}/export", permission="profiles:export", status=200)
async def export_profile(ctx: Context, who: Principal, profile_id: PathId) -> Response[dict[str, Any]]:
    """Everything known of a customer, by room, as one JSON file; for those only who may see all of it."""
    async with ctx.db.connection() as conn:
        if await secret_traits(conn, who):
            raise Forbidden("an export has what is personal, too: it needs the permission profiles:personal")
    content = await service.export_person(ctx, who, profile_id)
    headers = {"content-disposition": f'attachment; filename="customer-{profile_id}.json"', "cache-control": "no-store"}
    return Response(content, headers=headers)


@delete("/v1/profiles/{profile_id:int}", permission="profiles:erase", status=202)
async def erase_profile(ctx: Context, who: Principal, profile_id: PathId) -> JobLeft:
    """Erase a customer everywhere; this cannot be undone."""
    async with ctx.db.transaction() as conn:
        return JobLeft(job_id=await service.ask_erasure(ctx, conn, who, profile_id))


@post("/v1/profiles/{profile_id:int}/merge", permission="profiles:write", status=200, problems=(409,))
async def merge_profile(ctx: Context, who: Principal, profile_id: PathId, data: MergeInto) -> ProfileShown:
    """Say that another profile is this person: it is merged into this one."""
    async with ctx.db.transaction() as conn:
        into = await service.canonical_or_fail(conn, profile_id)
        gone = await service.canonical_or_fail(conn, data.profile_id)
        if gone == into:
            raise SameProfile(field="profile_id")
        await deciding.merge_profiles(ctx, conn, who, gone=gone, into=into)
        await audit(conn, who, action="profiles.merge", subject=f"profile:{into}", after={"gone": gone})
        return masked(await service.show_profile(conn, into), await secret_traits(conn, who))


@post("/v1/profiles/{profile_id:int}/unmerge", permission="profiles:write", status=200)
async def unmerge_profile(ctx: Context, who: Principal, profile_id: PathId) -> UndoneMerge:
    """Undo the merge of a merged-away profile: its identities and traits go back to it."""
    async with ctx.db.transaction() as conn:
        survivor = await deciding.undo_merge(ctx, conn, who, profile_id)
    return UndoneMerge(profile_id=profile_id, survivor_id=survivor)


@get("/v1/merge-proposals", permission="profiles:read")
async def list_proposals(
    ctx: Context,
    who: Principal,
    in_state: Annotated[Literal["open", "accepted", "refused"] | None, QueryParameter(name="state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ProposalShown]:
    """Known people who share an identity: proposals that an analyst accepts or refuses."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        items = await service.list_proposals(conn, in_state, int(after[0] or 0) if after else None, limit)
        secret = await secret_traits(conn, who)
    for place, proposal in enumerate(items):
        one, other = masked_names((proposal.one, proposal.other), secret)
        items[place] = msgspec.structs.replace(proposal, one=one, other=other)
    return Page(items=items, next=encode_cursor(items[-1].id) if len(items) == limit else None)


@post("/v1/merge-proposals/{proposal_id:int}/accept", permission="profiles:write", status=204, problems=(409,))
async def accept_proposal(ctx: Context, who: Principal, proposal_id: ProposalId) -> None:
    """They are one person: merge them."""
    async with ctx.db.transaction() as conn:
        await deciding.decide_proposal(ctx, conn, who, proposal_id, accept=True)


@post("/v1/merge-proposals/{proposal_id:int}/refuse", permission="profiles:write", status=204, problems=(409,))
async def refuse_proposal(ctx: Context, who: Principal, proposal_id: ProposalId) -> None:
    """They are two people: never offer it again."""
    async with ctx.db.transaction() as conn:
        await deciding.decide_proposal(ctx, conn, who, proposal_id, accept=False)


@get("/v1/merge-proposals/{proposal_id:int}", permission="profiles:read")
async def show_proposal(ctx: Context, who: Principal, proposal_id: ProposalId) -> ComparedPeople:
    """Both people of a proposal, whole, to be compared."""
    async with ctx.db.transaction() as conn:
        compared = await service.compare(conn, proposal_id)
        secret = await secret_traits(conn, who)
    return msgspec.structs.replace(compared, one=masked(compared.one, secret), other=masked(compared.other, secret))


@post("/v1/merge-proposals/{proposal_id:int}/undo", permission="profiles:write", status=204, problems=(409,))
async def undo_proposal(ctx: Context, who: Principal, proposal_id: ProposalId) -> None:
    """Take a decision back: the proposal is open again, and what followed from the decision is undone."""
    async with ctx.db.transaction() as conn:
        await deciding.undo_proposal(ctx, conn, who, proposal_id)


@post("/v1/profiles/{profile_id:int}/identities", permission="profiles:write", problems=(409,))
async def add_identity(ctx: Context, who: Principal, profile_id: PathId, data: NewIdentity) -> ProfileShown:
    """Give a customer one more identity, which nobody else has."""
    async with ctx.db.transaction() as conn:
        canonical = await service.canonical_or_fail(conn, profile_id)
        await deciding.add_identity(ctx, conn, who, canonical, data.kind, data.value)
        return masked(await service.show_profile(conn, canonical), await secret_traits(conn, who))


@post("/v1/profiles/{profile_id:int}/identities/remove", permission="profiles:write", status=200)
async def remove_identity(ctx: Context, who: Principal, profile_id: PathId, data: NewIdentity) -> ProfileShown:
    """Take an identity from a customer. Whoever is named by it next has it."""
    async with ctx.db.transaction() as conn:
        canonical = await service.canonical_or_fail(conn, profile_id)
        await deciding.remove_identity(ctx, conn, who, canonical, data.kind, data.value)
        return masked(await service.show_profile(conn, canonical), await secret_traits(conn, who))


ROUTES = (
    list_profiles, show_profile, export_profile, erase_profile, merge_profile, unmerge_profile, list_proposals, show_proposal,
    accept_proposal, refuse_proposal, undo_proposal, add_identity, remove_identity,
)  # fmt: skip
