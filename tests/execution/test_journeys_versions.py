"""Another version goes live while people are inside: who stays, moves or leaves; nobody is lost, whatever dies on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from tests.execution.cast import add_account, add_people, speak, stage
from tests.execution.journeys_cast import step

from antiphon.execution.journeys import definitions, moving, people, publishing, service, ticking
from antiphon.execution.journeys.entering import enrol
from antiphon.execution.journeys.errors import DraftChanged, StepMapInvalid, StepMapLosesPeople
from antiphon.execution.journeys.mapping import inverse, ways
from antiphon.execution.journeys.model import Again, ApiEntry, Definition, Step
from antiphon.execution.journeys.running import plans
from antiphon.execution.journeys.shown import Journey, Leave, Move, Preview, Stay, Treatment
from antiphon.foundation import faults
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
HOUR = timedelta(hours=1)
GOOD: dict[str, Any] = {"entries": [ApiEntry()], "again": Again(rule="always", at_once=10)}
TEXT = {"channel": "parrot", "topic": "news", "content": {"subject": "Hi", "text": "Hello"}}


@pytest.fixture
async def parrot(ctx: Context) -> AsyncIterator[Any]:
    async with stage(ctx) as bird:
        await add_account(ctx)
        yield bird


def line(*waits: str, **seconds: float) -> Definition:
    """Waits of an hour (or as said) one after another."""
    onward = [*waits[1:], None]
    steps = [step(key, "wait", {"next": to} if to else None, seconds=seconds.get(key, 3600)) for key, to in zip(waits, onward, strict=True)]
    return Definition(start=waits[0], steps=steps, **GOOD)


class Author:
    """Somebody with a journey."""

    def __init__(self, ctx: Context, clock: VirtualClock) -> None:
        self.ctx = ctx
        self.clock = clock
        self.id = 0

    async def begin(self, draft: Definition, people: int = 4) -> None:
        async with self.ctx.db.transaction() as conn:
            await add_people(conn, people)
            self.id = (await service.add_journey(self.ctx, conn, SYSTEM, name="j", description="", draft=draft)).id
        await self.publish(draft, Stay())

    async def publish(self, draft: Definition, treatment: Treatment) -> Journey:
        async with self.ctx.db.transaction() as conn:
            now = await service.find(conn, self.id)
            if draft != now.draft:
                now = await service.save_draft(self.ctx, conn, SYSTEM, self.id, draft=draft, revision=now.draft_revision)
            return await publishing.publish(self.ctx, conn, SYSTEM, self.id, revision=now.draft_revision, note="", treatment=treatment)

    async def back(self, number: int, treatment: Treatment | None = None) -> Journey:
        async with self.ctx.db.transaction() as conn:
            return await publishing.roll_back(self.ctx, conn, SYSTEM, self.id, number=number, treatment=treatment)

    async def look_back(self, number: int, treatment: Treatment | None) -> Preview:
        async with self.ctx.db.connection() as conn:
            return await publishing.preview_back(self.ctx, conn, self.id, number=number, treatment=treatment)

    async def enter(self, *ids: int) -> None:
        async with self.ctx.db.transaction() as conn:
            one = await service.find(conn, self.id)
            assert one.live_version_id is not None
            plan = (await plans(self.ctx).of(conn, [one.live_version_id]))[one.live_version_id]
            who = np.array(ids, dtype=np.int64)
            found = await enrol(self.ctx, conn, plan, who, [""] * len(ids), np.full(len(ids), micros(self.clock.now())), [None] * len(ids))
            assert len(found.entered) == len(ids)

    async def go(self, by: timedelta = timedelta()) -> None:
        self.clock.advance(by)
        await run_until_idle(self.ctx, [ticking.LOOP])

    async def move(self) -> None:
        await run_until_idle(self.ctx, list(moving.LOOPS))

    async def where(self) -> list[tuple[int, int, str]]:
        """Who stands where: (profile, version's number, step's key)."""
        async with self.ctx.db.connection() as conn:
            found, _ = await people.people_inside(conn, self.id, number=None, step=None, after=None, limit=1000)
        return sorted((one.profile_id, one.version, one.step) for one in found)

    async def wakes(self) -> dict[int, Any]:
        """Until when everybody waits."""
        async with self.ctx.db.connection() as conn:
            return dict(await (await conn.execute("select profile_id, wake_at from journey_run")).fetchall())

    async def over(self) -> list[tuple[int, str]]:
        async with self.ctx.db.connection() as conn:
            return await (await conn.execute("select profile_id, reason from journey_past order by 1, run_id")).fetchall()  # type: ignore[return-value]


@pytest.fixture
def author(ctx: Context, clock: VirtualClock, parrot: Any) -> Author:
    return Author(ctx, clock)


async def test_who_stays_ends_on_their_version_and_newcomers_have_the_new_one(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    await author.publish(line("a", "b", "c"), Stay())
    await author.enter(3)
    await author.go()
    await author.move()
    assert await author.where() == [(1, 1, "a"), (2, 1, "a"), (3, 2, "a")]
    await author.go(HOUR)
    await author.go(HOUR)
    assert await author.where() == [(3, 2, "c")] and await author.over() == [(1, "finished"), (2, "finished")]


async def test_who_moves_goes_on_where_they_were_and_when_they_were_told(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    await author.go(HOUR)
    await author.enter(3)
    await author.go()
    await author.publish(line("x", "a", "b", "c", a=7200), Move())
    await author.move()
    assert await author.where() == [(1, 2, "b"), (2, 2, "b"), (3, 2, "a")]
    await author.go(HOUR)
    assert (await author.where())[:2] == [(1, 2, "c"), (2, 2, "c")]


async def test_a_map_leads_people_elsewhere_and_takes_some_out(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1)
    await author.go(HOUR)
    await author.go(HOUR)
    await author.enter(2)
    await author.go()
    assert await author.where() == [(1, 1, "b"), (2, 1, "a")]
    await author.publish(line("one", "two"), Move(map={"a": "two", "b": None}))
    await author.move()
    assert await author.where() == [(2, 2, "two")] and await author.over() == [(1, "replaced")]
    await author.go()
    await author.go(HOUR - timedelta(seconds=1))
    assert await author.where() == [(2, 2, "two")]  # they came to it anew
    await author.go(timedelta(seconds=1))
    assert await author.over() == [(1, "replaced"), (2, "finished")]
    async with author.ctx.db.connection() as conn:
        told = (await people.person_history(conn, SYSTEM, author.id, 2, author.clock.now())).passages[0].lines
    assert [(one.version, one.step, one.did, one.how) for one in told] == [
        (1, "a", "rest", "rests"), (2, "two", "moved", "moved"), (2, "two", "rest", "rests"), (2, "two", "next", "went"),
    ]  # fmt: skip


async def test_a_map_that_loses_people_is_refused_with_steps_and_counts(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2, 3)
    await author.go(HOUR)
    before = await author.where()
    with pytest.raises(StepMapLosesPeople, match=r"a \(3\)") as refused:
        await author.publish(line("b", "c"), Move())
    assert refused.value.field == "treatment.map"
    with pytest.raises(StepMapInvalid):
        await author.publish(line("b", "c"), Move(map={"a": "z"}))
    await author.move()
    assert await author.where() == before
    async with author.ctx.db.connection() as conn:
        assert (await service.find(conn, author.id)).live_version == 1
        assert len(await definitions.list_versions(conn, author.id)) == 1
        await service.find(conn, author.id)
        seen = await publishing.preview(author.ctx, conn, author.id, Move())
    assert (seen.lost, seen.moves, seen.stays) == (0, 3, 0)  # the refused draft was rolled back with the rest


async def test_a_preview_says_what_becomes_of_whom(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2, 3)
    await author.go()
    await author.go(HOUR)
    await author.enter(4)
    await author.go()
    assert [key for _, _, key in await author.where()] == ["b", "b", "b", "a"]
    async with author.ctx.db.transaction() as conn:
        await service.save_draft(author.ctx, conn, SYSTEM, author.id, draft=line("b", "c"), revision=1)
    for treatment, counts in (
        (Stay(), (4, 0, 0, 0)), (Leave(), (0, 0, 4, 0)), (Move(), (0, 3, 0, 1)), (Move(map={"a": "c"}), (0, 4, 0, 0)),
        (Move(map={"a": None}), (0, 3, 1, 0)),
    ):  # fmt: skip
        async with author.ctx.db.connection() as conn:
            seen = await publishing.preview(author.ctx, conn, author.id, treatment)
        assert (seen.stays, seen.moves, seen.leaves, seen.lost) == counts, treatment


async def test_all_leave(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    await author.publish(line("a", "b", "c"), Leave())
    await author.enter(3)
    await author.move()
    assert await author.over() == [(1, "replaced"), (2, "replaced")]
    await author.go()
    assert await author.where() == [(3, 2, "a")]


async def test_a_rollback_leads_back_the_way_they_came(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    await author.publish(line("one", "two", "new"), Move(map={"a": "two", "b": "two"}))
    await author.move()
    await author.enter(3)
    await author.go()
    assert await author.where() == [(1, 2, "two"), (2, 2, "two"), (3, 2, "one")]
    with pytest.raises(StepMapLosesPeople, match=r"one \(1\)"):
        await author.back(1)
    await author.back(1, Move(map={"one": "a"}))
    await author.move()
    assert await author.where() == [(1, 1, "a"), (2, 1, "a"), (3, 1, "a")]
    async with author.ctx.db.connection() as conn:
        one = await service.find(conn, author.id)
        assert (one.live_version, one.last_version) == (1, 2)
        shown = await moving.moves(conn, author.id)
    assert [(move.kind, move.back, move.moved, move.state) for move in shown] == [
        ("move", True, 3, "open"), ("move", False, 2, "stopped"), ("stay", False, 0, "done")
    ]  # fmt: skip


async def test_back_and_forth_and_back_again(author: Author) -> None:
    """What was led to a new name comes back, goes there again, and finds the way back from a third version made of the first."""
    await author.begin(line("a", "z"))
    await author.enter(1, 2)
    await author.go()
    await author.publish(line("b", "z"), Move(map={"a": "b"}))
    await author.move()
    for number, step_key in ((1, "a"), (2, "b"), (1, "a")):
        await author.back(number)
        await author.move()
        assert await author.where() == [(1, number, step_key), (2, number, step_key)]
    await author.publish(line("c", "z"), Move(map={"a": "c"}))
    await author.move()
    assert await author.where() == [(1, 3, "c"), (2, 3, "c")]
    await author.back(1)
    await author.move()
    assert await author.where() == [(1, 1, "a"), (2, 1, "a")]


async def test_a_rollback_is_previewed_as_it_will_be(author: Author) -> None:
    """By whatever treatment: the numbers shown are those of what then happens; nothing changes by looking."""
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    await author.publish(line("new", "b", "fresh"), Move(map={"a": "new"}))
    await author.move()
    await author.go()
    await author.enter(3)
    await author.go()
    await author.go(HOUR)
    await author.go(HOUR)
    before = await author.where()
    seen = await author.look_back(1, None)
    groups = {(group.step, group.becomes, group.to): group.people for group in seen.steps}
    assert groups == {("fresh", "lost", None): 3} and (seen.lost, seen.moves) == (3, 0)
    led = await author.look_back(1, Move(map={"fresh": "b"}))
    assert (led.lost, led.moves, led.map) == (0, 3, {"fresh": "b"})
    assert {group.wait for group in led.steps} == {"anew"}
    assert ((await author.look_back(1, Leave())).leaves, (await author.look_back(1, Stay())).stays) == (3, 3)
    with pytest.raises(StepMapLosesPeople):
        await author.back(1)
    assert await author.where() == before
    await author.back(1, Move(map={"fresh": "b"}))
    await author.move()
    assert await author.where() == [(1, 1, "b"), (2, 1, "b"), (3, 1, "b")]


async def test_a_rollback_of_a_move_that_is_under_way(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "CHUNK", 2)
    await author.begin(line("a", "b"))
    await author.enter(1, 2, 3, 4)
    await author.go()
    await author.publish(line("one", "two"), Move(map={"a": "one"}))
    await _one_chunk(author)
    assert [version for _, version, _ in await author.where()].count(2) == 2
    await author.back(1)
    await author.move()
    assert await author.where() == [(n, 1, "a") for n in (1, 2, 3, 4)]


async def _one_chunk(author: Author) -> None:
    leases = Leases(author.ctx.db, author.ctx.node, author.ctx.kind)
    await leases.beat()
    await leases.declare(moving.LOOP, moving.BUCKETS)
    assert await moving.tick(author.ctx, await leases.share(moving.LOOP, moving.BUCKETS))
    await leases.leave([moving.LOOP])


class Died(Exception):
    """The process."""


async def test_a_death_between_chunks_loses_and_doubles_nobody(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "CHUNK", 3)
    await author.begin(line("a", "b"), people=10)
    await author.enter(*range(1, 11))
    await author.go()
    await author.publish(line("one", "two"), Move(map={"a": "one"}))
    deaths = 0
    real: Callable[[str], None] = faults.point

    def die(name: str) -> None:
        nonlocal deaths
        real(name)
        if name == "people moved" and deaths < 3:
            deaths += 1
            raise Died

    monkeypatch.setattr(moving, "point", die)
    for _ in range(3):
        with pytest.raises(Died):
            await author.move()
        assert len(await author.where()) == 10
    await author.move()
    assert await author.where() == [(n, 2, "one") for n in range(1, 11)]
    async with author.ctx.db.connection() as conn:
        row = await (await conn.execute("select count(*) from journey_history where path->0->>'d' = 'moved'")).fetchone()
        count = await (await conn.execute("select sum(people) from journey_count where how = 'moved'")).fetchone()
        shown = await moving.moves(conn, author.id, limit=1)
    assert row == (10,) and count is not None and count[0] == 10 and shown[0].moved == 10


async def test_finishing_lets_people_go_on_or_ends_all(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1, 2)
    await author.go()
    async with author.ctx.db.transaction() as conn:
        await service.finish(author.ctx, conn, SYSTEM, author.id, people="go_on")
    await author.move()
    await author.go(HOUR)
    assert await author.where() == [(1, 1, "b"), (2, 1, "b")]
    async with author.ctx.db.transaction() as conn:
        await service.finish(author.ctx, conn, SYSTEM, author.id, people="end")
    await author.move()
    assert await author.where() == [] and await author.over() == [(1, "ended"), (2, "ended")]


async def test_pausing_holds_everybody_and_resuming_goes_on(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1)
    await author.go()
    async with author.ctx.db.transaction() as conn:
        await service.pause(author.ctx, conn, SYSTEM, author.id)
    await author.go(2 * HOUR)
    assert await author.where() == [(1, 1, "a")]
    async with author.ctx.db.transaction() as conn:
        await service.resume(author.ctx, conn, SYSTEM, author.id)
    await author.go()
    assert await author.where() == [(1, 1, "b")]


async def test_nobody_is_told_twice_by_an_edit(author: Author, parrot: Any) -> None:
    """A message whose key is kept is not said again, wherever the edit puts people."""
    first = Definition(start="say", steps=[
        step("say", "message", {"next": "rest", "refused": "rest"}, **TEXT), step("rest", "wait", {"next": "more"}, seconds=3600),
        step("more", "message", {"next": "last", "refused": "last"}, **TEXT), step("last", "wait", seconds=3600),
    ], **GOOD)  # fmt: skip
    await author.begin(first)
    await author.enter(1, 2)
    await author.go()
    await speak(author.ctx)
    assert len(parrot.heard) == 2
    again = Definition(start="say", steps=[*first.steps[:1], step("pause", "wait", {"next": "say_more"}, seconds=60), *first.steps[2:],
                                           step("say_more", "message", {"next": "more", "refused": "more"}, **TEXT)], **GOOD)  # fmt: skip
    again = Definition(start="say", steps=[_led(one, {"rest": "pause"}) for one in again.steps], **GOOD)
    await author.publish(again, Move(map={"rest": "say"}))  # back to what was said already
    await author.move()
    await author.go()
    await speak(author.ctx)
    assert len(parrot.heard) == 2
    assert {key for _, _, key in await author.where()} == {"pause"}
    await author.go(timedelta(seconds=60))
    await speak(author.ctx)
    assert sorted(parrot.heard) == sorted(["p1@example.com", "p2@example.com"] * 3)  # say_more and more, once each
    await author.enter(3)
    await author.go()
    await speak(author.ctx)
    assert parrot.heard.count("p3@example.com") == 1


def _led(one: Step, to: dict[str, str]) -> Step:
    return Step(key=one.key, kind=one.kind, settings=one.settings, next={exit: to.get(key, key) for exit, key in one.next.items()})


async def test_two_who_edit_at_once_notice_each_other(author: Author) -> None:
    await author.begin(line("a"))
    async with author.ctx.db.transaction() as conn:
        await service.save_draft(author.ctx, conn, SYSTEM, author.id, draft=line("a", "b"), revision=1)
    with pytest.raises(DraftChanged):
        async with author.ctx.db.transaction() as conn:
            await service.save_draft(author.ctx, conn, SYSTEM, author.id, draft=line("a", "c"), revision=1)
    with pytest.raises(DraftChanged):
        async with author.ctx.db.transaction() as conn:
            await publishing.publish(author.ctx, conn, SYSTEM, author.id, revision=1, note="", treatment=Stay())


keys = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@given(keys, keys, st.data())
def test_a_map_leads_every_step_somewhere_or_says_so(old: list[str], new: list[str], data: st.DataObject) -> None:
    """Every old step moves, leaves, or stays where it is, never two of them; and the way back of what moved by its own key is itself."""
    step_map = {key: data.draw(st.none() | st.sampled_from(new)) for key in data.draw(st.sets(st.sampled_from(old)))}
    before, after = line(*old), line(*new)
    moves, leaves = ways(before, after, step_map)
    assert not set(moves) & set(leaves)
    for number, key in enumerate(old):
        to = step_map.get(key, key if key in new else "")
        assert (number in leaves) == (to is None)
        assert (number in moves) == bool(to)
        if to:
            assert after.steps[moves[number].onward].key == to
            assert moves[number].comes == (to != key)
    back = inverse(step_map, before, after)
    assert set(back) <= set(new) - set(old) and set(back.values()) <= set(old)


async def test_a_rollback_over_several_versions_goes_all_the_way_back(author: Author) -> None:
    await author.begin(line("a", "b"))
    await author.enter(1)
    await author.go()
    await author.publish(line("c", "b"), Move(map={"a": "c"}))
    await author.move()
    await author.enter(2)
    await author.go()
    await author.publish(line("d", "e", "b"), Move(map={"c": "d"}))
    await author.move()
    assert await author.where() == [(1, 3, "d"), (2, 3, "d")]
    await author.back(1)
    await author.move()
    assert await author.where() == [(1, 1, "a"), (2, 1, "a")]
    await author.back(3, Leave())  # and forward again, with other ways for those inside
    await author.move()
    assert await author.where() == [] and await author.over() == [(1, "replaced"), (2, "replaced")]
    async with author.ctx.db.connection() as conn:
        listed = await definitions.list_versions(conn, author.id)
    assert [(one.number, one.live) for one in listed] == [(3, True), (2, False), (1, False)]


async def test_who_entered_just_now_is_not_taken_for_one_who_waited(author: Author) -> None:
    """Somebody who stands before the first step comes to it in the new version, however it is led there."""
    await author.begin(line("a", "b"))
    await author.enter(1)  # not looked at yet
    await author.publish(line("a", "b", "c"), Move())
    await author.move()
    assert await author.where() == [(1, 2, "a")]
    await author.go()
    await author.go(HOUR - timedelta(seconds=1))
    assert await author.where() == [(1, 2, "a")]
    await author.go(timedelta(seconds=1))
    assert await author.where() == [(1, 2, "b")]


async def test_who_waits_for_something_that_means_something_else_now_comes_anew(author: Author) -> None:
    def listening(event: str, timeout: float | None) -> Definition:
        settings: dict[str, Any] = {"match": {"event": event}} | ({"timeout_seconds": timeout} if timeout else {})
        return Definition(start="a", steps=[Step(key="a", kind="wait_event", settings=settings)], **GOOD)

    await author.begin(listening("Paid", None))
    await author.enter(1)
    await author.go()
    await author.publish(listening("Paid", 600), Move())
    await author.move()
    await author.go()
    assert await author.where() == [(1, 2, "a")]
    await author.go(timedelta(seconds=600))
    assert await author.over() == [(1, "finished")]  # the new version's time-out is theirs, too


@pytest.mark.parametrize("longer", [7200.0, 1800.0])
async def test_a_wait_whose_length_was_edited_lasts_as_long_for_who_waits_already(author: Author, longer: float) -> None:
    """From when each of them came to the step; and back again with a rollback."""
    await author.begin(line("a", "b"))
    await author.enter(1)
    await author.go()
    await author.go(timedelta(minutes=30))
    await author.enter(2)
    await author.go()
    draft = line("a", "b", a=longer)
    async with author.ctx.db.transaction() as conn:
        one = await service.find(conn, author.id)
        await service.save_draft(author.ctx, conn, SYSTEM, author.id, draft=draft, revision=one.draft_revision)
        seen = await publishing.preview(author.ctx, conn, author.id, Move())
        stays = await publishing.preview(author.ctx, conn, author.id, Stay())
    assert (seen.moves, seen.rewaits, [group.wait for group in seen.steps]) == (2, 2, ["changed"])
    assert (stays.rewaits, [group.wait for group in stays.steps]) == (0, [None])
    before = await author.wakes()
    await author.publish(draft, Move())
    await author.move()
    change = timedelta(seconds=longer - 3600)
    assert await author.wakes() == {person: at + change for person, at in before.items()}
    await author.back(1)
    await author.move()
    assert await author.wakes() == before
    await author.back(2)
    await author.move()
    await author.go(change if change > timedelta() else timedelta())
    assert await author.where() == ([(1, 2, "b"), (2, 2, "a")] if longer < 3600 else [(1, 2, "a"), (2, 2, "a")])
    await author.go(timedelta(minutes=30))
    assert await author.where() == [(1, 2, "b"), (2, 2, "b" if longer < 3600 else "a")]
    if longer > 3600:
        await author.go(timedelta(minutes=30))
        assert await author.where() == [(1, 2, "b"), (2, 2, "b")]


async def test_a_time_out_that_was_edited_holds_for_who_waits_already(author: Author) -> None:
    def listening(timeout: float | None) -> Definition:
        settings: dict[str, Any] = {"match": {"event": "Paid"}} | ({"timeout_seconds": timeout} if timeout else {})
        return Definition(start="a", steps=[Step(key="a", kind="wait_event", settings=settings)], **GOOD)

    await author.begin(listening(3600))
    await author.enter(1)
    await author.go()
    told = await author.wakes()
    await author.publish(listening(60), Move())
    await author.move()
    assert await author.wakes() == {1: told[1] - timedelta(seconds=3540)}
    await author.publish(listening(None), Move())
    await author.move()
    assert await author.wakes() == {1: None}
    await author.go(timedelta(days=30))
    assert await author.where() == [(1, 3, "a")]
