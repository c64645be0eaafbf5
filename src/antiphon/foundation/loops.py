"""Hot background work: loops over leased buckets, woken by what is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from antiphon.foundation.leases import Held, LeaseLost, Leases
from antiphon.foundation.postgres import Connection, PostgresError
from antiphon.foundation.tasks import end_task
from antiphon.foundation.telemetry import get_logger, registry

if TYPE_CHECKING:
    from antiphon.foundation.context import Context

log = get_logger(__name__)
_CHANNEL = "antiphon_wake"
_ticks = Histogram("antiphon_loop_tick_seconds", "Duration of a loop's tick", ["loop"], registry=registry)
_failures = Counter("antiphon_loop_failures", "Ticks that raised", ["loop"], registry=registry)


@dataclass(frozen=True)
class Loop:
    """Work that goes on for ever, divided into buckets. `tick` does some and says whether there may be more at once."""

    name: str
    tick: Callable[[Context, Held], Awaitable[bool]]
    interval: float = 1.0
    """Seconds between ticks when nothing wakes it."""
    buckets: int = 64
    """How many parts the work has; 1 for work of a whole installation."""


async def wake(conn: Connection, *loops: str) -> None:
    """Make these loops tick as soon as the transaction commits, in whichever process holds them."""
    for loop in loops:
        await conn.execute("select pg_notify(%s, %s)", (_CHANNEL, loop))


class LoopRunner:
    """Runs the loops of one worker process: one task a loop, one heartbeat, one listener."""

    def __init__(self, ctx: Context, loops: Sequence[Loop], leases: Leases | None = None) -> None:
        self.ctx = ctx
        self.loops = list(loops)
        self.leases = leases or Leases(ctx.db, ctx.node, ctx.kind)
        self._wake = {loop.name: asyncio.Event() for loop in loops}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.leases.beat()
        for loop in self.loops:
            await self.leases.declare(loop.name, loop.buckets)
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._listen())]
        self._tasks += [asyncio.create_task(self._run(loop), name=loop.name) for loop in self.loops]

    async def stop(self) -> None:
        """Let every tick that runs come to its end, then give the leases back."""
        self._stopping.set()
        for event in self._wake.values():
            event.set()
        working = self._tasks[2:]
        await asyncio.gather(*working, return_exceptions=True)
        for task in self._tasks[:2]:
            await end_task(task)
        await self.leases.leave([loop.name for loop in self.loops])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.leases.term.total_seconds() / 5)
            try:
                await self.leases.beat()
            except Exception as failed:
                log.warning("heartbeat failed", error=repr(failed))

    async def _listen(self) -> None:
        while True:
            try:
                conn = await self.ctx.db.dedicated()
                try:
                    await conn.execute(f"listen {_CHANNEL}")
                    for event in self._wake.values():
                        event.set()  # whatever was said while nobody listened
                    async for notify in conn.notifies():
                        if notify.payload in self._wake:
                            self._wake[notify.payload].set()
                finally:
                    await conn.close()
            except asyncio.CancelledError:
                raise
            except Exception as failed:
                log.warning("listening failed", error=repr(failed))
                await asyncio.sleep(1)

    async def _run(self, loop: Loop) -> None:
        event = self._wake[loop.name]
        held: Held | None = None
        shared_at = 0.0
        pause = 0.0
        while not self._stopping.is_set():
            more = False
            try:
                now = time.monotonic()
                if held is None or now - shared_at > self.leases.term.total_seconds() / 5:
                    held = await self.leases.share(loop.name, loop.buckets)
                    held.leaving = self._stopping.is_set
                    shared_at = now
                event.clear()  # also where the work is another's: an event left set would make this wait for nothing, for ever
                if held.epochs:
                    with _ticks.labels(loop.name).time():
                        more = await loop.tick(self.ctx, held)
                pause = loop.interval if held.epochs else min(1.0, loop.interval)
            except LeaseLost:
                held, pause = None, 0.1
            except PostgresError as failed:
                held, pause = None, min(max(0.2, pause * 2), 10.0)
                _failures.labels(loop.name).inc()
                log.warning("tick failed", loop=loop.name, error=repr(failed))
            except Exception:
                held, pause = None, min(max(0.5, pause * 2), 30.0)
                _failures.labels(loop.name).inc()
                log.exception("tick failed", loop=loop.name)
            if more or self._stopping.is_set():
                await asyncio.sleep(0)
                continue
            try:
                await asyncio.wait_for(event.wait(), pause)
            except TimeoutError:
                pass


async def run_until_idle(ctx: Context, loops: Sequence[Loop], rounds: int = 1000) -> None:
    """Tick these loops in this process until none has more to do: for tests, rehearsals and one-process commands."""
    leases = Leases(ctx.db, ctx.node, ctx.kind)
    await leases.beat()
    for loop in loops:
        await leases.declare(loop.name, loop.buckets)
    try:
        for _ in range(rounds):
            busy = False
            for loop in loops:
                held = await leases.share(loop.name, loop.buckets)
                busy = (bool(held.epochs) and await loop.tick(ctx, held)) or busy
            if not busy:
                return
        raise RuntimeError(f"still busy after {rounds} rounds: {', '.join(loop.name for loop in loops)}")
    finally:
        await leases.leave([loop.name for loop in loops])
