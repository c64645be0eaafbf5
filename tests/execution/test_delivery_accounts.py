"""Several accounts of a channel: routed, limited, failing over, paused, hanging; nobody hears anything twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import SEND, Parrot, add_people, speak, stage, states

from antiphon.execution.channels import Account, Channels, Receipt, Speaking, Wire
from antiphon.execution.delivery import Content, Intents, NewDispatch, lanes, open_dispatch, steering, submit
from antiphon.execution.delivery.routing import Match, Target
from antiphon.execution.delivery.sender import Sender
from antiphon.execution.delivery.steering import RouteDraft
from antiphon.execution.delivery.terms import DomainLimit, Terms, Warmup
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.postgres import Jsonb
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store

SAY = Content(subject="Hello", text="Hello")
NEWS = NewDispatch(key="news", channel="parrot", message_class="marketing", topic="news", content=SAY, campaign_id=1)
Answer = Callable[[Account, Wire], Receipt]


class Flock(Parrot):
    """Several accounts of the parrot: who heard what through which, each answering in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.through: dict[str, list[str]] = {}
        self.answers: dict[str, Callable[[Wire], Receipt]] = {}
        self.hanging: dict[str, asyncio.Event] = {}
        self.calls: Counter[str] = Counter()

    async def send(self, account: Account, batch: Sequence[Wire], on_speaking: Speaking) -> Sequence[Receipt]:
        self.calls[account.name] += 1
        await on_speaking([wire.delivery_id for wire in batch])
        self.in_the_air += len(batch)
        self.most_in_the_air = max(self.most_in_the_air, self.in_the_air)
        if account.name in self.hanging:
            await self.hanging[account.name].wait()
            receipts = [Receipt(delivery_id=wire.delivery_id, outcome="unknown", code="timeout") for wire in batch]
        else:
            await asyncio.sleep(0)
            receipts = [self.answers.get(account.name, self.answer_yes)(wire) for wire in batch]
        self.in_the_air -= len(batch)
        heard = [wire.address for wire, receipt in zip(batch, receipts, strict=True) if receipt.outcome == "sent"]
        self.heard += heard
        self.through.setdefault(account.name, []).extend(heard)
        return receipts

    @staticmethod
    def answer_yes(wire: Wire) -> Receipt:
        return Receipt(delivery_id=wire.delivery_id, outcome="sent", code="250")


def down(wire: Wire) -> Receipt:
    return Receipt(delivery_id=wire.delivery_id, outcome="deferred", code="connect", detail="refused", account_fault=True)


def banned(wire: Wire) -> Receipt:
    return Receipt(
        delivery_id=wire.delivery_id, outcome="rejected", code="550", detail="sender denied", permanent=True, account_fault=True
    )


@pytest.fixture
async def flock(ctx: Context) -> AsyncIterator[Flock]:
    async with stage(ctx):
        flock = Flock()
        channels = ctx.get(Channels)
        channels._channels["parrot"] = flock  # type: ignore[assignment]
        ctx.put(Sender, Sender(ctx, channels))
        yield flock


async def account(ctx: Context, name: str, **terms: Any) -> int:
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute(
            "insert into channel_account (channel, provider, name, settings, sealed, created_at, updated_at)"
            " values ('parrot', 'parrot', %s, %s, %s, %s, %s) returning id",
            (name, Jsonb({}), ctx.get(Channels).seal.close({}, "parrot"), ctx.clock.now(), ctx.clock.now()),
        )).fetchone()  # fmt: skip
    assert row is not None
    if terms:
        await steering.set_terms(ctx, SYSTEM, row[0], Terms(**terms))
    return int(row[0])


async def hand_in(ctx: Context, count: int, new: NewDispatch = NEWS, first: int = 1) -> None:
    async with ctx.db.transaction() as conn:
        people = await add_people(conn, count, first=first)
        await submit(ctx, conn, await open_dispatch(ctx, conn, new), Intents(profile_ids=people))


