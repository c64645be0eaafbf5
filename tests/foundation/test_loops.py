"""The runner of loops: whoever holds no bucket of one waits in peace, however often it is woken."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.foundation.context import Context
from antiphon.foundation.leases import Held, Leases
from antiphon.foundation.loops import Loop, LoopRunner, wake

pytestmark = pytest.mark.store


async def test_a_loop_whose_work_is_anothers_does_not_spin_when_woken(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[str] = []

    async def tick(ctx: Context, held: Held) -> bool:
        ticks.append("ticked")
        return False

    loop = Loop("tests.one", tick, interval=0.2, buckets=1)
    holder = LoopRunner(ctx, [loop], Leases(ctx.db, "holder", "worker"))
    await holder.start()
    async with asyncio.timeout(60):
        while not ticks:
            await asyncio.sleep(0.02)
    idle = LoopRunner(ctx, [loop], Leases(ctx.db, "idle", "worker"))
    await idle.start()
    await asyncio.sleep(0.3)
    waits = 0
    real = asyncio.wait_for

    async def counted(*args: object, **more: object) -> object:
        nonlocal waits
        waits += 1
        return await real(*args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(asyncio, "wait_for", counted)
    async with ctx.db.transaction() as conn:
        await wake(conn, "tests.one")
    await asyncio.sleep(0.5)
    assert ticks and waits < 30, f"{waits} rounds in half a second"
    monkeypatch.undo()
    await idle.stop()
    await holder.stop()
