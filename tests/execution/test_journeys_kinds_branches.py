"""Steps from which people go different ways."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from pyroaring import BitMap
from tests.execution.cast import Parrot, speak
from tests.execution.journeys_cast import step
from tests.execution.journeys_stage import TEXT, Scene, scene

from antiphon.awareness.segments.bitmaps import encode
from antiphon.decisioning.experiments import fractions_of
from antiphon.execution.journeys.model import Again, Step
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found


def ends(*names: str) -> list[Step]:
    return [step(name, "end", reason=name) for name in names]


async def plans(on: Scene, **plan: str) -> None:
    """People by number, and their plan."""
    await on.know(plan="text", n="number")
    for person, value in plan.items():
        await on.do("update profile set traits = traits || jsonb_build_object('plan', %s::text) where id = %s", value, int(person[1:]))


def is_on(value: str) -> dict[str, str]:
    return {"kind": "trait", "trait": "plan", "op": "is", "value": value}


async def test_a_condition(on: Scene) -> None:
    await plans(on, p1="gold", p2="tin")
    plan = await on.journey(step("ask", "condition", {"yes": "yes", "no": "no"}, condition=is_on("gold")), *ends("yes", "no"))
    await on.enter(plan, 1, 2, 3)
    assert await on.over() == {1: "yes", 2: "no", 3: "no"}


async def test_the_first_that_matches(on: Scene) -> None:
    await plans(on, p1="gold", p2="tin", p3="wood")
    arms = [{"key": "rich", "condition": is_on("gold")},
            {"key": "any", "condition": {"kind": "trait", "trait": "plan", "op": "in", "values": ["gold", "tin"]}}]  # fmt: skip
    plan = await on.journey(step("ask", "first_match", {"rich": "rich", "any": "any", "else": "rest"}, arms=arms), *ends("rich", "any", "rest"))
    await on.enter(plan, 1, 2, 3, 4)
    assert await on.over() == {1: "rich", 2: "any", 3: "rest", 4: "rest"}


async def test_members_of_a_segment(on: Scene) -> None:
    await plans(on, p3="gold")
    await on.do("insert into segment (name, description, kind, tree, refs, created_at, updated_at) overriding user value"
                " values ('list', '', 'static', null, '{}', now(), now())")  # fmt: skip
    (row,) = await on.rows("select id from segment")
    await on.do("insert into segment_base (segment_id, seq, ids, size) values (%s, 1, %s, 2)", row["id"], encode(BitMap([1, 2])))
    plan = await on.journey(step("ask", "in_segment", {"yes": "yes", "no": "no"}, segment_id=row["id"]), *ends("yes", "no"))
    await on.enter(plan, 1, 2, 3)
    assert await on.over() == {1: "yes", 2: "yes", 3: "no"}


async def test_what_became_of_an_earlier_message(on: Scene) -> None:
    await on.do("update consent_state set state = 'withdrawn' where profile_id = 3")
    plan = await on.journey(
        step("hello", "message", {"next": "rest", "refused": "rest"}, channel="parrot", topic="news", content=TEXT),
        step("rest", "wait", {"next": "opened"}, seconds=60),
        step("opened", "engagement", {"yes": "yes", "no": "failed"}, step="hello", what="opened"),
        step("failed", "engagement", {"yes": "lost", "no": "no"}, step="hello", what="failed"), *ends("yes", "no", "lost"),
    )  # fmt: skip
    await on.enter(plan, 1, 2, 3)
    await speak(on.ctx)
    await on.do("update delivery set opened_at = now() where profile_id = 1")
    await on.go(minutes=1)
    assert await on.over() == {1: "yes", 2: "no", 3: "lost"}
    assert (await on.told(2))[-3]["w"] == {"found": "sent"}


async def test_a_channel_by_wish_by_price_and_by_the_last_answer(ctx: Context, clock: VirtualClock) -> None:
    raven = Parrot("raven")
    async with scene(ctx, clock, raven) as on:
        await on.do("insert into consent_state select profile_id, 'raven', topic, state, at, 0 from consent_state where profile_id in (1, 2)")
        await on.do("delete from consent_state where profile_id = 4")
        await on.do("insert into preference (profile_id, aspect, value, at, source, change_id) select i, 'channel', '\"raven\"', now(), 't', 0"
                    " from unnest('{1, 3}'::bigint[]) i")  # fmt: skip
        await on.do("insert into account_terms (account_id, price_micros, updated_at) select id, 9, now() from channel_account where channel = 'parrot'")
        await on.do("insert into dialogue (profile_id, channel, at, text) values (2, 'raven', %s, 'croak')", clock.now())
        both = {"channels": ["parrot", "raven"], "topic": "news"}
        for how, expected in (
            ("preferred", {1: "raven", 2: "parrot", 3: "parrot", 4: "none"}), ("first", {1: "parrot", 2: "parrot", 3: "parrot", 4: "none"}),
            ("cheapest", {1: "raven", 2: "raven", 3: "parrot", 4: "none"}), ("last_heard", {1: "parrot", 2: "raven", 3: "parrot", 4: "none"}),
        ):  # fmt: skip
            ways = {one: one for one in ("parrot", "raven", "none")}
            await on.enter(await on.journey(step("which", "channel", ways, how=how, **both), *ends("parrot", "raven", "none")), 1, 2, 3, 4)
            assert await on.over() == expected, how
            await on.do("delete from journey_past")


async def test_people_are_divided_always_alike(on: Scene) -> None:
    parts = [{"key": "a", "share": 1}, {"key": "b", "share": 0}, {"key": "c", "share": 3}]
    plan = await on.journey(step("cut", "split", {"a": "a", "b": "b", "c": "c"}, parts=parts), *ends("a", "b", "c"),
                            again=Again(rule="always"))  # fmt: skip
    await on.enter(plan, 1, 2, 3, 4, 5, 6)
    drawn = fractions_of(on.ctx.secret, f"journey/{plan.journey_id}/cut", np.arange(1, 7))
    expected = {person: "a" if one < 0.25 else "c" for person, one in zip(range(1, 7), drawn, strict=True)}
    assert await on.over() == expected
    await on.do("delete from journey_past")
    await on.enter(plan, 6, 5, 4, 3, 2, 1)
    assert await on.over() == expected


async def test_a_holdout_keeps_the_same_people_out(on: Scene) -> None:
    plan = await on.journey(step("keep", "holdout", {"in": "in", "out": "out"}, percent=50, name="spring"), *ends("in", "out"))
    await on.enter(plan, 1, 2, 3, 4, 5, 6)
    out = fractions_of(on.ctx.secret, "holdout/spring", np.arange(1, 7)) < 0.5
    assert await on.over() == {person: "out" if one else "in" for person, one in zip(range(1, 7), out, strict=True)}
    assert set(out.tolist()) == {True, False}


async def test_arms_of_a_running_experiment(on: Scene) -> None:
    ways = {"a": "a", "b": "b", "none": "none"}
    steps = [step("test", "experiment", ways, experiment="words", arms=["a", "b"]), *ends("a", "b", "none")]
    await on.enter(await on.journey(*steps), 1)
    assert await on.over() == {1: "none"}  # nothing runs by that key
    design = '{"name": "Words", "arms": [{"key": "a"}, {"key": "b"}]}'
    await on.do("insert into experiment (key, kind, state, salt, design, created_at, created_by, updated_at, started_at)"
                " values ('words', 'random', 'running', 's', %s, now(), 't', now(), now())", design)  # fmt: skip
    await on.do("delete from journey_past")
    await on.enter(await on.journey(*steps), 1, 2, 3, 4, 5, 6)
    went = await on.over()
    assert set(went.values()) == {"a", "b"}
    exposed = await on.rows("select profile_id, arm from experiment_exposure")
    assert {row["profile_id"]: "ab"[row["arm"]] for row in exposed} == went
    await on.do("update experiment set state = 'stopped', stopped_at = now()")
    await on.do("delete from journey_past")
    await on.do("delete from experiment_exposure where profile_id = 6")
    await on.enter(await on.journey(*steps), 1, 2, 3, 4, 5, 6)
    assert await on.over() == went | {6: "none"}  # those inside keep their arms, and nobody new comes in


async def test_what_they_said_last_on_any_channel(on: Scene) -> None:
    await on.do("insert into dialogue (profile_id, channel, at, text) values (1, 'sms', %s, 'Yes, PLEASE'), (2, 'email', %s, 'no')",
                on.clock.now(), on.clock.now())  # fmt: skip
    for settings, yes in (
        ({"words": ["please", "sure"]}, {1}), ({"channel": "email"}, {2}), ({"open": True}, {1, 2}), ({"open": False}, {3}),
        ({"within_seconds": 60}, {1, 2}), ({"channel": "sms", "words": ["no"]}, set()),
    ):  # fmt: skip
        plan = await on.journey(step("heard", "dialogue", {"yes": "yes", "no": "no"}, **settings), *ends("yes", "no"))
        await on.enter(plan, 1, 2, 3)
        assert {person for person, why in (await on.over()).items() if why == "yes"} == yes, settings
        await on.do("delete from journey_past")
