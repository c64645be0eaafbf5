"""Routes of the people in journeys: let in, counted, listed, explained, taken out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.journeys import aside, people, service
from antiphon.execution.journeys.api_entries import MOST, EntryAnswer, NewEntry, let_in
from antiphon.execution.journeys.shown import Counts, Queued
from antiphon.execution.journeys.sources import Intake, Scheduled, intakes, schedules_of
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
ProfileId = Annotated[int, Parameter(ge=1, lt=2**32)]
Version = Annotated[int | None, QueryParameter(name="version", ge=1, le=2**31 - 1)]


class EntriesBody(Body, frozen=True, kw_only=True):
    """People to let in."""

    entries: Annotated[list[NewEntry], msgspec.Meta(min_length=1, max_length=MOST)]


class EntryAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """An answer for each, in their order."""

    items: list[EntryAnswer]
    entered: int


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """How many passages of theirs ended, and until when they can be put back."""

    ended: int
    put_back_until: datetime | None = None


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """How many passages of theirs are under way again."""

    passages: int


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Schedules with their next times, and people who were let in together, newest first."""

    schedules: list[Scheduled]
    intakes: list[Intake]


@post("/v1/journeys/{journey_id:int}/entries", permission="journeys:enter", status=200, problems=(409,))
async def let_people_in(ctx: Context, who: Principal, journey_id: Id, data: EntriesBody) -> EntryAnswers:
    """Let up to 1,000 people in, by the journey's rules of entry.

    Each has an answer of its own. An entry with an `idempotency_key` is taken once: again, it answers what it answered. Keys
    are kept for 7 days.
    """
    async with ctx.db.transaction() as conn:
        answers = await let_in(ctx, conn, who, journey_id, data.entries)
    entered = sum(answer.outcome == "entered" and not answer.repeated for answer in answers)
    return EntryAnswers(items=answers, entered=entered)


@get("/v1/journeys/{journey_id:int}/counts", permission="journeys:read")
async def read_counts(ctx: Context, journey_id: Id, number: Version = None, since: date | None = None) -> Counts:
    """The numbers on the arrows of a version (by default what is live), and who stands at which step now."""
    async with ctx.db.connection() as conn:
        one = await service.find(conn, journey_id)
        wanted = number or one.live_version or one.last_version
        if wanted is None:
            return Counts(version=None, as_of=ctx.clock.now(), inside=0, arrows=[], waiting=[])
        return await people.counts(ctx, conn, journey_id, await service.version(conn, journey_id, wanted), since)


@get("/v1/journeys/{journey_id:int}/sources", permission="journeys:read")
async def read_sources(ctx: Context, journey_id: Id) -> Sources:
    """When schedules let people in next, and who was let in together."""
    async with ctx.db.connection() as conn:
        await service.find(conn, journey_id)
        return Sources(schedules=await schedules_of(conn, journey_id), intakes=await intakes(conn, journey_id))


@get("/v1/journeys/{journey_id:int}/people", permission="journeys:read")
async def list_people(
    ctx: Context,
    journey_id: Id,
    step: Annotated[str | None, Parameter(max_length=40, description="Only who stands at this step")] = None,
    number: Version = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[people.PersonInside]:
    """Who is inside, where and until when."""
    after = decode_cursor(cursor, int, int, int, int)
    place = None if after is None else (int(after[0] or 0), int(after[1] or 0), int(after[2] or 0), int(after[3] or 0))
    async with ctx.db.connection() as conn:
        await service.find(conn, journey_id)
        found, more = await people.people_inside(conn, journey_id, number=number, step=step, after=place, limit=limit)
    return Page(items=found, next=None if more is None else encode_cursor(*more))


@get("/v1/journeys/{journey_id:int}/passed", permission="journeys:read", problems=(404,))
async def list_passed(
    ctx: Context,
    journey_id: Id,
    step: Annotated[str, Parameter(max_length=40, description="From which step")],
    exit: Annotated[str, Parameter(max_length=60, description="By which of its exits")],
    number: Version = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[people.PersonPassed]:
    """Who went by an exit of a step, and where they are now. A page can be short while there is more."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        one = await service.find(conn, journey_id)
        wanted = number or one.live_version or one.last_version
        if wanted is None:
            return Page(items=[], next=None)
        version = await service.version(conn, journey_id, wanted)
        before = 0 if after is None else int(after[0] or 0)
        found, more = await people.people_passed(conn, journey_id, version, step=step, exit=exit, after=before, limit=limit)
    return Page(items=found, next=None if more is None else encode_cursor(more))


@get("/v1/journeys/{journey_id:int}/people/{profile_id:int}", permission="journeys:read")
async def read_person(ctx: Context, who: Principal, journey_id: Id, profile_id: ProfileId) -> people.PersonHistory:
    """What was decided of a person at each step, and why."""
    async with ctx.db.connection() as conn:
        await service.find(conn, journey_id)
        return await people.person_history(conn, who, journey_id, profile_id, ctx.clock.now())


@post("/v1/journeys/{journey_id:int}/people/{profile_id:int}/leave", permission="journeys:publish", status=200)
async def take_out(
    ctx: Context, who: Principal, journey_id: Id, profile_id: ProfileId,
    queued: Annotated[Queued, QueryParameter(description="Whether what waits to be said to them is said all the same")] = "say",
) -> Left:  # fmt: skip
    """Take a person out of the journey, wherever they stand. For a day they can be put back."""
    async with ctx.db.transaction() as conn:
        ended, until = await aside.take_out(ctx, conn, who, journey_id, profile_id, queued=queued)
    return Left(ended=ended, put_back_until=until)


@post(
    "/v1/journeys/{journey_id:int}/people/{profile_id:int}/put-back", permission="journeys:publish", status=200, problems=(409,)
)
async def put_back(ctx: Context, who: Principal, journey_id: Id, profile_id: ProfileId) -> Back:
    """Put a person back where they stood who was taken out within the last day: until the instant they were told. What they did
    meanwhile was not heard, and messages that were called off stay so."""
    async with ctx.db.transaction() as conn:
        return Back(passages=await aside.put_back(ctx, conn, who, journey_id, profile_id))


ROUTES = [let_people_in, read_counts, read_sources, list_people, list_passed, read_person, take_out, put_back]
