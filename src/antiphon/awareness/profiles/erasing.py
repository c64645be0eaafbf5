"""Erasing a customer everywhere: the job, in which every room forgets them in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from antiphon.awareness.profiles import store
from antiphon.foundation.access import redact
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import UNTIL_DONE, JobKind, RunningJob, enqueue
from antiphon.foundation.personal import PERSONAL
from antiphon.foundation.postgres import Connection, load_queries, renew_statistics

SQL = load_queries(Path(__file__).with_name("erasing.sql"))
RENEW = "profiles.renew_statistics"
RENEW_AFTER = timedelta(minutes=10)
"""Erasures that come together are followed by one look of PostgreSQL at its tables."""


async def run_erasure(ctx: Context, job: RunningJob) -> dict[str, Any]:
    """The job: files that name the person go first, while their identities are known; then every room forgets them in one
    transaction; what lies in the lake is erased by jobs of its rooms. Soon after, PostgreSQL forgets its samples."""
    profile_id = int(job.args["profile_id"])
    async with ctx.db.connection() as conn:
        ids = await store.every_id(conn, profile_id)
        words = await store.identity_values(conn, ids)
    await PERSONAL.sweep(ctx, words)
    async with ctx.db.transaction() as conn:
        await job.fence(conn)
        await store.bump_epoch(conn)
        await redact(conn, words, [f"profile:{one}" for one in {profile_id, *ids}])
        await PERSONAL.erase(ctx, conn, profile_id)
        await _ask_renewal(conn)
    return {"profile_id": profile_id}


async def _ask_renewal(conn: Connection) -> None:
    waits = await (await conn.execute(SQL.renewal_waits, {"kind": RENEW})).fetchone()
    if waits is None or not waits[0]:
        await enqueue(conn, RENEW, {}, run_at=datetime.now(UTC) + RENEW_AFTER)  # jobs run by the machine's clock


async def run_renewal(ctx: Context, job: RunningJob) -> dict[str, Any]:
    """The job: PostgreSQL samples its tables anew, so that it remembers nothing of those erased."""
    async with ctx.db.connection() as conn:
        await renew_statistics(conn)
    return {}


JOBS = (JobKind("profiles.erase", run_erasure, tries=UNTIL_DONE), JobKind(RENEW, run_renewal))
