"""What a rehearsal reports: by fitted and given rates, with those who meet, collide, are held out, go round, or wait for ever."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import stage
from tests.execution.journeys_cast import add_journey, step
from tests.execution.rehearsal_stage import EVENT, populate

from antiphon.awareness.events import EventMatch, PropertyFilter
from antiphon.awareness.segments import ENTERED, LEFT, TraitCondition, members as segment_members, service
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.kinds.registry import installed
from antiphon.execution.journeys.model import Again, Definition, EventEntry, Goal, ScheduleEntry, SegmentEntry
from antiphon.execution.journeys.rehearsal.model import ChannelRates, GivenRates, RehearsalAsked, RehearsalReport
from antiphon.execution.journeys.rehearsal.rehearsing import rehearse
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_fraction
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
START = datetime(2026, 5, 1, 6, tzinfo=UTC)
DAYS, PEOPLE = 20, 60
NOW = START + timedelta(days=DAYS)
TEXT = {"subject": "Hello", "text": "Hello"}
JOINED = EventEntry(match=EventMatch(event="Joined"))
Asked = RehearsalAsked


def say(key: str, onward: dict[str, str]) -> Any:
    return step(key, "message", onward, channel="parrot", topic="news", content=TEXT)


def luck(person: int, what: str, n: int = 0) -> float:
    return keyed_fraction(b"tests", what, person, n)


def plan(*steps: Any, **more: Any) -> Plan:
    return Plan(0, 77, Definition(start=steps[0].key, steps=list(steps), **({"entries": [JOINED]} | more)), installed())


@pytest.fixture
async def past(ctx: Context, clock: VirtualClock, lake: Any) -> AsyncIterator[Context]:
    """People who were written to five times each, opened two in five, and bought more often when they did."""
    clock.set(NOW)
    async with stage(ctx):
        await populate(ctx, PEOPLE, since=START, days=DAYS, traits={"plan": ["gold", "tin"]})
        rows: list[tuple[datetime, int, str, dict[str, Any]]] = []
        for person in range(1, PEOPLE + 1):
            rows.append((START + timedelta(days=DAYS * luck(person, "joins")), person, "Joined", {}))
            for n in range(5):
                at = START + timedelta(days=(DAYS - 9) * luck(person, "told", n))
                rows.append((at, person, "Parrot Delivered", {"delivery_id": n}))
                if luck(person, "opens", n) < 0.4:
                    rows.append((at + timedelta(hours=2), person, "Parrot Opened", {"delivery_id": n}))
                    if luck(person, "buys", n) < 0.5:
                        rows.append((at + timedelta(hours=3), person, "Bought", {"total": 30}))
        async with ctx.db.transaction() as conn:
            for seq, (at, person, name, properties) in enumerate(sorted(rows, key=lambda row: row[:3]), 1):
                await conn.execute(EVENT, (seq, at, at, person, name, f"m{seq}", json.dumps(properties)))
        yield ctx


def without_time(report: RehearsalReport) -> RehearsalReport:
    return msgspec.structs.replace(report, seconds=0)


BUY = Goal(event=EventMatch(event="Bought", filters=[PropertyFilter("total", "gt", 20)]))


async def test_forward_by_fitted_rates(past: Context) -> None:
    """Rates are those of the past, the report is the same for the same seed, and another for another."""
    steps = (say("hello", {"next": "day"}), step("day", "wait", {"next": "opened"}, seconds=2 * 86_400),
             step("opened", "engagement", {"yes": "rest"}, step="hello"), step("rest", "wait", seconds=3 * 86_400))  # fmt: skip
    asked = Asked(mode="forward", days=30, draws=6)
    report = await rehearse(past, plan(*steps, goal=BUY), asked)
    shares = {(one.what, one.level): one for one in report.rates if one.channel == "parrot"}
    assert sum(shares["opened", level].tries for level in range(3)) == 5 * PEOPLE
    assert 0.25 < sum(shares["opened", n].share * shares["opened", n].tries for n in range(3)) / (5 * PEOPLE) < 0.55
    assert 0.2 < shares["converted", 0].share < 0.85
    assert report.entered > PEOPLE / 2
    ways = {(one.step, one.did): one.people for one in report.arrows if one.how == "went"}
    assert ways["opened", "yes"] > 0 and ways["opened", "no"] > 0
    assert sum(one.messages for one in report.messages) == ways["hello", "next"]
    assert all(NOW.date() <= one.day <= (NOW + timedelta(days=31)).date() for one in report.messages)
    assert report.conversions is not None
    assert 0 < report.conversions.low < report.conversions.mean < report.conversions.high < report.entered
    assert without_time(await rehearse(past, plan(*steps, goal=BUY), asked)) == without_time(report)
    other = await rehearse(past, plan(*steps, goal=BUY), msgspec.structs.replace(asked, seed=2))
    assert other.arrows != report.arrows


async def test_given_rates_come_before_fitted_ones(past: Context) -> None:
    rates = GivenRates(channels={"parrot": ChannelRates(opened=1.0, converted=0.0)}, events={"Joined": 2.0, "Bought": 0.0})
    steps = (say("hello", {"next": "answer"}), step("answer", "wait_answer", step="hello", what="opened", timeout_seconds=10 * 86_400))
    report = await rehearse(past, plan(*steps, goal=BUY), Asked(mode="forward", days=40, rates=rates, draws=2))
    ways = {(one.step, one.did): one.people for one in report.arrows if one.how == "went"}
    assert report.entered == PEOPLE == ways["answer", "answered"]
    assert report.conversions is not None
    assert report.conversions.high == 0
    none = GivenRates(channels={"parrot": ChannelRates(delivered=0.0)}, events={"Joined": 2.0})
    report = await rehearse(past, plan(*steps), Asked(mode="forward", days=40, rates=none))
    assert {one.did for one in report.arrows if one.step == "answer" and one.how == "went"} == {"timeout"}


async def test_a_gate_and_a_full_journey(past: Context) -> None:
    """Whoever meets goes through time side by side: never more than the gate lets through, never more inside than it takes."""
    gate = plan(step("gate", "gate", {"next": "rest"}, most=3, seconds=86_400), step("rest", "wait", seconds=60))
    told: list[int] = []

    def note(profiles: Any, runs: Any, line: Any) -> None:
        if line.did == "next" and line.step == 0:
            told.extend(line.at.tolist())

    report = await rehearse(past, gate, Asked(mode="history", days=DAYS, draws=0), told=note)
    assert "in_windows" in report.assumed
    assert len(told) > 30
    told.sort()
    day = 86_400_000_000
    assert all(later - first >= day for first, later in zip(told, told[3:], strict=False))
    full = plan(step("rest", "wait", seconds=5 * 86_400), most_inside=4)
    inside: dict[int, int] = {}
    most = 0

    def count(profiles: Any, runs: Any, line: Any) -> None:
        nonlocal most
        for run in runs.tolist():
            if line.how == "rests":
                inside[run] = 1
            else:
                inside.pop(run, None)
        most = max(most, len(inside))

    report = await rehearse(past, full, Asked(mode="history", days=DAYS, draws=0), told=count)
    assert most == 4 and report.entries["full"] > 0
    assert report.entered + report.entries["full"] == PEOPLE


async def test_dead_branches_circles_and_who_waits_for_ever(past: Context) -> None:
    steps = (
        step("bronze", "condition", {"yes": "never", "no": "gold"}, condition={"kind": "trait", "trait": "plan", "op": "is", "value": "bronze"}),
        step("never", "wait", seconds=60),
        step("gold", "condition", {"yes": "day", "no": "sale"}, condition={"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}),
        step("day", "wait", {"next": "hour"}, seconds=3600),
        step("hour", "wait", {"next": "day"}, seconds=3600),
        step("sale", "wait_event", match={"event": "Sold Out"}),
    )  # fmt: skip
    report = await rehearse(past, plan(*steps), Asked(mode="history", days=DAYS, draws=0))
    assert [(one.step, one.did) for one in report.dead] == [
        ("bronze", "yes"), ("never", ""), ("sale", "happened"), ("sale", "timeout"),
    ]  # fmt: skip
    (circle,) = report.circles
    assert circle.steps == ["day", "hour"]
    assert 20 <= circle.people <= PEOPLE / 2
    assert circle.most_rounds > 100
    waiting = {one.step: (one.people, one.for_ever) for one in report.waiting}
    assert waiting["sale"] == (PEOPLE / 2, PEOPLE / 2)
    assert waiting["day"][1] == 0


async def test_a_sample_is_scaled_up_and_parts_agree(past: Context) -> None:
    steps = (say("hello", {"next": "rest"}), step("rest", "wait", seconds=3600))
    asked = Asked(mode="history", days=DAYS, draws=4)
    whole = await rehearse(past, plan(*steps, goal=BUY), asked)
    parts = await rehearse(past, plan(*steps, goal=BUY), asked, part=7)
    assert without_time(parts) == without_time(whole)
    sample = await rehearse(past, plan(*steps, goal=BUY), msgspec.structs.replace(asked, sample=20))
    assert (sample.population, sample.sample, sample.scale, sample.entered) == (PEOPLE, 20, 3.0, PEOPLE)
    held = await rehearse(past, plan(*steps, holdout_percent=30), asked)
    assert 0 < held.entries["holdout"] < PEOPLE / 2
    assert held.entered + held.entries["holdout"] == PEOPLE


async def test_collisions_with_journeys_that_are_live(past: Context) -> None:
    """Others that people are in at the same time, days on which both write, and an exclusive group."""
    other = Definition(start="rest", steps=[step("rest", "wait", seconds=60)], entries=[JOINED], exclusive="sale", priority=1)
    async with past.db.transaction() as conn:
        there = await add_journey(conn, other, START)
        await conn.execute(
            "insert into journey_run (profile_id, journey_id, version_id, bucket, step, entered_at, arrived_at)"
            " select i, %s, %s, i %% 64, 0, %s::timestamptz, %s::timestamptz from generate_series(1, 10) i",
            (there.journey_id, there.version_id, START, START),
        )
    steps = (step("rest", "wait", seconds=86_400),)
    report = await rehearse(past, plan(*steps), Asked(mode="history", days=DAYS, draws=0))
    assert [(one.journey_id, one.name, one.people, one.excluded) for one in report.collisions] == [(there.journey_id, "j", 10, 0)]
    kept_out = await rehearse(past, plan(*steps, exclusive="sale", priority=5), Asked(mode="history", days=DAYS, draws=0))
    assert kept_out.entries == {"entered": PEOPLE - 10, "exclusive": 10}


async def test_the_dialogue_so_far(past: Context) -> None:
    """What people wrote, in the past or as it is drawn, is remembered, and whether it was answered."""
    async with past.db.transaction() as conn:
        for person in range(1, 11):
            properties = json.dumps({"text": "Yes please" if person <= 6 else "no", "channel": "parrot"})
            await conn.execute(EVENT, (10_000 + person, START, START, person, "Parrot Replied", f"r{person}", properties))
    steps = (
        step("asked", "dialogue", {"yes": "hello", "no": "other"}, words=["yes"], open=True),
        say("hello", {"next": "open"}),
        step("open", "dialogue", {"yes": "still", "no": "over"}, open=True),
        step("still", "end"), step("over", "end", reason="answered"), step("other", "end", reason="silent"),
    )  # fmt: skip
    report = await rehearse(past, plan(*steps), Asked(mode="history", days=DAYS, draws=0))
    assert report.finished == {"answered": 6, "silent": PEOPLE - 6}
    rates = GivenRates(channels={"parrot": ChannelRates(replied=1.0)}, events={"Joined": 1.0})
    steps = (say("hello", {"next": "rest"}), step("rest", "wait", {"next": "open"}, seconds=86_400 * 40),
             step("open", "dialogue", {"yes": "still"}, channel="parrot", open=True), step("still", "end", reason="open"))  # fmt: skip
    report = await rehearse(past, plan(*steps), Asked(mode="forward", days=60, rates=rates, draws=0))
    assert report.finished == {"open": report.entered - report.inside} and report.finished["open"] > 10


async def test_entries_by_segments_and_schedules(past: Context) -> None:
    """Who entered a segment was told so; who was in it at a time is worked out back from who is in it now."""
    gold = TraitCondition(trait="plan", op="is", value="gold")
    row = await service.publish(past, SYSTEM, name="Gold", description="", tree=gold, announce="never")
    await service.refresh(past, [row.id])
    noon = START + timedelta(days=5, hours=6)
    async with past.db.transaction() as conn:
        for seq, (person, name, at) in enumerate([
            (1, ENTERED, noon - timedelta(hours=1)), (2, ENTERED, noon + timedelta(hours=1)), (3, LEFT, noon + timedelta(hours=1)),
            (4, ENTERED, START), (4, LEFT, START + timedelta(hours=1)),
        ], 20_000):  # fmt: skip
            properties = json.dumps({"segment_id": row.id, "segment": "Gold", "version": 1})
            await conn.execute(EVENT, (seq, at, at, person, name, f"s{seq}", properties))
    async with past.db.connection() as conn:
        members = set(await segment_members(conn, row.id))
    rest = step("rest", "wait", seconds=60)
    entered: list[int] = []

    def note(profiles: Any, runs: Any, line: Any) -> None:
        entered.extend(profiles.tolist() if line.did == "rest" else [])

    by_event = plan(rest, entries=[SegmentEntry(segment_id=row.id)], again=Again(rule="always"))
    await rehearse(past, by_event, Asked(mode="history", days=DAYS, draws=0), told=note)
    assert sorted(entered) == [1, 2, 4]
    entered.clear()
    schedule = ScheduleEntry(segment_id=row.id, start=noon.replace(tzinfo=None), zone="UTC", rule="FREQ=DAILY;COUNT=1")
    await rehearse(past, plan(rest, entries=[schedule]), Asked(mode="history", days=DAYS, draws=0), told=note)
    assert sorted(entered) == sorted((members | {1, 3}) - {2, 4})
    entered.clear()
    present = plan(rest, entries=[SegmentEntry(segment_id=row.id, present=True)])
    await rehearse(past, present, Asked(mode="history", days=DAYS, draws=0), told=note)
    assert sorted(entered) == sorted(members | {1, 2, 3, 4})
