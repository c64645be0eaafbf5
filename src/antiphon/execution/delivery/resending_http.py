"""Routes for what people do to rows of the ledger: retry what was not sent, resolve what nobody knows, one or many."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.delivery import ledger, resending
from antiphon.execution.delivery.errors import NotRetriable, NotUnknown
from antiphon.execution.delivery.ledger import Search, Why
from antiphon.execution.delivery.model import MessageClassName, State
from antiphon.execution.delivery.resending import Intervention, Outcome
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Retry(Body, frozen=True, kw_only=True):
    """``even_if_heard``: also what may have been received, because somebody says so."""

    even_if_heard: bool = False


class Resolve(Body, frozen=True, kw_only=True):
    """What became of it: it was delivered, it was not, or nobody can say and it is sent again."""

    outcome: Outcome


class Wanted(Body, frozen=True, kw_only=True):
    """Marks of the deliveries meant; what is left out is any."""

    campaign_id: Positive | None = None
    profile_id: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None
    states: Annotated[list[State], msgspec.Meta(max_length=12)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    message_class: MessageClassName | None = None


class RetryAll(Wanted, frozen=True, kw_only=True):
    """Which to retry. ``even_if_heard``: also what may have been received, because somebody says so."""

    even_if_heard: bool = False


class ResolveAll(Wanted, frozen=True, kw_only=True):
    """Which of the unknown, and what became of them."""

    outcome: Outcome


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Work that goes on; watch it at `/v1/jobs/{job_id}`. ``deliveries``: how many will be looked at."""

    job_id: int
    deliveries: int


class Resendable(msgspec.Struct, frozen=True, kw_only=True):
    """How many a retry would look at (``not_sent``, the unknown among them), and how many of them nobody knows of."""

    not_sent: int
    unknown: int


async def _search(ctx: Context, data: Wanted) -> Search:
    marks = Search(
        campaign_id=data.campaign_id, states=data.states, reason=data.reason, message_class=data.message_class
    )
    return await ledger.search_of(ctx, marks, data.profile_id)


async def _why(ctx: Context, delivery_id: int) -> Why:
    async with ctx.db.connection() as conn:
        return await ledger.why(ctx, conn, delivery_id)


@post("/v1/deliveries/{delivery_id:int}/retry", permission="delivery:resend", status=200, problems=(409,))
async def retry_delivery(ctx: Context, who: Principal, delivery_id: Id, data: Retry) -> Why:
    """Send again a message that was not sent. One that may have been received is only with ``even_if_heard``."""
    before = await _why(ctx, delivery_id)
    if not await resending.retry_unsent(ctx, who, [delivery_id], even_if_heard=data.even_if_heard):
        raise NotRetriable(delivery=delivery_id, state=before.delivery.state)
    return await _why(ctx, delivery_id)


@post("/v1/deliveries/{delivery_id:int}/resolve", permission="delivery:resend", status=200, problems=(409,))
async def resolve_delivery(ctx: Context, who: Principal, delivery_id: Id, data: Resolve) -> Why:
    """Say what became of a message of which nobody knew whether it was received."""
    before = await _why(ctx, delivery_id)
    if before.delivery.state != "unknown":
        raise NotUnknown(delivery=delivery_id, state=before.delivery.state)
    if not await resending.resolve_unknown(ctx, who, [delivery_id], data.outcome):
        raise NotRetriable(delivery=delivery_id, state=before.delivery.state)
    return await _why(ctx, delivery_id)


@get("/v1/deliveries/{delivery_id:int}/interventions", permission="delivery:read")
async def list_interventions(ctx: Context, delivery_id: Id) -> list[Intervention]:
    """What people did to a delivery, and how it was before, oldest first."""
    async with ctx.db.connection() as conn:
        return await resending.interventions(conn, delivery_id)


@get("/v1/deliveries/resendable", permission="delivery:read")
async def count_resendable(
    ctx: Context,
    campaign_id: MaybeId = None,
    profile_id: MaybeId = None,
    states: Annotated[list[State] | None, QueryParameter(name="state")] = None,
    reason: Annotated[str | None, Parameter(max_length=60)] = None,
    message_class: MessageClassName | None = None,
) -> Resendable:
    """How many of what a search finds could be retried or resolved, before that is asked."""
    data = Wanted(campaign_id=campaign_id, profile_id=profile_id, states=states, reason=reason, message_class=message_class)
    wanted = await _search(ctx, data)
    unknown: list[State] = ["unknown"] if states is None or "unknown" in states else []
    return Resendable(
        not_sent=await resending.count(ctx, wanted),
        unknown=await resending.count(ctx, msgspec.structs.replace(wanted, states=unknown)) if unknown else 0,
    )


@post("/v1/deliveries/retry", permission="delivery:resend", status=202)
async def retry_all(ctx: Context, who: Principal, data: RetryAll) -> Left:
    """Send again whatever was not sent of what a search finds, as a job."""
    wanted = await _search(ctx, data)
    job_id, total = await resending.leave(ctx, who, resending.RETRY, wanted, even_if_heard=data.even_if_heard)
    return Left(job_id=job_id, deliveries=total)


@post("/v1/deliveries/resolve", permission="delivery:resend", status=202)
async def resolve_all(ctx: Context, who: Principal, data: ResolveAll) -> Left:
    """Say what became of all the unknown that a search finds, as a job."""
    wanted = msgspec.structs.replace(await _search(ctx, data), states=["unknown"])
    job_id, total = await resending.leave(ctx, who, resending.RESOLVE, wanted, outcome=data.outcome)
    return Left(job_id=job_id, deliveries=total)


RESENDING_ROUTES = [retry_delivery, resolve_delivery, list_interventions, count_resendable, retry_all, resolve_all]
