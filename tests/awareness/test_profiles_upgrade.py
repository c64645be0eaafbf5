"""Merges and proposals from before claims were kept are the same afterwards, and can be undone as before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from antiphon.awareness.profiles import Identity, Person, canonical, resolve, stamp_of
from antiphon.awareness.profiles.deciding import undo_merge, undo_proposal
from antiphon.awareness.profiles.service import show_profile
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.config import Settings
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Database, migrate
from antiphon.foundation.postgres.migrate import migration_files

pytestmark = pytest.mark.store

AT = datetime(2026, 5, 1, tzinfo=UTC)
BEFORE = """
insert into profile (id, traits, stamps, stamp, merged_into) values
    (1, '{}', '{}', '', 2), (2, '{"color": "blue", "theme": "dark"}', '{"theme": "01 a"}', '02 b', null),
    (3, '{"name": "Four", "only3": 3, "only4": 4, "late": 1}', '{"only3": "03 c", "only4": "05 e", "name": "05 e", "late": "09 z"}', '03 c', null),
    (4, '{}', '{}', '', 3), (5, '{}', '{}', '', 3),
    (6, '{"n": 6}', '{}', '06 f', null), (7, '{"n": 7}', '{}', '07 g', null),
    (8, '{"n": 9, "only8": 1}', '{"n": "09 i"}', '08 h', null), (9, '{}', '{}', '', 8);
insert into identity (kind, value, profile_id, origin_id) values
    ('anonymous_id', 'a1', 2, 1), ('user_id', 'u2', 2, null), ('email', '2@x.org', 2, null),
    ('user_id', 'u3', 3, null), ('user_id', 'u4', 3, 4), ('email', '4@x.org', 3, 4), ('anonymous_id', 'a5', 3, 5),
    ('user_id', 'u6', 6, null), ('user_id', 'u7', 7, null), ('email', '7@x.org', 7, null),
    ('user_id', 'u8', 8, null), ('user_id', 'u9', 8, 9);
insert into alias (from_id, to_id, into_id, at, reason, who, traits, stamps, stamp, target_traits, target_stamps, target_stamp) values
    (1, 2, 2, '2026-05-01Z', 'same identities', null, '{"color": "red", "theme": "dark"}', '{}', '01 a', '{"color": "blue"}', '{}', '02 b'),
    (5, 3, 4, '2026-05-01Z', 'same identities', null, '{"only4": 3}', '{}', '04 d', '{"only4": 4, "name": "Four"}', '{}', '05 e'),
    (4, 3, 3, '2026-05-02Z', 'decided by a person', 'Ann', '{"only4": 4, "name": "Four"}', '{}', '05 e', '{"name": "Was three", "only3": 3}', '{}', '03 c'),
    (9, 8, 8, '2026-05-02Z', 'decided by a person', 'Ann', '{"n": 9}', '{}', '09 i', '{"n": 8, "only8": 1}', '{}', '08 h');
insert into merge_proposal (id, low_id, high_id, kind, value, state, created_at) values
    (1, 6, 7, 'email', '7@x.org', 'open', '2026-05-01Z'), (2, 8, 9, 'email', 'x@x.org', 'accepted', '2026-05-01Z');
select setval(pg_get_serial_sequence('profile', 'id'), 9);
"""


@pytest.fixture
def upgraded(postgres_url: str, tmp_path: Path) -> Iterator[str]:
    """A database filled when there were no claims, then brought to today's schema."""
    import asyncio

    name = "antiphon_upgrade_test"
    old = tmp_path / "old"
    old.mkdir()
    for path in migration_files():
        if path.name < "0014":
            (old / path.name).write_bytes(path.read_bytes())
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute(f'drop database if exists "{name}" with (force)')
        conn.execute(f'create database "{name}"')
        url = make_conninfo(postgres_url, dbname=name)
        asyncio.run(migrate(url, old))
        with psycopg.connect(url, autocommit=True) as filled:
            filled.execute(BEFORE)
        asyncio.run(migrate(url))
        yield url
        conn.execute(f'drop database "{name}" with (force)')


@pytest.fixture
async def old(upgraded: str, settings: Settings, clock: VirtualClock) -> AsyncIterator[Context]:
    db = await Database.open(upgraded, name="test", max_size=2)
    yield Context(settings=settings, db=db, lake=None, clock=clock, secret=settings.secret_bytes(), node="test", kind="worker")  # type: ignore[arg-type]
    await db.close()


async def say(ctx: Context, n: int, *named: tuple[str, str], traits: dict[str, Any] | None = None) -> int:
    at = ctx.clock.now()
    bundle = tuple(Identity(kind, value) for kind, value in named)
    async with ctx.db.transaction() as conn:
        person = Person(bundle, json.dumps(traits).encode() if traits else None, stamp_of(at, f"m{n}"), at)
        return (await resolve(conn, [person], at=at))[0]


async def traits(ctx: Context, profile: int) -> tuple[int, dict[str, Any]]:
    async with ctx.db.connection() as conn:
        page = await show_profile(conn, profile)
        return page.id, page.traits


async def test_what_was_joined_stays_joined(old: Context) -> None:
    assert await say(old, 1, ("user_id", "u2"), ("phone", "+4915112345678")) == 2
    assert await say(old, 2, ("user_id", "u4"), ("phone", "+4915112345679")) == 3
    assert await say(old, 3, ("user_id", "u8"), ("anonymous_id", "a8")) == 8
    assert await say(old, 4, ("user_id", "u6"), ("anonymous_id", "a6")) == 6
    async with old.db.connection() as conn:
        assert [await canonical(conn, gone) for gone in (1, 4, 5, 9)] == [2, 3, 3, 8]
        assert (await show_profile(conn, 6)).open_proposals == 1, "what is asked is asked still"
    assert await traits(old, 4) == (3, {"name": "Four", "only3": 3, "only4": 4, "late": 1})


async def test_each_gets_their_own_back(old: Context) -> None:
    await say(old, 1, ("user_id", "u4"), traits={"since": 1})
    async with old.db.transaction() as conn:
        await undo_merge(old, conn, SYSTEM, 1)
        await undo_merge(old, conn, SYSTEM, 4)
        await undo_proposal(old, conn, SYSTEM, 2)
    assert await traits(old, 1) == (1, {"color": "red", "theme": "dark"})
    assert await traits(old, 2) == (2, {"color": "blue"})
    assert await traits(old, 3) == (3, {"name": "Was three", "only3": 3, "late": 1})
    assert await traits(old, 5) == (4, {"name": "Four", "only4": 4, "since": 1})
    assert await traits(old, 8) == (8, {"n": 8, "only8": 1})
    assert await traits(old, 9) == (9, {"n": 9})
    assert await say(old, 2, ("user_id", "u2"), ("anonymous_id", "a1")) == 2
    async with old.db.connection() as conn:
        assert await canonical(conn, 1) == 1, "what a person parted is not joined again"
