"""What moves while one watches: the rooms' overview numbers and the jobs' progress, each second, as server-sent events.

One poll serves all streams of a process, and stops when nobody watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from litestar.response import Stream

from antiphon.foundation.context import Context
from antiphon.foundation.http import get
from antiphon.foundation.jobs import Job, recent_jobs
from antiphon.foundation.principal import Principal
from antiphon.foundation.rooms import Room
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
PERIOD = 1.0
PATIENCE = 5.0  # seconds a room may take over its numbers
LONGEST = 600.0  # seconds; a browser then connects again, and its rights are checked anew


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Each room's numbers at one moment of business time."""

    at: datetime
    numbers: dict[str, dict[str, float]]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One poll: the overview and the jobs of lately."""

    overview: Overview
    jobs: list[Job]


async def read_numbers(ctx: Context, room: Room) -> dict[str, float]:
    """A room's overview numbers; none when it cannot tell them now."""
    if room.overview is None:
        return {}
    try:
        async with asyncio.timeout(PATIENCE), ctx.db.connection() as conn:
            return dict(await room.overview(ctx, conn))
    except Exception as failed:
        log.warning("overview numbers missing", room=room.name, error=repr(failed))
        return {}


async def read_all(ctx: Context, rooms: Sequence[Room]) -> dict[str, dict[str, float]]:
    """The overview numbers of every room that has any, by its name."""
    return {room.name: row for room in rooms if (row := await read_numbers(ctx, room))}


def visible(overview: Overview, who: Principal, rooms: Sequence[Room]) -> Overview:
    """The numbers of the rooms `who` may read."""
    allowed = {
        room.name for room in rooms if f"{room.name}:read" not in room.permissions or who.may(f"{room.name}:read")
    }
    return Overview(at=overview.at, numbers={name: row for name, row in overview.numbers.items() if name in allowed})


class LiveFeed:
    """The process's one poll; `ctx.get(LiveFeed)`. Made inside the running event loop."""

    def __init__(self, ctx: Context, rooms: Sequence[Room]) -> None:
        self._ctx = ctx
        self.rooms = tuple(rooms)
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Future[Moment] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._watching = 0
        self._polling: asyncio.Task[None] | None = None

    def close(self) -> None:
        """End every stream, for good."""
        if not self._closed.done():
            self._closed.set_result(None)

    async def read(self) -> Moment:
        """Ask every room now."""
        numbers = await read_all(self._ctx, self.rooms)
        async with self._ctx.db.connection() as conn:
            jobs = await recent_jobs(conn, limit=20)
        return Moment(overview=Overview(at=self._ctx.clock.now(), numbers=numbers), jobs=jobs)

    async def _poll(self) -> None:
        while True:
            due = self._loop.time() + PERIOD
            try:
                moment = await self.read()
            except Exception as failed:
                log.warning("live poll failed", error=repr(failed))
            else:
                told, self._news = self._news, self._loop.create_future()
                told.set_result(moment)
            await asyncio.sleep(max(0.05, due - self._loop.time()))

    async def moments(self) -> AsyncIterator[Moment]:
        """Each poll from now on, until the feed closes. The poll runs while anybody watches."""
        self._watching += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="live poll")
        try:
            while True:
                news = self._news
                either: set[asyncio.Future[Any]] = {news, self._closed}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if self._closed.done():
                    return
                yield news.result()
        finally:
            self._watching -= 1
            if self._watching == 0:
                self._polling.cancel()
                self._polling = None


def _event(kind: str, data: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


async def stream(feed: LiveFeed, who: Principal) -> AsyncIterator[bytes]:
    """The events one watcher sees: `overview` each second, `job` for each job that changed."""
    yield b"retry: 2000\n\n"
    seen: dict[int, Job] = {}
    until = asyncio.get_running_loop().time() + LONGEST
    async for moment in feed.moments():
        yield _event("overview", visible(moment.overview, who, feed.rooms))
        if who.may("jobs:read"):
            for job in reversed(moment.jobs):
                if seen.get(job.id) != job:
                    yield _event("job", job)
            seen = {job.id: job for job in moment.jobs}
        if asyncio.get_running_loop().time() > until:
            return


@get("/v1/live", permission="live:read", media_type="text/event-stream")
async def live(ctx: Context, who: Principal) -> Stream:
    """Overview numbers and job progress each second, as server-sent events named `overview` and `job`."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(stream(ctx.get(LiveFeed), who), media_type="text/event-stream", headers=headers)


@get("/v1/overview", permission="live:read")
async def overview(ctx: Context, who: Principal) -> Overview:
    """The rooms' overview numbers now."""
    feed = ctx.get(LiveFeed)
    moment = await feed.read()
    return visible(moment.overview, who, feed.rooms)
