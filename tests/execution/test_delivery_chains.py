"""Chains: the next channel on refusal, on failure, on no receipt and on no answer in time; an answer ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import SEND, SETTLE, Parrot, add_account, add_people, stage, yes

from antiphon.execution.channels import LinkMissing, Receipt, TextTooLong, Wire
from antiphon.execution.delivery import (
    Content,
    Hop,
    Intents,
    NewDispatch,
    chains,
    hold,
    is_waiting,
    ledger,
    open_dispatch,
    submit,
)
from antiphon.execution.delivery.rules.model import Clocks
from antiphon.execution.delivery.rules.service import set_clocks
from antiphon.execution.delivery.watching import WATCHING
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store

SAY = Content(subject="Hello", text="Hello {{ first_name }}")


class Flock:
    """Three channels: `parrot` and `starling` are addressed by e-mail address, `raven` by phone."""

    def __init__(self, ctx: Context, parrot: Parrot, starling: Parrot, raven: Parrot) -> None:
        self.ctx, self.parrot, self.starling, self.raven = ctx, parrot, starling, raven

    async def say(self, *hops: Hop, people: int = 1, **more: Any) -> int:
        """Hand one message to people 1, 2, …; the first channel is the parrot's."""
        new: dict[str, Any] = {"key": "k", "channel": "parrot", "message_class": "transactional", "content": SAY} | more
        async with self.ctx.db.transaction() as conn:
            dispatch = await open_dispatch(self.ctx, conn, NewDispatch(hops=hops, **new))
            await submit(self.ctx, conn, dispatch, Intents(profile_ids=list(range(1, people + 1)), suffixes=["a"] * people))
        return dispatch.id

    async def run(self) -> None:
        await run_until_idle(self.ctx, [SEND, WATCHING])

    async def rows(self, profile_id: int = 1) -> list[tuple[str, str, str | None]]:
        async with self.ctx.db.connection() as conn:
            query = "select channel, state, reason from delivery where profile_id = %s order by hop, id"
            return await (await conn.execute(query, (profile_id,))).fetchall()

    async def hear(self, channel: str, **columns: Any) -> None:
        """What an ear writes down of person 1's message, and what it tells the chains."""
        async with self.ctx.db.transaction() as conn:
            names = ", ".join(f"{name} = %({name})s" for name in columns)
            found = await (await conn.execute(
                f"update delivery set {names} where profile_id = 1 and channel = %(ch)s returning id", columns | {"ch": channel}
            )).fetchone()  # fmt: skip
            assert found is not None
            await chains.after_heard(conn, [(found[0], 1)], self.ctx.clock.now())


@pytest.fixture
async def flock(ctx: Context) -> AsyncIterator[Flock]:
    starling, raven = Parrot("starling"), Parrot("raven", "phone")
    async with stage(ctx, starling, raven) as parrot:
        for name in ("parrot", "starling", "raven"):
            await add_account(ctx, name)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 3)
        yield Flock(ctx, parrot, starling, raven)


def refuse(wire: Wire) -> Receipt:
    return Receipt(delivery_id=wire.delivery_id, outcome="rejected", code="550", permanent=True)


def silence(wire: Wire) -> Receipt:
    return Receipt(delivery_id=wire.delivery_id, outcome="unknown", code="timeout")


async def test_what_the_gate_refuses_is_asked_on_the_next_channel_at_once(flock: Flock, ctx: Context) -> None:
    await flock.say(Hop(channel="raven"), Hop(channel="starling"), message_class="marketing", topic="news")
    assert await flock.rows() == [("parrot", "queued", None)]
    async with ctx.db.connection() as conn:
        await conn.execute("update consent_state set state = 'withdrawn' where profile_id = 2")
        await conn.execute("insert into consent_state values (2, 'starling', 'news', 'granted', now(), 0)")
    await flock.say(Hop(channel="raven"), Hop(channel="starling"), message_class="marketing", topic="news", people=2)
    assert await flock.rows(2) == [
        ("parrot", "suppressed", "consent_withdrawn"), ("raven", "suppressed", "no_address"), ("starling", "queued", None),
    ]  # fmt: skip
    await flock.run()
    assert flock.parrot.heard == ["p1@example.com"] and flock.starling.heard == ["p2@example.com"]
    async with ctx.db.connection() as conn:
        keys = await (await conn.execute("select intent_key, hop, origin_id from delivery where profile_id = 2 order by hop")).fetchall()
    first = await _id(ctx, "k:a")
    assert keys == [("k:a", 0, None), ("k:hop1:a", 1, first), ("k:hop2:a", 2, first)]


