"""What brings people in: the API with keys, schedules in a zone, those present at launch, an import; and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.awareness.test_imports_customers import bring
from tests.execution.cast import add_people, stage
from tests.execution.journeys_cast import step

from antiphon.awareness.events import EventMatch
from antiphon.awareness.imports import ImportFinished
from antiphon.awareness.imports.store import import_stamp
from antiphon.awareness.segments.lists import list_members
from antiphon.awareness.segments.service import publish as publish_segment
from antiphon.execution.journeys import letting, people, publishing, service, sources, ticking
from antiphon.execution.journeys.api_entries import EntryIdentity, NewEntry, let_in
from antiphon.execution.journeys.errors import EntriesRefused, EntryInvalid, JourneyStateConflict, PeopleInside
from antiphon.execution.journeys.model import (
    Again,
    ApiEntry,
    Definition,
    EventEntry,
    ImportEntry,
    ScheduleEntry,
    SegmentEntry,
)
from antiphon.execution.journeys.shown import Stay
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, LOOPS as NOTICES
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
MAP = 'kind = "customers"\n[identities]\nemail = "email"\n[traits]\nplan = "plan"\n'


@pytest.fixture
async def five(ctx: Context) -> AsyncIterator[Context]:
    """Five customers."""
    async with stage(ctx):
        async with ctx.db.transaction() as conn:
            await add_people(conn, 5)
        yield ctx


async def live(ctx: Context, *entries: Any, **more: Any) -> int:
    definition = Definition(start="a", steps=[step("a", "wait", seconds=86_400)], entries=list(entries), **more)
    async with ctx.db.transaction() as conn:
        one = await service.add_journey(ctx, conn, SYSTEM, name="j", description="", draft=definition)
        await publishing.publish(ctx, conn, SYSTEM, one.id, revision=1, note="", treatment=Stay())
    return one.id


async def again(ctx: Context, journey: int, *entries: Any) -> None:
    """The journey is published once more."""
    async with ctx.db.transaction() as conn:
        one = await service.find(conn, journey)
        draft = Definition(start="a", steps=one.draft.steps, entries=list(entries))
        one = await service.save_draft(ctx, conn, SYSTEM, journey, draft=draft, revision=one.draft_revision)
        await publishing.publish(ctx, conn, SYSTEM, journey, revision=one.draft_revision, note="", treatment=Stay())


async def inside(ctx: Context, journey: int) -> list[int]:
    async with ctx.db.connection() as conn:
        found, _ = await people.people_inside(conn, journey, number=None, step=None, after=None, limit=1000)
    return sorted(one.profile_id for one in found)


async def segment(ctx: Context, *members: int) -> int:
    row = await publish_segment(ctx, SYSTEM, name=f"s{members}", description="", tree=None, announce="everyone")
    await list_members(ctx, SYSTEM, row.id, add=list(members), remove=[], replace=True)
    return row.id


async def settle(ctx: Context) -> None:
    await run_until_idle(ctx, [*letting.LOOPS, ticking.LOOP])


async def ask(ctx: Context, journey: int, *entries: NewEntry) -> list[tuple[str, bool]]:
    async with ctx.db.transaction() as conn:
        answers = await let_in(ctx, conn, SYSTEM, journey, entries)
    return [(answer.outcome, answer.repeated) for answer in answers]


async def test_the_api_lets_in_each_by_the_rules_and_says_what_became_of_whom(five: Context) -> None:
    journey = await live(five, ApiEntry())
    found = await ask(
        five, journey, NewEntry(profile_id=1), NewEntry(identity=EntryIdentity(kind="email", value="P2@example.com ")),
        NewEntry(profile_id=1), NewEntry(profile_id=99), NewEntry(identity=EntryIdentity(kind="email", value="no@example.com")),
    )  # fmt: skip
    assert found == [("entered", False), ("entered", False), ("again", False), ("unknown", False), ("unknown", False)]
    assert await inside(five, journey) == [1, 2]


async def test_a_key_lets_in_once_and_answers_what_it_answered(five: Context) -> None:
    journey = await live(five, ApiEntry(), again=Again(rule="always", at_once=10))
    one = NewEntry(profile_id=1, idempotency_key="k1")
    assert await ask(five, journey, one, one, NewEntry(profile_id=2, idempotency_key="k2")) == [
        ("entered", False), ("entered", True), ("entered", False)
    ]  # fmt: skip
    assert await ask(five, journey, one) == [("entered", True)]
    assert await inside(five, journey) == [1, 2]
    for wrong in ([NewEntry(profile_id=3, idempotency_key="k1")], [one, NewEntry(profile_id=2, idempotency_key="k1")]):
        with pytest.raises(EntryInvalid, match="another entry"):
            await ask(five, journey, *wrong)
    assert await inside(five, journey) == [1, 2]


async def test_one_journey_for_each_order(five: Context) -> None:
    journey = await live(five, ApiEntry(), again=Again(rule="key", key=["order"], at_once=5))
    orders = [NewEntry(profile_id=1, properties={"order": n}) for n in (7, 8, 7)]
    assert [outcome for outcome, _ in await ask(five, journey, *orders, NewEntry(profile_id=1))] == ["entered", "entered", "again", "no_key"]
    async with five.db.connection() as conn:
        rows = await (await conn.execute("select key, memory from journey_run order by key")).fetchall()
    assert rows == [("7", {"entry": {"order": 7}}), ("8", {"entry": {"order": 8}})]


async def test_who_cannot_be_let_in_is_refused_aloud(five: Context) -> None:
    journey = await live(five, EventEntry(match=EventMatch(event="Paid")))
    with pytest.raises(EntriesRefused):
        await ask(five, journey, NewEntry(profile_id=1))
    journey = await live(five, ApiEntry())
    for wrong in (NewEntry(), NewEntry(profile_id=1, identity=EntryIdentity(kind="email", value="a@b.de")),
                  NewEntry(identity=EntryIdentity(kind="email", value="nobody")), NewEntry(profile_id=1, properties={"x": "y" * 20_000})):
        with pytest.raises(EntryInvalid):
            await ask(five, journey, wrong)
    async with five.db.transaction() as conn:
        await service.pause(five, conn, SYSTEM, journey)
    with pytest.raises(JourneyStateConflict):
        await ask(five, journey, NewEntry(profile_id=1))
    assert await inside(five, journey) == []


async def test_those_present_at_launch_come_in_once_in_chunks(five: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letting, "CHUNK", 2)
    entry = SegmentEntry(segment_id=await segment(five, 1, 2, 3, 5), present=True)
    journey = await live(five, entry)
    deaths = iter([True, False, True])
    real = letting.point

    def die(name: str) -> None:
        real(name)
        if name == "let in" and next(deaths, False):
            raise RuntimeError("died")

    monkeypatch.setattr(letting, "point", die)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await settle(five)
    await settle(five)
    assert await inside(five, journey) == [1, 2, 3, 5]
    async with five.db.connection() as conn:
        (done,) = await sources.intakes(conn, journey)
        row = await (await conn.execute("select members from journey_intake")).fetchone()
    assert (done.source, done.size, done.taken, done.entered) == ("present", 4, 4, 4) and done.over_at is not None
    assert row == (None,)  # who they were is forgotten
    await again(five, journey, entry)
    await settle(five)
    async with five.db.connection() as conn:
        assert len(await sources.intakes(conn, journey)) == 1


async def test_a_schedule_lets_the_members_of_its_time_in(five: Context, clock: VirtualClock) -> None:
    """Mondays at nine in Berlin: 1 June 2026 noon is a Monday already past it."""
    chosen = await segment(five, 1, 2)
    weekly = ScheduleEntry(segment_id=chosen, start=datetime(2026, 5, 4, 9), zone="Europe/Berlin", rule="FREQ=WEEKLY;BYDAY=MO")
    journey = await live(five, weekly, again=Again(rule="always", at_once=9))
    async with five.db.connection() as conn:
        (when,) = await sources.schedules_of(conn, journey)
    assert when.next_at == datetime(2026, 6, 8, 7, tzinfo=UTC)
    clock.advance(timedelta(days=6))
    await settle(five)
    assert await inside(five, journey) == []
    clock.advance(timedelta(days=1))
    await settle(five)
    await settle(five)
    assert await inside(five, journey) == [1, 2]
    await list_members(five, SYSTEM, chosen, add=[3], remove=[1], replace=False)
    clock.advance(timedelta(days=21))  # three times came while nobody looked: the last counts
    await settle(five)
    assert await inside(five, journey) == [2, 3]  # whoever came in a week before is out by now
    async with five.db.connection() as conn:
        taken = await sources.intakes(conn, journey)
        (when,) = await sources.schedules_of(conn, journey)
    assert [(one.size, one.entered) for one in taken] == [(2, 2), (2, 2)]
    assert when.next_at == datetime(2026, 7, 6, 7, tzinfo=UTC)
    await again(five, journey, weekly)  # the same schedule goes on as it was
    async with five.db.connection() as conn:
        assert await sources.schedules_of(conn, journey) == [when]
    await again(five, journey, ApiEntry())
    async with five.db.connection() as conn:
        assert await sources.schedules_of(conn, journey) == []


async def test_a_schedule_waits_while_its_journey_is_paused(five: Context, clock: VirtualClock) -> None:
    once = ScheduleEntry(segment_id=await segment(five, 1), start=datetime(2026, 6, 2, 9), zone="UTC")
    journey = await live(five, once)
    async with five.db.transaction() as conn:
        await service.pause(five, conn, SYSTEM, journey)
    clock.advance(timedelta(days=3))
    await settle(five)
    assert await inside(five, journey) == []
    async with five.db.transaction() as conn:
        await service.resume(five, conn, SYSTEM, journey)
    await settle(five)
    assert await inside(five, journey) == [1]
    async with five.db.connection() as conn:
        (when,) = await sources.schedules_of(conn, journey)
    assert when.next_at is None


async def test_an_import_lets_in_whom_it_brought_or_changed(five: Context) -> None:
    journey = await live(five, ImportEntry(source="people.csv"))
    other = await live(five, ImportEntry(source="else.csv"))
    async with five.db.transaction() as conn:
        await conn.execute("insert into import_file (name, path, size, sha256, uploaded_by, uploaded_at) values ('people.csv', '', 1, %s, '', now())", ("ab" * 32,))
        await conn.execute("insert into job (kind, args) values ('imports.run', '{}')")
        await conn.execute(
            "insert into import (file_id, kind, map, dry_run, as_of, job_id, created_by, created_at)"
            " select f.id, 'customers', '{}', false, %s, j.id, '', now() from import_file f, job j", (five.clock.now(),),
        )  # fmt: skip
        row = await (await conn.execute("select id, as_of from import")).fetchone()
        assert row is not None
        stamp = import_stamp(row[1], "ab" * 32)
        await conn.execute("update profile set stamp = %s || '1' where id = 1", (stamp,))
        await conn.execute("update profile set stamps = jsonb_build_object('plan', %s || '2') where id = 4", (stamp,))
        notice = ImportFinished(import_id=row[0], kind="customers", name="people.csv", made=1, changed=1)
        await letting.hear_import(five, conn, notice)
        await letting.hear_import(five, conn, notice)
    await settle(five)
    assert await inside(five, journey) == [1, 4] and await inside(five, other) == []


async def test_a_merged_customer_comes_in_as_who_they_are_now(five: Context) -> None:
    journey = await live(five, SegmentEntry(segment_id=await segment(five, 1, 2, 3), present=True))
    async with five.db.transaction() as conn:
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (3, 2, 2, now(), 'test')")
        await conn.execute("update profile set merged_into = 2 where id = 3")
        await conn.execute("delete from profile where id = 1")  # erased meanwhile
    await settle(five)
    assert await inside(five, journey) == [2]


async def test_finishing_stops_the_sources_and_a_journey_with_people_is_not_put_away(five: Context) -> None:
    journey = await live(five, SegmentEntry(segment_id=await segment(five, 1), present=True), ApiEntry())
    assert await ask(five, journey, NewEntry(profile_id=5)) == [("entered", False)]
    async with five.db.transaction() as conn:
        await service.finish(five, conn, SYSTEM, journey, people="go_on")
    await settle(five)
    assert await inside(five, journey) == [5]
    with pytest.raises(PeopleInside):
        async with five.db.transaction() as conn:
            await service.archive(five, conn, SYSTEM, journey, away=True)


async def test_a_real_import_from_its_file_to_the_journey(five: Context, lake: Any, tmp_path: Path) -> None:
    """Two people are new, one changes, one is as before; a dry run and a repetition let nobody in."""
    LISTENERS.register(letting.LISTENERS)
    path = tmp_path / "people.csv"
    path.write_text("email,plan\np1@example.com,gold\nnew@example.org,red\nother@example.org,\n")
    journey = await live(five, ImportEntry(), again=Again(rule="always", at_once=9))
    loops = [*NOTICES, *letting.LOOPS, ticking.LOOP]
    await bring(five, path, MAP, dry_run=True)
    await run_until_idle(five, loops)
    assert await inside(five, journey) == []
    done = await bring(five, path, MAP)
    assert (done.made, done.changed) == (2, 1)
    await run_until_idle(five, loops)
    first = await inside(five, journey)
    assert len(first) == 3 and 1 in first and not {2, 3, 4, 5} & set(first)
    await bring(five, path, MAP)
    await run_until_idle(five, loops)
    assert await inside(five, journey) == first


async def test_counting_that_takes_long_is_not_done_at_every_look(five: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = await live(five, ApiEntry())

    async def waiting() -> int:
        async with five.db.connection() as conn:
            seen = await people.counts(five, conn, journey, await service.version(conn, journey, 1), None)
        return sum(one.people for one in seen.waiting)

    assert await waiting() == 0
    await ask(five, journey, NewEntry(profile_id=1))
    assert await waiting() == 1  # quick: counted anew
    monkeypatch.setattr(people, "QUICK", -1.0)
    monkeypatch.setattr(people, "KEPT_TIMES", 10_000)
    assert await waiting() == 1
    await ask(five, journey, NewEntry(profile_id=2))
    assert await waiting() == 1  # as of before
