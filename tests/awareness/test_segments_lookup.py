"""Which segments somebody is in: kept in a process, brought up to date beside the requests, the same by every way of asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pyroaring import BitMap

from antiphon.awareness.segments import lookup, store
from antiphon.awareness.segments.lookup import IdentityWanted, Memberships
from antiphon.foundation.access import SYSTEM, issue_key
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.errors import NotFound
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store


async def add_segment(conn: Connection, clock: VirtualClock, name: str, people: BitMap) -> int:
    """A static list with these members."""
    now = clock.now()
    one = await store.insert_segment(conn, name=name, description="", tree=None, refs=(), announce="never", now=now)
    row = await store.take_revision(conn, await store.find_segment(conn, one), size=len(people), seq=1, now=now)
    await store.write_base(conn, row.id, 1, people)
    return row.id


async def change(conn: Connection, clock: VirtualClock, segment: int, entered: BitMap, gone: BitMap) -> None:
    row = await store.find_segment(conn, segment)
    row = await store.take_revision(conn, row, size=row.size, seq=row.delta_seq + 1, now=clock.now())
    await store.write_delta(conn, segment, row.delta_seq, entered, gone)


async def merge(conn: Connection, away: int, into: int) -> None:
    sql = "insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, now(), 'test')"
    await conn.execute(sql, (away, into, into))


async def add_person(conn: Connection, user: str) -> int:
    row = await (await conn.execute("insert into profile default values returning id")).fetchone()
    assert row is not None
    sql = "insert into identity (kind, value, profile_id) values ('user_id', %s, %s)"
    await conn.execute(sql, (user, row[0]))
    return int(row[0])


@pytest.fixture
async def kept(ctx: Context) -> AsyncIterator[Memberships]:
    memberships = Memberships(ctx)
    yield memberships
    await memberships.close()


async def names(kept: Memberships, profile_id: int) -> list[str]:
    return [one.name for one in await kept.of(profile_id)]


async def test_changes_follow_without_a_question_reading_anything(
    ctx: Context, clock: VirtualClock, kept: Memberships, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task beside the requests reads whole members once and afterwards only what changed; archived ones go."""
    monkeypatch.setattr(lookup, "AGE", 0.02)
    async with ctx.db.connection() as conn:
        ids = [await add_segment(conn, clock, f"S{n:02}", BitMap(range(n, 1000, 40))) for n in range(40)]
    assert await names(kept, 5) == ["S05"]
    assert await names(kept, 999) == ["S39"]
    read: list[dict[int, int]] = []
    real = store.changes

    async def watched(conn: Connection, seqs: Any) -> Any:
        read.append(dict(seqs))
        return await real(conn, seqs)

    monkeypatch.setattr(store, "changes", watched)
    async with ctx.db.transaction() as conn:  # as refreshing does: a revision and its change are one
        await change(conn, clock, ids[7], BitMap([5]), BitMap([7]))
        await change(conn, clock, ids[7], BitMap([6]), BitMap([5]))
        await change(conn, clock, ids[8], BitMap([5]), BitMap())
        await store.set_state(conn, ids[5], "archived", clock.now())
        added = await add_segment(conn, clock, "New", BitMap([5]))
    async with asyncio.timeout(60):
        while await names(kept, 5) != ["S08", "New"]:
            await asyncio.sleep(0.02)
    assert await names(kept, 6) == ["S06", "S07"]
    assert await names(kept, 7) == []
    asked = {key: seq for one in read for key, seq in one.items()}
    assert asked == {ids[7]: asked[ids[7]], ids[8]: 1, added: -1}


async def test_nobody_asks_and_nothing_is_kept(
    ctx: Context, clock: VirtualClock, kept: Memberships, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "AGE", 0.01)
    monkeypatch.setattr(lookup, "IDLE", 0.05)
    async with ctx.db.connection() as conn:
        await add_segment(conn, clock, "A", BitMap([1]))
    assert await names(kept, 1) == ["A"]
    assert kept._task is not None
    await asyncio.wait_for(kept._task, 60)
    assert kept._order == []
    assert await names(kept, 1) == ["A"]


async def test_many_first_questions_read_once(ctx: Context, clock: VirtualClock, kept: Memberships) -> None:
    async with ctx.db.connection() as conn:
        await add_segment(conn, clock, "A", BitMap([1]))
    found = await asyncio.gather(*(names(kept, n % 2) for n in range(50)))
    assert found == [[], ["A"]] * 25


