"""Campaigns that answer events: each event, each person once, once in a period, each key once; exactly once through crashes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.cast import SEND, Parrot, add_account, add_people, add_published, stage
from tests.execution.test_campaigns_service import draft, reported, segment_of, state_of, told

from antiphon.awareness.events import Journal, PropertyFilter
from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.campaigns import listening, service, store
from antiphon.execution.campaigns.estimating import full_estimate
from antiphon.execution.campaigns.foreseeing import foresee
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.model import Campaign
from antiphon.execution.campaigns.triggers import Again, Happened, Trigger, TriggerInvalid, check_trigger, spaced
from antiphon.execution.content import Source
from antiphon.execution.delivery import NoAccount
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import run_until_idle

pytestmark = pytest.mark.store

INTAKE, RUN, LISTEN = EVENTS[0], LOOPS[0], LOOPS[1]
ORDER = "{{ event.order_id }} {{ event.status }}"


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 6)
            await conn.execute(
                "insert into identity (kind, value, profile_id) select 'user_id', 'u' || i, i from generate_series(1, 6) i"
            )
        yield parrot


async def happen(ctx: Context, *events: tuple[int, str, dict[str, Any]], at: datetime | None = None, key: str | None = None) -> None:
    """Events of people by number, through a lane of the journal."""
    rows = []
    for n, (person, name, properties) in enumerate(events):
        call: dict[str, Any] = {"type": "track", "userId": f"u{person}", "event": name, "properties": properties}
        if at is not None:
            call["timestamp"] = at.isoformat()
        if key is not None:
            call["messageId"] = f"{key}-{n}"
        rows.append((1, None, json.dumps(call).encode()))
    async with ctx.get(Journal).transaction() as journal:
        await journal.append(rows)


async def settle_down(ctx: Context) -> None:
    await run_until_idle(ctx, [INTAKE, LISTEN, SEND])


async def triggered(ctx: Context, trigger: Trigger, **more: Any) -> Campaign:
    version = more.pop("version", None) or await add_published(ctx, Source(format="text", subject="Order", body=ORDER))
    values = {"kind": "triggered", "trigger": trigger, "message_class": "transactional", "topic": None} | more
    campaign = await draft(ctx, values.pop("segment", None), version=version, **values)
    await told(ctx, service.start, campaign)
    return campaign


async def said(ctx: Context) -> list[tuple[int, str]]:
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select profile_id, variables -> 'event' ->> 'order_id' from delivery where state <> 'suppressed' order by id"
        )).fetchall()  # fmt: skip
    return [tuple(row) for row in rows]


async def test_an_event_is_answered_with_its_properties(ctx: Context, parrot: Parrot) -> None:
    filters = [PropertyFilter(property="total", op="ge", value=100)]
    await happen(ctx, (1, "Order Completed", {"order_id": "before", "total": 500}))
    await settle_down(ctx)
    campaign = await triggered(ctx, Trigger(event="Order Completed", filters=filters))
    texts: list[bytes] = []
    prepare = parrot.prepare
    parrot.prepare = lambda message, account: (texts.append(message.content.text), prepare(message, account))[1]  # type: ignore[method-assign,assignment,func-returns-value]
    await happen(
        ctx, (1, "Order Completed", {"order_id": "a", "total": 150, "status": "paid"}),
        (2, "Order Completed", {"order_id": "b", "total": 99}), (3, "Cart Viewed", {"order_id": "c", "total": 200}),
        (1, "Order Completed", {"order_id": "d", "total": 100, "status": "new"}),
    )  # fmt: skip
    await settle_down(ctx)
    assert await said(ctx) == [(1, "a"), (1, "d")]
    assert sorted(text.strip() for text in texts) == ["a paid", "d new"]
    assert (await reported(ctx, campaign)).sent == 2
    assert await state_of(ctx, campaign) == "running"


@pytest.mark.parametrize(
    ("again", "more", "expected"),
    [
        ("every", {}, ["1a", "1b", "2a", "1a", "2c"]),
        ("once", {}, ["1a", "2a"]),
        ("key", {"key": ["order_id"]}, ["1a", "1b", "2c"]),
        ("key", {"key": ["order_id", "status"]}, ["1a", "1b", "1a", "2c"]),
        ("period", {"period_seconds": 3600}, ["1a", "2a", "1a", "2c"]),
    ],
)
async def test_how_often(
    ctx: Context, parrot: Parrot, clock: VirtualClock, again: Again, more: dict[str, Any], expected: list[str]
) -> None:
    """The timeline: a and b of one person at 12:00, another's a at 12:20, the first one's a again at 13:00, c at 14:00."""
    await triggered(ctx, Trigger(event="Order", again=again, **more))
    start = clock.now()
    for minutes, events in (
        (0, [(1, "a", "new"), (1, "b", "new")]), (20, [(2, "a", "new")]), (60, [(1, "a", "paid")]), (120, [(2, "c", None)])
    ):  # fmt: skip
        clock.set(start + timedelta(minutes=minutes))
        await happen(ctx, *((p, "Order", {"order_id": o, "status": s or "new"}) for p, o, s in events))
        await settle_down(ctx)
    assert [f"{person}{order}" for person, order in await said(ctx)] == expected


async def test_each_status_of_each_order_once_by_import_and_by_api(ctx: Context, parrot: Parrot) -> None:
    """The same order told twice, under other message ids and even of somebody else, is confirmed once for each status."""
    await triggered(ctx, Trigger(event="Order Updated", again="key", key=["order_id", "status"]))
    orders = [(1, "Order Updated", {"order_id": 7, "status": s}) for s in ("new", "paid", "paid", "sent")]
    await happen(ctx, *orders, key="api")
    await settle_down(ctx)
    await happen(ctx, *orders, key="import")
    await happen(ctx, (2, "Order Updated", {"order_id": "7", "status": "new"}), (3, "Order Updated", {"status": "new"}))
    await settle_down(ctx)
    assert len(await said(ctx)) == 3


async def test_a_delay_a_segment_and_an_exclusion(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    some = await segment_of(ctx, "some", [1, 2, 3])
    out = await segment_of(ctx, "out", [3])
    await triggered(ctx, Trigger(event="Cart", delay_seconds=1800), segment=some, excluded_segment_ids=[out])
    await happen(ctx, *((person, "Cart", {"order_id": "x"}) for person in (1, 3, 5)))
    await settle_down(ctx)
    assert await said(ctx) == [(1, "x")]
    assert parrot.heard == []
    clock.advance(timedelta(minutes=31))
    await settle_down(ctx)
    assert parrot.heard == ["p1@example.com"]
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, reason from delivery where state = 'suppressed'")).fetchall()
    assert rows == [(3, "excluded")]


async def test_history_is_not_answered(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    await triggered(ctx, Trigger(event="Order", fresh_seconds=3600))
    await happen(ctx, (1, "Order", {"order_id": "old"}), at=clock.now() - timedelta(days=30))
    await happen(ctx, (1, "Order", {"order_id": "late"}), at=clock.now() - timedelta(minutes=50))
    await settle_down(ctx)
    assert await said(ctx) == [(1, "late")]


async def test_while_paused_answers_wait_and_a_cancel_ends_them(ctx: Context, parrot: Parrot) -> None:
    campaign = await triggered(ctx, Trigger(event="Order"))
    await told(ctx, service.pause, campaign)
    await happen(ctx, (1, "Order", {"order_id": "a"}))
    await settle_down(ctx)
    assert (await said(ctx), parrot.heard) == ([(1, "a")], [])
    await told(ctx, service.resume, campaign)
    await settle_down(ctx)
    assert parrot.heard == ["p1@example.com"]
    await told(ctx, service.cancel, campaign)
    await happen(ctx, (2, "Order", {"order_id": "b"}))
    await settle_down(ctx)
    await run_until_idle(ctx, [RUN])
    assert len(parrot.heard) == 1
    async with ctx.db.connection() as conn:
        assert (await service.find(conn, campaign.id)).finished_at is not None


async def test_a_crash_between_gate_and_cursor_answers_each_event_once(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before and after the gate, with parts of three: nothing is lost, nothing is said twice."""
    monkeypatch.setattr(listening.READER, "most", 3)
    await triggered(ctx, Trigger(event="Order", again="key", key=["order_id"]))
    for n in range(5):
        await happen(ctx, *((person, "Order", {"order_id": f"{n}-{person}"}) for person in range(1, 5)))
    answer, crashes = listening.answer, 0

    async def crash(*args: Any) -> int:
        nonlocal crashes
        crashes += 1
        if crashes % 3 == 1:
            raise ConnectionAbortedError("killed before the gate")
        done = await answer(*args)
        if crashes % 3 == 2:
            raise ConnectionAbortedError("killed after the gate")
        return done

    monkeypatch.setattr(listening, "answer", crash)
    await run_until_idle(ctx, [INTAKE])
    for _ in range(60):
        try:
            await run_until_idle(ctx, [LISTEN, SEND])
            break
        except ConnectionAbortedError:
            continue
    assert crashes > 6
    assert sorted(order for _, order in await said(ctx)) == sorted(f"{n}-{p}" for n in range(5) for p in range(1, 5))
    assert len(parrot.heard) == 20


