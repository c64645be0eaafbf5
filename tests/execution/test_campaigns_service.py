"""Campaigns: from a draft to a report whose numbers add up, with pauses, cancels and crashes on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import SEND, SETTLE, Parrot, add_account, add_people, add_published, stage

from antiphon.awareness.segments.lists import list_members
from antiphon.awareness.segments.service import publish
from antiphon.execution.campaigns import report, service, store
from antiphon.execution.campaigns.loops import LOOPS
from antiphon.execution.campaigns.model import Campaign, CampaignIncomplete, CampaignStateConflict, NotPublished
from antiphon.execution.campaigns.report import Report
from antiphon.execution.content import Source
from antiphon.execution.content.service import add_template
from antiphon.execution.delivery import service as gate
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres import Connection
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store

RUN = LOOPS[0]


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        await add_account(ctx)
        yield parrot


async def segment_of(ctx: Context, name: str, ids: list[int]) -> int:
    row = await publish(ctx, SYSTEM, name=name, description="", tree=None, announce="never")
    await list_members(ctx, SYSTEM, row.id, add=ids, remove=[], replace=True)
    return row.id


async def draft(ctx: Context, segment: int | None, **values: Any) -> Campaign:
    version = values.pop("version", None) or await add_published(ctx)
    async with ctx.db.transaction() as conn:
        row = await (await conn.execute("select template_id from template_version where id = %s", (version,))).fetchone()
        assert row is not None
        return await service.add_campaign(ctx, conn, SYSTEM, {
            "name": "Spring", "description": "", "channel": "parrot", "segment_id": segment, "excluded_segment_ids": [],
            "template_id": row[0], "account_id": None, "topic": "news", "message_class": "marketing", "track_opens": True,
            "track_clicks": True, "send_at": None, **values,
        })  # fmt: skip


async def told(ctx: Context, verb: Any, campaign: Campaign) -> Campaign:
    async with ctx.db.transaction() as conn:
        changed: Campaign = await verb(ctx, conn, SYSTEM, campaign.id)
        return changed


async def reported(ctx: Context, campaign: Campaign) -> Report:
    async with ctx.db.connection() as conn:
        found = await report.read_report(ctx, conn, await service.find(conn, campaign.id))
    waiting = found.undecided + found.waiting
    assert found.audience == waiting + found.sent + found.suppressed + found.cancelled + found.failed + found.unknown
    return found


async def state_of(ctx: Context, campaign: Campaign) -> str:
    async with ctx.db.connection() as conn:
        return (await service.find(conn, campaign.id)).state


async def test_a_campaign_from_draft_to_report(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 60)
        await add_people(conn, 10, first=61, consent=None)
        await add_people(conn, 5, first=71, address=False)
    everybody = await segment_of(ctx, "all", list(range(1, 76)))
    some = await segment_of(ctx, "some", [1, 2, 3, 200])
    campaign = await draft(ctx, everybody, excluded_segment_ids=[some])
    asked = await service.estimate(ctx, campaign.id)
    assert asked.passed == 57 and asked.refused == {"excluded": 3, "no_consent": 10, "no_address": 5}

    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    await run_until_idle(ctx, [RUN])
    assert await state_of(ctx, campaign) == "finished"
    found = await reported(ctx, campaign)
    assert (found.audience, found.queued, found.sent, found.suppressed) == (75, 57, 57, 18)
    assert {r.reason: r.people for r in found.suppressed_by} == asked.refused
    clock.advance(timedelta(days=1))
    await run_until_idle(ctx, [SETTLE])
    assert (await reported(ctx, campaign)).delivered == 57


async def test_the_audience_is_frozen_at_the_start(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 20)
    segment = await segment_of(ctx, "all", list(range(1, 11)))
    campaign = await draft(ctx, segment)
    await told(ctx, service.start, campaign)
    assert await state_of(ctx, campaign) == "scheduled"
    await run_until_idle(ctx, [RUN], rounds=5)
    await list_members(ctx, SYSTEM, segment, add=list(range(11, 21)), remove=[], replace=True)
    await run_until_idle(ctx, [RUN, SEND])
    assert set(parrot.heard) == {f"p{i}@example.com" for i in range(1, 11)}


async def test_it_waits_for_its_time(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 3)
    campaign = await draft(ctx, await segment_of(ctx, "all", [1, 2, 3]), send_at=clock.now() + timedelta(hours=2))
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    assert await state_of(ctx, campaign) == "scheduled" and parrot.heard == []
    clock.advance(timedelta(hours=2))
    await run_until_idle(ctx, [RUN, SEND])
    assert len(parrot.heard) == 3


async def test_pausing_and_going_on_again_and_again_loses_and_doubles_nobody(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.execution.campaigns.loops.CHUNK", 40)
    monkeypatch.setattr("antiphon.execution.campaigns.loops.AT_ONCE", 1)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 200)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 201))))
    await told(ctx, service.start, campaign)
    for _ in range(8):
        try:
            await run_until_idle(ctx, [RUN], rounds=1)
        except RuntimeError:
            pass  # it has more to do: that is the point
        if await state_of(ctx, campaign) == "finished":
            break
        await told(ctx, service.pause, campaign)
        before = await reported(ctx, campaign)
        heard = len(parrot.heard)
        await run_until_idle(ctx, [RUN, SEND])
        assert await reported(ctx, campaign) == before and len(parrot.heard) == heard
        await told(ctx, service.resume, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    assert len(parrot.heard) == len(set(parrot.heard)) == 200
    assert (await reported(ctx, campaign)).sent == 200


async def test_a_cancel_in_the_middle_accounts_for_everybody(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.execution.campaigns.loops.CHUNK", 40)
    monkeypatch.setattr("antiphon.execution.campaigns.loops.AT_ONCE", 1)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 100)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 101))))
    await told(ctx, service.start, campaign)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await run_until_idle(ctx, [RUN], rounds=1)
    await run_until_idle(ctx, [SEND])
    assert len(parrot.heard) == 40
    await told(ctx, service.cancel, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    await run_until_idle(ctx, [RUN])
    found = await reported(ctx, campaign)
    assert (found.sent, found.cancelled, found.undecided, found.waiting) == (40, 60, 0, 0)
    assert len(parrot.heard) == 40 and await state_of(ctx, campaign) == "cancelled"
    for verb in (service.start, service.pause, service.resume, service.cancel):
        with pytest.raises(CampaignStateConflict):
            await told(ctx, verb, campaign)


async def test_a_crash_while_handing_in_loses_and_doubles_nobody(
    ctx: Context, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.execution.campaigns.loops.CHUNK", 30)
    async with ctx.db.transaction() as conn:
        await add_people(conn, 100)
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 101))))
    await told(ctx, service.start, campaign)
    advance, crashes = store.advance, 0

    async def crash(conn: Connection, *args: Any, **more: Any) -> bool:
        nonlocal crashes
        crashes += 1
        if crashes % 2:
            raise ConnectionAbortedError("killed between the gate and the place")
        return await advance(conn, *args, **more)

    monkeypatch.setattr(store, "advance", crash)
    for _ in range(20):
        try:
            await run_until_idle(ctx, [RUN, SEND])
        except ConnectionAbortedError:
            continue
    assert crashes > 4
    assert len(parrot.heard) == len(set(parrot.heard)) == 100
    assert (await reported(ctx, campaign)).sent == 100


async def test_what_is_missing_is_named(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
    segment = await segment_of(ctx, "one", [1])
    version = await add_published(ctx)
    for missing, fields in (
        ("segment_id", {"segment_id": None}),
        ("topic", {"topic": None}),
        ("template_id", {"template_id": None}),
    ):
        campaign = await draft(
            ctx, fields.pop("segment_id", segment) if "segment_id" in fields else segment, version=version, **fields
        )
        with pytest.raises(CampaignIncomplete) as caught:
            await told(ctx, service.start, campaign)
        assert caught.value.field == missing
    unpublished = await add_template(ctx, SYSTEM, channel="parrot", name="new", source=Source(subject="x", body="x"))
    campaign = await draft(ctx, segment, version=version, template_id=unpublished.template_id)
    with pytest.raises(NotPublished):
        await told(ctx, service.start, campaign)


async def test_a_test_goes_to_staff_and_counts_for_nobody(ctx: Context, parrot: Parrot) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
    campaign = await draft(ctx, await segment_of(ctx, "one", [1]))
    async with ctx.db.transaction() as conn:
        handed = await service.try_out(ctx, conn, SYSTEM, campaign.id, address="Ann@Example.org", as_profile=1)
    assert handed.state == "queued"
    await run_until_idle(ctx, [SEND])
    assert parrot.heard == ["ann@example.org"]
    assert (await reported(ctx, campaign)).sent == 0
    async with ctx.db.connection() as conn:
        assert await gate.is_waiting(conn, 1) is False
