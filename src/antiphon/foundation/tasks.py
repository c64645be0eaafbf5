"""Ending background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended.

    TRICKY: before Python 3.12 `asyncio.wait_for` may swallow a cancellation that comes as its future ends, and the
    task goes on for ever; so it is cancelled again until it is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
    if not task.cancelled():
        task.exception()  # looked at, so that nobody reports it as never retrieved
