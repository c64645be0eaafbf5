"""A rehearsal of recorded history tells of everybody what the live engine did on it, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import stage
from tests.execution.journeys_cast import step
from tests.execution.rehearsal_stage import CONSENT, TRAITS, Life, Told, journey, populate, rehearsed

from antiphon.awareness.consent import Statement, record_consents
from antiphon.awareness.events import EventMatch, PropertyFilter
from antiphon.awareness.profiles import TraitRule, set_rule
from antiphon.awareness.segments import TraitCondition
from antiphon.awareness.traits import mirror_profiles, observe_traits
from antiphon.execution.delivery.rules.model import Clocks
from antiphon.execution.delivery.rules.service import add_cap, set_clocks
from antiphon.execution.journeys.model import Again, Definition, EventEntry, ExitRule, Goal
from antiphon.execution.journeys.rehearsal import rehearsing
from antiphon.execution.journeys.rehearsal.model import RehearsalAsked
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_fraction
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
START = datetime(2026, 5, 1, 6, tzinfo=UTC)
DAYS = 20
NOW = START + timedelta(days=DAYS)
PEOPLE = 24
GOLD = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
LOOKED = {"kind": "event", "name": "Viewed", "op": "ge", "value": 2, "window": {"kind": "last", "amount": 3, "unit": "days"}}
TEXT = {"subject": "Hello", "text": "Hello"}


def say(key: str, onward: dict[str, str]) -> Any:
    return step(key, "message", onward, channel="parrot", topic="news", content=TEXT)


def talk(**more: Any) -> Definition:
    """Eight steps and more: messages, waits of all sorts, branches."""
    steps = [
        say("hello", {"next": "day", "refused": "day"}),
        step("day", "wait", {"next": "opened"}, seconds=86_400),
        step("opened", "engagement", {"yes": "gold", "no": "again"}, step="hello", what="opened"),
        step("gold", "condition", {"yes": "share", "no": "looked"}, condition=GOLD),
        step("looked", "condition", {"yes": "share", "no": "bought"}, condition=LOOKED),
        say("again", {"next": "answer", "refused": "bought"}),
        step("answer", "wait_answer", {"answered": "bought", "timeout": "evening"}, step="again", what="opened", timeout_seconds=40_000),
        step("evening", "wait_time", {"next": "bought"}, since="18:30"),
        step("share", "split", {"a": "bought", "b": "last"}, parts=[{"key": "a", "share": 50}, {"key": "b", "share": 50}]),
        step("bought", "wait_event", {"happened": "last", "timeout": "last"}, match={"event": "Viewed"}, timeout_seconds=2 * 86_400),
        say("last", {"next": "rest", "refused": "rest"}),
        step("rest", "wait", seconds=3 * 86_400),
    ]
    return Definition(
        start="hello", steps=steps,
        entries=[EventEntry(match=EventMatch(event="Joined", filters=[PropertyFilter("from", "is", "web")]))],
        goal=Goal(event=EventMatch(event="Bought", filters=[PropertyFilter("total", "gt", 20)]), value="total"),
        exits=[ExitRule(reason="angry", event=EventMatch(event="Complained"))], again=Again(rule="period", period_seconds=5 * 86_400),
        **more,
    )  # fmt: skip


async def rules(ctx: Context) -> None:
    """A cap, and nights."""
    async with ctx.db.transaction() as conn:
        await add_cap(ctx, conn, SYSTEM, {
            "name": "two a week", "most": 2, "seconds": 7 * 86_400, "classes": ["marketing"], "topics": [], "channels": [],
            "enabled": True,
        })  # fmt: skip
        clocks = {"timezone": "Europe/Berlin", "quiet": {"marketing": {"from": "21:00", "to": "08:00"}}, "windows": {}}
        await set_clocks(conn, SYSTEM, msgspec.convert(clocks, Clocks))


def luck(person: int, what: str, n: int = 0) -> float:
    return keyed_fraction(b"tests", what, person, n)


def destiny(life: Life) -> None:
    """What people will do."""
    for person in range(1, PEOPLE + 1):
        for n in range(3):
            at = START + timedelta(days=(DAYS - 2) * luck(person, "joins", n))
            life.will(person, at, "Joined", **{"from": "web" if luck(person, "from", n) < 0.7 else "shop"})
        for n in range(8):
            life.will(person, START + timedelta(days=DAYS * luck(person, "views", n)), "Viewed", page=n)
        if luck(person, "buys") < 0.5:
            total = round(60 * luck(person, "total"), 2)
            life.will(person, START + timedelta(days=DAYS * luck(person, "when")), "Bought", total=total)
        if luck(person, "complains") < 0.15:
            life.will(person, START + timedelta(days=DAYS * luck(person, "angry")), "Complained")


@pytest.fixture
async def lived(ctx: Context, clock: VirtualClock, lake: Any) -> AsyncIterator[Life]:
    clock.set(START)
    async with stage(ctx):
        zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"]
        await populate(ctx, PEOPLE, since=START, days=DAYS, traits={"plan": ["gold", "tin"], "timezone": zones})
        await rules(ctx)
        yield Life(ctx, clock)


async def tables(ctx: Context) -> dict[str, int]:
    """How many rows every table has; processes come and go by themselves."""
    async with ctx.db.connection() as conn:
        names = await (await conn.execute("select tablename from pg_tables where schemaname = 'public' and tablename <> 'node'")).fetchall()
        return {name: (await (await conn.execute(f'select count(*) from "{name}"')).fetchone() or (0,))[0] for (name,) in names}


async def test_it_is_what_the_live_engine_did(ctx: Context, lived: Life) -> None:
    plan = await journey(ctx, talk(), START)
    destiny(lived)
    await lived.live(NOW)
    real = await lived.history()
    before = await tables(ctx)
    report, told = await rehearsed(ctx, plan, RehearsalAsked(mode="history", days=DAYS, replies="recorded", draws=0))
    assert await tables(ctx) == before
    assert sum(map(len, real.values())) > 200
    for person in range(1, PEOPLE + 1):
        assert shown(told.get(person, [])) == shown(real.get(person, [])), f"person {person}"
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select coalesce(reason, 'said'), count(*)::int from delivery where state not in ('planned', 'queued') group by 1"
        )).fetchall()  # fmt: skip
        (inside,) = await (await conn.execute("select count(*)::int from journey_run")).fetchone() or (0,)
    refused: dict[str, int] = {}
    for one in report.refused:
        refused[one.reason] = refused.get(one.reason, 0) + one.people
    assert refused == {reason: count for reason, count in rows if reason in ("frequency_cap", "quiet_too_long")}
    assert report.inside == inside
    assert report.moved > 0 and refused["frequency_cap"] > 0


def shown(told: Told) -> list[str]:
    return [f"{at:%d %H:%M:%S.%f} {s} {d} {h} {sorted(w.items())}" for at, s, d, h, w in told]


def deeds() -> Definition:
    """Steps that change what later ones see."""
    steps = [
        step("tagged", "tag", {"next": "gate"}, add=["seen"]),
        step("gate", "gate", {"next": "gold"}, most=1, seconds=120_000),
        step("gold", "condition", {"yes": "no_more", "no": "make"}, condition=GOLD),
        step("make", "set_trait", {"next": "loop"}, traits={"plan": {"value": "gold"}}),
        step("loop", "loop", {"again": "gold", "done": "no_more"}, times=2),
        step("no_more", "subscribe", {"next": "hello"}, channel="parrot", topic="news", state="withdrawn"),
        say("hello", {"next": "rest", "refused": "rest"}),
        step("rest", "wait", {"next": "back"}, seconds=3600),
        step("back", "subscribe", {"next": "again"}, channel="parrot", topic="news", state="granted"),
        say("again", {"next": "seen", "refused": "seen"}),
        step("seen", "condition", {"yes": "over"}, condition={"kind": "trait", "trait": "tags", "op": "is", "value": "seen"}),
        step("over", "end", reason="happy"),
    ]
    return Definition(
        start="tagged", steps=steps, entries=[EventEntry(match=EventMatch(event="Joined"))], holdout_percent=20, most_inside=4,
        again=Again(rule="always"),
    )  # fmt: skip


async def test_what_steps_do_is_seen_by_later_ones(ctx: Context, lived: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traits, tags and consents that the journey changes, a gate, a holdout, a journey that takes so many."""
    monkeypatch.setattr(rehearsing, "WINDOW", 1)
    async with ctx.db.transaction() as conn:
        await observe_traits(conn, {"plan": "text", "tags": "text_list"}, START)
    plan = await journey(ctx, deeds(), START)
    destiny(lived)
    await lived.live(NOW)
    real = await lived.history()
    while await mirror_profiles(ctx):  # people are as the journey left them: a rehearsal knows since when
        pass
    report, told = await rehearsed(ctx, plan, RehearsalAsked(mode="history", days=DAYS, replies="recorded", draws=0))
    assert report.entries["holdout"] > 0 and report.entries["full"] > 0
    for person in range(1, PEOPLE + 1):
        assert shown(told.get(person, [])) == shown(real.get(person, [])), f"person {person}"
    assert {one.reason for one in report.refused} == {"consent_withdrawn"}
    async with ctx.db.connection() as conn:
        rows = await (await conn.execute(
            "select did, sum(people)::int from journey_count where step = -1 group by 1"
        )).fetchall()  # fmt: skip
    assert dict(rows) == report.entries


