"""Rehearsals as people ask for them: kept with their reports, done by a job that tells how far it is and can be stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.errors import NotRehearsable, RehearsalUnknown
from antiphon.execution.journeys.findings import sentence
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Definition
from antiphon.execution.journeys.rehearsal.model import RehearsalAsked, RehearsalReport
from antiphon.execution.journeys.rehearsal.queries import SQL
from antiphon.execution.journeys.rehearsal.rehearsing import rehearse
from antiphon.execution.journeys.service import check_definition, errors_of, find
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.jobs import JobCancelled, JobKind, RunningJob, enqueue
from antiphon.foundation.postgres import Connection, Jsonb, struct_row
from antiphon.foundation.principal import Principal

KIND = "journeys.rehearse"
KEPT = 50
"""Rehearsals of a journey; older ones are forgotten."""
OFTEN = 0.5
"""Seconds between two words on how far it is."""
State = Literal["waiting", "running", "done", "failed", "cancelled"]


class RehearsalItem(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal: what was asked, and how far it is (``done`` of ``total`` people). Its job can be cancelled."""

    id: int
    journey_id: int
    asked: RehearsalAsked
    state: State
    job_id: int | None
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    done: int
    total: int | None


class Rehearsal(RehearsalItem, frozen=True, kw_only=True):
    """The same with what was rehearsed, and its report once there is one."""

    definition: Definition
    report: RehearsalReport | None


async def ask(ctx: Context, conn: Connection, who: Principal, journey_id: int, asked: RehearsalAsked) -> Rehearsal:
    """Have a journey's draft rehearsed as it is now. Raises JourneyUnknown, NotRehearsable."""
    journey = await find(conn, journey_id)
    wrong = errors_of(await check_definition(ctx, conn, journey.draft, journey_id))
    if wrong:
        raise NotRehearsable(field=f"draft.{wrong[0].place}", count=len(wrong), first=sentence(wrong[0]))
    params = {
        "journey_id": journey_id, "definition": Jsonb(msgspec.to_builtins(journey.draft)),
        "asked": Jsonb(msgspec.to_builtins(asked)), "now": ctx.clock.now(), "by": who.name,
    }  # fmt: skip
    row = await (await conn.execute(SQL.insert_rehearsal, params)).fetchone()
    assert row is not None
    job_id = await enqueue(conn, KIND, {"rehearsal_id": row[0]}, by=who.name)
    await conn.execute(SQL.note_job, {"id": row[0], "job_id": job_id})
    await conn.execute(SQL.forget_rehearsals, {"journey_id": journey_id, "keep": KEPT})
    await audit(conn, who, action="journeys.rehearse", subject=f"journey:{journey_id}", after=asked)
    return await find_one(conn, journey_id, row[0])


async def find_one(conn: Connection, journey_id: int, rehearsal_id: int) -> Rehearsal:
    """One rehearsal. Raises RehearsalUnknown."""
    async with conn.cursor(row_factory=struct_row(Rehearsal)) as cur:
        found = await (await cur.execute(SQL.find_rehearsal, {"id": rehearsal_id, "journey_id": journey_id})).fetchone()
    if found is None:
        raise RehearsalUnknown(rehearsal=rehearsal_id)
    return found


async def rehearsals(conn: Connection, journey_id: int, *, before: int | None, limit: int) -> list[RehearsalItem]:
    """A journey's rehearsals, latest first. Raises JourneyUnknown."""
    await find(conn, journey_id)
    params = {"journey_id": journey_id, "before": before, "limit": limit}
    async with conn.cursor(row_factory=struct_row(RehearsalItem)) as cur:
        return await (await cur.execute(SQL.list_rehearsals, params)).fetchall()


async def run_rehearsal(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    """The job: rehearse, and keep the report."""
    rehearsal_id = job.args["rehearsal_id"]
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute(SQL.rehearsed_definition, {"id": rehearsal_id})).fetchone()
        if row is None or await (await conn.execute(SQL.begin_rehearsal, {"id": rehearsal_id})).fetchone() is None:
            return {}  # it was forgotten meanwhile, or is done
    plan = Plan(0, row[0], msgspec.convert(row[1], Definition, strict=False), installed())
    asked = msgspec.convert(row[2], RehearsalAsked)

    told = 0.0

    async def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= OFTEN or done == total:
            await job.progress(done, total)
            told = time.monotonic()

    try:
        report = await rehearse(ctx, plan, asked, progress=progress)
    except JobCancelled:
        await _finish(ctx, job, rehearsal_id, "cancelled")
        raise
    except AntiphonError as failed:
        await _finish(ctx, job, rehearsal_id, "failed", error=f"{failed.code}: {failed.detail}")
        raise
    await _finish(ctx, job, rehearsal_id, "done", report=report)
    return {"rehearsal_id": rehearsal_id}


async def _finish(
    ctx: Context,
    job: RunningJob,
    rehearsal_id: int,
    state: State,
    *,
    report: RehearsalReport | None = None,
    error: str | None = None,
) -> None:
    async with ctx.db.transaction() as conn:
        await job.fence(conn)
        params = {
            "id": rehearsal_id, "state": state, "error": error, "now": ctx.clock.now(),
            "report": None if report is None else Jsonb(msgspec.to_builtins(report)),
        }  # fmt: skip
        await conn.execute(SQL.finish_rehearsal, params)


JOBS = (JobKind(KIND, run_rehearsal),)
