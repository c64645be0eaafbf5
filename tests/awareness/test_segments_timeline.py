"""Segments as time goes by, on the real store: calls come in, time advances, members are worked out, and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from pyroaring import BitMap

from antiphon.awareness.events import Entry, Journal, move_events
from antiphon.awareness.events.journal import open_journal
from antiphon.awareness.events.loops import intake
from antiphon.awareness.profiles import ProfilesMerged, mark_dirty
from antiphon.awareness.segments import (
    EventCondition,
    InSegment,
    Last,
    Not,
    Or,
    TraitCondition,
    lists,
    members,
    reads,
    refresh,
    service,
    store,
    storing,
)
from antiphon.awareness.segments.errors import InvalidTree, NameTaken, NotStatic, SegmentInUse, Superseded
from antiphon.awareness.segments.explain import why
from antiphon.awareness.segments.lookup import Memberships
from antiphon.awareness.segments.loops import refresh_due
from antiphon.awareness.segments.membership import chunks, store_members
from antiphon.awareness.segments.model import And, Node, Profiles, PropertyFilter
from antiphon.awareness.traits import mirror_profiles
from antiphon.foundation.access import SYSTEM
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeClient
from antiphon.foundation.loops import Loop, run_until_idle
from antiphon.foundation.postgres import Jsonb

pytestmark = pytest.mark.store

INTAKE = Loop("intake", intake, buckets=64)
DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
BOUGHT_LATELY = EventCondition(name="Order Completed", window=Last(amount=1, unit="days"))


class World:
    """A small installation in one process: what is said comes in, and what follows from it is worked out."""

    def __init__(self, ctx: Context, clock: VirtualClock) -> None:
        self.ctx = ctx
        self.clock = clock

    async def say(self, *calls: dict[str, Any]) -> None:
        """Customers do something now."""
        payloads = [msgspec.json.encode(call | {"timestamp": self.clock.now()}) for call in calls]
        await self.ctx.get(Journal).submit(Entry(1, None, payloads))
        await self.settle()

    async def settle(self) -> None:
        await run_until_idle(self.ctx, [INTAKE])
        while await mirror_profiles(self.ctx):
            pass

    async def identify(self, user: str, **traits: Any) -> None:
        await self.say({"type": "identify", "userId": user, "messageId": f"i-{user}-{self.clock.now()}", "traits": traits})

    async def buy(self, user: str, total: float = 10) -> None:
        call = {"type": "track", "userId": user, "event": "Order Completed", "messageId": f"o-{user}-{self.clock.now()}"}
        await self.say(call | {"properties": {"total": total}})

    async def segment(self, name: str, tree: Node | None, announce: store.Announce = "changes") -> int:
        return (await service.publish(self.ctx, SYSTEM, name=name, description="", tree=tree, announce=announce)).id

    async def who(self, segment: int) -> list[str]:
        """The user ids of the members, once refreshed."""
        await refresh(self.ctx, [segment])
        return await self.members(segment)

    async def members(self, segment: int) -> list[str]:
        async with self.ctx.db.connection() as conn:
            ids = list(await members(conn, segment))
            sql = "select value from identity where kind = 'user_id' and profile_id = any(%s) order by 1"
            return [row[0] for row in await (await conn.execute(sql, (ids,))).fetchall()]

    async def told(self) -> list[tuple[str, str, str]]:
        """(user, what, segment) of all that was announced and understood, in order."""
        await run_until_idle(self.ctx, [INTAKE])
        async with self.ctx.db.connection() as conn:
            sql = """select i.value, e.name, e.properties->>'segment' from event e
                     join identity i on i.profile_id = e.profile_id and i.kind = 'user_id'
                     where e.name like 'Segment %%' order by e.lane, e.seq"""
            return await (await conn.execute(sql)).fetchall()


@pytest.fixture
async def world(ctx: Context, lake: LakeClient, clock: VirtualClock) -> AsyncIterator[World]:
    async with ctx.db.connection() as conn:
        await conn.execute("insert into source (id, name) values (1, 'Shop')")
    async with open_journal(ctx) as journal:
        ctx.put(Journal, journal)
        yield World(ctx, clock)


async def test_a_rolling_window_is_entered_and_left_at_its_exact_edges(world: World) -> None:
    await world.identify("ann")
    bought = await world.segment("Bought lately", BOUGHT_LATELY)
    assert await world.who(bought) == []
    await world.buy("ann")
    assert await world.who(bought) == ["ann"]
    assert await world.told() == [("ann", "Segment Entered", "Bought lately")]
    world.clock.advance(DAY - TICK)
    assert await world.who(bought) == ["ann"]
    world.clock.advance(TICK)
    assert await world.who(bought) == []
    world.clock.advance(HOUR)
    await world.buy("ann")
    assert await world.who(bought) == ["ann"]
    assert await world.who(bought) == ["ann"]
    assert [what for _, what, _ in await world.told()] == ["Segment Entered", "Segment Left", "Segment Entered"]


async def test_traits_and_events_hot_and_cold_together(world: World) -> None:
    for user, plan in (("ann", "gold"), ("bob", "gold"), ("cid", "red"), ("dan", "gold")):
        await world.identify(user, plan=plan)
    for user, totals in (("ann", [30, 80]), ("bob", [30]), ("cid", [200])):
        for total in totals:
            await world.buy(user, total)
            world.clock.advance(HOUR)
    gold = TraitCondition(trait="plan", op="is", value="gold")
    spent = EventCondition(name="Order Completed", measure="sum", property="total", op="ge", value=100)
    big = EventCondition(name="Order Completed", where=[PropertyFilter(property="total", op="gt", value=50)])
    asked: dict[str, tuple[Node, list[str]]] = {
        "gold who spent": (And(of=[gold, spent]), ["ann"]),
        "spent": (spent, ["ann", "cid"]),
        "gold, nothing big": (And(of=[gold, Not(of=big)]), ["bob", "dan"]),
        "nobody bought twice but ann": (EventCondition(name="Order Completed", op="lt", value=2), ["bob", "cid", "dan"]),
        "everybody": (And(of=[]), ["ann", "bob", "cid", "dan"]),
        "nobody": (Or(of=[]), []),
    }
    ids = {name: await world.segment(name, tree) for name, (tree, _) in asked.items()}
    for moved in (False, True):  # the same answer whether the events are hot, or cold
        if moved:
            assert await move_events(world.ctx) > 0
        await refresh(world.ctx, list(ids.values()))
        assert {name: await world.members(ids[name]) for name in asked} == {name: who for name, (_, who) in asked.items()}
    assert await world.told() == []  # what a segment has when it is made is no change


async def test_a_refresh_asked_for_sees_what_the_mirror_does_not_have_yet(world: World) -> None:
    await world.identify("ann", plan="gold")
    segment = await world.segment("Gold", TraitCondition(trait="plan", op="is", value="gold"))
    async with world.ctx.db.transaction() as conn:
        await conn.execute("insert into profile (traits) values ('{\"plan\": \"gold\"}')")
        await mark_dirty(conn, [2])
    (row,) = await refresh(world.ctx, [segment])
    assert row.size == 2


async def test_one_person_is_explained_as_everybody_is_worked_out(world: World) -> None:
    await world.identify("ann", plan="gold")
    await world.buy("ann", 30)
    await move_events(world.ctx)
    world.clock.advance(HOUR)
    await world.buy("ann", 12.5)
    day = Last(amount=1, unit="days")
    spent = EventCondition(name="Order Completed", measure="sum", property="total", op="ge", value=40, window=day)
    segment = await world.segment("Spent", And(of=[TraitCondition(trait="plan", op="is", value="gold"), spent]))
    assert await world.who(segment) == ["ann"]
    found = await why(world.ctx, segment, 1)
    assert (found.holds, found.member) == (True, True)
    trait, event = found.verdict.parts
    assert (trait.actual, event.actual, event.events) == ("gold", 42.5, 2)
    assert [one.properties["total"] for one in event.examples] == [12.5, 30]
    world.clock.advance(DAY - HOUR)  # the first order is a day old now
    found = await why(world.ctx, segment, 1)
    assert (found.holds, found.member) == (False, True)
    assert found.verdict.parts[1].actual == 12.5


async def test_merged_profiles_bring_their_history_and_leave_without_a_word(world: World) -> None:
    await world.identify("ann")
    await world.identify("bob")
    segment = await world.segment("Twice", EventCondition(name="Order Completed", op="ge", value=2))
    once = await world.segment("Once", EventCondition(name="Order Completed"))
    await refresh(world.ctx, [segment, once])
    await world.buy("ann")
    await world.buy("bob")
    assert (await world.who(segment), await world.who(once)) == ([], ["ann", "bob"])
    async with world.ctx.db.transaction() as conn:  # bob (2) turns out to be ann (1)
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 'test')")
        await conn.execute("update profile set merged_into = 1 where id = 2")
        await mark_dirty(conn, [1, 2])
    await world.settle()
    assert await world.who(segment) == ["ann"]
    await refresh(world.ctx, [once])
    async with world.ctx.db.connection() as conn:
        assert list(await members(conn, once)) == [1]
    assert await world.told() == [
        ("ann", "Segment Entered", "Once"), ("bob", "Segment Entered", "Once"), ("ann", "Segment Entered", "Twice"),
    ]  # fmt: skip


async def test_segments_within_segments_and_static_lists(world: World) -> None:
    for user in ("ann", "bob", "cid"):
        await world.identify(user)
    await world.buy("ann")
    await world.buy("bob")
    buyers = await world.segment("Buyers", EventCondition(name="Order Completed"))
    friends = await world.segment("Friends", None)
    both = await world.segment("Friends who buy", And(of=[InSegment(id=buyers), InSegment(id=friends)]))
    row, unknown = await lists.list_members(world.ctx, SYSTEM, friends, add=[2, 3, 99], remove=[], replace=False)
    assert (row.size, unknown) == (2, 1)
    assert await world.who(both) == ["bob"]
    row, _ = await lists.list_members(world.ctx, SYSTEM, friends, add=[1], remove=[], replace=True)
    assert await world.who(both) == ["ann"]
    assert (await why(world.ctx, both, 1)).holds
    assert not (await why(world.ctx, both, 2)).holds
    with pytest.raises(NotStatic):
        await lists.list_members(world.ctx, SYSTEM, buyers, add=[1], remove=[], replace=False)
    with pytest.raises(InvalidTree, match="itself"):
        await service.change(
            world.ctx, SYSTEM, buyers, name="Buyers", description="", tree=Not(of=InSegment(id=both)), announce="changes"
        )
    with pytest.raises(SegmentInUse, match="Friends who buy"):
        await service.archive(world.ctx, SYSTEM, buyers)
    with pytest.raises(NameTaken):
        await world.segment("buyers", BOUGHT_LATELY)
    await service.archive(world.ctx, SYSTEM, both)
    await service.archive(world.ctx, SYSTEM, buyers)
    await world.segment("buyers", BOUGHT_LATELY)
    with pytest.raises(NameTaken):
        await service.restore(world.ctx, SYSTEM, buyers)
    assert (await service.restore(world.ctx, SYSTEM, both)).state == "active"


async def test_a_new_version_changes_the_members_and_keeps_the_old_tree(world: World) -> None:
    await world.identify("ann", plan="gold")
    await world.identify("bob", plan="red")
    segment = await world.segment("Plan", TraitCondition(trait="plan", op="is", value="gold"))
    assert await world.who(segment) == ["ann"]
    red = TraitCondition(trait="plan", op="is", value="red")
    row = await service.change(world.ctx, SYSTEM, segment, name="Plan", description="", tree=red, announce="changes")
    assert (row.version, row.evaluated_version) == (2, 1)
    world.clock.advance(HOUR)
    await run_until_idle(world.ctx, [Loop(service.LOOP, refresh_due)])
    assert await world.members(segment) == ["bob"]
    assert sorted(await world.told()) == [("ann", "Segment Left", "Plan"), ("bob", "Segment Entered", "Plan")]
    async with world.ctx.db.connection() as conn:
        assert [version.version for version in await store.list_versions(conn, segment)] == [2, 1]
        growth = await reads.growth(conn, segment, step="hour", zone="UTC", since=None, until=None, limit=10)
    assert [(one.version, one.size, one.entered, one.gone) for one in growth] == [(2, 1, 1, 1), (1, 1, 1, 0)]


async def people(world: World, count: int) -> list[int]:
    """Many profiles at once, in the mirror."""
    async with world.ctx.db.transaction() as conn:
        made = "%s || jsonb_build_object('n', i) from generate_series(1, %s) i"
        sql = f"insert into profile (traits) select {made} returning id"
        rows = await (await conn.execute(sql, (Jsonb({"plan": "gold"}), count))).fetchall()
        await mark_dirty(conn, [row[0] for row in rows])
    await world.settle()
    return [row[0] for row in rows]


async def announced(world: World) -> Sequence[tuple[int, str]]:
    await run_until_idle(world.ctx, [INTAKE])
    async with world.ctx.db.connection() as conn:
        sql = "select profile_id, name from event where name like 'Segment %'"
        return await (await conn.execute(sql)).fetchall()


async def test_each_change_is_told_exactly_once_whatever_breaks_in_between(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh dies between its chunks; the next one goes on where it ended."""
    monkeypatch.setattr("antiphon.awareness.segments.membership.CHUNK", 100)
    ids = await people(world, 450)
    segment = await world.segment("Everybody", And(of=[]), announce="everyone")
    real, calls = store.write_growth, 0

    async def failing(*args: Any, **more: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("the power went")
        await real(*args, **more)

    monkeypatch.setattr(store, "write_growth", failing)
    with pytest.raises(RuntimeError):
        await refresh(world.ctx, [segment])
    async with world.ctx.db.connection() as conn:
        assert list(await members(conn, segment)) == ids[:200]
    await refresh(world.ctx, [segment])
    assert sorted(await announced(world)) == [(one, "Segment Entered") for one in ids]
    async with world.ctx.db.connection() as conn:
        assert list(await members(conn, segment)) == ids


async def test_two_refreshes_at_once_tell_once(world: World) -> None:
    import asyncio

    ids = await people(world, 50)
    segment = await world.segment("Everybody", And(of=[]), announce="everyone")
    done = await asyncio.gather(*(refresh(world.ctx, [segment]) for _ in range(4)), return_exceptions=True)
    assert any(isinstance(one, list) for one in done)
    assert all(isinstance(one, list | Superseded) for one in done)
    assert sorted(await announced(world)) == [(one, "Segment Entered") for one in ids]


async def test_several_are_stored_together_and_who_lost_a_race_is_worked_out_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quiet segments, one that is told, one of nobody, a list, over several transactions; one is changed under the refresh."""
    monkeypatch.setattr(storing, "PART", 4)
    ids = await people(world, 30)
    quiet = [await world.segment(f"Quiet {n}", Profiles(ids=ids[:n]), announce="never") for n in range(9)]
    told, kept = await world.segment("Told", Profiles(ids=ids[:3]), announce="everyone"), await world.segment("List", None)
    async with world.ctx.db.connection() as conn:
        row = await store.find_segment(conn, kept)
    await store_members(world.ctx, row, BitMap(ids[5:7]), world.clock.now(), took_ms=0, pause=HOUR)
    real, evaluations = service.evaluate, 0

    async def raced(*args: Any, **more: Any) -> Any:
        nonlocal evaluations
        evaluations += 1
        found = await real(*args, **more)
        if evaluations == 1:
            async with world.ctx.db.transaction() as conn:
                row = await store.find_segment(conn, quiet[2])
                await store.take_revision(conn, row, size=row.size, seq=row.delta_seq, now=world.clock.now())
        return found

    monkeypatch.setattr(service, "evaluate", raced)
    done = await refresh(world.ctx, [*quiet, told, kept])
    assert {row.id for row in done} == {*quiet, told, kept} and evaluations == 2
    async with world.ctx.db.connection() as conn:
        found = await store.read_members(conn, [*quiet, told, kept])
        rows = {row.id: row for row in await store.some_segments(conn, [*quiet, told, kept])}
    assert {key: list(inside) for key, (_, inside) in found.items()} == {
        **{one: ids[:n] for n, one in enumerate(quiet)}, told: ids[:3], kept: ids[5:7],
    }  # fmt: skip
    for one, (seq, inside) in found.items():
        assert (rows[one].size, rows[one].delta_seq, rows[one].evaluated_at) == (len(inside), seq, world.clock.now())
        assert rows[one].revision == next(row.revision for row in done if row.id == one)
    assert sorted(await announced(world)) == [(one, "Segment Entered") for one in ids[:3]]
    await refresh(world.ctx, quiet)
    async with world.ctx.db.connection() as conn:
        assert await store.read_members(conn, [*quiet, told, kept]) == found  # nothing changed, and nothing was written


async def test_deltas_are_folded_and_read_alike_by_everybody(world: World) -> None:
    """Members are the same read whole, read by deltas, and read by a process that keeps them."""
    await people(world, 1)
    segment = await world.segment("List", None)
    kept = Memberships(world.ctx)
    expected, folds = BitMap(range(1, 5001)), 0
    for step in range(40):
        expected = (expected | BitMap(range(6000 + step * 30, 6010 + step * 30))) - BitMap([step * 7 + 1])
        async with world.ctx.db.connection() as conn:
            row = await store.find_segment(conn, segment)
        await store_members(world.ctx, row, expected, world.clock.now(), took_ms=0, pause=HOUR)
        async with world.ctx.db.connection() as conn:
            assert await members(conn, segment) == expected
            _, deltas, _ = await store.weight(conn, segment)
            folds += deltas == 0
            row = await store.find_segment(conn, segment)
        assert row.size == len(expected)
        await kept.look()
        for one in (1, 2, 6005 + step * 30):
            assert bool(await kept.of(one)) == (one in expected)
        world.clock.advance(HOUR)
    await kept.close()
    assert 1 < folds < 10


def test_chunks_hold_every_change_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.awareness.segments.membership.CHUNK", 10)
    for entered, gone in ((0, 0), (0, 5), (5, 0), (10, 10), (7, 25), (25, 7), (20, 1)):
        made = list(chunks(BitMap(range(entered)), BitMap(range(100, 100 + gone))))
        assert BitMap.union(BitMap(), *(one for one, _ in made)) == BitMap(range(entered))
        assert BitMap.union(BitMap(), *(one for _, one in made)) == BitMap(range(100, 100 + gone))
        assert sum(len(one) + len(other) for one, other in made) == entered + gone
        assert all(0 < len(one) + len(other) <= 10 for one, other in made)


async def test_an_erased_customer_leaves_every_segment_in_silence(world: World) -> None:
    ids = await people(world, 3)
    segment = await world.segment("Everybody", And(of=[]), announce="never")
    await refresh(world.ctx, [segment])
    async with world.ctx.db.transaction() as conn:
        assert [one["id"] for one in (await service.export(world.ctx, conn, ids[0]))["segments"]] == [segment]
        await service.erase(world.ctx, conn, ids[0])
    async with world.ctx.db.connection() as conn:
        assert list(await members(conn, segment)) == ids[1:]
    assert await announced(world) == []


async def test_an_archived_segment_forgets_and_follows_as_others_do(world: World) -> None:
    """It may be brought back, and then must not speak of who is not there any more."""
    ids = await people(world, 4)
    listed, ruled = await world.segment("Listed", None), await world.segment("Everybody", And(of=[]))
    await lists.list_members(world.ctx, SYSTEM, listed, add=ids[:3], remove=[], replace=True)
    await refresh(world.ctx, [ruled])
    for one in (listed, ruled):
        await service.archive(world.ctx, SYSTEM, one)
    async with world.ctx.db.transaction() as conn:
        await service.fold_together(world.ctx, conn, ProfilesMerged(gone=[ids[1]], into=[ids[3]]))
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (%s, %s, %s, now(), 'test')",
                           (ids[1], ids[3], ids[3]))  # fmt: skip
        await service.erase(world.ctx, conn, ids[0])
        assert list(await members(conn, listed)) == [ids[2], ids[3]]
        assert list(await members(conn, ruled)) == ids[1:]
        await service.erase(world.ctx, conn, ids[3])
        assert list(await members(conn, listed)) == [ids[2]]
        assert list(await members(conn, ruled)) == [ids[2]], "whoever was merged into them is forgotten with them"


async def test_lists_follow_a_merge(world: World) -> None:
    ids = await people(world, 4)
    mixed, one = await world.segment("Mixed", None), await world.segment("One", None)
    await lists.list_members(world.ctx, SYSTEM, mixed, add=ids[:3], remove=[], replace=True)
    await lists.list_members(world.ctx, SYSTEM, one, add=[ids[3]], remove=[], replace=True)
    async with world.ctx.db.transaction() as conn:
        merged = ProfilesMerged(gone=[ids[1], ids[3]], into=[ids[0], ids[2]])
        await service.fold_together(world.ctx, conn, merged)
        assert list(await members(conn, mixed)) == [ids[0], ids[2]]
        assert list(await members(conn, one)) == [ids[2]]


async def test_a_trait_that_the_mirror_does_not_have_yet_is_nobodys(world: World) -> None:
    """It is registered a moment before the mirror gets its column."""
    ids = await people(world, 3)
    async with world.ctx.db.transaction() as conn:
        await conn.execute("insert into trait (name, type, column_name, first_seen) values ('new', 'number', 't_new', now())")
    for op, count in (("set", 0), ("not_set", len(ids))):
        assert (await service.preview(world.ctx, SYSTEM, TraitCondition(trait="new", op=op))).count == count
    both = And(of=[TraitCondition(trait="new", op="not_set"), TraitCondition(trait="new", op="is_not", value=3)])
    assert (await service.preview(world.ctx, SYSTEM, both)).count == len(ids)


async def test_a_failing_segment_does_not_hold_back_the_others(world: World) -> None:
    await world.identify("ann", plan="gold", odd="no date")
    good = await world.segment("Good", TraitCondition(trait="plan", op="is", value="gold"))
    bad = await world.segment("Bad", TraitCondition(trait="plan", op="is", value="red"))
    async with world.ctx.db.transaction() as conn:  # its trait is not what it is said to be: nobody can ask it
        await conn.execute("update trait set type = 'date' where name = 'odd'")
        await conn.execute("update segment set tree = tree || '{\"trait\": \"odd\", \"value\": \"2026-01-01\"}' where id = %s", (bad,))
    await run_until_idle(world.ctx, [Loop(service.LOOP, refresh_due)])
    assert await world.members(good) == ["ann"]
    async with world.ctx.db.connection() as conn:
        row = await store.find_segment(conn, bad)
    assert row.failed and "no date" in row.failed


async def test_a_condition_that_its_trait_suits_no_more_fails_alone_with_its_place(world: World) -> None:
    await world.identify("ann", plan="gold", age=30)
    good = await world.segment("Good", TraitCondition(trait="plan", op="is", value="gold"))
    inner = await world.segment("Inner", TraitCondition(trait="age", op="gt", value=20))
    outer = await world.segment("Outer", InSegment(id=inner))
    async with world.ctx.db.transaction() as conn:
        await conn.execute("update trait set type = 'boolean' where name = 'age'")
        await conn.execute("update segment set due_at = clock_timestamp()")
    await run_until_idle(world.ctx, [Loop(service.LOOP, refresh_due)])
    async with world.ctx.db.connection() as conn:
        failed = {key: (await store.find_segment(conn, key)).failed for key in (good, inner, outer)}
    assert not failed[good] and failed[inner] and failed[outer]
    assert await world.members(good) == ["ann"]