async def test_the_merged_are_who_they_are_now(ctx: Context, clock: VirtualClock, kept: Memberships) -> None:
    async with ctx.db.connection() as conn:
        ann, old, older = [await add_person(conn, user) for user in ("ann", "old", "older")]
        await add_segment(conn, clock, "Ann's", BitMap([ann]))
        await merge(conn, old, ann)
    assert (await names(kept, old), await names(kept, older)) == (["Ann's"], [])
    async with ctx.db.connection() as conn:
        await merge(conn, older, ann)
    await kept.look()
    assert await names(kept, older) == ["Ann's"]
    assert b'"profile_id":%d,' % ann in await kept.told(older)
    assert await kept.whose("userId", " old ") == ann
    async with ctx.db.connection() as conn:
        await conn.execute("delete from alias where from_id = %s", (older,))  # an undone merge
    await kept.look()
    assert await names(kept, older) == []


async def test_a_merge_that_commits_late_is_not_missed(ctx: Context, kept: Memberships) -> None:
    """Transactions that began before a look and end after it are seen by the next one."""
    async with ctx.db.connection() as conn:
        one, two, three = [await add_person(conn, f"u{n}") for n in range(3)]
    async with ctx.db.transaction() as slow:
        await merge(slow, one, three)
        async with ctx.db.connection() as conn:
            await merge(conn, two, three)
        await kept.look()
        assert two in kept._merged
        assert one not in kept._merged
    await kept.look()
    assert one in kept._merged


async def test_identities_that_are_none_or_nobodys(ctx: Context, kept: Memberships) -> None:
    for kind, value in (("email", "no address"), ("!", "x"), ("user_id", "null")):
        with pytest.raises(IdentityWanted):
            await kept.whose(kind, value)
    with pytest.raises(NotFound):
        await kept.whose("user_id", "stranger")


async def test_keys_and_people_are_answered_alike(
    app: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick way answers what the route answers, and leaves every refusal to it."""
    ctx = app.app.state.ctx
    async with ctx.db.transaction() as conn:
        ann = await add_person(conn, "ann smith+1")
        for name in ("Ä", 'Quo"ted', "Other"):
            await add_segment(conn, clock, name, BitMap([ann] if name != "Other" else []))
        good = await issue_key(conn, SYSTEM, name="good", kind="api", permissions=["segments:read"])
        bad = await issue_key(conn, SYSTEM, name="bad", kind="api", permissions=["jobs:read"])
    by_id, by_identity = f"/v1/profiles/{ann}/segments", "/v1/profiles/segments"
    asked: list[tuple[str, dict[str, str] | None]] = [
        (by_id, None), (by_identity, {"kind": "user_id", "value": "ann smith+1"}), ("/v1/profiles/77/segments", None),
    ]  # fmt: skip
    answers = [(await client.get(path, params=params)).json() for path, params in asked]
    assert [one["name"] for one in answers[0]["items"]] == ["Ä", 'Quo"ted']
    assert answers[0] == answers[1]
    assert answers[0]["profile_id"] == ann
    assert answers[2] == {"profile_id": 77, "items": [], "total": 0}
    refused = [(by_identity, {"kind": "user_id", "value": "bob"}), (by_identity, {"kind": "user_id"}), (by_id, {"x": "1"}),
               (by_identity, {"kind": "email", "value": "%"}), ("/v1/profiles/0/segments", None),
               (f"/v1/profiles/{2**40}/segments", None), ("/v1/profiles/-1/segments", None)]  # fmt: skip
    problems = [(await client.get(path, params=params)) for path, params in refused]
    assert [one.status_code for one in problems] == [404, 400, 400, 400, 400, 400, 400]

    stranger.headers["authorization"] = f"Bearer {good.token}"
    assert [(await stranger.get(path, params=params)).status_code for path, params in refused] == [
        one.status_code for one in problems
    ]
    calls = []
    real = app.app
    monkeypatch.setattr(app, "app", lambda *args: calls.append(1) or real(*args))
    for (path, params), expected in zip(asked, answers, strict=True):
        answer = await stranger.get(path, params=params)
        assert answer.json() == expected
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert calls == []
    stranger.headers["authorization"] = f"Bearer {bad.token}"
    assert (await stranger.get(by_id)).status_code == 403
    stranger.headers["authorization"] = "Bearer nonsense"
    assert (await stranger.get(by_id)).status_code == 401
    assert calls == [1, 1]