def fickle() -> Definition:
    """Branches, messages and a loop that look at what people say of themselves and of what they are sent."""
    steps = [
        step("gold", "condition", {"yes": "hello", "no": "may"}, condition=GOLD),
        step("may", "condition", {"yes": "tag", "no": "tag"},
             condition={"kind": "consent", "channel": "parrot", "topic": "news", "state": "granted"}),
        step("tag", "tag", {"next": "hello"}, trait="seen", add=["may", "may"]),
        say("hello", {"next": "wait", "refused": "wait"}),
        step("wait", "wait", {"next": "kind"}, seconds=86_400),
        step("kind", "first_match", {"tin": "iron", "old": "iron", "else": "seen"}, arms=[
            {"key": "tin", "condition": {"kind": "trait", "trait": "plan", "op": "is", "value": "tin"}},
            {"key": "old", "condition": {"kind": "and", "of": [
                {"kind": "trait", "trait": "age", "op": "ge", "value": 50}, {"kind": "not", "of": GOLD}]}},
        ]),
        step("iron", "set_trait", {"next": "seen"}, traits={"plan": {"value": "iron"}, "age": {"value": 60}}),
        step("seen", "condition", {"yes": "date", "no": "date"}, condition={"kind": "trait", "trait": "seen", "op": "is", "value": "may"}),
        step("date", "wait_until", {"next": "loop", "missing": "loop"}, trait="until"),
        step("loop", "loop", {"again": "gold", "done": "over"}, times=4),
        step("over", "end"),
    ]  # fmt: skip
    return Definition(
        start="gold", steps=steps, entries=[EventEntry(match=EventMatch(event="Joined"))], again=Again(rule="always"),
        exits=[ExitRule(reason="quiet", condition=TraitCondition(trait="plan", op="is", value="none"))],
    )  # fmt: skip


