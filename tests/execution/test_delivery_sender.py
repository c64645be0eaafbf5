"""Speaking: what a receipt makes of a row, the second look, pause and cancel, and what a crash leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.execution.cast import SEND, Parrot, add_account, add_people, settle, speak, stage, states

from antiphon.awareness.consent import Evidence, Suppressed, suppress, withdraw_all
from antiphon.execution.channels import Channels, Receipt, Wire
from antiphon.execution.delivery import Content, Intents, NewDispatch, hold, open_dispatch, submit
from antiphon.execution.delivery.sender import SPEAKING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases

pytestmark = pytest.mark.store

SAY = Content(subject="Hello {{ first_name }}", text="Hello {{ first_name }}")
NEWS = NewDispatch(
    key="campaign:1:1", channel="parrot", message_class="marketing", topic="news", content=SAY, campaign_id=1, occurrence="1"
)
BILL = NewDispatch(key="bill", channel="parrot", message_class="transactional", content=SAY)


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        await add_account(ctx)
        yield parrot


async def hand_in(ctx: Context, new: NewDispatch, count: int) -> None:
    async with ctx.db.transaction() as conn:
        ids = await add_people(conn, count)
        await submit(ctx, conn, await open_dispatch(ctx, conn, new), Intents(profile_ids=ids))


async def row(ctx: Context, profile_id: int = 1) -> tuple[str, str | None, str | None, int]:
    async with ctx.db.connection() as conn:
        found = await (
            await conn.execute("select state, reason, detail, attempts from delivery where profile_id = %s", (profile_id,))
        ).fetchone()
    assert found is not None
    return found


async def counts(ctx: Context) -> dict[str, int]:
    async with ctx.db.connection() as conn:
        return await states(conn)


async def left(ctx: Context) -> int:
    async with ctx.db.connection() as conn:
        found = await (await conn.execute("select count(*) from delivery_queue")).fetchone()
    assert found is not None
    return int(found[0])


async def test_everybody_hears_it_once_and_it_is_delivered_a_day_later(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await hand_in(ctx, NEWS, 700)
    await speak(ctx)
    assert sorted(parrot.heard) == sorted(f"p{i}@example.com" for i in range(1, 701))
    assert await counts(ctx) == {"sent": 700} and await left(ctx) == 0
    assert parrot.most_in_the_air <= SPEAKING
    clock.advance(timedelta(hours=23, minutes=59))
    await settle(ctx)
    assert await counts(ctx) == {"sent": 700}
    clock.advance(timedelta(minutes=1))
    await settle(ctx)
    assert await counts(ctx) == {"delivered": 700}
    async with ctx.db.connection() as conn:
        payloads = await (await conn.execute("select payload from journal")).fetchall()
    assert len(payloads) == 700 and all(b'"Email Delivered"' not in p for (p,) in payloads)  # it was no e-mail
    assert all(b'"Parrot Delivered"' in p for (p,) in payloads)


async def test_what_bounced_in_time_is_not_delivered(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await hand_in(ctx, NEWS, 2)
    await speak(ctx)
    async with ctx.db.connection() as conn:
        await conn.execute("update delivery set state = 'bounced', bounced_at = now() where profile_id = 1")
    clock.advance(timedelta(days=2))
    await settle(ctx)
    assert await counts(ctx) == {"bounced": 1, "delivered": 1}


async def test_a_refusal_is_final_and_a_missing_mailbox_is_suppressed(ctx: Context, parrot: Parrot) -> None:
    def answer(wire: Wire) -> Receipt:
        gone = wire.address == "p1@example.com"
        return Receipt(
            delivery_id=wire.delivery_id, outcome="rejected", code="550", detail="no", permanent=True, address_fault=gone
        )

    parrot.answer = answer
    await hand_in(ctx, NEWS, 2)
    await speak(ctx)
    assert await row(ctx, 1) == ("failed", "refused", "550 no", 1)
    async with ctx.db.connection() as conn:
        listed = await (await conn.execute("select address, reason from suppression")).fetchall()
    assert listed == [("p1@example.com", "hard_bounce")]


async def test_what_is_put_off_is_tried_again_until_it_is_given_up(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    parrot.answer = lambda w: Receipt(delivery_id=w.delivery_id, outcome="deferred", code="451", detail="later")
    await hand_in(ctx, NEWS, 1)
    seen = []
    for _ in range(12):
        await speak(ctx)
        seen.append((await row(ctx))[::3])
        clock.advance(timedelta(hours=5))
    assert seen[:6] == [("queued", 1), ("queued", 2), ("queued", 3), ("queued", 4), ("queued", 5), ("failed", 6)]
    assert (await row(ctx))[1] == "gave_up" and await left(ctx) == 0


async def test_what_is_put_off_too_long_expires(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    parrot.answer = lambda w: Receipt(
        delivery_id=w.delivery_id, outcome="deferred", code="451", detail="later", retry_after=4 * 86400
    )
    await hand_in(ctx, NEWS, 1)
    await speak(ctx)
    assert (await row(ctx))[:2] == ("expired", "too_late")


async def test_an_account_that_does_not_answer_costs_no_attempt(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    parrot.answer = lambda w: Receipt(
        delivery_id=w.delivery_id, outcome="deferred", code="connect", detail="refused", account_fault=True
    )
    await hand_in(ctx, NEWS, 3)
    await speak(ctx)
    assert await counts(ctx) == {"queued": 3} and (await row(ctx))[3] == 0
    assert parrot.heard == []


async def test_no_answer_is_unknown_and_not_said_again(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    parrot.answer = lambda w: Receipt(delivery_id=w.delivery_id, outcome="unknown", code="timeout", detail="no answer")
    await hand_in(ctx, NEWS, 1)
    for _ in range(3):
        await speak(ctx)
        clock.advance(timedelta(days=1))
    assert (await row(ctx))[:2] == ("unknown", "no_answer") and len(parrot.heard) == 1


async def test_consent_and_list_are_looked_at_again_just_before(ctx: Context, parrot: Parrot) -> None:
    await hand_in(ctx, NEWS, 3)
    async with ctx.db.transaction() as conn:
        await withdraw_all(conn, 1, "parrot", at=ctx.clock.now(), source="page", evidence=Evidence())
        await suppress(ctx, conn, [
            Suppressed(channel="parrot", address="p2@example.com", reason="complaint", source="", at=ctx.clock.now())
        ])  # fmt: skip
    await speak(ctx)
    assert await row(ctx, 1) == ("suppressed", "consent_withdrawn", None, 0)
    assert (await row(ctx, 2))[:2] == ("suppressed", "suppressed_complaint")
    assert parrot.heard == ["p3@example.com"] and await left(ctx) == 0


async def test_a_pause_holds_and_going_on_loses_nobody(ctx: Context, parrot: Parrot) -> None:
    await hand_in(ctx, NEWS, 40)
    async with ctx.db.transaction() as conn:
        await hold(conn, 1, "paused")
    await speak(ctx)
    assert parrot.heard == [] and await left(ctx) == 40
    async with ctx.db.transaction() as conn:
        await hold(conn, 1, "active")
    await speak(ctx)
    assert len(set(parrot.heard)) == len(parrot.heard) == 40


async def test_a_cancel_ends_what_waits_for_good(ctx: Context, parrot: Parrot) -> None:
    await hand_in(ctx, NEWS, 40)
    async with ctx.db.transaction() as conn:
        await hold(conn, 1, "cancelled")
        await hold(conn, 1, "active")
    await speak(ctx)
    assert parrot.heard == [] and await counts(ctx) == {"cancelled": 40} and await left(ctx) == 0
    assert (await row(ctx))[1] == "campaign_cancelled"


async def test_what_cannot_be_written_fails_and_holds_up_nobody(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
        for n, text in enumerate(("{% for i in (1..99999) %}{% for j in (1..99999) %}x{% endfor %}{% endfor %}", "fine")):
            new = NewDispatch(key=f"bill {n}", channel="parrot", message_class="service", content=Content(subject="x", text=text))
            await submit(ctx, conn, await open_dispatch(ctx, conn, new), Intents(profile_ids=[n + 1]))
        gone = NewDispatch(key="gone", channel="parrot", message_class="service", content=Content(subject="x", text="x"))
        await submit(ctx, conn, await open_dispatch(ctx, conn, gone), Intents(profile_ids=[3]))
        await conn.execute('update dispatch set content = \'{"subject": "x", "text": "{% nonsense"}\' where key = \'gone\'')
    await speak(ctx)
    assert (await row(ctx, 1))[:2] == ("failed", "render_failed")
    assert (await row(ctx, 2))[:2] == ("sent", "accepted")
    assert (await row(ctx, 3))[:2] == ("failed", "render_failed")


async def test_an_erased_customer_leaves_numbers_only(ctx: Context, parrot: Parrot) -> None:
    from antiphon.execution.delivery import ledger

    await hand_in(ctx, NEWS, 3)
    async with ctx.db.transaction() as conn:
        await ledger.erase(ctx, conn, 2)
    await speak(ctx)
    assert sorted(parrot.heard) == ["p1@example.com", "p3@example.com"]
    assert await counts(ctx) == {"sent": 2, "suppressed": 1}
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id < 0, address from delivery where state = 'suppressed'")).fetchall()
    assert rows == [(True, None)]


class Killed(BaseException):
    """The process dies here."""


async def crash(ctx: Context, parrot: Parrot, when: str) -> None:
    """Run the send loop until it dies at a point, leaving its leases held by a process that is no more."""

    def die() -> None:
        raise Killed

    setattr(parrot, when, die)
    dead = Leases(ctx.db, f"dead-{when}", "worker")
    await dead.beat()
    await dead.declare(SEND.name, SEND.buckets)
    held = await dead.share(SEND.name, SEND.buckets)
    with pytest.raises((Killed, BaseExceptionGroup)):
        await SEND.tick(ctx, held)
    setattr(parrot, when, None)
    await dead.leave([SEND.name])
    from antiphon.execution.channels.registry import Channels
    from antiphon.execution.delivery.sender import Sender

    ctx.put(Sender, Sender(ctx, ctx.get(Channels)))


async def test_what_was_claimed_by_the_dead_is_said_by_the_living(ctx: Context, parrot: Parrot) -> None:
    await hand_in(ctx, NEWS, 200)
    await crash(ctx, parrot, "before_mark")
    assert parrot.heard == []
    await speak(ctx)
    assert len(parrot.heard) == len(set(parrot.heard)) == 200
    assert await counts(ctx) == {"sent": 200}


@pytest.mark.parametrize("new, again", [(NEWS, False), (BILL, True)])
async def test_what_was_being_said_is_unknown_unless_its_class_is_said_again(
    ctx: Context, parrot: Parrot, new: NewDispatch, again: bool
) -> None:
    await hand_in(ctx, new, 200)
    await crash(ctx, parrot, "after_mark")
    before = len(parrot.heard)
    await speak(ctx)
    found = await counts(ctx)
    if again:
        assert found == {"sent": 200} and set(parrot.heard) == {f"p{i}@example.com" for i in range(1, 201)}
    else:
        assert 0 < found["unknown"] <= SPEAKING and found["sent"] + found["unknown"] == 200
        assert len(parrot.heard) == len(set(parrot.heard)) and found["unknown"] <= before
        assert (await row_of_state(ctx, "unknown")) == "process_died"
    assert await left(ctx) == 0


async def row_of_state(ctx: Context, state: str) -> str | None:
    async with ctx.db.connection() as conn:
        found = await (await conn.execute("select reason from delivery where state = %s limit 1", (state,))).fetchone()
    return found[0] if found else None


async def test_a_fenced_process_says_nothing_more(ctx: Context, parrot: Parrot) -> None:
    """Its lease is taken over between claim and mark: the mark fails, and the new holder says it."""
    await hand_in(ctx, NEWS, 30)
    slow = Leases(ctx.db, "slow", "worker")
    await slow.declare(SEND.name, SEND.buckets)
    held = await slow.share(SEND.name, SEND.buckets)
    stolen = False

    def steal() -> None:
        nonlocal stolen
        stolen = True
        raise Killed

    parrot.before_mark = steal
    with pytest.raises((Killed, BaseExceptionGroup)):
        await SEND.tick(ctx, held)
    parrot.before_mark = None
    await slow.leave([SEND.name])
    await speak(ctx)
    from antiphon.foundation.leases import LeaseLost

    with pytest.raises(LeaseLost):
        await SEND.tick(ctx, held)
    assert stolen and len(parrot.heard) == len(set(parrot.heard)) == 30


async def test_a_late_receipt_resolves_the_unknown(ctx: Context, parrot: Parrot) -> None:
    from antiphon.execution.delivery import store
    from antiphon.execution.delivery.store import Record

    await hand_in(ctx, NEWS, 1)
    leases = Leases(ctx.db, "slow", "worker")
    await leases.declare(SEND.name, SEND.buckets)
    held = await leases.share(SEND.name, SEND.buckets)
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        dispatches = {d.id: 10 for d in await store.waiting_dispatches(conn)}
        claimed = await store.claim(conn, dispatches, held.epochs, most=10, now=now)
        assert await store.mark_speaking(conn, held, claimed, now)
    async with ctx.db.transaction() as conn:
        assert await store.recover(conn, held.buckets, now) == (0, [(1, 1)])
    assert (await row(ctx))[0] == "unknown"
    async with ctx.db.transaction() as conn:
        receipt = Record(row=claimed[0], state="sent", reason="accepted", attempts=1, speaking_at=now)
        await store.record(conn, [receipt], now=now, settle_at=now)
        await store.record(conn, [receipt], now=now, settle_at=now)
    assert (await row(ctx))[:2] == ("sent", "accepted")
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select count(*) from delivery_settle")).fetchone() == (1,)


async def test_an_account_that_cannot_be_opened_holds_up_no_other(ctx: Context, parrot: Parrot) -> None:
    """Its secrets are of another installation, or its settings of another version of its provider."""
    async with ctx.db.transaction() as conn:
        for number, (settings, sealed) in enumerate((("{}", b"x" * 40), ('{"domain": 7}', ctx.get(Channels).seal.close({}, "parrot")))):
            await conn.execute(
                "insert into channel_account (channel, provider, name, settings, sealed, created_at, updated_at)"
                " values ('parrot', 'parrot', %s, %s::text::jsonb, %s, now(), now())", (f"broken {number}", settings, sealed),
            )  # fmt: skip
    await hand_in(ctx, NEWS, 1)
    await speak(ctx)
    assert parrot.heard == ["p1@example.com"]
