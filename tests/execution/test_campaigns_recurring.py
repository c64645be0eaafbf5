"""Campaigns that recur: rules in time zones, clocks that change, ends, times that were missed; each time its own audience."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st
from tests.execution.cast import SEND, Parrot, add_account, add_people, stage
from tests.execution.test_campaigns_service import RUN, draft, reported, segment_of, state_of, told

from antiphon.awareness.segments.lists import list_members
from antiphon.execution.campaigns import service, store
from antiphon.execution.campaigns.model import Campaign
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM
from antiphon.foundation.recurrence import (
    Missed,
    Recurrence,
    RecurrenceInvalid,
    at_wall,
    check,
    first_wall,
    instant_of,
    next_wall,
    preview,
    turn,
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Parrot]:
    async with stage(ctx) as parrot:
        await add_account(ctx)
        yield parrot


def local(instants: list[datetime], zone: str = "Europe/Berlin") -> list[str]:
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for one in instants]


def runs(rule: str, starts: str, now: str, count: int = 5, zone: str = "Europe/Berlin") -> list[str]:
    one = Recurrence(rule=rule, starts=datetime.fromisoformat(starts), zone=zone)
    return local(preview(one, datetime.fromisoformat(now), count), zone)


def test_next_runs_keep_the_wall_time_when_clocks_change() -> None:
    """Nine o'clock is nine o'clock before and after; its instants are 24, 23 and 25 hours apart."""
    daily = Recurrence(rule="FREQ=DAILY", starts=datetime(2026, 3, 27, 9), zone="Europe/Berlin")
    found = preview(daily, datetime(2026, 3, 27, tzinfo=UTC), 4)
    assert local(found) == ["03-27 09:00", "03-28 09:00", "03-29 09:00", "03-30 09:00"]
    assert [(b - a) / timedelta(hours=1) for a, b in pairwise(found)] == [24, 23, 24]
    autumn = preview(daily, datetime(2026, 10, 24, tzinfo=UTC), 2)
    assert (autumn[1] - autumn[0]) / timedelta(hours=1) == 25


def test_a_time_that_clocks_leave_out_or_repeat() -> None:
    """02:30 does not exist on 29 March: said at 03:30 summer time. On 25 October it comes twice: said the first time."""
    assert runs("FREQ=DAILY;COUNT=3", "2026-03-28T02:30", "2026-03-28T00:00Z") == ["03-28 02:30", "03-29 03:30", "03-30 02:30"]
    twice = at_wall(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")
    assert twice == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_rules_end_by_count_and_by_date() -> None:
    assert runs("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", "2026-06-01T10:00", "2026-06-01T00:00Z") == [
        "06-01 10:00", "06-04 10:00", "06-08 10:00"
    ]  # fmt: skip
    assert runs("RRULE:FREQ=DAILY;UNTIL=20260603T100000Z", "2026-06-01T10:00", "2026-06-02T12:00Z") == ["06-03 10:00"]
    assert runs("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31T08:00", "2026-02-01T00:00Z", 3) == [
        "02-28 08:00", "03-31 08:00", "04-30 08:00"
    ]  # fmt: skip


def test_a_rule_that_began_long_ago_is_gone_through_once() -> None:
    """Its next times are shown, and found at once: not by beginning anew after each time that was."""
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    old = Recurrence(rule="FREQ=HOURLY", starts=datetime(2014, 1, 1), zone="Europe/Berlin")
    assert first_wall(old, now) == datetime(2026, 6, 1, 14)
    assert runs("FREQ=WEEKLY;BYDAY=MO", "2003-01-06T09:00", "2026-06-01T12:00Z", 2) == ["06-08 09:00", "06-15 09:00"]
    assert first_wall(Recurrence(rule="FREQ=DAILY;COUNT=3", starts=datetime(2026, 5, 30, 13)), now) == datetime(2026, 6, 1, 13)
    assert first_wall(Recurrence(rule="FREQ=DAILY;COUNT=2", starts=datetime(2026, 5, 30, 13)), now) is None
    local = Recurrence(rule="FREQ=DAILY", starts=datetime(2020, 1, 1, 9), local=True)
    assert first_wall(local, now) == datetime(2026, 6, 2, 9), "in Kiritimati it is two in the morning of the second"


@pytest.mark.parametrize(
    "rule", ["", "FREQ=BOGUS", "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=DAILY;BYEASTER=1", "COUNT=2", "FREQ=HOURLY;BYMINUTE=1,2",
             "FREQ=DAILY\nEXDATE:20260601", "FREQ=DAILY;INTERVAL=0", "RDATE:20260601", "FREQ=WEEKLY;BYDAY=XX"],
)  # fmt: skip
def test_rules_that_cannot_be_followed_are_refused(rule: str) -> None:
    with pytest.raises(RecurrenceInvalid) as caught:
        check(Recurrence(rule=rule, starts=datetime(2026, 6, 1, 9)))
    assert caught.value.field == "recurrence.rule"


def test_a_zone_that_is_none_and_a_time_with_an_offset_are_refused() -> None:
    with pytest.raises(RecurrenceInvalid, match="zone"):
        check(Recurrence(rule="FREQ=DAILY", starts=datetime(2026, 6, 1, 9), zone="Mars/Olympus"))
    with pytest.raises(RecurrenceInvalid, match="wall time"):
        check(Recurrence(rule="FREQ=DAILY", starts=datetime(2026, 6, 1, 9, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("missed", "away_hours", "said", "passed_over"),
    [
        ("latest", 0, ["06-01"], 0),
        ("latest", 72, ["06-04"], 3),
        ("skip", 72, ["06-04"], 3),  # the fourth is just due, so not missed
        ("skip", 76, [], 4),
        ("all", 76, ["06-01", "06-02", "06-03", "06-04"], 0),
    ],
)
def test_missed_times_by_the_stated_rule(missed: Missed, away_hours: int, said: list[str], passed_over: int) -> None:
    one = Recurrence(rule="FREQ=DAILY", starts=datetime(2026, 6, 1, 9), missed=missed)
    now = datetime(2026, 6, 1, 9, tzinfo=UTC) + timedelta(hours=away_hours)
    wall: datetime | None = one.starts
    heard: list[str] = []
    over = 0
    while wall is not None and instant_of(one, wall) <= now:
        what = turn(one, wall, now)
        heard += [f"{w:%m-%d}" for w in what.due]
        over += what.passed_over
        wall = what.following
    assert (heard, over) == (said, passed_over)
    assert wall is not None
    assert instant_of(one, wall) > now


RULES = st.sampled_from([
    "FREQ=DAILY", "FREQ=DAILY;COUNT=5", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=HOURLY;INTERVAL=3", "FREQ=HOURLY", "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=29",
])  # fmt: skip
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


@settings(max_examples=60, deadline=None)
@given(
    rule=RULES, zone=ZONES, missed=st.sampled_from(["latest", "skip", "all"]),
    starts=st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 5)),
    steps=st.lists(st.integers(1, 60 * 24 * 9), min_size=1, max_size=12),
)  # fmt: skip
def test_no_time_comes_twice_or_too_early_whenever_one_looks(
    rule: str, zone: str, missed: Missed, starts: datetime, steps: list[int]
) -> None:
    """Whenever the loop happens to look: what is said was due, nothing is said twice, every time is said or counted as passed
    over, and of `all` none is passed over (but two that the clocks make one)."""
    one = Recurrence(rule=rule, starts=starts.replace(second=0, microsecond=0), zone=zone, missed=missed)
    now = instant_of(one, one.starts)
    wall = next_wall(one, None)
    said: list[datetime] = []
    for step in steps:
        now += timedelta(minutes=step)
        for _ in range(2000):
            if wall is None or instant_of(one, wall) > now:
                break
            what = turn(one, wall, now)
            assert all(instant_of(one, due) <= now for due in what.due)
            assert len(what.due) <= 1
            said += what.due
            assert what.due or what.passed_over
            assert what.following is None or what.following > wall
            wall = what.following
        assert wall is None or instant_of(one, wall) > now
    assert said == sorted(set(said))
    if missed == "all":
        expected = {instant_of(one, w) for w in _walls_until(one, now)}
        assert {instant_of(one, w) for w in said} == expected


def _walls_until(one: Recurrence, now: datetime) -> list[datetime]:
    found: list[datetime] = []
    wall = next_wall(one, None)
    while wall is not None and instant_of(one, wall) <= now:
        found.append(wall)
        wall = next_wall(one, wall)
    return found


async def weekly(ctx: Context, people: list[int], **more: object) -> tuple[Campaign, int]:
    segment = await segment_of(ctx, "all", people)
    rule = Recurrence(rule="FREQ=DAILY;COUNT=3", starts=datetime(2026, 6, 2, 9), zone="Europe/Berlin", **more)  # type: ignore[arg-type]
    return await draft(ctx, segment, kind="recurring", recurrence=rule), segment


async def test_each_time_has_its_own_frozen_audience_and_it_ends(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 6)
    campaign, segment = await weekly(ctx, [1, 2, 3])
    await told(ctx, service.start, campaign)
    timeline = []
    for day, people in ((2, [1, 2, 3]), (3, [1, 2, 3, 4]), (4, [5])):
        await list_members(ctx, SYSTEM, segment, add=people, remove=[], replace=True)
        clock.set(datetime(2026, 6, day, 6, 59, tzinfo=UTC))
        await run_until_idle(ctx, [RUN, SEND])
        early = len(parrot.heard)
        clock.set(datetime(2026, 6, day, 7, 0, tzinfo=UTC))
        await run_until_idle(ctx, [RUN, SEND])
        await run_until_idle(ctx, [RUN])
        timeline.append((day, early, len(parrot.heard), await state_of(ctx, campaign)))
    assert timeline == [(2, 0, 3, "running"), (3, 3, 7, "running"), (4, 7, 8, "finished")]
    assert (await reported(ctx, campaign)).sent == 8
    async with ctx.db.connection() as conn:
        found = await store.occurrences(conn, campaign.id, 10)
    assert [(one.occurrence, one.size, one.over_at is not None) for one in found] == [
        ("2026-06-04T09:00", 1, True), ("2026-06-03T09:00", 4, True), ("2026-06-02T09:00", 3, True)
    ]  # fmt: skip


async def test_after_a_pause_the_latest_missed_time_is_said(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
    campaign, _ = await weekly(ctx, [1, 2])
    await told(ctx, service.start, campaign)
    await told(ctx, service.pause, campaign)
    clock.set(datetime(2026, 6, 3, 12, tzinfo=UTC))
    await run_until_idle(ctx, [RUN, SEND])
    assert parrot.heard == []
    await told(ctx, service.resume, campaign)
    await run_until_idle(ctx, [RUN, SEND])
    async with ctx.db.connection() as conn:
        assert [one.occurrence for one in await store.occurrences(conn, campaign.id, 10)] == ["2026-06-03T09:00"]
        row = await (await conn.execute("select after from audit where action = 'campaigns.pass_over'")).fetchone()
    assert row is not None
    assert row[0] == {"times": 1, "rule": "latest"}
    assert len(parrot.heard) == 2


async def test_a_cancel_ends_what_recurs(ctx: Context, parrot: Parrot, clock: VirtualClock) -> None:
    async with ctx.db.transaction() as conn:
        await add_people(conn, 2)
    campaign, _ = await weekly(ctx, [1, 2])
    await told(ctx, service.start, campaign)
    await told(ctx, service.cancel, campaign)
    clock.set(datetime(2026, 6, 8, 12, tzinfo=UTC))
    await run_until_idle(ctx, [RUN, SEND])
    assert parrot.heard == []
    async with ctx.db.connection() as conn:
        found = await service.find(conn, campaign.id)
    assert (found.state, found.finished_at is not None, found.next_at) == ("cancelled", True, None)


