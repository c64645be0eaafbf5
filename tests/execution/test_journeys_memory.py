"""The dialogue's memory: what any channel heard is seen by journeys; a talk begun by SMS goes on by e-mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.execution.cast import Parrot, speak
from tests.execution.journeys_cast import ids, step
from tests.execution.journeys_stage import Scene, scene

from antiphon.awareness.events.loops import LOOPS as EVENTS
from antiphon.execution.delivery import Replied
from antiphon.execution.delivery.heard import Heard
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.journeys import memory
from antiphon.execution.journeys.hearing import LOOP as HEARS
from antiphon.execution.journeys.live import facts
from antiphon.execution.journeys.ticking import LOOP as RUNS
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.loops import run_until_idle
from antiphon.foundation.notices import LISTENERS, LOOPS as NOTICES

INTAKE = EVENTS[0]


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    raven = Parrot("raven")
    async with scene(ctx, clock, raven) as found:
        await found.do("insert into consent_state select profile_id, 'raven', topic, state, at, 0 from consent_state")
        yield found


def replied(on: Scene, person: int | None, channel: str, text: str, ago: float = 0) -> Replied:
    return Replied(channel=channel, account_id=1, address="a", recipient="b", text=text, profile_id=person,
                   at=on.clock.now() - timedelta(seconds=ago))  # fmt: skip


async def hear(on: Scene, *news: Replied) -> None:
    async with on.ctx.db.transaction() as conn:
        for one in news:
            await memory.remember(on.ctx, conn, one)


async def test_the_last_word_by_channel_and_of_all(on: Scene) -> None:
    await hear(on, replied(on, 1, "parrot", "first", 60), replied(on, 1, "raven", "then", 30), replied(on, 1, "parrot", "older", 90),
               replied(on, None, "raven", "a stranger"), replied(on, 999, "raven", "nobody"), replied(on, 2, "raven", "x" * 9000 + "\0"))  # fmt: skip
    async with on.ctx.db.connection() as conn:
        one, two = await facts.remembers(conn, ids(1, 2), on.clock.now())
    assert (one["last_heard"]["channel"], one["last_heard"]["text"], one["open_conversation"]) == ("raven", "then", True)
    assert {channel: said["text"] for channel, said in one["heard"].items()} == {"raven": "then", "parrot": "first"}
    assert len(two["last_heard"]["text"]) == facts.MOST_TEXT
    assert len(await on.rows("select 1 from dialogue")) == 3


async def test_an_answer_of_ours_closes_the_conversation(on: Scene) -> None:
    await hear(on, replied(on, 1, "raven", "hello?", 60))
    plan = await on.journey(step("say", "message", channel="parrot", topic="news",
                                 content={"subject": "s", "text": "You wrote {{ dialogue.last_heard.text }} by {{ dialogue.last_heard.channel }}"}))
    await on.enter(plan, 1)
    (row,) = await on.rows("select variables from delivery")
    assert row["variables"]["dialogue"]["last_heard"]["text"] == "hello?"
    await speak(on.ctx)
    async with on.ctx.db.connection() as conn:
        (one,) = await facts.remembers(conn, ids(1), on.clock.now())
    assert (one["open_conversation"], one["last_said"]["channel"], one["last_said"]["topic"]) == (False, "parrot", "news")


async def test_who_is_one_person_has_one_memory_and_parts_with_their_own(on: Scene) -> None:
    await hear(on, replied(on, 1, "parrot", "old", 60), replied(on, 2, "parrot", "new"), replied(on, 2, "raven", "other"))
    await on.do("insert into alias (from_id, to_id, into_id, at, reason) values (2, 1, 1, now(), 'test')")
    assert await heard(on, 1) == {"parrot": "new", "raven": "other"}
    await hear(on, replied(on, 2, "raven", "to what was said to the other"))
    assert await heard(on, 1) == {"parrot": "new", "raven": "to what was said to the other"}
    await on.do("delete from alias where from_id = 2")
    assert await heard(on, 1) == {"parrot": "old"}
    assert await heard(on, 2) == {"parrot": "new", "raven": "to what was said to the other"}


async def heard(on: Scene, person: int) -> dict[str, str]:
    async with on.ctx.db.connection() as conn:
        (one,) = await facts.remembers(conn, ids(person), on.clock.now())
    return {channel: said["text"] for channel, said in one["heard"].items()}


async def test_a_talk_begun_on_one_channel_goes_on_on_another(on: Scene) -> None:
    """A question by the raven; who answers yes is written to by the parrot, whose text quotes them."""
    LISTENERS.register(memory.LISTENERS)
    plan = await on.journey(
        step("ask", "message", {"next": "answer"}, channel="raven", topic="news", content={"subject": "?", "text": "More of it?"}),
        step("answer", "wait_answer", {"answered": "said", "timeout": "silent"}, step="ask", channels=["raven"], timeout_seconds=3600),
        step("said", "dialogue", {"yes": "more", "no": "bye"}, words=["yes"], channel="raven"),
        step("more", "message", {"next": "sold"}, channel="parrot", topic="news",
             content={"subject": "More", "text": "You said: {{ dialogue.heard.raven.text }}"}),
        step("sold", "end", reason="sold"), step("bye", "end", reason="bye"), step("silent", "end", reason="silent"),
    )  # fmt: skip
    await on.enter(plan, 1, 2, 3)
    await speak(on.ctx)
    on.clock.advance(timedelta(seconds=30))
    hearing = Hearing(on.ctx)
    for person, text in ((1, "Yes, please"), (2, "never")):
        (row,) = await on.rows("select id, address from delivery where profile_id = %s", person)
        await hearing.hear(Heard(kind="replied", at=on.clock.now(), delivery_id=row["id"], profile_id=person, channel="raven",
                                 address=row["address"], text=text))  # fmt: skip
    await hearing.close()
    await run_until_idle(on.ctx, [INTAKE, HEARS, RUNS])  # faster than the notice by which the memory is told
    assert await on.over() == {1: "sold", 2: "bye"}
    await speak(on.ctx)
    assert on.parrot.heard == ["p1@example.com"]
    (row,) = await on.rows("select variables from delivery where channel = 'parrot'")
    assert row["variables"]["dialogue"]["heard"]["raven"]["text"] == "Yes, please"
    await run_until_idle(on.ctx, list(NOTICES))
    assert [row["text"] for row in await on.rows("select text from dialogue order by profile_id")] == ["Yes, please", "never"]
    await on.go(hours=1)
    assert (await on.over())[3] == "silent"
