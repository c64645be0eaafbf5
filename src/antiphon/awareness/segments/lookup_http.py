"""Routes of the look-up: which segments somebody is in, by id or by identity. Quick for those who call with an API key."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

import msgspec
from litestar.params import Parameter

from antiphon.awareness.segments.lookup import Memberships, SegmentsOfCustomer
from antiphon.foundation.context import Context
from antiphon.foundation.http import get

PathId = Annotated[int, Parameter(ge=1, le=2**32 - 1)]


async def answer_profile(ctx: Context, profile_id: str, query: bytes) -> bytes | None:
    """The quick answer by id."""
    if query or not (profile_id.isascii() and profile_id.isdecimal() and 0 < len(profile_id) < 11):
        return None
    number = int(profile_id)
    return await ctx.get(Memberships).told(number) if 0 < number < 2**32 else None


async def answer_identity(ctx: Context, _: str, query: bytes) -> bytes | None:
    """The quick answer by identity."""
    if len(query) > 2000:
        return None
    given = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    if len(given) != 2 or (asked := dict(given)).keys() != {"kind", "value"}:
        return None
    kept = ctx.get(Memberships)
    return await kept.told(await kept.whose(asked["kind"], asked["value"]))


@get("/v1/profiles/{profile_id:int}/segments", permission="segments:read", express=answer_profile)
async def read_segments_of(ctx: Context, profile_id: PathId) -> SegmentsOfCustomer:
    """The segments a customer is in, as of their last refreshes; none for an id that is nobody's."""
    return msgspec.json.decode(await ctx.get(Memberships).told(profile_id), type=SegmentsOfCustomer)


@get("/v1/profiles/segments", permission="segments:read", problems=(404,), express=answer_identity)
async def find_segments_of(
    ctx: Context,
    kind: Annotated[str, Parameter(max_length=60, description="The identity's kind, such as `user_id` or `email`")],
    value: Annotated[str, Parameter(max_length=320, description="The identity's value")],
) -> SegmentsOfCustomer:
    """The segments of whoever has an identity, as of their last refreshes."""
    kept = ctx.get(Memberships)
    return msgspec.json.decode(await kept.told(await kept.whose(kind, value)), type=SegmentsOfCustomer)


ROUTES = (read_segments_of, find_segments_of)
