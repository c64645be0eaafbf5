"""The estimate: reach, refusals, cost, duration, and what to think of; the budget that stops a campaign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.execution.cast import SEND, Parrot, add_account, add_people, add_published, stage
from tests.execution.test_campaigns_service import RUN, draft, reported, segment_of, told

from antiphon.execution.campaigns import service
from antiphon.execution.campaigns.estimating import full_estimate, warnings
from antiphon.execution.campaigns.model import Campaign, Fallback
from antiphon.execution.delivery.pacing import expected_pace
from antiphon.execution.delivery.rules.model import Suitability
from antiphon.execution.delivery.rules.service import set_suitability
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    """Twenty people, two of whom have no address; a part costs 300 micros, a hundred are said in a second."""
    async with stage(ctx) as parrot:
        account = await add_account(ctx)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 18)
            await add_people(conn, 2, first=19, address=False)
            await conn.execute(
                "insert into account_terms (account_id, per_second, price_micros, updated_at) values (%s, 100, 300, now())", (account,)
            )
        yield parrot


async def test_reach_cost_and_duration(ctx: Context, parrot: Parrot) -> None:
    segment = await segment_of(ctx, "all", list(range(1, 21)))
    campaign = await draft(ctx, segment, holdout_percent=20, hops=[Fallback(channel="parrot")], budget_micros=3000)
    found = await full_estimate(ctx, campaign.id)
    assert (found.audience, found.reached + found.held_out) == (20, 18)
    assert 0 < found.held_out < 10
    assert {one.reason: one.people for one in found.refused_by} == {"no_address": 2, "holdout": found.held_out}
    assert (found.cost_micros, found.most_micros, found.currency) == (300 * found.reached, 300 * found.reached + 6000, "EUR")
    assert found.seconds == found.reached / 100
    assert [(one.code, one.people) for one in found.warnings] == [("over_budget", found.reached - 10)]
    again = await full_estimate(ctx, campaign.id)
    assert again == found, "the same people are held out each time"


async def test_a_pace_is_told_by_minutes_in_the_midst_of_work(ctx: Context, parrot: Parrot) -> None:
    now = ctx.clock.now().replace(second=0, microsecond=0)

    async def after(*sent: int) -> float | None:
        async with ctx.db.transaction() as conn:
            await conn.execute("update account_terms set per_second = null")
            await conn.execute("delete from account_minute")
            for minutes, count in enumerate(sent):
                await conn.execute(
                    "insert into account_minute (account_id, minute, sent) select id, %s, %s from channel_account",
                    (now - timedelta(minutes=90 - minutes), count),
                )
            return (await expected_pace(conn, "parrot", None, now)).seconds(600)

    assert await after() is None
    assert await after(1) is None, "one confirmation said nothing of how long six hundred take"
    assert await after(1, 900, 1) is None and await after(900, 900) is None
    assert await after(700, 1200, 600) == 30.0 and await after(5, 6, 5) is None


async def test_a_reserve_is_judged_with_the_channels_after_it(ctx: Context, parrot: Parrot) -> None:
    segment = await segment_of(ctx, "all", list(range(1, 21)))
    async with ctx.db.transaction() as conn:
        await set_suitability(ctx, conn, SYSTEM, [Suitability(purpose="promotion", channel="parrot", verdict="reserve")])
    version = await add_published(ctx)
    alone = await draft(ctx, segment, version=version, purpose="promotion")
    assert (await full_estimate(ctx, alone.id)).reached == 0
    one_of_two = await draft(ctx, segment, version=version, purpose="promotion", hops=[Fallback(channel="email")])
    assert (await full_estimate(ctx, one_of_two.id)).reached == 18


async def test_a_budget_stops_a_campaign_before_it_is_overrun(ctx: Context, parrot: Parrot) -> None:
    campaign = await draft(ctx, await segment_of(ctx, "all", list(range(1, 19))), budget_micros=10 * 300 + 299)
    await told(ctx, service.start, campaign)
    async with ctx.db.connection() as conn:
        assert await (await conn.execute("select from budget")).fetchone() is None, "a scheduled campaign may still change"
    await run_until_idle(ctx, [RUN, SEND])
    assert len(parrot.heard) == 10
    found = await reported(ctx, campaign)
    assert (found.sent, found.suppressed, found.cost_micros) == (10, 8, 3000)


async def test_who_is_held_out_gets_a_row_and_no_message_on_any_hop(ctx: Context, parrot: Parrot) -> None:
    segment = await segment_of(ctx, "all", list(range(1, 19)))
    campaign = await draft(ctx, segment, holdout_percent=50, hops=[Fallback(channel="parrot", answer_within=60)])
    await told(ctx, service.start, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, reason, hop from delivery")).fetchall()
    held = {person for person, reason, _ in rows if reason == "holdout"}
    assert 3 < len(held) < 16
    assert all(hop == 0 for person, _, hop in rows if person in held)
    assert len(parrot.heard) == 18 - len(held)


async def test_in_peoples_own_time_it_is_frozen_before_the_first_of_them(ctx: Context, parrot: Parrot) -> None:
    clock = ctx.clock
    local = clock.now().replace(tzinfo=None) + timedelta(days=2)
    campaign = await draft(ctx, await segment_of(ctx, "all", [1, 2, 3]), local_at=local)
    async with ctx.db.transaction() as conn:
        await conn.execute("update profile set traits = traits || '{\"timezone\": \"Pacific/Auckland\"}' where id = 1")
        await conn.execute("update profile set traits = traits || '{\"timezone\": \"America/New_York\"}' where id = 2")
    await told(ctx, service.start, campaign)
    clock.advance(timedelta(hours=34))  # type: ignore[attr-defined]
    await run_until_idle(ctx, [RUN, SEND])
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute("select profile_id, due_at from delivery order by 1")).fetchall()
    due = {person: (at.replace(tzinfo=None) - local) / timedelta(hours=1) for person, at in rows}
    assert due == {1: -12.0, 2: 4.0, 3: 0.0}
    heard = []
    for _ in range(40):
        clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
        await run_until_idle(ctx, [SEND])
        heard.append(len(parrot.heard))
    assert [heard.index(n) for n in (1, 2, 3)] == [1, 13, 17]


@pytest.mark.parametrize(
    ("channel", "hops", "expected"), [("email", [], ["email_only"]), ("email", [Fallback(channel="sms")], []), ("sms", [], [])]
)
def test_a_plan_by_email_alone_warns(channel: str, hops: list[Fallback], expected: list[str]) -> None:
    campaign = _plan(channel, hops)
    assert [one.code for one in warnings(campaign, 90, {"no_address": 8, "suppressed_hard_bounce": 2}, 0, [hop.channel for hop in campaign.hops])] == expected
    if expected:
        assert warnings(campaign, 90, {"no_address": 8, "suppressed_hard_bounce": 2}, 0, [hop.channel for hop in campaign.hops])[0].share == 0.1


def _plan(channel: str, hops: list[Fallback]) -> Campaign:
    from datetime import UTC, datetime

    at = datetime(2026, 6, 1, tzinfo=UTC)
    return Campaign(
        id=1, name="x", description="", channel=channel, segment_id=1, excluded_segment_ids=[], template_id=1,
        template_version_id=None, account_id=None, topic="news", message_class="marketing", track_opens=True, track_clicks=True,
        send_at=None, state="draft", created_by="", created_at=at, updated_at=at, started_at=None, finished_at=None,
        archived_at=None, hops=hops,
    )  # fmt: skip