async def test_traits_and_consents_are_those_of_each_instant(ctx: Context, lived: Life) -> None:
    """What people say of themselves changes while the journey runs: late, refused and removed words, and its own, among them."""
    async with ctx.db.transaction() as conn:
        await observe_traits(conn, {"plan": "text", "age": "number", "seen": "text_list", "until": "date"}, START)
        await conn.execute("update profile set traits = traits - 'plan', stamps = '{}', stamp = ''")
        await set_rule(conn, "plan", TraitRule(allowed=["gold", "tin", "none"]))
    plan = await journey(ctx, fickle(), START)
    destiny(lived)
    for person in range(1, PEOPLE + 1):
        for n in range(6):
            at = START + timedelta(days=DAYS * luck(person, "says", n))
            kind = ["gold", "tin", "lead", None, "gold", "none"][int(6 * luck(person, "what", n))]
            ago = 40_000 if luck(person, "late", n) < 0.3 else 0
            lived.will(person, at, TRAITS, plan=kind, age=int(100 * luck(person, "age", n)), ago=ago)
            until = (START + timedelta(days=DAYS * luck(person, "until", n))).date().isoformat()
            lived.will(person, at + timedelta(hours=5), TRAITS, until=until)
            lived.will(person, at + timedelta(hours=9), CONSENT, state=["granted", "withdrawn", "pending"][int(3 * luck(person, "yes", n))])
    async with ctx.db.transaction() as conn:  # everybody's first word is in the ledger
        await record_consents(conn, [
            Statement(profile_id=one, channel="parrot", topic="news", state="granted", at=START - timedelta(days=1), source="web")
            for one in range(1, PEOPLE + 1)
        ])  # fmt: skip
    await lived.live(NOW)
    real = await lived.history()
    while await mirror_profiles(ctx):
        pass
    report, told = await rehearsed(ctx, plan, RehearsalAsked(mode="history", days=DAYS, replies="recorded", draws=0))
    for person in range(1, PEOPLE + 1):
        assert shown(told.get(person, [])) == shown(real.get(person, [])), f"person {person}"
    ways = {(one.step, one.did): one.people for one in report.arrows}
    for step_key, exits in (("gold", ("yes", "no")), ("may", ("yes", "no")), ("kind", ("tin", "else")), ("date", ("next", "missing"))):
        assert all(ways.get((step_key, one), 0) > 0 for one in exits), (step_key, ways)
    assert report.finished["quiet"] > 0 and "consent_withdrawn" in {one.reason for one in report.refused}
