"""The live world: what steps see of people, and what they do to them, in one transaction with their move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.cast import Parrot, speak
from tests.execution.journeys_cast import publish, step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.awareness.segments import together
from antiphon.execution.journeys.model import Definition
from antiphon.foundation import faults
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.lake import LakeUnavailable

SAY = {"channel": "parrot", "topic": "news", "content": TEXT}


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


async def test_a_message_is_said_and_refusals_go_their_way(on: Scene) -> None:
    await on.do("update consent_state set state = 'withdrawn' where profile_id = 2")
    await on.do("delete from identity where profile_id = 3")
    plan = await on.journey(step("hello", "message", {"next": "rest", "refused": "no"}, **SAY), step("rest", "wait", seconds=60),
                            step("no", "end", reason="unheard"))  # fmt: skip
    await on.enter(plan, 1, 2, 3)
    assert await on.where() == {1: 1}
    assert await on.over() == {2: "unheard", 3: "unheard"}
    reasons = {person: (await on.told(person))[0]["w"]["reason"] for person in (2, 3)}
    assert reasons == {2: "consent_withdrawn", 3: "no_address"}
    ledger = await on.rows("select profile_id, state, intent_key from delivery order by 1")
    assert [row["state"] for row in ledger] == ["queued", "suppressed", "suppressed"]
    assert ledger[0]["intent_key"].startswith(f"journey:{plan.journey_id}:{plan.version_id}:hello:")
    await speak(on.ctx)
    assert on.parrot.heard == ["p1@example.com"]


async def test_a_channel_without_an_account_is_refused_with_the_reason(on: Scene) -> None:
    plan = await on.journey(step("hello", "message", {"refused": "no"}, channel="email", topic="news", content=TEXT),
                            step("no", "end", reason="unheard"))  # fmt: skip
    await on.enter(plan, 1)
    assert (await on.told(1))[0]["w"] == {"reason": "no-channel-account"}


async def test_a_text_speaks_of_the_entry_of_answers_and_of_variables(on: Scene) -> None:
    plan = await on.journey(step("hello", "message", channel="parrot", message_class="service",
                                 content={"subject": "x", "text": "{{ event.order.id }} {{ total }} {{ first_name }}"},
                                 variables={"total": {"path": "entry.total"}}))  # fmt: skip
    said = []
    on.parrot.prepare = lambda message, account: said.append(message.content.text) or Parrot().prepare(message, account)  # type: ignore[method-assign, func-returns-value]
    await on.enter(plan, 1, memory={"entry": {"order": {"id": "A-7"}, "total": 12}})
    await speak(on.ctx)
    assert said == ["A-7 12 P1"]


async def test_a_chain_speaks_on_another_channel(ctx: Context, clock: VirtualClock) -> None:
    raven = Parrot("raven")
    async with scene(ctx, clock, raven) as on:
        await on.do("insert into consent_state select profile_id, 'raven', topic, state, at, 0 from consent_state where profile_id <> 3")
        await on.do("delete from consent_state where channel = 'parrot' and profile_id in (2, 3)")
        plan = await on.journey(step("hello", "message", {"next": "rest", "refused": "no"}, **SAY, hops=[{"channel": "raven"}]),
                                step("rest", "wait", seconds=60), step("no", "end", reason="unheard"))  # fmt: skip
        await on.enter(plan, 1, 2, 3)
        assert await on.where() == {1: 1, 2: 1}
        assert await on.over() == {3: "unheard"}
        await speak(ctx)
        assert (on.parrot.heard, raven.heard) == (["p1@example.com"], ["p2@example.com"])


async def test_an_edit_says_nothing_twice(on: Scene) -> None:
    hello, pause = step("hello", "message", {"next": "pause"}, **SAY), step("pause", "wait", {"next": "more"}, seconds=3600)
    more = step("more", "message", **SAY)
    plan = await on.journey(hello, pause, more)
    await on.enter(plan, 1)
    assert len(await on.rows("select 1 from delivery")) == 1
    async with on.ctx.db.transaction() as conn:  # an edit puts somebody before a step they have passed
        definition = Definition(start="pause", steps=[pause, hello, more])
        other = await publish(conn, plan.journey_id, definition, on.clock.now(), 2)
        await conn.execute(
            "update journey_run set version_id = %s, step = 1, moved = true, coming = true, wake_at = %s",
            (other.version_id, on.clock.now()),
        )
    await on.enter(other, 2)
    assert await on.where() == {1: 0, 2: 0}
    assert (1, "next") in await on.way(1)
    assert len(await on.rows("select 1 from delivery")) == 1  # 2 has not come to it; 1 was told before
    await on.go(hours=2)
    rows = await on.rows("select profile_id, split_part(intent_key, ':', 4) as step from delivery order by 1, id")
    assert [(row["profile_id"], row["step"]) for row in rows] == [(1, "hello"), (1, "more"), (2, "more")]


async def test_traits_are_set_by_the_rules_and_at_once(on: Scene) -> None:
    await on.do("insert into trait_rule (name, type) values ('age', 'number')")
    gold = {"kind": "trait", "trait": "plan", "op": "is", "value": "gold"}
    await on.know(plan="text")
    plan = await on.journey(
        step("set", "set_trait", {"next": "ask"},
             traits={"plan": {"value": "gold"}, "age": {"value": "old"}, "total": {"path": "entry.total"}, "first_name": {}}),
        step("ask", "condition", {"yes": "yes"}, condition=gold), step("yes", "end", reason="gold"),
    )  # fmt: skip
    await on.enter(plan, 1, 2, memory={"entry": {"total": 12.5}})
    assert await on.over() == {1: "gold", 2: "gold"}
    rows = await on.rows("select traits from profile where id in (1, 2)")
    assert [row["traits"] for row in rows] == [{"plan": "gold", "total": 12.5}] * 2
    assert len(await on.rows("select 1 from profile_dirty where profile_id in (1, 2)")) == 2


async def test_tags_are_added_and_taken_each_once(on: Scene) -> None:
    await on.do("""update profile set traits = traits || '{"tags": ["b", "x"]}' where id = 1""")
    await on.do("""update profile set traits = traits || '{"tags": "alone"}' where id = 2""")
    plan = await on.journey(step("tag", "tag", add=["a", "b"], remove=["x"]))
    await on.enter(plan, 1, 2, 3)
    assert {k: v for k, v in (await on.trait("tags")).items() if v} == {1: ["b", "a"], 2: ["alone", "a", "b"], 3: ["a", "b"]}


async def test_a_consent_is_recorded_once_with_its_evidence(on: Scene) -> None:
    plan = await on.journey(step("yes", "subscribe", {"next": "again"}, channel="email", topic="news"),
                            step("again", "subscribe", channel="email", topic="news"))  # fmt: skip
    await on.enter(plan, 1, 2)
    rows = await on.rows("select profile_id, state, source, evidence from consent order by 1")
    assert [(row["profile_id"], row["state"], row["source"]) for row in rows] == [(1, "granted", "journey"), (2, "granted", "journey")]
    assert rows[0]["evidence"] == {"note": f"journey {plan.journey_id}, version {plan.version_id}, step yes"}


async def test_an_event_is_raised_once(on: Scene) -> None:
    plan = await on.journey(step("raise", "raise_event", event="Thanked", properties={"total": {"path": "entry.total"}, "by": {"value": 1}}))
    await on.enter(plan, 1, 2, memory={"entry": {"total": 3}})
    await on.raised()
    await on.raised()
    rows = await on.rows("select convert_from(payload, 'UTF8')::jsonb as e from journal order by seq")
    assert [(row["e"]["event"], row["e"]["profileId"], row["e"]["properties"]) for row in rows] == [
        ("Thanked", 1, {"total": 3, "by": 1}), ("Thanked", 2, {"total": 3, "by": 1})]  # fmt: skip
    assert await on.rows("select 1 from journey_outgoing") == []


async def test_what_the_world_says_of_people(on: Scene) -> None:
    await on.do("""update profile set traits = traits || '{"timezone": "Asia/Tokyo"}' where id = 1""")
    await on.do("""update profile set traits = traits || '{"timezone": "nowhere"}' where id = 2""")
    await on.do("insert into preference (profile_id, aspect, value, at, source, change_id)"
                """ values (3, 'channel', '"email"', now(), 'test', 0),"""
                """ (3, 'quiet_hours', '{"from": "22:00", "to": "08:00", "zone": "Europe/Madrid"}', now(), 'test', 0)""")  # fmt: skip
    await on.do("update consent_state set state = 'pending' where profile_id = 1")
    await on.do("insert into suppression (channel, address, reason, source, at) values ('parrot', 'p2@example.com', 'complaint', 't', now())")
    from tests.execution.journeys_cast import ids

    from antiphon.execution.journeys.contract import Message
    from antiphon.execution.journeys.live import Live
    from antiphon.foundation.postgres.binary import micros

    plan = await on.journey(step("rest", "wait", seconds=60))
    async with on.ctx.db.transaction() as conn:
        world, now = Live(on.ctx, conn, plan, on.clock.now()), on.clock.now()
        who = ids(1, 2, 3, 4)
        at = ids(*[micros(now)] * 4)
        assert await world.zones(who) == ["Asia/Tokyo", "UTC", "Europe/Madrid", "UTC"]
        assert await world.preferred(who) == [None, None, "email", None]
        news = Message(channel="parrot", topic="news")
        assert (await world.reaches("parrot", news, who, at)).tolist() == [False, False, True, True]
        code = Message(channel="parrot", message_class="one_time_code")
        assert (await world.reaches("parrot", code, who, at)).tolist() == [True] * 4
        assert await world.traits(ids(2, 9), at[:2], ["first_name", "none"]) == {"first_name": ["P2", None], "none": [None, None]}
        assert await world.remembers(ids(1), at[:1]) == [
            {"last_said": None, "last_heard": None, "heard": {}, "last_offer": None, "open_conversation": False}
        ]


async def test_where_the_lake_is_away_they_wait(on: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition on all of history wants the lake: while it is away nobody goes on, and the journey is not at fault."""
    async def away(*_: Any) -> Any:
        raise LakeUnavailable

    await on.do("insert into lake_upkeep (task, done_at) values ('events.dropped', now())")
    ever = {"kind": "event", "name": "Ordered"}
    plan = await on.journey(step("ask", "condition", {"yes": "yes", "no": "no"}, condition=ever), step("yes", "end"), step("no", "end", reason="no"))
    other = await on.journey(step("rest", "wait", seconds=60))
    with monkeypatch.context() as patched:
        patched.setattr(together._People, "_cold", away)
        await on.enter(plan, 1)
        await on.enter(other, 2)
        assert await on.over() == {}
        assert {row["state"] for row in await on.rows("select state from journey")} == {"live"}
        assert (await on.where())[2] == 0
        assert [row["wake_at"] > on.clock.now() for row in await on.rows("select wake_at from journey_run where profile_id = 2")] == [True]
    await on.do("delete from lake_upkeep where task = 'events.dropped'")
    await on.go()
    assert await on.over() == {1: "no"}


async def test_an_event_is_raised_once_whatever_breaks(on: Scene) -> None:
    def breaks() -> None:
        raise RuntimeError("here")

    await on.enter(await on.journey(step("raise", "raise_event", event="Thanked")), 1, 2)
    with faults.arm("raised", breaks), pytest.raises(RuntimeError, match="here"):
        await on.raised()
    assert await on.rows("select 1 from journal") == []
    await on.raised()
    assert len(await on.rows("select 1 from journal")) == 2