async def ask(ctx: Context, statement: str) -> list[tuple[Any, ...]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute(statement)).fetchall()


async def health(ctx: Context, account_id: int) -> steering.AccountHealth:
    async with ctx.db.connection() as conn:
        return (await steering.health(ctx, conn, account_id))[0]


def once(flock: Flock, count: int) -> None:
    """Everybody heard it, and once."""
    heard = [address for addresses in flock.through.values() for address in addresses]
    assert len(heard) == len(set(heard)) == count


async def test_without_rules_the_first_account_speaks_and_the_row_names_it(ctx: Context, flock: Flock) -> None:
    a, _ = await account(ctx, "a"), await account(ctx, "b")
    await hand_in(ctx, 30)
    assert await ask(ctx, "select distinct account_id from delivery") == [(None,)]
    await speak(ctx)
    assert set(flock.through) == {"a"} and await ask(ctx, "select distinct account_id, parts from delivery") == [(a, 1)]


async def test_shares_are_kept(ctx: Context, flock: Flock) -> None:
    a, b = await account(ctx, "a"), await account(ctx, "b")
    await steering.add_route(ctx, SYSTEM, "parrot", RouteDraft(
        name="shared", strategy="share", targets=[Target(account_id=a, share=3), Target(account_id=b, share=1)]
    ))  # fmt: skip
    await hand_in(ctx, 400)
    await speak(ctx)
    once(flock, 400)
    assert 250 <= len(flock.through["a"]) <= 350


async def test_rules_by_domain_and_a_named_account_is_kept(ctx: Context, flock: Flock) -> None:
    _, b, c = await account(ctx, "a"), await account(ctx, "b"), await account(ctx, "c")
    await steering.add_route(ctx, SYSTEM, "parrot", RouteDraft(
        name="one", match=Match(domains=["example.com"]), targets=[Target(account_id=b)]
    ))  # fmt: skip
    await hand_in(ctx, 10)
    await hand_in(ctx, 10, msgspec.structs.replace(NEWS, key="named", account_id=c), first=100)
    await speak(ctx)
    assert {name: len(heard) for name, heard in flock.through.items()} == {"b": 10, "c": 10}


async def test_what_the_first_did_not_take_the_next_says_and_nobody_hears_it_twice(
    ctx: Context, flock: Flock, clock: VirtualClock
) -> None:
    a, _ = await account(ctx, "a"), await account(ctx, "b")
    seen = 0

    def breaks(wire: Wire) -> Receipt:
        nonlocal seen
        seen += 1
        return Flock.answer_yes(wire) if seen <= 30 else down(wire)

    flock.answers["a"] = breaks
    await hand_in(ctx, 300)
    await speak(ctx)
    once(flock, 300)
    assert len(flock.through["a"]) == 30 and len(flock.through["b"]) == 270
    assert await ask(ctx, "select state, count(*) from delivery group by 1") == [("sent", 300)]
    found = await health(ctx, a)
    assert found.state == "resting" and found.error == "connect refused" and found.until is not None
    assert found.sent == 30 and found.faults > 0 and 0 < found.failing < 1


async def test_an_account_that_answers_again_is_tried_with_a_few_first(ctx: Context, flock: Flock, clock: VirtualClock) -> None:
    a, _ = await account(ctx, "a"), await account(ctx, "b")
    flock.answers["a"] = down
    await hand_in(ctx, 100)
    await speak(ctx)
    calls = flock.calls["a"]
    clock.advance(timedelta(seconds=6))
    await hand_in(ctx, 100, msgspec.structs.replace(NEWS, key="again"), first=200)
    await speak(ctx)  # the rest is over: it is tried, fails, and rests longer
    assert flock.calls["a"] == calls + 1 and (await health(ctx, a)).state == "resting"
    once(flock, 200)
    flock.answers.clear()
    clock.advance(timedelta(seconds=11))
    await hand_in(ctx, 100, msgspec.structs.replace(NEWS, key="third"), first=400)
    await speak(ctx)
    once(flock, 300)
    assert (await health(ctx, a)).state == "working" and len(flock.through["a"]) >= 5


