"""Jobs: one-off and long work (imports, exports, erasure) with progress that CLI and console can watch.

A job may run again after its process died, so it must pick up where its own committed work ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from antiphon.foundation.errors import AntiphonError, NotFound
from antiphon.foundation.leases import Held, LeaseLost
from antiphon.foundation.loops import Loop, wake
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger

if TYPE_CHECKING:
    from antiphon.foundation.context import Context

SQL = load_queries(Path(__file__).with_name("jobs.sql"))
log = get_logger(__name__)
LOOP = "jobs"
TERM = timedelta(seconds=30)
MOST_ATTEMPTS = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
UNTIL_DONE = 2**31 - 1
"""The tries of a kind that is begun again until it holds: forgetting somebody is a promise."""


class NoSuchJob(NotFound):
    """There is no such job."""


class JobCancelled(AntiphonError):
    """The job was cancelled."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as people see it: `done` of `total` units of its own, its state and what came of it."""

    id: int
    kind: str
    args: dict[str, Any]
    state: str
    done: int
    total: int | None
    message: str
    result: dict[str, Any] | None
    error: str | None
    attempts: int
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunningJob:
    """A job in the hands of the process that runs it."""

    def __init__(self, ctx: Context, job_id: int, kind: str, args: dict[str, Any], attempt: int) -> None:
        self.ctx = ctx
        self.id = job_id
        self.kind = kind
        self.args = args
        self.attempt = attempt
        self.cancelled = False

    @property
    def key(self) -> dict[str, Any]:
        """What tells this run of the job from every other."""
        return {"id": self.id, "owner": self.ctx.node, "attempt": self.attempt}

    async def progress(self, done: int | None = None, total: int | None = None, message: str | None = None) -> None:
        """Tell how far it is. Raises JobCancelled when somebody asked to stop, LeaseLost when another process has it."""
        params = self.key | {"done": done, "total": total, "message": message, "term": TERM}
        async with self.ctx.db.connection() as conn:
            row = await (await conn.execute(SQL.report, params)).fetchone()
        if row is None:
            raise LeaseLost
        if row[0]:
            self.cancelled = True
            raise JobCancelled

    async def fence(self, conn: Connection) -> None:
        """First statement of a work transaction of this job."""
        if await (await conn.execute(SQL.fence, self.key)).fetchone() is None:
            raise LeaseLost


@dataclass(frozen=True)
class JobKind:
    """A kind of job: its name (`imports.run`) and the coroutine that does it, whose result is kept.

    ``tries``: how often it is begun when it fails, with pauses that grow to an hour; 1 for what people would rather see failed.
    """

    name: str
    run: Callable[[Context, RunningJob], Awaitable[Mapping[str, Any] | None]]
    tries: int = 1


KINDS: dict[str, JobKind] = {}


def register_kinds(kinds: Sequence[JobKind]) -> None:
    KINDS.update({kind.name: kind for kind in kinds})


async def enqueue(
    conn: Connection,
    kind: str,
    args: Mapping[str, Any],
    *,
    by: str = "",
    total: int | None = None,
    run_at: datetime | None = None,
) -> int:
    """Leave a job, in the caller's transaction; returns its id."""
    params = {"kind": kind, "args": Jsonb(dict(args)), "by": by, "total": total, "run_at": run_at}
    row = await (await conn.execute(SQL.enqueue, params)).fetchone()
    assert row is not None
    await wake(conn, LOOP)
    return int(row[0])


async def find_job(conn: Connection, job_id: int) -> Job:
    async with conn.cursor(row_factory=struct_row(Job)) as cursor:
        job = await (await cursor.execute(SQL.find_job, {"id": job_id})).fetchone()
    if job is None:
        raise NoSuchJob
    return job


async def recent_jobs(
    conn: Connection, *, before: int | None = None, kind: str | None = None, limit: int = 50
) -> list[Job]:
    async with conn.cursor(row_factory=struct_row(Job)) as cursor:
        await cursor.execute(SQL.recent_jobs, {"before": before, "kind": kind, "limit": limit})
        return await cursor.fetchall()


async def cancel_job(conn: Connection, job_id: int) -> None:
    """Ask a job to stop; it does when it next reports progress."""
    if await (await conn.execute(SQL.ask_cancel, {"id": job_id})).fetchone() is None:
        await find_job(conn, job_id)


async def run_one(ctx: Context) -> bool:
    """Take one job that is due and run it to its end; False if there was none."""
    async with ctx.db.transaction() as conn:
        row = await (
            await conn.execute(SQL.take, {"owner": ctx.node, "term": TERM, "kinds": list(KINDS)})
        ).fetchone()
    if row is None:
        return False
    job_id, kind, args, attempts, cancel_asked = row
    job = RunningJob(ctx, job_id, kind, args, attempts)
    if cancel_asked:
        await _finish(ctx, job, "cancelled")
        return True
    most = max(MOST_ATTEMPTS, KINDS[kind].tries)
    if attempts > most:
        await _finish(ctx, job, "failed", error=f"its process died {most} times")
        return True
    beat = asyncio.create_task(_beat(job))
    try:
        result = await KINDS[kind].run(ctx, job)
    except JobCancelled:
        await _finish(ctx, job, "cancelled")
    except LeaseLost:
        log.warning("job taken over", job=job_id)
    except AntiphonError as failed:
        await _fail(ctx, job, f"{failed.code}: {failed.detail}")
    except Exception as failed:
        log.exception("job failed", job=job_id, kind=kind)
        await _fail(ctx, job, f"internal: {type(failed).__name__}")
    else:
        await _finish(ctx, job, "done", result=result)
    finally:
        await end_task(beat)
    return True


async def _beat(job: RunningJob) -> None:
    while True:
        await asyncio.sleep(TERM.total_seconds() / 4)
        try:
            await job.progress()
        except AntiphonError:
            return


async def _fail(ctx: Context, job: RunningJob, error: str) -> None:
    """The end of a job that failed, or its next beginning."""
    if job.attempt >= KINDS[job.kind].tries:
        await _finish(ctx, job, "failed", error=error)
        return
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(job.attempt - 1, 10))
    async with ctx.db.transaction() as conn:
        await conn.execute(SQL.put_off, job.key | {"pause": pause, "error": error})
    log.warning("job put off", job=job.id, kind=job.kind, error=error, seconds=pause.total_seconds())


async def _finish(
    ctx: Context, job: RunningJob, state: str, *, result: Mapping[str, Any] | None = None, error: str | None = None
) -> None:
    async with ctx.db.transaction() as conn:
        params = {
            "id": job.id, "owner": ctx.node, "attempt": job.attempt, "state": state, "error": error,
            "result": None if result is None else Jsonb(msgspec.to_builtins(dict(result))),
        }  # fmt: skip
        await conn.execute(SQL.finish, params)


async def _tick(ctx: Context, held: Held) -> bool:
    return await run_one(ctx)


LOOPS = (Loop(LOOP, _tick, interval=2.0, buckets=2),)
