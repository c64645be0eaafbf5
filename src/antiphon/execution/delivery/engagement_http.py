"""Routes of the log of opens and clicks: who did what, by which rule it was taken for what, and judging it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.delivery import ledger, reclassifying
from antiphon.execution.delivery.machines import Class
from antiphon.execution.delivery.reclassifying import Engaged, Rules
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]
OfClass = Annotated[Class | None, QueryParameter(name="class", description="Only of people, or only of machines")]
ByRule = Annotated[str | None, Parameter(max_length=40, description="Decided by this rule")]


class Judgement(Body, frozen=True, kw_only=True):
    """What an open or a click was."""

    class_: Class = msgspec.field(name="class")


class Again(Body, frozen=True, kw_only=True):
    """Since when everything is judged again by the rules as they are now."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Work that goes on; watch it at `/v1/jobs/{job_id}`."""

    job_id: int


@get("/v1/engagement", permission="delivery:read")
async def list_engagement(
    ctx: Context,
    delivery_id: MaybeId = None,
    profile_id: MaybeId = None,
    campaign_id: MaybeId = None,
    of_class: OfClass = None,
    rule: ByRule = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Engaged]:
    """Opens and clicks, newest first."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        ids = None if profile_id is None else await ledger.one_person(conn, profile_id)
        rows = await reclassifying.find(
            conn, delivery_id=delivery_id, profile_ids=ids, campaign_id=campaign_id, of=of_class, rule=rule,
            before=int(after[0] or 0) if after else None, limit=limit + 1,
        )  # fmt: skip
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=rows[:limit], next=more)


@get("/v1/engagement/rules", permission="delivery:read")
async def list_engagement_rules(ctx: Context) -> Rules:
    """The rules that tell people from machines, in the order they are asked, with what they decided lately."""
    async with ctx.db.connection() as conn:
        return await reclassifying.list_rules(ctx, conn)


@post("/v1/engagement/{engagement_id:int}/judge", permission="delivery:reclassify", status=200)
async def judge_engagement(ctx: Context, who: Principal, engagement_id: Id, data: Judgement) -> Engaged:
    """Say what one open or click was. Counters are put right, and the customer's history gets a compensating event."""
    return await reclassifying.judge_by_hand(ctx, who, engagement_id, data.class_)


@post("/v1/engagement/reclassify", permission="delivery:reclassify", status=202)
async def reclassify_engagement(ctx: Context, who: Principal, data: Again) -> Begun:
    """Judge everything since an instant again. What was decided by hand stays."""
    return Begun(job_id=await reclassifying.reclassify(ctx, who, data.since))


ENGAGEMENT_ROUTES = [list_engagement, list_engagement_rules, judge_engagement, reclassify_engagement]
