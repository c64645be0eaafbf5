"""How the gate writes: large sets are supposed to be new, parts need not wait for the disk, addresses are found by campaign."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, LiteralString

import numpy as np
import pytest
from tests.execution.cast import add_account, add_people, stage
from tests.execution.test_delivery_plans import scans
from tests.execution.test_gate_plans import FILL

from antiphon.execution.delivery import Content, Dispatch, Intents, NewDispatch, chunks, open_dispatch, submit, submit_all
from antiphon.execution.delivery.gate import deciding
from antiphon.execution.delivery.ledger import SQL, Search, search
from antiphon.execution.delivery.matching import SQL as HEARING
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection, Database
from antiphon.foundation.postgres.binary import chosen

pytestmark = pytest.mark.store
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", content=Content(subject="Hello", text="Hello"),
    campaign_id=1, occurrence="1",
)  # fmt: skip


@pytest.fixture
async def scene(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Context]:
    monkeypatch.setattr(deciding, "MANY", 5)
    async with stage(ctx):
        await add_account(ctx)
        yield ctx


async def opened(ctx: Context, new: NewDispatch = NEWS, people: int = 20) -> Dispatch:
    async with ctx.db.transaction() as conn:
        await add_people(conn, people)
        return await open_dispatch(ctx, conn, new)


async def rows(ctx: Context, statement: LiteralString) -> list[Any]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute(statement)).fetchall()


ONCE = "select count(*), count(distinct d.profile_id), count(distinct q.profile_id) from delivery d left join delivery_queue q on q.delivery_id = d.id"


async def test_a_large_set_of_which_some_was_handed_in_before(scene: Context) -> None:
    dispatch = await opened(scene)
    async with scene.db.transaction() as conn:
        await submit(scene, conn, dispatch, Intents(profile_ids=[3, 4, 5]))
        await conn.execute("update delivery set reason = 'as it was' where profile_id = 4")
        told = await submit(scene, conn, dispatch, Intents(profile_ids=range(1, 21)))
        assert told.passed == 20, "the transaction goes on"
        await conn.execute("update dispatch set priority = 3")
    assert await rows(scene, ONCE) == [(20, 20, 20)]
    assert await rows(scene, "select profile_id from delivery where reason = 'as it was'") == [(4,)]
    assert await rows(scene, "select count(*), count(distinct profile_id) from contact") == [(20, 20)]


async def test_two_gates_at_once_write_each_intent_once(scene: Context) -> None:
    dispatch = await opened(scene)

    async def hand_in(ids: range) -> int:
        async with scene.db.transaction() as conn:
            told = await submit(scene, conn, dispatch, Intents(profile_ids=ids))
            await asyncio.sleep(0)
            return told.passed

    told = await asyncio.gather(hand_in(range(1, 16)), hand_in(range(6, 21)), hand_in(range(1, 21)))
    assert list(told) == [15, 15, 20]
    assert await rows(scene, ONCE) == [(20, 20, 20)]
    assert await rows(scene, "select count(*), count(distinct profile_id) from contact") == [(20, 20)]


async def test_only_the_last_part_waits_for_the_disk(scene: Context) -> None:
    dispatch = await opened(scene)
    waited: list[str] = []

    async def within(conn: Connection, part: Intents, verdict: object) -> None:
        if verdict is None:
            row = await (await conn.execute("show synchronous_commit")).fetchone()
            assert row is not None
            waited.append(row[0])

    told = await submit_all(scene, dispatch, chunks(Intents(profile_ids=range(1, 21)), 7), within=within)
    assert told.passed == 20 and waited == ["off", "off", "on"]
    async with scene.db.connection() as conn:
        row = await (await conn.execute("show synchronous_commit")).fetchone()
    assert row == ("on",), "for the part alone"


async def test_all_that_was_said_to_an_address_is_found(scene: Context) -> None:
    for n, campaign in enumerate((1, 7, 7, None, 900), 1):
        key = f"of {campaign}, {n}"
        dispatch = await opened(scene, NewDispatch(key=key, channel="parrot", message_class="service", content=NEWS.content, campaign_id=campaign,
            occurrence=str(n)), people=0 if n > 1 else 3)  # fmt: skip
        async with scene.db.transaction() as conn:
            await submit(scene, conn, dispatch, Intents(profile_ids=[1, 2]))
    async with scene.db.transaction() as conn:
        found = await search(conn, Search(address="p2@example.com"), named=False, limit=50)
        assert [(one.profile_id, one.campaign_id) for one in found] == [(2, 900), (2, None), (2, 7), (2, 7), (2, 1)]
        assert [one.id for one in await search(conn, Search(address="p2@example.com", campaign_id=7), named=False, limit=1)] == [found[2].id]
        assert await search(conn, Search(address="p3@example.com"), named=False, limit=50) == []
        await conn.execute("update delivery set address = 'elsewhere@example.com' where campaign_id = 900 and profile_id = 2")
        await conn.execute("update delivery set sent_at = now()")
        asked = {"channels": ["parrot"] * 3, "addresses": ["p2@example.com", "elsewhere@example.com", "nobody@example.com"]}
        said = await (await conn.execute(HEARING.last_said, asked | {"since": scene.clock.now().replace(year=2000)})).fetchall()
    outside, elsewhere = found[1].id, found[0].id
    assert sorted(said) == [("parrot", "elsewhere@example.com", elsewhere, 2), ("parrot", "p2@example.com", outside, 2)]


async def test_few_names_for_many_rows_are_one_column(db: Database) -> None:
    names = ["queued", None, "потом", ""]
    which = np.array([2, 0, 1, 1, 3, 0], dtype=np.int64)
    async with db.connection() as conn:
        row = await (await conn.execute("select %s::text[], %s::text[]", (chosen(names, which), chosen(names, which[:0])))).fetchone()
    assert row == (["потом", "queued", None, None, "", "queued"], [])


async def test_an_address_is_looked_for_by_indexes(db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute(FILL)
        await conn.execute("update delivery set address = 'p' || id, campaign_id = case when id % 2 = 0 then id % 40 end")
        await conn.execute("vacuum analyze delivery")
    whole = {"delivery_campaign_address", "delivery_address", "delivery_campaign"}
    assert (await scans(db, SQL.said_to, {"address": "p7"}))["delivery"] <= whole
    asked = {"channels": ["email"], "addresses": ["p7"], "since": "2020-01-01"}
    found = (await scans(db, HEARING.last_said, asked))["delivery"]
    assert "whole" not in found and found <= whole | {"delivery_person", "delivery_pkey"}
