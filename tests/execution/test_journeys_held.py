"""What a journey has handed to delivery and is not said yet: held while it is paused, called off for those who leave, where asked for.
Whoever was taken out comes back once, where they stood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.execution.cast import speak
from tests.execution.journeys_cast import publish, step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.awareness.profiles import MergeUndone, ProfilesMerged
from antiphon.execution.delivery import open_dispatch
from antiphon.execution.journeys import aside, merging, moving, service
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.errors import JourneyStateConflict, NobodyToPutBack, PutBackRefused
from antiphon.execution.journeys.live import effects
from antiphon.execution.journeys.model import Again
from antiphon.execution.journeys.shown import Queued
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.principal import SYSTEM

pytestmark = pytest.mark.store
SAY = {"channel": "parrot", "topic": "news", "content": TEXT}
HOUR = 3600


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


async def talk(on: Scene, **more: Any) -> Plan:
    """Something is said, then it is waited for an hour, then something else is said."""
    return await on.journey(
        step("say", "message", {"next": "rest", "refused": "rest"}, **SAY), step("rest", "wait", {"next": "more"}, seconds=HOUR),
        step("more", "message", {"next": "last", "refused": "last"}, **SAY), step("last", "wait", seconds=HOUR), **more,
    )


async def verb(on: Scene, name: str, journey: int, **more: Any) -> None:
    async with on.ctx.db.transaction() as conn:
        await getattr(service, name)(on.ctx, conn, SYSTEM, journey, **more)


async def take_out(on: Scene, journey: int, person: int, queued: Queued = "say") -> int:
    async with on.ctx.db.transaction() as conn:
        return (await aside.take_out(on.ctx, conn, SYSTEM, journey, person, queued=queued))[0]


async def put_back(on: Scene, journey: int, person: int) -> int:
    async with on.ctx.db.transaction() as conn:
        return await aside.put_back(on.ctx, conn, SYSTEM, journey, person)


async def states(on: Scene) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in await on.rows("select profile_id, state || coalesce(':' || reason, '') as state from delivery order by id"):
        found.setdefault(row["profile_id"], []).append(row["state"])
    return found


async def test_a_paused_journey_says_nothing_until_it_goes_on(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    await verb(on, "pause", plan.journey_id)
    await speak(on.ctx)
    assert await states(on) == {1: ["queued"], 2: ["queued"]} and on.parrot.heard == []
    await verb(on, "resume", plan.journey_id)
    await speak(on.ctx)
    assert {one.split(":")[0] for said in (await states(on)).values() for one in said} == {"sent"}
    await on.go(seconds=HOUR)
    await speak(on.ctx)
    assert [len(said) for said in (await states(on)).values()] == [2, 2]


async def test_other_journeys_go_on_speaking(on: Scene) -> None:
    one, other = await talk(on), await talk(on)
    await on.enter(one, 1)
    await on.enter(other, 2)
    await verb(on, "pause", one.journey_id)
    await speak(on.ctx)
    assert {person: said[0].split(":")[0] for person, said in (await states(on)).items()} == {1: "queued", 2: "sent"}


async def test_what_a_tick_says_while_it_is_paused_waits_too(on: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick began before the journey was paused, and opens its dispatch after that."""
    plan = await talk(on)
    opened = open_dispatch

    async def paused_meanwhile(*args: Any, **more: Any) -> Any:
        await verb(on, "pause", plan.journey_id)
        monkeypatch.setattr(effects, "open_dispatch", opened)
        return await opened(*args, **more)

    monkeypatch.setattr(effects, "open_dispatch", paused_meanwhile)
    await on.enter(plan, 1)
    await speak(on.ctx)
    assert await states(on) == {1: ["queued"]}
    await verb(on, "resume", plan.journey_id)
    await speak(on.ctx)
    assert (await states(on))[1][0].startswith("sent")


async def test_what_lost_its_meaning_while_paused_expires(on: Scene) -> None:
    plan = await on.journey(step("say", "message", {"next": "rest", "refused": "rest"}, **SAY, expires_seconds=60), step("rest", "wait", seconds=HOUR))
    await on.enter(plan, 1)
    await verb(on, "pause", plan.journey_id)
    on.clock.advance(timedelta(minutes=5))
    await verb(on, "resume", plan.journey_id)
    await speak(on.ctx)
    assert await states(on) == {1: ["expired:too_late"]}


@pytest.mark.parametrize(("queued", "then"), [("say", "sent"), ("cancel", "cancelled")])
@pytest.mark.parametrize("paused", [False, True])
async def test_ending_it_says_what_waits_or_calls_it_off(on: Scene, queued: Queued, then: str, paused: bool) -> None:
    plan, other = await talk(on), await talk(on)
    await on.enter(plan, 1, 2)
    await on.enter(other, 3)
    if paused:
        await verb(on, "pause", plan.journey_id)
    await verb(on, "finish", plan.journey_id, people="end", queued=queued)
    if queued == "cancel":
        await speak(on.ctx)  # not before they have left, either
    await run_until_idle(on.ctx, list(moving.LOOPS))
    await speak(on.ctx)
    found = {person: said[0].split(":")[0] for person, said in (await states(on)).items()}
    assert found == {1: then, 2: then, 3: "sent"}
    assert {person: reason for person, reason in (await on.over()).items()} == {1: "ended", 2: "ended"}