async def test_handing_in_again_changes_nothing(flock: Flock, ctx: Context) -> None:
    for _ in range(3):
        await flock.say(Hop(channel="starling"), message_class="marketing", topic="news", people=3, key="x")
    await flock.run()
    async with ctx.db.connection() as conn:
        await conn.execute("update consent_state set state = 'withdrawn'")
    for _ in range(3):
        await flock.say(Hop(channel="starling"), message_class="marketing", topic="news", people=3, key="y")
    assert [len(await flock.rows(i)) for i in (1, 2, 3)] == [3, 3, 3]


@pytest.mark.parametrize("reason", ["excluded", "no_such_customer"])
async def test_what_is_refused_for_the_person_is_not_asked_elsewhere(flock: Flock, ctx: Context, reason: str) -> None:
    who = 1 if reason == "excluded" else 99
    async with ctx.db.transaction() as conn:
        new = NewDispatch(key="k", channel="parrot", message_class="transactional", content=SAY, hops=(Hop(channel="starling"),))
        dispatch = await open_dispatch(ctx, conn, new)
        await submit(ctx, conn, dispatch, Intents(profile_ids=[who], excluded=[1]))
    assert await flock.rows(who) == [("parrot", "suppressed", reason)]


async def test_a_failure_goes_to_the_next_channel_with_the_same_words_and_values(flock: Flock, ctx: Context) -> None:
    flock.parrot.answer = refuse
    own = Content(subject="", text="By {{ way }}: {{ first_name }}")
    new = NewDispatch(key="o", channel="parrot", message_class="transactional", content=own, hops=(Hop(channel="starling"),))
    said: list[bytes] = []

    def listen(wire: Wire) -> Receipt:
        said.append(wire.payload)
        return yes(wire)

    flock.starling.answer = listen
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, new)
        await submit(ctx, conn, dispatch, Intents(profile_ids=[1], suffixes=["7"], variables=[{"way": "any"}]))
    await flock.run()
    assert await flock.rows() == [("parrot", "failed", "refused"), ("starling", "sent", "accepted")]
    assert said == [b"By any: P1"]


@pytest.mark.parametrize(("error", "reason"), [(TextTooLong, "too_long"), (LinkMissing, "link_missing")])
async def test_what_a_channel_cannot_carry_goes_on(
    flock: Flock, monkeypatch: pytest.MonkeyPatch, error: type[Exception], reason: str
) -> None:
    def cannot(*_: object) -> Wire:
        raise error()

    monkeypatch.setattr(flock.parrot, "prepare", cannot)
    await flock.say(Hop(channel="starling"))
    await flock.run()
    assert await flock.rows() == [("parrot", "failed", reason), ("starling", "sent", "accepted")]