EVENT = st.tuples(st.integers(1, 3), st.sampled_from("ab"), st.sampled_from(["new", "paid"]), st.integers(0, 300))


@settings(max_examples=60, deadline=None)
@given(events=st.lists(EVENT, max_size=15), period=st.integers(1, 120), cut=st.integers(0, 15))
def test_once_in_a_period_does_not_depend_on_how_events_are_cut_into_parts(
    events: list[tuple[int, str, str, int]], period: int, cut: int
) -> None:
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    rows = sorted(
        (Happened(0, n, begin, begin + timedelta(minutes=at), person, "track", "x", {}) for n, (person, _, _, at) in enumerate(events)),
        key=lambda one: one.ts,
    )  # fmt: skip
    whole, _ = spaced(rows, {}, timedelta(minutes=period))
    first, told_ = spaced(rows[:cut], {}, timedelta(minutes=period))
    second, _ = spaced(rows[cut:], told_, timedelta(minutes=period))
    assert [one.seq for one in whole] == [one.seq for one in first + second]
    for before, after in pairwise(whole):
        assert before.profile_id != after.profile_id or after.ts - before.ts >= timedelta(minutes=period)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENT, min_size=1, max_size=10), cuts=st.lists(st.integers(1, 4), min_size=10, max_size=10))
