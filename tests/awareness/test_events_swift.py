"""The swift way of event calls: what it takes is stored as the ordinary handler would store it, and it takes nothing else."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest

from antiphon.awareness.events import Journal
from antiphon.awareness.events.errors import JournalDown
from antiphon.awareness.events.receive import Receiver, refusal
from antiphon.awareness.events.service import add_source
from antiphon.foundation.access import Access
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Database
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store

PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("track", {"userId": "u1", "event": "Bought", "properties": {"price": 1.50}, "messageId": "m1"}),
    ("track", {"type": "track", "userId": "ü", "event": "日本", "sentAt": "2026-01-02T03:04:05Z", "writeKey": "left out"}),
    ("identify", {"anonymousId": "a1", "traits": {"email": "a@example.com"}, "context": {"ip": "::1"}}),
    ("batch", {"batch": [{"type": "track", "userId": "1", "event": "A"}, {"type": "page", "userId": "2"}], "context": {"a": 1}}),
]
NOT_PLAIN: list[tuple[str, bytes]] = [
    ("track", b"{"), ("track", b"[]"), ("track", b""), ("track", b"\xff"), ("track", b'{"event":"A"}'),
    ("track", b'{"userId":"u"}'), ("track", b'{"type":"page","userId":"u","event":"A"}'),
    ("track", b'{"userId":"u","event":"A","timestamp":"yesterday"}'), ("track", b'{"userId":"u","event":"A"' + b" " * 33_000 + b"}"),
    ("alias", b'{"userId":"u"}'), ("batch", b'{"batch":[1]}'), ("batch", b'{"batch":[]}'), ("batch", b"[]"),
]  # fmt: skip


class Measure:
    def __init__(self) -> None:
        self.count = 0

    def observe(self, _: float) -> None:
        self.count += 1

    inc = observe


@pytest.fixture
async def key(app: Any, db: Database) -> str:
    async with db.transaction() as conn:
        return (await add_source(_ctx(app), conn, SYSTEM, "Shop")).write_key


def _ctx(app: Any) -> Context:
    found: Context = app.app.state.ctx
    return found


def basic(key: str) -> bytes:
    return b"Basic " + b64encode(f"{key}:".encode())


async def rows(db: Database) -> list[tuple[Any, ...]]:
    async with db.connection() as conn:
        return await (await conn.execute("select source_id, sent_at, payload from journal order by lane, seq")).fetchall()


def told_nothing(_: Exception | None) -> None:
    raise AssertionError("what was declined has no outcome")


def way(app: Any, call: str) -> Receiver:
    return Receiver(call, app.app.state, lambda _: (Measure(), Measure()))


async def test_what_is_taken_is_stored_as_by_the_ordinary_way(app: Any, stranger: Any, db: Database, key: str) -> None:
    for call, said in PLAIN:
        body = json.dumps(said, ensure_ascii=False).encode()
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        await stranger.post(f"/v1/{call}", content=body, auth=(key, ""))
        before = await rows(db)
        assert way(app, call).take(basic(key), body, done.set_result)
        assert await done is None
        after = await rows(db)
        count = len(said["batch"]) if call == "batch" else 1
        assert after[-count:] == before[-count:] and len(after) == len(before) + count


async def test_whatever_is_refused_is_declined_and_stores_nothing(app: Any, stranger: Any, db: Database, key: str) -> None:
    await stranger.post("/v1/track", json={"userId": "u", "event": "A"}, auth=(key, ""))
    before = await rows(db)
    for call, body in NOT_PLAIN:
        assert not way(app, call).take(basic(key), body, told_nothing), (call, body[:60])
    plain = json.dumps(PLAIN[0][1]).encode()
    for authorization in (None, b"", b"Basic !", b"Digest x", basic("wk_unknown"), basic("")):
        assert not way(app, "track").take(authorization, plain, told_nothing), authorization
    assert await rows(db) == before


async def test_a_key_is_asked_after_before_it_is_believed(app: Any, stranger: Any, key: str) -> None:
    plain = json.dumps(PLAIN[0][1]).encode()
    assert not way(app, "track").take(basic(key), plain, told_nothing)
    await stranger.post("/v1/track", content=plain, auth=(key, ""))
    done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    assert way(app, "track").take(basic(key), plain, done.set_result)
    assert await done is None
    _ctx(app).get(Access).forget_keys()
    assert not way(app, "track").take(basic(key), plain, told_nothing)


async def test_nobody_is_told_that_it_is_safe_when_the_database_did_not_take_it(
    app: Any, stranger: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = json.dumps(PLAIN[0][1]).encode()
    await stranger.post("/v1/track", content=plain, auth=(key, ""))
    journal = _ctx(app).get(Journal)

    async def broken(*_: Any) -> None:
        raise OSError("the network is gone")

    monkeypatch.setattr(journal, "_write", broken)
    done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    receiver = way(app, "track")
    assert receiver.take(basic(key), plain, done.set_result)
    failed = await done
    assert isinstance(failed, JournalDown) and journal.waiting_bytes == 0
    status, headers, body = receiver.refuse(failed)
    assert status == 503 and b"retry-after" in {name.lower() for name, _ in headers}
    ordinary = await stranger.post("/v1/track", content=plain, auth=(key, ""))
    assert (ordinary.status_code, ordinary.content) == (status, body) == (refusal("track", failed)[0], refusal("track", failed)[2])


async def test_the_event_addresses_have_swift_ways(app: Any) -> None:
    assert {b"/v1/track", b"/v1/batch", b"/v1/identify", b"/v1/t"} <= app.swift.keys()
    assert b"/v1/m" not in app.swift
