"""Routes of jobs: what runs, how far it is, and stopping it."""

from __future__ import annotations

from typing import Annotated

from litestar.params import Parameter

from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.http import Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.jobs import Job, cancel_job, find_job, recent_jobs
from antiphon.foundation.principal import Principal

JobId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


@get("/v1/jobs", permission="jobs:read")
async def list_jobs(
    ctx: Context,
    kind: Annotated[str | None, Parameter(max_length=100, description="As `imports.run`")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Job]:
    """Jobs, latest first."""
    place = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        jobs = await recent_jobs(conn, before=int(str(place[0])) if place else None, kind=kind, limit=limit + 1)
    more = len(jobs) > limit
    return Page(items=jobs[:limit], next=encode_cursor(jobs[limit - 1].id) if more else None)


@get("/v1/jobs/{job_id:int}", permission="jobs:read")
async def read_job(ctx: Context, job_id: JobId) -> Job:
    """One job."""
    async with ctx.db.connection() as conn:
        return await find_job(conn, job_id)


@post("/v1/jobs/{job_id:int}/cancel", permission="jobs:cancel", status=200)
async def stop_job(ctx: Context, who: Principal, job_id: JobId) -> Job:
    """Ask a job to stop; it does when it next reports its progress."""
    async with ctx.db.transaction() as conn:
        before = await find_job(conn, job_id)
        await cancel_job(conn, job_id)
        if before.state in ("waiting", "running"):
            await audit(conn, who, action="jobs.cancel", subject=f"job:{job_id}", before={"state": before.state})
        return await find_job(conn, job_id)
