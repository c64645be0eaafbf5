"""New people of an import: the mirror is what the copier would have written, whatever happens to them meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyroaring import BitMap
from tests.awareness.test_imports_customers import bring, people, write

from antiphon.awareness.profiles import (
    AlreadyKnown,
    Newcomers,
    Run,
    hand_over_late,
    make_newcomers,
    mark_dirty,
    newcomers_waiting,
    reserve_ids,
)
from antiphon.awareness.profiles.loops import index_words
from antiphon.awareness.profiles.service import find_profiles
from antiphon.awareness.traits import TypedColumn, mirror_newcomers, mirror_profiles, observe_traits, registry
from antiphon.awareness.traits.service import retype
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient, LakeSession
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import COPY_HEAD, COPY_TAIL

pytestmark = pytest.mark.store
AT = datetime(2026, 1, 1, tzinfo=UTC)
MAP = """
kind = "customers"
[identities]
email = "E"
card = "C"
[traits]
word = "W"
number = { column = "N", type = "number" }
whole = { column = "I", type = "integer" }
yes = { column = "B", type = "boolean" }
day = { column = "D", type = "date" }
moment = { column = "T", type = "instant", zone = "Europe/London" }
list = { column = "L", type = "text_list" }
"""
ROWS = [
    "E,C,W,N,I,B,D,T,L",
    'a@x.org,,"He said ""ä"" \\ x",1.50,7,yes,2026-02-28,2026-07-01 10:00:00,a; b|c',
    "b@x.org,K-1,,-0.000001,-7.0,no,0999-01-01,2026-07-01T10:00:00.123456+05:30,",
    "c@x.org,,日本,1e20,,1,9999-12-31,1970-01-01,one",
    "d@x.org,,x,.5,1000,,12026-01-01,,;",
    "e@x.org,,  ,,,,,9999-12-31T23:59:59Z,a;;b",
    ",K-2,only a card,+1,+1,off,1582-10-15,0001-01-01 00:00:00,x",
]


async def no_fence(conn: Connection) -> None: ...


async def mirror_of(lake: LakeClient) -> list[tuple[Any, ...]]:
    """Every row of the mirror, by column name."""
    columns = sorted(row[0] for row in await lake.run("select column_name from (describe lake.profile)"))
    return await lake.run(f"select {', '.join(columns)} from lake.profile order by profile_id")


async def test_the_mirror_is_what_the_copier_would_write(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    done = await bring(ctx, write(tmp_path, "\n".join(ROWS) + "\n"), MAP)
    assert (done.made, done.refused) == (6, 0), done
    written = await mirror_of(lake)
    assert len(written) == 6
    async with ctx.db.transaction() as conn:
        assert await newcomers_waiting(conn) == 0
        row = await (await conn.execute("select count(*) from profile_dirty")).fetchone()
        assert row == (0,)
        (noted,) = await (await conn.execute("select ids from mirror_change")).fetchall()
        made = [r[0] for r in await (await conn.execute("select id from profile order by id")).fetchall()]
        assert list(BitMap.deserialize(noted[0])) == made
        await mark_dirty(conn, made)
    assert await mirror_profiles(ctx) == 6
    assert await mirror_of(lake) == written


def field(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def chunks(rows: list[list[bytes]]) -> Callable[[], AsyncIterator[bytes]]:
    async def give() -> AsyncIterator[bytes]:
        yield COPY_HEAD + b"".join(len(r).to_bytes(2, "big") + b"".join(map(field, r)) for r in rows) + COPY_TAIL

    return give


async def some(conn: Connection, names: list[str]) -> Newcomers:
    """New people with an e-mail and a trait each."""
    reserved = await reserve_ids(conn, len(names))
    ids = [one for run in reserved.runs for one in range(run.first, run.last + 1)]
    when = bytes(8)
    lines = [
        [i.to_bytes(8, "big"), b"\x01" + f'{{"plan":"{n}"}}'.encode(), b"s", when, when, when, when]
        for i, n in zip(ids, names, strict=True)
    ]
    identities = [[b"email", f"{n}@x.org".encode(), i.to_bytes(8, "big")] for i, n in zip(ids, names, strict=True)]
    return await make_newcomers(conn, reserved.runs, chunks(lines), chunks(sorted(identities)), fence=no_fence)


async def mirror(session: LakeSession, conn: Connection, made: Newcomers, names: list[str]) -> bool:
    listed = ", ".join(f"({made.runs[0].first + n}, '{name}')" for n, name in enumerate(names))
    when = "'2000-01-01'::timestamptz"
    source = (
        f"(select id as profile_id, {when} as created_at, {when} as updated_at, {when} as first_seen, {when} as last_seen, plan "
        f"from (values {listed}) v (id, plan)) made"
    )
    return await mirror_newcomers(session, conn, made, source, {"plan": TypedColumn("text", "plan")})


@pytest.fixture
async def conn(ctx: Context) -> AsyncIterator[Connection]:
    async with ctx.db.transaction() as registry_conn:
        await observe_traits(registry_conn, {"plan": "text"}, AT)
    opened = await ctx.db.dedicated()
    yield opened
    await opened.close()


async def plans(lake: LakeClient) -> list[tuple[Any, ...]]:
    return await lake.run("select t_plan from lake.profile order by profile_id")


async def test_whoever_changed_meanwhile_is_left_to_the_copier(ctx: Context, lake: LakeClient, conn: Connection) -> None:
    made = await some(conn, ["a", "b", "c"])
    first = made.runs[0].first
    await conn.execute('update profile set traits = \'{"plan": "new"}\' where id in (%s, %s)', (first, first + 1))
    async with ctx.db.transaction() as other:
        await mark_dirty(other, [first])
    assert await mirror_profiles(ctx) == 1  # copied already
    async with ctx.db.transaction() as other:
        await mark_dirty(other, [first + 1])  # waits
    async with lake.session() as session:
        assert await mirror(session, conn, made, ["a", "b", "c"])
    assert await plans(lake) == [("new",), ("c",)]
    assert await mirror_profiles(ctx) == 1
    assert await plans(lake) == [("new",), ("new",), ("c",)]


@pytest.mark.parametrize("happened", ["erased", "merged", "retyped", "taken over"])
async def test_what_is_not_plain_is_left_to_the_copier(ctx: Context, lake: LakeClient, conn: Connection, happened: str) -> None:
    made = await some(conn, ["a", "b", "c"])
    first = made.runs[0].first
    async with ctx.db.transaction() as other:
        match happened:
            case "erased":
                await other.execute("update identity_epoch set epoch = epoch + 1")
                await other.execute("delete from profile where id = %s", (first,))
                await mark_dirty(other, [first])
            case "merged":
                await other.execute(
                    "insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, now(), 'test')",
                    (first, first + 1, first + 1),
                )
                await other.execute("update profile set merged_into = %s where id = %s", (first + 1, first))
                await mark_dirty(other, [first, first + 1])
            case "retyped":
                await retype(other, "plan", "text_list", by="test")
            case _:
                await other.execute("update newcomer_unmirrored set since = now() - interval '2 minutes'")
                assert await hand_over_late(other) == 3
                assert await hand_over_late(other) == 0
    if happened in ("erased", "merged"):
        assert await mirror_profiles(ctx) > 0  # the mark of the change is gone before the loader comes
    async with lake.session() as session:
        assert not await mirror(session, conn, made, ["a", "b", "c"])
    assert await newcomers_waiting(conn) == 0
    while await mirror_profiles(ctx):
        pass
    async with ctx.db.connection() as other:
        traits = await registry(other)
    column = traits["plan"].next_column or "t_plan"
    kept = await lake.run(f"select profile_id, {column} from lake.profile order by profile_id")
    gone = happened in ("erased", "merged")
    assert [row[0] - first for row in kept] == ([1, 2] if gone else [0, 1, 2])
    assert kept[-1][1] == (["c"] if happened == "retyped" else "c")


async def test_a_set_with_somebody_known_writes_nothing(ctx: Context, conn: Connection) -> None:
    await some(conn, ["a"])
    with pytest.raises(AlreadyKnown):
        await some(conn, ["b", "a"])
    row = await (await conn.execute("select count(*), (select count(*) from identity) from profile")).fetchone()
    assert row == (1, 1)


async def test_ids_are_runs_without_gaps(ctx: Context, conn: Connection) -> None:
    one = await reserve_ids(conn, 5)
    other = await reserve_ids(conn, 3)
    assert len(one.runs) == 1 and other.runs == [Run(one.runs[0].last + 1, 3)]


async def test_newcomers_are_found_before_and_after_their_words_are_indexed(
    ctx: Context, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held:
        async def fence(self, conn: Connection) -> None: ...

    monkeypatch.setattr("antiphon.awareness.profiles.loops.MOST", 2)
    await some(conn, ["gold", "silver", "bronze"])
    assert len(await find_profiles(conn, "ilve", 10)) == 1
    await index_words(ctx, Held())  # type: ignore[arg-type]
    assert (await (await conn.execute("select last_id - first_id + 1 from newcomer_unindexed")).fetchall()) == [(1,)]
    await index_words(ctx, Held())  # type: ignore[arg-type]
    assert (await (await conn.execute("select count(*) from newcomer_unindexed")).fetchone()) == (0,)
    assert (await (await conn.execute("select count(*) from profile_search")).fetchone()) == (3,)
    assert len(await find_profiles(conn, "ilve", 10)) == 1


async def test_known_and_new_rows_of_a_set_go_their_ways(ctx: Context, lake: LakeClient, tmp_path: Path) -> None:
    await bring(ctx, write(tmp_path, "E,C,W,N,I,B,D,T,L\nb@x.org,,old,,,,,,\n"), MAP)
    ctx.clock.advance(AT - AT.replace(year=2025))  # type: ignore[attr-defined]
    text = "E,C,W,N,I,B,D,T,L\na@x.org,,a,,,,,,\nb@x.org,,new,,,,,,\nc@x.org,K,c,,,,,,\nd@x.org,K,d,,,,,,\nbad,,,,,,,,\n"
    done = await bring(ctx, write(tmp_path, text, "more.csv"), MAP)
    assert (done.rows, done.refused) == (5, 1) and done.made >= 1
    before = await people(ctx)
    again = await bring(ctx, write(tmp_path, text, "more.csv"), MAP)
    assert again.made == 0 and await people(ctx) == before
    while await mirror_profiles(ctx):
        pass
    assert sorted(r[0] for r in await lake.run("select t_word from lake.profile")) in (["a", "d", "new"], ["a", "c", "d", "new"])
