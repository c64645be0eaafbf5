"""Rule of speed 2: concurrent single requests are coalesced into one set-based statement, each getting its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from antiphon.foundation.errors import AntiphonError, Overloaded

In = TypeVar("In")
Out = TypeVar("Out")


class QueueFull(Overloaded):
    """More is waiting to be stored than this process keeps; try again in a moment."""


class BatcherClosed(Overloaded):
    """This process is shutting down; try again."""


class Batcher(Generic[In, Out]):
    """Collects items for at most `max_delay` seconds or until `max_items`, then flushes them as one list.

    While a flush runs the next batch fills, so a slow store makes batches larger, not the queue of statements longer.
    `flush` returns one answer per item in order; an answer that is an exception is raised to its own caller, an
    exception raised by `flush` to all callers of that batch. Beyond `max_queue` waiting items `submit` raises QueueFull.
    """

    def __init__(
        self,
        flush: Callable[[list[In]], Awaitable[list[Out | AntiphonError]]],
        *,
        max_items: int = 1000,
        max_delay: float = 0.003,
        max_queue: int = 10_000,
    ) -> None:
        self._flush = flush
        self._max_items = max_items
        self._max_delay = max_delay
        self._max_queue = max_queue
        self._waiting: list[tuple[In, asyncio.Future[Out]]] = []
        self._full = asyncio.Event()
        self._some = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: In) -> Out:
        """Hand in one item and wait for its own answer. Raises QueueFull, or what the flush said of this item."""
        if self._closing:
            raise BatcherClosed
        if len(self._waiting) >= self._max_queue:
            raise QueueFull
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        answer: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        self._some.set()
        if len(self._waiting) >= self._max_items:
            self._full.set()
        return await answer

    async def close(self) -> None:
        """Flush everything that was accepted, then stop."""
        self._closing = True
        self._some.set()
        self._full.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            if self._max_delay and not self._closing and len(self._waiting) < self._max_items:
                try:
                    await asyncio.wait_for(self._full.wait(), self._max_delay)
                except TimeoutError:
                    pass
            batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
            if not self._closing:
                if not self._waiting:
                    self._some.clear()
                if len(self._waiting) < self._max_items:
                    self._full.clear()
            if batch:
                await self._answer(batch)
            elif self._closing:
                return

    async def _answer(self, batch: list[tuple[In, asyncio.Future[Out]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
            if len(answers) != len(batch):
                raise RuntimeError(f"a flush of {len(batch)} items gave {len(answers)} answers")
        except Exception as failed:
            for _, future in batch:
                if not future.done():
                    future.set_exception(failed)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
