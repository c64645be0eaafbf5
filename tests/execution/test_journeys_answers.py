"""What other systems may answer with, and that a question whose answer came too late is asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.execution.http_emulator import Asked, Said, http_server
from tests.execution.journeys_cast import publish, step
from tests.execution.journeys_stage import Scene, scene

from antiphon.execution.journeys import asking
from antiphon.execution.journeys.model import Definition
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context

ENDS = (step("ok", "end", reason="ok"), step("failed", "end", reason="failed"), step("rest", "wait", seconds=60))


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found
        if ctx.has(asking.Asker):
            await ctx.get(asking.Asker).outbound.close()


ODD: list[tuple[bytes, Any]] = [
    (b'{"said": "a\\u0000b"}', {"said": "a\ufffdb"}),
    (b'{"a\\u0000": [1, "\\u0000"]}', {"a\ufffd": [1, "\ufffd"]}),
    (b"[" * 1999, "[" * 1999),
    (b"[" * 900 + b"]" * 900, "[" * 900 + "]" * 900),
    (b"x" * 3000, "x" * 2000),
    (b'{"long": "' + b"x" * 3000 + b'"}', None),
    (b"\xff\xfe\x00 not text", "\ufffd\ufffd not text"),
    (b'"\\ud800"', None),
    (b"", ""),
]


@pytest.mark.parametrize(("body", "carried"), ODD, ids=[str(n) for n in range(len(ODD))])
async def test_whatever_is_answered_moves_the_person_on(on: Scene, body: bytes, carried: Any) -> None:
    async def answer(asked: Asked) -> Said:
        return Said(body=body)

    async with http_server(answer) as server:
        hook = step("score", "webhook", {"ok": "rest", "failed": "failed"}, url=f"http://127.0.0.1:{server.port}/")
        await on.enter(await on.journey(hook, *ENDS), 1, 2)
        await on.ask()
        assert set(await on.where()) == {1, 2}
        assert [row["state"] for row in await on.rows("select state from journey_ask")] == ["answered"] * 2
        (memory, _) = [row["memory"] for row in await on.rows("select memory from journey_run")]
        if body != b'"\\ud800"':  # half a character: however it is read, it does no harm
            assert memory["answers"]["score"]["body"] == carried
        await on.go(seconds=61)
        assert set((await on.over()).values()) == {"finished"}


async def test_who_comes_back_to_a_question_that_was_answered_too_late_has_it_asked_again(on: Scene) -> None:
    """An edit took them elsewhere, the answer came, and another edit brought them back."""
    async def answer(asked: Asked) -> Said:
        return Said(body=b"{}")

    async with http_server(answer) as server:
        hook = step("score", "webhook", {"ok": "ok", "failed": "failed"}, url=f"http://127.0.0.1:{server.port}/", give_up_seconds=600)
        plan = await on.journey(hook, *ENDS)
        await on.enter(plan, 1)
        async with on.ctx.db.transaction() as conn:
            other = await publish(conn, plan.journey_id, Definition(start="rest", steps=[*ENDS]), on.clock.now(), 2)
        await on.do("update journey_run set version_id = %s, step = 2, moved = true, wake_at = null", other.version_id)
        await on.ask()
        assert [row["state"] for row in await on.rows("select state from journey_ask")] == ["too_late"]
        await on.do("update journey_run set version_id = %s, step = 0, coming = true, wake_at = %s", plan.version_id, on.clock.now())
        await on.go()
        await on.ask()
        assert len(server.asked) == 2
        assert await on.over() == {1: "ok"}