async def test_no_receipt_in_time_goes_to_the_next_channel(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling", receipt_within=60))
    await flock.run()
    clock.advance(timedelta(seconds=59))
    await flock.run()
    assert await flock.rows() == [("parrot", "sent", "accepted")]
    clock.advance(timedelta(seconds=2))
    await flock.run()
    assert await flock.rows() == [("parrot", "sent", "accepted"), ("starling", "sent", "accepted")]


async def test_a_receipt_in_time_ends_the_chain(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling", receipt_within=60))
    await flock.run()
    await flock.hear("parrot", state="delivered", reason=None, delivered_at=clock.now())
    clock.advance(timedelta(hours=1))
    await flock.run()
    assert await flock.rows() == [("parrot", "delivered", None)]


async def test_that_nothing_bounced_is_no_receipt(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling", receipt_within=60 * 60 * 30))
    await flock.run()
    clock.advance(timedelta(hours=25))
    await run_until_idle(flock.ctx, [SETTLE])
    assert (await flock.rows())[0][1:] == ("delivered", "no_bounce")
    clock.advance(timedelta(hours=6))
    await flock.run()
    assert [row[0] for row in await flock.rows()] == ["parrot", "starling"]


@pytest.mark.parametrize("what", ["opened_at", "clicked_at", "replied_at"])
async def test_an_answer_ends_the_chain(flock: Flock, clock: VirtualClock, what: str) -> None:
    await flock.say(Hop(channel="starling", answer_within=60))
    await flock.run()
    await flock.hear("parrot", **{what: clock.now()})
    clock.advance(timedelta(hours=1))
    await flock.run()
    assert [row[0] for row in await flock.rows()] == ["parrot"]


async def test_an_answer_that_comes_while_the_next_hop_waits_cancels_it(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling", answer_within=60), Hop(channel="raven"))
    await flock.run()
    clock.advance(timedelta(seconds=61))
    await run_until_idle(flock.ctx, [WATCHING])
    assert (await flock.rows())[1] == ("starling", "queued", None)
    await flock.hear("parrot", opened_at=clock.now())
    assert await flock.rows() == [("parrot", "sent", "accepted"), ("starling", "cancelled", "answered")]
    clock.advance(timedelta(days=1))
    await flock.run()
    assert flock.starling.heard == [] and len(await flock.rows()) == 2


async def test_an_answer_that_comes_while_the_next_hop_is_claimed_is_seen_before_speaking(
    flock: Flock, ctx: Context, clock: VirtualClock
) -> None:
    await flock.say(Hop(channel="starling", answer_within=60))
    await flock.run()
    clock.advance(timedelta(seconds=61))
    await run_until_idle(ctx, [WATCHING])
    async with ctx.db.connection() as conn:  # written by somebody who did not see the next hop
        await conn.execute("update delivery set clicked_at = now() where channel = 'parrot'")
    await flock.run()
    assert (await flock.rows())[1] == ("starling", "cancelled", "answered") and flock.starling.heard == []


async def test_a_late_receipt_cancels_what_was_only_for_want_of_one(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling", receipt_within=60))
    await flock.run()
    clock.advance(timedelta(seconds=61))
    await run_until_idle(flock.ctx, [WATCHING])
    await flock.hear("parrot", state="delivered", reason=None, delivered_at=clock.now())
    assert (await flock.rows())[1] == ("starling", "cancelled", "answered")


async def test_a_bounce_after_all_goes_to_the_next_channel(flock: Flock, clock: VirtualClock) -> None:
    await flock.say(Hop(channel="starling"))
    await flock.run()
    clock.advance(timedelta(hours=2))
    await flock.run()
    assert len(await flock.rows()) == 1
    await flock.hear("parrot", state="bounced", reason="bounced", bounced_at=clock.now())
    await flock.run()
    assert (await flock.rows())[1] == ("starling", "sent", "accepted")


async def test_what_may_have_been_heard_waits_for_its_receipt_or_for_a_person(flock: Flock, clock: VirtualClock, ctx: Context) -> None:
    flock.parrot.answer = silence
    await flock.say(Hop(channel="starling", receipt_within=60))
    await flock.say(Hop(channel="starling"), key="m", message_class="marketing", topic="news")
    await flock.say(Hop(channel="starling"), key="t")
    await flock.run()
    assert [(c, s) for c, s, _ in await flock.rows()].count(("starling", "sent")) == 1  # the transactional one alone
    clock.advance(timedelta(seconds=61))
    await flock.run()
    assert [(c, s) for c, s, _ in await flock.rows()].count(("starling", "sent")) == 2
    assert [(c, s) for c, s, _ in await flock.rows()].count(("parrot", "unknown")) == 3


async def test_what_a_dead_process_was_saying_goes_on_if_its_class_may_be_said_again(flock: Flock, ctx: Context) -> None:
    def die() -> None:
        raise BaseExceptionGroup("killed", [SystemExit()])

    await flock.say(Hop(channel="starling"), message_class="service")
    flock.parrot.after_mark = die
    leases = Leases(ctx.db, "dead", "worker")
    await leases.declare(SEND.name, SEND.buckets)
    held = await leases.share(SEND.name, SEND.buckets)
    with pytest.raises(BaseExceptionGroup):
        await SEND.tick(ctx, held)
    await leases.leave([SEND.name])
    flock.parrot.after_mark = None
    await flock.run()
    assert await flock.rows() == [("parrot", "unknown", "process_died")]


async def test_until_when_it_makes_sense_holds_for_every_hop(flock: Flock, ctx: Context, clock: VirtualClock) -> None:
    until = clock.now() + timedelta(seconds=90)
    hops = (Hop(channel="starling", receipt_within=60), Hop(channel="parrot", receipt_within=60))
    new = NewDispatch(key="c", channel="parrot", message_class="one_time_code", content=SAY, hops=hops)
    async with ctx.db.transaction() as conn:
        await submit(ctx, conn, await open_dispatch(ctx, conn, new), Intents(profile_ids=[1], expires_at=until))
    for _ in range(4):
        await flock.run()
        clock.advance(timedelta(seconds=61))
    assert [row[:2] for row in await flock.rows()] == [("parrot", "sent"), ("starling", "sent")]


async def test_cancelling_a_campaign_stops_its_later_hops(flock: Flock, ctx: Context, clock: VirtualClock) -> None:
    hops = (Hop(channel="starling", answer_within=60),)
    dispatch = await flock.say(*hops, message_class="marketing", topic="news", campaign_id=5, occurrence="1")
    await flock.run()
    async with ctx.db.transaction() as conn:
        assert await is_waiting(conn, dispatch)
        await hold(conn, 5, "cancelled")
    clock.advance(timedelta(seconds=61))
    await flock.run()
    assert (await flock.rows())[1:] in ([("starling", "cancelled", "campaign_cancelled")], [("starling", "suppressed", "no_consent")])
    async with ctx.db.connection() as conn:
        assert not await is_waiting(conn, dispatch)
    assert flock.starling.heard == []


async def test_a_persons_whole_chain_is_shown(flock: Flock, ctx: Context) -> None:
    flock.parrot.answer = refuse
    await flock.say(Hop(channel="raven"), Hop(channel="starling"))
    await flock.run()
    async with ctx.db.connection() as conn:
        found = await ledger.why(ctx, conn, await _id(ctx, "k:hop2:a"))
    shown = [(hop.hop, hop.channel, hop.state) for hop in found.hops]
    assert shown == [(0, "parrot", "failed"), (1, "raven", "suppressed"), (2, "starling", "sent")]
    assert all(hop.sentence for hop in found.hops)


async def test_staff_are_written_to_where_the_next_channel_is_addressed_alike(flock: Flock, ctx: Context) -> None:
    flock.parrot.answer = refuse
    hops = (Hop(channel="raven"), Hop(channel="starling"))
    new = NewDispatch(key="s", channel="parrot", message_class="staff", content=SAY, hops=hops)
    async with ctx.db.transaction() as conn:
        dispatch = await open_dispatch(ctx, conn, new)
        await submit(ctx, conn, dispatch, Intents(profile_ids=[0], suffixes=["1"], addresses=["boss@example.com"]))
    await flock.run()
    assert [row[0] for row in await flock.rows(0)][:2] == ["parrot", "raven"]


async def _id(ctx: Context, key: str) -> int:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select id from delivery where intent_key = %s order by profile_id desc", (key,))).fetchone()
    assert row is not None
    return int(row[0])


def test_the_next_hop_says_its_own_words_or_those_before() -> None:
    own = Content(subject="", text="short")
    new = NewDispatch(
        key="k", channel="a", message_class="service", template_version_id=3,
        hops=(Hop(channel="b", content=own), Hop(channel="c"), Hop(channel="d", template_version_id=4)),
    )  # fmt: skip
    second = chains.next_of(new)
    third = chains.next_of(second)
    fourth = chains.next_of(third)
    assert [n.key for n in (second, third, fourth)] == ["k:hop1", "k:hop2", "k:hop3"]
    assert (second.content, second.template_version_id) == (own, None) == (third.content, third.template_version_id)
    assert (fourth.content, fourth.template_version_id, fourth.hops) == (None, 4, ())
    assert msgspec.structs.replace(fourth, hop=0, key="k").key == "k"


@pytest.mark.parametrize("asked", [False, True])
async def test_a_hop_that_is_late_by_its_own_time_is_said_though_the_first_one_was_put_off(
    flock: Flock, ctx: Context, clock: VirtualClock, asked: bool
) -> None:
    """Each hop has a lifetime of its own, whoever's first was moved by quiet hours included; an instant the author gave counts for
    all."""
    async with ctx.db.transaction() as conn:
        quiet = msgspec.convert({"timezone": "UTC", "quiet": {"service": {"from": "11:00", "to": "15:00"}}}, Clocks)
        await set_clocks(conn, SYSTEM, quiet)
        new = NewDispatch(
            key="k", channel="parrot", message_class="service", content=SAY,
            hops=(Hop(channel="starling", answer_within=4 * 86_400),),
        )  # fmt: skip
        until = clock.now() + timedelta(days=3) if asked else None
        await submit(ctx, conn, await open_dispatch(ctx, conn, new), Intents(profile_ids=[1], expires_at=until))
    assert await flock.rows() == [("parrot", "planned", "quiet_hours")]
    clock.advance(timedelta(hours=3))
    await flock.run()
    clock.advance(timedelta(days=4, hours=1))
    await flock.run()
    assert flock.starling.heard == ([] if asked else ["p1@example.com"])
