import asyncio

import pytest

from antiphon.foundation.leases import LeaseLost, Leases
from antiphon.foundation.postgres import Database

pytestmark = pytest.mark.store


async def run_out(db: Database, owner: str) -> None:
    """Its term is over, as if it had not been heard of for so long."""
    async with db.connection() as conn:
        await conn.execute("update lease set expires = clock_timestamp() - interval '1 second' where owner = %s", (owner,))
        await conn.execute("update node set expires = clock_timestamp() - interval '1 second' where name = %s", (owner,))


async def test_buckets_are_shared_fairly_and_never_twice(db: Database) -> None:
    a, b = Leases(db, "a", "worker"), Leases(db, "b", "worker")
    await a.declare("work", 64)
    await a.beat()
    assert len((await a.share("work", 64)).buckets) == 64
    await b.beat()
    await a.share("work", 64)
    held_a, held_b = await a.share("work", 64), await b.share("work", 64)
    assert len(held_a.buckets) == len(held_b.buckets) == 32
    assert not set(held_a.buckets) & set(held_b.buckets)


async def test_a_dead_holder_is_replaced_and_fenced(db: Database) -> None:
    a, b = Leases(db, "a", "worker"), Leases(db, "b", "worker")
    await a.declare("work", 4)
    await a.beat()
    held_a = await a.share("work", 4)
    await run_out(db, "a")
    await b.beat()
    held_b = await b.share("work", 4)
    assert held_b.buckets == [0, 1, 2, 3]
    with pytest.raises(LeaseLost):
        async with db.transaction() as conn:
            await held_a.fence(conn)
    async with db.transaction() as conn:
        await held_b.fence(conn)


async def test_work_in_progress_holds_off_a_take_over_but_not_a_renewal(db: Database) -> None:
    a, b = Leases(db, "a", "worker"), Leases(db, "b", "worker")
    await a.declare("work", 1)
    await a.beat()
    held_a = await a.share("work", 1)
    async with db.transaction() as conn:
        await held_a.fence(conn)
        await asyncio.wait_for(a.beat(), 60)  # a renewal never waits for work
        await run_out(db, "a")
        await b.beat()
        assert not (await b.share("work", 1)).buckets  # skipped: the work's transaction holds its row
    assert (await b.share("work", 1)).buckets == [0]


async def test_giving_back_frees_at_once(db: Database) -> None:
    a, b = Leases(db, "a", "worker"), Leases(db, "b", "worker")
    await a.declare("work", 8)
    await a.beat()
    await a.share("work", 8)
    await a.leave(["work"])
    await b.beat()
    assert len((await b.share("work", 8)).buckets) == 8
