"""What people do to rows of the ledger: retry what was not sent, resolve the unknown; one by one and in bulk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import SEND, Parrot, add_account, add_people, settle, speak, stage, yes

from antiphon.execution.channels import Receipt, Wire
from antiphon.execution.delivery import Content, Hop, Intents, NewDispatch, hold, ledger, open_dispatch, submit
from antiphon.execution.delivery.hearing import Heard, Hearing
from antiphon.execution.delivery.ledger import Search
from antiphon.execution.delivery.resending import JOBS, RESOLVE, RETRY, interventions, leave, resolve_unknown, retry_unsent
from antiphon.execution.delivery.rules.service import add_cap
from antiphon.execution.delivery.watching import WATCHING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import find_job, register_kinds, run_one
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import Principal

pytestmark = pytest.mark.store

ANNA = Principal(id=1, kind="person", name="Anna", role="owner")
SAY = Content(subject="Hello", text="Hello")
NEWS: dict[str, Any] = {"message_class": "marketing", "topic": "news"}


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx, Parrot("starling")) as parrot:
        await add_account(ctx)
        await add_account(ctx, "starling")
        async with ctx.db.transaction() as conn:
            await add_people(conn, 12)
        yield parrot


def always(outcome: str) -> Any:
    return lambda wire: Receipt(delivery_id=wire.delivery_id, outcome=outcome, code="x", permanent=outcome == "rejected")  # type: ignore[arg-type]


async def say(ctx: Context, people: int = 1, **more: Any) -> None:
    new: dict[str, Any] = {"key": "k", "channel": "parrot", "message_class": "service", "content": SAY} | more
    async with ctx.db.transaction() as conn:
        await submit(ctx, conn, await open_dispatch(ctx, conn, NewDispatch(**new)), Intents(profile_ids=range(1, people + 1)))
    await speak(ctx)


async def rows(ctx: Context) -> list[tuple[int, str, str | None]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute("select id, state, reason from delivery order by id")).fetchall()


async def only(ctx: Context) -> tuple[int, str, str | None]:
    (row,) = await rows(ctx)
    return row


@pytest.mark.parametrize(
    ("outcome", "message_class", "even_if_heard", "again"),
    [
        ("rejected", "service", False, True),
        ("rejected", "marketing", False, True),
        ("unknown", "service", False, False),
        ("unknown", "marketing", False, False),
        ("unknown", "marketing", True, True),
        ("unknown", "transactional", False, True),
        ("sent", "transactional", True, False),
        ("sent", "marketing", True, False),
    ],
)
async def test_what_may_have_been_received_is_retried_only_where_class_or_person_allow(
    ctx: Context, parrot: Parrot, outcome: str, message_class: str, even_if_heard: bool, again: bool
) -> None:
    parrot.answer = always(outcome)
    await say(ctx, message_class=message_class, topic="news")
    before = await only(ctx)
    parrot.answer = yes
    found = await retry_unsent(ctx, ANNA, [before[0]], even_if_heard=even_if_heard)
    assert found == ([before[0]] if again else [])
    await speak(ctx)
    assert (await only(ctx))[1] == ("sent" if again else before[1])
    async with ctx.db.connection() as conn:
        done = await interventions(conn, before[0])
    assert [(one.verb, one.by, one.state, one.reason) for one in done] == ([("retry", "Anna", before[1], before[2])] if again else [])


async def test_the_gate_looks_again(ctx: Context, parrot: Parrot) -> None:
    parrot.answer = always("rejected")
    await say(ctx, **NEWS)
    parrot.answer = yes
    async with ctx.db.connection() as conn:
        await conn.execute("update consent_state set state = 'withdrawn'")
    assert await retry_unsent(ctx, ANNA, [(await only(ctx))[0]])
    await speak(ctx)
    assert (await only(ctx))[1:] == ("suppressed", "consent_withdrawn") and parrot.heard == []
    async with ctx.db.connection() as conn:
        await conn.execute("update consent_state set state = 'granted'")
    assert await retry_unsent(ctx, ANNA, [(await only(ctx))[0]])
    await speak(ctx)
    assert (await only(ctx))[1] == "sent"


async def test_what_expired_is_given_its_time_again(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    parrot.answer = always("deferred")
    await say(ctx)
    clock.advance(timedelta(days=4))
    await speak(ctx)
    assert (await only(ctx))[1] == "expired"
    parrot.answer = yes
    assert await retry_unsent(ctx, ANNA, [(await only(ctx))[0]])
    await speak(ctx)
    assert (await only(ctx))[1] == "sent"


async def test_what_is_said_again_settles_by_its_own_time(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await say(ctx)
    (delivery, *_) = await only(ctx)
    ctx.put(Hearing, hearing := Hearing(ctx))
    assert await hearing.hear(Heard(kind="bounced", delivery_id=delivery, profile_id=1, at=clock.now()))
    await hearing.close()
    clock.advance(timedelta(hours=20))
    assert await retry_unsent(ctx, ANNA, [delivery])
    await speak(ctx)
    clock.advance(timedelta(hours=5))
    await settle(ctx)
    assert (await only(ctx))[1:] == ("sent", "accepted"), "25 hours after the first saying, 5 after the second"
    clock.advance(timedelta(hours=20))
    await settle(ctx)
    assert (await only(ctx))[1:] == ("delivered", "no_bounce")


@pytest.mark.parametrize(("outcome", "counts"), [("unknown", 2), ("rejected", 1)])
@pytest.mark.parametrize("capped", [True, False])
async def test_what_is_said_again_counts_towards_caps_when_it_is_said(
    ctx: Context, parrot: Parrot, clock: VirtualClock, outcome: str, counts: int, capped: bool
) -> None:
    values = {
        "name": "c", "most": 9, "seconds": 30 * 86_400, "classes": ["marketing"], "topics": [], "channels": [], "enabled": True,
    }  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_cap(ctx, conn, ANNA, values | {"enabled": capped})
    first = clock.now()
    parrot.answer = always(outcome)
    await say(ctx, **NEWS)
    clock.advance(timedelta(days=2))
    parrot.answer = yes
    assert await retry_unsent(ctx, ANNA, [(await only(ctx))[0]], even_if_heard=True)
    clock.advance(timedelta(hours=1))
    await speak(ctx)
    async with ctx.db.connection() as conn:
        times = [row[0] for row in await (await conn.execute("select at from contact order by at")).fetchall()]
    assert (await only(ctx))[1] == "sent" and len(times) == counts
    assert (times[0] == first) == (counts == 2) and clock.now() - times[-1] <= timedelta(hours=1)


async def test_what_is_said_again_in_vain_leaves_the_contact_of_what_may_have_been_received(
    ctx: Context, parrot: Parrot, clock: VirtualClock
) -> None:
    first = clock.now()
    parrot.answer = always("unknown")
    await say(ctx, **NEWS)
    clock.advance(timedelta(days=2))
    parrot.answer = always("rejected")
    assert await retry_unsent(ctx, ANNA, [(await only(ctx))[0]], even_if_heard=True)
    await speak(ctx)
    async with ctx.db.connection() as conn:
        times = [row[0] for row in await (await conn.execute("select at from contact order by at")).fetchall()]
    assert (await only(ctx))[1] == "failed" and times == [first]


async def test_what_was_cancelled_or_excluded_stays(ctx: Context, parrot: Parrot) -> None:
    new = NewDispatch(key="c", channel="parrot", content=SAY, campaign_id=4, occurrence="1", **NEWS)
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, new)
        await submit(ctx, conn, dispatch, Intents(profile_ids=[1, 2], excluded=[1]))
        await hold(conn, 4, "cancelled")
    await speak(ctx)
    assert await retry_unsent(ctx, ANNA, [row[0] for row in await rows(ctx)], even_if_heard=True) == []


async def test_what_another_hop_said_is_not_said_again(ctx: Context, parrot: Parrot) -> None:
    parrot.answer = always("rejected")
    await say(ctx, hops=(Hop(channel="starling"),))
    await run_until_idle(ctx, [SEND, WATCHING])
    first, second = await rows(ctx)
    assert (first[1], second[1]) == ("failed", "sent")
    assert await retry_unsent(ctx, ANNA, [first[0], second[0]]) == []


async def test_the_unknown_is_resolved(ctx: Context, parrot: Parrot) -> None:
    parrot.answer = always("unknown")
    await say(ctx, people=3, **NEWS)
    one, two, three = [row[0] for row in await rows(ctx)]
    parrot.answer = yes
    assert await resolve_unknown(ctx, ANNA, [one], "delivered") == [one]
    assert await resolve_unknown(ctx, ANNA, [two], "not_delivered") == [two]
    assert await resolve_unknown(ctx, ANNA, [three], "send_again") == [three]
    assert await resolve_unknown(ctx, ANNA, [one, two, three], "delivered") == []
    await speak(ctx)
    assert [row[1:] for row in await rows(ctx)] == [
        ("delivered", "resolved_delivered"), ("failed", "resolved_not_delivered"), ("sent", "accepted"),
    ]  # fmt: skip
    async with ctx.db.connection() as conn:
        told = await (await conn.execute("select payload from journal")).fetchall()
        audited = await (await conn.execute("select action, subject from audit order by id")).fetchall()
    assert len(told) == 1 and b'"Parrot Delivered"' in told[0][0]
    assert audited == [
        ("delivery.delivered", f"delivery:{one}"), ("delivery.not_delivered", f"delivery:{two}"),
        ("delivery.send_again", f"delivery:{three}"),
    ]  # fmt: skip


async def test_what_was_resolved_as_not_delivered_goes_to_the_next_hop(ctx: Context, parrot: Parrot) -> None:
    parrot.answer = always("unknown")
    await say(ctx, hops=(Hop(channel="starling"),))
    await run_until_idle(ctx, [SEND, WATCHING])
    assert len(await rows(ctx)) == 1
    await resolve_unknown(ctx, ANNA, [(await only(ctx))[0]], "not_delivered")
    await run_until_idle(ctx, [SEND, WATCHING])
    assert [row[1] for row in await rows(ctx)] == ["failed", "sent"]


async def test_all_that_a_search_finds(ctx: Context, parrot: Parrot) -> None:
    def answer(wire: Wire) -> Receipt:
        number = int(wire.address[1:].split("@")[0])
        return always(("rejected", "unknown", "sent")[number % 3])(wire)  # type: ignore[no-any-return]

    parrot.answer = answer
    await say(ctx, people=12, campaign_id=1, occurrence="1", **NEWS)
    parrot.answer = yes
    register_kinds(JOBS)
    retried, looked_at = await leave(ctx, ANNA, RETRY, Search(campaign_id=1), even_if_heard=False)
    assert looked_at == 8
    while await run_one(ctx):
        pass
    await speak(ctx)
    async with ctx.db.connection() as conn:
        job = await find_job(conn, retried)
    assert job.state == "done" and job.result == {"looked_at": 8, "done": 4, "left_alone": 4} and job.total == 8
    resolved, looked_at = await leave(ctx, ANNA, RESOLVE, Search(campaign_id=1, states=["unknown"]), outcome="not_delivered")
    assert looked_at == 4
    while await run_one(ctx):
        pass
    async with ctx.db.connection() as conn:
        job = await find_job(conn, resolved)
    assert job.result == {"looked_at": 4, "done": 4, "left_alone": 0}
    assert sorted(row[1] for row in await rows(ctx)) == ["failed"] * 4 + ["sent"] * 8


async def test_interventions_are_exported_and_erased(ctx: Context, parrot: Parrot) -> None:
    parrot.answer = always("rejected")
    await say(ctx)
    delivery_id = (await only(ctx))[0]
    await retry_unsent(ctx, ANNA, [delivery_id])
    async with ctx.db.transaction() as conn:
        exported = await ledger.export(ctx, conn, 1)
        assert [one["verb"] for one in exported["interventions"]] == ["retry"]
        await ledger.erase(ctx, conn, 1)
        left = await (await conn.execute("select profile_id, detail from delivery_intervention")).fetchall()
    assert left == [(-delivery_id, None)]
    assert await retry_unsent(ctx, ANNA, [delivery_id], even_if_heard=True) == []
