import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from antiphon.foundation import jobs, notices
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import UNTIL_DONE, JobKind, RunningJob, enqueue, find_job, register_kinds
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import Listener, Listeners, Notice, publish
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store


class PersonMoved(Notice, frozen=True):
    person: int
    town: str


@pytest.fixture(autouse=True)
def own_listeners(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(notices, "LISTENERS", Listeners())
    monkeypatch.setattr(jobs, "KINDS", {})
    yield


async def _retry_at_once(conn: Connection) -> None:
    await conn.execute("update notice set retry_at = clock_timestamp()")


async def test_each_listener_hears_once_and_a_failing_one_hears_later(ctx: Context) -> None:
    heard: list[tuple[str, str]] = []
    fail = True

    async def steady(ctx: Context, conn: Connection, notice: PersonMoved) -> None:
        heard.append(("steady", notice.town))

    async def shaky(ctx: Context, conn: Connection, notice: PersonMoved) -> None:
        await conn.execute("update business_clock set \"offset\" = \"offset\" + '1 second'")
        if fail:
            raise RuntimeError("not now")
        heard.append(("shaky", notice.town))

    notices.LISTENERS.register([Listener("a.steady", PersonMoved, steady), Listener("b.shaky", PersonMoved, shaky)])
    async with ctx.db.transaction() as conn:
        await publish(conn, PersonMoved(person=1, town="York"))
    await run_until_idle(ctx, notices.LOOPS)
    assert heard == [("steady", "York")]
    fail = False
    async with ctx.db.connection() as conn:
        await _retry_at_once(conn)
    await run_until_idle(ctx, notices.LOOPS)
    assert heard == [("steady", "York"), ("shaky", "York")]
    async with ctx.db.connection() as conn:
        row = await (await conn.execute('select "offset" from business_clock')).fetchone()
        assert row is not None and row[0].total_seconds() == 1  # the failed attempt left nothing


async def test_a_rolled_back_change_leaves_no_notice(ctx: Context) -> None:
    heard: list[Any] = []

    async def listen(ctx: Context, conn: Connection, notice: PersonMoved) -> None:
        heard.append(notice)

    notices.LISTENERS.register([Listener("a", PersonMoved, listen)])
    with pytest.raises(RuntimeError):
        async with ctx.db.transaction() as conn:
            await publish(conn, PersonMoved(person=1, town="York"))
            raise RuntimeError
    await run_until_idle(ctx, notices.LOOPS)
    assert not heard


async def test_a_job_reports_and_ends(ctx: Context) -> None:
    async def count(ctx: Context, job: RunningJob) -> dict[str, int]:
        for i in range(job.args["to"]):
            await job.progress(done=i + 1, total=job.args["to"])
        return {"counted": job.args["to"]}

    register_kinds([JobKind("count", count)])
    async with ctx.db.transaction() as conn:
        job_id = await enqueue(conn, "count", {"to": 3}, by="ann")
    await run_until_idle(ctx, jobs.LOOPS)
    async with ctx.db.connection() as conn:
        job = await find_job(conn, job_id)
    assert (job.state, job.done, job.total, job.result) == ("done", 3, 3, {"counted": 3})


async def test_a_job_is_cancelled_and_a_failing_one_says_why(ctx: Context) -> None:
    started = asyncio.Event()

    async def endless(ctx: Context, job: RunningJob) -> None:
        while True:
            started.set()
            await job.progress(done=1)
            await asyncio.sleep(0.01)

    async def broken(ctx: Context, job: RunningJob) -> None:
        raise jobs.NoSuchJob("the file is gone")

    register_kinds([JobKind("endless", endless), JobKind("broken", broken)])
    async with ctx.db.transaction() as conn:
        first = await enqueue(conn, "endless", {})
    running = asyncio.create_task(jobs.run_one(ctx))
    await started.wait()
    async with ctx.db.transaction() as conn:
        await jobs.cancel_job(conn, first)
    await asyncio.wait_for(running, 60)
    async with ctx.db.transaction() as conn:
        second = await enqueue(conn, "broken", {})
    await jobs.run_one(ctx)
    async with ctx.db.connection() as conn:
        assert (await find_job(conn, first)).state == "cancelled"
        failed = await find_job(conn, second)
    assert (failed.state, failed.error) == ("failed", "no-such-job: the file is gone")


async def test_a_job_that_may_fail_is_begun_again_until_it_is_given_up(ctx: Context) -> None:
    begun = 0

    async def shaky(ctx: Context, job: RunningJob) -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise RuntimeError

    register_kinds([JobKind("test.shaky", shaky, tries=3)])
    async with ctx.db.transaction() as conn:
        first = await enqueue(conn, "test.shaky", {})
    for _ in range(2):
        assert await jobs.run_one(ctx) and not await jobs.run_one(ctx), "not before its pause is over"
        async with ctx.db.transaction() as conn:
            waits = await find_job(conn, first)
            assert (waits.state, waits.error) == ("waiting", "internal: RuntimeError")
            await conn.execute("update job set run_at = clock_timestamp()")
    assert await jobs.run_one(ctx)
    async with ctx.db.transaction() as conn:
        assert (await find_job(conn, first)).state == "done" and begun == 3
        begun = -9
        second = await enqueue(conn, "test.shaky", {})
    for _ in range(3):
        async with ctx.db.transaction() as conn:
            await conn.execute("update job set run_at = clock_timestamp()")
        assert await jobs.run_one(ctx)
    async with ctx.db.connection() as conn:
        assert (await find_job(conn, second)).state == "failed"


async def test_a_promise_is_begun_again_however_often_it_failed(ctx: Context) -> None:
    async def never(ctx: Context, job: RunningJob) -> None:
        raise RuntimeError

    register_kinds([JobKind("test.promise", never, tries=UNTIL_DONE)])
    async with ctx.db.transaction() as conn:
        job_id = await enqueue(conn, "test.promise", {})
    for _ in range(2):
        async with ctx.db.transaction() as conn:
            await conn.execute("update job set attempts = 5000, run_at = now() where id = %s", (job_id,))
        assert await jobs.run_one(ctx)
    async with ctx.db.connection() as conn:
        assert (await find_job(conn, job_id)).state == "waiting"
        row = await (await conn.execute("select run_at - clock_timestamp() from job where id = %s", (job_id,))).fetchone()
    assert row is not None and 3500 < row[0].total_seconds() <= 3600


async def test_a_job_whose_process_died_is_taken_up_by_another(ctx: Context) -> None:
    async def work(ctx: Context, job: RunningJob) -> dict[str, int]:
        return {"attempt": job.attempt}

    register_kinds([JobKind("work", work)])
    async with ctx.db.transaction() as conn:
        job_id = await enqueue(conn, "work", {})
        await conn.execute(
            "update job set state = 'running', owner = 'dead', attempts = 1, expires = clock_timestamp() - interval '1 second'"
        )
    assert await jobs.run_one(ctx)
    async with ctx.db.connection() as conn:
        assert (await find_job(conn, job_id)).result == {"attempt": 2}
