"""Rule of speed 2: concurrent single requests are coalesced into one set-based statement, each getting its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from antiphon.foundation.errors import AntiphonError, Overloaded

In = TypeVar("In")
Out = TypeVar("Out")
Done = Callable[[Out | Exception], None]


MOST = 0.75  # of those who asked at once the last time


class QueueFull(Overloaded):
    """More is waiting to be stored than this process keeps; try again in a moment."""


class BatcherClosed(Overloaded):
    """This process is shutting down; try again."""


class Batcher(Generic[In, Out]):
    """Collects items for at most `max_delay` seconds or until `max_items`, then flushes them as one list.

    While a flush runs the next batch fills, so a slow store makes batches larger, not the queue of statements longer.
    With `gather` instead of a `max_delay`, one who asks alone is never kept waiting; but where several asked at once the last
    time, a batch waits up to `gather` seconds until most of them are back, for each flush costs as much as many items in it.
    `flush` returns one answer per item in order; an answer that is an exception is raised to its own caller, an
    exception raised by `flush` to all callers of that batch. Beyond `max_queue` waiting items `submit` raises QueueFull.
    """

    def __init__(
        self,
        flush: Callable[[list[In]], Awaitable[list[Out | AntiphonError]]],
        *,
        max_items: int = 1000,
        max_delay: float = 0.003,
        gather: float = 0.0,
        max_queue: int = 10_000,
    ) -> None:
        self._flush = flush
        self._max_items = max_items
        self._max_delay = max_delay
        self._gather = gather
        self._max_queue = max_queue
        self._waiting: list[tuple[In, Done[Out]]] = []
        self._asking = 0  # how many asked at once, of late
        self._enough = max_items
        self._pause: asyncio.Future[None] | None = None  # ends when enough wait, or it was long enough
        self._some = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: In) -> Out:
        """Hand in one item and wait for its own answer. Raises QueueFull, or what the flush said of this item."""
        answer: asyncio.Future[Out] = asyncio.get_running_loop().create_future()

        def done(result: Out | Exception) -> None:
            if answer.done():
                return
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self.put(item, done)
        return await answer

    def put(self, item: In, done: Done[Out]) -> None:
        """Hand in one item; `done` hears its answer, or what went wrong, once, and must not raise. Raises QueueFull."""
        if self._closing:
            raise BatcherClosed
        waiting = self._waiting
        if len(waiting) >= self._max_queue:
            raise QueueFull
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        waiting.append((item, done))
        if len(waiting) == 1:
            self._some.set()
        if self._pause is not None and len(waiting) >= self._enough:
            self._end_pause()

    async def close(self) -> None:
        """Flush everything that was accepted, then stop."""
        self._closing = True
        self._some.set()
        self._end_pause()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            if not self._closing:
                await self._fill()
            batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
            if not self._waiting and not self._closing:
                self._some.clear()
            if batch:
                await self._answer(batch)
                self._asking = max(len(batch) + len(self._waiting), self._asking * 3 // 4)
            elif self._closing:
                return

    async def _fill(self) -> None:
        """Let the batch fill for a while."""
        delay, enough = self._max_delay, self._max_items
        if not delay and self._gather:
            delay, enough = self._gather, min(enough, int(self._asking * MOST))
        if not delay or len(self._waiting) >= enough:
            return
        loop = asyncio.get_running_loop()
        self._enough, self._pause = enough, loop.create_future()
        timer = loop.call_later(delay, self._end_pause)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None

    def _end_pause(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def _answer(self, batch: list[tuple[In, Done[Out]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
            if len(answers) != len(batch):
                raise RuntimeError(f"a flush of {len(batch)} items gave {len(answers)} answers")
        except Exception as failed:
            for _, done in batch:
                done(failed)
            return
        for (_, done), answer in zip(batch, answers, strict=True):
            done(answer)
