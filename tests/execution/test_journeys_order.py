"""What one person does is heard in its order, across journeys; what is done while a journey is paused lets in, or not, as it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.execution.journeys_cast import Small, add_journey, add_people, did, step, tick
from tests.execution.journeys_naive import Naive
from tests.execution.test_journeys_model import TABLES

from antiphon.awareness.events import EventMatch, ReadEvent
from antiphon.execution.journeys import service, ticking
from antiphon.execution.journeys.contract import Heard, Here, Ints
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.hearing import put_heard
from antiphon.execution.journeys.listening import MOST_ROUNDS, Row, in_rounds
from antiphon.execution.journeys.live import Live
from antiphon.execution.journeys.model import Again, Definition, EventEntry, WhilePaused
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.principal import SYSTEM

NAMES = ["Joined", "Clicked", "Paid"]
PEOPLE = 2


def row(order: int, person: int, name: str) -> Row:
    return Row(person, order, (order, 0, order), Heard(name=name, kind="track", at=order, received=order, profile=person, properties={}))


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abcd")), max_size=60),
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True)),
)
def test_rounds_keep_each_persons_order_and_lose_nothing(done: Sequence[tuple[int, str]], cares: dict[str, list[int]]) -> None:
    rows = [row(n, person, name) for n, (person, name) in enumerate(done)]
    rounds, later = in_rounds(rows, cares)
    assert sorted(one.id for part in [*rounds, later] for one in part) == list(range(len(rows)))
    heard: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for part in rounds:
        for version in (1, 2, 3):
            for one in part:
                if version in cares.get(one.event.name, ()):
                    heard[one.event.profile].append((one.id, version))
    for person, those in heard.items():
        assert [at for at, _ in those] == sorted(at for at, _ in those), person
    assert not later or len(rounds) == MOST_ROUNDS


def test_nearly_everybody_is_in_one_round() -> None:
    rows = [row(n, n, "a") for n in range(50)] + [row(100 + n, 7, "b") for n in range(500)]
    assert [len(one) for one in in_rounds(rows, {"a": [1], "b": [1], "c": [2]})[0]] == [550]
    busy = [row(n, 1, "ab"[n % 2]) for n in range(500)]
    rounds, later = in_rounds(busy, {"a": [1], "b": [2]})
    assert len(rounds) == MOST_ROUNDS and len(later) == 500 - MOST_ROUNDS


class Town(Small):
    """A world in which journeys stop each other."""

    def __init__(self, ctx: Context, conn: Connection, plan: Plan, now: Any) -> None:
        super().__init__(ctx, conn, plan, now)
        self._live = Live(ctx, conn, plan, now)

    async def stop_journey(self, here: Here, places: Ints, journey_id: int) -> None:
        await self._live.stop_journey(here, places, journey_id)


@st.composite
def towns(draw: st.DrawFn) -> list[list[tuple[str, Any]]]:
    """Three journeys as (kind, about): waits for an event, and stops of another of the three."""
    kinds = st.one_of(st.tuples(st.just("wait_event"), st.sampled_from(NAMES)), st.tuples(st.just("stop_journey"), st.integers(0, 2)))
    return [[("wait_event", draw(st.sampled_from(NAMES))), *draw(st.lists(kinds, max_size=4))] for _ in range(3)]


acts = st.lists(st.tuples(st.integers(1, PEOPLE), st.sampled_from(NAMES)) | st.none(), min_size=4, max_size=30)


@pytest.mark.store
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(town=towns(), acts=acts)
async def test_events_are_heard_in_order_across_journeys(
    ctx: Context, clock: VirtualClock, town: list[list[tuple[str, Any]]], acts: list[tuple[int, str] | None]
) -> None:
    """As a naive engine does who takes one thing that somebody did after another through all journeys."""
    before, ticking.world_of = ticking.world_of, Town  # type: ignore[assignment]
    try:
        async with ctx.db.transaction() as conn:
            await conn.execute(f"truncate {TABLES}")
            await conn.execute("update journey set state = 'archived'")
            if (await (await conn.execute("select 1 from profile limit 1")).fetchone()) is None:
                await add_people(conn, PEOPLE)
            row = await (await conn.execute("select nextval('journey_id_seq')")).fetchone()
            assert row is not None
            first = row[0]
            definitions = [_definition(one, [first + 1 + n for n in range(3)]) for one in town]
            ids = [(await add_journey(conn, one, clock.now())).journey_id for one in definitions]
        assert ids == [first + 1 + n for n in range(3)]
        naive = {id: Naive(one, lambda person: False, lambda person: 0.5) for id, one in zip(ids, definitions, strict=True)}
        for one in naive.values():
            one.town = naive
        pending: list[tuple[int, int, str]] = []
        for seq, act in enumerate([*acts, None]):
            clock.advance(timedelta(milliseconds=1))
            if act is not None:
                pending.append((act[0], micros(clock.now()), act[1]))
                async with ctx.db.transaction() as conn:
                    await put_heard(conn, [ReadEvent(1, seq, clock.now(), clock.now(), act[0], "track", act[1], "{}")])
                continue
            await tick(ctx)
            for person, at, name in pending:
                for one in naive.values():
                    one.take(person, at, name, micros(clock.now()))
            pending = []
        async with ctx.db.connection() as conn:
            for id, one in naive.items():
                rows = await (await conn.execute("select profile_id, step from journey_run where journey_id = %s order by 1, 2", (id,))).fetchall()
                assert rows == sorted((person, at) for person, at, _ in one.inside())
                rows = await (await conn.execute("select profile_id, reason from journey_past where journey_id = %s order by 1, 2", (id,))).fetchall()
                assert rows == sorted((person, reason) for person, reason, _ in one.past())
    finally:
        ticking.world_of = before


def _definition(parts: list[tuple[str, Any]], ids: list[int]) -> Definition:
    steps = []
    for n, (kind, about) in enumerate(parts):
        onward = {("happened" if kind == "wait_event" else "next"): f"s{n + 1}"} if n + 1 < len(parts) else {}
        said = {"match": {"event": about}} if kind == "wait_event" else {"journey_id": ids[about]}
        steps.append(step(f"s{n}", kind, onward, **said))
    return Definition(start="s0", steps=steps, entries=[EventEntry(match=EventMatch(event="Joined"))], again=Again(rule="always"))


async def inside(ctx: Context) -> list[tuple[int, Any]]:
    async with ctx.db.connection() as conn:
        return await (await conn.execute("select profile_id, entered_at from journey_run order by 1")).fetchall()


@pytest.mark.store
@pytest.mark.parametrize(("rule", "expected"), [
    (WhilePaused(), [1]), (WhilePaused(entries="keep"), [1, 2, 3, 4]), (WhilePaused(entries="keep", most=2), [1, 2, 3]),
])  # fmt: skip
async def test_who_does_it_while_paused_comes_in_later_or_not(
    ctx: Context, clock: VirtualClock, rule: WhilePaused, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticking, "world_of", Small)
    definition = Definition(
        start="rest", steps=[step("rest", "wait_event", {"happened": "rest"}, match={"event": "Paid"})], while_paused=rule,
        entries=[EventEntry(match=EventMatch(event="Joined"))], again=Again(rule="always", at_once=2),
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_people(conn, 5)
        plan = await add_journey(conn, definition, clock.now())
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    clock.advance(timedelta(hours=1))
    async with ctx.db.transaction() as conn:
        await service.pause(ctx, conn, SYSTEM, plan.journey_id)
        await did(ctx, conn, (2, "Joined"), (1, "Paid"), (3, "Joined"), (4, "Joined"))
    when = clock.now()
    await tick(ctx)
    async with ctx.db.connection() as conn:
        one = await service.find(conn, plan.journey_id)
        rows = await (await conn.execute("select did, sum(people)::int from journey_count where how = 'refused' group by 1")).fetchall()
    assert one.kept_entries == len(expected) - 1 and await inside(ctx) == [(1, when - timedelta(hours=1))]
    assert rows == ([("paused", 4 - len(expected))] if len(expected) < 4 else [])
    clock.advance(timedelta(hours=1))
    async with ctx.db.transaction() as conn:
        await service.resume(ctx, conn, SYSTEM, plan.journey_id)
    await tick(ctx)
    found = await inside(ctx)
    assert [person for person, _ in found] == expected
    assert all(when <= at < when + timedelta(seconds=1) for person, at in found if person > 1)  # as of when they did it
    async with ctx.db.connection() as conn:
        heard = await (await conn.execute("select count(*) from journey_history where profile_id = 1 and path @> '[{\"d\": \"happened\"}]'")).fetchone()
        assert heard == (1,) and (await service.find(conn, plan.journey_id)).kept_entries == 0
        assert await (await conn.execute("select 1 from journey_heard")).fetchone() is None


@pytest.mark.store
async def test_who_is_inside_and_may_not_come_in_again_only_hears(
    ctx: Context, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is kept for somebody inside lets nobody in whom the journey drops."""
    monkeypatch.setattr(ticking, "world_of", Small)
    definition = Definition(
        start="rest", steps=[step("rest", "wait_event", {"happened": "rest"}, match={"event": "Joined"})],
        entries=[EventEntry(match=EventMatch(event="Joined"))], again=Again(rule="always", at_once=5),
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        await add_people(conn, 1)
        plan = await add_journey(conn, definition, clock.now())
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await service.pause(ctx, conn, SYSTEM, plan.journey_id)
        await did(ctx, conn, (1, "Joined"))
    await tick(ctx)
    async with ctx.db.transaction() as conn:
        await service.resume(ctx, conn, SYSTEM, plan.journey_id)
    await tick(ctx)
    assert len(await inside(ctx)) == 1
