"""A session of the lake: temporary tables live as long as it does, and a failure within leaves it usable."""

from __future__ import annotations

import pytest

from antiphon.foundation.lake import LakeClient, LakeConflict, LakeQueryFailed


async def test_temporary_tables_live_as_long_as_the_session(lake: LakeClient) -> None:
    async with lake.session() as session:
        await session.run("create temp table mine as from range(10) r (n)")
        assert await session.run("select sum(n) from mine") == [(45,)]
        assert (await session.columns("select n from mine order by n"))["n"].tolist() == list(range(10))
        with pytest.raises(LakeQueryFailed):
            await session.run("select nonsense from mine")
        assert await session.run("select count(*) from mine") == [(10,)]
    async with lake.session() as other:
        with pytest.raises(LakeQueryFailed):
            await other.run("from mine")


async def test_a_transaction_of_a_session_is_whole_or_not_at_all(lake: LakeClient) -> None:
    await lake.command("create table lake.counted (n bigint)")
    await lake.command("insert into lake.counted values (0)")
    async with lake.session() as session:
        await session.run("create temp table mine as select 5 as n")
        with pytest.raises(ValueError, match="changed my mind"):
            async with session.transaction() as inside:
                await inside.run("insert into lake.counted from mine")
                raise ValueError("changed my mind")
        with pytest.raises(LakeQueryFailed):
            async with session.transaction() as inside:
                await inside.run("insert into lake.counted from mine")
                await inside.run("from nowhere")
        with pytest.raises(LakeConflict):
            async with session.transaction() as inside:
                await inside.run("update lake.counted set n = n + 1")
                await lake.command("update lake.counted set n = n + 10")
        async with session.transaction() as inside:
            await inside.run("insert into lake.counted from mine")
    assert await lake.run("select n from lake.counted order by n") == [(5,), (10,)]
