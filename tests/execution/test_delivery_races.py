"""What happens at the same time, or in between: caps of gates that do not see each other, erasure and verifications in mid-send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import Parrot, add_account, add_people, speak, stage
from tests.execution.test_gate_rules import cap

from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.delivery import Content, Intents, NewDispatch, ledger, open_dispatch, submit
from antiphon.execution.delivery.gate.again import SOON, look_again
from antiphon.execution.delivery.store import Claimed, find_dispatches
from antiphon.foundation.context import Context
from antiphon.foundation.leases import LeaseLost
from antiphon.foundation.postgres import Connection

pytestmark = pytest.mark.store
SAY = Content(subject="Hello", text="Hello")
DAY = timedelta(days=1)


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as heard:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 4)
            await cap(ctx, conn, 1, DAY)
        await hand_in(ctx, "first of all", [4])  # so that the kind is known and nobody waits for another to make it known
        await speak(ctx)
        heard.heard.clear()
        yield heard


async def put(ctx: Context, conn: Connection, key: str, people: list[int], **more: Any) -> int:
    given: dict[str, Any] = {"channel": "parrot", "message_class": "marketing", "topic": "news", "content": SAY}
    dispatch = await open_dispatch(ctx, conn, NewDispatch(key=key, **(given | more)))
    await submit(ctx, conn, dispatch, Intents(profile_ids=people))
    return dispatch.id


async def hand_in(ctx: Context, key: str, people: list[int]) -> int:
    async with ctx.db.transaction() as conn:
        return await put(ctx, conn, key, people)


async def became(ctx: Context, profile_id: int = 1) -> dict[str, tuple[str, str | None]]:
    async with ctx.db.connection() as conn:
        query = "select intent_key, state, reason from delivery where profile_id = %s"
        return {key: (state, reason) for key, state, reason in await (await conn.execute(query, (profile_id,))).fetchall()}


async def test_a_cap_holds_where_the_gate_that_began_later_was_faster(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as slow:
        await put(ctx, slow, "slow", [1, 2])
        await hand_in(ctx, "quick", [1])  # neither sees the other's row
        await speak(ctx)
    await speak(ctx)
    assert await became(ctx) == {"slow": ("suppressed", "frequency_cap"), "quick": ("sent", "accepted")}
    assert (await became(ctx, 2))["slow"] == ("sent", "accepted")
    assert parrot.heard.count("p1@example.com") == 1


async def test_what_is_in_hand_elsewhere_is_waited_for(ctx: Context, parrot: Parrot) -> None:
    """Somebody has taken the later one in hand before the earlier one was there to be seen."""
    async with ctx.db.transaction() as slow:
        await put(ctx, slow, "slow", [1])
        await hand_in(ctx, "quick", [1])
    async with ctx.db.transaction() as conn:
        taken = """update delivery_queue q set state = 'claimed', epoch = 1, claimed_at = %s from delivery d
                   where d.id = q.delivery_id and d.intent_key = %s returning d.id, d.dispatch_id"""
        await conn.execute(taken, (ctx.clock.now() - timedelta(seconds=1), "quick"))
        row = await (await conn.execute(taken, (ctx.clock.now(), "slow"))).fetchone()
        assert row is not None
        mine = Claimed(row[0], 1, row[1], 1, 1, 0, None, ctx.clock.now(), "p1@example.com", None, None)
        (dispatch,) = await find_dispatches(conn, [row[1]])
        assert await look_again(ctx, conn, dispatch, [mine]) == {row[0]: "paused"}
        again = await (await conn.execute("select state, due_at from delivery_queue where delivery_id = %s", (row[0],))).fetchone()
        assert again == ("queued", ctx.clock.now() + SOON)
        await conn.execute("delete from delivery_queue where delivery_id <> %s", (row[0],))  # it was said
        await conn.execute("update delivery_queue set state = 'claimed', epoch = 1 where delivery_id = %s", (row[0],))
        assert await look_again(ctx, conn, dispatch, [mine]) == {row[0]: "frequency_cap"}


async def test_nothing_is_kept_of_whoever_is_erased_while_their_message_is_on_its_way(ctx: Context, parrot: Parrot) -> None:
    def named(wire: Wire) -> Receipt:
        return Receipt(delivery_id=wire.delivery_id, outcome="sent", code="250", provider_id=f"m-{wire.delivery_id}")

    parrot.answer = named
    send = parrot.send

    async def send_and_erase(*args: Any) -> Any:
        receipts = await send(*args)
        async with ctx.db.transaction() as conn:
            await ledger.erase(ctx, conn, 1)
        return receipts

    parrot.send = send_and_erase  # type: ignore[method-assign]
    await hand_in(ctx, "news", [1, 2])
    await speak(ctx)
    async with ctx.db.connection() as conn:
        kept = await (await conn.execute("select profile_id from provider_message order by 1")).fetchall()
        of_them = await (await conn.execute("select count(*) from delivery where profile_id = 1")).fetchone()
    assert (1,) not in kept and (2,) in kept
    assert of_them == (0,)


async def test_one_who_is_taken_out_in_mid_send_leaves_nobody_else_unknown(ctx: Context, parrot: Parrot) -> None:
    """What was marked and not said would be unknown: all of a batch are marked, or none."""
    send, taken = parrot.send, list[int]()

    async def erase_and_send(*args: Any) -> Any:
        if not taken:
            taken.append(2)
            async with ctx.db.transaction() as conn:
                await ledger.erase(ctx, conn, 2)
        return await send(*args)

    parrot.send = erase_and_send  # type: ignore[method-assign]
    await hand_in(ctx, "news", [1, 2, 3])
    for _ in range(3):
        try:
            await speak(ctx)
        except LeaseLost:
            continue
    assert await became(ctx, 1) == await became(ctx, 3) == {"news": ("sent", "accepted")}
    assert sorted(set(parrot.heard)) == ["p1@example.com", "p3@example.com"] and len(parrot.heard) == 2
