"""The live overview: one poll for all who watch, only what they may see, and an end when the process is told to stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from antiphon.foundation.access.room import ROOM as ACCESS
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import enqueue
from antiphon.foundation.leases import Leases
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import SYSTEM, Principal
from antiphon.foundation.rooms import House, Room
from antiphon.web import live
from antiphon.web.history import LOOPS, note_overview
from antiphon.web.live import LiveFeed, stream
from antiphon.web.room import ROOM as WEB

asked = 0


async def numbers(ctx: Context, conn: Connection) -> Mapping[str, float]:
    global asked
    asked += 1
    return {"asked": asked}


async def broken(ctx: Context, conn: Connection) -> Mapping[str, float]:
    raise RuntimeError("no numbers today")


COUNTING = Room(name="counting", floor="test", overview=numbers, permissions={"counting:read": ("analyst",)})
BROKEN = Room(name="broken", floor="test", overview=broken)
ANALYST = Principal(id=1, kind="person", name="A", role="analyst", permissions=frozenset({"counting:read"}))
AGENT = Principal(id=2, kind="person", name="B", role="agent")


@pytest.fixture
def rooms() -> Any:
    return (ACCESS, WEB, COUNTING, BROKEN)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PERIOD", 0.05)


@pytest.fixture
def feed(ctx: Context, rooms: Any) -> Any:
    return lambda: LiveFeed(ctx, rooms)


async def events(source: AsyncIterator[bytes], count: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    async for chunk in source:
        for block in chunk.decode().strip().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines())
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        if len(found) >= count:
            break
    await source.aclose()  # type: ignore[attr-defined]
    return found


async def test_a_watcher_gets_the_numbers_each_period(feed: Any) -> None:
    found = await events(stream(feed(), ANALYST), 3)
    assert {kind for kind, _ in found} == {"overview"}
    seen = [data["numbers"]["counting"]["asked"] for _, data in found]
    assert seen == sorted(set(seen))
    assert found[0][1]["at"] == "2026-06-01T12:00:00Z"


async def test_numbers_of_a_room_one_may_not_read_are_not_shown(feed: Any) -> None:
    ((_, data),) = await events(stream(feed(), AGENT), 1)
    assert "counting" not in data["numbers"]


async def test_a_room_that_fails_does_not_silence_the_others(feed: Any) -> None:
    ((_, data),) = await events(stream(feed(), ANALYST), 1)
    assert set(data["numbers"]) == {"counting"}


async def test_many_watchers_share_one_poll(feed: Any) -> None:
    one = feed()
    before = asked
    found = await asyncio.gather(*(events(stream(one, ANALYST), 3) for _ in range(20)))
    assert all(len(each) == 3 for each in found)
    assert asked - before <= 12  # sixty if each had its own


async def test_nobody_watching_asks_nothing(feed: Any) -> None:
    one = feed()
    await events(stream(one, ANALYST), 1)
    before = asked
    await asyncio.sleep(0.2)
    assert asked <= before + 1


async def test_a_job_is_told_when_it_changes(feed: Any, ctx: Context) -> None:
    async with ctx.db.transaction() as conn:
        job = await enqueue(conn, "test.work", {"x": 1})
    source = stream(feed(), SYSTEM)
    first = await events(source, 2)
    assert [kind for kind, _ in first] == ["overview", "job"]
    assert (first[1][1]["id"], first[1][1]["state"]) == (job, "waiting")

    source = stream(feed(), SYSTEM)
    got: list[tuple[str, Any]] = []
    async for chunk in source:
        if chunk.startswith(b"event: job"):
            got.append(json.loads(chunk.split(b"data: ", 1)[1]))
            if len(got) == 2:
                break
            async with ctx.db.transaction() as conn:
                await conn.execute("update job set done = 7 where id = %s", (job,))
    assert [one["done"] for one in got] == [0, 7]  # and nothing in between, though polls went on


async def test_closing_the_feed_ends_every_stream(feed: Any) -> None:
    one = feed()
    watching = [asyncio.create_task(events(stream(one, ANALYST), 1_000_000)) for _ in range(5)]
    await events(stream(one, ANALYST), 2)  # the others began before and have had one each
    one.close()
    ended = await asyncio.wait_for(asyncio.gather(*watching), 60)
    assert all(ended)
    assert await events(stream(one, ANALYST), 1) == []


async def test_the_overview_can_be_asked_once(client: Any) -> None:
    answer = await client.get("/v1/overview")
    assert answer.json()["numbers"]["counting"]["asked"] > 0


async def test_the_stream_says_what_it_is(app: Any, client: Any) -> None:
    app.app.state.ctx.get(LiveFeed).close()
    answer = await client.get("/v1/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_overview_has_a_past(ctx: Context, rooms: Any, client: Any) -> None:
    ctx.put(House, House(rooms))
    leases = Leases(ctx.db, ctx.node, "worker")
    await leases.beat()
    await leases.declare(LOOPS[0].name, 1)
    held = await leases.take_one(LOOPS[0].name)
    for _ in range(3):
        await note_overview(ctx, held)
    async with ctx.db.connection() as conn:
        await conn.execute("update overview_point set at = at - interval '2 days' where at = (select min(at) from overview_point)")
    points = (await client.get("/v1/overview/history")).json()["points"]
    assert len(points) == 2
    asked_then = [point["numbers"]["counting"]["asked"] for point in points]
    assert asked_then == sorted(set(asked_then))
    await note_overview(ctx, held)
    async with ctx.db.connection() as conn:
        (kept,) = await (await conn.execute("select count(*) from overview_point")).fetchone() or (0,)
    assert kept == 3  # what is older than a day is gone
    many = "insert into overview_point select clock_timestamp() - n * interval '1 second', '{}' from generate_series(1, 3000) n"
    async with ctx.db.connection() as conn:
        await conn.execute(many)
    points = (await client.get("/v1/overview/history")).json()["points"]
    assert 200 < len(points) <= 240