async def test_taking_one_out_calls_off_theirs_alone(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    assert await take_out(on, plan.journey_id, 1, "cancel") == 1
    await speak(on.ctx)
    assert {person: said for person, said in (await states(on)).items()}[1] == ["cancelled:left_journey"]
    assert (await states(on))[2][0].startswith("sent")


async def test_whoever_was_taken_out_comes_back_once_where_they_stood(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    before = await on.rows("select * from journey_run where profile_id = 1")
    on.clock.advance(timedelta(minutes=10))
    assert await take_out(on, plan.journey_id, 1) == 1
    assert await on.where() == {2: 1} and await on.over() == {1: "taken_out"}
    assert await put_back(on, plan.journey_id, 1) == 1
    assert await on.rows("select * from journey_run where profile_id = 1") == before
    assert await on.over() == {} and (await on.told(1))[-1]["d"] == "put_back"
    with pytest.raises(NobodyToPutBack):
        await put_back(on, plan.journey_id, 1)
    await on.go(minutes=50)
    await speak(on.ctx)
    assert await on.where() == {1: 3, 2: 3}
    assert {person: len(said) for person, said in (await states(on)).items()} == {1: 2, 2: 2}


async def test_whose_wait_was_over_meanwhile_goes_on_at_once_and_after_a_day_it_is_too_late(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    await take_out(on, plan.journey_id, 1)
    await on.go(hours=23)
    await put_back(on, plan.journey_id, 1)
    await on.go()
    assert (await on.where())[1] == 3
    await take_out(on, plan.journey_id, 1)
    await on.go(hours=25)
    with pytest.raises(NobodyToPutBack):
        await put_back(on, plan.journey_id, 1)
    await on.enter(plan, 3)
    await take_out(on, plan.journey_id, 3)
    assert [row["profile_id"] for row in await on.rows("select profile_id from journey_aside")] == [3]  # the other is forgotten


async def test_nobody_comes_back_into_what_they_are_in_again_or_what_is_over(on: Scene) -> None:
    plan = await talk(on, again=Again(rule="always"))
    await on.enter(plan, 1, 2)
    await take_out(on, plan.journey_id, 1)
    await on.enter(plan, 1)
    with pytest.raises(PutBackRefused, match="again"):
        await put_back(on, plan.journey_id, 1)
    await take_out(on, plan.journey_id, 2)
    await verb(on, "finish", plan.journey_id, people="go_on")
    with pytest.raises(JourneyStateConflict):
        await put_back(on, plan.journey_id, 2)


async def test_who_comes_back_to_what_was_edited_is_moved_as_everybody_was(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    await take_out(on, plan.journey_id, 1)
    async with on.ctx.db.transaction() as conn:
        later = await publish(conn, plan.journey_id, plan.definition, on.clock.now(), 2)
        await moving.begin_move(conn, plan.journey_id, before=plan.version_id, after=later.version_id, kind="move", back=False,
                                step_map={}, total=1, by="me", now=on.clock.now())  # fmt: skip
        await conn.execute("update journey_move set opened = opened - interval '1 hour'")
    await run_until_idle(on.ctx, list(moving.LOOPS))
    assert (await on.rows("select state from journey_move"))[0]["state"] == "done"
    await put_back(on, plan.journey_id, 1)
    await run_until_idle(on.ctx, list(moving.LOOPS))
    rows = await on.rows("select profile_id, version_id from journey_run order by 1")
    assert [(row["profile_id"], row["version_id"]) for row in rows] == [(1, later.version_id), (2, later.version_id)]
    assert await put_back_fails(on, plan.journey_id)


async def put_back_fails(on: Scene, journey: int) -> bool:
    try:
        await put_back(on, journey, 1)
    except NobodyToPutBack:
        return True
    return False


async def test_an_answer_that_came_too_late_is_asked_for_again(on: Scene) -> None:
    plan = await on.journey(step("ask", "webhook", {"ok": "rest", "failed": "rest"}, url="https://example.com/"), step("rest", "wait", seconds=HOUR))
    await on.enter(plan, 1)
    await take_out(on, plan.journey_id, 1)
    await on.do("update journey_ask set state = 'too_late', ended_at = %s, status = 200", on.clock.now())
    await put_back(on, plan.journey_id, 1)
    row = (await on.rows("select state, status, ended_at from journey_ask"))[0]
    assert row == {"state": "waiting", "status": None, "ended_at": None}


async def test_a_merge_that_is_undone_gives_back_what_it_ended(on: Scene) -> None:
    plan = await talk(on)
    await on.enter(plan, 1, 2)
    await on.go(minutes=10)
    async with on.ctx.db.transaction() as conn:
        await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 'test')")
        await conn.execute("update profile set merged_into = 1 where id = 2")
        await merging.merged(on.ctx, conn, ProfilesMerged([2], [1]))
    assert await on.where() == {1: 1} and await on.over() == {2: "merged"}
    async with on.ctx.db.transaction() as conn:
        await conn.execute("delete from alias where from_id = 2")
        await conn.execute("update profile set merged_into = null where id = 2")
        await merging.parted(on.ctx, conn, MergeUndone(2, 1))
        await merging.parted(on.ctx, conn, MergeUndone(2, 1))  # told twice, it is done once
    assert await on.where() == {1: 1, 2: 1} and await on.over() == {}
    assert (await on.told(2))[-1]["d"] == "parted"
    await on.go(minutes=50)
    assert await on.where() == {1: 3, 2: 3}
