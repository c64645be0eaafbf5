"""A message of several parts: delivered when each part is, whatever the order and however often it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as trials, strategies as st
from tests.execution.cast import Parrot, add_account, add_people, speak, stage
from tests.execution.test_delivery_hearing import events, rows

from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.delivery import Content, Intents, NewDispatch, open_dispatch, submit
from antiphon.execution.delivery.hearing import Heard, Hearing
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

pytestmark = pytest.mark.store
PARTS = ("a", "b", "c")


class Said:
    """A message of three parts, said by the parrot: its SMSC calls them a, b and c."""

    def __init__(self, ctx: Context, parrot: Parrot, account: int) -> None:
        self.ctx, self.parrot, self.account, self.count = ctx, parrot, account, 0

    async def say(self, answer: Any) -> int:
        """One message whose receipt is this; its delivery."""
        self.parrot.answer = answer
        self.count += 1
        async with self.ctx.db.transaction() as conn:
            (person,) = await add_people(conn, 1, first=self.count)
            new = NewDispatch(key=f"k{person}", channel="parrot", message_class="service", content=Content(subject="", text="Hello"))
            await submit(self.ctx, conn, await open_dispatch(self.ctx, conn, new), Intents(profile_ids=[person]))
        await speak(self.ctx)
        (row,) = await rows(self.ctx, "select id from delivery order by id desc limit 1")
        return int(row["id"])

    def news(self, kind: Any, part: str, at: datetime | None = None) -> Heard:
        name = f"{self.count}{part}"
        return Heard(
            kind=kind, at=at or self.ctx.clock.now(), account_id=self.account, provider_id=name, channel="parrot", id=f"{kind}{name}{at}"
        )


async def state(ctx: Context, delivery: int) -> tuple[str, str | None, datetime | None]:
    (row,) = await rows(ctx, "select state, reason, delivered_at from delivery where id = %s", delivery)
    return row["state"], row["reason"], row["delivered_at"]


@pytest.fixture
async def said(ctx: Context) -> AsyncIterator[Said]:
    async with stage(ctx) as parrot:
        ctx.put(Hearing, hearing := Hearing(ctx))
        found = Said(ctx, parrot, await add_account(ctx))
        prepare = parrot.prepare

        def in_three(message: Any, account: Any) -> Wire:
            wire = prepare(message, account)
            return Wire(delivery_id=wire.delivery_id, address=wire.address, sender=wire.sender, payload=wire.payload, parts=3)

        parrot.prepare = in_three  # type: ignore[method-assign]
        yield found
        await hearing.close()


def taken(said: Said) -> Any:
    return lambda wire: Receipt(
        delivery_id=wire.delivery_id, outcome="sent", provider_id=f"{said.count}c", part_ids=(f"{said.count}a", f"{said.count}b")
    )


async def test_it_is_delivered_when_its_last_part_is(ctx: Context, said: Said, clock: VirtualClock) -> None:
    delivery = await said.say(taken(said))
    hearing = ctx.get(Hearing)
    for part in ("c", "a", "a"):
        clock.advance(timedelta(seconds=1))
        assert await hearing.hear_all([said.news("delivered", part)]) == ["noted"]
        assert await state(ctx, delivery) == ("sent", "accepted", None) and await events(ctx) == []
    clock.advance(timedelta(seconds=1))
    last = clock.now()
    assert await hearing.hear_all([said.news("delivered", "b")]) == ["noted"]
    assert await state(ctx, delivery) == ("delivered", "receipt", last)
    clock.advance(timedelta(seconds=1))
    await hearing.hear_all([said.news("delivered", part) for part in PARTS])
    assert await state(ctx, delivery) == ("delivered", "receipt", last), "told again, nothing changes"
    assert [one["event"] for one in await events(ctx)] == ["Parrot Delivered"]


async def test_it_has_failed_when_one_part_has(ctx: Context, said: Said) -> None:
    delivery = await said.say(taken(said))
    await ctx.get(Hearing).hear_all([said.news("delivered", "a"), said.news("bounced", "b"), said.news("delivered", "c")])
    assert (await state(ctx, delivery))[0] == "bounced"
    await ctx.get(Hearing).hear_all([said.news("delivered", "b")])
    assert (await state(ctx, delivery))[0] == "bounced", "a bounce is stronger"


async def test_two_processes_that_hear_the_last_parts_at_once_see_each_other(ctx: Context, said: Said) -> None:
    other = Hearing(ctx)
    deliveries = []
    try:
        for _ in range(8):
            deliveries.append(await said.say(taken(said)))
            await ctx.get(Hearing).hear_all([said.news("delivered", "a")])
            await asyncio.gather(
                ctx.get(Hearing).hear_all([said.news("delivered", "b")]), other.hear_all([said.news("delivered", "c")])
            )
    finally:
        await other.close()
    assert [(await state(ctx, one))[0] for one in deliveries] == ["delivered"] * 8


async def test_receipts_of_what_was_taken_in_part_do_not_say_that_it_arrived(ctx: Context, said: Said) -> None:
    delivery = await said.say(lambda wire: Receipt(
        delivery_id=wire.delivery_id, outcome="unknown", code="partly", part_ids=(f"{said.count}a", f"{said.count}b")
    ))  # fmt: skip
    await ctx.get(Hearing).hear_all([said.news("delivered", "a"), said.news("delivered", "b")])
    assert (await state(ctx, delivery))[0] == "unknown"


async def test_one_name_for_all_parts_is_told_once(ctx: Context, said: Said) -> None:
    delivery = await said.say(lambda wire: Receipt(delivery_id=wire.delivery_id, outcome="sent", provider_id=f"{said.count}a"))
    await ctx.get(Hearing).hear_all([said.news("delivered", "a")])
    assert (await state(ctx, delivery))[0] == "delivered"


async def test_of_what_is_said_again_the_latest_saying_counts(ctx: Context, said: Said, clock: VirtualClock) -> None:
    delivery = await said.say(taken(said))
    await ctx.get(Hearing).hear_all([said.news("delivered", "a"), said.news("delivered", "b")])
    clock.advance(timedelta(hours=1))
    async with ctx.db.transaction() as conn:  # as a retry does
        await conn.execute("update delivery set state = 'queued', reason = null, sent_at = null where id = %s", (delivery,))
        await conn.execute(
            "insert into delivery_queue (delivery_id, profile_id, dispatch_id, bucket, due_at) select id, profile_id, dispatch_id, bucket, %s"
            " from delivery", (clock.now(),),
        )  # fmt: skip
    said.parrot.answer = lambda wire: Receipt(delivery_id=wire.delivery_id, outcome="sent", provider_id="1z", part_ids=("1x", "1y"))
    await speak(ctx)
    await ctx.get(Hearing).hear_all([said.news("delivered", "c"), said.news("delivered", "x"), said.news("delivered", "y")])
    assert (await state(ctx, delivery))[0] == "sent"
    await ctx.get(Hearing).hear_all([said.news("delivered", "z")])
    assert (await state(ctx, delivery))[0] == "delivered"


@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.tuples(st.sampled_from(PARTS), st.integers(0, 50)), max_size=8), pieces=st.integers(1, 4))
async def test_any_order_and_any_repetition(ctx: Context, said: Said, told: list[tuple[str, int]], pieces: int) -> None:
    """The definition: the earliest receipt of each part, and of those the latest."""
    delivery = await said.say(taken(said))
    began = ctx.clock.now()
    news = [said.news("delivered", part, began + timedelta(seconds=after)) for part, after in told]
    for at in range(0, len(news), pieces):
        await ctx.get(Hearing).hear_all(news[at : at + pieces])
    first = {part: min(after for other, after in told if other == part) for part, _ in told}
    found = await state(ctx, delivery)
    assert found[0] == ("delivered" if len(first) == 3 else "sent")
    if len(first) == 3:
        assert found[2] is not None and found[2] <= began + timedelta(seconds=max(after for _, after in told))
