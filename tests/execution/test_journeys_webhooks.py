"""Webhook steps: another system is asked outside any transaction, signed, and its answer moves the person once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.execution.cast import add_account, add_people, speak, stage
from tests.execution.http_emulator import Asked, HttpServer, Said, http_server
from tests.execution.journeys_cast import publish, step
from tests.execution.journeys_stage import Scene, scene

from antiphon.execution.channels.webhook import WebhookChannel, verify
from antiphon.execution.journeys import asking, personal
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.model import Definition
from antiphon.foundation import faults
from antiphon.foundation.clock import VirtualClock
from antiphon.foundation.context import Context
from antiphon.foundation.leases import Leases

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDS = (step("ok", "end", reason="ok"), step("failed", "end", reason="failed"))


@pytest.fixture
async def on(ctx: Context, clock: VirtualClock) -> AsyncIterator[Scene]:
    async with scene(ctx, clock) as found:
        yield found
        if ctx.has(asking.Asker):
            await ctx.get(asking.Asker).outbound.close()


@asynccontextmanager
async def system(answer: Callable[[Asked], Awaitable[Said]]) -> AsyncIterator[HttpServer]:
    async with http_server(answer) as server:
        yield server


async def says_yes(asked: Asked) -> Said:
    return Said(body=b'{"score": 7, "words": ["a"]}')


async def asks(on: Scene, server: HttpServer | None, **settings: Any) -> Plan:
    url = f"http://127.0.0.1:{server.port}/score" if server else "http://127.0.0.1:9/"
    hook = step("score", "webhook", {"ok": "ok", "failed": "failed"}, **({"url": url} | settings))
    return await on.journey(hook, *ENDS)


async def failure(on: Scene, person: int) -> Any:
    """The facts with which somebody went by `failed`."""
    return next(line["w"] for line in await on.told(person) if line["d"] == "failed")


async def test_it_is_asked_signed_and_the_answer_goes_along(on: Scene) -> None:
    await on.know(first_name="text")
    async with system(says_yes) as server:
        hook = step("score", "webhook", {"ok": "say", "failed": "failed"}, url=f"http://127.0.0.1:{server.port}/score", secret=SECRET,
                    headers={"X-Shop": "7"}, traits=["first_name"], data={"order": {"path": "entry.order"}, "kind": {"value": "a"}})  # fmt: skip
        say = step("say", "message", {"next": "rest"}, channel="parrot", topic="news",
                   content={"subject": "s", "text": "You have {{ answers.score.body.score }}"})  # fmt: skip
        plan = await on.journey(hook, say, *ENDS, step("rest", "wait", seconds=60))
        await on.enter(plan, 1, memory={"entry": {"order": "A-7"}})
        assert await on.where() == {1: 0}
        assert server.asked == []
        await on.ask()
        (asked,) = server.asked
        assert msgspec.json.decode(asked.body) == {
            "profile_id": 1, "journey_id": plan.journey_id, "step": "score", "at": "2026-06-01T12:00:00+00:00",
            "traits": {"first_name": "P1"}, "data": {"order": "A-7", "kind": "a"},
        }  # fmt: skip
        assert (asked.method, asked.headers["x-shop"]) == ("POST", "7")
        run = (await on.rows("select id, memory from journey_run"))[0]
        assert verify(SECRET, asked.headers, asked.body, on.clock.now()) == f"journey_{run['id']}_score_0"
        answer = run["memory"]["answers"]["score"]
        assert (answer["ok"], answer["status"], answer["body"]) == (True, 200, {"score": 7, "words": ["a"]})
        assert await on.where() == {1: 4}
        (row,) = await on.rows("select variables from delivery")
        assert row["variables"]["answers"]["score"]["body"]["score"] == 7
        sealed = (await on.rows("select url, sealed from journey_request"))[0]["sealed"]
        assert SECRET.encode() not in bytes(sealed)
        await speak(on.ctx)
        await on.ask()
        assert len(server.asked) == 1


async def test_a_refusal_fails_at_once_and_a_fault_is_asked_again(on: Scene) -> None:
    script = [Said(status=500), Said(status=429, headers={"retry-after": "45"}), Said(status=200, body=b"fine"), Said(status=422, body=b'{"why": 1}')]

    async def answer(asked: Asked) -> Said:
        return script.pop(0)

    async with system(answer) as server:
        plan = await asks(on, server)
        await on.enter(plan, 1)
        await on.ask()
        (row,) = await on.rows("select state, attempts, reason, due_at from journey_ask")
        assert (row["state"], row["attempts"], row["reason"]) == ("waiting", 1, "server_failed")
        await on.ask()
        assert len(server.asked) == 1  # not before it is due
        on.clock.set(row["due_at"])
        await on.ask()
        (row,) = await on.rows("select state, due_at from journey_ask")
        assert (row["due_at"] - on.clock.now()).total_seconds() >= 45
        on.clock.set(row["due_at"])
        await on.ask()
        assert await on.over() == {1: "ok"}
        assert {asked.headers["webhook-id"] for asked in server.asked} == {server.asked[0].headers["webhook-id"]}
        await on.enter(plan, 2)
        await on.ask()
        assert (await on.over())[2] == "failed"
        assert (await failure(on, 2)) == {"reason": "refused", "status": 422}


async def test_one_that_never_answers_is_given_up_with_a_reason(on: Scene) -> None:
    async def answer(asked: Asked) -> Said:
        return Said(silent=True)

    asker = asking.Asker()
    await asker.outbound.close()
    asker.outbound = asking.Outbound(timeout=0.2)
    on.ctx.put(asking.Asker, asker)
    async with system(answer) as server:
        await on.enter(await asks(on, server, give_up_seconds=60), 1)
        for _ in range(4):
            await on.ask()
            await on.go(seconds=15)
        await on.ask()
        assert await on.over() == {1: "failed"}
        assert (await failure(on, 1))["reason"] == "no_answer"
        (row,) = await on.rows("select state, reason from journey_ask")
        assert (row["state"], row["reason"]) == ("failed", "no_answer")
        assert 2 <= len(server.asked) <= 4


async def test_whoever_asks_nobody_goes_on_when_the_time_is_out(on: Scene) -> None:
    """Even where no process asks at all, the wait ends."""
    await on.enter(await asks(on, None, give_up_seconds=60), 1)
    await on.go(seconds=61)
    assert await on.over() == {1: "failed"}
    assert (await on.told(1))[-2]["w"] == {"reason": "no_answer"}


async def test_an_inside_address_is_never_called(on: Scene) -> None:
    await on.enter(await asks(on, None, url="http://169.254.169.254/latest/meta-data"), 1)
    await on.ask()
    assert (await failure(on, 1))["reason"] == "address_refused"


async def test_an_answer_is_brought_once_and_too_late_ones_are_dropped(on: Scene) -> None:
    async with system(says_yes) as server:
        await on.enter(await asks(on, server), 1, 2)
        leases = Leases(on.ctx.db, on.ctx.node, on.ctx.kind)
        await leases.beat()
        await leases.declare(asking.ASK_LOOP, asking.BUCKETS)
        held = await leases.share(asking.ASK_LOOP, asking.BUCKETS)
        async with on.ctx.db.transaction() as conn:
            params = {"buckets": held.buckets, "now": on.clock.now(), "most": 10, "claimed_to": on.clock.now() + asking.CLAIMED}
            asked = [asking.Asked(*row) for row in await (await conn.execute(asking.SQL.claim, params)).fetchall()]
        await leases.leave([asking.ASK_LOOP])
        assert {one.profile_id for one in asked} == {1, 2}
        outcome = asking.Outcome(state="answered", status=200, body={"a": 1})
        await on.do("delete from journey_run where profile_id = 2")  # they left meanwhile
        brought = []
        for _ in range(2):  # the process that brought it died before it knew: it is brought again
            async with on.ctx.db.transaction() as conn:
                brought.append(await asking.bring(conn, asked, [outcome] * 2, on.clock.now()))
        assert brought == [1, 0]
        await on.go()
        assert await on.over() == {1: "ok"}
        states = await on.rows("select profile_id, state from journey_ask order by 1")
        assert [(row["profile_id"], row["state"]) for row in states] == [(1, "answered"), (2, "too_late")]


async def test_an_answer_finds_who_an_edit_moved_or_a_merge(on: Scene) -> None:
    async with system(says_yes) as server:
        plan = await asks(on, server)
        await on.enter(plan, 1, 2)
        hook = plan.steps[0].step
        async with on.ctx.db.transaction() as conn:  # another version, in which the step has another number
            other = await publish(conn, plan.journey_id, Definition(start="ok", steps=[*ENDS, hook]), on.clock.now(), 2)
            await conn.execute("update journey_run set version_id = %s, step = 2, moved = true where profile_id = 1", (other.version_id,))
            await conn.execute("update journey_run set profile_id = 3 where profile_id = 2")  # who was merged into 3
            await conn.execute("insert into alias (from_id, to_id, into_id, at, reason) values (2, 3, 3, now(), 'test')")
        await on.ask()
        assert await on.over() == {1: "ok", 3: "ok"}


async def test_two_processes_ask_once(on: Scene) -> None:
    async def slowly(asked: Asked) -> Said:
        await asyncio.sleep(0.1)
        return Said()

    async with system(slowly) as server:
        await on.enter(await asks(on, server), 1, 2, 3)
        held = []
        for name in ("one", "other"):
            leases = Leases(on.ctx.db, name, on.ctx.kind)
            await leases.beat()
            await leases.declare(asking.ASK_LOOP, asking.BUCKETS)
            held.append((leases, await leases.share(asking.ASK_LOOP, asking.BUCKETS)))
        await asyncio.gather(*(asking.ask_all(on.ctx, one) for _, one in held))
        for leases, _ in held:
            await leases.leave([asking.ASK_LOOP])
        assert len(server.asked) == 3


async def test_what_was_asked_is_exported_and_erased(on: Scene) -> None:
    await on.do("insert into dialogue (profile_id, channel, at, text) values (1, 'sms', now(), 'Yes')")
    async with system(says_yes) as server:
        await on.enter(await asks(on, server), 1)
        await on.enter(await on.journey(step("raise", "raise_event", event="Thanked")), 1)
        async with on.ctx.db.transaction() as conn:
            found = await personal.export(on.ctx, conn, 1)
            assert (found["asked"][0]["step"], found["dialogue"][0]["text"], found["raised"][0]["event"]["event"]) == ("score", "Yes", "Thanked")
            await personal.erase(on.ctx, conn, 1)
            found = await personal.export(on.ctx, conn, 1)
            assert not any(found.values())
        await on.ask()
        assert server.asked == []




async def test_one_that_is_silent_keeps_nobody_waiting(on: Scene) -> None:
    async def answer(asked: Asked) -> Said:
        return Said(silent=True) if asked.path == "/score" else Said()

    asker = asking.Asker()
    await asker.outbound.close()
    asker.outbound = asking.Outbound(timeout=3.0, connections=asking.AT_ONCE)
    on.ctx.put(asking.Asker, asker)
    async with system(answer) as server:
        silent = await asks(on, server)
        quick = await asks(on, server, url=f"http://127.0.0.1:{server.port}/quick")
        await on.enter(silent, 1, 2, 3)
        await on.enter(quick, 4, 5)
        began = asyncio.get_running_loop().time()
        under_way = asyncio.create_task(on.ask())
        while (len(await on.rows("select 1 from journey_ask where state = 'answered'"))) < 2:
            await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began < 3.0  # before the silent ones are given up
        await under_way
        assert set(await on.over()) == {4, 5}
        asked = len(server.asked)
        on.clock.advance(timedelta(minutes=1))
        await on.ask()  # three were silent in a row: their address is left alone
        assert len(server.asked) == asked
        assert {row["attempts"] for row in await on.rows("select attempts from journey_ask where state = 'waiting'")} == {2}


async def test_who_dies_after_asking_has_it_asked_again_under_the_same_id(on: Scene) -> None:
    def dies() -> None:
        raise RuntimeError("kill -9")

    async with system(says_yes) as server:
        await on.enter(await asks(on, server), 1)
        with faults.arm("asked", dies), pytest.raises(RuntimeError, match="kill -9"):
            await on.ask()
        await on.ask()
        assert (len(server.asked), await on.over()) == (1, {})  # another process waits until the claim has run out
        on.clock.advance(asking.CLAIMED)
        await on.ask()
        await on.ask()
        assert await on.over() == {1: "ok"}
        assert len(server.asked) == 2
        assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1


async def test_it_is_signed_by_an_account_whose_secret_no_journey_holds(ctx: Context, clock: VirtualClock) -> None:
    async with stage(ctx, WebhookChannel()) as parrot, system(says_yes) as server:  # type: ignore[arg-type]
        on = Scene(ctx, clock, parrot)
        async with ctx.db.transaction() as conn:
            await add_people(conn, 3)
        parrots = await add_account(ctx)
        address = f"http://127.0.0.1:{server.port}/score"
        account = await add_account(ctx, "webhook", url=address, secret=SECRET, authorization="Bearer word")
        await on.enter(await asks(on, server, account_id=account), 1)
        await on.ask()
        assert await on.over() == {1: "ok"}
        (asked,) = server.asked
        assert verify(SECRET, asked.headers, asked.body, on.clock.now()).startswith("journey_")
        assert asked.headers["authorization"] == "Bearer word"
        for who, other in ((2, parrots), (3, 999)):  # one of another channel, and one that is gone
            await on.enter(await asks(on, server, account_id=other), who)
            await on.ask()
            assert (await failure(on, who))["reason"] == "no-channel-account"
        await ctx.get(asking.Asker).outbound.close()