async def test_with_one_account_only_what_it_did_not_take_waits_for_it(ctx: Context, flock: Flock, clock: VirtualClock) -> None:
    await account(ctx, "a")
    flock.answers["a"] = down
    await hand_in(ctx, 50)
    await speak(ctx)
    async with ctx.db.connection() as conn:
        assert await states(conn) == {"queued": 50}
    flock.answers.clear()
    for _ in range(4):
        clock.advance(timedelta(seconds=40))
        await speak(ctx)
    once(flock, 50)


async def test_an_account_that_refuses_its_own_sender_is_paused_and_told(ctx: Context, flock: Flock, clock: VirtualClock) -> None:
    a, _ = await account(ctx, "a"), await account(ctx, "b")
    flock.answers["a"] = banned
    await hand_in(ctx, 60)
    await speak(ctx)
    once(flock, 60)
    assert set(flock.through) <= {"a", "b"} and len(flock.through["b"]) == 60
    found = await health(ctx, a)
    assert (found.state, found.reason, found.error, found.paused_by) == ("paused", "refused", "550 sender denied", None)
    clock.advance(timedelta(days=1))
    flock.answers.clear()
    await hand_in(ctx, 10, msgspec.structs.replace(NEWS, key="later"), first=100)
    await speak(ctx)
    assert len(flock.through["b"]) == 70  # until somebody resumes it
    await steering.resume_account(ctx, SYSTEM, a)
    await hand_in(ctx, 10, msgspec.structs.replace(NEWS, key="resumed"), first=200)
    await speak(ctx)
    assert len(flock.through["a"]) == 10


async def test_a_pause_loses_nobody(ctx: Context, flock: Flock) -> None:
    a, b = await account(ctx, "a"), await account(ctx, "b")
    await hand_in(ctx, 40, msgspec.structs.replace(NEWS, key="named", account_id=a))
    await hand_in(ctx, 40, first=100)
    await steering.pause_account(ctx, SYSTEM, a, "maintenance")
    await speak(ctx)
    assert {name: len(heard) for name, heard in flock.through.items()} == {"b": 40}
    await steering.pause_account(ctx, SYSTEM, b, "too")
    await steering.resume_account(ctx, SYSTEM, a)
    await speak(ctx)
    once(flock, 80)
    assert {name: len(heard) for name, heard in flock.through.items()} == {"a": 40, "b": 40}


@pytest.mark.parametrize("terms, steps, expected", [
    ({"per_second": 10}, [0, 1, 1, 0.5, 60], [10, 20, 30, 35, 45]),
    ({"per_day": 25}, [0, 60, 13 * 3600, 86_400], [25, 25, 50, 75]),
    ({"warmup": Warmup(start="2026-06-01", first=96, growth=2.0, until=1000)}, [0, 900, 900, 86_400, 450], [1, 2, 3, 5, 6]),
])  # fmt: skip
async def test_an_account_keeps_its_pace(
    ctx: Context, flock: Flock, clock: VirtualClock, terms: dict[str, Any], steps: list[float], expected: list[int]
) -> None:
    terms = {k: msgspec.convert(msgspec.to_builtins(v), Warmup, strict=False) if k == "warmup" else v for k, v in terms.items()}
    await account(ctx, "a", **terms)
    await hand_in(ctx, 100, msgspec.structs.replace(NEWS, message_class="service"))
    heard = []
    for step in steps:
        clock.advance(timedelta(seconds=step))
        await speak(ctx)
        heard.append(len(flock.heard))
    assert heard == expected


async def test_what_is_too_much_for_one_goes_through_another(ctx: Context, flock: Flock) -> None:
    await account(ctx, "new", per_day=20)
    await account(ctx, "old")
    await hand_in(ctx, 100)
    await speak(ctx)
    once(flock, 100)
    assert {name: len(heard) for name, heard in flock.through.items()} == {"new": 20, "old": 80}