async def test_each_key_is_answered_once_in_any_order_and_any_parts(
    ctx: Context, parrot: Parrot, events: Sequence[tuple[int, str, str, int]], cuts: list[int]
) -> None:
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select max(id) from template_version")).fetchone()
    assert row is not None
    campaign = await triggered(ctx, Trigger(event="Order", again="key", key=["order_id", "status"]), version=row[0])
    left = list(events)
    for cut in cuts:
        if left:
            await happen(ctx, *((p, "Order", {"order_id": o, "status": s}) for p, o, s, _ in left[:cut]))
            left = left[cut:]
            await run_until_idle(ctx, [INTAKE, LISTEN])
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select variables -> 'event' ->> 'order_id', variables -> 'event' ->> 'status' from delivery where campaign_id = %s",
            (campaign.id,),
        )).fetchall()  # fmt: skip
        await store.move_campaign(conn, campaign.id, "cancelled", now=ctx.clock.now(), finished_at=ctx.clock.now())
    assert sorted(rows) == sorted({(order, status) for _, order, status, _ in events})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Trigger(event="x", again="period"), "trigger.period_seconds"),
        (Trigger(event="x", again="key"), "trigger.key"),
        (Trigger(event="x", key=["order"]), "trigger.key"),
        (Trigger(event="x", again="key", key=["a..b"]), "trigger.key[0]"),
        (Trigger(event="x", filters=[PropertyFilter(property="", op="set")]), "trigger.filters[0].property"),
        (Trigger(event="x", filters=[PropertyFilter(property="a", op="gt", value="text")]), "trigger.filters[0].value"),
    ],
)
def test_a_trigger_that_makes_no_sense_names_its_field(wrong: Trigger, field: str) -> None:
    with pytest.raises(TriggerInvalid) as caught:
        check_trigger(wrong)
    assert caught.value.field == field


async def test_a_campaign_that_cannot_answer_says_so_and_leaves_the_others_alone(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = await triggered(ctx, Trigger(event="Order"))
    async with ctx.db.connection() as conn:
        row = await (await conn.execute("select max(id) from template_version")).fetchone()
    assert row is not None
    healthy = await triggered(ctx, Trigger(event="Order"), version=row[0])
    answer = listening.answer

    async def no_account(ctx: Context, conn: Any, campaign: Campaign, events: Any) -> int:
        done = await answer(ctx, conn, campaign, events)
        if campaign.id == broken.id:
            raise NoAccount(channel="Parrot")
        return done

    monkeypatch.setattr(listening, "answer", no_account)
    await happen(ctx, (1, "Order", {"order_id": "a"}))
    await settle_down(ctx)
    assert parrot.heard == ["p1@example.com"]
    async with ctx.db.connection() as conn:
        held = await service.find(conn, broken.id)
    assert (held.state, "Parrot" in (held.held_reason or "")) == ("paused", True)
    monkeypatch.setattr(listening, "answer", answer)
    assert (await told(ctx, service.resume, broken)).held_reason is None
    await happen(ctx, (2, "Order", {"order_id": "b"}))
    await settle_down(ctx)
    assert len(parrot.heard) == 3
    assert await state_of(ctx, healthy) == "running"


async def test_what_a_trigger_would_have_answered(ctx: Context, lake: LakeClient, parrot: Parrot, clock: VirtualClock) -> None:
    for person, order, total in ((1, "a", 50), (1, "a", 60), (1, "b", 500), (2, "c", 70), (2, "d", 5)):
        await happen(ctx, (person, "Order", {"order_id": order, "total": total}))
        clock.advance(timedelta(hours=1))
    await run_until_idle(ctx, [INTAKE])
    large = [PropertyFilter(property="total", op="ge", value=50)]
    for again, more, answers in (
        ("every", {}, 4), ("once", {}, 2), ("key", {"key": ["order_id"]}, 3), ("period", {"period_seconds": 7200.0}, 3)
    ):  # fmt: skip
        trigger = Trigger(event="Order", filters=large, again=again, **more)  # type: ignore[arg-type]
        seen, people = await foresee(ctx, trigger)
        assert (seen.events, seen.people, seen.answers, people) == (4, 2, answers, [1, 2]), again
    campaign = await triggered(ctx, Trigger(event="Order", filters=large))
    found = await full_estimate(ctx, campaign.id)
    assert (found.audience, found.reached) == (2, 2)
    clock.advance(timedelta(days=8))
    assert (await foresee(ctx, Trigger(event="Order")))[0].events == 0
