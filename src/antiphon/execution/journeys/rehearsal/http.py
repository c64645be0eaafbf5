"""Routes of rehearsals."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter
from msgspec import field

from antiphon.execution.journeys.rehearsal import service
from antiphon.execution.journeys.rehearsal.model import Days, Draws, GivenRates, Mode, RehearsalAsked, Replies, Sample, Seed
from antiphon.execution.journeys.rehearsal.service import Rehearsal, RehearsalItem
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


class RehearsalBody(Body, frozen=True, kw_only=True):
    """What to rehearse the draft on: recorded history (`history`: as if it had started `days` ago) or what people would do by
    fitted or given rates (`forward`). `sample`: of how many people, everybody if not said. `replies`: how people answer the
    journey's own messages, `fitted` or, of a journey that was live, as `recorded`. `draws`: how often behaviour is drawn for the
    interval. The same `seed` gives the same report."""

    mode: Mode = "history"
    days: Days = 90
    sample: Sample | None = None
    rates: GivenRates = field(default_factory=GivenRates)
    replies: Replies = "fitted"
    seed: Seed = 1
    draws: Draws = 12


@post("/v1/journeys/{journey_id:int}/rehearsals", permission="journeys:write", status=202)
async def start_rehearsal(ctx: Context, who: Principal, journey_id: Id, data: RehearsalBody) -> Rehearsal:
    """Rehearse a journey's draft on the real population, without sending: a job does it, and can be cancelled."""
    asked = RehearsalAsked(
        mode=data.mode, days=data.days, sample=data.sample, rates=data.rates, replies=data.replies, seed=data.seed,
        draws=data.draws,
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        return await service.ask(ctx, conn, who, journey_id, asked)


@get("/v1/journeys/{journey_id:int}/rehearsals", permission="journeys:read")
async def list_rehearsals(ctx: Context, journey_id: Id, limit: Limit = 20, cursor: Cursor = None) -> Page[RehearsalItem]:
    """A journey's rehearsals, latest first; the last fifty are kept."""
    place = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        found = await service.rehearsals(conn, journey_id, before=int(str(place[0])) if place else None, limit=limit + 1)
    more = len(found) > limit
    return Page(items=found[:limit], next=encode_cursor(found[limit - 1].id) if more else None)


@get("/v1/journeys/{journey_id:int}/rehearsals/{rehearsal_id:int}", permission="journeys:read")
async def read_rehearsal(ctx: Context, journey_id: Id, rehearsal_id: Id) -> Rehearsal:
    """One rehearsal with its report."""
    async with ctx.db.connection() as conn:
        return await service.find_one(conn, journey_id, rehearsal_id)


ROUTES = (start_rehearsal, list_rehearsals, read_rehearsal)