async def test_a_domain_has_a_pace_of_its_own_and_holds_up_no_other(ctx: Context, flock: Flock, clock: VirtualClock) -> None:
    await account(ctx, "a", domains=[DomainLimit(domain="example.com", per_second=2)])
    await hand_in(ctx, 60)
    async with ctx.db.transaction() as conn:
        people = await add_people(conn, 40, first=500, address=False)
        await conn.execute(
            "insert into identity (kind, value, profile_id) select 'email', 'q' || i || '@other.org', i from unnest(%s::bigint[]) i",
            (people,),
        )
        await submit(ctx, conn, await open_dispatch(ctx, conn, NEWS), Intents(profile_ids=people))
    await speak(ctx)
    heard = Counter(address.partition("@")[2] for address in flock.heard)
    assert heard == {"other.org": 40, "example.com": 2}
    for _ in range(120):
        clock.advance(timedelta(seconds=0.5))
        await speak(ctx)
    once(flock, 100)
    rounds = await ask(ctx, "select count(*) from delivery where state = 'sent'")
    assert rounds == [(100,)]


async def test_no_more_to_a_domain_at_once_than_it_takes(ctx: Context, flock: Flock, clock: VirtualClock) -> None:
    await account(ctx, "a", domains=[DomainLimit(domain="*", concurrent=3)])
    await hand_in(ctx, 30)
    for _ in range(30):
        await speak(ctx)
        clock.advance(timedelta(seconds=2))
    once(flock, 30)
    assert flock.most_in_the_air <= 3


async def test_one_that_hangs_holds_up_nobody_else(ctx: Context, flock: Flock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "SLOW", 0.2)
    a, b = await account(ctx, "a"), await account(ctx, "b")
    flock.hanging["a"] = asyncio.Event()
    await hand_in(ctx, 200, msgspec.structs.replace(NEWS, key="one", account_id=a))
    await hand_in(ctx, 200, msgspec.structs.replace(NEWS, key="two", account_id=b), first=1000)
    leases = Leases(ctx.db, "worker", "worker")
    await leases.beat()
    await leases.declare(SEND.name, SEND.buckets)
    held = await leases.share(SEND.name, SEND.buckets)
    mine = sum(one % 64 in held.epochs for one in range(1000, 1200))
    tick = asyncio.create_task(SEND.tick(ctx, held))
    async with asyncio.timeout(120):
        while len(flock.through.get("b", ())) < mine:
            await asyncio.sleep(0.05)
    assert len(flock.through["b"]) == mine > 2 * lanes.SPEAKING - 10 and not tick.done()
    await asyncio.sleep(0.5)
    ((speaking,),) = await ask(ctx, "select count(*) from delivery_queue where state = 'speaking'")
    assert 0 < speaking <= lanes.SPEAKING
    flock.hanging["a"].set()
    await tick
    found = dict(await ask(ctx, "select state, count(*) from delivery group by 1"))
    assert found == {"sent": mine, "unknown": speaking, "queued": 400 - mine - speaking}
    assert (await health(ctx, a)).state == "resting"
    await leases.leave([SEND.name])


async def test_what_is_urgent_goes_before_what_waits_in_its_lane(ctx: Context, flock: Flock) -> None:
    a = await account(ctx, "a")
    await hand_in(ctx, 300)
    said: list[str] = []
    urgent = NewDispatch(key="code", channel="parrot", message_class="one_time_code", content=SAY)

    def answer(wire: Wire) -> Receipt:
        said.append(wire.address)
        return Flock.answer_yes(wire)

    flock.answers["a"] = answer
    await hand_in(ctx, 1, urgent, first=5000)
    await speak(ctx)
    once(flock, 301)
    assert said.index("p5000@example.com") < lanes.AHEAD + lanes.ALONE
    assert (await health(ctx, a)).state == "working"
